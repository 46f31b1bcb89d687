package x_test

import (
	"bytes"
	"context"
	"errors"
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
	"github.com/switchhook/switchhook/connectors/x"
	"github.com/switchhook/switchhook/connectors/x/xtest"
)

// clock is when everything in these tests happens.
func clock() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }

// atOnce is a wait that takes no time, but ends with its context.
func atOnce(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func config() connectors.Config {
	return connectors.Config{"username": "@Alice", "accessToken": xtest.Token, "refreshToken": xtest.Refresh, "expiresAt": "2026-11-21T10:00:00Z"}
}

func signedConfig() connectors.Config {
	return connectors.Config{
		"username": "alice", "apiKey": xtest.Key, "apiKeySecret": xtest.KeySecret, "oauth1Token": xtest.OAuth1Token, "oauth1TokenSecret": xtest.TokenSecret,
	}
}

// keeper keeps one channel's configuration.
type keeper struct {
	mu     sync.Mutex
	config connectors.Config
	calls  int // of renew
	saved  error
}

func (k *keeper) Renew(
	ctx context.Context, stale string, renew func(context.Context, connectors.Config) (connectors.Config, error),
) (connectors.Config, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.config["accessToken"] != stale {
		return maps.Clone(k.config), nil
	}
	k.calls++
	changes, err := renew(ctx, maps.Clone(k.config))
	if err = errors.Join(err, k.saved); err != nil {
		return nil, err
	}
	maps.Copy(k.config, changes)
	return maps.Clone(k.config), nil
}

func (k *keeper) get(key string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.config[key]
}

func newFake(t *testing.T) *xtest.Server {
	t.Helper()
	return xtest.New(t, clock())
}

func connector(fake *xtest.Server) x.Connector {
	return x.New(x.Options{BaseURL: fake.URL + "/", ClientID: xtest.ClientID, ClientSecret: xtest.ClientSecret, Wait: atOnce})
}

func host(t *testing.T, tokens connectors.TokenKeeper) connectors.Host {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return connectors.Host{HTTP: &http.Client{Transport: transport}, Logger: slog.New(slog.DiscardHandler), Now: clock, Tokens: tokens}
}

func open(t *testing.T, fake *xtest.Server, settings connectors.Config, tokens connectors.TokenKeeper) connectors.Conn {
	t.Helper()
	conn, err := connector(fake).Open(connectors.Channel{Config: settings}, host(t, tokens))
	require.NoError(t, err)
	return conn
}

// publish opens a channel that cannot renew its token, and publishes.
func publish(t *testing.T, fake *xtest.Server, post connectors.OutPost) (connectors.Published, error) {
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
	all["clientId"], all["clientSecret"] = xtest.ClientID, xtest.ClientSecret
	maps.Copy(all, signedConfig())
	connectortest.Run(t, connectortest.Suite{
		New:    func(baseURL string) connectors.Connector { return x.New(x.Options{BaseURL: baseURL}) },
		Config: all, Address: "alice",
		BadConfigs: []connectortest.BadConfig{
			bad("a name with a space", "username", "my name"),
			bad("a name that is too long", "username", "abcdefghijklmnop"),
			bad("three of four keys", "oauth1Token", ""),
			bad("two of four keys", "apiKey", ""),
			bad("a token with a line break", "accessToken", "a\nb"),
		},
	})
}

func TestAChannelNeedsOneWayToSignIn(t *testing.T) {
	t.Parallel()
	for field, settings := range map[string]connectors.Config{
		"accessToken": {"username": "alice"},
		"expiresAt":   {"username": "alice", "accessToken": "a", "expiresAt": "tomorrow"},
		"apiKey":      {"username": "alice", "accessToken": "a", "oauth1Token": "b"},
		"username":    {"accessToken": "a"},
	} {
		_, err := x.New(x.Options{}).Open(connectors.Channel{Config: settings}, host(t, nil))
		require.Equal(t, field, requireKind(t, err, connectors.KindRejected, "invalid_field").Field)
	}
	_, err := x.New(x.Options{}).Open(connectors.Channel{Config: config()}, connectors.Host{Now: clock})
	require.ErrorContains(t, err, "Host.HTTP")
}

func TestCheckTellsWhoseCredentialsTheseAre(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	require.NoError(t, open(t, fake, config(), nil).(connectors.Checker).Check(t.Context()))
	require.NoError(t, open(t, fake, signedConfig(), nil).(connectors.Checker).Check(t.Context()))

	other := config()
	other["username"] = "bob"
	failed := requireKind(t, open(t, fake, other, nil).(connectors.Checker).Check(t.Context()), connectors.KindUnlinked, connectors.CodeAuthFailed)
	require.Contains(t, failed.Message, "alice")
	for _, wrong := range []string{"accessToken", "oauth1TokenSecret"} {
		settings := map[string]connectors.Config{"accessToken": config(), "oauth1TokenSecret": signedConfig()}[wrong]
		settings[wrong] = "another"
		requireKind(t, open(t, fake, settings, nil).(connectors.Checker).Check(t.Context()), connectors.KindUnlinked, connectors.CodeAuthFailed)
	}
	for status, want := range map[int]connectors.Kind{403: connectors.KindUnlinked, 429: connectors.KindRateLimited, 500: connectors.KindRetryable, 503: connectors.KindRetryable} {
		fake.Answer("/2/users/me", status, `{"title":"no","detail":"no"}`)
		require.Equal(t, want, connectors.AsError(open(t, fake, config(), nil).(connectors.Checker).Check(t.Context())).Kind, status)
	}
	for _, body := range []string{"<html>hello</html>", `{"data":{"id":"7"`, `{"data":{"id":""}}`, `{"data":{"id":"x/../y","username":"alice"}}`} {
		fake.Answer("/2/users/me", 200, body)
		failed := requireKind(t, open(t, fake, config(), nil).(connectors.Checker).Check(t.Context()), connectors.KindRetryable, "provider_unavailable")
		require.ErrorContains(t, failed, connectors.CodeUnexpected)
	}
	fake.Answer("/2/users/me", 200, `{"errors":[{"title":"Forbidden","detail":"User has been suspended"}]}`)
	requireKind(t, open(t, fake, config(), nil).(connectors.Checker).Check(t.Context()), connectors.KindUnlinked, connectors.CodeAuthFailed)
}
