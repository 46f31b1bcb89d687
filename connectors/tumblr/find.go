package tumblr

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/html"

	"github.com/switchhook/switchhook/connectors"
)

const (
	clockSkew = time.Minute // by which Tumblr's clock may be behind ours
)

// listed is a post as it stands in a list, in NPF.
type listed struct {
	ID        string `json:"id_string"`
	Timestamp int64  `json:"timestamp"` // seconds
	Content   []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	} `json:"content"`
}

// FindPost looks for a post with the same letters and the same number of files among the blog's newest ones, back to a minute before StartedAt. Another
// post of that time could be the one with its text changed by Tumblr, so that it is an error. Lists show only what is public.
func (c *conn) FindPost(ctx context.Context, post connectors.OutPost) (connectors.Published, bool, error) {
	unsure := connectors.Retryable(errors.New("the blog's posts do not tell whether it is among them"))
	if stateOf(post) != statePublished {
		return connectors.Published{}, false, unsure
	}
	var answer struct {
		Posts *[]json.RawMessage `json:"posts"`
	}
	if err := c.api.get(ctx, "/blog/"+url.PathEscape(c.blog)+"/posts?npf=true&limit=20", &answer); err != nil {
		return connectors.Published{}, false, err
	}
	if answer.Posts == nil {
		return connectors.Published{}, false, connectors.Retryable(errUnexpected())
	}
	since, recent := post.StartedAt.Add(-clockSkew), 0
	for _, raw := range *answer.Posts {
		var l listed
		if json.Unmarshal(raw, &l) != nil || l.ID == "" || l.Timestamp == 0 {
			return connectors.Published{}, false, connectors.Retryable(errUnexpected())
		}
		if time.Unix(l.Timestamp, 0).Before(since) {
			continue // a pinned post stands first, whatever its age
		}
		recent++
		if l.is(post) {
			return connectors.Published{ProviderID: l.ID, URL: c.address(l.ID)}, true, nil
		}
	}
	if recent > 0 {
		return connectors.Published{}, false, unsure
	}
	return connectors.Published{}, false, nil
}

// is tells whether a post has the title and the text of ours but for signs, which Markdown and Tumblr change, and as many files.
func (l listed) is(post connectors.OutPost) bool {
	var text strings.Builder
	files := 0
	for _, b := range l.Content {
		if b.Type == "text" {
			text.WriteString(b.Text)
		} else {
			files++
		}
	}
	ours := lettersOf(post.Title + textOf(post.HTML))
	return ours == lettersOf(text.String()) && (files == len(post.Media) || len(post.Media) == 0 && ours != "")
}

// textOf returns the text of sanitised HTML.
func textOf(source string) string {
	var text strings.Builder
	tokens := html.NewTokenizer(strings.NewReader(source))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			return text.String()
		case html.TextToken:
			text.Write(tokens.Text())
		}
	}
}

func lettersOf(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, html.UnescapeString(text))
}
