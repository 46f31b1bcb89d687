package live_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/live"
)

// never is a poll that no test lives to see, where only the bell shall bring news.
const never = 24 * time.Hour

func TestAChangeReachesThePagesOfEveryProcess(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		here, there := w.process(settings{poll: never}), w.process(settings{poll: never})
		same, other := here.open("acc_1", ""), there.open("acc_1", "")
		hears(t, here, there)
		eventID := here.publish("acc_1", "ch_1")
		here.bell.Ring("acc_1", live.Message, "msg_1", "ch_1 4915112345678")
		for _, tab := range []*tab{same, other} {
			s := tab.until(is(live.Event, eventID))
			require.Equal(t, event.AccountLinked+" ch_1", s.Ref)
			require.NotEmpty(t, s.Cursor)
		}
		here.bell.Ring("acc_1", live.Delivery, "dlv_1", "wh_1")
		for _, tab := range []*tab{same, other} {
			require.Equal(t, "wh_1", tab.until(is(live.Delivery, "dlv_1")).Ref)
		}
		require.Equal(t, 1, here.hub.Count())
		require.Equal(t, 1, there.hub.Count())
	})
}

// owned is what a tenant may see.
type owned struct {
	mu  sync.Mutex
	ids map[string]bool
}

func (o *owned) add(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ids[id] = true
}

func (o *owned) has(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ids[id]
}

func TestNothingOfOneAccountReachesAnother(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		processes := []*process{w.process(settings{poll: 50 * time.Millisecond}), w.process(settings{poll: 50 * time.Millisecond})}
		accounts := []string{"acc_a", "acc_b"}
		mine := map[string]*owned{"acc_a": {ids: map[string]bool{}}, "acc_b": {ids: map[string]bool{}}}
		type seen struct {
			account string
			signals []live.Signal
		}
		var all []*seen
		var readers, writers sync.WaitGroup
		for i := range 8 {
			s := &seen{account: accounts[i%2]}
			tab := processes[i/2%2].open(s.account, "")
			all = append(all, s)
			readers.Go(func() {
				for signal := range tab.signals {
					s.signals = append(s.signals, signal)
				}
			})
		}
		hears(t, processes[0], processes[1])
		hears(t, processes[1], processes[0])
		for i := range 4 {
			p, account := processes[i/2], accounts[i%2]
			writers.Go(func() {
				for n := range 50 {
					mine[account].add(p.publish(account, "ch_"+account))
					id := fmt.Sprintf("dlv_%s_%d_%d", account, i, n)
					mine[account].add(id)
					p.bell.Ring(account, live.Delivery, id, "wh_"+account)
				}
			})
		}
		writers.Wait()
		// What was rung last arrives last: each stream has seen it all then.
		for i, p := range processes {
			for _, account := range accounts {
				id := fmt.Sprintf("imp_%s_%d", account, i)
				mine[account].add(id)
				p.bell.Ring(account, live.Import, id, "")
			}
		}
		final := processes[0].open("acc_a", "")
		processes[0].bell.Ring("acc_a", live.Post, "pst_last", "")
		final.until(is(live.Post, "pst_last"))
		for _, p := range processes {
			p.hub.Close()
		}
		readers.Wait()
		named := map[string]int{}
		for _, s := range all {
			other := accounts[0]
			if s.account == other {
				other = accounts[1]
			}
			for _, signal := range s.signals {
				if signal.ID != "" {
					named[s.account]++
					require.True(t, mine[s.account].has(signal.ID) || signal.ID == "pst_last" && s.account == "acc_a", "%+v in the stream of %s", signal, s.account)
				}
				require.NotContains(t, signal.ID+signal.Ref, other)
				_, err := live.ParseCursor(s.account, signal.Cursor)
				require.NoError(t, err)
				_, err = live.ParseCursor(other, signal.Cursor)
				require.Error(t, err)
			}
		}
		require.Positive(t, named["acc_a"])
		require.Positive(t, named["acc_b"])
	})
}

func TestAnOutageOfRedisLosesNothing(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, engine, "real")
			here, there := w.process(settings{poll: 100 * time.Millisecond}), w.process(settings{poll: 100 * time.Millisecond})
			tab := there.open("acc_1", "")
			hears(t, here, there)
			before := here.publish("acc_1", "ch_1")
			tab.until(is(live.Event, before))

			w.server.Stop()
			require.Eventually(t, there.hub.Deaf, patience, time.Millisecond)
			during := here.publish("acc_1", "ch_1")
			tab.until(is(live.Event, during)) // from the database
			here.bell.Ring("acc_1", live.Delivery, "dlv_lost", "wh_1")
			for range 4 { // as long as others cannot be heard
				tab.until(is(live.Reload, ""))
			}

			w.server.Start()
			hears(t, here, there)
			tab.until(is(live.Reload, ""))
			require.Eventually(t, func() bool {
				here.bell.Ring("acc_1", live.Delivery, "dlv_after", "wh_1")
				select {
				case s := <-tab.signals:
					return s.ID == "dlv_after"
				default:
					return false
				}
			}, patience, 10*time.Millisecond)
		})
	}
}

func TestALostRingIsNoticedByItsNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", "real")
	p := w.process(settings{poll: never})
	tab := p.open("acc_1", "")
	require.Eventually(t, func() bool { return !p.hub.Deaf() }, patience, time.Millisecond)
	tab.until(is(live.Reload, "")) // others may not have known of the page
	ring := func(text string) { require.NoError(t, p.redis.Publish(t.Context(), live.RedisChannel, text).Err()) }
	change := func(seq int, id string) string {
		return fmt.Sprintf(`{"o":"other","s":%d,"c":[{"a":"acc_1","t":"post","n":[{"i":%q}]}]}`, seq, id)
	}
	ring(change(1, "pst_1"))
	require.Equal(t, "pst_1", tab.next().ID)
	ring(change(2, "pst_2"))
	require.Equal(t, "pst_2", tab.next().ID)
	ring(change(4, "pst_4"))
	tab.until(is(live.Reload, ""))
	ring("not a ring")
	tab.until(is(live.Reload, ""))
	ring(strings.ReplaceAll(change(5, "pst_5"), "acc_1", "acc_2"))
	ring(change(6, "pst_6"))
	tab.until(is(live.Post, "pst_6"))
}

func TestABellIsSilentWhileNoPageIsOpenAnywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", "real")
	here, there := w.process(settings{}), w.process(settings{})
	here.bell.Ring("acc_1", live.Post, "pst_1", "")
	require.Zero(t, here.bell.Pending())
	there.open("acc_1", "")
	require.Eventually(t, here.bell.Remote, patience, time.Millisecond)
	require.NoError(t, there.redis.Del(t.Context(), live.OpenKey).Err())
	require.Eventually(t, func() bool { return !here.bell.Remote() }, patience, time.Millisecond)
}

func TestPagesRefreshWhereSomebodyDeletedWhatSaysThatTheyAreOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", "real")
	p := w.process(settings{poll: 50 * time.Millisecond})
	tab := p.open("acc_1", "")
	tab.until(is(live.Reload, ""))
	w.server.FlushAll()
	tab.until(is(live.Reload, ""))
	require.Eventually(t, p.bell.Remote, patience, time.Millisecond)
}

func TestABellClosesSoonWhereRedisIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite", "real")
	here, there := w.process(settings{}), w.process(settings{})
	there.open("acc_1", "")
	hears(t, here, there)
	w.server.Kill()
	for i := range 10_000 {
		here.bell.Ring(fmt.Sprintf("acc_%d", i), live.Post, "pst_1", "")
	}
	begin := time.Now()
	here.bell.Close()
	require.Less(t, time.Since(begin), 30*time.Second)
	here.bell.Close()
	here.bell.Ring("acc_1", live.Post, "pst_1", "")
}
