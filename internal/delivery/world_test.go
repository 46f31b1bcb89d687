package delivery

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/limit"
	"github.com/switchhook/switchhook/internal/redisdb"
	"github.com/switchhook/switchhook/internal/safehttp"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/testenv"
	"github.com/switchhook/switchhook/internal/webhook"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

const (
	tenant = "acct_a"
	// patience bounds the waits of these tests; it is far more than any needs.
	patience = 60 * time.Second
)

// clock is a time that stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

func (c *clock) advance(d time.Duration) { c.set(c.now().Add(d)) }

// world is a database with an account, and all that workers on it share.
type world struct {
	clock    *clock
	store    *store.Store
	ids      *id.Generator
	webhooks *webhook.Service
	options  Options
}

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
	log := slog.New(slog.DiscardHandler)
	options := store.Options{DataDir: t.TempDir(), Logger: log}
	if engine == "postgres" {
		options.URL = testenv.Postgres(t)
	}
	s, err := store.Open(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(t.Context()))
	w := &world{clock: &clock{at: noon()}, store: s, ids: id.NewGenerator(time.Now)}
	_, err = s.CreateAccount(t.Context(), &store.Account{ID: tenant, Name: "Test", CreatedAt: noon()},
		&store.User{ID: "usr_a", AccountID: tenant, Email: "a@example.com", CreatedAt: noon()})
	require.NoError(t, err)
	redis, err := redisdb.Open(t.Context(), redisdb.Options{Logger: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, redis.Close()) })
	limiter, err := limit.New(limit.Options{Client: redis.Client(), Prefix: "test", Logger: log})
	require.NoError(t, err)
	sealer, err := secret.NewSealer("a sealing key of at least 32 characters")
	require.NoError(t, err)
	client, err := safehttp.New(safehttp.Options{Timeout: patience, UserAgent: "test", Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	w.webhooks, err = webhook.New(webhook.Options{Store: s, Sealer: sealer, IDs: w.ids, HTTP: client, Now: w.clock.now})
	require.NoError(t, err)
	w.options = Options{
		Store: s, IDs: w.ids, HTTP: client, Sealer: sealer, Alarm: &bells{}, Limiter: limiter, Observer: &bells{}, Logger: log,
		Now: w.clock.now, WorkerID: "wrk_1", Schedule: waits(), Parallel: 1,
	}
	return w
}

// bells is an Alarm, a Replier and an Observer that keeps what it is told.
type bells struct {
	mu      sync.Mutex
	alarms  []time.Time
	results []string
	kicks   int
}

func (b *bells) At(_ context.Context, _, _ string, _ int, at time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.alarms = append(b.alarms, at)
	return io.ErrUnexpectedEOF // what an alarm loses, the sweep finds
}

func (b *bells) ObserveAttempt(result string, _, _ time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.results = append(b.results, result)
}

func (b *bells) Kick() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kicks++
}

// worker is one process's part: a service and the publisher that dispatches to it.
type worker struct {
	*Service
	*world
	publisher *event.Publisher
	bells     *bells
}

// worker starts a worker, which stops with the test.
func (w *world) worker(t *testing.T, workerID string) *worker {
	t.Helper()
	o := w.options
	bells := &bells{}
	o.WorkerID, o.Alarm, o.Observer = workerID, bells, bells
	s, err := New(o)
	require.NoError(t, err)
	p, err := event.New(event.Options{
		Store: w.store, IDs: w.ids, Dispatcher: s, Alarm: quiet{}, WorkerID: workerID, Logger: o.Logger, Now: o.Now, Parallel: 1,
	})
	require.NoError(t, err)
	s.Connect(p, bells)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.Stop(ctx) // attempts that hang are cut off
		p.Close()
	})
	k := &worker{Service: s, world: w, publisher: p, bells: bells}
	k.beat(t)
	return k
}

// quiet is an alarm for nobody.
type quiet struct{}

func (quiet) Now(context.Context, string, []string) error { return nil }

func (k *worker) beat(t *testing.T) {
	t.Helper()
	require.NoError(t, k.world.store.BeatAny(t.Context(), k.WorkerID, k.clock.now()))
}

// publish stores an event of a message and returns its id.
func (k *worker) publish(t *testing.T) string {
	t.Helper()
	d := &event.Draft{
		AccountID: tenant, Type: event.MessageReceived, ChannelID: "chan_1",
		Data: event.MessageData{ID: "msg_1", ChannelID: "chan_1", From: "15550001", PushName: "Ann", Type: "text", Text: "hi <there>"},
	}
	require.NoError(t, k.publisher.Publish(t.Context(), d))
	return d.Event().ID
}

// sweep claims what is due and waits until all that is in hand is done.
func (k *worker) sweep(t *testing.T) {
	t.Helper()
	require.NoError(t, k.Sweep(t.Context()))
	k.settle(t)
}

func (k *worker) settle(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		k.lanes.mu.Lock()
		defer k.lanes.mu.Unlock()
		return k.lanes.held == 0
	}, patience, time.Millisecond)
}

// only returns the one delivery of a webhook.
func (w *world) only(t *testing.T, webhookID string) *store.Delivery {
	t.Helper()
	all := w.deliveries(t, webhookID)
	require.Len(t, all, 1)
	return all[0]
}

func (w *world) deliveries(t *testing.T, webhookID string) []*store.Delivery {
	t.Helper()
	all, err := w.store.Deliveries(t.Context(), tenant, store.DeliveryFilter{WebhookID: webhookID}, store.Page{Limit: 10000})
	require.NoError(t, err)
	return all
}

func (w *world) attempts(t *testing.T, deliveryID string) []*store.Attempt {
	t.Helper()
	all, err := w.store.Attempts(t.Context(), tenant, deliveryID)
	require.NoError(t, err)
	return all
}

// subscribe makes a webhook for messages and returns its id and its secret.
func (w *world) subscribe(t *testing.T, url string, change func(*webhook.Settings)) (string, string) {
	t.Helper()
	settings := webhook.Settings{URL: &url, Events: []string{event.MessageReceived}}
	if change != nil {
		change(&settings)
	}
	made, shown, err := w.webhooks.Create(t.Context(), tenant, w.ids.New("wh"), settings)
	require.NoError(t, err)
	return made.ID, shown
}

func (w *world) webhook(t *testing.T, webhookID string) *store.Webhook {
	t.Helper()
	found, err := w.store.Webhook(t.Context(), tenant, webhookID)
	require.NoError(t, err)
	return found
}

// receiver is a webhook's other end.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	answer http.HandlerFunc
	got    []received
}

type received struct {
	header http.Header
	body   string
}

func newReceiver(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		r.mu.Lock()
		r.got = append(r.got, received{request.Header.Clone(), string(body)})
		answer := r.answer
		r.mu.Unlock()
		answer(w, request)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) turn(answer http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *receiver) requests() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.got...)
}

func status(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
	}
}

func says(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = fmt.Fprint(w, body)
	}
}

// hanging answers nothing before release is called, or the client goes.
func hanging(t *testing.T) (answer http.HandlerFunc, release func()) {
	t.Helper()
	free := make(chan struct{})
	release = sync.OnceFunc(func() { close(free) })
	t.Cleanup(release)
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-free:
		case <-r.Context().Done():
		}
		w.WriteHeader(http.StatusOK)
	}, release
}
