package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/html"

	"github.com/switchhook/switchhook/connectors"
)

const (
	clockSkew = time.Minute // by which the instance's clock may be behind ours
	findPages = 5           // of 40 statuses, which is the most that an answer has
)

// listed is a status as it stands in a list.
type listed struct {
	status
	CreatedAt time.Time         `json:"created_at"`
	InReplyTo string            `json:"in_reply_to_id"`
	Content   string            `json:"content"` // HTML
	Media     []json.RawMessage `json:"media_attachments"`
}

// FindPost looks for a status with the same text among those of the account, newest first, back to a minute before StartedAt. Where there is one that
// could be it, but is not surely, or where there are too many to look at, it is an error.
func (c *conn) FindPost(ctx context.Context, post connectors.OutPost) (connectors.Published, bool, error) {
	who, err := c.api.whoami(ctx)
	if err != nil {
		return connectors.Published{}, false, err
	}
	since, maxID, unsure := post.StartedAt.Add(-clockSkew), "", false
	for range findPages {
		page, err := c.statuses(ctx, who.ID, maxID)
		if err != nil {
			return connectors.Published{}, false, err
		}
		for _, s := range page {
			if s.CreatedAt.Before(since) {
				return notFound(unsure)
			}
			maxID = s.ID
			switch {
			case s.InReplyTo != post.ReplyTo:
			case s.is(post):
				return s.published(), true, nil
			case s.resembles(post):
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
		return connectors.Published{}, false, connectors.Retryable(errors.New("the account's posts do not tell whether it is among them"))
	}
	return connectors.Published{}, false, nil
}

// statuses returns a page of an account's own statuses, newest first.
func (c *conn) statuses(ctx context.Context, accountID, maxID string) ([]listed, error) {
	query := url.Values{"limit": {"40"}, "exclude_reblogs": {"true"}}
	if maxID != "" {
		query.Set("max_id", maxID)
	}
	var page []listed
	if err := c.api.get(ctx, "/api/v1/accounts/"+url.PathEscape(accountID)+"/statuses?"+query.Encode(), &page); err != nil {
		return nil, err
	}
	for _, s := range page {
		if s.ID == "" || s.CreatedAt.IsZero() {
			return nil, connectors.Retryable(errUnexpected())
		}
	}
	return page, nil
}

// is tells whether a status is a post: the same characters but for white space, which Mastodon makes paragraphs of. Of media alone their
// number has to do.
func (s listed) is(post connectors.OutPost) bool {
	ours, theirs := squeeze(post.Text), squeeze(textOf(s.Content))
	return ours == theirs && (ours != "" || len(s.Media) == len(post.Media))
}

// resembles tells whether a status has the same letters and digits as a post: servers that read Markdown change the rest.
func (s listed) resembles(post connectors.OutPost) bool {
	return lettersOf(post.Text) == lettersOf(textOf(s.Content))
}

// textOf returns the text of HTML, of which Mastodon makes addresses shorter by hiding parts, not by leaving them out.
func textOf(content string) string {
	var text strings.Builder
	tokens := html.NewTokenizer(strings.NewReader(content))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			return text.String()
		case html.TextToken:
			text.Write(tokens.Text())
		case html.StartTagToken, html.SelfClosingTagToken:
			if name, _ := tokens.TagName(); string(name) == "p" || string(name) == "br" {
				text.WriteByte('\n')
			}
		}
	}
}

// squeeze drops white space, and the servers of mentions, which Mastodon does not show.
func squeeze(text string) string {
	text = regexp.MustCompile(`@([A-Za-z0-9_.-]+)@[A-Za-z0-9.-]+`).ReplaceAllString(text, "@$1")
	return strings.Join(strings.Fields(text), "")
}

func lettersOf(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, squeeze(text))
}
