package facebook

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/meta"
	"github.com/switchhook/switchhook/connectors/meta/messaging"
	"github.com/switchhook/switchhook/connectors/meta/posting"
)

// Limits of posts on a Page.
const (
	maxPost   = 63206    // characters
	maxPhoto  = 4 << 20  // bytes; larger ones Facebook would make smaller, or refuse
	maxVideo  = 10 << 30 // bytes of a film that goes up in pieces
	maxPhotos = 10       // Facebook names no number; what others have found to work
)

const optionLink = "link"

// conn is one Page: its Messenger, and its posts.
type conn struct {
	*messaging.Conn
	graph   *meta.Graph // that publishes: the same codes mean other things there
	page    string
	options meta.Options
}

var (
	_ connectors.Publisher  = (*conn)(nil)
	_ connectors.PostFinder = (*conn)(nil)
	_ connectors.Commenter  = (*conn)(nil)
)

func postInfo() *connectors.PostInfo {
	return &connectors.PostInfo{
		Text: connectors.PostPlain, FirstComment: true,
		Limits: connectors.PostLimits{
			Counter: connectors.CountRunes, TextLength: maxPost, Images: maxPhotos, Videos: 1, ImageBytes: maxPhoto, VideoBytes: maxVideo,
			ImageTypes: []string{"image/jpeg", "image/png", "image/gif", "image/bmp", "image/tiff"},
		},
		Options: []connectors.Field{{
			Key: optionLink, Label: "Link", Type: connectors.FieldURL, Placeholder: "https://example.com/article",
			Help: "An address whose preview stands below the text. Not together with pictures or a film.",
		}},
	}
}

// feedPost is the body of a post in the Page's feed.
type feedPost struct {
	Message string     `json:"message,omitempty"`
	Link    string     `json:"link,omitempty"`
	Media   []attached `json:"attached_media,omitempty"`
}

type attached struct {
	ID string `json:"media_fbid"`
}

// Publish uploads pictures without publishing them and makes one post of them, or uploads a film in pieces and has it published with its last
// request. Facebook has no idempotency key.
func (c *conn) Publish(ctx context.Context, post connectors.OutPost) (connectors.Published, error) {
	if err := checkPost(post); err != nil {
		return connectors.Published{}, err
	}
	if hasVideo(post) {
		return c.publishVideo(ctx, post)
	}
	body := feedPost{Message: post.Text, Link: post.Options[optionLink]}
	for _, file := range post.Media {
		id, err := c.uploadPhoto(ctx, file)
		if err != nil {
			return connectors.Published{}, err
		}
		body.Media = append(body.Media, attached{id})
	}
	if err := post.Begin(ctx); err != nil {
		return connectors.Published{}, err
	}
	var answer struct {
		ID        string `json:"id"`
		Permalink string `json:"permalink_url"`
	}
	if err := c.graph.Publish(ctx, c.edge("feed")+"?fields=id,permalink_url", body, &answer); err != nil {
		return connectors.Published{}, err
	}
	if answer.ID == "" {
		return connectors.Published{}, posting.Unnamed("post")
	}
	return published(answer.ID, answer.Permalink), nil
}

// Comment writes below a post or a film of the Page, in the Page's name.
func (c *conn) Comment(ctx context.Context, post connectors.Published, text string) (string, error) {
	return posting.Comment(ctx, c.graph, post.ProviderID, text)
}

func (c *conn) edge(name string) string { return "/" + url.PathEscape(c.page) + "/" + name }

func published(id, permalink string) connectors.Published {
	return connectors.Published{ProviderID: id, URL: posting.Address(permalink, "https://www.facebook.com/"+url.PathEscape(id))}
}

func hasVideo(post connectors.OutPost) bool {
	for _, file := range post.Media {
		if file.Kind == "video" {
			return true
		}
	}
	return false
}

// checkPost refuses what Facebook cannot take, before any call.
func checkPost(post connectors.OutPost) error {
	link := post.Options[optionLink]
	switch {
	case strings.TrimSpace(post.Text) == "" && len(post.Media) == 0 && link == "":
		return connectors.Rejected(connectors.CodeInvalidContent, "The post is empty. Give it a text, a file or a link.", "body")
	case link != "" && len(post.Media) > 0:
		return connectors.Rejected(connectors.CodeInvalidContent, "Facebook shows the preview of a link or files, not both. Leave one of them out, or put the address into the text.", "options."+optionLink)
	case hasVideo(post) && len(post.Media) > 1:
		return connectors.Rejected(connectors.CodeMediaRejected, "Facebook takes pictures or one film in a post, not both.", "media")
	}
	for i, file := range post.Media {
		if file.Kind != "video" && file.Size > maxPhoto {
			return connectors.Rejected(connectors.CodeMediaRejected, fmt.Sprintf("The picture %s has %d bytes; Facebook takes at most %d. Make it smaller.", file.FileName, file.Size, maxPhoto), fmt.Sprintf("media[%d]", i))
		}
	}
	return nil
}
