// Package store keeps everything that must survive a restart, in SQLite or PostgreSQL with the same SQL text.
//
// Every method that reads or changes a tenant's rows takes the account's id; a row of another account is ErrNotFound.
// The methods whose names end in "Any" serve the process itself (workers, purges) and say so.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // database/sql driver "pgx"
	"go.mau.fi/util/dbutil"
	_ "modernc.org/sqlite" // database/sql driver "sqlite"

	"github.com/switchhook/switchhook/internal/store/migrations"
)

// ErrNotFound says that there is no such row in the account.
var ErrNotFound = errors.New("not found")

const (
	// maxDeadlocks is how many times in all a transaction is tried whose deadlocks PostgreSQL ends; each has lasted a second then.
	maxDeadlocks = 5
	// deadlockWait is about how long the first wait before a further try is; a group of attempts is stored in a fraction of it.
	deadlockWait = 50 * time.Millisecond
)

// ErrExists says that a row with the same unique value is already there.
var ErrExists = errors.New("already exists")

// ErrOutdated says that a row was changed after it was read.
var ErrOutdated = errors.New("changed by others in the meantime")

// Options says which database to open.
type Options struct {
	URL     string // "postgres://…"; empty: SQLite in DataDir
	DataDir string // folder of the SQLite file; made where it is missing
	Logger  *slog.Logger
}

// Store is the open database. It is safe for concurrent use.
type Store struct {
	db   *dbutil.Database // writes and transactions; with SQLite one connection, because it has one writer
	read *dbutil.Database // reads outside transactions; with PostgreSQL the same as db
}

// Open connects. It does not change the schema: call Migrate for that.
func Open(ctx context.Context, options Options) (*Store, error) {
	if options.Logger == nil {
		return nil, errors.New("open store: Options.Logger is missing")
	}
	var s *Store
	var err error
	if options.URL != "" {
		s, err = openPostgres(options.URL)
	} else {
		s, err = openSQLite(options.DataDir)
	}
	if err != nil {
		return nil, err
	}
	s.db.Log = queryLog{options.Logger}
	s.read.Log = queryLog{options.Logger}
	if err := s.Ping(ctx); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("open database: %w", withoutPassword(err, options.URL))
	}
	return s, nil
}

func openSQLite(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	path := filepath.Join(dir, "switchhook.db")
	// busy_timeout stands first, because the other pragmas may already meet a lock. FULL: an answered request is on disk.
	pragmas := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"}}
	write := url.Values{"_pragma": pragmas["_pragma"], "_txlock": {"immediate"}}
	db, err := dbutil.NewWithDialect("file:"+escapePath(path)+"?"+write.Encode(), "sqlite")
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	db.RawDB.SetMaxOpenConns(1)
	read, err := dbutil.NewWithDialect("file:"+escapePath(path)+"?"+pragmas.Encode(), "sqlite")
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	read.RawDB.SetMaxOpenConns(4)
	read.RawDB.SetMaxIdleConns(4)
	return &Store{db: db, read: read}, nil
}

func escapePath(path string) string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
}

func openPostgres(databaseURL string) (*Store, error) {
	db, err := dbutil.NewWithDialect(databaseURL, "pgx")
	if err != nil {
		return nil, fmt.Errorf("open database: %w", withoutPassword(err, databaseURL))
	}
	conns := max(16, 4*runtime.NumCPU())
	db.RawDB.SetMaxOpenConns(conns)
	db.RawDB.SetMaxIdleConns(conns)
	db.RawDB.SetConnMaxIdleTime(5 * time.Minute)
	return &Store{db: db, read: db}, nil
}

// withoutPassword keeps a driver's error from carrying the address with its password.
func withoutPassword(err error, databaseURL string) error {
	text := err.Error()
	if databaseURL != "" {
		text = strings.ReplaceAll(text, databaseURL, "DATABASE_URL")
	}
	if u, parseErr := url.Parse(databaseURL); parseErr == nil && u.User != nil {
		if password, ok := u.User.Password(); ok && password != "" {
			text = strings.ReplaceAll(text, password, "***")
		}
	}
	return errors.New(text)
}

// Migrate brings the schema up to date. Several processes may call it at once: on PostgreSQL a lock lets one through at a time.
func (s *Store) Migrate(ctx context.Context) error {
	s.db.UpgradeTable = migrations.Table()
	if s.db.Dialect == dbutil.SQLite {
		return s.upgrade(ctx)
	}
	conn, err := s.db.RawDB.Conn(ctx)
	if err != nil {
		return fmt.Errorf("lock schema: %w", err)
	}
	defer func() { _ = conn.Close() }()
	const migrationLock = 727_001 // any number that nothing else in this database locks
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", migrationLock); err != nil {
		return fmt.Errorf("lock schema: %w", err)
	}
	defer func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", migrationLock)
	}()
	return s.upgrade(ctx)
}

func (s *Store) upgrade(ctx context.Context) error {
	if err := s.db.Upgrade(ctx); err != nil {
		return fmt.Errorf("migrate database: %w", err)
	}
	return nil
}

// Database returns the connection for writing, for connectors that keep tables of their own beside ours. Their tables' names must not be those of
// ours, and what they do in it must be short: with SQLite it is the only connection that writes.
func (s *Store) Database() *dbutil.Database { return s.db }

// Ping asks the database whether it is there.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.db.RawDB.PingContext(ctx); err != nil {
		return fmt.Errorf("ping database: %w", err)
	}
	return nil
}

// Engine returns "sqlite" or "postgres", for logs and metrics.
func (s *Store) Engine() string {
	if s.db.Dialect == dbutil.Postgres {
		return "postgres"
	}
	return "sqlite"
}

// Close closes the connections. Work under way fails.
func (s *Store) Close() error {
	err := s.db.Close()
	if s.read != s.db {
		err = errors.Join(err, s.read.Close())
	}
	return err
}

// InTransaction runs fn in one transaction; every method called with the context that fn gets takes part in it.
// A call inside a transaction joins the outer one. fn must not call the network, and must be able to run again: when
// PostgreSQL ends a deadlock at this transaction's cost, it begins anew.
func (s *Store) InTransaction(ctx context.Context, fn func(ctx context.Context) error) error {
	return s.outOfDeadlocks(ctx, func() error { return s.db.DoTxn(ctx, nil, fn) })
}

// outOfDeadlocks runs a whole transaction, and again where it was ended to break a deadlock.
func (s *Store) outOfDeadlocks(ctx context.Context, run func() error) error {
	for tries := 1; ; tries++ {
		err := run()
		if !deadlocked(err) || tries == maxDeadlocks || s.inTransaction(ctx) {
			return err
		}
		select { // lets the other one finish: at once it would meet the same rows half done
		case <-time.After(time.Duration(tries) * (deadlockWait + rand.N(deadlockWait))): //nolint:gosec // spreading needs no secrecy
		case <-ctx.Done():
			return err
		}
	}
}

// inTransaction reports whether ctx is that of a transaction.
func (s *Store) inTransaction(ctx context.Context) bool {
	return s.db.Execable(ctx) != dbutil.Execable(&s.db.LoggingDB)
}

// reader returns where a read goes: into the transaction when there is one, else to the read connections.
func (s *Store) reader(ctx context.Context) dbutil.Execable {
	if s.inTransaction(ctx) {
		return s.db.Execable(ctx)
	}
	return s.read.Execable(ctx)
}

// oneChanged maps the result of an UPDATE or DELETE of one row: none means ErrNotFound.
func oneChanged(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// notFound turns the driver's "no rows" into ErrNotFound.
func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// Millis is a time as the database keeps it; the zero time is 0.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// FromMillis is Millis reversed, in UTC.
func FromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
