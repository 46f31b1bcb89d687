package tumblr

import (
	"context"
	"maps"
	"net/url"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/bearer"
)

// AuthorizeURL returns Tumblr's page, on which the user grants access. It makes no call. Tumblr has no PKCE.
func (c Connector) AuthorizeURL(_ context.Context, request connectors.AuthorizeRequest, _ connectors.Host) (connectors.AuthorizeAnswer, error) {
	if c.options.ClientID == "" || c.options.ClientSecret == "" {
		return connectors.AuthorizeAnswer{}, connectors.Unsupported("the operator has set no " + settingClientID + " and " + settingClientSecret + "; enter tokens in the channel's settings instead")
	}
	return connectors.AuthorizeAnswer{URL: defaultAuthorize + "?" + url.Values{
		"response_type": {"code"}, "client_id": {c.options.ClientID}, "redirect_uri": {request.RedirectURL}, "scope": {c.options.Scopes}, "state": {request.State},
	}.Encode()}, nil
}

// Exchange turns the code into a channel for each of the account's blogs. They share one grant, and Tumblr gives a new refresh token at each renewal: only one of
// them should be chosen; another blog is connected by a flow of its own.
func (c Connector) Exchange(ctx context.Context, request connectors.ExchangeRequest, host connectors.Host) ([]connectors.AuthorizedChannel, error) {
	if request.Code == "" {
		return nil, connectors.Rejected(connectors.CodeScopeMissing, "The access was not granted. Begin again, and allow it on Tumblr's page.", "")
	}
	request.CodeVerifier = ""
	grant, err := c.app().Exchange(ctx, host.HTTP, host.Now(), request)
	if err != nil {
		return nil, err
	}
	config := grant.Config()
	tokens := bearer.New(bearer.Options{App: c.app(), Config: config, HTTP: host.HTTP, Now: host.Now})
	reader := api{baseURL: c.options.BaseURL, tokens: tokens, now: host.Now, secrets: secretsOf(config)}
	blogs, err := reader.blogs(ctx)
	if err != nil {
		return nil, err
	}
	var channels []connectors.AuthorizedChannel
	for _, b := range blogs {
		own := maps.Clone(config)
		own[fieldBlog] = strings.ToLower(b.Name)
		if _, err := c.Address(own); err != nil {
			return nil, connectors.Retryable(errUnexpected())
		}
		channels = append(channels, connectors.AuthorizedChannel{Config: own, Name: own[fieldBlog] + ".tumblr.com", Scopes: grant.Scopes})
	}
	return channels, nil
}
