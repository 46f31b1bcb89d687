package session_test

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
	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/media"
	"github.com/switchhook/switchhook/internal/message"
	"github.com/switchhook/switchhook/internal/metrics"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/redisdb"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/session"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/testenv"
)

// TestMain sets what the libraries of linked devices keep once for the whole process, before any client is made.
func TestMain(m *testing.M) {
	watest.Prepare(watest.SharedRoot())
	os.Exit(testenv.Main(m))
}

const tenant = "acct_a"

func start() time.Time { return time.Date(2026, 6, 29, 12, 0, 0, 0, time.UTC) }

// clock is a time that tests move, and that passes when somebody sleeps.
type clock struct {
	mu     sync.Mutex
	at     time.Time
	slept  []time.Duration
	asleep func() // optional: called in the middle of each sleep
	real   bool   // it is the machine's
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.real {
		return time.Now()
	}
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func (c *clock) sleep(_ context.Context, d time.Duration) {
	c.advance(d)
	c.mu.Lock()
	c.slept = append(c.slept, d)
	asleep := c.asleep
	c.mu.Unlock()
	if asleep != nil {
		asleep()
	}
}

// noAlarm is for a publisher whose deliveries nobody makes.
type noAlarm struct{}

func (noAlarm) Now(context.Context, string, []string) error { return nil }

// world is what several processes share: a database, a Redis, a network and a clock.
type world struct {
	store   *store.Store
	redis   *redisdb.DB
	network *network
	clock   *clock
	ids     *id.Generator
	sealer  *secret.Sealer
	kinds   map[string]connectors.Connector
	hear    func(*event.Draft) error // hears of each session event before it is stored; nil: nobody does
}

// node is one process.
type node struct {
	*session.Service
	*world
	worker   string
	channels *channel.Service
	messages *message.Service
}

// eachEngine runs a test on a fresh database of each engine.
func eachEngine(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, newWorld(t, engine))
		})
	}
}

func newWorld(t *testing.T, engine string) *world {
	t.Helper()
	w := &world{network: newNetwork(), clock: &clock{at: start()}}
	w.kinds = map[string]connectors.Connector{kind: w.network}
	w.ids = id.NewGenerator(w.clock.now)
	logger := slog.New(slog.DiscardHandler)
	options := store.Options{DataDir: t.TempDir(), Logger: logger}
	if engine == "postgres" {
		options.URL = testenv.Postgres(t)
	}
	var err error
	w.store, err = store.Open(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.store.Close()) })
	require.NoError(t, w.store.Migrate(t.Context()))
	w.useRedis(t, "")
	w.sealer, err = secret.NewSealer("a sealing key of at least 32 characters")
	require.NoError(t, err)
	w.account(t, tenant)
	w.account(t, "acct_b")
	return w
}

// useRedis opens a Redis for the processes that are started from now on; an empty URL is one of the test's own.
func (w *world) useRedis(t *testing.T, url string) {
	t.Helper()
	redis, err := redisdb.Open(t.Context(), redisdb.Options{URL: url, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, redis.Close()) })
	w.redis = redis
}

func (w *world) account(t *testing.T, accountID string) {
	t.Helper()
	_, err := w.store.CreateAccount(t.Context(), &store.Account{ID: accountID, Name: "Test", CreatedAt: start()},
		&store.User{ID: "usr_" + accountID, AccountID: accountID, Email: accountID + "@example.com", CreatedAt: start()})
	require.NoError(t, err)
}

// hearing is a publisher whose events the test hears just before they are stored, and may refuse.
type hearing struct {
	*event.Publisher
	w *world
}

func (h hearing) Publish(ctx context.Context, draft *event.Draft) error {
	if h.w.hear != nil {
		if err := h.w.hear(draft); err != nil {
			return err
		}
	}
	return h.Publisher.Publish(ctx, draft)
}

// node starts a process that beats once and, as long as the test calls Tick, works.
func (w *world) node(t *testing.T, worker string) *node {
	t.Helper()
	n := &node{world: w, worker: worker}
	logger := slog.New(slog.DiscardHandler)
	publisher, err := event.New(event.Options{
		Store: w.store, IDs: w.ids, Alarm: noAlarm{}, WorkerID: worker, Logger: logger, Now: w.clock.now, Parallel: 1,
	})
	require.NoError(t, err)
	t.Cleanup(publisher.Close)
	client := &http.Client{Timeout: 5 * time.Second}
	n.channels, err = channel.New(channel.Options{
		Store: w.store, Sealer: w.sealer, Connectors: w.kinds, HTTP: client, PublicHTTP: client, Dial: (&net.Dialer{}).DialContext, IDs: w.ids, Logger: logger, Now: w.clock.now,
		BaseURL: "https://hooks.example", Listener: message.ChannelNews{Publisher: publisher, Connectors: w.kinds},
	})
	require.NoError(t, err)
	files, err := media.New(media.Options{
		Store: w.store, Sealer: w.sealer, Channels: n.channels, Dir: t.TempDir(), HTTP: client, IDs: w.ids, Logger: logger, Now: w.clock.now,
		BaseURL: "https://hooks.example",
	})
	require.NoError(t, err)
	t.Cleanup(files.Close)
	n.messages, err = message.New(message.Options{
		Store: w.store, IDs: w.ids, Channels: n.channels, Media: files, Publisher: publisher, Observer: metrics.New(), Logger: logger,
		Now: w.clock.now, WorkerID: worker,
	})
	require.NoError(t, err)
	n.Service, err = session.New(session.Options{
		Store: w.store, Channels: n.channels, Connectors: w.kinds, Outbox: n.messages, Publisher: hearing{publisher, w}, IDs: w.ids, Redis: w.redis.Client(),
		HTTP: client, PublicHTTP: client, Dial: (&net.Dialer{}).DialContext, Logger: logger, Now: w.clock.now, WorkerID: worker, Sleep: w.clock.sleep,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Close(context.Background())) })
	n.messages.ConnectSessions(n.Service)
	n.beat(t)
	return n
}

// beat tells the database and the service that the process lives.
func (n *node) beat(t *testing.T) {
	t.Helper()
	at := n.clock.now()
	require.NoError(t, n.store.BeatAny(t.Context(), n.worker, at))
	n.Beat(at)
}

// tick has the process look for what is to do.
func (n *node) tick(t *testing.T) {
	t.Helper()
	_, err := n.Tick(t.Context())
	require.NoError(t, err)
}

// session makes a session that this process holds and that waits for its phone.
func (n *node) session(t *testing.T, config connectors.Config) *session.Session {
	t.Helper()
	made, err := n.Create(t.Context(), session.Draft{ID: n.ids.New("sess"), AccountID: tenant, Config: config})
	require.NoError(t, err)
	n.tick(t)
	require.True(t, n.network.link(t, made.ID).live())
	return made
}

// online makes a session that is CONNECTED.
func (n *node) online(t *testing.T, phone string, config connectors.Config) (*session.Session, *link) {
	t.Helper()
	made := n.session(t, config)
	l := n.network.link(t, made.ID)
	l.connect(t, phone)
	return n.get(t, made.ID), l
}

func (n *node) get(t *testing.T, sessionID string) *session.Session {
	t.Helper()
	got, err := n.Get(t.Context(), tenant, sessionID)
	require.NoError(t, err)
	return got
}

// queue stores a message to be sent, without waiting for it.
func (n *node) queue(t *testing.T, sessionID, text string) {
	t.Helper()
	now := n.clock.now()
	require.NoError(t, n.store.InsertMessage(t.Context(), &store.Message{
		ID: n.ids.New("msg"), AccountID: tenant, ChannelID: sessionID, Direction: store.Outbound, Peer: "15550001111", Type: "text", Text: text,
		ProviderID: n.network.NewMessageID(), Status: store.MessageQueued, DueAt: now, CreatedAt: now, UpdatedAt: now,
	}))
}

// next waits for the next message on the network.
func (w *world) next(t *testing.T) string {
	t.Helper()
	select {
	case m := <-w.network.sent:
		return m.Text
	case <-time.After(30 * time.Second):
		require.FailNow(t, "no message was sent")
		return ""
	}
}

// events returns the data of the tenant's events of a type, oldest first.
func events[T any](t *testing.T, w *world, eventType string) []T {
	t.Helper()
	rows, err := w.store.Events(t.Context(), tenant, store.EventFilter{Type: eventType}, store.Page{Limit: 100})
	require.NoError(t, err)
	all := make([]T, len(rows))
	for i, row := range rows {
		require.NoError(t, json.Unmarshal(row.Data, &all[len(rows)-1-i]))
	}
	return all
}

// told returns the statuses, with their reasons, that session.status has told.
func (w *world) told(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, data := range events[event.SessionStatusData](t, w, event.SessionStatus) {
		text := data.PreviousStatus + " -> " + data.Status
		if data.Reason != "" {
			text += " " + data.Reason
		}
		all = append(all, text)
	}
	return all
}

func requireProblem(t *testing.T, err error, code string) *problem.Error {
	t.Helper()
	var p *problem.Error
	require.ErrorAs(t, err, &p)
	require.Equal(t, code, p.Code, p.Message)
	require.NotEmpty(t, p.Message)
	return p
}
