package message_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/util/dbutil"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/message"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

// device is a kind of linked devices; what a test's device does, its network does.
type device struct{}

func (device) Info() connectors.Info {
	return connectors.Info{
		Kind: "device", Name: "Device", Platform: "whatsapp", KeyPrefix: "dev",
		Abilities: []connectors.Ability{connectors.AbilityLink, connectors.AbilitySend, connectors.AbilityMedia, connectors.AbilityRich},
		Fields:    []connectors.Field{{Key: "number", Type: connectors.FieldText}},
	}
}
func (device) Address(config connectors.Config) (string, error) { return config["number"], nil }
func (device) Open(connectors.Channel, connectors.Host) (connectors.Conn, error) {
	return moodyConn{}, nil
}

func (device) OpenLink(context.Context, connectors.LinkSession, connectors.LinkHost) (connectors.Link, error) {
	return nil, errors.New("nobody links in these tests")
}

func (device) NewMessageID() string                                   { return "3EB0" + time.Now().Format("150405.000000000") }
func (device) Forget(context.Context, *dbutil.Database, string) error { return nil }

// network is what a device sends to. Its answer is the next of outcomes, and success when there are no more.
type network struct {
	mu       sync.Mutex
	sent     []connectors.OutMessage
	outcomes []error
}

func (n *network) Send(_ context.Context, m connectors.OutMessage) (connectors.Receipt, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sent = append(n.sent, m)
	if len(n.outcomes) > 0 {
		err := n.outcomes[0]
		n.outcomes = n.outcomes[1:]
		return connectors.Receipt{}, err
	}
	return connectors.Receipt{ProviderID: m.ProviderID, Status: connectors.StatusSent}, nil
}

// session makes a session that the fixture's worker owns, in a state.
func (f *fixture) session(t *testing.T, status connectors.LinkStatus) *store.Channel {
	t.Helper()
	now := f.clock.now()
	c := &store.Channel{
		ID: f.ids.New("sess"), AccountID: tenant, Connector: "device", Name: "Phone", Address: "15550001111", ChannelKey: "dev_15550001111",
		Status: store.ChannelConnected, StatusAt: now, CreatedAt: now, UpdatedAt: now,
	}
	require.NoError(t, f.store.InTransaction(t.Context(), func(ctx context.Context) error {
		if err := f.store.InsertChannel(ctx, c, 10); err != nil {
			return err
		}
		return f.store.InsertSession(ctx, &store.Session{ID: c.ID, AccountID: tenant, Status: string(status), StatusAt: now, CreatedAt: now})
	}))
	f.owner(t, c, worker)
	return c
}

func (f *fixture) owner(t *testing.T, c *store.Channel, owner string) {
	t.Helper()
	_, err := f.store.Database().Exec(t.Context(), `UPDATE sessions SET owner = $2 WHERE id = $1`, c.ID, owner)
	require.NoError(t, err)
}

// kicked sends what a session has queued as soon as it is told, as the session's owner does.
type kicked struct {
	t *testing.T
	f *fixture
	n *network
}

func (k kicked) Kick(sessionID string) {
	go func() {
		for {
			took, err := k.f.SendNext(context.WithoutCancel(k.t.Context()), sessionID, k.n)
			if err != nil || !took {
				return
			}
		}
	}()
}

func TestALinkedDevicesMessageAnswersWithWhatItsOwnerDid(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		n := &network{}
		f.ConnectSessions(kicked{t, f, n})
		c := f.session(t, connectors.LinkConnected)
		m, err := f.Send(t.Context(), message.Out{ID: f.ids.New("msg"), Channel: c, To: "+1 555 123 0000", Text: "Hello"})
		require.NoError(t, err)
		require.Equal(t, store.MessageSent, m.Status)
		require.Len(t, n.sent, 1)
		require.Equal(t, n.sent[0].ProviderID, m.ProviderID, "it went out under the id that was chosen beforehand")
		require.Equal(t, "15551230000", n.sent[0].To)
		require.Equal(t, []string{"sent"}, f.told(t, m.ID))

		n.outcomes = []error{connectors.Rejected(connectors.CodeInvalidRecipient, "This number has no WhatsApp account.", "to")}
		_, err = f.send(t, c, "15551230001")
		p := requireProblem(t, err, problem.InvalidField, 400)
		require.Equal(t, "to", p.Field)
	})
}

func TestNothingIsQueuedForADeviceThatIsNotOnline(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c := f.session(t, connectors.LinkQR)
		m, err := f.send(t, c, "15551230000")
		requireProblem(t, err, problem.SessionNotConnected, 400)
		require.Nil(t, m)
	})
}

func TestAMessageWhoseTurnIsFarAnswersQueuedAndGoesOutLater(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.QueuedWait = time.Millisecond
		c := f.session(t, connectors.LinkConnected)
		messageID := f.ids.New("msg")
		m, err := f.Send(t.Context(), message.Out{ID: messageID, Channel: c, To: "15551230000", Text: "Hello"})
		require.NoError(t, err)
		require.Equal(t, store.MessageQueued, m.Status)
		require.NotEmpty(t, m.ProviderID)

		require.NoError(t, f.SendQueued(t.Context()), "what a device sends is its owner's")
		require.Equal(t, store.MessageQueued, f.stored(t, messageID).Status)
		due, err := f.DueSessionsAny(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{c.ID}, due)

		n := &network{}
		took, err := f.SendNext(t.Context(), c.ID, n)
		require.NoError(t, err)
		require.True(t, took)
		require.Equal(t, store.MessageSent, f.stored(t, messageID).Status)
		took, err = f.SendNext(t.Context(), c.ID, n)
		require.NoError(t, err)
		require.False(t, took)
	})
}

// stopping is a process that begins to stop as soon as there is a message to send.
type stopping struct{ *fixture }

func (s stopping) Kick(string) { s.Drain() }

func TestAProcessThatStopsAnswersQueuedAtOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.QueuedWait = time.Hour
		f.ConnectSessions(stopping{f})
		m, err := f.Send(t.Context(), message.Out{ID: f.ids.New("msg"), Channel: f.session(t, connectors.LinkConnected), To: "15551230000", Text: "Hello"})
		require.NoError(t, err)
		require.Equal(t, store.MessageQueued, m.Status)
	})
}

func TestARepeatedRequestForAMessageThatIsQueuedStillWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.QueuedWait = time.Millisecond
		out := message.Out{ID: f.ids.New("msg"), Channel: f.session(t, connectors.LinkConnected), To: "15551230000", Text: "Hello"}
		for range 2 {
			m, err := f.Send(t.Context(), out)
			require.NoError(t, err, "it is known not to have gone out yet")
			require.Equal(t, store.MessageQueued, m.Status)
		}
		f.QueuedWait = time.Hour
		n := &network{}
		f.ConnectSessions(kicked{t, f, n})
		m, err := f.Send(t.Context(), out)
		require.NoError(t, err)
		require.Equal(t, store.MessageSent, m.Status)
		require.Len(t, n.sent, 1)
	})
}

func TestWhoLostTheSessionSendsNothing(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.QueuedWait = time.Millisecond
		c := f.session(t, connectors.LinkConnected)
		m, err := f.send(t, c, "15551230000")
		require.NoError(t, err)
		f.owner(t, c, "wrk_other")
		n := &network{}
		took, err := f.SendNext(t.Context(), c.ID, n)
		require.NoError(t, err)
		require.False(t, took)
		require.Empty(t, n.sent)
		require.Equal(t, store.MessageQueued, f.stored(t, m.ID).Status)
	})
}

func TestAMessageIsSentAgainUnderItsIDAndOnlyIfItSurelyDidNotLeave(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.QueuedWait = time.Millisecond
		c := f.session(t, connectors.LinkConnected)
		m, err := f.send(t, c, "15551230000")
		require.NoError(t, err)
		n := &network{outcomes: []error{connectors.Retryable(errors.New("the line is down")), connectors.Unconfirmed(errors.New("the line broke"))}}
		_, err = f.SendNext(t.Context(), c.ID, n)
		require.NoError(t, err)
		require.Equal(t, store.MessageQueued, f.stored(t, m.ID).Status)
		f.clock.advance(time.Minute)
		_, err = f.SendNext(t.Context(), c.ID, n)
		require.NoError(t, err)
		require.Equal(t, store.MessageUnconfirmed, f.stored(t, m.ID).Status)
		require.Equal(t, n.sent[0].ProviderID, n.sent[1].ProviderID)

		f.clock.advance(time.Hour)
		took, err := f.SendNext(t.Context(), c.ID, n)
		require.NoError(t, err)
		require.False(t, took, "what may have left is not sent again")
		f.status(t, c, connectors.StatusUpdate{ProviderID: m.ProviderID, Status: connectors.StatusDelivered})
		require.Equal(t, []string{"unconfirmed", "delivered"}, f.told(t, m.ID), "its receipt finds it")
	})
}

func TestWhatADeviceWillNeverSendIsGivenUp(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.QueuedWait = time.Millisecond
		c := f.session(t, connectors.LinkConnected)
		late, err := f.send(t, c, "15551230000")
		require.NoError(t, err)
		f.clock.advance(25 * time.Hour)
		require.NoError(t, f.SendQueued(t.Context()))
		require.Equal(t, connectors.CodeNotConnected, f.stored(t, late.ID).ErrorCode)

		unlinked, err := f.send(t, c, "15551230000")
		require.NoError(t, err)
		_, err = f.store.Database().Exec(t.Context(), `UPDATE sessions SET status = 'LOGGED_OUT' WHERE id = $1`, c.ID)
		require.NoError(t, err)
		require.NoError(t, f.SendQueued(t.Context()))
		require.Equal(t, store.MessageFailed, f.stored(t, unlinked.ID).Status)
	})
}

func TestAnAnswerKnowsTheMessageThatItAnswers(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		n := &network{}
		f.ConnectSessions(kicked{t, f, n})
		c := f.session(t, connectors.LinkConnected)
		f.inbound(t, c, connectors.InMessage{ProviderID: "3EB0AA", From: "15551234567", FromName: "Jane", Chat: "1203@g.us", To: c.Address, Type: "text", Text: "Hi"})
		data := events[event.MessageData](t, f, event.MessageReceived)[0]
		require.Equal(t, [3]string{"15551234567", "1203@g.us", c.ID}, [3]string{data.From, data.Chat, data.SessionID})

		_, err := f.Send(t.Context(), message.Out{ID: f.ids.New("msg"), Channel: c, To: "1203@g.us", Text: "Hello", ReplyTo: "3EB0AA"})
		require.NoError(t, err)
		_, err = f.Send(t.Context(), message.Out{ID: f.ids.New("msg"), Channel: c, To: "1203@g.us", Reaction: &connectors.Reaction{MessageID: "3EB0AA", Emoji: "👍"}})
		require.NoError(t, err)
		want := &connectors.Quoted{ProviderID: "3EB0AA", Chat: "1203@g.us", Sender: "15551234567", Text: "Hi"}
		require.Equal(t, want, n.sent[0].Quoted)
		require.Equal(t, want, n.sent[1].Quoted)
		require.Equal(t, "👍", n.sent[1].Reaction.Emoji)
	})
}
