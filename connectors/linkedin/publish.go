package linkedin

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// settle is how long new pictures are left alone before they are posted: members' apps cannot ask whether LinkedIn is done with them.
const settle = 2 * time.Second

// newPost is the body of POST /rest/posts.
type newPost struct {
	Author       string       `json:"author"`
	Commentary   string       `json:"commentary"`
	Visibility   string       `json:"visibility"`
	Distribution distribution `json:"distribution"`
	Content      *content     `json:"content,omitempty"`
	Lifecycle    string       `json:"lifecycleState"`
	NoReshare    bool         `json:"isReshareDisabledByAuthor"`
}

type distribution struct {
	Feed     string   `json:"feedDistribution"`
	Targets  []string `json:"targetEntities"`
	Channels []string `json:"thirdPartyDistributionChannels"`
}

type content struct {
	Media  *media      `json:"media,omitempty"`
	Images *multiImage `json:"multiImage,omitempty"`
}

type multiImage struct {
	Images []media `json:"images"`
}

type media struct {
	ID  string `json:"id"`
	Alt string `json:"altText,omitempty"`
}

// Publish uploads the files, waits until LinkedIn has worked on a film, and makes one post. LinkedIn knows no idempotency keys, but refuses duplicates.
func (c *conn) Publish(ctx context.Context, post connectors.OutPost) (connectors.Published, error) {
	if err := checkContent(post); err != nil {
		return connectors.Published{}, err
	}
	body := newPost{
		Author: c.author, Commentary: little(post.Text), Visibility: post.Options[optionVisibility], Lifecycle: "PUBLISHED",
		Distribution: distribution{Feed: "MAIN_FEED", Targets: []string{}, Channels: []string{}},
	}
	if body.Visibility == "" {
		body.Visibility = "PUBLIC"
	}
	var err error
	if body.Content, err = c.content(ctx, post.Media); err != nil {
		return connectors.Published{}, err
	}
	if err := c.api.tokens.Prepare(ctx); err != nil {
		return connectors.Published{}, err
	}
	if err := post.Begin(ctx); err != nil {
		return connectors.Published{}, err
	}
	response, err := c.api.do(ctx, http.MethodPost, "/rest/posts", body)
	if err != nil {
		return connectors.Published{}, err
	}
	if response.Status < 200 || response.Status > 299 {
		return connectors.Published{}, c.api.failure(response)
	}
	id := response.Header.Get("X-Restli-Id")
	if response.Status != http.StatusCreated || !regexp.MustCompile(`^urn:li:[A-Za-z]+:[A-Za-z0-9_-]+$`).MatchString(id) {
		return connectors.Published{}, connectors.Unconfirmed(errUnexpected())
	}
	return connectors.Published{ProviderID: id, URL: site + "/feed/update/" + id + "/"}, nil
}

// checkContent refuses what LinkedIn would refuse after the uploads.
func checkContent(post connectors.OutPost) error {
	films := 0
	for _, file := range post.Media {
		if file.Kind == "video" {
			films++
		}
	}
	switch {
	case strings.TrimSpace(post.Text) == "" && len(post.Media) == 0:
		return connectors.Rejected(connectors.CodeInvalidContent, "The post is empty. Give it a text or a file.", "body")
	case films > 0 && len(post.Media) > 1 || len(post.Media) > maxImages:
		return connectors.Rejected(connectors.CodeInvalidContent, "LinkedIn takes up to 20 pictures or one film, never both. Leave out the others.", "media")
	case post.ReplyTo != "":
		return connectors.Unsupported("LinkedIn takes no post in parts")
	}
	return nil
}

// content uploads the files of a post; nil where there are none.
func (c *conn) content(ctx context.Context, files []connectors.PostMedia) (*content, error) {
	if len(files) == 0 {
		return nil, nil //nolint:nilnil // a post of text alone has no content
	}
	uploaded := make([]media, 0, len(files))
	for _, file := range files {
		send := c.sendImage
		if file.Kind == "video" {
			send = c.sendFilm
		}
		id, err := send(ctx, file)
		if err != nil {
			return nil, mediaRejected(connectors.AsError(err), file.FileName)
		}
		uploaded = append(uploaded, media{ID: id, Alt: file.Alt})
	}
	if files[0].Kind != "video" {
		if err := c.wait(ctx, settle); err != nil {
			return nil, connectors.Retryable(fmt.Errorf("wait for file: %w", err))
		}
	}
	if len(uploaded) == 1 {
		return &content{Media: &uploaded[0]}, nil
	}
	return &content{Images: &multiImage{Images: uploaded}}, nil
}

// mediaRejected is the refusal of a file. What concerns the access, the address or the version stays what it is.
func mediaRejected(failed *connectors.Error, name string) *connectors.Error {
	refused := failed.Code == connectors.CodeInvalidContent || failed.Provider == nil && failed.Code == httpcall.CodeProviderRejected
	if failed.Kind != connectors.KindRejected || !refused {
		return failed
	}
	return become(failed, connectors.Rejected(connectors.CodeMediaRejected, "LinkedIn refuses the file "+name+": its type, its size or its content.", "media"))
}
