package bearer_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/bearer"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

func clock() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }

// endpoint is a token endpoint that answers with a status and a body, and passes on what it was sent.
func endpoint(t *testing.T, status int, body string) (address string, forms chan url.Values, users chan string) {
	t.Helper()
	forms, users = make(chan url.Values, 9), make(chan string, 9)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if r.ParseForm() == nil {
			forms <- r.PostForm
			users <- user + ":" + password
		}
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL, forms, users
}

func TestAnAppSignsInAsItsNetworkWants(t *testing.T) {
	t.Parallel()
	address, forms, users := endpoint(t, 200, `{"access_token":"a","refresh_token":"b","expires_in":60,"scope":"x,y z"}`)
	refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"r"}}
	with := func(pairs ...string) url.Values {
		form := url.Values{}
		for key, values := range refresh {
			form[key] = values
		}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return form
	}
	for _, test := range []struct {
		app  bearer.App
		form url.Values
		user string
	}{
		{bearer.App{ClientID: "id", ClientSecret: "s:1", Basic: true}, refresh, "id:s%3A1"},
		{bearer.App{ClientID: "id", Basic: true}, with("client_id", "id"), ":"},
		{bearer.App{ClientID: "id", ClientSecret: "s"}, with("client_id", "id", "client_secret", "s"), ":"},
	} {
		test.app.TokenURL = address
		grant, err := test.app.Renew(t.Context(), &http.Client{}, clock(), "r")
		require.NoError(t, err)
		require.Equal(t, bearer.Grant{Access: "a", Refresh: "b", Expires: clock().Add(time.Minute), Scopes: []string{"x", "y", "z"}}, grant)
		require.Equal(t, test.form, <-forms)
		require.Equal(t, test.user, <-users)
	}
}

func TestAGrantChangesWhatItTells(t *testing.T) {
	t.Parallel()
	require.Equal(t, connectors.Config{"accessToken": "a", "expiresAt": ""}, bearer.Grant{Access: "a"}.Config(), "the refresh token stays")
	require.Equal(t, connectors.Config{"accessToken": "a", "refreshToken": "b", "expiresAt": "2026-11-21T09:00:00Z"},
		bearer.Grant{Access: "a", Refresh: "b", Expires: clock()}.Config())
	app := bearer.App{ClientID: "operator's", ClientSecret: "s"}
	require.Equal(t, app, app.Of(connectors.Config{"clientSecret": "x"}))
	require.Equal(t, bearer.App{ClientID: "own"}, app.Of(connectors.Config{"clientId": "own"}), "never with the operator's secret")
}

func TestOnlyARefusalInItsWordsUnlinks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status          int
		body            string
		renew, exchange connectors.Kind
	}{
		{400, `{"error":"invalid_grant","error_description":"no r-secret code-secret"}`, connectors.KindUnlinked, connectors.KindRejected},
		{401, `{"error":"invalid_client"}`, connectors.KindUnlinked, connectors.KindRejected},
		{400, `<html>`, connectors.KindRetryable, connectors.KindRetryable},
		{400, `{"message":"no"}`, connectors.KindRetryable, connectors.KindRetryable},
		{429, `{"error":"slow_down"}`, connectors.KindRateLimited, connectors.KindRateLimited},
		{500, `{"error":"server_error"}`, connectors.KindRetryable, connectors.KindRetryable},
		{302, ``, connectors.KindRetryable, connectors.KindRetryable},
		{200, `<html>`, connectors.KindRetryable, connectors.KindRetryable},
		{200, `{"access_token":""}`, connectors.KindRetryable, connectors.KindRetryable},
		{200, `{"access_token":"a b"}`, connectors.KindRetryable, connectors.KindRetryable},
		{200, `{"access_token":"` + strings.Repeat("a", 8193) + `"}`, connectors.KindRetryable, connectors.KindRetryable},
	} {
		address, _, _ := endpoint(t, test.status, test.body)
		app := bearer.App{TokenURL: address, ClientID: "id", ClientSecret: "s"}
		_, err := app.Renew(t.Context(), &http.Client{}, clock(), "r-secret")
		_, other := app.Exchange(t.Context(), &http.Client{}, clock(), connectors.ExchangeRequest{Code: "code-secret", CodeVerifier: "v-secret"})
		for failed, kind := range map[*connectors.Error]connectors.Kind{connectors.AsError(err): test.renew, connectors.AsError(other): test.exchange} {
			require.Equal(t, kind, failed.Kind, test.body)
			shown, err := json.Marshal(failed.Provider)
			require.NoError(t, err)
			require.False(t, failed.Kind == connectors.KindRateLimited && failed.After != 7*time.Second)
			if failed.Kind == test.renew && test.renew != test.exchange {
				require.NotContains(t, string(shown)+failed.Error(), "r-secret")
			} else {
				require.NotContains(t, string(shown)+failed.Error(), "code-secret")
			}
		}
	}
}

func TestAnEndThatMakesNoSenseIsNotBelieved(t *testing.T) {
	t.Parallel()
	for _, seconds := range []string{"-1", "0", "9223372036854775807", "null"} {
		address, _, _ := endpoint(t, 200, `{"access_token":"a","expires_in":`+seconds+`}`)
		grant, err := bearer.App{TokenURL: address}.Renew(t.Context(), &http.Client{}, clock(), "r")
		require.NoError(t, err)
		require.True(t, grant.Expires.IsZero(), seconds)
	}
}

func TestWhatCannotBeBuiltIsNotSent(t *testing.T) {
	t.Parallel()
	stop := errors.New("no file")
	source := bearer.New(bearer.Options{Config: connectors.Config{"accessToken": "a"}, HTTP: &http.Client{}, Now: clock})
	_, err := source.Do(t.Context(), func() (httpcall.Request, error) { return httpcall.Request{}, stop })
	require.Equal(t, stop, err)
	require.Equal(t, "a", source.Token())
	require.NoError(t, source.Prepare(t.Context()), "without a keeper there is nothing to prepare")
}

// empty is a keeper whose stored configuration has lost its refresh token.
type empty struct{}

func (empty) Renew(ctx context.Context, _ string, renew func(context.Context, connectors.Config) (connectors.Config, error)) (connectors.Config, error) {
	return renew(ctx, connectors.Config{"accessToken": "a"})
}

func TestARefreshTokenThatIsGoneUnlinks(t *testing.T) {
	t.Parallel()
	source := bearer.New(bearer.Options{
		Config: connectors.Config{"accessToken": "a", "refreshToken": "r", "expiresAt": "2026-11-21T08:00:00Z"}, HTTP: &http.Client{}, Now: clock, Keeper: empty{},
	})
	require.Equal(t, connectors.KindUnlinked, connectors.AsError(source.Prepare(t.Context())).Kind)
}

func TestAChallengeIsThatOfTheStandard(t *testing.T) {
	t.Parallel()
	require.Equal(t, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", bearer.Challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "RFC 7636, appendix B")
}
