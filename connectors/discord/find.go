package discord

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
)

const (
	clockSkew = time.Minute // by which Discord's clock may be behind ours
	findPages = 5           // of 100 messages, which is the most that an answer has
)

// listed is a message as it stands in a list.
type listed struct {
	posted
	Content     string            `json:"content"`
	Timestamp   time.Time         `json:"timestamp"`
	WebhookID   string            `json:"webhook_id"`
	Nonce       any               `json:"nonce"` // a string or a number
	Attachments []json.RawMessage `json:"attachments"`
	Author      struct {
		ID string `json:"id"`
	} `json:"author"`
}

// FindPost looks for a message of ours with the same text in the channel, newest first, back to a minute before StartedAt. A webhook cannot read what
// is there, so that without a bot token it is an error; so it is where a bot may not read the texts.
func (c *conn) FindPost(ctx context.Context, post connectors.OutPost) (connectors.Published, bool, error) {
	if c.bot == "" {
		return connectors.Published{}, false, connectors.Unsupported("a webhook cannot look whether a post is there; a bot token beside it can")
	}
	where, err := c.locate(ctx)
	if err != nil {
		return connectors.Published{}, false, err
	}
	isOurs, err := c.author(ctx)
	if err != nil {
		return connectors.Published{}, false, err
	}
	since, before, unsure := post.StartedAt.Add(-clockSkew), "", false
	for range findPages {
		page, err := c.messages(ctx, c.room(where, post), before)
		if err != nil {
			return connectors.Published{}, false, err
		}
		for _, m := range page {
			if m.Timestamp.Before(since) {
				return notFound(unsure)
			}
			before = m.ID
			switch {
			case !isOurs(m):
			case m.is(post):
				return connectors.Published{ProviderID: m.ID, URL: where.address(m.ChannelID, m.ID)}, true, nil
			case m.isHidden():
				unsure = true
			}
		}
		if len(page) == 0 {
			return notFound(unsure)
		}
	}
	return notFound(true)
}

func notFound(unsure bool) (connectors.Published, bool, error) {
	if unsure {
		return connectors.Published{}, false, connectors.Retryable(errors.New("the channel's messages do not tell whether it is among them"))
	}
	return connectors.Published{}, false, nil
}

// room returns the channel or thread that a post goes to.
func (c *conn) room(where place, post connectors.OutPost) string {
	switch {
	case post.Options[optionThread] != "":
		return post.Options[optionThread]
	case c.webhook != nil && c.webhook.thread != "":
		return c.webhook.thread
	}
	return where.ChannelID
}

// author returns what tells whether a message is of this channel.
func (c *conn) author(ctx context.Context) (func(listed) bool, error) {
	if c.webhook != nil {
		return func(m listed) bool { return m.WebhookID == c.webhook.id }, nil
	}
	var me struct {
		ID string `json:"id"`
	}
	if err := c.get(ctx, "/users/@me", c.botHeader(), &me); err != nil {
		return nil, err
	}
	if me.ID == "" {
		return nil, connectors.Retryable(errUnexpected())
	}
	return func(m listed) bool { return m.Author.ID == me.ID && m.WebhookID == "" }, nil
}

// messages returns a page of a channel's messages, newest first.
func (c *conn) messages(ctx context.Context, channel, before string) ([]listed, error) {
	query := url.Values{"limit": {"100"}}
	if before != "" {
		query.Set("before", before)
	}
	var page []listed
	if err := c.get(ctx, "/channels/"+url.PathEscape(channel)+"/messages?"+query.Encode(), c.botHeader(), &page); err != nil {
		return nil, err
	}
	for _, m := range page {
		if m.ID == "" || m.Timestamp.IsZero() {
			return nil, connectors.Retryable(errUnexpected())
		}
	}
	return page, nil
}

// is tells whether a message is a post: the same nonce, or the same text but for white space, which Discord trims. Of files alone their
// number has to do.
func (m listed) is(post connectors.OutPost) bool {
	if nonce, ok := m.Nonce.(string); ok && nonce != "" {
		return nonce == nonceOf(post.ID)
	}
	ours := strings.Join(strings.Fields(dialect(post.Text)), "")
	theirs := strings.Join(strings.Fields(m.Content), "")
	return ours == theirs && len(m.Attachments) == len(post.Media)
}

// isHidden tells whether a bot may not read a message: without the message content intent both are empty in all that is not its own.
func (m listed) isHidden() bool { return m.Content == "" && len(m.Attachments) == 0 }
