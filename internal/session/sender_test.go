package session_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/message"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

func TestMessagesGoInTheirOrderWithGapsThatVary(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		n := w.node(t, "wrk_1")
		made := n.session(t, connectors.Config{"sendGap": "0.5"})
		want := []string{"one", "two", "three", "four"}
		for _, text := range want {
			n.queue(t, made.ID, text)
			w.clock.advance(time.Millisecond)
		}
		n.tick(t)
		require.Empty(t, w.network.sent, "nothing goes out before the session is CONNECTED")
		var times []time.Time
		w.network.onSend = func(connectors.OutMessage) { times = append(times, w.clock.now()) }
		w.network.link(t, made.ID).connect(t, "15551234567")
		for _, text := range want {
			require.Equal(t, text, w.next(t))
		}
		require.NoError(t, n.Close(t.Context())) // waits for the sender, and so for its last write to times
		require.Len(t, times, len(want))
		for i, at := range times[1:] {
			require.GreaterOrEqual(t, at.Sub(times[i]), 300*time.Millisecond)
			require.LessOrEqual(t, at.Sub(times[i]), 700*time.Millisecond)
		}
	})
}

func TestWhatIsQueuedWaitsWhileTheSessionIsOfflineAndGoesWhenItIsBack(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		n := w.node(t, "wrk_1")
		made := n.session(t, nil)
		l := w.network.link(t, made.ID)
		require.NoError(t, l.host.Listener.LinkPairing(t.Context(), identity("15551234567")))
		lost := connectors.LinkState{Status: connectors.LinkDisconnected, Reason: connectors.ReasonConnectionLost, Retry: true, Identity: identity("15551234567")}
		l.become(t, lost)
		n.queue(t, made.ID, "late")
		n.Kick(made.ID)
		n.tick(t)
		require.NoError(t, n.Close(t.Context()))
		require.Empty(t, w.network.sent)
		next := w.node(t, "wrk_2")
		next.tick(t)
		w.network.link(t, made.ID).become(t, connected("15551234567"))
		require.Equal(t, "late", w.next(t))
	})
}

func TestASessionThatLosesItsLeaseBetweenTwoMessagesSendsNoMore(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		n := w.node(t, "wrk_1")
		made := n.session(t, connectors.Config{"sendGap": "2"})
		n.queue(t, made.ID, "one")
		w.clock.advance(time.Millisecond)
		n.queue(t, made.ID, "two")
		var asleep sync.Once
		slept := make(chan struct{})
		w.clock.asleep = func() {
			w.clock.advance(8 * time.Second) // the process stood still during the gap
			asleep.Do(func() { close(slept) })
		}
		w.network.link(t, made.ID).connect(t, "15551234567")
		require.Equal(t, "one", w.next(t))
		<-slept
		require.NoError(t, n.Close(t.Context()))
		require.Empty(t, w.network.sent)
		waiting, err := w.store.Messages(t.Context(), tenant, store.MessageFilter{}, store.Page{Limit: 1})
		require.NoError(t, err)
		require.Equal(t, store.MessageQueued, waiting[0].Status)
	})
}

func TestASendReachesTheOwnerInWhateverProcessItWasAskedFor(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, b := w.node(t, "wrk_a"), w.node(t, "wrk_b")
		made, l := a.online(t, "15551234567", nil)
		var own sync.Once
		w.network.onSend = func(connectors.OutMessage) { own.Do(func() { require.True(t, l.host.Held()) }) }
		for i, n := range []*node{a, b} {
			sent, err := n.messages.Send(t.Context(), message.Out{ID: w.ids.New("msg"), Channel: n.get(t, made.ID).Channel, To: "15550001111", Text: n.worker})
			require.NoError(t, err)
			require.Equal(t, store.MessageSent, sent.Status)
			require.Equal(t, []string{"WA1", "WA2"}[i], sent.ProviderID)
			require.Equal(t, n.worker, w.next(t))
		}
		l.become(t, connectors.LinkState{Status: connectors.LinkLoggedOut, Reason: connectors.ReasonLoggedOut, Message: "Link it again."})
		_, err := b.messages.Send(t.Context(), message.Out{ID: w.ids.New("msg"), Channel: b.get(t, made.ID).Channel, To: "15550001111", Text: "no"})
		var p *problem.Error
		require.ErrorAs(t, err, &p)
		require.Equal(t, 400, p.Status())
	})
}

func TestWhatAPhoneReceivesIsStoredBeforeTheLinkHearsSo(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		n := w.node(t, "wrk_1")
		made, l := n.online(t, "15551234567", nil)
		in := connectors.CallbackResult{Messages: []connectors.InMessage{{
			ProviderID: "WA9", From: "15550001111", FromName: "Bob", To: "15551234567", Type: "text", Text: "Hi", Timestamp: start(),
		}}}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		require.Error(t, l.host.Listener.LinkReceived(gone, in), "what is not stored is not acknowledged")
		for range 2 {
			require.NoError(t, l.host.Listener.LinkReceived(t.Context(), in))
		}
		rows, err := w.store.Messages(t.Context(), tenant, store.MessageFilter{}, store.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, rows, 1)
		require.Equal(t, []string{made.ID, "15550001111", "Hi"}, []string{rows[0].ChannelID, rows[0].Peer, rows[0].Text})
	})
}
