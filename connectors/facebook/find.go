package facebook

import (
	"context"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/meta/posting"
)

const mostListed = 100 // the longest list that Facebook gives at once

// listed is a post as it stands in the Page's feed, or a film as it stands among the Page's.
type listed struct {
	video
	Message string `json:"message"`
}

// FindPost looks for a post with the same text among those that the Page has made since a minute before StartedAt: in its feed, or for a film among its films,
// where one stands before Facebook has worked on it, and has its text only if its upload was ended. A post without text cannot be told from another one without.
func (c *conn) FindPost(ctx context.Context, post connectors.OutPost) (connectors.Published, bool, error) {
	path := c.edge("feed") + "?limit=100&fields=id,message,created_time,permalink_url"
	if hasVideo(post) {
		path = c.edge("videos") + "?type=uploaded&limit=100&fields=id,description,created_time,permalink_url,status"
	}
	var answer struct {
		Data *[]listed `json:"data"`
	}
	if err := c.graph.Get(ctx, path, &answer); err != nil {
		return connectors.Published{}, false, err
	}
	if answer.Data == nil {
		return connectors.Published{}, false, posting.Unexpected("list")
	}
	since, unsure := post.StartedAt.Add(-posting.ClockSkew), false
	for i, l := range *answer.Data {
		at := posting.Time(l.Created)
		unsure = i == mostListed-1 && !at.Before(since) // the list does not go back far enough
		switch text := l.Message + l.Description; {
		case l.ID == "" || at.IsZero():
			return connectors.Published{}, false, posting.Unexpected("post's id or time")
		case at.Before(since), !posting.Same(text, post.Text) || l.Status.Video == "error": // another
		case strings.TrimSpace(post.Text) == "":
			return connectors.Published{}, false, posting.Unsure()
		default:
			return published(l.ID, l.Permalink), true, nil
		}
	}
	if unsure {
		return connectors.Published{}, false, posting.Unsure()
	}
	return connectors.Published{}, false, nil
}
