package wordpressorg

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/wordpress"
)

const pageSize = 100 // the most that an answer has

// FindPost looks for the post among the newest hundred, see wordpress.Find.
func (c *conn) FindPost(ctx context.Context, post connectors.OutPost) (connectors.Published, bool, error) {
	query := url.Values{
		"context": {"edit"}, "status": {"any"}, "orderby": {"id"}, "order": {"desc"}, "per_page": {strconv.Itoa(pageSize)}, "_fields": {"id,slug,link,status,date_gmt,title"},
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
	newest := make([]wordpress.Candidate, len(page))
	for i, s := range page {
		at, err := time.Parse("2006-01-02T15:04:05", s.DateGMT)
		if err != nil || s.ID == 0 {
			return connectors.Published{}, false, connectors.Retryable(errUnexpected())
		}
		newest[i] = wordpress.Candidate{Slug: s.Slug, Title: s.Title.Raw, At: at}
	}
	i, err := wordpress.Find(post, newest, len(page) >= pageSize)
	if i < 0 {
		return connectors.Published{}, false, err
	}
	return page[i].published(), true, nil
}
