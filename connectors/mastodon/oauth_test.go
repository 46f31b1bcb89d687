package mastodon_test

import (
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/mastodon"
	"github.com/switchhook/switchhook/connectors/mastodon/mastodontest"
)

const back = "https://hooks.example/oauth/back"

// openOver opens a channel whose requests are answered by a function.
func openOver(t *testing.T, answer func(*http.Request) *http.Response) connectors.Conn {
	t.Helper()
	conn, err := mastodon.New(mastodon.Options{Wait: atOnce}).Open(connectors.Channel{Config: config("https://social.example")}, host(&http.Client{Transport: roundTripper(answer)}))
	require.NoError(t, err)
	return conn
}

type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := f(r)
	answer.Request = r
	return answer, nil
}

func authorize(t *testing.T, connector connectors.Authorizer, instance string) (connectors.AuthorizeAnswer, error) {
	t.Helper()
	return connector.AuthorizeURL(t.Context(), connectors.AuthorizeRequest{
		State: "state-1", CodeVerifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", RedirectURL: back, Input: map[string]string{"instanceUrl": instance},
	}, host(&http.Client{}))
}

func TestAnAccountIsConnectedByItsInstance(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	connector := mastodon.New(mastodon.Options{})
	answer, err := authorize(t, connector, fake.URL+"/")
	require.NoError(t, err)
	address, err := url.Parse(answer.URL)
	require.NoError(t, err)
	require.Equal(t, fake.URL+"/oauth/authorize", "http://"+address.Host+address.Path)
	const scopes = "read:accounts read:statuses write:media write:statuses"
	require.Equal(t, url.Values{
		"response_type": {"code"}, "client_id": {mastodontest.ClientID}, "redirect_uri": {back}, "scope": {scopes}, "state": {"state-1"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}, // the example of RFC 7636, appendix B
	}, address.Query())
	require.Equal(t, map[string]string{"instanceUrl": fake.URL, "clientId": mastodontest.ClientID, "clientSecret": mastodontest.ClientSecret, "scopes": scopes}, answer.Keep)

	_, err = authorize(t, connector, fake.URL)
	require.NoError(t, err)
	require.Equal(t, []string{"POST /api/v1/apps"}, fake.Seen(), "one app serves all for an hour")

	exchange := connectors.ExchangeRequest{Code: mastodontest.Code, CodeVerifier: "verifier", RedirectURL: back, Keep: answer.Keep}
	channels, err := connector.Exchange(t.Context(), exchange, host(&http.Client{}))
	require.NoError(t, err)
	require.Equal(t, []connectors.AuthorizedChannel{{
		Config: connectors.Config{"instanceUrl": fake.URL, "username": "alice", "accessToken": mastodontest.Token},
		Name:   "Alice A. (@alice@" + address.Host + ")", Scopes: []string{"read:accounts", "read:statuses", "write:media", "write:statuses"},
	}}, channels)
	form, err := url.ParseQuery(fake.Forms()[0])
	require.NoError(t, err)
	require.Equal(t, url.Values{
		"grant_type": {"authorization_code"}, "code": {mastodontest.Code}, "redirect_uri": {back}, "scope": {scopes},
		"client_id": {mastodontest.ClientID}, "client_secret": {mastodontest.ClientSecret}, "code_verifier": {"verifier"},
	}, form)
	_, problems := connectors.ValidateConfig(connector.Info().Fields, channels[0].Config)
	require.Empty(t, problems)
	require.NoError(t, open(t, channels[0].Config).(connectors.Checker).Check(t.Context()))
	require.Equal(t, []string{"POST /api/v1/apps", "POST /oauth/token", "GET /api/v1/accounts/verify_credentials", "GET /api/v1/accounts/verify_credentials"}, fake.Seen())
}

func TestAnOperatorChoosesTheScopes(t *testing.T) {
	t.Parallel()
	answer, err := authorize(t, mastodon.New(mastodon.Options{Scopes: " read  write "}), newFake(t).URL)
	require.NoError(t, err)
	require.Contains(t, answer.URL, "&scope=read+write&")
}

func TestAnAppIsRegisteredAnewAfterAnHour(t *testing.T) {
	t.Parallel()
	fake, now := newFake(t), clock()
	connector := mastodon.New(mastodon.Options{})
	for _, later := range []time.Duration{0, 59 * time.Minute, 2 * time.Minute} {
		now = now.Add(later)
		_, err := connector.AuthorizeURL(t.Context(), connectors.AuthorizeRequest{RedirectURL: back, Input: map[string]string{"instanceUrl": fake.URL}},
			connectors.Host{Public: &http.Client{}, Now: func() time.Time { return now }})
		require.NoError(t, err)
	}
	require.Equal(t, 2, fake.Requests())
}

func TestWhatIsNoInstanceIsSaidSo(t *testing.T) {
	t.Parallel()
	connector := mastodon.New(mastodon.Options{})
	for _, address := range []string{"", "social.example", "https://social.example/@alice"} {
		_, err := authorize(t, connector, address)
		require.Equal(t, "instanceUrl", requireKind(t, err, connectors.KindRejected, "invalid_field").Field)
	}
	for name, test := range map[string]struct {
		status int
		body   string
		kind   connectors.Kind
	}{
		"a page":              {200, "<html>", connectors.KindRejected},
		"a page that is none": {404, "<html>", connectors.KindRejected},
		"no new apps":         {403, `{"error":"no"}`, connectors.KindRejected},
		"without a secret":    {200, `{"client_id":"1"}`, connectors.KindRejected},
		"too many":            {429, `{"error":"Too many requests"}`, connectors.KindRateLimited},
		"out of order":        {502, "<html>", connectors.KindRetryable},
		"overloaded":          {503, `{"error":"try again"}`, connectors.KindRetryable},
		"moved":               {301, "", connectors.KindRejected},
	} {
		fake := newFake(t)
		fake.Once("/api/v1/apps", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(test.status)
			_, _ = io.WriteString(w, test.body)
		})
		_, err := authorize(t, connector, fake.URL)
		failed := connectors.AsError(err)
		require.Equal(t, test.kind, failed.Kind, name)
		require.Equal(t, test.kind == connectors.KindRejected, failed.Field == "instanceUrl", name)
	}
}

func TestACodeThatIsNotTakenBeginsAgain(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	connector := mastodon.New(mastodon.Options{})
	keep := map[string]string{"instanceUrl": fake.URL, "clientId": mastodontest.ClientID, "clientSecret": mastodontest.ClientSecret}
	_, err := connector.Exchange(t.Context(), connectors.ExchangeRequest{Code: "old", Keep: keep}, host(&http.Client{}))
	requireKind(t, err, connectors.KindRejected, connectors.CodeAuthFailed)
	require.NotContains(t, err.Error(), mastodontest.ClientSecret)
	_, err = connector.Exchange(t.Context(), connectors.ExchangeRequest{Keep: keep, Query: map[string]string{"error": "access_denied"}}, host(&http.Client{}))
	requireKind(t, err, connectors.KindRejected, connectors.CodeScopeMissing)
	_, err = connector.Exchange(t.Context(), connectors.ExchangeRequest{Code: "x"}, host(&http.Client{}))
	requireKind(t, err, connectors.KindRejected, "invalid_field")
	for _, body := range []string{"<html>", `{"token_type":"Bearer"}`} {
		fake.Once("/oauth/token", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		_, err = connector.Exchange(t.Context(), connectors.ExchangeRequest{Code: mastodontest.Code, Keep: keep}, host(&http.Client{}))
		requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
	}
	fake.Refuse("/oauth/token", http.StatusServiceUnavailable, "try again")
	_, err = connector.Exchange(t.Context(), connectors.ExchangeRequest{Code: mastodontest.Code, Keep: keep}, host(&http.Client{}))
	requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
	fake.Refuse("/api/v1/accounts/verify_credentials", http.StatusForbidden, "This action is outside the authorized scopes")
	_, err = connector.Exchange(t.Context(), connectors.ExchangeRequest{Code: mastodontest.Code, Keep: keep}, host(&http.Client{}))
	requireKind(t, err, connectors.KindRejected, connectors.CodeScopeMissing)
}
