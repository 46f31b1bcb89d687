package session

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// jitter is by how much of itself the gap between two messages varies, up and down: people do not write by the clock.
const jitter = 0.4

// outbox is the sending side of a runner. It has a goroutine only while there is something to send.
type outbox struct {
	gap time.Duration // between two messages; 0: none

	mu      sync.Mutex
	wanted  bool // somebody has kicked since the last look
	sending bool
	closed  bool
	done    sync.WaitGroup
	next    time.Time // when the next message may go; only of the sending goroutine
}

// kick begins to send what is due, or has a look again where that is under way. It does not block.
func (r *runner) kick() {
	o := &r.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	o.wanted = true
	if o.sending || o.closed {
		return
	}
	o.sending = true
	o.done.Go(r.send)
}

// again reports whether there was a kick since the last look; where there was none, the goroutine ends.
func (o *outbox) again() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sending = o.wanted && !o.closed
	o.wanted = false
	return o.sending
}

// close ends sending. The message that is on its way is settled when done has been waited for.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
}

// send sends one message after the other until there are no more.
func (r *runner) send() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	unheld := make(chan struct{})
	defer close(unheld)
	go func() {
		select {
		case <-r.losing: // what is on its way is broken off
			cancel()
		case <-unheld:
		}
	}()
	for r.outbox.again() {
		for r.sendOne(ctx) {
		}
	}
}

// sendOne sends the next message, when its time has come, and reports whether there was one.
func (r *runner) sendOne(ctx context.Context) bool {
	if !r.ready() {
		return false
	}
	if wait := r.outbox.next.Sub(r.s.Now()); wait > 0 {
		r.pause(ctx, wait)
		if !r.ready() {
			return false
		}
	}
	took, err := r.s.Outbox.SendNext(ctx, r.id, r.link)
	if err != nil {
		r.s.Logger.Error("session.send_failed", "session_id", r.id, "error", err)
		return false
	}
	if took && r.outbox.gap > 0 {
		spread := 1 - jitter + 2*jitter*rand.Float64() //nolint:gosec // imitates people, guards nothing
		r.outbox.next = r.s.Now().Add(time.Duration(float64(r.outbox.gap) * spread))
	}
	return took
}

// ready reports whether something may be sent now.
func (r *runner) ready() bool {
	select {
	case <-r.stopping:
		return false
	default:
		return r.online.Load() && r.held()
	}
}

// pause waits, but not while the runner is being shut.
func (r *runner) pause(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-r.stopping:
			cancel()
		case <-ctx.Done():
		}
	}()
	r.s.Sleep(ctx, d)
}

// Kick tells the process that owns a session that there is something to send. It does not block; a kick that is lost costs a second.
func (s *Service) Kick(sessionID string) {
	if r := s.runner(sessionID); r != nil {
		r.kick()
		return
	}
	s.post(note{Kind: noteKick, Session: sessionID})
}
