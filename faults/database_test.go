//go:build linux

package faults

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // database/sql driver "sqlite"
)

// adminName tells our own connections to PostgreSQL from the product's.
const adminName = "faults"

// ofProduct is true in pg_stat_activity of the product's connections.
const ofProduct = "datname = current_database() AND application_name <> '" + adminName + "'"

// admin is a connection to a site's PostgreSQL that is not the product's.
type admin struct {
	t    *testing.T
	conn *pgx.Conn
}

func (s *site) admin() *admin {
	s.t.Helper()
	config, err := pgx.ParseConfig(s.database)
	require.NoError(s.t, err)
	config.RuntimeParams["application_name"] = adminName
	conn, err := pgx.ConnectConfig(s.t.Context(), config)
	require.NoError(s.t, err)
	a := &admin{t: s.t, conn: conn}
	s.t.Cleanup(func() { _ = conn.Close(context.Background()) }) // a crash may have closed it
	return a
}

func (a *admin) execute(statement string) {
	a.t.Helper()
	_, err := a.conn.Exec(a.t.Context(), statement)
	require.NoError(a.t, err, statement)
}

func (a *admin) count(query string) int {
	a.t.Helper()
	var n int
	require.NoError(a.t, a.conn.QueryRow(a.t.Context(), query).Scan(&n), query)
	return n
}

// lock keeps the product from writing to a table until the function that it returns is called.
func (s *site) lock(table string) (unlock func()) {
	s.t.Helper()
	if s.database == "" {
		return s.lockSQLite()
	}
	a := s.admin()
	a.execute("BEGIN")
	a.execute("LOCK TABLE " + table + " IN EXCLUSIVE MODE")
	return func() { a.execute("ROLLBACK") }
}

// awaitBlocked waits until the product stands before a lock of the database. SQLite does not tell, so there it does not wait.
func (s *site) awaitBlocked() {
	s.t.Helper()
	if s.database == "" {
		return
	}
	a := s.admin()
	await(s.t, patience, "the product to stand before the lock", func() bool {
		return a.count("SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "+ofProduct) > 0
	})
}

// lockSQLite takes SQLite's one right to write.
func (s *site) lockSQLite() (unlock func()) {
	s.t.Helper()
	database, err := sql.Open("sqlite", "file:"+filepath.Join(s.dataDir, "switchhook.db")+"?_pragma=busy_timeout(10000)")
	require.NoError(s.t, err)
	conn, err := database.Conn(s.t.Context())
	require.NoError(s.t, err)
	_, err = conn.ExecContext(s.t.Context(), "BEGIN IMMEDIATE")
	require.NoError(s.t, err)
	return func() {
		_, err := conn.ExecContext(s.t.Context(), "ROLLBACK")
		require.NoError(s.t, err)
		require.NoError(s.t, conn.Close())
		require.NoError(s.t, database.Close())
	}
}

// cutBlocked cuts the connections that stand before a lock.
func (s *site) cutBlocked() {
	s.t.Helper()
	s.admin().execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND " + ofProduct)
}

// cutAll cuts all of the product's connections.
func (a *admin) cutAll() {
	a.t.Helper()
	a.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE " + ofProduct)
}
