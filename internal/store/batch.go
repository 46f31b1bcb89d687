package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"go.mau.fi/util/dbutil"
)

// batch is statements that do not depend on each other's results. PostgreSQL gets all of them in one network write and answers
// in one: on a busy machine each turn between two processes costs more than the statement itself.
type batch struct{ statements []statement }

type statement struct {
	query string
	args  []any
	scan  func(dbutil.Scannable) error // of each row; nil where there are none
}

func (b *batch) add(query string, args ...any) {
	b.statements = append(b.statements, statement{query: query, args: args})
}

// insert adds rows of equal width; args holds them one after the other.
func (b *batch) insert(prefix, suffix string, width int, args []any) {
	for len(args) > 0 {
		n := statementRows(len(args) / width)
		b.add(prefix+" VALUES "+placeholders(width, n)+" "+suffix, args[:n*width]...)
		args = args[n*width:]
	}
}

// statementRows returns how many of n rows go into one statement: few sizes, because each connection keeps a plan of each
// prepared and a plan of many rows takes much memory, and large ones, so that there are few statements.
func statementRows(n int) int {
	for _, size := range [...]int{maxRows, 32, 16, 8, 6, 4, 3, 2} {
		if n >= size {
			return size
		}
	}
	return 1
}

// queryInto adds a query whose rows are handed to take.
func queryInto[T any](b *batch, scan func(dbutil.Scannable) (T, error), take func(T), query string, args ...any) {
	b.statements = append(b.statements, statement{query: query, args: args, scan: func(row dbutil.Scannable) error {
		one, err := scan(row)
		if err == nil {
			take(one)
		}
		return err
	}})
}

// send runs a batch as one transaction.
func (s *Store) send(ctx context.Context, b *batch) error {
	if len(b.statements) == 0 {
		return nil
	}
	if s.db.Dialect == dbutil.Postgres && !s.inTransaction(ctx) {
		return s.outOfDeadlocks(ctx, func() error { return s.sendPostgres(ctx, b) })
	}
	return s.InTransaction(ctx, func(ctx context.Context) error { return b.runOn(ctx, s.db.Execable(ctx)) })
}

// ask runs a batch that only reads.
func (s *Store) ask(ctx context.Context, b *batch) error {
	if len(b.statements) == 0 {
		return nil
	}
	if s.db.Dialect == dbutil.Postgres && !s.inTransaction(ctx) {
		return s.sendPostgres(ctx, b)
	}
	return b.runOn(ctx, s.reader(ctx))
}

func (b *batch) runOn(ctx context.Context, db dbutil.Execable) error {
	for _, st := range b.statements {
		if st.scan == nil {
			if _, err := db.ExecContext(ctx, st.query, st.args...); err != nil {
				return err
			}
			continue
		}
		scan := func(row dbutil.Scannable) (struct{}, error) { return struct{}{}, st.scan(row) }
		if _, err := queryAll(ctx, db, scan, st.query, st.args...); err != nil {
			return err
		}
	}
	return nil
}

// sendPostgres sends all statements before it reads the first answer. Without a BEGIN they are one transaction:
// PostgreSQL commits at the one Sync behind them, or not at all.
func (s *Store) sendPostgres(ctx context.Context, b *batch) error {
	conn, err := s.db.RawDB.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect to database: %w", err)
	}
	defer func() { _ = conn.Close() }()
	return conn.Raw(func(driverConn any) error {
		wrapped, ok := driverConn.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("unexpected database driver %T", driverConn)
		}
		var queued pgx.Batch
		for _, st := range b.statements {
			item := queued.Queue(st.query, st.args...)
			if st.scan != nil {
				item.Query(func(rows pgx.Rows) error {
					for rows.Next() {
						if err := st.scan(rows); err != nil {
							return err
						}
					}
					return rows.Err()
				})
			}
		}
		return wrapped.Conn().SendBatch(ctx, &queued).Close()
	})
}
