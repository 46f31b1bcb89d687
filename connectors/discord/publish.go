package discord

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

const (
	shortRest     = 5 * time.Second // a rest that is waited for in place of giving up
	locateTimeout = 5 * time.Second // for a post's address, after the post is out

	flagNoEmbeds = 1 << 2  // SUPPRESS_EMBEDS
	flagSilent   = 1 << 12 // SUPPRESS_NOTIFICATIONS

	nonceBytes = 12 // in hex 24 characters, of the 25 that Discord takes
)

// message is the body of both ways to post.
type message struct {
	Content     string       `json:"content,omitempty"`
	Mentions    mentions     `json:"allowed_mentions"`
	Attachments []attachment `json:"attachments,omitempty"`
	Flags       int          `json:"flags,omitempty"`

	Username  string `json:"username,omitempty"` // of webhooks
	AvatarURL string `json:"avatar_url,omitempty"`

	Nonce        string     `json:"nonce,omitempty"` // of bots
	EnforceNonce bool       `json:"enforce_nonce,omitempty"`
	Reference    *reference `json:"message_reference,omitempty"`
}

// mentions says whom a text may call: nobody, whatever it says. Otherwise a text with @everyone in it would wake a whole server.
type mentions struct {
	Parse []string `json:"parse"`
}

type attachment struct {
	ID          int    `json:"id"`
	FileName    string `json:"filename"`
	Description string `json:"description,omitempty"`
}

type reference struct {
	MessageID string `json:"message_id"`
	Must      bool   `json:"fail_if_not_exists"`
}

// Publish posts one message with its files in one request. A bot's repeat of the same OutPost.ID within a few minutes returns the first message;
// webhooks have nothing of that kind. The parts of a split text answer each other where a bot posts, and follow each other where a webhook does.
func (c *conn) Publish(ctx context.Context, post connectors.OutPost) (connectors.Published, error) {
	body, err := c.message(post)
	if err != nil {
		return connectors.Published{}, err
	}
	if err := c.rest(ctx); err != nil {
		return connectors.Published{}, err
	}
	request, err := c.request(post, body)
	if err != nil {
		return connectors.Published{}, err
	}
	defer request.close()
	if err := post.Begin(ctx); err != nil {
		return connectors.Published{}, err
	}
	response, err := httpcall.Do(ctx, c.http, request.Request)
	if err != nil {
		if cause := request.failed(); cause != nil { // what was sent had no end, so that Discord cannot have taken it
			return connectors.Published{}, connectors.Retryable(cause)
		}
		return connectors.Published{}, err
	}
	c.noteRest(response)
	if response.Status < 200 || response.Status > 299 {
		return connectors.Published{}, c.noteGone(c.failure(response))
	}
	var answer posted
	if json.Unmarshal(response.Body, &answer) != nil || answer.ID == "" {
		return connectors.Published{}, connectors.Unconfirmed(errUnexpected())
	}
	return c.published(ctx, answer), nil
}

// posted is a message as Discord has it.
type posted struct {
	ID        string `json:"id"`
	ChannelID string `json:"channel_id"`
}

// published adds a message's address. Where the server is not known yet Discord is asked once; without an answer there is no address.
func (c *conn) published(ctx context.Context, answer posted) connectors.Published {
	ctx, cancel := context.WithTimeout(ctx, locateTimeout)
	defer cancel()
	where, err := c.locate(ctx)
	if err != nil {
		return connectors.Published{ProviderID: answer.ID}
	}
	return connectors.Published{ProviderID: answer.ID, URL: where.address(answer.ChannelID, answer.ID)}
}

// message makes the body of a post, and checks what the core cannot know.
func (c *conn) message(post connectors.OutPost) (message, error) {
	body := message{Content: dialect(post.Text), Mentions: mentions{Parse: []string{}}}
	if strings.TrimSpace(body.Content) == "" && len(post.Media) == 0 {
		return message{}, connectors.Rejected(connectors.CodeInvalidContent, "The post is empty. Give it a text or a file.", "body")
	}
	if len(post.Media) > maxFiles {
		return message{}, connectors.Rejected(connectors.CodeMediaRejected, fmt.Sprintf("Discord takes at most %d files in one post.", maxFiles), "media")
	}
	size := int64(0)
	for i, file := range post.Media {
		size += file.Size
		body.Attachments = append(body.Attachments, attachment{i, file.FileName, file.Alt})
	}
	if size > maxRequest {
		return message{}, connectors.Rejected(connectors.CodeMediaRejected, fmt.Sprintf("Discord takes files of %d bytes together in one post; these have %d.", maxRequest, size), "media")
	}
	if post.Options[optionNoEmbeds] == yes {
		body.Flags |= flagNoEmbeds
	}
	if post.Options[optionSilent] == yes {
		body.Flags |= flagSilent
	}
	if c.webhook != nil {
		body.Username, body.AvatarURL = post.Options[optionUsername], post.Options[optionAvatar]
		return body, nil
	}
	body.Nonce, body.EnforceNonce = nonceOf(post.ID), true
	if post.ReplyTo != "" {
		body.Reference = &reference{MessageID: post.ReplyTo}
	}
	return body, nil
}

// nonceOf makes an id as short as a nonce.
func nonceOf(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:nonceBytes])
}

// rest waits until Discord takes messages of this channel again, where that is soon. A webhook that is gone is not called again.
func (c *conn) rest(ctx context.Context) error {
	c.mu.Lock()
	left, gone := c.restUntil.Sub(c.now()), c.gone
	c.mu.Unlock()
	switch {
	case gone != nil:
		again := *gone
		return &again
	case left <= 0:
		return nil
	case left > shortRest:
		return connectors.RateLimited(left)
	}
	if err := c.wait(ctx, left); err != nil {
		return connectors.Retryable(err)
	}
	return nil
}

// noteRest remembers until when the bucket of this channel is empty.
func (c *conn) noteRest(response httpcall.Response) {
	after := time.Duration(0)
	switch {
	case response.Status == http.StatusTooManyRequests:
		after = c.failure(response).After
	case response.Header.Get("X-RateLimit-Remaining") == "0":
		after = seconds(response.Header.Get("X-RateLimit-Reset-After"))
	}
	if after <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.restUntil = c.now().Add(after)
}

// noteGone remembers that a webhook was deleted, until the channel is checked or changed.
func (c *conn) noteGone(failed *connectors.Error) error {
	if c.webhook != nil && failed.Provider != nil && failed.Provider.Code == codeUnknownWebhook {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.gone = failed
	}
	return failed
}
