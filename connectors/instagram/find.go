package instagram

import (
	"context"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/meta/posting"
)

const mostListed = 100 // the longest list that Instagram gives at once

// listed is a post as it stands among the account's.
type listed struct {
	ID        string `json:"id"`
	Caption   string `json:"caption"`
	Timestamp string `json:"timestamp"`
	Permalink string `json:"permalink"`
	Type      string `json:"media_type"` // IMAGE, VIDEO, CAROUSEL_ALBUM
}

// FindPost looks for a post of the same kind with the same caption among those that the account has made since a minute before StartedAt. A post without a
// caption cannot be told from another one without.
func (c *conn) FindPost(ctx context.Context, post connectors.OutPost) (connectors.Published, bool, error) {
	var answer struct {
		Data *[]listed `json:"data"`
	}
	if err := c.graph.Get(ctx, c.edge("media")+"?limit=100&fields=id,caption,timestamp,permalink,media_type", &answer); err != nil {
		return connectors.Published{}, false, err
	}
	if answer.Data == nil {
		return connectors.Published{}, false, posting.Unexpected("list")
	}
	since, unsure := post.StartedAt.Add(-posting.ClockSkew), false
	for i, l := range *answer.Data {
		at := posting.Time(l.Timestamp)
		unsure = i == mostListed-1 && !at.Before(since) // the list does not go back far enough
		switch {
		case l.ID == "" || at.IsZero():
			return connectors.Published{}, false, posting.Unexpected("post's id or time")
		case at.Before(since), l.Type != typeOf(post), !posting.Same(l.Caption, post.Text): // another
		case strings.TrimSpace(post.Text) == "":
			return connectors.Published{}, false, posting.Unsure()
		default:
			return connectors.Published{ProviderID: l.ID, URL: posting.Address(l.Permalink, "")}, true, nil
		}
	}
	if unsure {
		return connectors.Published{}, false, posting.Unsure()
	}
	return connectors.Published{}, false, nil
}

// typeOf returns what Instagram calls the kind of a post.
func typeOf(post connectors.OutPost) string {
	switch {
	case len(post.Media) > 1:
		return "CAROUSEL_ALBUM"
	case len(post.Media) == 1 && post.Media[0].Kind == "video":
		return "VIDEO"
	}
	return "IMAGE"
}
