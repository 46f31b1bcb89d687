package channel_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
	"github.com/switchhook/switchhook/connectors/sandbox"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

// example is a small connector of a network that a test runs as an HTTP server. It knows how many of its channels are open.
type example struct {
	network string
	opened  *atomic.Int64
	closed  *atomic.Int64
}

func (example) Info() connectors.Info {
	return connectors.Info{
		Kind: "example", Name: "Example", Platform: "sms", KeyPrefix: "exmp",
		Abilities: []connectors.Ability{connectors.AbilityCheck},
		Fields: []connectors.Field{
			{Key: "number", Label: "Number", Type: connectors.FieldPhone, Required: true},
			{Key: "authToken", Label: "Auth token", Type: connectors.FieldText, Required: true, Secret: true},
			{Key: "region", Label: "Region", Type: connectors.FieldSelect, Options: []string{"eu", "us"}},
			{Key: "note", Label: "Note", Type: connectors.FieldText, Secret: true},
			{Key: "accessToken", Label: "Access token", Type: connectors.FieldText, Secret: true},
			{Key: "refreshToken", Label: "Refresh token", Type: connectors.FieldText, Secret: true},
		},
	}
}

func (example) Address(config connectors.Config) (string, error) {
	if config["number"] == "999999" {
		return "", connectors.Rejected(connectors.CodeInvalidSender, "This number belongs to nobody.", "number")
	}
	return config["number"], nil
}

func (e example) Open(c connectors.Channel, host connectors.Host) (connectors.Conn, error) {
	e.opened.Add(1)
	return &exampleConn{example: e, channel: c, http: host.HTTP, tokens: host.Tokens}, nil
}

type exampleConn struct {
	example
	channel connectors.Channel
	http    *http.Client
	tokens  connectors.TokenKeeper
}

func (c *exampleConn) Check(ctx context.Context) error {
	answer, err := httpcall.Do(ctx, c.http, httpcall.Request{URL: c.network, Bearer: c.channel.Config["authToken"]})
	if err != nil {
		return err
	}
	if answer.Status != http.StatusOK {
		return answer.Classify(time.Now(), nil)
	}
	return nil
}

func (c *exampleConn) Close() error {
	c.closed.Add(1)
	return nil
}

// heard collects what a StatusListener is told, and refuses it while broken.
type heard struct {
	mu      sync.Mutex
	broken  bool
	dedupes []string
	last    store.Channel
}

func (h *heard) ChannelStatus(_ context.Context, c *store.Channel, dedupe string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dedupes, h.last = append(h.dedupes, dedupe), *c
	if h.broken {
		return errors.New("the events cannot be stored")
	}
	return nil
}

// fixture is a service on a database of its own, with a network whose answer to a check the test sets.
type fixture struct {
	*channel.Service
	store   *store.Store
	heard   *heard
	answer  atomic.Int64 // status of the network's next answers
	opened  atomic.Int64
	closed  atomic.Int64
	now     time.Time
	network *httptest.Server
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{now: time.Date(2026, 6, 29, 12, 0, 0, 0, time.UTC), heard: &heard{}}
	f.answer.Store(http.StatusOK)
	f.network = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(int(f.answer.Load()))
	}))
	t.Cleanup(f.network.Close)
	logger := slog.New(slog.DiscardHandler)
	var err error
	f.store, err = store.Open(t.Context(), store.Options{DataDir: t.TempDir(), Logger: logger})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.store.Close()) })
	require.NoError(t, f.store.Migrate(t.Context()))
	for _, account := range []string{"acct_a", "acct_b"} {
		addAccount(t, f.store, account)
	}
	sealer, err := secret.NewSealer("a sealing key of at least 32 characters")
	require.NoError(t, err)
	f.Service, err = channel.New(channel.Options{
		Store: f.store, Sealer: sealer, HTTP: f.network.Client(), PublicHTTP: f.network.Client(), Dial: (&net.Dialer{}).DialContext, IDs: id.NewGenerator(time.Now), Logger: logger,
		Now: func() time.Time { return f.now }, BaseURL: "https://hooks.example", Listener: f.heard,
		Connectors: map[string]connectors.Connector{
			"example": example{network: f.network.URL, opened: &f.opened, closed: &f.closed}, sandbox.Kind: sandbox.New(),
		},
	})
	require.NoError(t, err)
	return f
}

func addAccount(t *testing.T, s *store.Store, accountID string) {
	t.Helper()
	now := time.Now()
	_, err := s.CreateAccount(t.Context(), &store.Account{ID: accountID, Name: "Test", CreatedAt: now},
		&store.User{ID: "usr_" + accountID, AccountID: accountID, Email: accountID + "@example.com", CreatedAt: now})
	require.NoError(t, err)
}

// create makes a channel of the example kind in acct_a.
func (f *fixture) create(t *testing.T, number string) *store.Channel {
	t.Helper()
	c, err := f.Create(t.Context(), channel.Draft{
		ID: f.IDs().New("chan"), AccountID: "acct_a", Connector: "example",
		Config: connectors.Config{"number": number, "authToken": "s3cr3t-token", "region": "eu"},
	})
	require.NoError(t, err)
	return c
}

// problemOf requires that err is a problem with a code, and returns it.
func problemOf(t *testing.T, err error, code string) *problem.Error {
	t.Helper()
	var p *problem.Error
	require.ErrorAs(t, err, &p)
	require.Equal(t, code, p.Code, p.Message)
	return p
}
