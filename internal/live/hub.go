package live

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	// buffer is how many signals wait for a reader. One that falls further behind gets a Reload in their place.
	buffer = 64
	// MaxStreams is how many streams of one account a process keeps open: tabs of all its users.
	MaxStreams = 100
	// pollEvery is how often the database is asked for events that no bell rang for.
	pollEvery = 5 * time.Second
	// late is how long before its commit an event's id is made, at most: a commit is given up after 20 seconds (internal/event), and the clocks of two
	// machines may differ.
	late = 30 * time.Second
	// keptFor is how long an account's news are followed without a stream, so that a reconnect or the next page need not reload.
	keptFor = time.Minute
	// askLimit bounds one question to the database.
	askLimit = 5 * time.Second
)

// Options wires a Hub. Store, Bell, Logger and Now are required.
type Options struct {
	Store  *store.Store
	Bell   *Bell // of this process; it may have one Hub
	Logger *slog.Logger
	Now    func() time.Time

	// PollEvery is how often the database is asked for what no bell rang for. Tests give a shorter time; 0: 5 seconds.
	PollEvery time.Duration
}

// Hub gives the streams of this process what the bells of all processes ring for. It is safe for concurrent use.
type Hub struct {
	Options
	redis redis.UniversalClient
	clock string // names this process's clock in cursors

	count    atomic.Int64
	deaf     atomic.Bool   // the subscription does not stand
	announce chan struct{} // pages are open here, and others may not know it
	tuned    chan struct{} // the subscription stands, or stands again
	gap      chan struct{} // something was missed

	mu     sync.Mutex
	feeds  map[string]*feed // by account
	closed bool

	ctx    context.Context //nolint:containedctx // of the Hub's goroutines and questions, which belong to no caller; ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup
	listen sync.Once
}

// New wires a Hub. It listens to Redis from the first stream on. A missing part is an error that names it.
func New(o Options) (*Hub, error) {
	for name, missing := range map[string]bool{"Store": o.Store == nil, "Bell": o.Bell == nil, "Logger": o.Logger == nil, "Now": o.Now == nil} {
		if missing {
			return nil, fmt.Errorf("make hub of live signals: Options.%s is missing", name)
		}
	}
	if o.PollEvery == 0 {
		o.PollEvery = pollEvery
	}
	h := &Hub{
		Options: o, redis: o.Bell.redis, clock: strings.ToLower(rand.Text()[:8]), feeds: map[string]*feed{},
		announce: make(chan struct{}, 1), tuned: make(chan struct{}, 1), gap: make(chan struct{}, 1),
	}
	h.deaf.Store(h.redis != nil)
	h.ctx, h.cancel = context.WithCancel(context.Background())
	if !o.Bell.hub.CompareAndSwap(nil, h) {
		h.cancel()
		return nil, errors.New("make hub of live signals: Options.Bell has a hub already")
	}
	h.work.Go(h.run)
	return h, nil
}

// Subscribe opens a stream of an account's signals, until ctx ends or the Hub closes; the channel is closed then. The caller must read until then, or
// end ctx. With an empty lastCursor the stream begins now. With that of a Signal or of Cursor it begins with what has changed since: the events by
// their ids, other topics by a Signal without ID where something of them may have changed. A cursor that is not the account's, or that
// too much has happened since, gives a Reload first. It asks the database and may block for seconds. An account with MaxStreams
// streams gets a problem TooMany, and a Hub that is closed or that cannot ask the database a problem ServiceUnavailable.
func (h *Hub) Subscribe(ctx context.Context, accountID, lastCursor string) (<-chan Signal, error) {
	f, err := h.feed(ctx, accountID)
	if err != nil {
		return nil, err
	}
	s, err := f.enter()
	if err != nil {
		return nil, err
	}
	if err := f.join(ctx, s, lastCursor); err != nil {
		f.leave(s)
		return nil, unavailable(err)
	}
	context.AfterFunc(ctx, func() { f.leave(s) })
	return s.signals, nil
}

// Cursor returns the point where an account's stream is now. A page that is rendered after this call and subscribes with it misses nothing in
// between.
func (h *Hub) Cursor(ctx context.Context, accountID string) string {
	_, _ = h.feed(ctx, accountID) // without it the cursor is answered by a Reload or by repeats
	return cursor(accountID, h.Now(), h.clock)
}

// Count is how many streams are open.
func (h *Hub) Count() int { return int(h.count.Load()) }

// Close ends all streams at once and refuses further ones. It is called before the HTTP server shuts down, because an open stream would keep that from
// ending. It waits for the Hub's goroutines, which takes moments.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	feeds := h.feeds
	h.feeds = map[string]*feed{}
	h.mu.Unlock()
	h.Bell.here.Store(false)
	h.cancel()
	for _, f := range feeds {
		f.end()
	}
	h.work.Wait()
}

func unavailable(err error) error {
	return fmt.Errorf("%w: %w", problem.New(problem.ServiceUnavailable, "Live signals are not available at the moment. Try again in a few seconds."), err)
}

// errClosed is why a closed Hub gives no stream.
var errClosed = errors.New("the hub is closed")

// feed returns what follows an account's news, ready to be entered.
func (h *Hub) feed(ctx context.Context, accountID string) (*feed, error) {
	if accountID == "" {
		return nil, errors.New("subscribe to live signals: the account is missing")
	}
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil, unavailable(errClosed)
	}
	f := h.feeds[accountID]
	if f == nil {
		f = newFeed(h, accountID)
		if len(h.feeds) == 0 && h.redis != nil {
			h.listen.Do(func() { h.work.Go(h.hearAll) })
			if !h.deaf.Load() {
				poke(h.announce)
			}
		}
		h.feeds[accountID] = f
		h.Bell.here.Store(true)
	}
	h.mu.Unlock()
	if err := f.begin(ctx); err != nil {
		return nil, unavailable(err)
	}
	return f, nil
}

// all returns the feeds, but for those that nobody has needed for long, which it ends.
func (h *Hub) all() []*feed {
	h.mu.Lock()
	defer h.mu.Unlock()
	var feeds []*feed
	for account, f := range h.feeds {
		if f.stale(h.Now()) {
			delete(h.feeds, account)
			continue
		}
		feeds = append(feeds, f)
	}
	if !h.closed {
		h.Bell.here.Store(len(h.feeds) > 0)
	}
	return feeds
}

// take gives the feeds what has rung.
func (h *Hub) take(changes []change) {
	for _, c := range changes {
		h.mu.Lock()
		f := h.feeds[c.Account]
		h.mu.Unlock()
		if f != nil {
			f.take(c)
		}
	}
}

func poke(bell chan<- struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}
