package facebook

import (
	"context"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/meta"
)

var _ connectors.Authorizer = Connector{}

// login asks for what messages, posts, films and first comments of a Page need.
func (c Connector) login() meta.Login {
	return meta.Login{Options: c.options, Scopes: meta.Scopes(
		c.options.FacebookScopes, "pages_show_list", "pages_manage_posts", "pages_read_engagement", "publish_video", "pages_manage_engagement", "pages_messaging", "pages_manage_metadata",
	)}
}

// AuthorizeURL returns where the user grants access. It makes no call.
func (c Connector) AuthorizeURL(_ context.Context, request connectors.AuthorizeRequest, _ connectors.Host) (connectors.AuthorizeAnswer, error) {
	return c.login().AuthorizeURL(request)
}

// Exchange turns the code into one channel for each Page that the user granted.
func (c Connector) Exchange(ctx context.Context, request connectors.ExchangeRequest, host connectors.Host) ([]connectors.AuthorizedChannel, error) {
	pages, scopes, err := c.login().Exchange(ctx, request, host)
	if err != nil {
		return nil, err
	}
	var channels []connectors.AuthorizedChannel
	for _, page := range pages {
		channels = append(channels, connectors.AuthorizedChannel{
			Config: connectors.Config{fieldPage: page.ID, fieldToken: page.Token}, Name: page.Name, Scopes: scopes,
		})
	}
	if len(channels) == 0 {
		return nil, meta.NoPages("a Page that you manage")
	}
	return channels, nil
}
