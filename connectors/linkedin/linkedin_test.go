package linkedin_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest"
	"github.com/switchhook/switchhook/connectors/linkedin"
	"github.com/switchhook/switchhook/connectors/linkedin/linkedintest"
)

// clock is when everything in these tests happens.
func clock() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }

// atOnce is a wait that takes no time, but ends with its context.
func atOnce(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func config() connectors.Config {
	return connectors.Config{
		"author": linkedintest.Member, "accessToken": linkedintest.Token, "refreshToken": linkedintest.Refresh, "expiresAt": "2027-01-20T09:00:00Z",
	}
}

// keeper keeps one channel's configuration.
type keeper struct {
	mu     sync.Mutex
	config connectors.Config
}

func (k *keeper) Renew(
	ctx context.Context, stale string, renew func(context.Context, connectors.Config) (connectors.Config, error),
) (connectors.Config, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.config["accessToken"] != stale {
		return maps.Clone(k.config), nil
	}
	changes, err := renew(ctx, maps.Clone(k.config))
	if err != nil {
		return nil, err
	}
	maps.Copy(k.config, changes)
	return maps.Clone(k.config), nil
}

func newFake(t *testing.T) *linkedintest.Server {
	t.Helper()
	return linkedintest.New(t)
}

func options(fake *linkedintest.Server) linkedin.Options {
	return linkedin.Options{
		BaseURL: fake.URL + "/", OAuthURL: fake.URL + "/oauth/v2", ClientID: linkedintest.ClientID, ClientSecret: linkedintest.ClientSecret, Wait: atOnce,
	}
}

func host(t *testing.T, tokens connectors.TokenKeeper) connectors.Host {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return connectors.Host{HTTP: &http.Client{Transport: transport}, Logger: slog.New(slog.DiscardHandler), Now: clock, Tokens: tokens}
}

func open(t *testing.T, fake *linkedintest.Server, settings connectors.Config, tokens connectors.TokenKeeper) connectors.Conn {
	t.Helper()
	conn, err := linkedin.New(options(fake)).Open(connectors.Channel{Config: settings}, host(t, tokens))
	require.NoError(t, err)
	return conn
}

// publish opens a channel that cannot renew its token, and publishes.
func publish(t *testing.T, fake *linkedintest.Server, post connectors.OutPost) (connectors.Published, error) {
	t.Helper()
	return open(t, fake, config(), nil).(connectors.Publisher).Publish(t.Context(), post)
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

func post(b *begun, text string) connectors.OutPost {
	return connectors.OutPost{ID: "tgt_1-0", Text: text, StartedAt: clock(), Begin: b.begin}
}

type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

func media(name, contentType, alt string, size int) connectors.PostMedia {
	kind, _, _ := strings.Cut(contentType, "/")
	if contentType == "image/gif" {
		kind = "gif"
	}
	return connectors.PostMedia{
		Kind: kind, ContentType: contentType, FileName: name, Alt: alt, Size: int64(size),
		Open: func() (io.ReadSeekCloser, error) { return file{bytes.NewReader(make([]byte, size))}, nil },
	}
}

func requireNoSecret(t *testing.T, text string) {
	t.Helper()
	require.NotContains(t, text, "_fake")
}

func requireKind(t *testing.T, err error, kind connectors.Kind, code string) *connectors.Error {
	t.Helper()
	require.Error(t, err)
	failed := connectors.AsError(err)
	require.Equal(t, kind, failed.Kind, err.Error())
	require.Equal(t, code, failed.Code, err.Error())
	requireNoSecret(t, err.Error()+failed.Message)
	if failed.Provider != nil {
		requireNoSecret(t, failed.Provider.Message)
	}
	return failed
}

func TestConformance(t *testing.T) {
	bad := func(name, key, value string) connectortest.BadConfig {
		return connectortest.BadConfig{Name: name, Change: connectors.Config{key: value}, Field: key}
	}
	all := config()
	all["clientId"], all["clientSecret"] = linkedintest.ClientID, linkedintest.ClientSecret
	connectortest.Run(t, connectortest.Suite{
		New:    func(baseURL string) connectors.Connector { return linkedin.New(linkedin.Options{BaseURL: baseURL}) },
		Config: all, Address: linkedintest.Member,
		BadConfigs: []connectortest.BadConfig{
			bad("a bare id", "author", "AbC-1_x"),
			bad("a URN of something else", "author", "urn:li:share:1"),
			bad("a page by its name", "author", "urn:li:organization:acme"),
			bad("a time that is none", "expiresAt", "in 60 days"),
			bad("a token with a line break", "accessToken", "a\nb"),
		},
	})
}

func TestOpenNeedsTheGuardedDoor(t *testing.T) {
	t.Parallel()
	_, err := linkedin.New(linkedin.Options{}).Open(connectors.Channel{Config: config()}, connectors.Host{Now: clock})
	require.ErrorContains(t, err, "Host.HTTP")
	_, err = linkedin.New(linkedin.Options{}).Open(connectors.Channel{Config: connectors.Config{"author": "x"}}, connectors.Host{})
	requireKind(t, err, connectors.KindRejected, "invalid_field")
}

func TestCheckTellsWhoseTokenItIs(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	require.NoError(t, open(t, fake, config(), nil).(connectors.Checker).Check(t.Context()))
	page, other, wrong := config(), config(), config()
	page["author"], other["author"], wrong["accessToken"] = linkedintest.Page, "urn:li:person:Bob", "another"
	require.NoError(t, open(t, fake, page, nil).(connectors.Checker).Check(t.Context()))
	failed := requireKind(t, open(t, fake, other, nil).(connectors.Checker).Check(t.Context()), connectors.KindUnlinked, connectors.CodeAuthFailed)
	require.Contains(t, failed.Message, linkedintest.Member)
	requireKind(t, open(t, fake, wrong, nil).(connectors.Checker).Check(t.Context()), connectors.KindUnlinked, connectors.CodeAuthFailed)
	for status, want := range map[int]connectors.Kind{403: connectors.KindRejected, 429: connectors.KindRateLimited, 500: connectors.KindRetryable, 503: connectors.KindRetryable} {
		fake.Answer("/v2/userinfo", status, `{"message":"no"}`)
		require.Equal(t, want, connectors.AsError(open(t, fake, config(), nil).(connectors.Checker).Check(t.Context())).Kind, status)
	}
	for _, body := range []string{"<html>hello</html>", `{"sub":"a`, `{"sub":""}`, `{"sub":"a:b"}`} {
		fake.Answer("/v2/userinfo", 200, body)
		failed := requireKind(t, open(t, fake, config(), nil).(connectors.Checker).Check(t.Context()), connectors.KindRetryable, "provider_unavailable")
		require.ErrorContains(t, failed, connectors.CodeUnexpected)
	}
}
