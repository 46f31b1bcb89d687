package watest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types/events"
)

func TestManyClientsAreLinkedAtOnce(t *testing.T) {
	t.Parallel()
	server := newServer(t, Options{Forget: true})
	contact := server.AddUser("491700000000")
	var running sync.WaitGroup
	for i := range 20 {
		owner := server.AddUser(fmt.Sprintf("49171%07d", i))
		c := newClient(t, server)
		running.Go(func() {
			if !link(t, owner, c) {
				return
			}
			if err := contact.SendText(t.Context(), owner, "A1", "hello"); err != nil {
				t.Errorf("send to %s: %v", owner.Number(), err)
			}
		})
		defer func() { expectText(t, c, "hello") }()
	}
	running.Wait()
	require.EqualValues(t, 20, server.Counters().Pairings)
	require.Empty(t, server.Stanzas())
}

// link connects and links a client in a goroutine of its own, where a test must not be ended.
func link(t *testing.T, owner *User, c *client) bool {
	if err := c.Connect(); err != nil {
		t.Errorf("connect: %v", err)
		return false
	}
	event, err := c.events.wait(t.Context(), func(event any) bool { _, ok := event.(*events.QR); return ok })
	if err != nil {
		t.Errorf("wait for codes: %v", err)
		return false
	}
	if _, err := owner.Scan(t.Context(), event.(*events.QR).Codes[0]); err != nil {
		t.Errorf("scan: %v", err)
		return false
	}
	return true
}
