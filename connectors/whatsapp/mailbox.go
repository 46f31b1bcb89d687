package whatsapp

import (
	"sync"

	"github.com/switchhook/switchhook/connectors"
)

// mailbox carries news to the goroutine of a Link. Putting never blocks: the library's goroutines must not wait for a listener.
type mailbox struct {
	wake chan struct{}

	mu    sync.Mutex
	items []any
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

func (m *mailbox) put(item any) {
	m.mu.Lock()
	m.items = append(m.items, item)
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func (m *mailbox) take() []any {
	m.mu.Lock()
	defer m.mu.Unlock()
	items := m.items
	m.items = nil
	return items
}

// News of our own, beside the library's events.
type (
	attempted   struct{ err error }                        // an attempt to connect has ended
	paired      struct{ identity connectors.LinkIdentity } // the listener has agreed to a link
	refused     struct{ err *connectors.Error }            // it has not
	undelivered struct{}                                   // something was not stored and not acknowledged
	leaseLost   struct{}
	codeGiven   struct{ step connectors.LinkStep } // a pairing code was made
	renew       struct{ ready chan struct{} }      // new codes are wanted, and with them more time
	limited     struct{}                           // a send was refused with error 463
	unlinked    struct{}                           // Logout has succeeded
)
