package wordpressorg_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest"
	"github.com/switchhook/switchhook/connectors/wordpressorg"
	"github.com/switchhook/switchhook/internal/safehttp"
	"github.com/switchhook/switchhook/internal/testenv"
)

func TestConformance(t *testing.T) {
	good := connectors.Config{"siteUrl": "https://Blog.example/news/wp-admin/", "username": "Alice", "applicationPassword": "abcd EFGH 1234", "bodyFormat": "markdown"}
	bad := func(name, field, value string) connectortest.BadConfig {
		return connectortest.BadConfig{Name: name, Change: connectors.Config{field: value}, Field: field}
	}
	connectortest.Run(t, connectortest.Suite{
		New: func(string) connectors.Connector { return wordpressorg.New() }, Config: good, Address: "alice@blog.example/news",
		BadConfigs: []connectortest.BadConfig{
			bad("a site with a query", "siteUrl", "https://blog.example/?p=1"),
			bad("a site with a password", "siteUrl", "https://a:b@blog.example/"),
			bad("a site that climbs", "siteUrl", "https://blog.example/../x"),
			bad("a name with a colon", "username", "a:b"),
			bad("a password with signs", "applicationPassword", "pass\"word"),
			bad("an unknown format", "bodyFormat", "word"),
		},
	})
}

func TestOpenNeedsTheGuardedDoor(t *testing.T) {
	t.Parallel()
	_, err := wordpressorg.New().Open(connectors.Channel{Config: config("https://blog.example", testenv.WordPressAccount{User: "a", Password: "b"})},
		connectors.Host{HTTP: &http.Client{}, Now: time.Now})
	require.ErrorContains(t, err, "Host.Public")
}

func TestASiteInAPrivateNetworkIsNeverCalled(t *testing.T) {
	t.Parallel()
	wp := testenv.WordPress(t)
	p := newProxy(t, wp)
	guarded, err := safehttp.New(safehttp.Options{Timeout: 10 * time.Second, UserAgent: "Switchhook"})
	require.NoError(t, err)
	t.Cleanup(guarded.Close)
	conn, err := wordpressorg.New().Open(connectors.Channel{Config: config(p.URL, wp.Admin)}, host(guarded.PublicHTTP()))
	require.NoError(t, err)
	post, began := newPost(t, "Private", "Text")
	_, err = conn.(connectors.Publisher).Publish(t.Context(), post)
	requireKind(t, err, connectors.KindRejected, "invalid_address")
	requireKind(t, conn.(connectors.Checker).Check(t.Context()), connectors.KindRejected, "invalid_address")
	_, err = wordpressorg.New().AuthorizeURL(t.Context(), connectors.AuthorizeRequest{Input: map[string]string{"siteUrl": p.URL}}, host(guarded.PublicHTTP()))
	requireKind(t, err, connectors.KindRejected, "invalid_address")
	require.Zero(t, *began)
	require.Zero(t, p.Requests())
}

func TestCheckTriesThePassword(t *testing.T) {
	t.Parallel()
	wp := testenv.WordPress(t)
	for _, account := range []testenv.WordPressAccount{wp.Admin, wp.Author, wp.Contributor} {
		require.NoError(t, open(t, config(wp.URL, account)).(connectors.Checker).Check(t.Context()), account.User)
	}
	wrong := testenv.WordPressAccount{User: wp.Admin.User, Password: "wrong wrong"}
	failed := requireKind(t, open(t, config(wp.URL, wrong)).(connectors.Checker).Check(t.Context()), connectors.KindUnlinked, connectors.CodeAuthFailed)
	require.NotNil(t, failed.Provider)

	p := newProxy(t, wp)
	conn := open(t, config(p.URL, wp.Admin))
	for _, body := range []string{"<html>", "{}", `{"id":"x"}`} {
		p.once("GET /wp-json/wp/v2/users/me", false, answering(200, body))
		failed := requireKind(t, conn.(connectors.Checker).Check(t.Context()), connectors.KindRetryable, "provider_unavailable")
		require.ErrorContains(t, failed, connectors.CodeUnexpected)
	}
	p.once("GET /wp-json/wp/v2/users/me", false, answering(429, ""))
	requireKind(t, conn.(connectors.Checker).Check(t.Context()), connectors.KindRateLimited, "provider_rate_limited")
	p.once("GET /wp-json/wp/v2/users/me", false, answering(401, `{"code":"x","message":"`+strings.ReplaceAll(wp.Admin.Password, " ", "")+`","data":[]}`))
	failed = requireKind(t, conn.(connectors.Checker).Check(t.Context()), connectors.KindUnlinked, connectors.CodeAuthFailed)
	require.NotContains(t, failed.Error(), strings.ReplaceAll(wp.Admin.Password, " ", ""))
	p.once("GET /wp-json/wp/v2/users/me", false, answering(404, `{"code":"rest_no_route","message":"No route was found","data":{"status":404}}`))
	requireKind(t, conn.(connectors.Checker).Check(t.Context()), connectors.KindRejected, "no_rest_api")
	require.NoError(t, conn.(connectors.Checker).Check(t.Context()), "after a 404 the API is looked for again")
	for _, request := range p.requests() {
		require.NotContains(t, request, strings.ReplaceAll(wp.Admin.Password, " ", ""))
	}
}

func TestTheAPIIsFoundWhereverItIs(t *testing.T) {
	t.Parallel()
	wp := testenv.WordPress(t)
	const index = "GET /wp-json/"
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusMovedPermanently) }
	}
	t.Run("without pretty addresses", func(t *testing.T) {
		t.Parallel()
		p := newProxy(t, wp)
		p.once(index, false, answering(404, "<html>"))
		post, _ := newPost(t, "Plain addresses", "Text")
		post.Options["tags"] = "Plain"
		conn := open(t, config(p.URL+"/", wp.Admin))
		published, err := conn.(connectors.Publisher).Publish(t.Context(), post)
		require.NoError(t, err)
		require.Contains(t, p.requests(), "POST /?rest_route=%2Fwp%2Fv2%2Fposts")
		found, ok, err := conn.(connectors.PostFinder).FindPost(t.Context(), post)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, published, found)
	})
	t.Run("where the front page says", func(t *testing.T) {
		t.Parallel()
		p := newProxy(t, wp)
		p.once(index, false, answering(200, "<html>"))
		p.once("GET /", false, answering(200, "<html>"))
		p.once("GET /", false, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Link", `<`+p.URL+`/wp-json/>; rel="https://api.w.org/"`)
		})
		require.NoError(t, open(t, config(p.URL, wp.Admin)).(connectors.Checker).Check(t.Context()))
	})
	t.Run("a redirect within the site", func(t *testing.T) {
		t.Parallel()
		p := newProxy(t, wp)
		p.once("GET /old/wp-json/", false, redirect("/wp-json/"))
		require.NoError(t, open(t, config(p.URL+"/old", wp.Admin)).(connectors.Checker).Check(t.Context()))
		require.Equal(t, []string{"GET /old/wp-json/", "GET /wp-json/", "GET /wp-json/wp/v2/users/me?context=edit"}, p.requests())
	})
	t.Run("an index for users alone", func(t *testing.T) {
		t.Parallel()
		p := newProxy(t, wp)
		p.once(index, false, answering(401, `{"code":"rest_cannot_access","message":"Only authenticated users.","data":{"status":401}}`))
		require.NoError(t, open(t, config(p.URL, wp.Admin)).(connectors.Checker).Check(t.Context()))
	})
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		code    string
	}{
		"a redirect to another host": {redirect("https://evil.example/wp-json/"), "invalid_address"},
		"another host's API":         {answering(200, `{"namespaces":["other/v1"]}`), "no_rest_api"},
		"no WordPress":               {answering(404, ""), "no_rest_api"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProxy(t, wp)
			p.once(index, false, test.handler)
			p.once("GET /", false, answering(404, ""))
			p.once("GET /", false, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Add("Link", `<https://evil.example/wp-json/>; rel="https://api.w.org/"`)
			})
			requireKind(t, open(t, config(p.URL, wp.Admin)).(connectors.Checker).Check(t.Context()), connectors.KindRejected, test.code)
			for _, request := range p.requests() {
				require.NotContains(t, request, "wp/v2")
			}
		})
	}
}

func TestAUserConnectsASiteOnItsOwnPage(t *testing.T) {
	t.Parallel()
	wp := testenv.WordPress(t)
	connector := wordpressorg.New()
	require.Len(t, connector.AuthorizeFields(), 1)
	require.Equal(t, "siteUrl", connector.AuthorizeFields()[0].Key)
	answer, err := connector.AuthorizeURL(t.Context(), connectors.AuthorizeRequest{
		State: "state-1", RedirectURL: "https://hooks.example/back?a=b", Input: map[string]string{"siteUrl": wp.URL},
	}, host(client(t)))
	require.NoError(t, err)
	page, err := url.Parse(answer.URL)
	require.NoError(t, err)
	require.Equal(t, wp.URL+"/wp-admin/authorize-application.php", page.Scheme+"://"+page.Host+page.Path)
	require.Equal(t, "https://hooks.example/back?a=b&state=state-1", page.Query().Get("success_url"))

	exchange := func(query map[string]string) ([]connectors.AuthorizedChannel, error) {
		return connector.Exchange(t.Context(), connectors.ExchangeRequest{Keep: answer.Keep, Query: query}, host(client(t)))
	}
	channels, err := exchange(map[string]string{"user_login": wp.Author.User, "password": wp.Author.Password, "site_url": "https://evil.example"})
	require.NoError(t, err)
	require.Len(t, channels, 1)
	require.Equal(t, connectors.Config{"siteUrl": wp.URL, "username": "author", "applicationPassword": wp.Author.Password, "bodyFormat": "markdown"}, channels[0].Config)
	require.Contains(t, channels[0].Name, "author (127.0.0.1:")

	_, err = exchange(map[string]string{"success": "false"})
	requireKind(t, err, connectors.KindRejected, connectors.CodeScopeMissing)
	_, err = exchange(map[string]string{"user_login": wp.Author.User, "password": "wrong wrong wrong"})
	requireKind(t, err, connectors.KindUnlinked, connectors.CodeAuthFailed)

	p := newProxy(t, wp)
	p.once("GET /wp-json/", false, answering(200, `{"namespaces":["wp/v2"],"authentication":[]}`))
	_, err = connector.AuthorizeURL(t.Context(), connectors.AuthorizeRequest{Input: map[string]string{"siteUrl": p.URL}}, host(client(t)))
	requireKind(t, err, connectors.KindRejected, "no_application_passwords")
}
