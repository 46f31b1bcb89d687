package whatsapp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
)

func TestAPhoneIsLinkedByQRCodeAndMessagesGoBothWays(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			r := newRigOn(t, engine, watest.Options{})
			link, user := r.link(t)
			friend := r.server.AddUser("4915112345678")
			require.NoError(t, friend.SendText(within(t), user, "IN1", "hello"))
			require.Equal(t, "4915112345678", r.listener.text(t, "hello").From)
			_, err := friend.WaitReceipt(within(t), "IN1", watest.Inactive)
			require.NoError(t, err)

			id := r.connector.NewMessageID()
			receipt, err := link.Send(within(t), connectors.OutMessage{To: "+49 151 12345678", Text: "good day", ProviderID: id})
			require.NoError(t, err)
			require.Equal(t, id, receipt.ProviderID)
			got, err := friend.WaitText(within(t), "good day")
			require.NoError(t, err)
			require.Equal(t, id, got.ID)

			identity := r.listener.history()[len(r.listener.history())-1].Identity
			require.Equal(t, owner, identity.Address)
			require.Equal(t, owner+":1@s.whatsapp.net", identity.Device)
			require.Equal(t, user.LID().String(), identity.LID)
			require.Equal(t, identity.Device, r.listener.paired[0].Device)
			require.Equal(t, []connectors.LinkStatus{connectors.LinkQR, connectors.LinkConnecting, connectors.LinkConnected}, r.statuses())

			require.NoError(t, link.Close())
			require.Zero(t, r.listener.inside.Load())
			again := r.open(t, identity.Device)
			r.listener.await(t, in(connectors.LinkConnecting))
			r.listener.await(t, connected)
			checks, err := again.CheckNumbers(within(t), []string{"4915112345678", "4915100000000"})
			require.NoError(t, err)
			require.Equal(t, []bool{true, false}, []bool{checks[0].Exists, checks[1].Exists})
		})
	}
}

// statuses returns the statuses that were told, each change once.
func (r *rig) statuses() []connectors.LinkStatus {
	var statuses []connectors.LinkStatus
	for _, state := range r.listener.history() {
		if len(statuses) == 0 || statuses[len(statuses)-1] != state.Status {
			statuses = append(statuses, state.Status)
		}
	}
	return statuses
}

func TestAMessageThatCouldNotBeStoredComesAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, user := r.link(t)
	friend := r.server.AddUser("4915112345678")
	failed := make(chan struct{})
	tries := 0
	r.listener.onReceive(func(connectors.CallbackResult) error {
		if tries++; tries <= 2 {
			if tries == 1 {
				close(failed)
			}
			return errFull
		}
		return nil
	})
	require.NoError(t, friend.SendText(within(t), user, "IN1", "keep me"))
	<-failed
	require.Equal(t, []string{"IN1"}, user.PendingMessages(), "it is not acknowledged")
	require.Equal(t, "IN1", r.listener.text(t, "keep me").ProviderID)
	_, err := friend.WaitReceipt(within(t), "IN1", watest.Inactive)
	require.NoError(t, err)
	r.listener.mu.Lock()
	defer r.listener.mu.Unlock()
	require.Equal(t, 3, tries)
	require.Len(t, r.listener.results, 1)
}

func TestAMessageThatCanNeverBeStoredIsAcknowledged(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, user := r.link(t)
	friend := r.server.AddUser("4915112345678")
	r.listener.onReceive(func(result connectors.CallbackResult) error {
		if len(result.Messages) > 0 && result.Messages[0].Text == "bad" {
			return connectors.Rejected(connectors.CodeInvalidContent, "It cannot be stored.", "")
		}
		return nil
	})
	require.NoError(t, friend.SendText(within(t), user, "IN1", "bad"))
	_, err := friend.WaitReceipt(within(t), "IN1", watest.Inactive)
	require.NoError(t, err)
	require.NoError(t, friend.SendText(within(t), user, "IN2", "good"))
	r.listener.text(t, "good")
	require.Len(t, r.statuses(), 3)
}

func TestClosingWaitsForTheListenerAndWhatItDidNotTakeComesAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.connector.timing.close = patience
	link, user := r.link(t)
	friend := r.server.AddUser("4915112345678")
	inside, release := make(chan struct{}), make(chan struct{})
	r.listener.onReceive(func(connectors.CallbackResult) error {
		close(inside)
		<-release
		return errFull
	})
	require.NoError(t, friend.SendText(within(t), user, "IN1", "hold on"))
	<-inside
	closed := make(chan error)
	go func() { closed <- link.Close() }()
	select {
	case <-closed:
		require.Fail(t, "it did not wait")
	default:
	}
	close(release)
	require.NoError(t, <-closed)
	require.Zero(t, r.listener.inside.Load())
	require.NoError(t, link.Close(), "twice is once")
	_, err := link.Send(t.Context(), connectors.OutMessage{To: "4915112345678", Text: "x", ProviderID: "3EB0"})
	require.Equal(t, connectors.CodeNotConnected, connectors.AsError(err).Code)

	r.listener.onReceive(nil)
	r.open(t, owner+":1@s.whatsapp.net")
	r.listener.text(t, "hold on")
}

func TestAStateThatCouldNotBeToldIsToldAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.listener.tellings = errFull
	r.open(t, "")
	r.listener.await(t, in(connectors.LinkQR))
}

func TestAMessageWhoseConnectionBreaksIsSentOnceAllTheSame(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.connector.timing.grace = patience
	link, user := r.link(t)
	friend := r.server.AddUser("4915112345678")
	// In a group, because beside the first message to a person the library asks for something else too, and two of its own waits for the
	// same lost line are a data race in it.
	group, err := r.server.AddGroup("Team", user, friend)
	require.NoError(t, err)
	r.server.Switch(func(s *watest.Switches) { s.CutInstead = 1 })
	_, err = link.Send(within(t), connectors.OutMessage{To: group.JID().String(), Text: "once", ProviderID: r.connector.NewMessageID()})
	require.NoError(t, err)
	_, err = friend.WaitText(within(t), "once")
	require.NoError(t, err)
	require.Len(t, friend.Received(), 1)
	require.Len(t, r.statuses(), 3)
}

func TestStatusesOfSentMessagesComeIn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	link, user := r.link(t)
	friend := r.server.AddUser("4915112345678")
	id := r.connector.NewMessageID()
	_, err := link.Send(within(t), connectors.OutMessage{To: friend.Number(), Text: "read me", ProviderID: id})
	require.NoError(t, err)
	require.NoError(t, friend.Receipt(user, watest.Read, id))
	r.listener.until(t, "the receipt", func() bool {
		for _, result := range r.listener.results {
			for _, update := range result.Statuses {
				if update.ProviderID == id && update.Status == connectors.StatusRead {
					return true
				}
			}
		}
		return false
	})
}

func TestTheLimitsOfAnAccountAreShown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	link, user := r.link(t)
	friend := r.server.AddUser("4915112345678")
	until := time.Now().Add(time.Hour).Truncate(time.Second)
	require.NoError(t, user.Timelock(true, until, "X"))
	state := r.listener.await(t, func(s connectors.LinkState) bool { return s.Limit != nil })
	require.Equal(t, connectors.LinkConnected, state.Status)
	require.Equal(t, limitTimelock, state.Limit.Code)
	require.True(t, until.Equal(state.Limit.Until))
	require.NoError(t, user.Timelock(false, time.Time{}, ""))
	r.listener.await(t, func(s connectors.LinkState) bool { return s.Limit == nil })

	r.server.Switch(func(s *watest.Switches) { s.AckError = 463 })
	_, err := link.Send(within(t), connectors.OutMessage{To: friend.Number(), Text: "hello", ProviderID: r.connector.NewMessageID()})
	require.Equal(t, codeNotReachable, connectors.AsError(err).Code)
	state = r.listener.await(t, func(s connectors.LinkState) bool { return s.Limit != nil })
	require.Zero(t, state.Limit.Until)
}

func TestLoggingOutUnlinksTheDeviceAndForgetsItsKeys(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	link, user := r.link(t)
	require.NoError(t, link.Logout(within(t)))
	state := r.listener.await(t, in(connectors.LinkLoggedOut))
	require.Equal(t, connectors.ReasonUnlinked, state.Reason)
	require.Empty(t, user.Devices())
	require.Equal(t, connectors.KindUnlinked, connectors.AsError(link.Logout(within(t))).Kind)
	require.NoError(t, link.Close())

	r.open(t, owner+":1@s.whatsapp.net")
	require.Equal(t, connectors.ReasonDeviceLost, r.listener.await(t, in(connectors.LinkLoggedOut)).Reason)
}

func TestALogoutThatTheNetworkDoesNotHearLeavesTheDeviceLinked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.connector.timing.grace = patience
	link, user := r.link(t)
	r.server.Switch(func(s *watest.Switches) { s.RefuseLogins, s.RefuseWith = -1, watest.FailureUnavailable })
	user.Drop()
	r.awaitOffline(t, link)
	require.Equal(t, connectors.CodeNotConnected, connectors.AsError(link.Logout(within(t))).Code)
	require.Equal(t, []uint16{1}, user.Devices())
	r.server.Switch(func(s *watest.Switches) { s.RefuseLogins = 0 })
	friend := r.server.AddUser("4915112345678")
	require.NoError(t, friend.SendText(within(t), user, "IN1", "still here"))
	r.listener.text(t, "still here")
}

// awaitOffline waits until the Link knows that its connection is gone.
func (r *rig) awaitOffline(t *testing.T, link connectors.Link) {
	t.Helper()
	require.Eventually(t, func() bool {
		return connectors.AsError(link.MarkRead(t.Context(), connectors.Quoted{}, nil)).Code == connectors.CodeNotConnected
	},
		patience, time.Millisecond)
}

func TestLinksTakeTurnsToConnect(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range maxConnecting {
		r.connector.slots <- struct{}{}
	}
	waiting, err := r.connector.OpenLink(t.Context(), connectors.LinkSession{ID: "sess_2"}, r.host())
	require.NoError(t, err)
	waiting.Start()
	require.NoError(t, waiting.Close(), "it does not wait for its turn")
	for range maxConnecting {
		<-r.connector.slots
	}
	r.link(t)
	require.EqualValues(t, 1, r.server.Counters().Pairings)
}

func TestWhatALinkNeedsIsNamed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, take := range map[string]func(*connectors.LinkHost){
		"DB":       func(h *connectors.LinkHost) { h.DB = nil },
		"Held":     func(h *connectors.LinkHost) { h.Held = nil },
		"Listener": func(h *connectors.LinkHost) { h.Listener = nil },
		"Dial":     func(h *connectors.LinkHost) { h.Dial = nil },
		"Public":   func(h *connectors.LinkHost) { h.Public = nil },
	} {
		host := r.host()
		take(&host)
		_, err := r.connector.OpenLink(t.Context(), connectors.LinkSession{}, host)
		require.ErrorContains(t, err, name)
	}
	_, err := r.connector.OpenLink(t.Context(), connectors.LinkSession{Config: connectors.Config{fieldProxy: "ftp://x"}}, r.host())
	require.Equal(t, fieldProxy, connectors.AsError(err).Field)
	_, err = r.connector.OpenLink(t.Context(), connectors.LinkSession{Device: "::::@"}, r.host())
	require.Error(t, err)
}
