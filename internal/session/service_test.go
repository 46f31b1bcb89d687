package session_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/sandbox"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/session"
	"github.com/switchhook/switchhook/internal/store"
)

func TestAServiceNamesWhatItLacks(t *testing.T) {
	t.Parallel()
	_, err := session.New(session.Options{})
	require.ErrorContains(t, err, "make session service: Options.")
}

func TestWithoutLinkedDevicesThereAreNoSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	w.kinds = map[string]connectors.Connector{sandbox.Kind: sandbox.New()}
	n := w.node(t, "wrk_1")
	_, err := n.Create(t.Context(), session.Draft{ID: w.ids.New("sess"), AccountID: tenant})
	requireProblem(t, err, problem.Unsupported)
}

func TestALinkIsToldStepByStep(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		n := w.node(t, "wrk_1")
		made := n.session(t, nil)
		require.Equal(t, "PENDING", made.Status)
		require.Equal(t, []string{"Linked", made.ID}, []string{made.Channel.Name, made.Channel.Address})
		again, err := n.Create(t.Context(), session.Draft{ID: made.ID, AccountID: tenant})
		require.NoError(t, err)
		require.Equal(t, made.ID, again.ID, "the same request makes one session")

		l := w.network.link(t, made.ID)
		l.become(t, qr("code 1"))
		l.become(t, qr("code 1"))
		l.become(t, qr("code 2"))
		require.Equal(t, "code 2", n.get(t, made.ID).LinkStep().Code)
		l.connect(t, "15551234567")
		l.become(t, connected("15551234567"))
		degraded := connected("15551234567")
		degraded.Reason, degraded.Message, degraded.Limit = connectors.ReasonDegraded, "Slow.", &connectors.LinkLimit{Code: "limited", Message: "Less."}
		l.become(t, degraded)

		require.Equal(t, []string{"PENDING -> QR", "QR -> CONNECTING", "CONNECTING -> CONNECTED", "CONNECTED -> CONNECTED degraded"}, w.told(t))
		var codes []string
		for _, data := range events[event.SessionQRData](t, w, event.SessionQR) {
			require.Equal(t, made.ID, data.SessionID)
			require.Equal(t, event.Time(start()), data.ExpiresAt)
			codes = append(codes, data.QR)
		}
		require.Equal(t, []string{"code 1", "code 2"}, codes, "once for each code")
		got := n.get(t, made.ID)
		require.Nil(t, got.LinkStep())
		require.Equal(t, "limited", got.LinkLimit().Code)
		require.Equal(t, []any{"15551234567", "Ann", false}, []any{got.Phone, got.PushName, got.Linking})
		require.Equal(t, []string{"15551234567", "wa_15551234567"}, []string{got.Channel.Address, got.Channel.ChannelKey})
		require.Equal(t, store.ChannelConnected, got.Channel.Status)
		require.Len(t, events[event.ChannelData](t, w, event.AccountLinked), 1)
		listed, err := n.List(t.Context(), tenant, store.Page{Limit: 10})
		require.NoError(t, err)
		require.Equal(t, []*session.Session{got}, listed)
		_, err = n.Get(t.Context(), "acct_b", made.ID)
		requireProblem(t, err, problem.NotFound)
	})
}

func TestALoggedOutSessionIsLinkedAgainUnderItsID(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		n := w.node(t, "wrk_1")
		made, l := n.online(t, "15551234567", nil)
		_, err := n.Link(t.Context(), tenant, made.ID)
		requireProblem(t, err, problem.Conflict)
		l.become(t, connectors.LinkState{Status: connectors.LinkLoggedOut, Reason: connectors.ReasonLoggedOut, Message: "Unlinked."})
		got := n.get(t, made.ID)
		require.Equal(t, []string{"LOGGED_OUT", "logged_out", ""}, []string{got.Status, got.Reason, got.Device})
		require.Equal(t, store.ChannelNeedsLink, got.Channel.Status)
		require.Equal(t, []string{"device of 15551234567"}, w.network.forgotten)
		require.Len(t, events[event.ChannelData](t, w, event.AccountUnlinked), 1)

		again, err := n.Link(t.Context(), tenant, made.ID) // before the next look has closed the old link
		require.NoError(t, err)
		require.Equal(t, "PENDING", again.Status)
		_, err = n.Link(t.Context(), tenant, made.ID)
		requireProblem(t, err, problem.LinkInProgress)
		require.Error(t, l.host.Listener.LinkChanged(t.Context(), qr("of the old link")))
		n.tick(t)
		require.False(t, l.live())
		next := w.network.link(t, made.ID)
		require.NotSame(t, l, next)
		require.Empty(t, next.session.Device)
		next.become(t, qr("new"))
		next.connect(t, "15559990000")
		got = n.get(t, made.ID)
		require.Equal(t, []string{"CONNECTED", "15559990000", "15559990000"}, []string{got.Status, got.Phone, got.Channel.Address})
		require.Equal(t, store.ChannelConnected, got.Channel.Status)
	})
}

func TestALinkThatNobodyScansEndsAndIsBegunAgain(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		n := w.node(t, "wrk_1")
		made := n.session(t, nil)
		l := w.network.link(t, made.ID)
		l.become(t, qr("code"))
		l.become(t, connectors.LinkState{Status: connectors.LinkDisconnected, Reason: connectors.ReasonQRTimeout, Message: "Nobody scanned."})
		require.False(t, n.get(t, made.ID).Linking)
		n.tick(t)
		require.False(t, l.live(), "nothing is left to hold")
		require.Empty(t, n.get(t, made.ID).Owner)
		_, err := n.Link(t.Context(), tenant, made.ID)
		require.NoError(t, err)
		n.tick(t)
		require.True(t, w.network.link(t, made.ID).live())
		require.Equal(t, []string{"PENDING -> QR", "QR -> DISCONNECTED qr_timeout", "DISCONNECTED -> PENDING"}, w.told(t))
	})
}

func TestANumberThatAnotherSessionHasIsRefused(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		n := w.node(t, "wrk_1")
		n.online(t, "15551234567", nil)
		second := n.session(t, nil)
		l := w.network.link(t, second.ID)
		err := l.host.Listener.LinkPairing(t.Context(), identity("15551234567"))
		var refusal *connectors.Error
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, connectors.KindRejected, refusal.Kind)
		require.Equal(t, connectors.CodeAlreadyLinked, refusal.Code)
		got := n.get(t, second.ID)
		require.Empty(t, got.Device)
		require.Equal(t, second.ID, got.Channel.Address)
	})
}

func TestASessionThatStaysAwayIsConnectedAgainOnDemand(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		n := w.node(t, "wrk_1")
		made, l := n.online(t, "15551234567", nil)
		lost := connectors.LinkState{Status: connectors.LinkDisconnected, Reason: connectors.ReasonConnectionLost, Retry: true, Identity: identity("15551234567")}
		l.become(t, lost)
		_, err := n.Link(t.Context(), tenant, made.ID)
		requireProblem(t, err, problem.Conflict)
		replaced := lost
		replaced.Reason, replaced.Retry = connectors.ReasonReplaced, false
		l.become(t, replaced)
		n.tick(t)
		require.True(t, l.live(), "it is linked still")
		_, err = n.Link(t.Context(), tenant, made.ID)
		require.NoError(t, err)
		n.tick(t)
		next := w.network.link(t, made.ID)
		require.NotSame(t, l, next)
		require.Equal(t, "device of 15551234567", next.session.Device)
		require.Equal(t, store.ChannelConnected, n.get(t, made.ID).Channel.Status, "states that pass leave the channel's status")
	})
}

func TestWhatTheUserChangesOfTheChannelReachesTheLink(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		n := w.node(t, "wrk_1")
		made, l := n.online(t, "15551234567", connectors.Config{"other": "one"})
		change := func(c channel.Change) {
			t.Helper()
			_, err := n.channels.Change(t.Context(), tenant, made.ID, c)
			require.NoError(t, err)
			n.tick(t)
		}
		name, off, on := "New name", true, false
		change(channel.Change{Name: &name})
		require.True(t, l.live(), "a name is no reason to connect anew")
		change(channel.Change{Config: connectors.Config{"other": "two"}})
		require.False(t, l.live())
		l = w.network.link(t, made.ID)
		require.Equal(t, []string{"two", "device of 15551234567"}, []string{l.session.Config["other"], l.session.Device})
		l.become(t, connected("15551234567"))
		require.Equal(t, "15551234567", n.get(t, made.ID).Channel.Address)

		change(channel.Change{Disabled: &off})
		require.False(t, l.live())
		got := n.get(t, made.ID)
		require.Equal(t, []string{"DISCONNECTED", "disabled", ""}, []string{got.Status, got.Reason, got.Owner})
		_, err := n.Link(t.Context(), tenant, made.ID)
		requireProblem(t, err, problem.Conflict)
		_, err = n.Logout(t.Context(), tenant, made.ID)
		requireProblem(t, err, problem.Conflict)
		change(channel.Change{Disabled: &on})
		l = w.network.link(t, made.ID)
		require.True(t, l.live())
		l.become(t, connected("15551234567"))
		require.Equal(t, store.ChannelConnected, n.get(t, made.ID).Channel.Status)
	})
}

func TestALinkThatCannotBeOpenedSaysWhy(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		n := w.node(t, "wrk_1")
		made, _ := n.online(t, "15551234567", connectors.Config{"other": "one"})
		linking, err := n.Create(t.Context(), session.Draft{ID: w.ids.New("sess"), AccountID: tenant})
		require.NoError(t, err)
		w.network.refusal = connectors.Rejected("invalid", "The proxy cannot be used. Correct it.", "config.proxy")
		_, err = n.channels.Change(t.Context(), tenant, made.ID, channel.Change{Config: connectors.Config{"other": "two"}})
		require.NoError(t, err)
		for range 3 {
			n.tick(t)
		}
		for _, sessionID := range []string{made.ID, linking.ID} {
			got := n.get(t, sessionID)
			require.Equal(t, []string{"DISCONNECTED", "refused", "The proxy cannot be used. Correct it."}, []string{got.Status, got.Reason, got.Message})
			require.False(t, got.Linking)
		}
		require.Len(t, w.told(t), 4, "told once")
		require.Empty(t, n.get(t, linking.ID).Owner)
		w.network.refusal = nil
		n.tick(t)
		l := w.network.link(t, made.ID)
		require.True(t, l.live())
		require.Equal(t, "device of 15551234567", l.session.Device)
	})
}

func TestAStatusChangesTwiceInAMillisecondAndIsToldTwice(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		n := w.node(t, "wrk_1")
		made, l := n.online(t, "15551234567", nil)
		lost := connectors.LinkState{Status: connectors.LinkDisconnected, Reason: connectors.ReasonConnectionLost, Retry: true, Identity: identity("15551234567")}
		for range 3 {
			l.become(t, lost)
			l.become(t, connected("15551234567"))
		}
		require.Len(t, w.told(t), 2+6)
		require.True(t, n.get(t, made.ID).StatusAt.Before(start().Add(time.Second)))
	})
}
