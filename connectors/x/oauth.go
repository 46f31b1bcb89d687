package x

import (
	"context"
	"net/url"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/bearer"
)

// AuthorizeURL returns where the user grants access. It makes no call.
func (c Connector) AuthorizeURL(_ context.Context, request connectors.AuthorizeRequest, _ connectors.Host) (connectors.AuthorizeAnswer, error) {
	if c.app.ClientID == "" {
		return connectors.AuthorizeAnswer{}, connectors.Unsupported("the operator has set no " + settingID + "; enter tokens in the channel's settings instead")
	}
	return connectors.AuthorizeAnswer{URL: c.authorize + "?" + url.Values{
		"response_type": {"code"}, "client_id": {c.app.ClientID}, "redirect_uri": {request.RedirectURL}, "scope": {c.scopes}, "state": {request.State},
		"code_challenge": {bearer.Challenge(request.CodeVerifier)}, "code_challenge_method": {"S256"},
	}.Encode()}, nil
}

// Exchange turns the code, which lives for 30 seconds, into the channel of the account that granted it.
func (c Connector) Exchange(ctx context.Context, request connectors.ExchangeRequest, host connectors.Host) ([]connectors.AuthorizedChannel, error) {
	if request.Code == "" {
		return nil, connectors.Rejected(connectors.CodeScopeMissing, "The access was not granted. Begin again, and allow it on X's page.", "")
	}
	grant, err := c.app.Exchange(ctx, host.HTTP, host.Now(), request)
	if err != nil {
		return nil, err
	}
	config := grant.Config()
	reader := api{baseURL: c.baseURL, now: host.Now, tokens: bearer.New(bearer.Options{App: c.app, Config: config, HTTP: host.HTTP, Now: host.Now})}
	who, err := reader.whoami(ctx)
	if err != nil {
		return nil, err
	}
	config[fieldUsername] = usernameOf(who.Username)
	name := reader.clean(who.Name)
	if name == "" {
		name = config[fieldUsername]
	}
	return []connectors.AuthorizedChannel{{Config: config, Name: name + " (@" + config[fieldUsername] + ")", Scopes: grant.Scopes}}, nil
}
