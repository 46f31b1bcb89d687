package live

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// openFor is how long openKey outlives the last announcement; each poll announces.
	openFor = 3 * pollEvery
	// learnt is how long after an announcement every Bell that Redis answers knows of it.
	learnt = checkEvery + redisLimit/2
	// silence is how long a subscription may be silent before it is asked whether it stands.
	silence = 5 * time.Second
	// retryEvery is how long to wait before subscribing anew.
	retryEvery = time.Second
)

// announceScript keeps openKey alive and returns its value, which is that of who set it last when it was missing: another one than before says that
// it was missing, and that bells were silent.
const announceScript = `local v = redis.call('GET', KEYS[1])
if v then redis.call('PEXPIRE', KEYS[1], ARGV[2]) return v end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]`

// run asks the database regularly, and does what concerns all feeds.
func (h *Hub) run() {
	poll := time.NewTicker(h.PollEvery)
	defer poll.Stop()
	later := time.NewTimer(time.Hour)
	later.Stop()
	defer later.Stop()
	var token string // of openKey
	pending := false // later runs; it covers what was missed until then
	for {
		refresh := false
		select {
		case <-h.ctx.Done():
			return
		case <-later.C:
			pending = false
			h.reloadAll()
			continue
		case <-h.gap:
			refresh = true
		case <-h.tuned:
			refresh = true
		case <-poll.C:
			refresh = h.poll()
		case <-h.announce:
		}
		if h.sayOpen(&token) {
			pending = true
			later.Reset(learnt)
		}
		if refresh && !pending {
			h.reloadAll()
		}
	}
}

// poll asks the database for each feed, and reports whether all must be refreshed because other processes cannot be heard.
func (h *Hub) poll() bool {
	feeds := h.all()
	for _, f := range feeds {
		if err := f.look(h.ctx); err != nil {
			if h.ctx.Err() == nil {
				h.Logger.Warn("live.poll_failed", "error", err)
			}
			break // the others would wait for the same
		}
	}
	return h.deaf.Load() && len(feeds) > 0
}

func (h *Hub) reloadAll() {
	for _, f := range h.all() {
		f.reload()
	}
}

// sayOpen tells the bells of all processes that a page is open, and reports whether they may not have known it until now.
func (h *Hub) sayOpen(token *string) bool {
	if h.redis == nil || h.deaf.Load() || len(h.all()) == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(h.ctx, redisLimit)
	defer cancel()
	value, err := h.redis.Eval(ctx, announceScript, []string{openKey}, rand.Text(), openFor.Milliseconds()).Text()
	if err != nil || value == *token {
		return false // where Redis is away, the subscription ends too, and begins anew
	}
	*token = value
	return true
}

// hearAll listens to the bells of the other processes until Close.
func (h *Hub) hearAll() {
	for h.ctx.Err() == nil {
		err := h.hear()
		if h.ctx.Err() != nil {
			return
		}
		if !h.deaf.Swap(true) {
			h.Logger.Warn("live.deaf", "error", err, "effect", "pages refresh every few seconds until Redis is there")
		}
		timer := time.NewTimer(retryEvery)
		select {
		case <-timer.C:
		case <-h.ctx.Done():
			timer.Stop()
		}
	}
}

// hear listens on one subscription until it fails.
func (h *Hub) hear() error {
	sub := h.redis.Subscribe(h.ctx, redisChannel)
	defer func() { _ = sub.Close() }()
	defer context.AfterFunc(h.ctx, func() { _ = sub.Close() })() // a reading connection does not heed its context
	numbers := map[string]int64{}
	asked := false
	for {
		message, err := sub.ReceiveTimeout(h.ctx, silence)
		var timeout net.Error
		switch {
		case err != nil && errors.As(err, &timeout) && timeout.Timeout() && !asked:
			asked = true
			if err := sub.Ping(h.ctx); err != nil {
				return fmt.Errorf("ask subscription: %w", err)
			}
			continue
		case err != nil:
			return fmt.Errorf("listen to bells: %w", err)
		}
		asked = false
		switch m := message.(type) {
		case *redis.Subscription: // the first, or after the library has connected anew
			h.deaf.Store(false)
			poke(h.tuned)
		case *redis.Message:
			h.heard(m.Payload, numbers)
		}
	}
}

// heard hands on a ring of another process. numbers are those of the last ring of each; a number that is missing is a gap.
func (h *Hub) heard(payload string, numbers map[string]int64) {
	r, err := parseRing(payload)
	if err != nil {
		h.Logger.Debug("live.unreadable", "error", err)
		poke(h.gap)
		return
	}
	if r.Origin == h.Bell.origin {
		return
	}
	last := numbers[r.Origin]
	if len(numbers) > 1000 {
		clear(numbers) // processes that are gone
	}
	numbers[r.Origin] = r.Seq
	if r.Seq != last+1 {
		poke(h.gap)
	}
	h.take(r.Changes)
}
