//go:build linux

package faults

import (
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A process that is frozen for longer than 10 s counts as dead. When it goes on, it may repeat what it had in hand.
func TestAFrozenWorkerLosesItsDeliveriesToAnother(t *testing.T) {
	t.Parallel()
	s := newSiteOnEngines(t)
	frozen, other := s.up(), s.up()
	release := s.receiver.hold()
	ids := s.accept(frozen, "held", 100)
	s.receiver.awaitCount(t, 64, patience)
	frozen.signal(syscall.SIGSTOP)
	since := time.Now()
	release()
	await(t, takeover, "the other one to take over", func() bool {
		var open struct{ Data []delivery }
		return s.call(other, http.MethodGet, "/v1/deliveries?status=pending&limit=1", nil, &open) == http.StatusOK && len(open.Data) == 0
	})
	t.Logf("taken over after %s", time.Since(since).Round(100*time.Millisecond))
	require.Greater(t, time.Since(since), 7*time.Second, "a short freeze must not cost repeats")
	frozen.signal(syscall.SIGCONT)
	frozen.awaitAnswer("/readyz", http.StatusOK, soon)
	more := s.accept(frozen, "again", 50)
	s.receiver.awaitAll(t, more, soon)

	found := s.check(other, append(ids, more...), takeover)
	require.Empty(t, found.failures())
	for id, times := range found.repeats {
		require.Equal(t, 1, times, "%s was repeated more than once", id)
	}
	require.LessOrEqual(t, found.repeated(), len(ids))
	frozen.stop(patience)
	other.stop(patience)
}

func TestSIGTERMUnderLoadFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *site) {
		n := s.up("SHUTDOWN_TIMEOUT=20s")
		s.receiver.answers(slow(100 * time.Millisecond))
		l := s.load(8, time.Millisecond, n)
		var stops int
		for range 3 {
			l.awaitMore(300)
			n.signal(syscall.SIGTERM)
			n.awaitExit(20 * time.Second)
			stops++
			n.start()
		}
		ids := l.stop()
		found := s.check(n, ids, takeover)
		require.Empty(t, found.failures())
		require.Zero(t, found.repeated(), "a stop in order repeats nothing")
		for status := range l.answers {
			require.Contains(t, []int{0, http.StatusOK, http.StatusServiceUnavailable}, status)
		}
		t.Logf("%d stops, %d messages, answers by status: %v", stops, len(ids), l.answers)
		n.stop(20 * time.Second)
	})
}
