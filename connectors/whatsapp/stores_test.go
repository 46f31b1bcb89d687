package whatsapp

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/util/dbutil"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
	"github.com/switchhook/switchhook/internal/testenv"
)

func TestSeveralProcessesMayUpgradeTheTablesAtOnce(t *testing.T) {
	t.Parallel()
	uri := testenv.Postgres(t)
	var all sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		connector, err := New(Options{})
		require.NoError(t, err)
		db, err := dbutil.NewWithDialect(uri, "pgx")
		require.NoError(t, err)
		t.Cleanup(func() { _ = db.Close() })
		all.Go(func() { errs[i] = connector.Upgrade(t.Context(), db) })
	}
	all.Wait()
	require.Equal(t, make([]error, len(errs)), errs)
}

func TestAForgottenDeviceLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			r := newRigOn(t, engine, watest.Options{})
			link, user := r.link(t)
			friend := r.server.AddUser("4915112345678")
			require.NoError(t, friend.SendText(within(t), user, "IN1", "hello"))
			r.listener.text(t, "hello")
			_, err := link.Send(within(t), connectors.OutMessage{To: friend.Number(), Text: "good day", ProviderID: r.connector.NewMessageID()})
			require.NoError(t, err)
			require.NoError(t, link.Close())
			device := owner + ":1@s.whatsapp.net"
			_, err = r.db.Exec(t.Context(), "INSERT INTO whatsmeow_privacy_tokens (our_jid, their_jid, token, timestamp) VALUES ($1, 'x', '', 1)", device)
			require.NoError(t, err)
			require.NotZero(t, r.rows(t, "whatsmeow_sessions", "our_jid"))

			for range 2 {
				require.NoError(t, r.connector.Forget(t.Context(), r.db, device))
			}
			for _, table := range []string{"sessions", "identity_keys", "sender_keys", "event_buffer", "retry_buffer", "privacy_tokens", "message_secrets"} {
				require.Zero(t, r.rows(t, "whatsmeow_"+table, "our_jid"), table)
			}
			require.Zero(t, r.rows(t, "whatsmeow_device", "jid"))
			require.Zero(t, r.rows(t, "whatsmeow_pre_keys", "jid"))
			r.open(t, device)
			require.Equal(t, connectors.ReasonDeviceLost, r.listener.await(t, in(connectors.LinkLoggedOut)).Reason)
			require.Error(t, r.connector.Forget(t.Context(), r.db, "::::@"))
		})
	}
}

func TestTablesThatCannotBeMadeAreTriedAgainTheNextTime(t *testing.T) {
	t.Parallel()
	connector, err := New(Options{})
	require.NoError(t, err)
	db := openDB(t, "sqlite")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, connector.Upgrade(ended, db))
	require.NoError(t, connector.Upgrade(t.Context(), db))
}

// rows counts the rows of a table that belong to a device.
func (r *rig) rows(t *testing.T, table, column string) int {
	t.Helper()
	var count int
	require.NoError(t, r.db.QueryRow(t.Context(), "SELECT count("+column+") FROM "+table).Scan(&count))
	return count
}
