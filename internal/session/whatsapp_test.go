package session_test

import (
	"context"
	"encoding/hex"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/whatsapp"
	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
	"github.com/switchhook/switchhook/internal/message"
	"github.com/switchhook/switchhook/internal/session"
	"github.com/switchhook/switchhook/internal/store"
)

// patience is how long a test waits for what must happen. It never waits in vain.
const patience = 60 * time.Second

// withWhatsApp makes a world whose linked devices are WhatsApp's, as the real client links them with a server of ours, and whose time is the real one.
func withWhatsApp(t *testing.T, engine string) (*world, *watest.Server) {
	t.Helper()
	w := newWorld(t, engine)
	server, err := watest.New(watest.Options{})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	root := server.RootKey()
	connector, err := whatsapp.New(whatsapp.Options{TestServer: server.Address(), TestRootKey: hex.EncodeToString(root[:])})
	require.NoError(t, err)
	w.kinds = map[string]connectors.Connector{whatsapp.Kind: connector}
	w.clock.real = true
	return w, server
}

// run lets a process work until the test or the returned function ends it.
func (n *node) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var jobs sync.WaitGroup
	jobs.Go(func() { n.Run(ctx) })
	jobs.Go(func() {
		ticker := time.NewTicker(store.BeatInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if at := time.Now(); n.store.BeatAny(ctx, n.worker, at) == nil {
				n.Beat(at)
			}
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		jobs.Wait()
		require.NoError(t, n.Close(context.Background()))
	})
	t.Cleanup(stop)
	return stop
}

// await waits until a session is as it should be.
func (n *node) await(t *testing.T, sessionID string, is func(*session.Session) bool) *session.Session {
	t.Helper()
	var got *session.Session
	require.Eventually(t, func() bool {
		var err error
		got, err = n.Get(t.Context(), tenant, sessionID)
		return err == nil && is(got)
	}, patience, 5*time.Millisecond)
	return got
}

func is(status connectors.LinkStatus) func(*session.Session) bool {
	return func(s *session.Session) bool { return s.Status == string(status) }
}

func TestAWhatsAppNumberIsLinkedOnceAndServedByOneProcessAfterTheOther(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w, server := withWhatsApp(t, engine)
			owner, friend := server.AddUser("491701234567"), server.AddUser("491707654321")
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			first := w.node(t, "wrk_a")
			stop := first.run(t)
			made, err := first.Create(t.Context(), session.Draft{
				ID: w.ids.New("sess"), AccountID: tenant, Config: connectors.Config{"sendGap": "0", "typing": "false"},
			})
			require.NoError(t, err)
			got := first.await(t, made.ID, func(s *session.Session) bool { return s.LinkStep() != nil })
			_, err = owner.Scan(ctx, got.LinkStep().Code)
			require.NoError(t, err)
			first.await(t, made.ID, is(connectors.LinkConnected))
			talk(ctx, t, first, made.ID, owner, friend, "first")

			stop()
			before := first.get(t, made.ID).StatusAt
			second := w.node(t, "wrk_b")
			second.run(t)
			second.await(t, made.ID, func(s *session.Session) bool {
				return s.Owner == "wrk_b" && s.Status == string(connectors.LinkConnected) && s.StatusAt.After(before)
			})
			require.Contains(t, w.told(t), "CONNECTED -> CONNECTING server_restarted")
			talk(ctx, t, second, made.ID, owner, friend, "second")

			for _, number := range owner.Devices() {
				owner.Unlink(number)
			}
			got = second.await(t, made.ID, is(connectors.LinkLoggedOut))
			require.Equal(t, connectors.ReasonLoggedOut, got.Reason)
			require.NoError(t, second.Delete(t.Context(), tenant, made.ID))
		})
	}
}

// talk has a message go out and one come in.
func talk(ctx context.Context, t *testing.T, n *node, sessionID string, owner, friend *watest.User, text string) {
	t.Helper()
	sent, err := n.messages.Send(ctx, message.Out{ID: n.ids.New("msg"), Channel: n.get(t, sessionID).Channel, To: friend.Number(), Text: text + " out"})
	require.NoError(t, err)
	require.Contains(t, []store.MessageStatus{store.MessageSent, store.MessageDelivered}, sent.Status)
	_, err = friend.WaitText(ctx, text+" out")
	require.NoError(t, err)
	require.NoError(t, friend.SendText(ctx, owner, "ID"+text, text+" in"))
	require.Eventually(t, func() bool {
		rows, err := n.store.Messages(ctx, tenant, store.MessageFilter{}, store.Page{Limit: 10})
		return err == nil && slices.ContainsFunc(rows, func(m *store.Message) bool {
			return m.Direction == store.Inbound && m.Text == text+" in" && m.Peer == friend.Number()
		})
	}, patience, 5*time.Millisecond)
}
