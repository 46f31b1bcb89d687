package instagram

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/meta/posting"
)

const (
	firstWait    = 3 * time.Second
	lastWait     = time.Minute      // as often as Meta advises
	lookForImage = 5 * time.Minute  // how long Instagram may work on a picture or a carousel
	lookForVideo = 12 * time.Minute // and on a film
)

// The states of a container.
const (
	statusFinished  = "FINISHED"
	statusError     = "ERROR"
	statusExpired   = "EXPIRED"
	statusPublished = "PUBLISHED"
)

// container is the body that makes one.
type container struct {
	Type     string `json:"media_type,omitempty"` // REELS, VIDEO within a carousel, CAROUSEL; none for a picture
	ImageURL string `json:"image_url,omitempty"`
	VideoURL string `json:"video_url,omitempty"`
	Caption  string `json:"caption,omitempty"`
	Alt      string `json:"alt_text,omitempty"` // of a picture
	Children string `json:"children,omitempty"` // ids with commas
	Item     bool   `json:"is_carousel_item,omitempty"`
	ToFeed   *bool  `json:"share_to_feed,omitempty"` // of a reel
	Thumb    *int   `json:"thumb_offset,omitempty"`  // milliseconds, of a reel
}

// status is how far Instagram is with a container.
type status struct {
	Code string `json:"status_code"`
	Text string `json:"status"` // names the subcode of an error
}

// contain makes the container of a post and waits until it can be published. Nothing is public by that, so no error is Unconfirmed.
func (c *conn) contain(ctx context.Context, post connectors.OutPost) (string, error) {
	if len(post.Media) == 1 {
		file := post.Media[0]
		body := reelOptions(single(file), post.Options)
		body.Caption = post.Text
		return c.make(ctx, body, file.FileName, patience(file))
	}
	var children []string
	for _, file := range post.Media {
		id, err := c.create(ctx, item(file))
		if err != nil {
			return "", err
		}
		children = append(children, id)
	}
	for i, id := range children { // they are all worked on at once
		if err := c.await(ctx, id, post.Media[i].FileName, patience(post.Media[i])); err != nil {
			return "", err
		}
	}
	return c.make(ctx, container{Type: "CAROUSEL", Children: strings.Join(children, ","), Caption: post.Text}, "", lookForImage)
}

// single is a picture, or a film, which is always a reel.
func single(file connectors.PostMedia) container {
	if file.Kind == "video" {
		return container{Type: "REELS", VideoURL: file.URL}
	}
	return container{ImageURL: file.URL, Alt: file.Alt}
}

// item is a file of a carousel.
func item(file connectors.PostMedia) container {
	body := single(file)
	if body.VideoURL != "" {
		body.Type = "VIDEO"
	}
	body.Item = true
	return body
}

// reelOptions puts what the user chose into a reel. Options of another form than Info describes do not come here.
func reelOptions(body container, options map[string]string) container {
	if body.Type != "REELS" {
		return body
	}
	if choice := options[optionFeed]; choice != "" {
		toFeed := choice == "yes"
		body.ToFeed = &toFeed
	}
	if at, err := strconv.Atoi(options[optionThumb]); err == nil {
		body.Thumb = &at
	}
	return body
}

func patience(file connectors.PostMedia) time.Duration {
	if file.Kind == "video" {
		return lookForVideo
	}
	return lookForImage
}

func (c *conn) make(ctx context.Context, body container, name string, lookFor time.Duration) (string, error) {
	id, err := c.create(ctx, body)
	if err != nil {
		return "", err
	}
	return id, c.await(ctx, id, name, lookFor)
}

func (c *conn) create(ctx context.Context, body container) (string, error) {
	var answer struct {
		ID string `json:"id"`
	}
	if err := c.graph.Post(ctx, c.edge("media"), body, &answer); err != nil {
		return "", connectors.Harmless(err)
	}
	if answer.ID == "" {
		return "", posting.Unexpected("container's id")
	}
	return answer.ID, nil
}

// await looks at a container until it can be published. A look that fails for a while is followed by another one.
func (c *conn) await(ctx context.Context, id, name string, lookFor time.Duration) error {
	pause := firstWait
	for waited := time.Duration(0); waited < lookFor; waited += pause {
		s, err := c.look(ctx, id)
		switch {
		case err != nil && connectors.AsError(err).Kind != connectors.KindRetryable:
			return gone(err)
		case err == nil && s.Code == statusFinished:
			return nil
		case err == nil && s.Code == statusError:
			return broken(s, name)
		case err == nil && s.Code == statusExpired:
			return connectors.Retryable(errors.New("the container has expired"))
		}
		pause = min(pause*3/2, lastWait)
		if err := c.options.Pause(ctx, pause); err != nil {
			return connectors.Retryable(fmt.Errorf("wait for container: %w", err))
		}
	}
	failed := connectors.Retryable(errors.New("the container is still in progress"))
	failed.Message = "Instagram is still working on the files of this post. Try again later."
	return failed
}

func (c *conn) look(ctx context.Context, id string) (status, error) {
	var s status
	err := c.graph.Get(ctx, "/"+url.PathEscape(id)+"?fields=status_code,status", &s)
	return s, err
}

// gone makes of a container that is not there one that is to be made anew: of anything else, 100/33 says that the token sees nothing any more.
func gone(err error) error {
	failed := connectors.AsError(err)
	if failed.Provider != nil && failed.Provider.Code == 100 {
		retryable := connectors.Retryable(failed.Err)
		retryable.Provider = failed.Provider
		return retryable
	}
	return failed
}

// broken is the meaning of a container in error. Its status names one of Instagram's subcodes.
func broken(s status, name string) *connectors.Error {
	failed := connectors.Rejected(connectors.CodeMediaRejected, "Instagram could not work on the file "+name+". Pictures must be JPEG; films MP4 or MOV with H.264 and AAC.", "media")
	if name == "" {
		failed.Message = "Instagram could not make a carousel of these files."
	}
	if subcode, err := strconv.Atoi(regexp.MustCompile(`\b(?:2207\d{3}|3600\d)\b`).FindString(s.Text)); err == nil {
		if known := publishRefusal(0, subcode); known != nil {
			failed = known
		}
		failed.Provider = &connectors.ProviderError{Code: subcode}
	}
	failed.Err = errors.New("the container's status is ERROR")
	return failed
}
