//go:build linux

package faults

import (
	"database/sql"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestKilledWhileWhatsAppMessagesComeInEachIsToldOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *site) {
		w := s.whatsapp()
		n := s.up()
		owner, friend := w.server.AddUser("16310000001"), w.server.AddUser("16310000002")
		s.link(n, owner, nil)
		c := w.chatter(friend, owner, 10*time.Millisecond)
		for range 2 {
			arrived := len(s.receiver.seen())
			s.receiver.awaitCount(t, arrived+20, patience)
			before := w.logins()
			n.kill()
			n.start()
			w.awaitLogin(before, replaced)
		}
		ids := c.stop()
		s.receiver.awaitAll(t, ids, patience)
		w.awaitForgotten(owner)
		found := s.check(n, ids, takeover)
		require.Empty(t, found.failures())
		t.Logf("%d messages, %d repeats", len(ids), found.repeated())
	})
}

// The library has decrypted the message, which can be done once, and the product is kept from storing it when it dies.
func TestKilledBetweenDecryptionAndDiskAWhatsAppMessageIsToldOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *site) {
		w := s.whatsapp()
		n := s.up()
		owner, friend := w.server.AddUser("16310000001"), w.server.AddUser("16310000002")
		s.link(n, owner, nil)
		require.NoError(t, friend.SendText(t.Context(), owner, "first", "begins the encrypted session"))
		s.receiver.awaitAll(t, []string{"first"}, patience)

		allow := s.forbidEvents()
		require.NoError(t, friend.SendText(t.Context(), owner, "between", "decrypted, and not stored"))
		if s.database == "" {
			await(t, patience, "the message to be refused", func() bool { return strings.Contains(s.log.String(), "it will come again") })
		} else {
			s.awaitBlocked()
		}
		require.Equal(t, 1, s.decrypted(), "the message is decrypted")
		n.kill()
		allow()
		require.Equal(t, []string{"between"}, owner.PendingMessages(), "nothing is acknowledged that is not on disk")
		require.Empty(t, s.receiver.seenOf("between"))

		n.start()
		s.receiver.awaitAll(t, []string{"between"}, patience)
		w.awaitForgotten(owner)
		require.Empty(t, s.check(n, []string{"first", "between"}, takeover).failures())
		require.Zero(t, w.server.Counters().Retries, "the phone need not encrypt it again")
	})
}

// forbidEvents keeps events from being stored: on PostgreSQL whoever tries waits, on SQLite it fails.
func (s *site) forbidEvents() (allow func()) {
	s.t.Helper()
	if s.database != "" {
		unlock := s.lock("events")
		return func() {
			s.cutBlocked() // else the dead process's last statement would still be carried out
			unlock()
		}
	}
	s.onSQLite(func(database *sql.DB) {
		_, err := database.ExecContext(s.t.Context(), "CREATE TRIGGER forbidden BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'forbidden'); END")
		require.NoError(s.t, err)
	})
	return func() {
		s.onSQLite(func(database *sql.DB) {
			_, err := database.ExecContext(s.t.Context(), "DROP TRIGGER forbidden")
			require.NoError(s.t, err)
		})
	}
}

// decrypted returns how many messages the library has decrypted that nobody has taken from it.
func (s *site) decrypted() (count int) {
	s.t.Helper()
	const query = "SELECT COUNT(*) FROM whatsmeow_event_buffer WHERE plaintext IS NOT NULL"
	if s.database != "" {
		return s.admin().count(query)
	}
	s.onSQLite(func(database *sql.DB) {
		require.NoError(s.t, database.QueryRowContext(s.t.Context(), query).Scan(&count))
	})
	return count
}

// onSQLite does something with a connection to the database file that is not the product's.
func (s *site) onSQLite(do func(database *sql.DB)) {
	s.t.Helper()
	database, err := sql.Open("sqlite", "file:"+filepath.Join(s.dataDir, "switchhook.db")+"?_pragma=busy_timeout(10000)")
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, database.Close()) }()
	do(database)
}

// The line breaks a few times, and then WhatsApp is away for longer than anybody is spared the news.
func TestWithoutWhatsAppForAWhileTheSessionComesBackAndTellsLittle(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.whatsapp()
	n := s.up()
	owner, friend := w.server.AddUser("16310000001"), w.server.AddUser("16310000002")
	id := s.link(n, owner, nil)
	before := len(s.statuses(n, id))
	c := w.chatter(friend, owner, 50*time.Millisecond)
	s.receiver.awaitCount(t, 5, patience)
	const breaks = 3
	for range breaks {
		logins := w.logins()
		w.line.drop()
		w.awaitLogin(logins, patience)
	}
	s.awaitSession(n, id, "CONNECTED", patience)
	told := s.statuses(n, id)[before:]
	require.LessOrEqual(t, len(told), 2*breaks, "a break is told in two events at most, and a short one not at all: %v", told)
	t.Logf("%d breaks were told in %d events", breaks, len(told))

	before += len(told)
	w.line.cut()
	s.awaitSession(n, id, "DISCONNECTED", patience)
	status, answer := s.send(n, id, friend, "refused")
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, "session_not_connected", answer.Code)
	await(t, patience, "the reason to be told", func() bool { return s.session(n, id).Reason == "unreachable" })
	w.line.mend()
	s.awaitSession(n, id, "CONNECTED", 2*patience) // a pause between attempts is a minute at most
	told = s.statuses(n, id)[before:]
	require.LessOrEqual(t, len(told), 3, "gone, unreachable and back, each once: %v", told)
	require.Equal(t, "CONNECTED ", told[len(told)-1])
	s.requireSend(n, id, friend, "back")
	ids := c.stop()
	s.receiver.awaitAll(t, ids, patience)
	w.awaitForgotten(owner)
	require.Empty(t, s.check(n, ids, soon).failures())
	requireGot(t, friend, "back")
}
