package instagram_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/instagram"
	"github.com/switchhook/switchhook/connectors/meta"
	"github.com/switchhook/switchhook/connectors/meta/metatest"
)

func find(t *testing.T, fake *metatest.Server, out connectors.OutPost) (connectors.Published, bool, error) {
	t.Helper()
	return publisher(t, fake).(connectors.PostFinder).FindPost(t.Context(), out)
}

func TestAPostIsFoundByItsCaptionItsKindAndItsTime(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	out := post(&begun{}, "Hello\n\n#tea ", film("a.mp4"))
	fake.Add(metatest.Post{Edge: "media", Type: "VIDEO", Text: "Hello #tea", At: metatest.Now().Add(-2 * time.Minute)})
	fake.Add(metatest.Post{Edge: "media", Type: "IMAGE", Text: "Hello #tea"})
	_, found, err := find(t, fake, out)
	require.NoError(t, err)
	require.False(t, found)

	fake.Add(metatest.Post{ID: "77", Edge: "media", Type: "VIDEO", Text: "Hello #tea", At: metatest.Now().Add(-30 * time.Second)})
	published, found, err := find(t, fake, out)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, connectors.Published{ProviderID: "77", URL: "https://www.instagram.com/p/77/"}, published)
}

func TestWhatIsUnsureIsAnErrorAndNotNo(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	bare := post(&begun{}, "", film("a.mp4"), film("b.mp4"))
	_, found, err := find(t, fake, bare)
	require.NoError(t, err)
	require.False(t, found, "nothing is there")
	fake.Add(metatest.Post{Edge: "media", Type: "CAROUSEL_ALBUM"})
	_, _, err = find(t, fake, bare)
	requireKind(t, err, connectors.KindRetryable, "provider_unavailable")

	for i := range 100 {
		fake.Add(metatest.Post{Edge: "media", Type: "VIDEO", Text: strconv.Itoa(i)})
	}
	_, _, err = find(t, fake, post(&begun{}, "Hello", film("a.mp4")))
	requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
	for _, body := range []string{`<html>`, `{}`, `{"data":[{"id":"1"}]}`, `{"data":[{"timestamp":"2026-11-21T09:00:00+0000"}]}`} {
		fake.TroubleNext(metatest.Trouble{Body: body})
		_, _, err = find(t, fake, bare)
		requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
	}
}

func TestEveryLinkedAccountThatWasGrantedBecomesAChannel(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	options := meta.Options{BaseURL: fake.URL, LoginBaseURL: "https://login.example/", AppID: metatest.AppID, AppSecret: metatest.AppSecret}
	connector, host := instagram.New(options), connectors.Host{HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, Now: metatest.Now}
	answer, err := connector.AuthorizeURL(t.Context(), connectors.AuthorizeRequest{State: "s", RedirectURL: "https://hooks.example/back"}, host)
	require.NoError(t, err)
	require.Equal(t, "https://login.example/v25.0/dialog/oauth?client_id=1234567890&redirect_uri=https%3A%2F%2Fhooks.example%2Fback&response_type=code&scope="+
		"pages_show_list%2Cpages_read_engagement%2Cinstagram_basic%2Cinstagram_content_publish%2Cinstagram_manage_comments%2Cinstagram_manage_messages%2C"+
		"pages_messaging%2Cpages_manage_metadata&state=s", answer.URL)

	fake.Grant([]map[string]any{
		{"id": page, "name": "Shop", "access_token": metatest.Token, "instagram_business_account": map[string]any{"id": account, "username": "shop"}},
		{"id": "1000000000002", "name": "Not linked", "access_token": "x"},
		{"id": "1000000000003", "name": "Bakery", "access_token": "y", "instagram_business_account": map[string]any{"id": "17841400000000003"}},
	}, "instagram_basic")
	request := connectors.ExchangeRequest{Code: metatest.Code, RedirectURL: "https://hooks.example/back"}
	channels, err := connector.Exchange(t.Context(), request, host)
	require.NoError(t, err)
	require.Equal(t, []connectors.AuthorizedChannel{
		{Config: connectors.Config{"igUserId": account, "pageId": page, "accessToken": metatest.Token}, Name: "@shop", Scopes: []string{"instagram_basic"}},
		{Config: connectors.Config{"igUserId": "17841400000000003", "pageId": "1000000000003", "accessToken": "y"}, Name: "Bakery", Scopes: []string{"instagram_basic"}},
	}, channels)

	fake.Grant([]map[string]any{{"id": page, "name": "Not linked", "access_token": "x"}})
	_, err = connector.Exchange(t.Context(), request, host)
	requireKind(t, err, connectors.KindRejected, "no_accounts")
}
