package tumblr_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest"
	"github.com/switchhook/switchhook/connectors/tumblr"
	"github.com/switchhook/switchhook/connectors/tumblr/tumblrtest"
)

const (
	legacyPath = "POST /v2/blog/my-blog/post"
	npfPath    = "POST /v2/blog/my-blog/posts"
	infoPath   = "GET /v2/user/info"
)

// clock is when everything in these tests happens.
func clock() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }

func config() connectors.Config {
	return connectors.Config{"blog": "My-Blog.tumblr.com", "accessToken": tumblrtest.Token, "refreshToken": tumblrtest.Refresh}
}

func connector(fake *tumblrtest.Server) tumblr.Connector {
	return tumblr.New(tumblr.Options{BaseURL: fake.URL + "/", ClientID: tumblrtest.ClientID, ClientSecret: tumblrtest.ClientSecret})
}

func host(t *testing.T, tokens connectors.TokenKeeper) connectors.Host {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return connectors.Host{HTTP: &http.Client{Transport: transport}, Logger: slog.New(slog.DiscardHandler), Now: clock, Tokens: tokens}
}

func open(t *testing.T, fake *tumblrtest.Server, settings connectors.Config, tokens connectors.TokenKeeper) connectors.Conn {
	t.Helper()
	conn, err := connector(fake).Open(connectors.Channel{Config: settings}, host(t, tokens))
	require.NoError(t, err)
	return conn
}

// keeper keeps one channel's configuration as the core does.
type keeper struct {
	mu     sync.Mutex
	config connectors.Config
}

func (k *keeper) Renew(ctx context.Context, stale string, renew func(context.Context, connectors.Config) (connectors.Config, error)) (connectors.Config, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.config["accessToken"] != stale {
		return maps.Clone(k.config), nil
	}
	change, err := renew(ctx, maps.Clone(k.config))
	if err != nil {
		return nil, err
	}
	maps.Copy(k.config, change)
	return maps.Clone(k.config), nil
}

// begun counts the calls of OutPost.Begin.
type begun struct {
	mu    sync.Mutex
	times int
}

func (b *begun) begin(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.times++
	return nil
}

func post(b *begun, title, text, html string) connectors.OutPost {
	return connectors.OutPost{ID: "tgt_1-0", Title: title, Text: text, HTML: html, StartedAt: clock(), Begin: b.begin}
}

type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

func media(name, contentType, alt string, size int) connectors.PostMedia {
	kind, _, _ := strings.Cut(contentType, "/")
	return connectors.PostMedia{
		Kind: kind, ContentType: contentType, FileName: name, Alt: alt, Size: int64(size),
		Open: func() (io.ReadSeekCloser, error) { return file{bytes.NewReader(make([]byte, size))}, nil },
	}
}

func requireKind(t *testing.T, err error, kind connectors.Kind, code string) *connectors.Error {
	t.Helper()
	require.Error(t, err)
	failed := connectors.AsError(err)
	require.Equal(t, kind, failed.Kind, err.Error())
	require.Equal(t, code, failed.Code, err.Error())
	text := err.Error() + failed.Message
	if failed.Provider != nil {
		text += failed.Provider.Message
	}
	for _, secret := range []string{tumblrtest.Token, tumblrtest.Refresh, tumblrtest.ClientSecret} {
		require.NotContains(t, text, secret)
	}
	return failed
}

func publish(t *testing.T, fake *tumblrtest.Server, out connectors.OutPost) (connectors.Published, error) {
	t.Helper()
	return open(t, fake, config(), nil).(connectors.Publisher).Publish(t.Context(), out)
}

func TestConformance(t *testing.T) {
	bad := func(name, field, value string) connectortest.BadConfig {
		return connectortest.BadConfig{Name: name, Change: connectors.Config{field: value}, Field: field}
	}
	good := config()
	maps.Copy(good, connectors.Config{"expiresAt": "2026-11-21T10:00:00Z", "clientId": "a", "clientSecret": "secret-of-the-app"})
	connectortest.Run(t, connectortest.Suite{
		New:    func(baseURL string) connectors.Connector { return tumblr.New(tumblr.Options{BaseURL: baseURL}) },
		Config: good, Address: "my-blog",
		BadConfigs: []connectortest.BadConfig{
			bad("an address", "blog", "https://my-blog.tumblr.com"), bad("a path", "blog", "../x"), bad("no time", "expiresAt", "tomorrow"),
		},
	})
}

func TestATextGoesOutAsMarkdown(t *testing.T) {
	t.Parallel()
	fake, b := tumblrtest.New(t, clock()), &begun{}
	out := post(b, "A title", "**bold** & [a](https://a.example/?b=c)", "<p><strong>bold</strong></p>")
	out.Options = map[string]string{"state": "private", "tags": "one,two words", "slug": "a-slug"}
	published, err := publish(t, fake, out)
	require.NoError(t, err)
	require.Equal(t, connectors.Published{ProviderID: "9007199254740993"}, published, "nobody sees a private post")
	require.Equal(t, url.Values{
		"type": {"text"}, "format": {"markdown"}, "state": {"private"}, "title": {"A title"}, "body": {"**bold** & [a](https://a.example/?b=c)"},
		"tags": {"one,two words"}, "slug": {"a-slug"},
	}.Encode(), fake.Posts()[0].Form)

	published, err = publish(t, fake, post(b, "", "Hello", "<p>Hello</p>"))
	require.NoError(t, err)
	require.Equal(t, "https://www.tumblr.com/my-blog/9007199254740994", published.URL)
	require.Equal(t, 2, b.times)
	for _, seen := range fake.Seen() {
		require.NotContains(t, seen, "_fake", "no address holds a token")
	}
}

func TestPicturesAndAFilmGoOutWithTheirDescriptions(t *testing.T) {
	t.Parallel()
	fake, b := tumblrtest.New(t, clock()), &begun{}
	out := post(b, "A title", "Hello **you**", "<p>Hello <strong>you</strong></p>")
	out.Media = []connectors.PostMedia{media("a.png", "image/png", "A \"grey\" cat", 70_000), media("b.mp4", "video/mp4", "", 3)}
	out.Options = map[string]string{"tags": "a"}
	published, err := publish(t, fake, out)
	require.NoError(t, err)
	require.Equal(t, connectors.Published{ProviderID: "9007199254740993", URL: "https://www.tumblr.com/my-blog/9007199254740993"}, published)
	require.JSONEq(t, `{"state":"published","tags":"a","content":[
		{"type":"text","subtype":"heading1","text":"A title"},
		{"type":"text","text":"Hello you","formatting":[{"start":6,"end":9,"type":"bold"}]},
		{"type":"image","media":[{"type":"image/png","identifier":"file-0"}],"alt_text":"A \"grey\" cat"},
		{"type":"video","media":{"type":"video/mp4","identifier":"file-1"}}]}`, fake.Posts()[0].JSON)
	require.Equal(t, []tumblrtest.File{
		{Name: "file-0", FileName: "a.png", ContentType: "image/png", Size: 70_000}, {Name: "file-1", FileName: "b.mp4", ContentType: "video/mp4", Size: 3},
	}, fake.Posts()[0].Files)
	require.Equal(t, 1, b.times)

	out.HTML = ""
	published, err = publish(t, fake, out)
	require.NoError(t, err)
	require.Len(t, published.Warnings, 1, "a text that was made shorter has no formatting")
}

// TestEveryAnswerHasItsMeaning has a row for each class of error of Tumblr's documentation, and for what is no answer.
func TestEveryAnswerHasItsMeaning(t *testing.T) {
	t.Parallel()
	page := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	refuse := tumblrtest.Refuse
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		kind    connectors.Kind
		code    string
		after   time.Duration
	}{
		"bad content":              {refuse(400, 8001, "Invalid NPF"), connectors.KindRejected, connectors.CodeInvalidContent, 0},
		"a file of a wrong format": {refuse(400, 8005, "Media"), connectors.KindRejected, connectors.CodeMediaRejected, 0},
		"too large":                {page(413, "<html>"), connectors.KindRejected, connectors.CodeMediaRejected, 0},
		"the token":                {refuse(401, 5004, "Unauthorized"), connectors.KindUnlinked, connectors.CodeAuthFailed, 0},
		"no permission":            {refuse(403, 0, ""), connectors.KindRejected, connectors.CodeScopeMissing, 0},
		"uploads of the day":       {refuse(403, 8004, "Limit"), connectors.KindRateLimited, connectors.CodeQuotaExceeded, 20 * time.Hour},
		"transcoding":              {refuse(403, 8010, "Transcoding"), connectors.KindRateLimited, "provider_rate_limited", 5 * time.Minute},
		"films of the day":         {refuse(403, 8011, "Limit"), connectors.KindRateLimited, connectors.CodeQuotaExceeded, 20 * time.Hour},
		"a full queue":             {refuse(403, 8022, "Queue"), connectors.KindRateLimited, connectors.CodeQuotaExceeded, 20 * time.Hour},
		"posts of the day":         {refuse(403, 8023, "Limit"), connectors.KindRateLimited, connectors.CodeQuotaExceeded, 20 * time.Hour},
		"another 403":              {refuse(403, 8002, "Parent"), connectors.KindRejected, "provider_rejected", 0},
		"no such blog":             {refuse(404, 0, ""), connectors.KindRejected, "unknown_blog", 0},
		"too fast":                 {refuse(429, 0, ""), connectors.KindRateLimited, "provider_rate_limited", 0},
		"in trouble":               {refuse(500, 8009, "Oops"), connectors.KindUnconfirmed, "unconfirmed", 0},
		"switched off":             {refuse(503, 0, ""), connectors.KindUnconfirmed, "unconfirmed", 0},
		"a gateway":                {page(502, "<html>"), connectors.KindUnconfirmed, "unconfirmed", 0},
		"a page with 200":          {page(200, "<html>"), connectors.KindUnconfirmed, "unconfirmed", 0},
		"half an answer":           {page(201, `{"response":{"id":"12`), connectors.KindUnconfirmed, "unconfirmed", 0},
		"no id":                    {page(201, `{"response":{}}`), connectors.KindUnconfirmed, "unconfirmed", 0},
		"an id that is none":       {page(201, `{"response":{"id":"a/b"}}`), connectors.KindUnconfirmed, "unconfirmed", 0},
		"a cut line":               {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, connectors.KindUnconfirmed, "unconfirmed", 0},
	} {
		for _, path := range []string{legacyPath, npfPath} {
			t.Run(name+" "+path, func(t *testing.T) {
				t.Parallel()
				fake, b := tumblrtest.New(t, clock()), &begun{}
				fake.Once(path, false, test.handler)
				out := post(b, "", "Hello", "<p>Hello</p>")
				if path == npfPath {
					out.Media = []connectors.PostMedia{media("a.png", "image/png", "", 5)}
				}
				_, err := publish(t, fake, out)
				require.Equal(t, test.after, requireKind(t, err, test.kind, test.code).After)
				require.Equal(t, 1, b.times)
				require.Empty(t, fake.Posts())
			})
		}
		t.Run(name+" before", func(t *testing.T) {
			t.Parallel()
			fake, b := tumblrtest.New(t, clock()), &begun{}
			fake.Once(infoPath, false, test.handler)
			fake.Once(infoPath, false, test.handler) // net/http repeats a GET by itself once
			_, err := publish(t, fake, post(b, "", "Hello", "<p>Hello</p>"))
			if test.kind == connectors.KindUnconfirmed {
				requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
			} else {
				requireKind(t, err, test.kind, test.code)
			}
			require.Zero(t, b.times)
		})
	}
}

func TestAPostWhoseAnswerWasLostIsFound(t *testing.T) {
	t.Parallel()
	for _, withFile := range []bool{true, false} {
		fake, b := tumblrtest.New(t, clock()), &begun{}
		path := legacyPath
		out := post(b, "A title", "Hello & you", "<p>Hello &amp; you</p>")
		if withFile {
			path, out.Media = npfPath, []connectors.PostMedia{media("a.png", "image/png", "", 5)}
		}
		fake.Add(`[{"type":"text","text":"A title: Hello & you"}]`, clock().Add(-2*time.Minute))
		fake.Once(path, true, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		conn := open(t, fake, config(), nil)
		finder := conn.(connectors.PostFinder)
		_, found, err := finder.FindPost(t.Context(), out)
		require.NoError(t, err)
		require.False(t, found, "the one that is there is older")
		_, err = conn.(connectors.Publisher).Publish(t.Context(), out)
		requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed")
		require.Len(t, fake.Posts(), 2)
		published, found, err := finder.FindPost(t.Context(), out)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, connectors.Published{ProviderID: "9007199254740994", URL: "https://www.tumblr.com/my-blog/9007199254740994"}, published)

		other := out
		other.Title = "Another"
		_, _, err = finder.FindPost(t.Context(), other)
		requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
		out.Options = map[string]string{"state": "draft"}
		_, _, err = finder.FindPost(t.Context(), out)
		requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
		out.Options = nil
		for _, body := range []string{"<html>", `{"response":{}}`, `{"response":{"posts":[{"id":1}]}}`} {
			fake.Once("GET /v2/blog/my-blog/posts", false, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
			_, _, err = finder.FindPost(t.Context(), out)
			requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
		}
	}
}

func TestATokenThatIsRefusedIsRenewedOnceForAll(t *testing.T) {
	t.Parallel()
	fake, b := tumblrtest.New(t, clock()), &begun{}
	fake.Revoke()
	kept := &keeper{config: config()}
	var all sync.WaitGroup
	failures := make(chan error, 20)
	for i := range 20 {
		publisher := open(t, fake, config(), kept).(connectors.Publisher) // as if in other processes
		all.Go(func() {
			_, err := publisher.Publish(t.Context(), post(b, "", fmt.Sprintf("Post %d", i), ""))
			failures <- err
		})
	}
	all.Wait()
	for range 20 {
		require.NoError(t, <-failures)
	}
	require.Len(t, fake.Posts(), 20)
	require.Equal(t, 20, b.times)
	require.Equal(t, 1, fake.Renewals())
	require.Equal(t, "tumblr-refresh-1_fake", kept.config["refreshToken"])
	require.Equal(t, "2026-11-21T09:42:00Z", kept.config["expiresAt"])

	fake.Revoke()
	_, err := publish(t, fake, post(b, "", "Hello", ""))
	requireKind(t, err, connectors.KindUnlinked, connectors.CodeAuthFailed)
}

func TestWhatCannotGoOutIsNotBegun(t *testing.T) {
	t.Parallel()
	fake, b := tumblrtest.New(t, clock()), &begun{}
	_, err := publish(t, fake, post(b, " ", "", ""))
	requireKind(t, err, connectors.KindRejected, connectors.CodeInvalidContent)
	broken := post(b, "", "Hello", "<p>Hello</p>")
	broken.Media = []connectors.PostMedia{{Open: func() (io.ReadSeekCloser, error) { return nil, errors.New("gone") }}}
	_, err = publish(t, fake, broken)
	requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
	long := post(b, "", "x", strings.Repeat("<p>a</p>", 1000))
	long.Media = []connectors.PostMedia{media("a.png", "image/png", "", 5)}
	_, err = publish(t, fake, long)
	requireKind(t, err, connectors.KindRejected, connectors.CodeInvalidContent)
	require.Zero(t, b.times)

	stop := errors.New("the post was cancelled")
	cancelled := post(b, "", "Hello", "")
	cancelled.Begin = func(context.Context) error { return stop }
	_, err = publish(t, fake, cancelled)
	require.ErrorIs(t, err, stop)
	require.Empty(t, fake.Posts())

	wrong := config()
	wrong["blog"] = "not-mine"
	require.NoError(t, open(t, fake, config(), nil).(connectors.Checker).Check(t.Context()))
	requireKind(t, open(t, fake, wrong, nil).(connectors.Checker).Check(t.Context()), connectors.KindUnlinked, connectors.CodeAuthFailed)
}

func TestAnAccountIsConnectedOnTumblrsPage(t *testing.T) {
	t.Parallel()
	fake := tumblrtest.New(t, clock())
	answer, err := connector(fake).AuthorizeURL(t.Context(), connectors.AuthorizeRequest{
		State: "state-1", RedirectURL: "https://hooks.example/back", Input: map[string]string{"blog": "My-Blog.tumblr.com"},
	}, host(t, nil))
	require.NoError(t, err)
	address, err := url.Parse(answer.URL)
	require.NoError(t, err)
	require.Equal(t, url.Values{
		"response_type": {"code"}, "client_id": {tumblrtest.ClientID}, "redirect_uri": {"https://hooks.example/back"}, "scope": {"basic write offline_access"}, "state": {"state-1"},
	}, address.Query())
	channels, err := connector(fake).Exchange(t.Context(), connectors.ExchangeRequest{Code: tumblrtest.Code, RedirectURL: "https://hooks.example/back", Keep: answer.Keep}, host(t, nil))
	require.NoError(t, err)
	require.Len(t, channels, 1, "two channels cannot share a grant")
	require.Equal(t, connectors.AuthorizedChannel{
		Config: connectors.Config{"blog": "my-blog", "accessToken": tumblrtest.Token, "refreshToken": tumblrtest.Refresh, "expiresAt": "2026-11-21T09:42:00Z"},
		Name:   "my-blog.tumblr.com", Scopes: []string{"basic", "write", "offline_access"},
	}, channels[0])

	require.Equal(t, "blog", connector(fake).AuthorizeFields()[0].Key)
	for named, code := range map[string]string{"": "blog_required", "not-mine": "blog_missing"} {
		_, err = connector(fake).Exchange(t.Context(), connectors.ExchangeRequest{
			Code: tumblrtest.Code, RedirectURL: "https://hooks.example/back", Keep: map[string]string{"blog": named},
		}, host(t, nil))
		require.Equal(t, "blog", requireKind(t, err, connectors.KindRejected, code).Field)
	}
	_, err = connector(fake).AuthorizeURL(t.Context(), connectors.AuthorizeRequest{Input: map[string]string{"blog": "a/b"}}, host(t, nil))
	requireKind(t, err, connectors.KindRejected, "invalid_field")

	_, err = tumblr.New(tumblr.Options{}).AuthorizeURL(t.Context(), connectors.AuthorizeRequest{}, host(t, nil))
	require.Contains(t, requireKind(t, err, connectors.KindUnsupported, "unsupported").Message, "TUMBLR_CLIENT_ID")
	_, err = connector(fake).Exchange(t.Context(), connectors.ExchangeRequest{}, host(t, nil))
	requireKind(t, err, connectors.KindRejected, connectors.CodeScopeMissing)
	_, err = connector(fake).Exchange(t.Context(), connectors.ExchangeRequest{Code: "old"}, host(t, nil))
	requireKind(t, err, connectors.KindRejected, connectors.CodeAuthFailed)
}
