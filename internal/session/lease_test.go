package session_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/session"
	"github.com/switchhook/switchhook/internal/store"
)

func TestAProcessThatWasNeverSeenTakesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	n := w.node(t, "wrk_1")
	w.clock.advance(8 * time.Second) // its first beat has run out
	made, err := n.Create(t.Context(), session.Draft{ID: w.ids.New("sess"), AccountID: tenant})
	require.NoError(t, err)
	n.tick(t)
	require.Zero(t, w.network.opened(made.ID))
	n.beat(t)
	n.tick(t)
	require.Equal(t, 1, w.network.opened(made.ID))
}

func TestOfTwoProcessesOneHoldsASessionAndADeadOneIsReplaced(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, b := w.node(t, "wrk_a"), w.node(t, "wrk_b")
		made, first := a.online(t, "15551234567", nil)
		b.tick(t)
		require.Equal(t, 1, w.network.opened(made.ID))
		// a dies: it is not heard of again. b lives on and looks every second.
		died := w.clock.now()
		for w.network.opened(made.ID) == 1 && w.clock.now().Sub(died) < time.Minute {
			w.clock.advance(time.Second)
			b.beat(t)
			b.tick(t)
		}
		took := w.clock.now().Sub(died)
		require.LessOrEqual(t, took, 30*time.Second)
		require.Greater(t, took, 8*time.Second, "not while the first could still send")
		require.False(t, first.host.Held())
		second := w.network.link(t, made.ID)
		require.True(t, second.host.Held())
		require.Equal(t, "device of 15551234567", second.session.Device)
		require.Equal(t, "wrk_b", b.get(t, made.ID).Owner)
		second.become(t, connectors.LinkState{Status: connectors.LinkConnecting, Identity: identity("15551234567")})
		second.become(t, connected("15551234567"))
		require.Equal(t, []string{"CONNECTED -> CONNECTING server_restarted", "CONNECTING -> CONNECTED"}, w.told(t)[2:])
	})
}

func TestAPausedOwnerNeitherSendsNorStoresAfterItsLease(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, b := w.node(t, "wrk_a"), w.node(t, "wrk_b")
		made, first := a.online(t, "15551234567", nil)
		w.clock.advance(8*time.Second - time.Millisecond)
		require.True(t, first.host.Held())
		w.clock.advance(time.Millisecond)
		require.False(t, first.host.Held(), "by its own clock, before anybody else may take the session")
		w.clock.advance(3 * time.Second)
		b.beat(t)
		b.tick(t)
		require.Equal(t, 2, w.network.opened(made.ID))

		told := w.told(t)
		refuse := func() {
			t.Helper()
			require.False(t, first.host.Held())
			listener := first.host.Listener
			require.Error(t, listener.LinkChanged(t.Context(), connectors.LinkState{Status: connectors.LinkLoggedOut}))
			require.Error(t, listener.LinkReceived(t.Context(), connectors.CallbackResult{Messages: []connectors.InMessage{{ProviderID: "1", From: "1", Type: "text"}}}))
			require.Error(t, listener.LinkPairing(t.Context(), identity("15559990000")))
		}
		refuse()
		a.beat(t) // it goes on, and is seen again: what it held is another's all the same
		refuse()
		a.tick(t)
		refuse()
		require.False(t, first.live())
		require.Equal(t, 2, w.network.opened(made.ID))
		require.Equal(t, told, w.told(t))
		require.Equal(t, "15551234567", b.get(t, made.ID).Channel.Address)
		received, err := w.store.Messages(t.Context(), tenant, store.MessageFilter{}, store.Page{Limit: 10})
		require.NoError(t, err)
		require.Empty(t, received)
	})
}

func TestAPausedOwnerThatNobodyReplacedConnectsAnew(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		n := w.node(t, "wrk_1")
		made, first := n.online(t, "15551234567", nil)
		w.clock.advance(time.Minute)
		n.beat(t)
		require.False(t, first.host.Held(), "until the database has confirmed it")
		n.tick(t)
		require.False(t, first.live(), "a Link that had to stop writing does not go on")
		require.True(t, w.network.link(t, made.ID).host.Held())
		require.Equal(t, 2, w.network.opened(made.ID))
	})
}

func TestAClaimThatWasDecidedBeforeTheOwnerCameBackIsVoid(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		n := w.node(t, "wrk_1")
		made, _ := n.online(t, "15551234567", nil)
		w.clock.advance(time.Minute)
		free, err := w.store.FreeSessionsAny(t.Context(), w.clock.now(), 10)
		require.NoError(t, err)
		require.Len(t, free, 1)
		n.beat(t)
		n.tick(t)
		claimed, err := w.store.ClaimSessionsAny(t.Context(), "wrk_2", free)
		require.NoError(t, err)
		require.Empty(t, claimed)
		require.Equal(t, "wrk_1", n.get(t, made.ID).Owner)
	})
}

func TestAStoppingProcessHandsItsSessionsOver(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, b := w.node(t, "wrk_a"), w.node(t, "wrk_b")
		made, first := a.online(t, "15551234567", nil)
		told := w.told(t)
		require.NoError(t, a.Close(t.Context()))
		require.NoError(t, a.Close(t.Context()))
		require.False(t, first.live())
		require.NotContains(t, first.asked(), "logout")
		require.Empty(t, b.get(t, made.ID).Owner)
		require.Equal(t, told, w.told(t), "a restart that takes a moment is no news")
		b.tick(t)
		require.True(t, w.network.link(t, made.ID).live())
		require.Equal(t, "wrk_b", b.get(t, made.ID).Owner)
		a.tick(t)
		require.Equal(t, 2, w.network.opened(made.ID))
	})
}

func TestAnAnnouncedSessionIsTakenWithoutWaiting(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "postgres")
	a, b := w.node(t, "wrk_a"), w.node(t, "wrk_b")
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { b.Run(ctx) })
	made, err := a.Create(t.Context(), session.Draft{ID: w.ids.New("sess"), AccountID: tenant})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return w.network.opened(made.ID) == 1 }, 30*time.Second, time.Millisecond)
	cancel()
	running.Wait()
	require.Equal(t, "wrk_b", a.get(t, made.ID).Owner)
}

func TestAThousandSessionsAreSharedAndEachIsOpenedOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		const sessions, processes = 1000, 4
		nodes := make([]*node, processes)
		for i := range nodes {
			nodes[i] = w.node(t, fmt.Sprintf("wrk_%d", i))
		}
		for i := range sessions / 200 {
			w.account(t, fmt.Sprintf("acct_many_%d", i))
		}
		require.NoError(t, w.store.InTransaction(t.Context(), func(ctx context.Context) error {
			var failures []error
			for i := range sessions {
				_, err := nodes[0].Create(ctx, session.Draft{ID: w.ids.New("sess"), AccountID: fmt.Sprintf("acct_many_%d", i/200)})
				failures = append(failures, err)
			}
			return errors.Join(failures...)
		}))
		var working sync.WaitGroup
		for _, n := range nodes {
			working.Go(func() {
				for more := true; more; {
					var err error
					more, err = n.Tick(t.Context())
					require.NoError(t, err)
				}
			})
		}
		working.Wait()
		for range sessions / 32 { // whoever saw a few when others took them
			nodes[0].tick(t)
		}
		owned := map[string]int{}
		for i := range sessions / 200 {
			account := fmt.Sprintf("acct_many_%d", i)
			rows, err := w.store.Sessions(t.Context(), account, store.Page{Limit: 200})
			require.NoError(t, err)
			require.Len(t, rows, 200)
			for _, row := range rows {
				require.Equal(t, 1, w.network.opened(row.ID))
				owned[row.Owner]++
			}
		}
		require.NotContains(t, owned, "")
		require.NotEmpty(t, owned)
	})
}

func TestAStateThatCouldNotBeStoredIsStoredAtTheNextLook(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		n := w.node(t, "wrk_1")
		made, l := n.online(t, "15551234567", nil)
		gone, cancel := context.WithCancel(t.Context())
		cancel() // the store is called with a context that has ended, as in a stop or a timeout
		lost := connectors.LinkState{Status: connectors.LinkDisconnected, Reason: connectors.ReasonConnectionLost, Retry: true, Identity: identity("15551234567")}
		require.Error(t, l.host.Listener.LinkChanged(gone, lost))
		n.tick(t)
		require.Equal(t, "DISCONNECTED", n.get(t, made.ID).Status)
		require.Equal(t, "CONNECTED -> DISCONNECTED connection_lost", w.told(t)[2])
		require.Len(t, w.told(t), 3)
	})
}
