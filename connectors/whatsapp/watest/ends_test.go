package watest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/types/events"
)

// deleted says whether whatsmeow has removed the device from its database. It tells of the logout before it does so.
func deleted(t *testing.T, c *client) bool {
	t.Helper()
	devices, err := c.store.GetAllDevices(t.Context())
	require.NoError(t, err)
	return len(devices) == 0
}

// serverFor makes one whose connections last if the end is one after which the client does not reconnect.
func serverFor(t *testing.T, end End) *Server {
	t.Helper()
	switch end {
	case FailureInternal, FailureUnavailable, StreamUnavailable, LineCut:
		return newServer(t, Options{})
	}
	return lasting(t)
}

func TestALoginIsRefused(t *testing.T) {
	t.Parallel()
	loggedOut := func(t *testing.T, c *client) {
		require.True(t, expect[*events.LoggedOut](t, c, 1).OnConnect)
		require.Eventually(t, func() bool { return deleted(t, c) }, limit, time.Millisecond)
	}
	failure := func(t *testing.T, c *client) { expect[*events.ConnectFailure](t, c, 1) }
	again := func(t *testing.T, c *client) {
		expect[*events.Disconnected](t, c, 1)
		expect[*events.Connected](t, c, 1)
	}
	cases := map[End]func(*testing.T, *client){
		FailureBadRequest:    failure,
		FailureLoggedOut:     loggedOut,
		FailureAccountLocked: loggedOut,
		FailureUnknownLogout: loggedOut,
		FailureBanned: func(t *testing.T, c *client) {
			ban := expect[*events.TemporaryBan](t, c, 1)
			require.Equal(t, events.TempBanSentToTooManyPeople, ban.Code)
			require.Equal(t, time.Hour, ban.Expire)
		},
		FailureOutdated:     func(t *testing.T, c *client) { expect[*events.ClientOutdated](t, c, 1) },
		FailureUnknown:      failure,
		FailureInternal:     again,
		FailureUnavailable:  again,
		StreamUnavailable:   again,
		LineCut:             again,
		StreamRestart:       func(t *testing.T, c *client) { expect[*events.Connected](t, c, 1) },
		StreamReplaced:      func(t *testing.T, c *client) { expect[*events.StreamReplaced](t, c, 1) },
		StreamDeviceRemoved: func(t *testing.T, c *client) { require.False(t, expect[*events.LoggedOut](t, c, 1).OnConnect) },
	}
	require.Len(t, cases, len(Ends()))
	for end, check := range cases {
		t.Run(string(end), func(t *testing.T) {
			t.Parallel()
			server, _, _, c := pairOn(t, serverFor(t, end))
			server.Switch(func(w *Switches) { w.RefuseLogins, w.RefuseWith = 1, end })

			check(t, c.restart(t))

			require.EqualValues(t, 1, server.Counters().Refused)
		})
	}
}

func TestAnEstablishedConnectionEnds(t *testing.T) {
	t.Parallel()
	again := func(t *testing.T, c *client) {
		expect[*events.Disconnected](t, c, 1)
		expect[*events.Connected](t, c, 2)
	}
	cases := map[End]func(*testing.T, *client){
		LineCut:           again,
		StreamUnavailable: again,
		StreamRestart:     func(t *testing.T, c *client) { expect[*events.Connected](t, c, 2) },
		StreamReplaced:    func(t *testing.T, c *client) { expect[*events.StreamReplaced](t, c, 1) },
		StreamDeviceRemoved: func(t *testing.T, c *client) {
			require.False(t, expect[*events.LoggedOut](t, c, 1).OnConnect)
			require.Eventually(t, func() bool { return deleted(t, c) }, limit, time.Millisecond)
		},
	}
	for end, check := range cases {
		t.Run(string(end), func(t *testing.T) {
			t.Parallel()
			_, owner, _, c := pairOn(t, serverFor(t, end))

			require.Equal(t, 1, owner.End(end))

			check(t, c)
		})
	}
}

func TestAnUnlinkedDeviceIsLoggedOutAndStaysOut(t *testing.T) {
	t.Parallel()
	server, owner, contact, c := pairOn(t, lasting(t))

	require.True(t, owner.Unlink(1))
	require.False(t, owner.Unlink(1))

	require.False(t, expect[*events.LoggedOut](t, c, 1).OnConnect)
	require.Empty(t, owner.Devices())
	require.Error(t, contact.SendText(within(t), owner, "A1", "nobody is there"))
	second := paired(t, server, owner)
	require.Equal(t, []uint16{2}, owner.Devices())
	require.EqualValues(t, 2, second.Store.ID.Device)
}

func TestADeviceThatWasUnlinkedMeanwhileCannotLogIn(t *testing.T) {
	t.Parallel()
	_, owner, _, c := pairOn(t, lasting(t))
	c.stop()
	require.True(t, owner.Unlink(1))

	again := c.restart(t)

	require.True(t, expect[*events.LoggedOut](t, again, 1).OnConnect)
}

func TestASecondLoginReplacesTheFirst(t *testing.T) {
	t.Parallel()
	server, owner, contact, first := pairOn(t, lasting(t))

	second := openClient(t, server, first.path)
	require.NoError(t, second.Connect())

	expect[*events.StreamReplaced](t, first, 1)
	expect[*events.Connected](t, second, 1)
	require.NoError(t, contact.SendText(within(t), owner, "A1", "to the second"))
	expectText(t, second, "to the second")
	require.Zero(t, count[*events.Message](first))
}

func TestAClientThatLogsOutIsForgotten(t *testing.T) {
	t.Parallel()
	_, owner, _, c := pair(t)

	require.NoError(t, c.Logout(within(t)))

	require.Empty(t, owner.Devices())
	require.Zero(t, count[*events.LoggedOut](c))
}

func TestAPairingConnectionIsRefused(t *testing.T) {
	t.Parallel()
	server := lasting(t)
	server.Switch(func(w *Switches) { w.RefusePairings, w.RefuseWith = -1, FailureOutdated })
	c := newClient(t, server)

	require.NoError(t, c.Connect())

	expect[*events.ClientOutdated](t, c, 1)
	require.Zero(t, count[*events.QR](c))
}

func TestALoginIsNotAnswered(t *testing.T) {
	t.Parallel()
	server, _, _, c := pair(t)
	server.Switch(func(w *Switches) { w.SilentLogins = 1 })

	again := c.restart(t)

	require.Eventually(t, func() bool { return server.switched().SilentLogins == 0 }, limit, time.Millisecond)
	require.True(t, again.IsConnected())
	require.False(t, again.IsLoggedIn())
	again.Disconnect()
	require.NoError(t, again.Connect())
	expect[*events.Connected](t, again, 1)
}

func TestAConnectionIsRefusedWithAStatus(t *testing.T) {
	t.Parallel()
	server, _, _, c := pair(t)
	c.stop()
	server.Switch(func(w *Switches) { w.SocketStatus = 503 })
	again := openClient(t, server, c.path)

	require.ErrorContains(t, again.Connect(), "503")

	server.Switch(func(w *Switches) { w.SocketStatus = 0 })
	require.NoError(t, again.Connect())
	expect[*events.Connected](t, again, 1)
}
