package delivery

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/store"
)

// track is lanes whose jobs do nothing until they are ended.
type track struct {
	*lanes
	mu      sync.Mutex
	started []job
	next    int
	now     time.Time
}

func newTrack() *track {
	k := &track{now: noon()}
	k.lanes = newLanes(func() time.Time { return k.now }, func(j job) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.started = append(k.started, j)
	})
	return k
}

// job makes a new job of a webhook.
func (k *track) job(webhookID string) job {
	k.next++
	return job{delivery: &store.Delivery{ID: fmt.Sprintf("dlv_%d", k.next)}, webhook: &store.Webhook{ID: webhookID}}
}

// add reserves room and puts a job there. It reports whether there was room.
func (k *track) add(webhookID string) bool {
	return k.reserve(webhookID) && k.put(k.job(webhookID))
}

// take returns the jobs that have been started since the last call, after all goroutines have come to rest.
func (k *track) take() []job {
	synctest.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	taken := k.started
	k.started = nil
	return taken
}

func (k *track) kicked() bool {
	select {
	case <-k.more:
		return true
	default:
		return false
	}
}

func (k *track) requireEmpty(t *testing.T) {
	t.Helper()
	require.Zero(t, k.held)
	require.Zero(t, k.running)
	require.Empty(t, k.inHand)
	for id, one := range k.byID {
		require.Zero(t, one.held, id)
		require.Zero(t, one.running, id)
		require.Empty(t, one.waiting, id)
	}
}

func TestALaneNarrowsWithFailuresAndWidensWithSuccesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newTrack()
		for range 500 {
			require.True(t, k.add("wh_1"))
		}
		running := k.take()
		require.Len(t, running, maxWidth)
		for len(running) > 1 { // each failure halves, and what is over the width runs out
			k.done(running[0], fails)
			running = append(running[1:], k.take()...)
		}
		require.Equal(t, 1, k.byID["wh_1"].width)
		for _, want := range []int{2, 4, 8, 16, 32, 64, 64} {
			k.done(running[0], works)
			running = append(running[1:], k.take()...)
			require.Len(t, running, want)
		}
		k.done(running[0], unknown)
		require.Len(t, k.take(), 1, "what was not asked shows nothing")
		require.Equal(t, maxWidth, k.byID["wh_1"].width)
	})
}

func TestALaneRemembersItsWidthWhileItIsEmptyForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newTrack()
		require.True(t, k.add("wh_bad"))
		require.True(t, k.add("wh_good"))
		for _, j := range k.take() {
			k.done(j, map[string]verdict{"wh_bad": fails, "wh_good": works}[j.webhook.ID])
		}
		require.NotContains(t, k.byID, "wh_good", "there is nothing to remember of it")
		require.Equal(t, maxWidth/2, k.byID["wh_bad"].width)
		k.now = k.now.Add(10 * time.Minute)
		k.room()
		require.Contains(t, k.byID, "wh_bad")
		k.now = k.now.Add(time.Second)
		k.room()
		require.Empty(t, k.byID)
	})
}

func TestAFullLaneRefusesAndTellsWhenItsTurnHasCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newTrack()
		for range maxLane {
			require.True(t, k.add("wh_1"))
		}
		require.False(t, k.add("wh_1"))
		require.True(t, k.add("wh_2"), "the others have room")
		_, full := k.room()
		require.Equal(t, []string{"wh_1"}, full)
		running := k.take()
		for k.byID["wh_1"].held > maxLane/2 {
			require.False(t, k.kicked())
			require.False(t, k.reserve("wh_1"), "what is new queues up behind what is in the database")
			if running[0].webhook.ID == "wh_1" {
				k.done(running[0], works)
			}
			running = append(running[1:], k.take()...)
		}
		require.True(t, k.kicked())
		require.True(t, k.reserve("wh_1"))
		require.False(t, k.kicked(), "once")
	})
}

func TestAllLanesTogetherLeaveRoomForSweeps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newTrack()
		refused := ""
		for i := 0; refused == ""; i++ {
			if webhookID := fmt.Sprintf("wh_%d", i/1000); !k.add(webhookID) {
				refused = webhookID
			}
		}
		require.Equal(t, maxReserved, k.held)
		room, _ := k.room()
		require.GreaterOrEqual(t, room, claimSize)
		require.True(t, k.accept(k.job("wh_claimed")))
		require.False(t, k.reserve("wh_new"))
		for _, j := range k.take() {
			k.done(j, works)
		}
		require.True(t, k.reserve("wh_new"), "a lane that was refused for the others' sake is not stuck")
		require.LessOrEqual(t, k.running, maxRunning)
	})
}

func TestLanesTakeTurnsWhenTooManyRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newTrack()
		busy := maxRunning / maxWidth
		for i := range busy { // enough to use all there is, with more waiting
			for range 2 * maxWidth {
				require.True(t, k.add(fmt.Sprintf("wh_busy_%d", i)))
			}
		}
		running := k.take()
		require.Len(t, running, maxRunning)
		require.True(t, k.add("wh_late"))
		require.Empty(t, k.take())
		for i := range busy + 1 { // each of the busy lanes may come before it, once
			k.done(running[i], works)
			for _, j := range k.take() {
				if j.webhook.ID == "wh_late" {
					return
				}
			}
		}
		t.Fatal("busy lanes keep the others from running")
	})
}

func TestALaneRestsUntilASweepAfterItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newTrack()
		for range 3 {
			require.True(t, k.add("wh_1"))
		}
		first := k.take()
		require.Len(t, first, 3)
		until := k.now.Add(time.Minute)
		for i := range first {
			require.True(t, k.postpone(first[len(first)-1-i], until))
		}
		require.True(t, k.add("wh_1"), "it takes more all the same")
		require.True(t, k.add("wh_2"))
		other := k.take()
		require.Len(t, other, 1, "only itself rests")
		k.done(other[0], works)
		k.room()
		require.Empty(t, k.take())
		<-time.After(time.Minute) // of the bubble's clock
		synctest.Wait()
		require.True(t, k.kicked())
		k.now = until
		k.room()
		again := k.take()
		require.Len(t, again, 4)
		require.Subset(t, again, first)
		for _, j := range again {
			k.done(j, works)
		}
		k.requireEmpty(t)
	})
}

func TestCloseReturnsWhatHasNotBegunAndRefusesWhatComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newTrack()
		for range maxWidth + 10 {
			require.True(t, k.add("wh_1"))
		}
		require.True(t, k.reserve("wh_1"))
		running := k.take()
		require.Len(t, k.close(), 10)
		require.False(t, k.put(k.job("wh_1")), "reserved before")
		require.False(t, k.reserve("wh_1"))
		require.False(t, k.accept(k.job("wh_1")))
		require.False(t, k.postpone(running[0], k.now.Add(time.Hour)))
		room, _ := k.room()
		require.Zero(t, room)
		for _, j := range running {
			k.done(j, fails)
		}
		require.Zero(t, k.held)
		require.NoError(t, k.waitIdle(t.Context()))
		require.Empty(t, k.take())
	})
}

// TestCountersReturnToZeroWhateverHappens does many things in a random order.
func TestCountersReturnToZeroWhateverHappens(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			k := newTrack()
			var running []job
			reserved := map[string]int{}
			webhookID := func() string { return fmt.Sprintf("wh_%d", random.IntN(5)) }
			for range 5000 {
				running = append(running, k.take()...)
				switch id := webhookID(); random.IntN(8) {
				case 0, 1:
					if k.reserve(id) {
						reserved[id]++
					}
				case 2:
					if reserved[id] > 0 {
						reserved[id]--
						require.True(t, k.put(k.job(id)))
					}
				case 3:
					if reserved[id] > 0 {
						reserved[id]--
						k.unreserve(id)
					}
				case 4:
					require.True(t, k.accept(k.job(id)))
				case 5, 6:
					if len(running) > 0 {
						at := random.IntN(len(running))
						k.done(running[at], verdict(random.IntN(3)))
						running = append(running[:at], running[at+1:]...)
					}
				case 7:
					k.now = k.now.Add(time.Duration(random.IntN(60)) * time.Second)
					k.room()
					if len(running) > 0 && random.IntN(2) == 0 {
						require.True(t, k.postpone(running[0], k.now.Add(time.Duration(random.IntN(90))*time.Second)))
						running = running[1:]
					}
				}
			}
			for id, n := range reserved {
				for range n {
					k.unreserve(id)
				}
			}
			for running = append(running, k.take()...); k.held > 0; running = append(running, k.take()...) {
				for _, j := range running {
					k.done(j, works)
				}
				running = nil
				k.now = k.now.Add(time.Hour)
				k.room()
			}
			k.requireEmpty(t)
			<-time.After(2 * time.Hour) // of the bubble's clock: the timers of rests end
		})
	}
}
