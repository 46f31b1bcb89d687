package mastodon

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

const (
	appName    = "Switchhook"
	appWebsite = "https://github.com/switchhook/switchhook"
	appKeptFor = time.Hour // instances drop apps that nobody has used for a day
	mostApps   = 256
)

const (
	keepInstance = "instanceUrl"
	keepID       = "clientId"
	keepSecret   = "clientSecret"
	keepScopes   = "scopes"
)

// app is what an instance knows this server as.
type app struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
	until  time.Time
}

// apps are those registered in the last hour: instances allow an address only a few registrations in ten minutes.
type apps struct {
	mu    sync.Mutex
	byKey map[string]app
}

func newApps() *apps { return &apps{byKey: map[string]app{}} }

func (a *apps) get(key string, now time.Time) (app, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known, ok := a.byKey[key]
	return known, ok && now.Before(known.until)
}

func (a *apps) put(key string, registered app, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.byKey) >= mostApps {
		clear(a.byKey)
	}
	registered.until = now.Add(appKeptFor)
	a.byKey[key] = registered
}

// AuthorizeFields asks for the instance.
func (Connector) AuthorizeFields() []connectors.Field { return fields()[:1] }

// AuthorizeURL registers an app at the instance that request.Input names under "instanceUrl", and returns where the user grants it access.
func (c Connector) AuthorizeURL(ctx context.Context, request connectors.AuthorizeRequest, host connectors.Host) (connectors.AuthorizeAnswer, error) {
	instance, err := instanceOf(request.Input[fieldInstance])
	if err != nil {
		return connectors.AuthorizeAnswer{}, err
	}
	base := instance.String()
	registered, err := c.register(ctx, api{http: host.Public, baseURL: base, now: host.Now}, request.RedirectURL)
	if err != nil {
		return connectors.AuthorizeAnswer{}, err
	}
	challenge := sha256.Sum256([]byte(request.CodeVerifier))
	query := url.Values{
		"response_type": {"code"}, "client_id": {registered.ID}, "redirect_uri": {request.RedirectURL}, "scope": {c.scopes}, "state": {request.State},
		// Mastodon checks these since 4.3; older ones and other servers overlook them.
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	return connectors.AuthorizeAnswer{
		URL:  base + "/oauth/authorize?" + query.Encode(),
		Keep: map[string]string{keepInstance: base, keepID: registered.ID, keepSecret: registered.Secret, keepScopes: c.scopes},
	}, nil
}

// register returns the app of this server at an instance.
func (c Connector) register(ctx context.Context, instance api, redirect string) (app, error) {
	key := instance.baseURL + "\n" + redirect
	if known, ok := c.apps.get(key, instance.now()); ok {
		return known, nil
	}
	response, err := instance.do(ctx, "/api/v1/apps", httpcall.Request{Method: http.MethodPost, JSON: map[string]string{
		"client_name": appName, "redirect_uris": redirect, "scopes": c.scopes, "website": appWebsite,
	}})
	if err != nil {
		return app{}, connectors.Harmless(err)
	}
	switch failed := instance.failure(response); {
	case response.Status == http.StatusOK:
	case response.Status >= http.StatusInternalServerError || failed.Kind == connectors.KindRateLimited:
		return app{}, connectors.Harmless(failed)
	default:
		return app{}, notMastodon(failed)
	}
	var registered app
	if json.Unmarshal(response.Body, &registered) != nil || registered.ID == "" || registered.Secret == "" {
		return app{}, notMastodon(connectors.Retryable(errUnexpected()))
	}
	c.apps.put(key, registered, instance.now())
	return registered, nil
}

// notMastodon says that an address may be that of another kind of server: before there is a channel nothing else can be wrong.
func notMastodon(failed *connectors.Error) error {
	return become(failed, connectors.Rejected("invalid_field",
		"The server at this address does not take part in Mastodon's API, or takes no new apps. Check the address of your instance.", fieldInstance))
}

// Exchange turns the code into the channel of the account that granted it.
func (c Connector) Exchange(ctx context.Context, request connectors.ExchangeRequest, host connectors.Host) ([]connectors.AuthorizedChannel, error) {
	base, err := instanceOf(request.Keep[keepInstance])
	if err != nil {
		return nil, err
	}
	if request.Code == "" {
		return nil, connectors.Rejected(connectors.CodeScopeMissing, "The access was not granted. Begin again, and allow it on your instance's page.", "")
	}
	instance := api{http: host.Public, baseURL: base.String(), now: host.Now}
	response, err := instance.do(ctx, "/oauth/token", httpcall.Request{Method: http.MethodPost, Form: url.Values{
		"grant_type": {"authorization_code"}, "code": {request.Code}, "redirect_uri": {request.RedirectURL}, "scope": {request.Keep[keepScopes]},
		"client_id": {request.Keep[keepID]}, "client_secret": {request.Keep[keepSecret]}, "code_verifier": {request.CodeVerifier},
	}})
	if err != nil {
		return nil, connectors.Harmless(err)
	}
	if response.Status != http.StatusOK {
		return nil, notGranted(instance.failure(response))
	}
	var granted struct {
		Token string `json:"access_token"`
		Scope string `json:"scope"`
	}
	if json.Unmarshal(response.Body, &granted) != nil || granted.Token == "" {
		return nil, connectors.Retryable(errUnexpected())
	}
	instance.token = granted.Token
	who, err := instance.whoami(ctx)
	if err != nil {
		return nil, err
	}
	username, scopes := usernameOf(who.Username), strings.Fields(granted.Scope)
	name := instance.clean(who.DisplayName)
	if name == "" {
		name = username
	}
	return []connectors.AuthorizedChannel{{
		Config: connectors.Config{fieldInstance: base.String(), fieldUsername: username, fieldToken: granted.Token},
		Name:   name + " (@" + username + "@" + base.Host + ")", Scopes: scopes,
	}}, nil
}

// notGranted is the meaning of a code that the instance does not take: it was used before, or is too old.
func notGranted(failed *connectors.Error) error {
	if failed.Kind != connectors.KindRejected && failed.Kind != connectors.KindUnlinked {
		return connectors.Harmless(failed)
	}
	return become(failed, connectors.Rejected(connectors.CodeAuthFailed, "The instance does not take the code that came back; it may have ended. Begin again.", ""))
}
