package whatsapp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types/events"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
)

func TestEachEndOfALinkedDevicesConnectionIsAStateWithAReason(t *testing.T) {
	t.Parallel()
	const gone, out = connectors.LinkDisconnected, connectors.LinkLoggedOut
	for _, one := range []struct {
		end    watest.End
		login  bool // it ends the login, not the connection that stands
		status connectors.LinkStatus
		reason string
		retry  bool
	}{
		{watest.FailureBadRequest, true, gone, connectors.ReasonRefused, false},
		{watest.FailureUnknown, true, gone, connectors.ReasonRefused, false},
		{watest.FailureLoggedOut, true, out, connectors.ReasonLoggedOut, false},
		{watest.FailureBanned, true, gone, connectors.ReasonBanned, true},
		{watest.FailureAccountLocked, true, out, connectors.ReasonPhoneOffline, false},
		{watest.FailureOutdated, true, gone, connectors.ReasonOutdated, false},
		{watest.FailureUnknownLogout, true, out, connectors.ReasonAccountBanned, false},
		{watest.StreamDeviceRemoved, false, out, connectors.ReasonLoggedOut, false},
		{watest.StreamReplaced, false, gone, connectors.ReasonReplaced, false},
	} {
		t.Run(string(one.end), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			link, user := r.link(t)
			if one.login {
				r.server.Switch(func(s *watest.Switches) { s.RefuseLogins, s.RefuseWith = 1, one.end })
				user.Drop()
			} else {
				user.End(one.end)
			}
			state := r.listener.await(t, because(one.status, one.reason))
			require.Equal(t, one.retry, state.Retry)
			require.NotEmpty(t, state.Message)
			require.Nil(t, state.Step)
			if one.end == watest.FailureBanned {
				require.WithinDuration(t, time.Now().Add(time.Hour), state.Until, time.Minute)
			} else {
				require.Zero(t, state.Until)
			}
			_, err := link.Send(t.Context(), connectors.OutMessage{To: owner, Text: "x", ProviderID: "3EB0"})
			if one.status == out {
				require.Equal(t, connectors.KindUnlinked, connectors.AsError(err).Kind)
				require.Zero(t, state.Identity)
			} else {
				require.Equal(t, connectors.CodeNotConnected, connectors.AsError(err).Code)
				require.Equal(t, owner, state.Identity.Address)
			}
			require.NoError(t, link.Close())
			require.Equal(t, state, r.listener.history()[len(r.listener.history())-1], "nothing was tried after that")
		})
	}
}

func TestAfterAnEndWithoutAReasonTheDeviceIsSoonOnlineAgain(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		end   watest.End
		login bool
	}{
		{watest.LineCut, false},
		{watest.StreamUnavailable, false},
		{watest.StreamRestart, false},
		{watest.LineCut, true},
		{watest.FailureInternal, true},
		{watest.FailureUnavailable, true},
	} {
		name := string(one.end)
		if one.login {
			name += " instead of the welcome"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.connector.timing.grace = patience // nobody is told of a connection that is back soon
			_, user := r.link(t)
			friend := r.server.AddUser("4915112345678")
			end := one.end
			if one.login {
				r.server.Switch(func(s *watest.Switches) { s.RefuseLogins, s.RefuseWith = 2, one.end })
				end = watest.LineCut
			}
			user.End(end)
			require.NoError(t, friend.SendText(within(t), user, "IN1", "are you back?"))
			r.listener.text(t, "are you back?")
			require.Equal(t, []connectors.LinkStatus{connectors.LinkQR, connectors.LinkConnecting, connectors.LinkConnected}, r.statuses())
		})
	}
}

func TestAConnectionThatStaysAwayIsToldOnceAndAgainWhenItIsBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.connector.timing.grace = time.Millisecond
	_, user := r.link(t)
	before := len(r.listener.history())
	r.server.Switch(func(s *watest.Switches) { s.RefuseLogins, s.RefuseWith = 6, watest.FailureUnavailable })
	user.Drop()
	state := r.listener.await(t, in(connectors.LinkDisconnected))
	require.True(t, state.Retry)
	require.Contains(t, []string{connectors.ReasonConnectionLost, connectors.ReasonUnreachable}, state.Reason)
	require.Equal(t, owner, state.Identity.Address)
	r.listener.await(t, connected)
	require.Len(t, r.listener.history()[before:], 2, "however many attempts it took")
}

func TestATemporaryBanIsWaitedFor(t *testing.T) {
	t.Parallel()
	l := &Link{connector: &Connector{timing: standardTiming()}, mail: newMailbox(), gate: &gate{}}
	l.host.Now = func() time.Time { return time.Unix(1000, 0) }
	l.host.Held = func() bool { return true }
	m := &machine{Link: l, linked: true}
	m.on(t.Context(), &events.TemporaryBan{Code: events.TempBanBlockedByUsers, Expire: 2 * time.Hour})
	require.Equal(t, connectors.ReasonBanned, m.state.Reason)
	require.Equal(t, time.Unix(8200, 0), m.state.Until)
	require.Contains(t, m.state.Message, "blocked")
	require.WithinDuration(t, time.Now().Add(2*time.Hour), m.due[alarmAttempt], time.Minute)

	require.True(t, m.state.Retry)
	m.mail.take()
	m.on(t.Context(), attempted{})
	require.WithinDuration(t, time.Now().Add(2*time.Hour), m.due[alarmAttempt], time.Minute, "the attempt that it ended is no reason to hurry")

	m.on(t.Context(), &events.TemporaryBan{})
	require.WithinDuration(t, time.Now().Add(time.Hour), m.due[alarmAttempt], time.Minute)
	require.Zero(t, m.state.Until)

	unlinked := waitingMachine(time.Unix(1000, 0))
	unlinked.on(t.Context(), &events.TemporaryBan{Expire: time.Hour})
	require.Equal(t, time.Unix(4600, 0), unlinked.state.Until)
	require.False(t, unlinked.state.Retry)
	require.True(t, unlinked.finished)
}

func TestNewAttemptsComeQuicklyAtFirstAndThenEverMoreSlowly(t *testing.T) {
	t.Parallel()
	timing := standardTiming()
	for _, one := range []struct {
		failures int
		most     time.Duration
	}{
		{1, 275 * time.Millisecond},
		{2, 1100 * time.Millisecond},
		{3, 2200 * time.Millisecond},
		{6, 17600 * time.Millisecond},
		{8, 66 * time.Second},
		{1000, 66 * time.Second},
	} {
		for range 200 {
			wait := timing.backoff(one.failures)
			require.Positive(t, wait)
			require.LessOrEqual(t, wait, one.most, one.failures)
		}
	}
}

func TestAConnectionThatLastedEndsARowOfFailures(t *testing.T) {
	t.Parallel()
	m := waitingMachine(time.Now())
	m.linked = true
	m.state.Status = connectors.LinkConnected
	for range 5 {
		m.gone(connectors.ReasonUnreachable)
	}
	require.Equal(t, 5, m.failures)
	require.Equal(t, connectors.LinkConnected, m.state.Status, "nobody is told before the grace is over")
	m.offline()
	require.Equal(t, connectors.ReasonUnreachable, m.state.Reason)
	m.connected = time.Now()
	m.gone(connectors.ReasonConnectionLost)
	require.Equal(t, 6, m.failures, "a connection that breaks at once is one more")
	m.connected = time.Now().Add(-time.Minute)
	m.gone(connectors.ReasonConnectionLost)
	require.Equal(t, 1, m.failures)
}

func TestUnansweredPingsAreAWarningAndThenANewConnection(t *testing.T) {
	t.Parallel()
	server, client := pipe(t)
	l := &Link{connector: &Connector{timing: standardTiming()}, mail: newMailbox(), gate: &gate{held: func() bool { return true }}}
	l.host.Now, l.host.Held = time.Now, l.gate.held
	m := &machine{Link: l, linked: true, begun: time.Now()}
	l.gate.wrap(client)
	m.on(t.Context(), &events.Connected{})
	require.Equal(t, connectors.LinkConnected, m.state.Status)
	m.on(t.Context(), &events.KeepAliveTimeout{ErrorCount: 1, LastSuccess: m.begun.Add(-time.Second)})
	require.Empty(t, m.state.Reason, "that was about an earlier connection")
	m.on(t.Context(), &events.KeepAliveTimeout{ErrorCount: 1, LastSuccess: time.Now()})
	require.Equal(t, connectors.LinkConnected, m.state.Status)
	require.Equal(t, connectors.ReasonDegraded, m.state.Reason)
	m.on(t.Context(), &events.KeepAliveRestored{})
	require.Empty(t, m.state.Reason)
	require.True(t, l.gate.alive())

	m.begun = time.Now().Add(-time.Hour)
	m.on(t.Context(), &events.KeepAliveTimeout{ErrorCount: 9, LastSuccess: time.Now().Add(-2 * whatsmeow.KeepAliveMaxFailTime)})
	require.False(t, l.gate.alive())
	_, err := server.Read(make([]byte, 1))
	require.Error(t, err)
	m.on(t.Context(), &events.Disconnected{})
	require.False(t, l.online.Load())
	require.False(t, m.due[alarmAttempt].IsZero())
}

func TestNewsOfAnEarlierConnectionDoNotTouchTheNewOne(t *testing.T) {
	t.Parallel()
	_, client := pipe(t)
	l := &Link{connector: &Connector{timing: standardTiming()}, mail: newMailbox(), gate: &gate{held: func() bool { return true }}}
	l.host.Now, l.host.Held = time.Now, l.gate.held
	m := &machine{Link: l, linked: true}
	l.gate.wrap(client)
	m.on(t.Context(), &events.Connected{})
	m.on(t.Context(), &events.Disconnected{})
	require.True(t, l.gate.alive())
	require.Equal(t, connectors.LinkConnected, m.state.Status)
	require.True(t, m.due[alarmAttempt].IsZero())
	l.gate.cut()
	m.on(t.Context(), &events.Connected{})
	m.on(t.Context(), &events.Disconnected{})
	require.False(t, m.due[alarmAttempt].IsZero())
}
