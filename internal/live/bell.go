package live

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// redisChannel carries the rings of all processes.
	redisChannel = "switchhook:live"
	// openKey exists while a page is open in any process.
	openKey = "switchhook:live:open"
	// checkEvery is how often a Bell looks whether openKey exists.
	checkEvery = time.Second
	// window is how long rings are gathered.
	window = 100 * time.Millisecond
	// redisLimit bounds one command; after it the ring counts as lost.
	redisLimit = time.Second
	// queueLength is how many windows may wait for Redis; what comes then is lost, and those who listen learn that.
	queueLength = 16
	// closeLimit bounds what Close hands over.
	closeLimit = 2 * time.Second
)

// BellOptions configures a Bell.
type BellOptions struct {
	// Redis reaches the other processes. Nil: there are none.
	Redis  redis.UniversalClient
	Logger *slog.Logger // required
}

// Bell tells every process that something has changed. It may be used by any number of goroutines; a nil Bell is silent.
type Bell struct {
	redis  redis.UniversalClient
	log    *slog.Logger
	origin string // of this process's rings

	hub    atomic.Pointer[Hub] // of this process
	here   atomic.Bool         // a page is open in this process
	remote atomic.Bool         // a page is open somewhere

	mu      sync.Mutex
	pending map[key]*pile
	kick    chan struct{} // something is pending

	rings  chan []change
	missed atomic.Bool // a ring was lost since the last one that came through
	seq    int64       // of the goroutine that publishes

	cancel context.CancelFunc // of what gathers and watches
	giveUp context.CancelFunc // of what publishes
	flush  sync.WaitGroup
	sender sync.WaitGroup
	once   sync.Once
}

type key struct{ account, topic string }

// pile is what has rung of a key in this window.
type pile struct {
	names []name
	more  bool // there were too many to name, or one without a name
}

// NewBell makes a Bell and starts its goroutines. It does not need Redis to be there.
func NewBell(o BellOptions) (*Bell, error) {
	if o.Logger == nil {
		return nil, errors.New("make bell: BellOptions.Logger is missing")
	}
	ctx, cancel := context.WithCancel(context.Background())
	sending, giveUp := context.WithCancel(context.Background())
	b := &Bell{
		redis: o.Redis, log: o.Logger, origin: rand.Text(), pending: map[key]*pile{}, kick: make(chan struct{}, 1),
		rings: make(chan []change, queueLength), cancel: cancel, giveUp: giveUp,
	}
	b.flush.Go(func() { b.gather(ctx) })
	if b.redis != nil {
		b.sender.Go(func() { b.send(sending) })
		b.flush.Go(func() { b.watch(ctx) })
	}
	return b, nil
}

// Ring says that a row of an account has changed, once the change is committed; an empty id says that several have, or that it is not known
// which. It never blocks and never fails. While no page is open anywhere it does nothing.
func (b *Bell) Ring(accountID, topic, id, ref string) {
	if b == nil || (!b.here.Load() && !b.remote.Load()) || accountID == "" || !known(topic) {
		return
	}
	b.mu.Lock()
	p := b.pending[key{accountID, topic}]
	first := p == nil && len(b.pending) == 0
	if p == nil {
		p = &pile{}
		b.pending[key{accountID, topic}] = p
	}
	p.add(id, ref)
	b.mu.Unlock()
	if first {
		select {
		case b.kick <- struct{}{}:
		default:
		}
	}
}

func (p *pile) add(id, ref string) {
	if p.more {
		return
	}
	for _, n := range p.names {
		if n.ID == id {
			return
		}
	}
	if id == "" || len(p.names) == maxNames {
		p.more, p.names = true, nil
		return
	}
	p.names = append(p.names, name{id, ref})
}

// Close hands over what waits, for at most two seconds, and ends. What rings later reaches nobody.
func (b *Bell) Close() {
	b.once.Do(func() {
		b.cancel()
		b.flush.Wait()
		close(b.rings)
		timer := time.AfterFunc(closeLimit, b.giveUp)
		defer timer.Stop()
		b.sender.Wait()
		b.giveUp()
	})
}

// gather hands over what has rung, a window after the first ring.
func (b *Bell) gather(ctx context.Context) {
	timer := time.NewTimer(window)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			b.handOver()
			return
		case <-b.kick:
		}
		timer.Reset(window)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		b.handOver()
	}
}

func (b *Bell) handOver() {
	b.mu.Lock()
	piles := b.pending
	b.pending = make(map[key]*pile, min(len(piles), 64))
	b.mu.Unlock()
	if len(piles) == 0 {
		return
	}
	changes := make([]change, 0, len(piles))
	for k, p := range piles {
		changes = append(changes, change{k.account, k.topic, p.names})
	}
	if hub := b.hub.Load(); hub != nil {
		hub.take(changes)
	}
	if b.redis == nil || !b.remote.Load() {
		return
	}
	for len(changes) > 0 {
		n := min(len(changes), maxChanges)
		select {
		case b.rings <- changes[:n]:
		default:
			b.missed.Store(true)
		}
		changes = changes[n:]
	}
}

// send publishes what is handed over, until Close.
func (b *Bell) send(ctx context.Context) {
	for changes := range b.rings {
		b.publish(ctx, changes)
	}
}

// publish sends one ring. One that is lost leaves a gap in the numbers, by which those who listen learn of it.
func (b *Bell) publish(ctx context.Context, changes []change) {
	if b.missed.Swap(false) {
		b.seq++
	}
	b.seq++
	raw, err := encodeRing(ring{b.origin, b.seq, changes})
	if err != nil {
		b.log.Error("live.ring_failed", "error", err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, redisLimit)
	defer cancel()
	if err := b.redis.Publish(ctx, redisChannel, raw).Err(); err != nil {
		b.missed.Store(true)
		b.log.Debug("live.ring_failed", "error", err)
	}
}

// watch looks whether a page is open anywhere, and says by an empty ring that one was lost as soon as Redis takes it.
func (b *Bell) watch(ctx context.Context) {
	ticker := time.NewTicker(checkEvery)
	defer ticker.Stop()
	for {
		b.check(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (b *Bell) check(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, redisLimit)
	defer cancel()
	n, err := b.redis.Exists(ctx, openKey).Result()
	if err != nil {
		b.missed.Store(true) // whether anybody listens is not known, so that somebody may miss what rings
		return
	}
	b.remote.Store(n > 0)
	if n > 0 && b.missed.Load() {
		select {
		case b.rings <- nil:
		default: // those that wait say it too
		}
	}
}
