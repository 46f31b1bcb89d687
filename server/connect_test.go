package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/mastodon/mastodontest"
)

const mastodonScopes = "read:accounts read:statuses write:media write:statuses"

// connect begins to connect an account of a Mastodon instance.
func (a *tenant) connect(t *testing.T, instance *mastodontest.Server, more string) reply {
	t.Helper()
	return a.send(t, 200, "GET", "/v1/connect/mastodon?instanceUrl="+url.QueryEscape(instance.URL)+more, "")
}

// visit opens a network's page as a browser does, and returns where that leads back to.
func (w *world) visit(t *testing.T, page string) (back string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page, nil)
	require.NoError(t, err)
	response, err := w.client.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusFound, response.StatusCode)
	back, ours := strings.CutPrefix(response.Header.Get("Location"), w.url)
	require.True(t, ours && strings.HasPrefix(back, "/oauth/callback?"), response.Header.Get("Location"))
	return back
}

// shown opens the page to which a network leads back. It must be one that no script runs in and that gives away nothing.
func (w *world) shown(t *testing.T, status int, back string) string {
	t.Helper()
	r := w.call(t, "GET", back, "")
	require.Equal(t, status, r.status, "%s", r.body)
	require.Equal(t, "text/html; charset=utf-8", r.header.Get("Content-Type"))
	policy := r.header.Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'none'")
	require.Contains(t, policy, "frame-ancestors 'none'")
	require.NotContains(t, policy, "unsafe")
	require.NotContains(t, policy, "script-src")
	require.Equal(t, "no-referrer", r.header.Get("Referrer-Policy"))
	require.Equal(t, "noindex", r.header.Get("X-Robots-Tag"))
	require.Equal(t, "no-store", r.header.Get("Cache-Control"))
	page := string(r.body)
	require.NotContains(t, page, "<script")
	query, err := url.ParseQuery(strings.TrimPrefix(back, "/oauth/callback?"))
	require.NoError(t, err)
	for _, secret := range []string{query.Get("state"), query.Get("code"), mastodontest.Token, mastodontest.ClientSecret} {
		require.False(t, secret != "" && strings.Contains(page, secret), page)
	}
	return page
}

func TestAChannelIsConnectedOnItsNetworksPageAndPublishes(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, fediverse := w.tenant(t, "ann"), mastodontest.New(t, w.parts.Now())
		host := strings.TrimPrefix(fediverse.URL, "http://")
		a.send(t, 201, "POST", "/v1/webhooks", `{"url":"`+newReceiver(t, status(200)).URL+`","events":["account.connected"]}`)
		started := a.connect(t, fediverse, "")
		connection := "/v1/connections/" + started.text(t, "id")
		require.Equal(t, "pending", a.send(t, 200, "GET", connection, "").text(t, "status"))

		back := w.visit(t, started.text(t, "url"))
		require.Equal(t, http.StatusOK, w.head(t, back).StatusCode, "who only looks does not use it up")
		page := w.shown(t, 200, back)
		require.Contains(t, page, "Alice A. (@alice@"+host+")")
		require.Contains(t, page, "<strong>ann</strong>")
		for scope := range strings.FieldsSeq(mastodonScopes) {
			require.Contains(t, page, "<code>"+scope+"</code>")
		}
		ended := a.send(t, 200, "GET", connection, "")
		require.Equal(t, "done", ended.text(t, "status"))
		require.Nil(t, ended.field(t, "error"))
		channels, ok := ended.field(t, "channels").([]any)
		require.True(t, ok && len(channels) == 1)
		channelID := a.first(t, "/v1/channels", "")
		require.Equal(t, map[string]any{
			"id": channelID, "name": "Alice A. (@alice@" + host + ")", "address": "alice@" + host, "created": true, "status": "connected", "message": "",
			"scopes": []any{"read:accounts", "read:statuses", "write:media", "write:statuses"},
		}, channels[0])

		shown := a.send(t, 200, "GET", "/v1/channels/"+channelID, "")
		require.Equal(t, "connected", shown.text(t, "status"))
		require.Equal(t, "********", shown.text(t, "config", "accessToken"))
		require.Equal(t, "account.connected", w.eventsOf(t, a)[0])
		post := a.send(t, 202, "POST", "/v1/posts", `{"body":"Hello","channelIds":["`+channelID+`"]}`).text(t, "id")
		a.settled(t, post, "published")
		require.Len(t, fediverse.Statuses(), 1)

		require.Contains(t, w.shown(t, 400, back), "(state_used)")
		require.Equal(t, string(ended.body), string(a.send(t, 200, "GET", connection, "").body), "the second visit changes nothing")
		for _, address := range fediverse.Seen() {
			require.NotContains(t, address, mastodontest.Token)
			require.NotContains(t, address, mastodontest.ClientSecret)
		}
	})
}

// eventsOf returns the names of an account's events, newest first.
func (w *world) eventsOf(t *testing.T, a *tenant) (names []string) {
	t.Helper()
	rows, ok := a.send(t, 200, "GET", "/v1/events", "").field(t, "data").([]any)
	require.True(t, ok)
	for _, row := range rows {
		names = append(names, fmt.Sprint(row.(map[string]any)["event"]))
	}
	return names
}

func TestAChannelThatIsConnectedAgainStaysTheSame(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, fediverse := w.tenant(t, "ann"), mastodontest.New(t, w.parts.Now())
		old := a.channel(t, "mastodon", `{"instanceUrl":"`+fediverse.URL+`","username":"alice","accessToken":"revoked"}`)
		a.send(t, 200, "PATCH", "/v1/channels/"+old, `{"name":"The company"}`)
		require.Equal(t, "needs_link", a.send(t, 200, "POST", "/v1/channels/"+old+"/check", "").text(t, "status"))

		started := a.send(t, 200, "GET", "/v1/connect/mastodon?channelId="+old, "") // the instance is known
		require.Contains(t, w.shown(t, 200, w.visit(t, started.text(t, "url"))), "A channel that was there")
		shown := a.send(t, 200, "GET", "/v1/channels/"+old, "")
		require.Equal(t, "connected", shown.text(t, "status"))
		require.Equal(t, "The company", shown.text(t, "name"))

		// Without naming the channel, the same identity is the same channel of this account, and another one of another account.
		w.shown(t, 200, w.visit(t, a.connect(t, fediverse, "").text(t, "url")))
		require.Len(t, a.send(t, 200, "GET", "/v1/channels", "").field(t, "data"), 1)
		b := w.tenant(t, "bob")
		w.shown(t, 200, w.visit(t, b.connect(t, fediverse, "").text(t, "url")))
		require.NotEqual(t, old, b.first(t, "/v1/channels", ""))
		require.Len(t, a.send(t, 200, "GET", "/v1/channels", "").field(t, "data"), 1)

		// Whoever is somebody else on the network changes nothing.
		other := a.channel(t, "mastodon", `{"instanceUrl":"`+fediverse.URL+`","username":"carol","accessToken":"revoked"}`)
		again := a.send(t, 200, "GET", "/v1/connect/mastodon?channelId="+other, "")
		require.Contains(t, w.shown(t, 400, w.visit(t, again.text(t, "url"))), "(other_identity)")
		require.Equal(t, "new", a.send(t, 200, "GET", "/v1/channels/"+other, "").text(t, "status"))
	})
}

func TestWhatCannotBeConnectedIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a, b, fediverse := w.tenant(t, "ann"), w.tenant(t, "bob"), mastodontest.New(t, w.parts.Now())
	const at = "/v1/connect/"
	instance := "?instanceUrl=" + url.QueryEscape(fediverse.URL)
	a.refused(t, 404, "not_found", "GET", at+"myspace", "")
	a.refused(t, 400, "unsupported", "GET", at+"sandbox", "")
	require.Equal(t, "instanceUrl", a.refused(t, 400, "required_field", "GET", at+"mastodon", "").text(t, "field"))
	require.Equal(t, "instanceUrl", a.refused(t, 400, "invalid_field", "GET", at+"mastodon?instanceUrl=social", "").text(t, "field"))
	require.Equal(t, "username", a.refused(t, 400, "unknown_field", "GET", at+"mastodon"+instance+"&username=x", "").text(t, "field"))
	require.Equal(t, "redirect", a.refused(t, 400, "invalid_field", "GET", at+"mastodon"+instance+"&redirect=maybe", "").text(t, "field"))
	foreign := b.mastodonChannel(t, fediverse)
	a.refused(t, 404, "not_found", "GET", at+"mastodon"+instance+"&channelId="+foreign, "")
	a.refused(t, 404, "not_found", "GET", at+"mastodon"+instance+"&channelId=chan_x", "")
	mine := a.channel(t, "sandbox", `{"number":"15550001111"}`)
	require.Equal(t, "channelId", a.refused(t, 400, "invalid_field", "GET", at+"mastodon"+instance+"&channelId="+mine, "").text(t, "field"))
	require.Empty(t, fediverse.Seen(), "nobody was asked")
	fediverse.Refuse("/api/v1/apps", 429, "Too many requests")
	a.refused(t, 429, "provider_rate_limited", "GET", at+"mastodon"+instance, "")
	fediverse.Refuse("/api/v1/apps", 503, "down")
	a.refused(t, 503, "provider_unavailable", "GET", at+"mastodon"+instance, "")
	fediverse.Refuse("/api/v1/apps", 403, "no")
	require.Equal(t, "instanceUrl", a.refused(t, 400, "invalid_field", "GET", at+"mastodon"+instance, "").text(t, "field"))

	led := a.send(t, 302, "GET", at+"mastodon"+instance+"&redirect=true", "")
	require.Empty(t, led.body)
	require.Contains(t, w.shown(t, 200, w.visit(t, led.header.Get("Location"))), "Mastodon is connected")
}

func TestAPageThatNobodyWasSentToConnectsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a, fediverse := w.tenant(t, "ann"), mastodontest.New(t, w.parts.Now())
	for _, query := range []string{"", "state=", "state=guessed", "code=" + mastodontest.Code, "state=%00%ff&code=guessed", "state=guessed&error=%3Cscript%3E", "error=access_denied"} {
		require.Contains(t, w.shown(t, 400, "/oauth/callback?"+query), "(unknown_state)", query)
	}
	fediverse.Deny()
	started := a.connect(t, fediverse, "")
	require.Contains(t, w.shown(t, 400, w.visit(t, started.text(t, "url"))), "(access_denied)")
	ended := a.send(t, 200, "GET", "/v1/connections/"+started.text(t, "id"), "")
	require.Equal(t, "failed", ended.text(t, "status"))
	require.Equal(t, "access_denied", ended.text(t, "error", "code"))
	require.Empty(t, ended.field(t, "channels"))
	require.Empty(t, a.send(t, 200, "GET", "/v1/channels", "").field(t, "data"))

	limited := false
	for range 600 { // who guesses is slowed down
		limited = w.call(t, "GET", "/oauth/callback?state=guess", "").status == 429
	}
	require.True(t, limited)
}

func TestEachKindSaysWhetherItIsConnectedOnAPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	rows, ok := w.tenant(t, "ann").send(t, 200, "GET", "/v1/connectors", "").field(t, "data").([]any)
	require.True(t, ok)
	guide, err := os.ReadFile("../docs/connecting.md")
	require.NoError(t, err)
	asks := map[string][]string{}
	for _, row := range rows {
		kind, ok := row.(map[string]any)
		require.True(t, ok)
		name := fmt.Sprint(kind["kind"])
		if kind["connect"] != true {
			require.NotContains(t, kind, "connectFields", name)
			continue
		}
		require.Contains(t, string(guide), "`"+name+"`")
		fields, _ := kind["connectFields"].([]any) // missing where it asks nothing
		asks[name] = []string{}
		for _, field := range fields {
			described, ok := field.(map[string]any)
			require.True(t, ok)
			require.Equal(t, false, described["secret"], "it stands in an address")
			asks[name] = append(asks[name], fmt.Sprint(described["key"]))
		}
	}
	require.Equal(t, map[string][]string{
		"facebook": {}, "instagram": {}, "linkedin": {"author"}, "mastodon": {"instanceUrl"}, "tumblr": {"blog"}, "wordpress_com": {}, "wordpress_org": {"siteUrl"}, "x": {},
	}, asks)
}
