package linkedin

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/bearer"
)

// AuthorizeFields asks for the page, if it is to be one.
func (Connector) AuthorizeFields() []connectors.Field {
	author := fields()[0]
	author.Required, author.Placeholder = false, "urn:li:organization:1234"
	author.Help = "To post for a page: urn:li:organization: with the page's number. Without it the channel is that of the member who grants access."
	return []connectors.Field{author}
}

// AuthorizeURL returns where the user grants access. For a page, request.Input names it under "author". It makes no call. LinkedIn takes no PKCE
// challenge from apps with a secret.
func (c Connector) AuthorizeURL(_ context.Context, request connectors.AuthorizeRequest, _ connectors.Host) (connectors.AuthorizeAnswer, error) {
	if c.app.ClientID == "" || c.app.ClientSecret == "" {
		return connectors.AuthorizeAnswer{}, connectors.Unsupported("the operator has set no " + settingID + " and " + settingSecret + "; enter a token in the channel's settings instead")
	}
	author := request.Input[fieldAuthor]
	if author != "" {
		if _, err := c.Address(connectors.Config{fieldAuthor: author}); err != nil {
			return connectors.AuthorizeAnswer{}, err
		}
	}
	return connectors.AuthorizeAnswer{
		URL: c.oauthURL + "/authorization?" + url.Values{
			"response_type": {"code"}, "client_id": {c.app.ClientID}, "redirect_uri": {request.RedirectURL}, "scope": {c.scopes}, "state": {request.State},
		}.Encode(),
		Keep: map[string]string{fieldAuthor: author},
	}, nil
}

// Exchange turns the code into the channel of the member who granted it or, where AuthorizeURL was told a page, that page's. Whether the member may
// post for the page shows with the first post.
func (c Connector) Exchange(ctx context.Context, request connectors.ExchangeRequest, host connectors.Host) ([]connectors.AuthorizedChannel, error) {
	if request.Code == "" {
		return nil, connectors.Rejected(connectors.CodeScopeMissing, "The access was not granted. Begin again, and allow it on LinkedIn's page.", "")
	}
	request.CodeVerifier = ""
	grant, err := c.app.Exchange(ctx, host.HTTP, host.Now(), request)
	if err != nil {
		return nil, err
	}
	config := grant.Config()
	tokens := bearer.New(bearer.Options{App: c.app, Config: config, HTTP: host.HTTP, Now: host.Now})
	who, err := api{baseURL: c.baseURL, version: c.version, now: host.Now, tokens: tokens, http: host.HTTP}.whoami(ctx)
	if err != nil {
		return nil, err
	}
	name := connectors.Clean(who.Name, grant.Access, grant.Refresh)
	if name == "" {
		name = "LinkedIn member"
	}
	page := request.Keep[fieldAuthor]
	if !strings.HasPrefix(page, orgPrefix) {
		return []connectors.AuthorizedChannel{{Config: with(config, personPrefix+who.Sub), Name: name, Scopes: grant.Scopes}}, nil
	}
	if !slices.Contains(grant.Scopes, scopeOrg) {
		return nil, connectors.Rejected(connectors.CodeScopeMissing, "LinkedIn does not let this server's app post for pages: its operator must ask LinkedIn for the scope "+scopeOrg+", and add it to "+settingScopes+".", "")
	}
	return []connectors.AuthorizedChannel{{
		Config: with(config, page), Name: "Page " + strings.TrimPrefix(page, orgPrefix) + " (by " + name + ")", Scopes: grant.Scopes,
	}}, nil
}

// with returns a copy of a configuration for an author.
func with(config connectors.Config, author string) connectors.Config {
	config = maps.Clone(config)
	config[fieldAuthor] = author
	return config
}
