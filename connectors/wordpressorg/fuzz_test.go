package wordpressorg

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

func FuzzARedirectStaysOnTheSite(f *testing.F) {
	for _, seed := range []string{
		"https://www.blog.example/wp-json/", "/news/wp-json/", "//evil.example/", "https://blog.example@evil.example/", "http://blog.example/wp-json/",
		"https:evil", "https://BLOG.example:443/wp-json/?a=b#c", "\\\\evil.example", "",
	} {
		f.Add(seed)
	}
	site, err := siteOf("https://blog.example")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, location string) {
		base, err := (&api{site: site}).follow("https://blog.example/wp-json/", location, "/wp-json")
		if err != nil {
			require.Equal(t, connectors.KindRejected, connectors.AsError(err).Kind)
			return
		}
		followed, err := url.Parse(base)
		require.NoError(t, err)
		require.Equal(t, "https", followed.Scheme)
		require.True(t, sameSite("blog.example", followed.Host), base)
		require.Nil(t, followed.User)
	})
}

func FuzzAnIndexIsReadWithoutTrust(f *testing.F) {
	for _, seed := range []string{
		`{"namespaces":["wp/v2"],"authentication":[]}`, `{"namespaces":["wp/v2"],"authentication":{"application-passwords":{"endpoints":{"authorization":"https://a"}}}}`,
		`{"code":"rest_x","message":"m","data":{"status":401,"term_id":7}}`, `{"code":"x","data":[]}`, `[]`, `<html>`, ``,
	} {
		f.Add(200, []byte(seed))
		f.Add(401, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		a := &api{password: "secret-word", now: func() time.Time { return time.Unix(0, 0) }}
		response := httpcall.Response{Status: status, Header: http.Header{}, Body: body}
		if _, err := readIndex(root{}, response, a); err != nil {
			require.NotEmpty(t, connectors.AsError(err).Message)
		}
		failed := a.failure(response)
		require.NotContains(t, failed.Message+failed.Error(), "secret-word")
	})
}
