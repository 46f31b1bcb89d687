//go:build linux

package faults

import (
	"context"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	// takeover is how long a delivery of a killed process may wait on PostgreSQL: 10 s until nobody believes that it lives
	// (docs/adr/0002), a sweep, and what a busy machine needs.
	takeover = 20 * time.Second
	// soon is for what happens at once.
	soon = 10 * time.Second
)

// The process that took the messages never delivers and cannot tell anybody: Redis is away. It dies right after its answers.
func TestKilledBeforeTheEnqueueEverythingIsDelivered(t *testing.T) {
	t.Parallel()
	s := newSiteOnEngines(t)
	api := s.up("ROLE=api")
	s.redis.Kill()
	ids := s.accept(api, "lost", 50)
	api.kill()
	require.Empty(t, s.receiver.seen())
	worker := s.up("ROLE=worker") // Redis is still away, so nothing but the sweep can find them
	s.receiver.awaitAll(t, ids, soon)
	worker.stop(patience)
	api.start()
	require.Zero(t, s.check(api, ids, soon).repeated())
}

// The receiver does not answer, so that most deliveries never begin: they are in the memory of the process that dies.
func TestKilledBeforeTheHandOverEverythingIsDelivered(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *site) {
		n := s.up()
		release := s.receiver.hold()
		ids := s.accept(n, "waiting", 200)
		s.receiver.awaitCount(t, 64, patience) // as many as go to one webhook at a time
		n.kill()
		before := map[string]bool{}
		for _, a := range s.receiver.seen() {
			before[a.delivery] = true
		}
		require.Len(t, before, 64)
		release()
		n.start()
		s.receiver.awaitAll(t, ids, takeover)
		for id, times := range s.check(n, ids, takeover).repeats {
			require.True(t, before[id], "%s was repeated and had not arrived before", id)
			require.Equal(t, 1, times)
		}
	})
}

func TestKilledDuringADeliveryItIsMadeAgain(t *testing.T) {
	t.Parallel()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		s := newSite(t)
		n := s.up()
		s.killDuringADelivery(n, func() { n.start() }, soon)
	})
	t.Run("engines", func(t *testing.T) {
		t.Parallel()
		s := newSiteOnEngines(t)
		n, other := s.up(), s.up()
		s.killDuringADelivery(n, func() { require.True(t, other.alive()) }, takeover)
	})
}

// killDuringADelivery kills a node while the receiver has a delivery of its and has not answered, and lets others go on.
func (s *site) killDuringADelivery(n *node, others func(), within time.Duration) {
	s.t.Helper()
	release := s.receiver.hold()
	ids := s.accept(n, "held", 1)
	s.receiver.awaitCount(s.t, 1, patience)
	n.kill()
	killed := time.Now()
	release()
	others()
	s.receiver.awaitCount(s.t, 2, within)
	seen := s.receiver.seenOf(ids[0])
	require.Len(s.t, seen, 2)
	require.Equal(s.t, seen[0].event, seen[1].event)
	require.Equal(s.t, seen[0].delivery, seen[1].delivery)
	require.False(s.t, seen[1].stamp.Before(killed.Truncate(time.Second)), "the repeat must be signed anew")
	found := s.check(s.started[len(s.started)-1], ids, within)
	require.Equal(s.t, 1, found.repeated())
	require.Empty(s.t, found.failures())
}

// A lock keeps the process from noting that the receiver has taken the delivery.
func TestKilledBeforeTheRecordADeliveryIsRepeatedAtMost(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *site) {
		n := s.up()
		release := s.receiver.hold()
		ids := s.accept(n, "unrecorded", 20)
		s.receiver.awaitCount(t, 20, patience)
		unlock := s.lock("attempts")
		release()
		s.awaitBlocked()
		n.kill()
		unlock()
		n.start()
		found := s.check(n, ids, takeover)
		require.Empty(t, found.failures())
		require.Len(t, found.repeats, 20)
		require.Equal(t, 20, found.repeated())
	})
}

// A storm: processes are killed at moments of chance while messages come in.
func TestAStormOfKillsLosesNothing(t *testing.T) {
	t.Parallel()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		s := newSite(t)
		s.storm(s.up())
	})
	t.Run("engines", func(t *testing.T) {
		t.Parallel()
		s := newSiteOnEngines(t)
		s.storm(s.up(), s.up(), s.up("ROLE=api"))
	})
}

func (s *site) storm(nodes ...*node) {
	s.t.Helper()
	s.addWebhook(nodes[0])
	// Some receivers are slow and some fail, so that there is always something of every kind under way.
	s.receiver.answers(func(ctx context.Context, a arrival) (int, string) {
		chance := rand.IntN(100)
		switch {
		case chance < 3:
			return http.StatusBadGateway, ""
		case chance < 5:
			return 0, ""
		case chance < 20:
			select {
			case <-time.After(time.Duration(rand.IntN(100)) * time.Millisecond):
			case <-ctx.Done():
			}
		}
		return welcome(ctx, a)
	})
	l := s.load(6, 10*time.Millisecond, nodes...)
	end := time.Now().Add(20 * time.Second)
	kills := 0
	for time.Now().Before(end) {
		n := nodes[rand.IntN(len(nodes))]
		<-time.After(time.Duration(rand.IntN(1200)) * time.Millisecond) // the moment of chance
		n.kill()
		kills++
		n.start()
	}
	ids := l.stop()
	found := s.check(nodes[0], ids, patience)
	require.Empty(s.t, found.failures())
	s.t.Logf("%d kills, %d messages, %d deliveries, %d repeats, answers by status: %v", kills, len(ids), len(found.deliveries), found.repeated(), l.answers)
}
