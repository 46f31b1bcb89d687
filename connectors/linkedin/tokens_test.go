package linkedin_test

import (
	"fmt"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/linkedin"
	"github.com/switchhook/switchhook/connectors/linkedin/linkedintest"
)

const back = "https://hooks.example/oauth/back"

func TestATokenIsRenewedOnceForAll(t *testing.T) {
	t.Parallel()
	for name, arrange := range map[string]func(*linkedintest.Server, connectors.Config){
		"about to end": func(_ *linkedintest.Server, c connectors.Config) { c["expiresAt"] = "2026-11-21T09:04:00Z" },
		"refused":      func(f *linkedintest.Server, _ connectors.Config) { f.Revoke(false) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, b, settings := newFake(t), &begun{}, config()
			arrange(fake, settings)
			kept := &keeper{config: settings}
			var all sync.WaitGroup
			failures := make(chan error, 20)
			publisher := open(t, fake, settings, kept).(connectors.Publisher)
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
			require.Equal(t, [2]int{20, 1}, [2]int{b.times, fake.Renewals()})
			require.Equal(t, connectors.Config{
				"author": linkedintest.Member, "accessToken": "linkedin-access-token-1_fake", "refreshToken": linkedintest.Refresh, "expiresAt": "2027-01-20T09:00:00Z",
			}, kept.config, "the refresh token stays where the answer has none")
			require.Equal(t, url.Values{
				"grant_type": {"refresh_token"}, "refresh_token": {linkedintest.Refresh}, "client_id": {linkedintest.ClientID}, "client_secret": {linkedintest.ClientSecret},
			}, fake.Forms()[0])
			for _, seen := range fake.Seen() {
				requireNoSecret(t, seen)
			}
		})
	}
}

func TestAnAccessThatEndedForGoodUnlinks(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	fake.Revoke(true)
	_, err := open(t, fake, config(), &keeper{config: config()}).(connectors.Publisher).Publish(t.Context(), post(&begun{}, "Hello"))
	requireKind(t, err, connectors.KindUnlinked, connectors.CodeAuthFailed)
	without := config()
	delete(without, "refreshToken")
	_, err = open(t, fake, without, &keeper{config: without}).(connectors.Publisher).Publish(t.Context(), post(&begun{}, "Hello"))
	requireKind(t, err, connectors.KindUnlinked, connectors.CodeAuthFailed)
	require.Empty(t, fake.Posts())
}

func TestAnUploadThatIsRefusedGoesOnWithANewToken(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	fake.Answer("/dms-uploads/0/0", 401, "")
	out := post(&begun{}, "")
	out.Media = []connectors.PostMedia{media("a.png", "image/png", "", 9)}
	_, err := open(t, fake, config(), &keeper{config: config()}).(connectors.Publisher).Publish(t.Context(), out)
	require.NoError(t, err)
	require.Equal(t, []int{9}, fake.Uploads()[0].Pieces, "the file is sent again from its beginning")
	require.Equal(t, 1, fake.Renewals())
}

func authorize(t *testing.T, fake *linkedintest.Server, author string) (connectors.AuthorizeAnswer, error) {
	t.Helper()
	return linkedin.New(options(fake)).AuthorizeURL(t.Context(), connectors.AuthorizeRequest{
		State: "state-1", CodeVerifier: "verifier", RedirectURL: back, Input: map[string]string{"author": author},
	}, host(t, nil))
}

func TestAMemberIsConnectedOnLinkedInsPage(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	answer, err := authorize(t, fake, "")
	require.NoError(t, err)
	address, err := url.Parse(answer.URL)
	require.NoError(t, err)
	require.Equal(t, fake.URL+"/oauth/v2/authorization", "http://"+address.Host+address.Path)
	require.Equal(t, url.Values{
		"response_type": {"code"}, "client_id": {linkedintest.ClientID}, "redirect_uri": {back}, "state": {"state-1"}, "scope": {"openid profile w_member_social"},
	}, address.Query())
	connector := linkedin.New(options(fake))
	request := connectors.ExchangeRequest{Code: linkedintest.Code, CodeVerifier: "verifier", RedirectURL: back, Keep: answer.Keep}
	channels, err := connector.Exchange(t.Context(), request, host(t, nil))
	require.NoError(t, err)
	require.Equal(t, []connectors.AuthorizedChannel{{Config: config(), Name: "Alice A.", Scopes: []string{"openid", "profile", "w_member_social"}}}, channels)
	_, problems := connectors.ValidateConfig(connector.Info().Fields, channels[0].Config)
	require.Empty(t, problems)
}

func TestAPageIsConnectedWhereItIsGranted(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	answer, err := authorize(t, fake, linkedintest.Page)
	require.NoError(t, err)
	request := connectors.ExchangeRequest{Code: linkedintest.Code, RedirectURL: back, Keep: answer.Keep}
	connector := linkedin.New(options(fake))
	_, err = connector.Exchange(t.Context(), request, host(t, nil))
	require.Contains(t, requireKind(t, err, connectors.KindRejected, connectors.CodeScopeMissing).Message, "LINKEDIN_SCOPES")
	fake.Grant("openid,profile,w_member_social,w_organization_social")
	channels, err := connector.Exchange(t.Context(), request, host(t, nil))
	require.NoError(t, err)
	require.Len(t, channels, 1)
	require.Equal(t, linkedintest.Page, channels[0].Config["author"])
	require.Equal(t, "Page 42 (by Alice A.)", channels[0].Name)
	for author, problems := range map[string]int{"": 0, linkedintest.Page: 0, linkedintest.Member: 0, "Acme": 1} {
		_, wrong := connectors.ValidateConfig(connector.AuthorizeFields(), connectors.Config{"author": author})
		require.Len(t, wrong, problems, author)
	}
}

func TestWhatIsNotGrantedBeginsAgain(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	_, err := linkedin.New(linkedin.Options{}).AuthorizeURL(t.Context(), connectors.AuthorizeRequest{}, host(t, nil))
	require.Contains(t, requireKind(t, err, connectors.KindUnsupported, "unsupported").Message, "LINKEDIN_CLIENT_ID")
	_, err = authorize(t, fake, "Acme")
	requireKind(t, err, connectors.KindRejected, "invalid_field")
	connector := linkedin.New(options(fake))
	_, err = connector.Exchange(t.Context(), connectors.ExchangeRequest{Query: map[string]string{"error": "user_cancelled_authorize"}}, host(t, nil))
	requireKind(t, err, connectors.KindRejected, connectors.CodeScopeMissing)
	_, err = connector.Exchange(t.Context(), connectors.ExchangeRequest{Code: "old_fake"}, host(t, nil))
	requireKind(t, err, connectors.KindRejected, connectors.CodeAuthFailed)
	fake.Answer("/v2/userinfo", 403, `{"message":"Not enough permissions"}`)
	_, err = connector.Exchange(t.Context(), connectors.ExchangeRequest{Code: linkedintest.Code}, host(t, nil))
	requireKind(t, err, connectors.KindRejected, connectors.CodeScopeMissing)
}
