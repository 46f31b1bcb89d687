package x

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// priceWarning names the prices of X's pay-per-use plan in 2026.
const priceWarning = "The post has a link: X charges the app about $0.20 for it, in place of $0.015."

// newPost is the body of POST /2/tweets.
type newPost struct {
	Text         string    `json:"text,omitempty"`
	Media        *newMedia `json:"media,omitempty"`
	Reply        *newReply `json:"reply,omitempty"`
	ReplySetting string    `json:"reply_settings,omitempty"`
}

type newMedia struct {
	IDs []string `json:"media_ids"`
}

type newReply struct {
	To string `json:"in_reply_to_tweet_id"`
}

// Publish uploads the files, waits until X has worked on them, and makes one post. X knows no idempotency keys, but refuses the same text within a short time.
func (c *conn) Publish(ctx context.Context, post connectors.OutPost) (connectors.Published, error) {
	if err := checkContent(post); err != nil {
		return connectors.Published{}, err
	}
	body := newPost{Text: post.Text}
	if post.ReplyTo == "" {
		body.ReplySetting = post.Options[optionReplies] // it holds for the whole conversation
	} else {
		body.Reply = &newReply{To: post.ReplyTo}
	}
	for _, file := range post.Media {
		id, err := c.upload(ctx, file)
		if err != nil {
			return connectors.Published{}, err
		}
		if body.Media == nil {
			body.Media = &newMedia{}
		}
		body.Media.IDs = append(body.Media.IDs, id)
	}
	if err := c.api.prepare(ctx); err != nil {
		return connectors.Published{}, err
	}
	if err := post.Begin(ctx); err != nil {
		return connectors.Published{}, err
	}
	published, err := c.create(ctx, body)
	if err == nil && slices.ContainsFunc(post.Media, func(file connectors.PostMedia) bool { return file.Kind == "video" && file.Alt != "" }) {
		published.Warnings = append(published.Warnings, "X shows descriptions of pictures alone, so that the film's was left out.")
	}
	return published, err
}

// Comment replies to a post.
func (c *conn) Comment(ctx context.Context, post connectors.Published, text string) (string, error) {
	if !isID(post.ProviderID) || strings.TrimSpace(text) == "" {
		return "", connectors.Rejected(connectors.CodeInvalidContent, "A comment needs a post and a text.", "firstComment")
	}
	published, err := c.create(ctx, newPost{Text: text, Reply: &newReply{To: post.ProviderID}})
	return published.ProviderID, err
}

// checkContent refuses what X would refuse after the uploads.
func checkContent(post connectors.OutPost) error {
	moving := 0
	for _, file := range post.Media {
		moving += b2i(file.Kind != "image")
	}
	switch {
	case strings.TrimSpace(post.Text) == "" && len(post.Media) == 0:
		return connectors.Rejected(connectors.CodeInvalidContent, "The post is empty. Give it a text or a file.", "body")
	case moving > 0 && len(post.Media) > 1 || len(post.Media) > maxImages:
		return connectors.Rejected(connectors.CodeInvalidContent, "X takes up to four pictures, or one film, or one animated picture, never a mixture. Leave out the others.", "media")
	case post.ReplyTo != "" && !isID(post.ReplyTo):
		return connectors.Rejected(connectors.CodeInvalidContent, "The post before is not known on X.", "")
	}
	return nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// create makes the request that makes a post public.
func (c *conn) create(ctx context.Context, body newPost) (connectors.Published, error) {
	response, err := c.api.do(ctx, "/2/tweets", func() (httpcall.Request, error) {
		return httpcall.Request{Method: http.MethodPost, JSON: body}, nil
	})
	if err != nil {
		return connectors.Published{}, err
	}
	if response.Status != http.StatusCreated && response.Status != http.StatusOK {
		return connectors.Published{}, c.api.failure(response)
	}
	var answer struct {
		Data struct {
			ID   string `json:"id"`
			Text string `json:"text"`
		} `json:"data"`
	}
	broken := json.Unmarshal(response.Body, &answer) != nil
	_, own := c.api.refused(response)
	if broken || !isID(answer.Data.ID) {
		failed := connectors.Unconfirmed(errUnexpected())
		failed.Provider = own // X's errors may stand in an answer with success, but do not say that nothing was posted
		return connectors.Published{}, failed
	}
	published := connectors.Published{ProviderID: answer.Data.ID, URL: c.address(answer.Data.ID)}
	if own != nil {
		published.Warnings = append(published.Warnings, "X posted it, but says: "+own.Message)
	}
	if hasLink(body.Text) || strings.Count(answer.Data.Text, shortLink) > b2i(body.Media != nil) {
		published.Warnings = append(published.Warnings, priceWarning)
	}
	return published, nil
}

// shortLink begins what X writes in place of an address, and behind a text with files.
const shortLink = "https://t.co/"

// hasLink tells whether a text has an address. One without a scheme shows only in X's answer.
func hasLink(text string) bool {
	return regexp.MustCompile(`(?i)\bhttps?://[^\s]`).MatchString(text)
}

// address is where people see a post.
func (c *conn) address(id string) string { return site + "/" + c.username + "/status/" + id }

// mediaRejected is the refusal of a file, with what is known of failed.
func mediaRejected(failed *connectors.Error, sentence string) *connectors.Error {
	failed = connectors.Harmless(failed)
	if failed.Kind != connectors.KindRejected || failed.Code == connectors.CodeScopeMissing || failed.Code == connectors.CodeMediaRejected {
		return failed
	}
	return become(failed, connectors.Rejected(connectors.CodeMediaRejected, sentence, "media"))
}
