package delivery

import (
	"sync"

	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/webhook"
)

// bodiesKept is of how many events the body is kept: those that a group commit brings at once, and some more.
const bodiesKept = 512

// bodies keeps the bodies of events that were written last, because an event's deliveries begin at about the same time and most
// webhooks have the same format. It is safe for concurrent use.
type bodies struct {
	mu     sync.Mutex
	byKey  map[bodyKey][]byte
	oldest [bodiesKept]bodyKey // a ring
	next   int
}

// bodyKey names an event by its address: an event that was read again is written again, to the same bytes.
type bodyKey struct {
	event  *store.Event
	format string
}

func newBodies() *bodies { return &bodies{byKey: make(map[bodyKey][]byte, bodiesKept)} }

// of returns an event's body in a format. It must not be changed.
func (b *bodies) of(format webhook.Format, e *store.Event) ([]byte, error) {
	key := bodyKey{e, format.Name}
	b.mu.Lock()
	body, kept := b.byKey[key]
	b.mu.Unlock()
	if kept {
		return body, nil
	}
	body, err := format.Body(e)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, kept := b.byKey[key]; !kept {
		delete(b.byKey, b.oldest[b.next])
		b.byKey[key], b.oldest[b.next] = body, key
		b.next = (b.next + 1) % bodiesKept
	}
	return body, nil
}
