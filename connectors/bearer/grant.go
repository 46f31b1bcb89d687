// Package bearer is what X and LinkedIn have in common: a code or a refresh token becomes an access token, and calls are made with an
// access token that is renewed before it ends and once when the network refuses it.
//
// No error of this package contains a token, a code or a secret.
package bearer

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// The fields of a channel's configuration that this package reads and renews.
const (
	FieldAccess       = "accessToken"
	FieldRefresh      = "refreshToken"
	FieldExpires      = "expiresAt" // RFC 3339; empty where it is not known
	FieldClientID     = "clientId"  // of the user's own app; empty: the operator's
	FieldClientSecret = "clientSecret"
)

const (
	maxExpires = 10 * 365 * 24 * 3600 // seconds; what lasts longer is taken for a mistake
)

// App is an app at a network, as the network's token endpoint wants it.
type App struct {
	TokenURL     string
	ClientID     string
	ClientSecret string // empty for a public client
	Basic        bool   // the secret goes into the Authorization header (RFC 6749, 2.3.1), not into the form
}

// Of returns the app that a channel's tokens belong to: the channel's own, or else this one.
func (a App) Of(config connectors.Config) App {
	if id := config[FieldClientID]; id != "" {
		a.ClientID, a.ClientSecret = id, config[FieldClientSecret]
	}
	return a
}

// Grant is what a network grants.
type Grant struct {
	Access  string
	Refresh string    // empty where there is none, or where the one before stays
	Expires time.Time // of Access; zero where not told
	Scopes  []string  // nil where not told
}

// Config returns what changes of a channel's configuration by a grant.
func (g Grant) Config() connectors.Config {
	config := connectors.Config{FieldAccess: g.Access, FieldExpires: ""}
	if g.Refresh != "" {
		config[FieldRefresh] = g.Refresh
	}
	if !g.Expires.IsZero() {
		config[FieldExpires] = g.Expires.UTC().Format(time.RFC3339)
	}
	return config
}

// Exchange turns the code of an OAuth flow into tokens. It blocks for one call. A code that is not taken is Rejected.
func (a App) Exchange(ctx context.Context, client *http.Client, now time.Time, request connectors.ExchangeRequest) (Grant, error) {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {request.Code}, "redirect_uri": {request.RedirectURL}}
	if request.CodeVerifier != "" {
		form.Set("code_verifier", request.CodeVerifier)
	}
	grant, err := a.ask(ctx, client, now, form)
	if err == nil {
		return grant, nil
	}
	failed := connectors.AsError(err)
	if failed.Kind != connectors.KindUnlinked {
		return Grant{}, failed
	}
	rejected := connectors.Rejected(connectors.CodeAuthFailed, "The network does not take the code that came back; it may have ended. Begin again.", "")
	rejected.Provider, rejected.Err = failed.Provider, failed.Err
	return Grant{}, rejected
}

// Renew turns a refresh token into new tokens. It blocks for one call. A refresh token that is not taken is Unlinked. None of its errors is Unconfirmed.
func (a App) Renew(ctx context.Context, client *http.Client, now time.Time, refresh string) (Grant, error) {
	return a.ask(ctx, client, now, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
}

func (a App) ask(ctx context.Context, client *http.Client, now time.Time, form url.Values) (Grant, error) {
	request := httpcall.Request{Method: http.MethodPost, URL: a.TokenURL, Form: form}
	switch {
	case a.Basic && a.ClientSecret != "":
		request.User, request.Password = url.QueryEscape(a.ClientID), url.QueryEscape(a.ClientSecret)
	default:
		form.Set("client_id", a.ClientID)
		if a.ClientSecret != "" {
			form.Set("client_secret", a.ClientSecret)
		}
	}
	response, err := httpcall.Do(ctx, client, request)
	if err != nil {
		return Grant{}, connectors.Harmless(err)
	}
	if response.Status != http.StatusOK {
		return Grant{}, refused(response, now, a.ClientSecret, form.Get("refresh_token"), form.Get("code"), form.Get("code_verifier"))
	}
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Expires int64  `json:"expires_in"` // seconds
		Scope   string `json:"scope"`
	}
	if json.Unmarshal(response.Body, &answer) != nil || !usable(answer.Access) || answer.Refresh != "" && !usable(answer.Refresh) {
		return Grant{}, connectors.Retryable(errors.New(connectors.CodeUnexpected + ": the network answered something that is no token"))
	}
	grant := Grant{Access: answer.Access, Refresh: answer.Refresh, Scopes: scopesOf(answer.Scope)}
	if answer.Expires > 0 && answer.Expires <= maxExpires {
		grant.Expires = now.Add(time.Duration(answer.Expires) * time.Second)
	}
	return grant, nil
}

// usable tells whether a token can stand in a header and in a channel's configuration.
func usable(token string) bool {
	return token != "" && len(token) <= 8192 && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// scopesOf reads a list with spaces (RFC 6749, 3.3) or, as LinkedIn writes it, with commas.
func scopesOf(list string) []string {
	if list == "" {
		return nil
	}
	return strings.FieldsFunc(list, func(r rune) bool { return r == ' ' || r == ',' })
}

// refused gives a token endpoint's answer its meaning. Only a refusal in the words of RFC 6749, 5.2 ends a channel: anything else may be trouble that passes.
func refused(response httpcall.Response, now time.Time, secrets ...string) *connectors.Error {
	var body struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	cause := fmt.Errorf("the network's token endpoint answered %d", response.Status)
	known := json.Unmarshal(response.Body, &body) == nil && body.Error != ""
	switch {
	case response.Status == http.StatusTooManyRequests:
		failed := connectors.RateLimited(httpcall.RetryAfter(response.Header.Get("Retry-After"), now))
		failed.Err = cause
		return failed
	case !known || response.Status < 400 || response.Status >= 500:
		return connectors.Retryable(cause)
	}
	sentence := "The access has ended, or was taken back at the network. Connect the channel again."
	if body.Error == "invalid_client" || body.Error == "unauthorized_client" {
		sentence = "The network does not take the app that the access belongs to. Check the app's client id and secret, and connect the channel again."
	}
	failed := connectors.Unlinked(connectors.CodeAuthFailed, sentence)
	failed.Provider = &connectors.ProviderError{Code: response.Status, Message: connectors.Clean(strings.TrimSuffix(body.Error+": "+body.Description, ": "), secrets...)}
	failed.Err = cause
	return failed
}

// Challenge returns the S256 challenge of a PKCE verifier (RFC 7636, 4.2).
func Challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
