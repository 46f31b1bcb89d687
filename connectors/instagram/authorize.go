package instagram

import (
	"context"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/meta"
)

var _ connectors.Authorizer = Connector{}

// login asks for what messages, posts and first comments of an account need. They go through the Page that it is linked with.
func (c Connector) login() meta.Login {
	return meta.Login{Options: c.options, Scopes: meta.Scopes(
		c.options.InstagramScopes, "pages_show_list", "pages_read_engagement", "instagram_basic", "instagram_content_publish", "instagram_manage_comments",
		"instagram_manage_messages", "pages_messaging", "pages_manage_metadata",
	)}
}

// AuthorizeURL returns where the user grants access. It makes no call.
func (c Connector) AuthorizeURL(_ context.Context, request connectors.AuthorizeRequest, _ connectors.Host) (connectors.AuthorizeAnswer, error) {
	return c.login().AuthorizeURL(request)
}

// Exchange turns the code into one channel for each account that is linked with a Page that the user granted.
func (c Connector) Exchange(ctx context.Context, request connectors.ExchangeRequest, host connectors.Host) ([]connectors.AuthorizedChannel, error) {
	pages, scopes, err := c.login().Exchange(ctx, request, host)
	if err != nil {
		return nil, err
	}
	var channels []connectors.AuthorizedChannel
	for _, page := range pages {
		if page.Instagram.ID == "" {
			continue
		}
		name := page.Name
		if page.Instagram.Username != "" {
			name = "@" + page.Instagram.Username
		}
		channels = append(channels, connectors.AuthorizedChannel{
			Config: connectors.Config{fieldAccount: page.Instagram.ID, fieldPage: page.ID, fieldToken: page.Token}, Name: name, Scopes: scopes,
		})
	}
	if len(channels) == 0 {
		return nil, meta.NoPages("a Page that is linked with an Instagram professional account")
	}
	return channels, nil
}
