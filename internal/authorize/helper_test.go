package authorize_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/mastodon"
	"github.com/switchhook/switchhook/connectors/mastodon/mastodontest"
	"github.com/switchhook/switchhook/connectors/sandbox"
	"github.com/switchhook/switchhook/internal/authorize"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

// pages is a network on which a person grants several identities at once. It asks nothing.
type pages struct {
	granted func(connectors.ExchangeRequest) ([]connectors.AuthorizedChannel, error)
	check   func(ctx context.Context, config connectors.Config) error
}

func (*pages) Info() connectors.Info {
	return connectors.Info{Kind: "pages", Name: "Pages", Platform: "pages", KeyPrefix: "pgs", Fields: []connectors.Field{
		{Key: "page", Label: "Page", Type: connectors.FieldText, Required: true, Pattern: "[a-z]+"},
		{Key: "accessToken", Label: "Access token", Type: connectors.FieldText, Required: true, Secret: true},
		{Key: "refreshToken", Label: "Refresh token", Type: connectors.FieldText, Secret: true},
		{Key: "expiresAt", Label: "End", Type: connectors.FieldText},
		{Key: "clientId", Label: "Client id", Type: connectors.FieldText},
		{Key: "format", Label: "Format", Type: connectors.FieldText, Default: "markdown"},
	}}
}

func (*pages) Address(config connectors.Config) (string, error) { return config["page"], nil }

func (p *pages) Open(c connectors.Channel, _ connectors.Host) (connectors.Conn, error) {
	return &pageConn{p, c.Config}, nil
}

func (*pages) AuthorizeURL(_ context.Context, request connectors.AuthorizeRequest, _ connectors.Host) (connectors.AuthorizeAnswer, error) {
	return connectors.AuthorizeAnswer{URL: "https://pages.example/grant?" + url.Values{"state": {request.State}}.Encode(), Keep: map[string]string{"kept": "yes"}}, nil
}

func (p *pages) Exchange(_ context.Context, request connectors.ExchangeRequest, _ connectors.Host) ([]connectors.AuthorizedChannel, error) {
	return p.granted(request)
}

type pageConn struct {
	*pages
	config connectors.Config
}

func (c *pageConn) Check(ctx context.Context) error { return c.check(ctx, c.config) }
func (*pageConn) Close() error                      { return nil }

// page is a granted identity.
func page(name, token string) connectors.AuthorizedChannel {
	return connectors.AuthorizedChannel{Config: connectors.Config{"page": name, "accessToken": token}, Name: "Page " + name, Scopes: []string{"write"}}
}

// fixture is a service on a database of its own, an instance of Mastodon, and a clock and a log that the test reads.
type fixture struct {
	*authorize.Service
	store     *store.Store
	channels  *channel.Service
	fediverse *mastodontest.Server
	pages     *pages

	mu  sync.Mutex
	now time.Time
	log bytes.Buffer
}

func (f *fixture) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fixture) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

// Write takes the log.
func (f *fixture) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.Write(line)
}

func (f *fixture) logged() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.String()
}

func newFixture(t *testing.T, engine string) *fixture {
	t.Helper()
	f := &fixture{now: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}
	f.fediverse = mastodontest.New(t, f.now)
	f.pages = &pages{check: func(context.Context, connectors.Config) error { return nil }}
	logger := slog.New(slog.NewTextHandler(f, &slog.HandlerOptions{Level: slog.LevelDebug}))
	options := store.Options{DataDir: t.TempDir(), Logger: logger}
	if engine == "postgres" {
		options.URL = testenv.Postgres(t)
	}
	var err error
	f.store, err = store.Open(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.store.Close()) })
	require.NoError(t, f.store.Migrate(t.Context()))
	for _, account := range []string{"acct_a", "acct_b"} {
		_, err := f.store.CreateAccount(t.Context(), &store.Account{ID: account, Name: account, CreatedAt: f.now},
			&store.User{ID: "usr_" + account, AccountID: account, Email: account + "@example.com", CreatedAt: f.now})
		require.NoError(t, err)
	}
	sealer, err := secret.NewSealer("a sealing key of at least 32 characters")
	require.NoError(t, err)
	kinds := map[string]connectors.Connector{mastodon.Kind: mastodon.New(mastodon.Options{}), "pages": f.pages, sandbox.Kind: sandbox.New()}
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	f.channels, err = channel.New(channel.Options{
		Store: f.store, Sealer: sealer, Connectors: kinds, HTTP: client, PublicHTTP: client, Dial: (&net.Dialer{}).DialContext, IDs: id.NewGenerator(f.clock),
		Logger: logger, Now: f.clock, BaseURL: "https://hooks.example",
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.channels.Close()) })
	f.Service, err = authorize.New(authorize.Options{
		Store: f.store, Sealer: sealer, Channels: f.channels, Connectors: kinds, IDs: id.NewGenerator(f.clock), Logger: logger, Now: f.clock,
		BaseURL: "https://hooks.example",
	})
	require.NoError(t, err)
	return f
}

// eachEngine runs a test on each database.
func eachEngine(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, newFixture(t, engine))
		})
	}
}

// begin starts an authorization and returns it with its state.
func (f *fixture) begin(t *testing.T, wish authorize.Wish) (*authorize.Started, string) {
	t.Helper()
	started, err := f.Start(t.Context(), wish)
	require.NoError(t, err)
	address, err := url.Parse(started.URL)
	require.NoError(t, err)
	state := address.Query().Get("state")
	require.Len(t, state, 43, "32 bytes in base64url")
	return started, state
}

// grantPages begins to connect pages and comes back with some of them granted.
func (f *fixture) grantPages(t *testing.T, channelID string, granted ...connectors.AuthorizedChannel) *authorize.Outcome {
	t.Helper()
	f.pages.granted = func(connectors.ExchangeRequest) ([]connectors.AuthorizedChannel, error) { return granted, nil }
	_, state := f.begin(t, authorize.Wish{AccountID: "acct_a", Connector: "pages", ChannelID: channelID})
	outcome, err := f.Finish(t.Context(), state, map[string]string{"state": state, "code": "c"})
	require.NoError(t, err)
	return outcome
}

// config returns a channel's settings as they are.
func (f *fixture) config(t *testing.T, channelID string) connectors.Config {
	t.Helper()
	c, err := f.store.ChannelAny(t.Context(), channelID)
	require.NoError(t, err)
	config, err := f.channels.Config(c)
	require.NoError(t, err)
	return config
}

func problemOf(t *testing.T, err error, code string) {
	t.Helper()
	var p *problem.Error
	require.ErrorAs(t, err, &p)
	require.Equal(t, code, p.Code, p.Message)
}
