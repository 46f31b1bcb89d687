package live_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/redisdb"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/testenv"
	"github.com/switchhook/switchhook/internal/wake"
)

// patience is more than anything here takes on a busy machine.
const patience = 60 * time.Second

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

// clock is a time that a test moves.
type clock struct{ ms atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ms.Store(time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC).UnixMilli())
	return c
}

func (c *clock) Now() time.Time          { return time.UnixMilli(c.ms.Load()) }
func (c *clock) Advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// world is a database and a Redis that processes share.
type world struct {
	t      testing.TB
	dir    string
	url    string // of PostgreSQL
	shared redis.UniversalClient
	redis  string // its URL, where it is a real one
	server *testenv.RedisServer
}

// newWorld makes an empty database, and a Redis: "embedded", "real", or "none".
func newWorld(t testing.TB, engine, kind string) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	if engine == "postgres" {
		w.url = testenv.Postgres(t)
	}
	switch kind {
	case "embedded":
		w.shared = openRedis(t, "")
	case "real":
		w.server = testenv.Redis(t)
		w.redis = w.server.URL
	}
	return w
}

func openRedis(t testing.TB, url string) redis.UniversalClient {
	t.Helper()
	db, err := redisdb.Open(t.Context(), redisdb.Options{URL: url, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db.Client()
}

// process is what one process of the product has.
type process struct {
	t         testing.TB
	store     *store.Store
	redis     redis.UniversalClient
	ids       *id.Generator
	bell      *live.Bell
	hub       *live.Hub
	publisher *event.Publisher
}

type settings struct {
	now    func() time.Time
	poll   time.Duration
	silent bool // events ring for nobody
}

func (w *world) process(o settings) *process {
	w.t.Helper()
	if o.now == nil {
		o.now = time.Now
	}
	logger := slog.New(slog.DiscardHandler)
	p := &process{t: w.t, redis: w.shared, ids: id.NewGenerator(o.now)}
	var err error
	p.store, err = store.Open(w.t.Context(), store.Options{URL: w.url, DataDir: w.dir, Logger: logger})
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, p.store.Close()) })
	require.NoError(w.t, p.store.Migrate(w.t.Context()))
	if w.redis != "" {
		p.redis = openRedis(w.t, w.redis)
	}
	p.bell, err = live.NewBell(live.BellOptions{Redis: p.redis, Logger: logger})
	require.NoError(w.t, err)
	p.hub, err = live.New(live.Options{Store: p.store, Bell: p.bell, Logger: logger, Now: o.now, PollEvery: o.poll})
	require.NoError(w.t, err)
	alarms := p.redis
	if alarms == nil {
		alarms = openRedis(w.t, "")
	}
	waker, err := wake.New(wake.Options{Client: alarms, Logger: logger})
	require.NoError(w.t, err)
	options := event.Options{Store: p.store, IDs: p.ids, Alarm: waker, WorkerID: p.ids.New("wrk"), Logger: logger, Now: o.now, Bell: p.bell}
	if o.silent {
		options.Bell = nil
	}
	p.publisher, err = event.New(options)
	require.NoError(w.t, err)
	w.t.Cleanup(func() {
		p.publisher.Close()
		p.hub.Close()
		waker.Close()
		p.bell.Close()
	})
	return p
}

// publish stores an event of an account and returns its id.
func (p *process) publish(account, channel string) string {
	p.t.Helper()
	draft := &event.Draft{AccountID: account, Type: event.AccountLinked, ChannelID: channel, Data: map[string]string{"channelId": channel}}
	require.NoError(p.t, p.publisher.Publish(context.Background(), draft))
	return draft.Event().ID
}

// insert stores an event with this id, and rings for nobody.
func (p *process) insert(account, eventID string) {
	p.t.Helper()
	e := &store.Event{ID: eventID, AccountID: account, Type: event.AccountLinked, Dedupe: eventID, Data: []byte("{}"), CreatedAt: time.Now()}
	require.NoError(p.t, p.store.InsertEventGroupAny(context.Background(), store.EventGroup{Events: []*store.Event{e}}, time.Now()))
}

// tab is an open stream.
type tab struct {
	t       testing.TB
	signals <-chan live.Signal
	leave   context.CancelFunc
}

func (p *process) open(account, last string) *tab {
	p.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p.t.Cleanup(cancel)
	signals, err := p.hub.Subscribe(ctx, account, last)
	require.NoError(p.t, err)
	return &tab{p.t, signals, cancel}
}

// next waits for a signal.
func (tab *tab) next() live.Signal {
	tab.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case s, ok := <-tab.signals:
		require.True(tab.t, ok, "the stream has ended")
		return s
	case <-timer.C:
		require.Fail(tab.t, "no signal came")
		return live.Signal{}
	}
}

// until reads signals until one fits, and returns it.
func (tab *tab) until(fits func(live.Signal) bool) live.Signal {
	tab.t.Helper()
	for {
		if s := tab.next(); fits(s) {
			return s
		}
	}
}

func (tab *tab) awaitEnd() {
	tab.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case _, ok := <-tab.signals:
			if !ok {
				return
			}
		case <-timer.C:
			require.Fail(tab.t, "the stream does not end")
			return
		}
	}
}

func is(topic, id string) func(live.Signal) bool {
	return func(s live.Signal) bool { return s.Topic == topic && s.ID == id }
}

// hears waits until a process's rings reach the hub of another.
func hears(t testing.TB, from, to *process) {
	t.Helper()
	require.Eventually(t, func() bool { return from.bell.Remote() && !to.hub.Deaf() }, patience, time.Millisecond)
}

// each runs a test on every database with every Redis.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		for _, kind := range []string{"embedded", "real"} {
			t.Run(fmt.Sprintf("%s with %s redis", engine, kind), func(t *testing.T) {
				t.Parallel()
				test(t, newWorld(t, engine, kind))
			})
		}
	}
}
