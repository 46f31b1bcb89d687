package message_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/sandbox"
	"github.com/switchhook/switchhook/connectors/twilio"
	"github.com/switchhook/switchhook/connectors/twilio/twiliotest"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/media"
	"github.com/switchhook/switchhook/internal/message"
	"github.com/switchhook/switchhook/internal/metrics"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

const (
	tenant = "acct_a"
	worker = "wrk_1"
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// noAlarm is for a publisher whose deliveries nobody makes.
type noAlarm struct{}

func (noAlarm) Now(context.Context, string, []string) error { return nil }

// fixture is the service with everything below it, and a stand-in for Twilio.
type fixture struct {
	*message.Service
	store    *store.Store
	channels *channel.Service
	twilio   *twiliotest.Server
	clock    *clock
	ids      *id.Generator
}

// eachEngine runs a test on a fresh database of each engine.
func eachEngine(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, newFixture(t, engine))
		})
	}
}

func newFixture(t *testing.T, engine string) *fixture {
	t.Helper()
	f := &fixture{clock: &clock{at: time.Date(2026, 6, 29, 12, 0, 0, 0, time.UTC)}, twilio: twiliotest.New(t)}
	f.ids = id.NewGenerator(f.clock.now)
	logger := slog.New(slog.DiscardHandler)
	options := store.Options{DataDir: t.TempDir(), Logger: logger}
	if engine == "postgres" {
		options.URL = testenv.Postgres(t)
	}
	var err error
	f.store, err = store.Open(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.store.Close()) })
	require.NoError(t, f.store.Migrate(t.Context()))
	require.NoError(t, f.store.BeatAny(t.Context(), worker, f.clock.now()))
	f.account(t, tenant)
	f.account(t, "acct_b")
	f.wire(t, logger)
	return f
}

func (f *fixture) account(t *testing.T, accountID string) {
	t.Helper()
	_, err := f.store.CreateAccount(t.Context(), &store.Account{ID: accountID, Name: "Test", CreatedAt: f.clock.now()},
		&store.User{ID: "usr_" + accountID, AccountID: accountID, Email: accountID + "@example.com", CreatedAt: f.clock.now()})
	require.NoError(t, err)
}

func (f *fixture) wire(t *testing.T, logger *slog.Logger) {
	t.Helper()
	sealer, err := secret.NewSealer("a sealing key of at least 32 characters")
	require.NoError(t, err)
	kinds := map[string]connectors.Connector{
		sandbox.Kind: sandbox.New(), "moody": moody{}, "device": device{},
		twilio.KindSMS:      twilio.NewSMS(twilio.Options{BaseURL: f.twilio.URL}),
		twilio.KindWhatsApp: twilio.NewWhatsApp(twilio.Options{BaseURL: f.twilio.URL}),
	}
	parallel := 2
	if f.store.Engine() == "sqlite" {
		parallel = 1
	}
	publisher, err := event.New(event.Options{
		Store: f.store, IDs: f.ids, Alarm: noAlarm{}, WorkerID: worker, Logger: logger, Now: f.clock.now, Parallel: parallel,
	})
	require.NoError(t, err)
	t.Cleanup(publisher.Close)
	client := &http.Client{Timeout: 5 * time.Second}
	f.channels, err = channel.New(channel.Options{
		Store: f.store, Sealer: sealer, Connectors: kinds, HTTP: client, PublicHTTP: client, Dial: (&net.Dialer{}).DialContext, IDs: f.ids, Logger: logger, Now: f.clock.now,
		BaseURL: "https://hooks.example", Listener: message.ChannelNews{Publisher: publisher, Connectors: kinds},
	})
	require.NoError(t, err)
	files, err := media.New(media.Options{
		Store: f.store, Sealer: sealer, Channels: f.channels, Dir: t.TempDir(), HTTP: client, IDs: f.ids, Logger: logger, Now: f.clock.now,
		BaseURL: "https://hooks.example",
	})
	require.NoError(t, err)
	t.Cleanup(files.Close)
	f.Service, err = message.New(message.Options{
		Store: f.store, IDs: f.ids, Channels: f.channels, Media: files, Publisher: publisher, Observer: metrics.New(), Logger: logger,
		Now: f.clock.now, WorkerID: worker,
	})
	require.NoError(t, err)
}

// moody is a connector that panics: in Open where its mood is "open", else in Send.
type moody struct{}

func (moody) Info() connectors.Info {
	return connectors.Info{
		Kind: "moody", Name: "Moody", Platform: "sms", KeyPrefix: "mood", Abilities: []connectors.Ability{connectors.AbilitySend},
		Fields: []connectors.Field{{Key: "mood", Type: connectors.FieldText, Required: true}},
	}
}

func (moody) Address(config connectors.Config) (string, error) { return config["mood"], nil }

func (moody) Open(c connectors.Channel, _ connectors.Host) (connectors.Conn, error) {
	if c.Address == "open" {
		panic("no mood to open")
	}
	return moodyConn{}, nil
}

type moodyConn struct{}

func (moodyConn) Send(context.Context, connectors.OutMessage) (connectors.Receipt, error) {
	panic("no mood to send")
}

func (moodyConn) Close() error { return nil }

func (f *fixture) channel(t *testing.T, kind string, config connectors.Config) *store.Channel {
	t.Helper()
	return f.channelOf(t, tenant, kind, config)
}

func (f *fixture) channelOf(t *testing.T, accountID, kind string, config connectors.Config) *store.Channel {
	t.Helper()
	if kind == twilio.KindSMS || kind == twilio.KindWhatsApp {
		config = connectors.Config{"accountSid": twiliotest.AccountSID, "authToken": twiliotest.AuthToken, "phoneNumber": "+16311113333"}
	}
	c, err := f.channels.Create(t.Context(), channel.Draft{ID: f.ids.New("chan"), AccountID: accountID, Connector: kind, Config: config})
	require.NoError(t, err)
	return c
}

// send sends a text and returns the stored message with the outcome.
func (f *fixture) send(t *testing.T, c *store.Channel, to string) (*store.Message, error) {
	t.Helper()
	messageID := f.ids.New("msg")
	_, failure := f.Send(t.Context(), message.Out{ID: messageID, Channel: f.reread(t, c), To: to, Text: "Hello"})
	m, err := f.store.Message(t.Context(), c.AccountID, messageID)
	if err != nil {
		require.ErrorIs(t, err, store.ErrNotFound)
		return nil, failure
	}
	return m, failure
}

// reread reads a channel as a request would.
func (f *fixture) reread(t *testing.T, c *store.Channel) *store.Channel {
	t.Helper()
	c, err := f.store.Channel(t.Context(), c.AccountID, c.ID)
	require.NoError(t, err)
	return c
}

// status reports a status of a message as its provider would.
func (f *fixture) status(t *testing.T, c *store.Channel, update connectors.StatusUpdate) {
	t.Helper()
	require.NoError(t, f.Receive(t.Context(), c, connectors.CallbackResult{Statuses: []connectors.StatusUpdate{update}}))
}

// inbound makes a message come in.
func (f *fixture) inbound(t *testing.T, c *store.Channel, in connectors.InMessage) {
	t.Helper()
	require.NoError(t, f.Receive(t.Context(), c, connectors.CallbackResult{Messages: []connectors.InMessage{in}}))
}

// events returns the data of the account's events of a type, oldest first.
func events[T any](t *testing.T, f *fixture, eventType string) []T {
	t.Helper()
	rows, err := f.store.Events(t.Context(), tenant, store.EventFilter{Type: eventType}, store.Page{Limit: 100})
	require.NoError(t, err)
	all := make([]T, len(rows))
	for i, row := range rows {
		require.NoError(t, json.Unmarshal(row.Data, &all[len(rows)-1-i]))
	}
	return all
}

// told returns the statuses of a message that events have told, in their order.
func (f *fixture) told(t *testing.T, messageID string) []string {
	t.Helper()
	var statuses []string
	for _, data := range events[event.StatusData](t, f, event.MessageStatus) {
		if data.ID == messageID {
			statuses = append(statuses, data.Status)
		}
	}
	return statuses
}

func (f *fixture) stored(t *testing.T, messageID string) *store.Message {
	t.Helper()
	m, err := f.store.Message(t.Context(), tenant, messageID)
	require.NoError(t, err)
	return m
}

func requireProblem(t *testing.T, err error, code string, status int) *problem.Error {
	t.Helper()
	var p *problem.Error
	require.ErrorAs(t, err, &p)
	require.Equal(t, code, p.Code, p.Message)
	require.Equal(t, status, p.Status())
	require.NotEmpty(t, p.Message)
	return p
}
