package instagram

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/meta"
	"github.com/switchhook/switchhook/connectors/meta/messaging"
	"github.com/switchhook/switchhook/connectors/meta/posting"
)

// conn is one account: its direct messages, and its posts.
type conn struct {
	*messaging.Conn
	graph   *meta.Graph // that publishes: the same codes mean other things there
	account string
	options meta.Options
}

var (
	_ connectors.Publisher  = (*conn)(nil)
	_ connectors.PostFinder = (*conn)(nil)
	_ connectors.Commenter  = (*conn)(nil)
)

// quotaRest is how long a post waits where the account has published as much as it may in any 24 hours. A part of the quota comes back all the time; the
// usual number of tries with such waits outlasts the window.
const quotaRest = 5 * time.Hour

// Publish has Instagram fetch the files into containers, waits until it has worked on them, and publishes the one that is the post. A container is
// published once at most, and says afterwards whether it was.
func (c *conn) Publish(ctx context.Context, post connectors.OutPost) (connectors.Published, error) {
	if err := checkPost(post); err != nil {
		return connectors.Published{}, err
	}
	if err := c.checkQuota(ctx); err != nil {
		return connectors.Published{}, err
	}
	id, err := c.contain(ctx, post)
	if err != nil {
		return connectors.Published{}, err
	}
	if err := post.Begin(ctx); err != nil {
		return connectors.Published{}, err
	}
	var answer struct {
		ID string `json:"id"`
	}
	err = c.graph.Publish(ctx, c.edge("media_publish"), map[string]string{"creation_id": id}, &answer)
	if err == nil && answer.ID == "" {
		err = posting.Unnamed("post")
	}
	if err != nil {
		return c.afterAll(ctx, post, id, err)
	}
	return connectors.Published{ProviderID: answer.ID, URL: c.permalink(ctx, answer.ID), Warnings: warnings(post)}, nil
}

// afterAll asks the container whether it was published where the answer does not tell, and then looks for what it has become.
func (c *conn) afterAll(ctx context.Context, post connectors.OutPost, container string, failure error) (connectors.Published, error) {
	if connectors.AsError(failure).Kind != connectors.KindUnconfirmed {
		return connectors.Published{}, failure
	}
	if s, err := c.look(ctx, container); err != nil || s.Code != statusPublished {
		return connectors.Published{}, failure
	}
	found, ok, err := c.FindPost(ctx, post)
	if err != nil || !ok {
		return connectors.Published{}, failure
	}
	found.Warnings = warnings(post)
	return found, nil
}

// permalink returns where a post is seen, or "" where Instagram does not tell: the post is out all the same.
func (c *conn) permalink(ctx context.Context, id string) string {
	var answer struct {
		Permalink string `json:"permalink"`
	}
	if c.graph.Get(ctx, "/"+url.PathEscape(id)+"?fields=permalink", &answer) != nil {
		return ""
	}
	return posting.Address(answer.Permalink, "")
}

// Comment writes below a post of the account, in its name.
func (c *conn) Comment(ctx context.Context, post connectors.Published, text string) (string, error) {
	return posting.Comment(ctx, c.graph, post.ProviderID, text)
}

func (c *conn) edge(name string) string { return "/" + url.PathEscape(c.account) + "/" + name }

// checkQuota asks how much the account may still publish. Meta's pages name different numbers, so that only the answer counts; where there is none that can be
// used, the request that publishes is refused in its time.
func (c *conn) checkQuota(ctx context.Context) error {
	var answer struct {
		Data []struct {
			Used   int64 `json:"quota_usage"`
			Config struct {
				Total int64 `json:"quota_total"`
			} `json:"config"`
		} `json:"data"`
	}
	if err := c.graph.Get(ctx, c.edge("content_publishing_limit")+"?fields=config,quota_usage", &answer); err != nil {
		if failed := connectors.AsError(err); failed.Kind == connectors.KindUnlinked || failed.Kind == connectors.KindRateLimited {
			return failed
		}
		return nil
	}
	for _, quota := range answer.Data {
		if quota.Config.Total > 0 && quota.Used >= quota.Config.Total {
			return quotaExceeded(fmt.Sprintf("Instagram lets this account publish %d posts in 24 hours, and it has.", quota.Config.Total))
		}
	}
	return nil
}

func quotaExceeded(sentence string) *connectors.Error {
	failed := connectors.RateLimited(quotaRest)
	failed.Code, failed.Message = connectors.CodeQuotaExceeded, sentence+" The post goes out when there is room again."
	return failed
}

func warnings(post connectors.OutPost) []string {
	for _, file := range post.Media {
		if file.Kind == "video" && file.Alt != "" {
			return []string{"Instagram takes no descriptions of films, so they were left out."}
		}
	}
	return nil
}
