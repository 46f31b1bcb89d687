//go:build linux

package faults

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
)

// mostGoroutines is more than an idle process has, and far fewer than it has had deliveries.
const mostGoroutines = 200

// delivery is what GET /v1/deliveries says of one.
type delivery struct {
	ID, EventID, WebhookID, Status, Reason string
	Attempts                               int
}

// storedEvent is what GET /v1/events says of one.
type storedEvent struct {
	ID, Event string
	Data      struct{ ID, ProviderMessageID, Status string }
}

// outcome is what the check found, for tests that know more.
type outcome struct {
	deliveries []delivery
	repeats    map[string]int // arrivals beyond the first, by the id of the delivery
}

// repeated returns how many arrivals were repeats.
func (o outcome) repeated() int {
	sum := 0
	for _, n := range o.repeats {
		sum += n
	}
	return sum
}

// check requires what must hold after every fault: each message that was accepted is stored as one event, and each event has
// reached every webhook or is listed as failed with a reason, soon; repeats carry the ids of the first; no secret
// is in a log, and no process has panicked.
func (s *site) check(n *node, accepted []string, within time.Duration) outcome {
	s.t.Helper()
	s.awaitDrained(n, within)
	events := all[storedEvent](s, n, "/v1/events?limit=100")
	s.checkStored(events, accepted)
	deliveries := all[delivery](s, n, "/v1/deliveries?limit=100")
	found := outcome{deliveries: deliveries, repeats: s.checkArrivals(events, deliveries)}
	s.receiver.check(s.t)
	text := s.log.String()
	for _, secret := range s.secrets {
		require.NotContains(s.t, text, secret)
	}
	require.NotContains(s.t, text, "panic")
	require.NotContains(s.t, text, "goroutine ")
	n.checkGoroutines()
	return found
}

// checkGoroutines requires that nothing has been left behind: an idle process has some 60 goroutines and one for each connection.
func (n *node) checkGoroutines() {
	n.t.Helper()
	await(n.t, patience, "the goroutines to end", func() bool {
		_, rest, found := strings.Cut(n.metrics(), "\ngo_goroutines ")
		require.True(n.t, found)
		line, _, _ := strings.Cut(rest, "\n")
		count, err := strconv.Atoi(line)
		require.NoError(n.t, err)
		return count < mostGoroutines
	})
}

// awaitDrained waits until nothing is on its way any more.
func (s *site) awaitDrained(n *node, within time.Duration) {
	s.t.Helper()
	var open struct{ Data []delivery }
	defer func() {
		if s.t.Failed() && len(open.Data) > 0 {
			s.t.Logf("still pending, among others: %+v", open.Data[0])
		}
	}()
	await(s.t, within, "all deliveries to end", func() bool {
		open.Data = nil
		return s.call(n, http.MethodGet, "/v1/deliveries?status=pending&limit=1", nil, &open) == http.StatusOK && len(open.Data) == 0
	})
}

// all reads every page of a list.
func all[T any](s *site, n *node, path string) []T {
	s.t.Helper()
	var rows []T
	for cursor := ""; ; {
		var page struct {
			Data       []T
			NextCursor *string
		}
		require.Equal(s.t, http.StatusOK, s.call(n, http.MethodGet, path+cursor, nil, &page))
		rows = append(rows, page.Data...)
		if page.NextCursor == nil {
			return rows
		}
		cursor = "&cursor=" + *page.NextCursor
	}
}

// checkStored requires that each accepted message is one event.
func (s *site) checkStored(events []storedEvent, accepted []string) {
	s.t.Helper()
	stored := map[string]int{}
	for _, e := range events {
		if e.Event == "message.received" {
			stored[e.Data.ProviderMessageID]++
		}
	}
	for _, id := range accepted {
		require.Equal(s.t, 1, stored[id], "message %s was accepted and must be one event", id)
	}
	for id, n := range stored {
		require.Equal(s.t, 1, n, "message %s must be one event", id)
	}
}

// checkArrivals requires that each delivery has an end, and what ended well has arrived. It returns the repeats.
func (s *site) checkArrivals(events []storedEvent, deliveries []delivery) map[string]int {
	s.t.Helper()
	arrived := map[string][]arrival{}
	for _, a := range s.receiver.seen() {
		arrived[a.delivery] = append(arrived[a.delivery], a)
	}
	perEvent := map[string]int{}
	repeats := map[string]int{}
	for _, d := range deliveries {
		perEvent[d.EventID]++
		for _, a := range arrived[d.ID] {
			require.Equal(s.t, d.EventID, a.event, "a repeat must carry the same event id")
		}
		switch d.Status {
		case "delivered":
			require.NotEmpty(s.t, arrived[d.ID], "%s is said to be delivered", d.ID)
		case "failed":
			require.NotEmpty(s.t, d.Reason, "%s failed without a reason", d.ID)
		default:
			require.Fail(s.t, "a delivery has no end", "%+v", d)
		}
		if n := len(arrived[d.ID]); n > 1 {
			repeats[d.ID] = n - 1
		}
		delete(arrived, d.ID)
	}
	require.Empty(s.t, arrived, "deliveries have arrived that are not listed")
	for _, e := range events {
		if strings.HasPrefix(e.Event, "message.") {
			require.Equal(s.t, len(s.hooks), perEvent[e.ID], "event %s must be delivered to each webhook", e.ID)
		}
	}
	return repeats
}

// failures returns the deliveries that are listed as failed.
func (o outcome) failures() []delivery {
	return slices.DeleteFunc(slices.Clone(o.deliveries), func(d delivery) bool { return d.Status != "failed" })
}
