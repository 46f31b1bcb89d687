package store

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// SQLSTATEs of PostgreSQL, from appendix A of its manual.
const (
	pgUniqueViolation = "23505"
	pgNotNull         = "23502" // not_null_violation
	pgDeadlock        = "40P01" // deadlock_detected
)

// exists turns either driver's unique violation into ErrExists and leaves other errors as they are.
func exists(err error) error {
	if isPostgres(err, pgUniqueViolation) {
		return ErrExists
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) && (lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY) {
		return ErrExists
	}
	return err
}

// outdated turns either driver's violation of NOT NULL, which advanceQuery makes, into ErrOutdated and leaves other errors as they are.
func outdated(err error) error {
	var lite *sqlite.Error
	if isPostgres(err, pgNotNull) || errors.As(err, &lite) && lite.Code() == sqlite3.SQLITE_CONSTRAINT_NOTNULL {
		return fmt.Errorf("%w: %w", ErrOutdated, err)
	}
	return err
}

// deadlocked reports whether PostgreSQL ended a transaction to break a deadlock. SQLite has one writer and no deadlocks.
func deadlocked(err error) bool { return isPostgres(err, pgDeadlock) }

func isPostgres(err error, code string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == code
}
