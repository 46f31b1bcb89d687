package wordpresscom_test

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
	"github.com/switchhook/switchhook/connectors/wordpress"
	"github.com/switchhook/switchhook/connectors/wordpresscom"
	"github.com/switchhook/switchhook/connectors/wordpresscom/wordpresscomtest"
)

const (
	newPosts = "POST /rest/v1.1/sites/blog.example/posts/new"
	newMedia = "POST /rest/v1.1/sites/blog.example/media/new"
)

// clock is when everything in these tests happens.
func clock() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }

func config() connectors.Config {
	return connectors.Config{"site": "Blog.example", "accessToken": wordpresscomtest.Token, "refreshToken": wordpresscomtest.Refresh, "bodyFormat": "html"}
}

func connector(fake *wordpresscomtest.Server) wordpresscom.Connector {
	return wordpresscom.New(wordpresscom.Options{BaseURL: fake.URL + "/", ClientID: wordpresscomtest.ClientID, ClientSecret: wordpresscomtest.ClientSecret})
}

func host(t *testing.T, tokens connectors.TokenKeeper) connectors.Host {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return connectors.Host{HTTP: &http.Client{Transport: transport}, Logger: slog.New(slog.DiscardHandler), Now: clock, Tokens: tokens}
}

func open(t *testing.T, fake *wordpresscomtest.Server, settings connectors.Config, tokens connectors.TokenKeeper) connectors.Conn {
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

func post(b *begun, title, text string) connectors.OutPost {
	return connectors.OutPost{ID: "tgt_1-0", Title: title, Text: text, HTML: "<p>" + text + "</p>", StartedAt: clock(), Begin: b.begin}
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
	for _, secret := range []string{wordpresscomtest.Token, wordpresscomtest.Refresh, wordpresscomtest.ClientSecret} {
		require.NotContains(t, text, secret)
	}
	return failed
}

func publish(t *testing.T, fake *wordpresscomtest.Server, out connectors.OutPost) (connectors.Published, error) {
	t.Helper()
	return open(t, fake, config(), nil).(connectors.Publisher).Publish(t.Context(), out)
}

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestConformance(t *testing.T) {
	bad := func(name, field, value string) connectortest.BadConfig {
		return connectortest.BadConfig{Name: name, Change: connectors.Config{field: value}, Field: field}
	}
	good := config()
	maps.Copy(good, connectors.Config{"expiresAt": "2026-11-21T10:00:00Z", "clientId": "a", "clientSecret": "secret-of-the-app"})
	connectortest.Run(t, connectortest.Suite{
		New: func(baseURL string) connectors.Connector {
			return wordpresscom.New(wordpresscom.Options{BaseURL: baseURL})
		},
		Config: good, Address: "blog.example",
		BadConfigs: []connectortest.BadConfig{
			bad("an address", "site", "https://blog.example"), bad("a path", "site", "../me"), bad("dots", "site", ".."), bad("a format", "bodyFormat", "word"),
			bad("no time", "expiresAt", "tomorrow"),
		},
	})
}

func TestAPostGoesOutWithAllThatItHas(t *testing.T) {
	t.Parallel()
	fake, b := wordpresscomtest.New(t, clock()), &begun{}
	out := post(b, "Fish & <Chips>", "Hello")
	out.Media = []connectors.PostMedia{media("a.png", "image/png", "A \"grey\" cat", 70_000), media("b.mp4", "video/mp4", "", 3)}
	out.Options = map[string]string{"categories": "News, R&D", "tags": "a,b,A", "excerpt": "Short & sweet"}
	published, err := publish(t, fake, out)
	require.NoError(t, err)
	slug := "fish-chips-" + wordpress.Mark(out)
	require.Equal(t, connectors.Published{ProviderID: "900", URL: "https://blog.example/2026/11/21/" + slug + "/"}, published)
	require.JSONEq(t, `{"title":"Fish &amp; &lt;Chips&gt;","content":"<p>Hello</p>\n\n<figure class=\"wp-block-video\"><video controls src=\"https://files.example/502\"></video></figure>",
		"excerpt":"Short &amp; sweet","status":"publish","slug":"`+slug+`","featured_image":"501","categories":["News","R&D"],"tags":["a","b"],"publicize":false}`, fake.Posts()[0].Body)
	require.Equal(t, []wordpresscomtest.Upload{
		{FileName: "a.png", ContentType: "image/png", Alt: "A \"grey\" cat", Size: 70_000}, {FileName: "b.mp4", ContentType: "video/mp4", Size: 3},
	}, fake.Uploads())
	require.Equal(t, 1, b.times)
	for _, seen := range fake.Seen() {
		require.NotContains(t, seen, "_fake", "no address holds a token")
	}

	out.Options = map[string]string{"status": "draft", "slug": "mine", "bodyFormat": "markdown", "featuredImage": "no"}
	out.Media = nil
	published, err = publish(t, fake, out)
	require.NoError(t, err)
	require.Equal(t, connectors.Published{ProviderID: "901"}, published, "nobody can see a draft")
	require.JSONEq(t, `{"title":"Fish &amp; &lt;Chips&gt;","content":"Hello","status":"draft","slug":"mine","publicize":false}`, fake.Posts()[1].Body)

	fake.Once(newPosts, false, answering(200, `{"ID":5,"status":"pending","URL":"https://blog.example/?p=5"}`))
	published, err = publish(t, fake, post(b, "For review", "Hello"))
	require.NoError(t, err)
	require.Len(t, published.Warnings, 1)
	require.Empty(t, published.URL)
}

// TestEveryAnswerHasItsMeaning has a row for each class of error of WordPress.com, and for what is no answer; "before" is the meaning for an upload.
func TestEveryAnswerHasItsMeaning(t *testing.T) {
	t.Parallel()
	refuse := wordpresscomtest.Refuse
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		kind    connectors.Kind
		code    string
	}{
		"no token":                 {refuse(403, "authorization_required"), connectors.KindUnlinked, connectors.CodeAuthFailed},
		"a token that is none":     {refuse(400, "invalid_token"), connectors.KindUnlinked, connectors.CodeAuthFailed},
		"401":                      {answering(401, `{"code":"rest_forbidden","message":"no","data":{"status":401}}`), connectors.KindUnlinked, connectors.CodeAuthFailed},
		"a user who may not":       {refuse(403, "unauthorized"), connectors.KindRejected, connectors.CodeScopeMissing},
		"a site that is not there": {refuse(404, "unknown_blog"), connectors.KindRejected, "unknown_site"},
		"another 404":              {refuse(404, "unknown_post"), connectors.KindRejected, "provider_rejected"},
		"a value that is wrong":    {refuse(400, "invalid_input"), connectors.KindRejected, connectors.CodeInvalidContent},
		"a file":                   {refuse(400, "upload_error"), connectors.KindRejected, connectors.CodeMediaRejected},
		"too large":                {answering(413, "<html>"), connectors.KindRejected, connectors.CodeMediaRejected},
		"too fast":                 {refuse(429, "rate_limited"), connectors.KindRateLimited, "provider_rate_limited"},
		"in trouble":               {refuse(500, "internal"), connectors.KindUnconfirmed, "unconfirmed"},
		"a gateway":                {answering(502, "<html>"), connectors.KindUnconfirmed, "unconfirmed"},
		"a page with 200":          {answering(200, "<html>"), connectors.KindUnconfirmed, "unconfirmed"},
		"half an answer":           {answering(200, `{"ID":1`), connectors.KindUnconfirmed, "unconfirmed"},
		"no id":                    {answering(200, `{}`), connectors.KindUnconfirmed, "unconfirmed"},
		"a cut line":               {cut, connectors.KindUnconfirmed, "unconfirmed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, b := wordpresscomtest.New(t, clock()), &begun{}
			fake.Once(newPosts, false, test.handler)
			_, err := publish(t, fake, post(b, "Title", "Hello"))
			requireKind(t, err, test.kind, test.code)
			require.Equal(t, 1, b.times)
			require.Empty(t, fake.Posts())
		})
		t.Run(name+" before", func(t *testing.T) {
			t.Parallel()
			fake, b := wordpresscomtest.New(t, clock()), &begun{}
			fake.Once(newMedia, false, test.handler)
			out := post(b, "Title", "Hello")
			out.Media = []connectors.PostMedia{media("a.png", "image/png", "", 5)}
			_, err := publish(t, fake, out)
			if test.kind == connectors.KindUnconfirmed {
				requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
			} else {
				requireKind(t, err, test.kind, test.code)
			}
			require.Zero(t, b.times)
		})
	}
	t.Run("a file refused with 200", func(t *testing.T) {
		t.Parallel()
		fake, b := wordpresscomtest.New(t, clock()), &begun{}
		fake.Once(newMedia, false, answering(200, `{"media":[],"errors":[{"file":"a.png","error":"upload_error","message":"no `+wordpresscomtest.Token+`"}]}`))
		out := post(b, "Title", "Hello")
		out.Media = []connectors.PostMedia{media("a.png", "image/png", "", 5)}
		_, err := publish(t, fake, out)
		require.NotNil(t, requireKind(t, err, connectors.KindRejected, connectors.CodeMediaRejected).Provider)
		require.Zero(t, b.times)
	})
}

func TestAPostWhoseAnswerWasLostIsFound(t *testing.T) {
	t.Parallel()
	fake, b := wordpresscomtest.New(t, clock()), &begun{}
	fake.Once(newPosts, true, cut)
	conn := open(t, fake, config(), nil)
	finder := conn.(connectors.PostFinder)
	out := post(b, "Title", "Hello")
	_, found, err := finder.FindPost(t.Context(), out)
	require.NoError(t, err)
	require.False(t, found)
	_, err = conn.(connectors.Publisher).Publish(t.Context(), out)
	requireKind(t, err, connectors.KindUnconfirmed, "unconfirmed")
	require.Len(t, fake.Posts(), 1)
	published, found, err := finder.FindPost(t.Context(), out)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "900", published.ProviderID)

	other := out
	other.ID = "tgt_2-0"
	_, found, err = finder.FindPost(t.Context(), other)
	require.NoError(t, err)
	require.False(t, found)
	for i := range 100 { // more than an answer has
		other.ID = fmt.Sprintf("tgt_%d-0", 3+i)
		_, err = conn.(connectors.Publisher).Publish(t.Context(), other)
		require.NoError(t, err)
	}
	_, _, err = finder.FindPost(t.Context(), out)
	requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
	for _, body := range []string{"<html>", "{}", `{"posts":[{"ID":1}]}`} {
		fake.Once("/posts", false, answering(200, body))
		_, _, err = finder.FindPost(t.Context(), out)
		requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
	}
}

func TestATokenThatIsRefusedIsRenewedOnceForAll(t *testing.T) {
	t.Parallel()
	fake, b := wordpresscomtest.New(t, clock()), &begun{}
	fake.Revoke()
	kept := &keeper{config: config()}
	var all sync.WaitGroup
	failures := make(chan error, 20)
	for i := range 20 {
		publisher := open(t, fake, config(), kept).(connectors.Publisher) // as if in other processes
		all.Go(func() {
			out := post(b, fmt.Sprintf("Post %d", i), "Hello")
			out.Media = []connectors.PostMedia{media("a.png", "image/png", "", 5)}
			_, err := publisher.Publish(t.Context(), out)
			failures <- err
		})
	}
	all.Wait()
	for range 20 {
		require.NoError(t, <-failures)
	}
	require.Len(t, fake.Posts(), 20)
	require.Len(t, fake.Uploads(), 20)
	require.Equal(t, 1, fake.Renewals())
	require.Equal(t, wordpresscomtest.Refresh, kept.config["refreshToken"], "a refresh token that is not given anew stays")
}

func TestWhatCannotGoOutIsNotBegun(t *testing.T) {
	t.Parallel()
	fake, b := wordpresscomtest.New(t, clock()), &begun{}
	_, err := publish(t, fake, connectors.OutPost{Title: " ", Begin: b.begin})
	requireKind(t, err, connectors.KindRejected, connectors.CodeInvalidContent)
	broken := post(b, "", "Hello")
	broken.Media = []connectors.PostMedia{{Open: func() (io.ReadSeekCloser, error) { return nil, errors.New("gone") }}}
	_, err = publish(t, fake, broken)
	requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
	require.Zero(t, b.times)
	stop := errors.New("the post was cancelled")
	cancelled := post(b, "", "Hello")
	cancelled.Begin = func(context.Context) error { return stop }
	_, err = publish(t, fake, cancelled)
	require.ErrorIs(t, err, stop)
	require.Empty(t, fake.Posts())
}

func TestCheckAsksForTheSite(t *testing.T) {
	t.Parallel()
	fake := wordpresscomtest.New(t, clock())
	checker := open(t, fake, config(), nil).(connectors.Checker)
	require.NoError(t, checker.Check(t.Context()))
	end := "/sites/blog.example"
	fake.Once(end, false, answering(200, `{"ID":77,"capabilities":{"publish_posts":false,"edit_posts":false}}`))
	requireKind(t, checker.Check(t.Context()), connectors.KindRejected, connectors.CodeScopeMissing)
	for _, body := range []string{"<html>", "{}"} {
		fake.Once(end, false, answering(200, body))
		requireKind(t, checker.Check(t.Context()), connectors.KindRetryable, "provider_unavailable")
	}
	other := config()
	other["site"] = "unknown.example"
	requireKind(t, open(t, fake, other, nil).(connectors.Checker).Check(t.Context()), connectors.KindRejected, "unknown_site")
}

func TestASiteIsConnectedOnWordPressComsPage(t *testing.T) {
	t.Parallel()
	fake := wordpresscomtest.New(t, clock())
	answer, err := connector(fake).AuthorizeURL(t.Context(), connectors.AuthorizeRequest{
		State: "state-1", CodeVerifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", RedirectURL: "https://hooks.example/back",
	}, host(t, nil))
	require.NoError(t, err)
	address, err := url.Parse(answer.URL)
	require.NoError(t, err)
	require.Equal(t, fake.URL+"/oauth2/authorize", address.Scheme+"://"+address.Host+address.Path)
	require.Equal(t, url.Values{
		"response_type": {"code"}, "client_id": {wordpresscomtest.ClientID}, "redirect_uri": {"https://hooks.example/back"}, "state": {"state-1"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}, // the example of RFC 7636, appendix B
	}, address.Query())

	exchange := func(code string) ([]connectors.AuthorizedChannel, error) {
		return connector(fake).Exchange(t.Context(), connectors.ExchangeRequest{Code: code, CodeVerifier: "v", RedirectURL: "https://hooks.example/back"}, host(t, nil))
	}
	channels, err := exchange(wordpresscomtest.Code)
	require.NoError(t, err)
	require.Len(t, channels, 1)
	require.Equal(t, "blog.example", channels[0].Name)
	require.Equal(t, connectors.Config{"site": "77", "accessToken": wordpresscomtest.Token, "bodyFormat": "markdown", "expiresAt": ""}, channels[0].Config)
	require.Equal(t, "https://hooks.example/back", fake.Forms()[0].Get("redirect_uri"))
	fake.Global()
	channels, err = exchange(wordpresscomtest.Code)
	require.NoError(t, err)
	require.Len(t, channels, 2)
	require.Equal(t, [2]string{"78", "two.example"}, [2]string{channels[1].Config["site"], channels[1].Name})
	fake.Once("/me/sites", false, answering(200, `{"sites":[]}`))
	_, err = exchange(wordpresscomtest.Code)
	requireKind(t, err, connectors.KindRejected, connectors.CodeScopeMissing)
	_, err = exchange("")
	requireKind(t, err, connectors.KindRejected, connectors.CodeScopeMissing)
	_, err = exchange("old")
	requireKind(t, err, connectors.KindRejected, connectors.CodeAuthFailed)
	_, err = wordpresscom.New(wordpresscom.Options{}).AuthorizeURL(t.Context(), connectors.AuthorizeRequest{}, host(t, nil))
	require.Contains(t, requireKind(t, err, connectors.KindUnsupported, "unsupported").Message, "WORDPRESS_COM_CLIENT_ID")
}
