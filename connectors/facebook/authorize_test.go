package facebook_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/facebook"
	"github.com/switchhook/switchhook/connectors/meta"
	"github.com/switchhook/switchhook/connectors/meta/metatest"
)

const returnURL = "https://hooks.example/oauth/callback"

func host() connectors.Host {
	return connectors.Host{HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, Now: metatest.Now}
}

func withApp(address string) meta.Options {
	options := opts(address)
	options.AppID, options.AppSecret = metatest.AppID, metatest.AppSecret
	return options
}

func exchange(t *testing.T, fake *metatest.Server, code string) ([]connectors.AuthorizedChannel, error) {
	t.Helper()
	return facebook.New(withApp(fake.URL)).Exchange(t.Context(), connectors.ExchangeRequest{Code: code, RedirectURL: returnURL}, host())
}

func TestAUserIsSentToTheLoginOfTheOperatorsApp(t *testing.T) {
	t.Parallel()
	request := connectors.AuthorizeRequest{State: "s&t", CodeVerifier: "v", RedirectURL: returnURL}
	for scopes, want := range map[string]string{
		"":                                    "pages_show_list,pages_manage_posts,pages_read_engagement,publish_video,pages_manage_engagement,pages_messaging,pages_manage_metadata",
		"pages_show_list, pages_manage_posts": "pages_show_list,pages_manage_posts",
	} {
		options := withApp("")
		options.FacebookScopes = scopes
		answer, err := facebook.New(options).AuthorizeURL(t.Context(), request, host())
		require.NoError(t, err)
		address, err := url.Parse(answer.URL)
		require.NoError(t, err)
		require.Equal(t, "https://www.facebook.com/v25.0/dialog/oauth", address.Scheme+"://"+address.Host+address.Path)
		require.Equal(t, url.Values{
			"response_type": {"code"}, "client_id": {metatest.AppID}, "redirect_uri": {returnURL}, "state": {"s&t"}, "scope": {want},
		}, address.Query())
	}
	for _, options := range []meta.Options{{AppSecret: "x"}, {AppID: "1"}} {
		_, err := facebook.New(options).AuthorizeURL(t.Context(), request, host())
		failed := requireKind(t, err, connectors.KindUnsupported, "unsupported")
		require.Contains(t, failed.Message, "META_APP_ID")
	}
}

func TestEveryPageThatWasGrantedBecomesAChannel(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	fake.Grant([]map[string]any{
		{"id": page, "name": "Shop", "access_token": metatest.Token},
		{"id": "1000000000002", "name": "No role"},
		{"id": "1000000000003", "name": "Bakery", "access_token": "fake-page-token-2"},
		{"id": page, "name": "Shop", "access_token": metatest.Token},
	}, "pages_show_list", "pages_manage_posts")
	channels, err := exchange(t, fake, metatest.Code)
	require.NoError(t, err)
	scopes := []string{"pages_show_list", "pages_manage_posts"}
	require.Equal(t, []connectors.AuthorizedChannel{
		{Config: connectors.Config{"pageId": page, "pageAccessToken": metatest.Token}, Name: "Shop", Scopes: scopes},
		{Config: connectors.Config{"pageId": "1000000000003", "pageAccessToken": "fake-page-token-2"}, Name: "Bakery", Scopes: scopes},
	}, channels)
	for _, channel := range channels {
		connector := facebook.New(meta.Options{})
		clean, problems := connectors.ValidateConfig(connector.Info().Fields, channel.Config)
		require.Empty(t, problems)
		_, err := connector.Address(clean)
		require.NoError(t, err)
	}
	for _, request := range fake.Requests() {
		for _, secret := range []string{"access_token=", metatest.Code, metatest.AppSecret, metatest.LongToken} {
			require.NotContains(t, request.Query, secret)
		}
	}

	fake.Grant(nil, "business_management")
	channels, err = exchange(t, fake, metatest.Code)
	require.NoError(t, err)
	require.Equal(t, "Of a business", channels[0].Name, "a role in a business")
}

func TestWhatGoesWrongAtALogin(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	fake.Grant(nil)
	_, err := exchange(t, fake, metatest.Code)
	requireKind(t, err, connectors.KindRejected, "no_accounts")
	_, err = exchange(t, fake, "")
	requireKind(t, err, connectors.KindRejected, connectors.CodeScopeMissing)
	_, err = exchange(t, fake, "another code")
	requireKind(t, err, connectors.KindRejected, connectors.CodeAuthFailed)
	for _, path := range []string{"/oauth/access_token", "/me/permissions", "/me/accounts"} {
		for _, trouble := range []metatest.Trouble{{Cut: true}, {Status: 502}, {Body: `<html>`}, {Status: 200}, {Status: 500, Code: 2}} {
			fake.TroubleAt(path, trouble)
			_, err = exchange(t, fake, metatest.Code)
			requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
			for _, secret := range []string{metatest.Code, metatest.AppSecret, metatest.LongToken} {
				require.NotContains(t, fmt.Sprintf("%v", err), secret)
			}
		}
	}
	fake.TroubleAt("/oauth/access_token", metatest.Trouble{Body: `{}`})
	_, err = exchange(t, fake, metatest.Code)
	requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
	fake.TroubleAt("/oauth/access_token", metatest.Trouble{Status: 400, Code: 100, Words: "Bad code " + metatest.Code + " with " + metatest.AppSecret})
	_, err = exchange(t, fake, metatest.Code)
	failed := requireKind(t, err, connectors.KindRejected, connectors.CodeAuthFailed)
	require.NotContains(t, failed.Provider.Message+string(failed.Provider.Raw), metatest.Code)
	require.NotContains(t, failed.Provider.Message+string(failed.Provider.Raw), metatest.AppSecret)
}
