package x_test

import (
	"errors"
	"fmt"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/x"
	"github.com/switchhook/switchhook/connectors/x/xtest"
)

const back = "https://hooks.example/oauth/back"

func TestATokenThatIsAboutToEndIsRenewedOnceForAll(t *testing.T) {
	t.Parallel()
	fake, b := newFake(t), &begun{}
	ends := config()
	ends["expiresAt"] = "2026-11-21T09:04:00Z"
	kept := &keeper{config: ends}
	publisher := open(t, fake, ends, kept).(connectors.Publisher)
	var all sync.WaitGroup
	failures := make(chan error, 20)
	for i := range 20 {
		all.Go(func() {
			_, err := publisher.Publish(t.Context(), post(b, fmt.Sprintf("Post %d", i)))
			failures <- err
		})
	}
	all.Wait()
	for range 20 {
		require.NoError(t, <-failures)
	}
	require.Len(t, fake.Posts(), 20)
	require.Equal(t, 20, b.times)
	require.Equal(t, [2]int{1, 1}, [2]int{fake.Renewals(), kept.calls})
	require.Equal(t, "x-access-token-1_fake", kept.get("accessToken"))
	require.Equal(t, "x-refresh-token-1_fake", kept.get("refreshToken"))
	require.Equal(t, "2026-11-21T11:00:00Z", kept.get("expiresAt"))
	require.Equal(t, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {xtest.Refresh}}, fake.Forms()[0])
	for _, seen := range fake.Seen() {
		requireNoSecret(t, seen)
	}
}

func TestATokenThatIsRefusedIsRenewedOnceForAll(t *testing.T) {
	t.Parallel()
	fake, b := newFake(t), &begun{}
	fake.Revoke()
	kept := &keeper{config: config()}
	var all sync.WaitGroup
	failures := make(chan error, 20)
	for i := range 20 {
		publisher := open(t, fake, config(), kept).(connectors.Publisher) // as if in other processes
		all.Go(func() {
			_, err := publisher.Publish(t.Context(), post(b, fmt.Sprintf("Post %d", i)))
			failures <- err
		})
	}
	all.Wait()
	for range 20 {
		require.NoError(t, <-failures)
	}
	require.Len(t, fake.Posts(), 20)
	require.Equal(t, 20, b.times, "Begin is called once for each")
	require.Equal(t, 1, fake.Renewals())
}

func TestAnAccessThatWasTakenBackUnlinks(t *testing.T) {
	t.Parallel()
	fake, b := newFake(t), &begun{}
	fake.RevokeAll()
	_, err := open(t, fake, config(), &keeper{config: config()}).(connectors.Publisher).Publish(t.Context(), post(b, "Hello"))
	requireKind(t, err, connectors.KindUnlinked, connectors.CodeAuthFailed)
	require.Empty(t, fake.Posts())

	other := x.New(x.Options{BaseURL: fake.URL, ClientID: "another", ClientSecret: xtest.ClientSecret, Wait: atOnce})
	conn, err := other.Open(connectors.Channel{Config: config()}, host(t, &keeper{config: config()}))
	require.NoError(t, err)
	_, err = conn.(connectors.Publisher).Publish(t.Context(), post(b, "Hello"))
	require.Contains(t, requireKind(t, err, connectors.KindUnlinked, connectors.CodeAuthFailed).Message, "client id")

	refusing := newFake(t) // the new token as well
	refusing.Revoke()
	refusing.Answer("/2/tweets", 401, "{}")
	refusing.Answer("/2/tweets", 401, "{}")
	_, err = open(t, refusing, config(), &keeper{config: config()}).(connectors.Publisher).Publish(t.Context(), post(b, "Hello"))
	requireKind(t, err, connectors.KindUnlinked, connectors.CodeAuthFailed)
	require.Equal(t, [2]int{3, 1}, [2]int{refusing.Requests(), refusing.Renewals()})

	without := config()
	delete(without, "refreshToken")
	_, err = open(t, fake, without, &keeper{config: without}).(connectors.Publisher).Publish(t.Context(), post(b, "Hello"))
	requireKind(t, err, connectors.KindUnlinked, connectors.CodeAuthFailed)
}

func TestTroubleWithRenewingIsNoReasonToUnlink(t *testing.T) {
	t.Parallel()
	for name, arrange := range map[string]func(*xtest.Server, *keeper){
		"a gateway":              func(f *xtest.Server, _ *keeper) { f.Answer("/2/oauth2/token", 502, "<html>") },
		"a page":                 func(f *xtest.Server, _ *keeper) { f.Answer("/2/oauth2/token", 200, "<html>") },
		"a page with 400":        func(f *xtest.Server, _ *keeper) { f.Answer("/2/oauth2/token", 400, "<html>") },
		"a token with a break":   func(f *xtest.Server, _ *keeper) { f.Answer("/2/oauth2/token", 200, `{"access_token":"a\nb"}`) },
		"a store that is broken": func(_ *xtest.Server, k *keeper) { k.saved = errors.New("the database is gone") },
	} {
		fake, b := newFake(t), &begun{}
		fake.Revoke()
		kept := &keeper{config: config()}
		arrange(fake, kept)
		_, err := open(t, fake, config(), kept).(connectors.Publisher).Publish(t.Context(), post(b, "Hello"))
		requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
		require.Empty(t, fake.Posts(), name)
	}
	fake := newFake(t)
	fake.Revoke()
	fake.Answer("/2/oauth2/token", 429, "{}")
	_, err := open(t, fake, config(), &keeper{config: config()}).(connectors.Publisher).Publish(t.Context(), post(&begun{}, "Hello"))
	requireKind(t, err, connectors.KindRateLimited, "provider_rate_limited")
}

func TestATokenThatStillWorksIsUsedWhileRenewingFails(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	ends := config()
	ends["expiresAt"] = "2026-11-21T09:04:00Z"
	fake.Answer("/2/oauth2/token", 502, "<html>")
	fake.Answer("/2/oauth2/token", 502, "<html>")
	_, err := open(t, fake, ends, &keeper{config: ends}).(connectors.Publisher).Publish(t.Context(), post(&begun{}, "Hello"))
	require.NoError(t, err)
	require.Len(t, fake.Posts(), 1)
}

func TestTheChannelsOwnAppRenews(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	fake.Revoke()
	own := config()
	own["clientId"], own["clientSecret"] = xtest.ClientID, xtest.ClientSecret
	conn, err := x.New(x.Options{BaseURL: fake.URL, Wait: atOnce}).Open(connectors.Channel{Config: own}, host(t, &keeper{config: own}))
	require.NoError(t, err)
	require.NoError(t, conn.(connectors.Checker).Check(t.Context()))
	require.Equal(t, 1, fake.Renewals())
}

func TestAnAccountIsConnectedOnXsPage(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	authorizer := connector(fake)
	answer, err := authorizer.AuthorizeURL(t.Context(), connectors.AuthorizeRequest{
		State: "state-1", CodeVerifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", RedirectURL: back,
	}, host(t, nil))
	require.NoError(t, err)
	address, err := url.Parse(answer.URL)
	require.NoError(t, err)
	require.Equal(t, "https://x.com/i/oauth2/authorize", "https://"+address.Host+address.Path)
	require.Equal(t, url.Values{
		"response_type": {"code"}, "client_id": {xtest.ClientID}, "redirect_uri": {back}, "state": {"state-1"},
		"scope":          {"tweet.read tweet.write users.read media.write offline.access"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}, // the example of RFC 7636, appendix B
	}, address.Query())

	channels, err := authorizer.Exchange(t.Context(), connectors.ExchangeRequest{Code: xtest.Code, CodeVerifier: "verifier", RedirectURL: back}, host(t, nil))
	require.NoError(t, err)
	require.Equal(t, []connectors.AuthorizedChannel{{
		Config: connectors.Config{"username": "alice", "accessToken": xtest.Token, "refreshToken": xtest.Refresh, "expiresAt": "2026-11-21T11:00:00Z"},
		Name:   "Alice A. (@alice)", Scopes: []string{"tweet.read", "tweet.write", "users.read", "media.write", "offline.access"},
	}}, channels)
	require.Equal(t, url.Values{
		"grant_type": {"authorization_code"}, "code": {xtest.Code}, "redirect_uri": {back}, "code_verifier": {"verifier"},
	}, fake.Forms()[0])
	_, problems := connectors.ValidateConfig(authorizer.Info().Fields, channels[0].Config)
	require.Empty(t, problems)
	require.NoError(t, open(t, fake, channels[0].Config, nil).(connectors.Checker).Check(t.Context()))
}

func TestWhatIsNotGrantedBeginsAgain(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	_, err := x.New(x.Options{}).AuthorizeURL(t.Context(), connectors.AuthorizeRequest{}, host(t, nil))
	require.Contains(t, requireKind(t, err, connectors.KindUnsupported, "unsupported").Message, "X_CLIENT_ID")
	_, err = connector(fake).Exchange(t.Context(), connectors.ExchangeRequest{Query: map[string]string{"error": "access_denied"}}, host(t, nil))
	requireKind(t, err, connectors.KindRejected, connectors.CodeScopeMissing)
	_, err = connector(fake).Exchange(t.Context(), connectors.ExchangeRequest{Code: "old_fake", CodeVerifier: "v"}, host(t, nil))
	requireKind(t, err, connectors.KindRejected, connectors.CodeAuthFailed)
	fake.Answer("/2/users/me", 403, `{"detail":"no"}`)
	_, err = connector(fake).Exchange(t.Context(), connectors.ExchangeRequest{Code: xtest.Code, CodeVerifier: "v"}, host(t, nil))
	requireKind(t, err, connectors.KindRejected, "provider_rejected")
}
