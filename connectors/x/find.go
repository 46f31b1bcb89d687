package x

import (
	"context"
	"errors"
	"html"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/switchhook/switchhook/connectors"
)

const (
	clockSkew = time.Minute // by which X's clock may be behind ours
	findPages = 3           // of 100 posts, which is the most that an answer has; X charges for each post that is read
)

// listed is a post as it stands in an account's timeline.
type listed struct {
	ID        string    `json:"id"`
	Text      string    `json:"text"`
	CreatedAt time.Time `json:"created_at"`
	Entities  struct {
		URLs []struct {
			URL      string `json:"url"` // short, as in Text
			Expanded string `json:"expanded_url"`
			MediaKey string `json:"media_key"` // of the address that stands for files
		} `json:"urls"`
	} `json:"entities"`
	Attachments struct {
		MediaKeys []string `json:"media_keys"`
	} `json:"attachments"`
	Referenced []struct {
		Type string `json:"type"`
		ID   string `json:"id"`
	} `json:"referenced_tweets"`
}

// FindPost looks for a post with the same text among those that the account has made since a minute before StartedAt. It is an error where there is one that
// could be it but is not surely, and where the app's plan does not let it read posts.
func (c *conn) FindPost(ctx context.Context, post connectors.OutPost) (connectors.Published, bool, error) {
	who, err := c.api.whoami(ctx)
	if err != nil {
		return connectors.Published{}, false, err
	}
	query := url.Values{
		"max_results": {"100"}, "tweet.fields": {"attachments,created_at,entities,referenced_tweets"},
		"start_time": {post.StartedAt.Add(-clockSkew).UTC().Format(time.RFC3339)},
	}
	unsure := false
	for range findPages {
		var page struct {
			Data []listed `json:"data"`
			Meta *struct {
				Next string `json:"next_token"`
			} `json:"meta"`
		}
		if err := c.api.get(ctx, "/2/users/"+who.ID+"/tweets?"+query.Encode(), &page); err != nil {
			return connectors.Published{}, false, err
		}
		if page.Meta == nil {
			return connectors.Published{}, false, connectors.Retryable(errUnexpected())
		}
		for _, l := range page.Data {
			switch {
			case !isID(l.ID) || l.replyTo() != post.ReplyTo:
			case l.is(post):
				return connectors.Published{ProviderID: l.ID, URL: c.address(l.ID)}, true, nil
			case l.resembles(post):
				unsure = true
			}
		}
		if page.Meta.Next == "" {
			return notFound(unsure)
		}
		query.Set("pagination_token", page.Meta.Next)
	}
	return notFound(true)
}

func notFound(unsure bool) (connectors.Published, bool, error) {
	if unsure {
		return connectors.Published{}, false, connectors.Retryable(errors.New("the account's posts do not tell whether it is among them"))
	}
	return connectors.Published{}, false, nil
}

func (l listed) replyTo() string {
	for _, r := range l.Referenced {
		if r.Type == "replied_to" {
			return r.ID
		}
	}
	return ""
}

// text returns what was posted: with the addresses in place of X's short ones, and without the one that stands for files.
func (l listed) text() string {
	text := l.Text
	for _, u := range l.Entities.URLs {
		if u.URL == "" {
			continue
		}
		if u.MediaKey != "" {
			u.Expanded = ""
		}
		text = strings.ReplaceAll(text, u.URL, u.Expanded)
	}
	return text
}

// is tells whether a post is the one that was made: the same characters but for white space and the schemes of addresses, which X adds. In a timeline &, <
// and > are escaped. Of files alone their number has to do.
func (l listed) is(post connectors.OutPost) bool {
	ours, theirs := squeeze(post.Text), l.text()
	same := ours == squeeze(theirs) || ours == squeeze(html.UnescapeString(theirs))
	return same && len(l.Attachments.MediaKeys) == len(post.Media)
}

// resembles tells whether a post has the same letters and digits but for addresses, of which X does not always tell the long form.
func (l listed) resembles(post connectors.OutPost) bool {
	return lettersOf(post.Text) == lettersOf(html.UnescapeString(l.Text)) || lettersOf(post.Text) == lettersOf(html.UnescapeString(l.text()))
}

// squeeze drops white space and the schemes of addresses.
func squeeze(text string) string {
	text = regexp.MustCompile(`(?i)\bhttps?://`).ReplaceAllString(text, "")
	return strings.Join(strings.Fields(text), "")
}

func lettersOf(text string) string {
	text = regexp.MustCompile(`(?i)\bhttps?://\S+`).ReplaceAllString(text, "")
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}
