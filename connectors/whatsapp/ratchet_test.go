package whatsapp

import (
	"context"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
)

func TestAnswersToSomebodyWhoGoesOnWritingAllArrive(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			r := newRigOn(t, engine, watest.Options{})
			r.config = connectors.Config{"typing": "false"}
			link, user := r.link(t)
			contact := r.server.AddUser("491700000009")
			const count = 60
			var both sync.WaitGroup
			both.Go(func() {
				for i := range count {
					if err := contact.SendText(t.Context(), user, "in"+strconv.Itoa(i), "in "+strconv.Itoa(i)); err != nil {
						t.Error(err)
					}
				}
			})
			both.Go(func() {
				for i := range count {
					message := connectors.OutMessage{To: contact.Number(), Text: "out " + strconv.Itoa(i), ProviderID: "OUT" + strconv.Itoa(i)}
					if _, err := link.Send(t.Context(), message); err != nil {
						t.Error(err)
					}
				}
			})
			both.Wait()
			for i := range count {
				r.listener.text(t, "in "+strconv.Itoa(i))
			}
			var got, want []string
			for _, m := range contact.Received() { // each is there before Send returns
				got = append(got, m.Text())
			}
			for i := range count {
				want = append(want, "out "+strconv.Itoa(i))
			}
			require.Equal(t, want, got)
			require.Zero(t, r.server.Counters().Retries)
		})
	}
}

// The database refuses to keep what was decrypted, as a full disk does.
func TestAMessageThatTheDatabaseDidNotTakeComesAgainAsItWas(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]string{
		"the first": "whatsmeow_pre_keys", "the session": "whatsmeow_sessions", "the text": "whatsmeow_event_buffer",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			_, user := r.link(t)
			contact := r.server.AddUser("491700000009")
			execute := func(statement string) {
				_, err := r.db.Exec(t.Context(), statement)
				require.NoError(t, err)
			}
			for _, change := range []string{"INSERT", "UPDATE", "DELETE"} {
				execute("CREATE TRIGGER forbid_" + change + " BEFORE " + change + " ON " + table + " BEGIN SELECT RAISE(ABORT, 'full'); END")
			}
			logins := r.server.Counters().Logins
			require.NoError(t, contact.SendText(t.Context(), user, "m1", "hello"))
			for range 2 { // it comes again, and is refused again
				_, err := r.server.WaitStanza(within(t), func(watest.Stanza) bool { return r.server.Counters().Logins > logins })
				require.NoError(t, err)
				logins++
			}
			require.Equal(t, []string{"m1"}, user.PendingMessages(), "it is not acknowledged")
			for _, change := range []string{"INSERT", "UPDATE", "DELETE"} {
				execute("DROP TRIGGER forbid_" + change)
			}
			r.listener.text(t, "hello")
			require.Zero(t, r.server.Counters().Retries, "its sender is not asked for it again")
		})
	}
}

func TestWithoutTheLeaseNoKeyIsWritten(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	opened, user := r.link(t)
	contact := r.server.AddUser("491700000009")
	require.NoError(t, contact.SendText(t.Context(), user, "m1", "hello"))
	r.listener.text(t, "hello")
	link, ok := opened.(*Link)
	require.True(t, ok)
	device := link.client.Store
	address := contact.LID().SignalAddress().String()
	before, err := device.Sessions.GetSession(t.Context(), address)
	require.NoError(t, err)
	require.NotEmpty(t, before)

	r.held.Store(false)
	require.ErrorIs(t, device.Sessions.PutSession(t.Context(), address, []byte("outdated")), errNoLease)
	require.ErrorIs(t, device.Sessions.PutManySessions(t.Context(), map[string][]byte{address: []byte("outdated")}), errNoLease)
	err = device.EventBuffer.DoDecryptionTxn(t.Context(), func(ctx context.Context) error {
		_, err := r.db.Exec(ctx, "DELETE FROM whatsmeow_sessions")
		return err
	})
	require.ErrorIs(t, err, errNoLease)
	after, err := device.Sessions.GetSession(t.Context(), address)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestATurnEndsWithItsContextOrWhenItIsDone(t *testing.T) {
	t.Parallel()
	r := newRatchet(func() bool { return true }, func() {})
	ctx, done := withTurn(t.Context())
	turn, ok := ctx.Value(sendingKey{}).(*sending)
	require.True(t, ok)
	require.NoError(t, turn.begin(ctx, r))
	require.NoError(t, turn.begin(ctx, r), "it has it already")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.begin(ended), context.Canceled)
	done()
	done()
	require.NoError(t, r.begin(t.Context()))
}
