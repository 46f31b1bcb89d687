package mastodon

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// newStatus is the body of POST /api/v1/statuses.
type newStatus struct {
	Status      string   `json:"status,omitempty"`
	MediaIDs    []string `json:"media_ids,omitempty"`
	InReplyTo   string   `json:"in_reply_to_id,omitempty"`
	Visibility  string   `json:"visibility,omitempty"`
	SpoilerText string   `json:"spoiler_text,omitempty"`
	Sensitive   bool     `json:"sensitive,omitempty"`
	Language    string   `json:"language,omitempty"`
}

// status is a post as an instance has it.
type status struct {
	ID  string `json:"id"`
	URL string `json:"url"` // null for some posts that are not public
	URI string `json:"uri"`
}

// Publish uploads the files, waits until the instance has worked on them, and posts one status. A repeat with the same OutPost.ID within an
// hour returns the first status on Mastodon, but not on every server that speaks its API.
func (c *conn) Publish(ctx context.Context, post connectors.OutPost) (connectors.Published, error) {
	body := newStatus{
		Status: post.Text, InReplyTo: post.ReplyTo, Visibility: post.Options[optionVisibility], SpoilerText: post.Options[optionSpoiler],
		Sensitive: post.Options[optionSensitive] == "yes", Language: post.Options[optionLanguage],
	}
	if strings.TrimSpace(post.Text) == "" && len(post.Media) == 0 {
		return connectors.Published{}, connectors.Rejected(connectors.CodeInvalidContent, "The post is empty. Give it a text or a file.", "body")
	}
	for _, file := range post.Media {
		id, err := c.upload(ctx, file)
		if err != nil {
			return connectors.Published{}, err
		}
		body.MediaIDs = append(body.MediaIDs, id)
	}
	if err := post.Begin(ctx); err != nil {
		return connectors.Published{}, err
	}
	response, err := c.api.do(ctx, "/api/v1/statuses", httpcall.Request{
		Method: http.MethodPost, JSON: body, Header: http.Header{"Idempotency-Key": {post.ID}},
	})
	if err != nil {
		return connectors.Published{}, err
	}
	if response.Status < 200 || response.Status > 299 {
		return connectors.Published{}, c.api.failure(response)
	}
	var answer status
	if json.Unmarshal(response.Body, &answer) != nil || answer.ID == "" {
		return connectors.Published{}, connectors.Unconfirmed(errUnexpected())
	}
	return answer.published(), nil
}

// published returns the post with the address where people see it.
func (s status) published() connectors.Published {
	for _, address := range []string{s.URL, s.URI} {
		if parsed, err := url.Parse(address); err == nil && (parsed.Scheme == "https" || parsed.Scheme == "http") && parsed.Host != "" {
			return connectors.Published{ProviderID: s.ID, URL: address}
		}
	}
	return connectors.Published{ProviderID: s.ID}
}
