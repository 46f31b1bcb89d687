package wordpresscom

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"strconv"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/bearer"
	"github.com/switchhook/switchhook/connectors/wordpress"
)

// AuthorizeURL returns WordPress.com's page, on which the user chooses a site. It makes no call.
func (c Connector) AuthorizeURL(_ context.Context, request connectors.AuthorizeRequest, _ connectors.Host) (connectors.AuthorizeAnswer, error) {
	if c.options.ClientID == "" || c.options.ClientSecret == "" {
		return connectors.AuthorizeAnswer{}, connectors.Unsupported("the operator has set no " + settingClientID + " and " + settingClientSecret + "; enter a token in the channel's settings instead")
	}
	query := url.Values{
		"response_type": {"code"}, "client_id": {c.options.ClientID}, "redirect_uri": {request.RedirectURL}, "state": {request.State},
		// The newer server checks these; the other overlooks them.
		"code_challenge": {bearer.Challenge(request.CodeVerifier)}, "code_challenge_method": {"S256"},
	}
	if c.options.Scopes != "" {
		query.Set("scope", c.options.Scopes)
	}
	return connectors.AuthorizeAnswer{URL: c.options.BaseURL + c.options.OAuthPath + "/authorize?" + query.Encode()}, nil
}

// site is one of a user's sites.
type site struct {
	ID  int64  `json:"ID"`
	URL string `json:"URL"`
}

// Exchange turns the code into the site that the user chose, or into all sites where the token is for all.
func (c Connector) Exchange(ctx context.Context, request connectors.ExchangeRequest, host connectors.Host) ([]connectors.AuthorizedChannel, error) {
	if request.Code == "" {
		return nil, connectors.Rejected(connectors.CodeScopeMissing, "The access was not granted. Begin again, and allow it on WordPress.com's page.", "")
	}
	grant, err := c.app().Exchange(ctx, host.HTTP, host.Now(), request)
	if err != nil {
		return nil, err
	}
	config := grant.Config()
	tokens := bearer.New(bearer.Options{App: c.app(), Config: config, HTTP: host.HTTP, Now: host.Now})
	reader := api{baseURL: c.options.BaseURL, tokens: tokens, now: host.Now, secrets: secretsOf(config)}
	sites, err := reader.sites(ctx)
	if err != nil {
		return nil, err
	}
	var channels []connectors.AuthorizedChannel
	for _, s := range sites {
		if s.ID == 0 {
			return nil, connectors.Retryable(errUnexpected())
		}
		own := maps.Clone(config)
		own[fieldSite], own[wordpress.FieldFormat] = strconv.FormatInt(s.ID, 10), wordpress.FormatMarkdown
		_, name, ok := strings.Cut(strings.TrimSuffix(s.URL, "/"), "://")
		if !ok {
			name = own[fieldSite]
		}
		channels = append(channels, connectors.AuthorizedChannel{Config: own, Name: reader.clean(name), Scopes: grant.Scopes})
	}
	if len(channels) == 0 {
		return nil, connectors.Rejected(connectors.CodeScopeMissing, "This account has no site at WordPress.com. Make one, then begin again.", "")
	}
	return channels, nil
}

// sites returns the site that the token is for, or all sites of its user.
func (a api) sites(ctx context.Context) ([]site, error) {
	var me struct {
		Site json.RawMessage `json:"token_site_id"` // a number; false or absent where the token is for all sites
	}
	if err := a.get(ctx, "/me?fields=ID,token_site_id", &me); err != nil {
		return nil, err
	}
	if id, err := strconv.ParseInt(string(me.Site), 10, 64); err == nil && id != 0 {
		var one site
		if err := a.get(ctx, "/sites/"+strconv.FormatInt(id, 10)+"?fields=ID,URL", &one); err != nil {
			return nil, err
		}
		return []site{one}, nil
	}
	var all struct {
		Sites []site `json:"sites"`
	}
	if err := a.get(ctx, "/me/sites?fields=ID,URL", &all); err != nil {
		return nil, err
	}
	return all.Sites, nil
}
