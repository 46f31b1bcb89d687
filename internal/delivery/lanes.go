// Package delivery brings events to webhooks: it keeps deliveries of many webhooks apart from each other, makes the
// attempts, decides what becomes of them and stores it.
package delivery

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/switchhook/switchhook/internal/store"
)

const (
	// maxHeld bounds what one process holds in memory; what is more waits in the database.
	maxHeld = 16384
	// maxReserved leaves room for sweeps, so that what waits in the database is not overtaken for ever by what is new.
	maxReserved = maxHeld - 4*claimSize
	// maxLane bounds what it holds for one webhook, so that a slow receiver does not fill the memory of all.
	maxLane = 1024
	// maxWidth is how many requests to one webhook are under way at a time.
	maxWidth = 64
	// maxRunning bounds the requests of all webhooks together.
	maxRunning = 4096
	// snapshotAge is how old a webhook's settings may be when a request begins; older ones are read anew.
	snapshotAge = 2 * time.Second
)

// job is one delivery that this process owns.
type job struct {
	delivery *store.Delivery
	webhook  *store.Webhook
	event    *store.Event
	readAt   time.Time // when webhook was read
}

// lane holds the deliveries of one webhook. A slow or failing receiver fills its own lane only.
type lane struct {
	webhookID string
	held      int // reserved, waiting and running
	waiting   []job
	running   int
	width     int       // how many may run: halves with each failure, doubles with each success
	ready     bool      // stands in lanes.ready
	starved   bool      // there may be more in the database
	behind    bool      // there is more in the database, and what is new queues up there until a sweep
	notBefore time.Time // its webhook's own rate limit is used up until then; zero: it is not
	idleSince time.Time // with held 0
}

// verdict is what a job has shown of its receiver.
type verdict int

const (
	unknown verdict = iota // the receiver was not asked
	works
	fails
)

// lanes is the part of the dispatcher that decides what may run. Its methods do not block.
type lanes struct {
	mu      sync.Mutex
	byID    map[string]*lane
	inHand  map[string]struct{} // the ids of deliveries that wait or run
	held    int
	running int
	ready   []*lane // may run more; they take turns
	closed  bool
	now     func() time.Time
	start   func(job)     // runs a job elsewhere and does not block
	more    chan struct{} // told when a lane that was refused room has some
}

func newLanes(now func() time.Time, start func(job)) *lanes {
	return &lanes{byID: map[string]*lane{}, inHand: map[string]struct{}{}, now: now, start: start, more: make(chan struct{}, 1)}
}

func (l *lanes) lane(webhookID string) *lane {
	one := l.byID[webhookID]
	if one == nil {
		one = &lane{webhookID: webhookID, width: maxWidth}
		l.byID[webhookID] = one
	}
	return one
}

// reserve makes room for one delivery.
func (l *lanes) reserve(webhookID string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.lane(webhookID)
	if l.closed || one.behind || one.held >= maxLane || l.held >= maxReserved {
		one.behind = one.held > maxLane/2 // with less, nothing would tell when its turn has come
		return false
	}
	one.held++
	l.held++
	return true
}

func (l *lanes) unreserve(webhookID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.release(l.lane(webhookID))
}

// release gives the room of one delivery back.
func (l *lanes) release(one *lane) {
	one.held--
	l.held--
	if (one.starved || one.behind) && one.held <= maxLane/2 {
		one.starved, one.behind = false, false
		l.kick()
	}
	if one.held == 0 {
		one.idleSince = l.now()
		if one.width == maxWidth {
			delete(l.byID, one.webhookID) // nothing to remember of it
		}
	}
}

// kick asks for a sweep.
func (l *lanes) kick() {
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// put runs a reserved job as soon as its lane and the whole allow.
func (l *lanes) put(j job) (taken bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.lane(j.webhook.ID)
	if l.closed {
		l.release(one)
		return false
	}
	one.waiting = append(one.waiting, j)
	l.inHand[j.delivery.ID] = struct{}{}
	l.queue(one)
	l.run()
	return true
}

func (one *lane) mayRun() bool {
	return len(one.waiting) > 0 && one.running < one.width && one.notBefore.IsZero()
}

// queue puts a lane that may run more behind the others that may.
func (l *lanes) queue(one *lane) {
	if !one.ready && one.mayRun() {
		one.ready = true
		l.ready = append(l.ready, one)
	}
}

// run starts jobs as far as all together allow, one of each lane in turn, so that no lane keeps the others from running.
func (l *lanes) run() {
	for l.running < maxRunning && len(l.ready) > 0 {
		one := l.ready[0]
		l.ready[0] = nil
		l.ready = l.ready[1:]
		one.ready = false
		if !one.mayRun() {
			continue
		}
		next := one.waiting[0]
		one.waiting[0] = job{}
		one.waiting = one.waiting[1:]
		one.running++
		l.running++
		l.queue(one)
		l.start(next)
	}
}

// done ends a job and starts the next ones.
func (l *lanes) done(j job, v verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.inHand, j.delivery.ID)
	one := l.lane(j.webhook.ID)
	one.running--
	l.running--
	switch v {
	case works:
		one.width = min(maxWidth, one.width*2)
	case fails:
		one.width = max(1, one.width/2)
	case unknown:
	}
	l.release(one)
	l.queue(one)
	l.run()
}

// postpone puts a job that was started back to the front of its lane, which rests until a time: the first sweep after it. It is
// false when the lanes are closed; the job goes on then.
func (l *lanes) postpone(j job, until time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	one := l.lane(j.webhook.ID)
	one.running--
	l.running--
	one.waiting = slices.Insert(one.waiting, 0, j)
	if until.After(one.notBefore) {
		one.notBefore = until
		time.AfterFunc(until.Sub(l.now()), l.kick)
	}
	l.run()
	return true
}

// room returns how many deliveries may be claimed, and the webhooks that have enough already. Lanes that have rested go on.
func (l *lanes) room() (int, []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, nil
	}
	var full []string
	now := l.now()
	for id, one := range l.byID {
		if !now.Before(one.notBefore) {
			one.notBefore = time.Time{}
			l.queue(one)
		}
		switch {
		case one.held >= maxLane/2:
			one.starved = true
			full = append(full, id)
		case one.held == 0 && now.Sub(one.idleSince) > 10*time.Minute:
			delete(l.byID, id)
		}
	}
	l.run()
	return maxHeld - l.held, full
}

// accept takes a claimed delivery whether there is room or not: claims are bounded by room.
func (l *lanes) accept(j job) bool {
	l.mu.Lock()
	one := l.lane(j.webhook.ID)
	one.held++
	l.held++
	l.mu.Unlock()
	return l.put(j)
}

// without returns those of the deliveries that are not in hand.
func (l *lanes) without(ids []string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var missing []string
	for _, id := range ids {
		if _, ok := l.inHand[id]; !ok {
			missing = append(missing, id)
		}
	}
	return missing
}

// close refuses new deliveries and returns those that have not begun.
func (l *lanes) close() []job {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	var left []job
	for _, one := range l.byID {
		left = append(left, one.waiting...)
		one.held -= len(one.waiting)
		l.held -= len(one.waiting)
		one.waiting = nil
	}
	return left
}

// waitIdle returns when no job runs, or with an error when ctx ends first.
func (l *lanes) waitIdle(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		l.mu.Lock()
		running := l.running
		l.mu.Unlock()
		if running == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for attempts: %w", ctx.Err())
		case <-tick.C:
		}
	}
}
