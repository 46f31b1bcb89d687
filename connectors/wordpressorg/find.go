package wordpressorg

import (
	"context"
	"errors"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/wordpress"
)

const (
	clockSkew = time.Minute // by which the site's clock may be behind ours
	pageSize  = 100         // the most that an answer has
)

// FindPost looks for the post among the newest hundred, by the mark at the end of its slug; where the user gave the slug, by slug, title and time.
// Where one could be it but is not surely, or where there are too many to look at, it is an error.
func (c *conn) FindPost(ctx context.Context, post connectors.OutPost) (connectors.Published, bool, error) {
	query := url.Values{
		"context": {"edit"}, "status": {"any"}, "orderby": {"id"}, "order": {"desc"}, "per_page": {"100"}, "_fields": {"id,slug,link,status,date_gmt,title"},
	}
	var page []stored
	if err := c.api.get(ctx, "/wp/v2/posts", query, &page); err != nil {
		failed := connectors.AsError(err)
		if failed.Code == connectors.CodeInvalidContent { // 400 rest_invalid_param for the status, where the password is wrong
			unlinked := meaningOf(http.StatusUnauthorized, "")
			unlinked.Provider, unlinked.Err = failed.Provider, failed.Err
			return connectors.Published{}, false, unlinked
		}
		return connectors.Published{}, false, failed
	}
	since := post.StartedAt.Add(-clockSkew)
	unsure, complete := false, len(page) < pageSize
	for _, s := range page {
		at, err := time.Parse("2006-01-02T15:04:05", s.DateGMT)
		if err != nil || s.ID == 0 {
			return connectors.Published{}, false, connectors.Retryable(errUnexpected())
		}
		recent := !at.Before(since)
		complete = complete || !recent
		switch s.compare(post, recent) {
		case same:
			return s.published(), true, nil
		case similar:
			unsure = true
		}
	}
	if unsure || !complete {
		return connectors.Published{}, false, connectors.Retryable(errors.New("the site's posts do not tell whether it is among them"))
	}
	return connectors.Published{}, false, nil
}

// likeness is how far a post of the site is the one that is looked for.
type likeness int

const (
	other likeness = iota
	similar
	same
)

func (s stored) compare(post connectors.OutPost, recent bool) likeness {
	slug, marked := wordpress.Slug(post)
	slug = strings.ToLower(slug)
	sameTitle := squeeze(html.UnescapeString(s.Title.Raw)) == squeeze(post.Title)
	switch {
	case marked && strings.HasSuffix(s.Slug, wordpress.Mark(post)):
		return same
	case marked && s.Slug == "" && recent && sameTitle: // contributors' posts have no slug before their review
		return similar
	case marked || !recent:
		return other
	case sameTitle && (s.Slug == slug || regexp.MustCompile(`^`+regexp.QuoteMeta(slug)+`-\d+$`).MatchString(s.Slug)):
		return same
	case sameTitle:
		return similar // WordPress may have written the slug in another way
	}
	return other
}

// squeeze drops white space, which WordPress trims.
func squeeze(text string) string { return strings.Join(strings.Fields(text), "") }
