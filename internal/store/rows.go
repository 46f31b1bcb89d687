package store

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"go.mau.fi/util/dbutil"
)

// maxRows bounds one statement. 64 rows of 21 columns stay far below SQLite's 32,766 parameters.
const maxRows = 64

// placeholders returns "($1,$2),($3,$4)" for a width of 2 and 2 rows.
func placeholders(width, rows int) string {
	var b strings.Builder
	b.Grow(rows * (width*5 + 3))
	for row := range rows {
		if row > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for column := range width {
			if column > 0 {
				b.WriteByte(',')
			}
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(row*width + column + 1))
		}
		b.WriteByte(')')
	}
	return b.String()
}

// inList returns "$3,$4,$5,$6" and the values for it, for an IN list that begins after the first `after` parameters. The list
// is filled up to a power of two with its last value, which changes nothing and keeps the number of statement texts small. A list
// of no values holds nothing.
func inList(after int, values []string) (string, []any) {
	if len(values) == 0 {
		return "NULL", nil
	}
	size := 1
	for size < len(values) {
		size *= 2
	}
	var b strings.Builder
	args := make([]any, size)
	for i := range size {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(after + i + 1))
		args[i] = values[min(i, len(values)-1)]
	}
	return b.String(), args
}

// chunks calls fn with at most maxRows values at a time.
func chunks(values []string, fn func([]string) error) error {
	for len(values) > 0 {
		n := min(len(values), maxRows)
		if err := fn(values[:n]); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

func queryStrings(ctx context.Context, db dbutil.Execable, query string, args ...any) ([]string, error) {
	return queryAll(ctx, db, func(row dbutil.Scannable) (string, error) {
		var value string
		return value, row.Scan(&value)
	}, query, args...)
}

// queryAll reads all rows of a query with scan. db is Store.reader(ctx), or db.Execable(ctx) where the query writes.
func queryAll[T any](ctx context.Context, db dbutil.Execable, scan func(dbutil.Scannable) (T, error), query string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// nullable stores an empty text as NULL, for columns that are unique only where they are set.
func nullable(text string) sql.NullString { return sql.NullString{String: text, Valid: text != ""} }

// Page asks for a part of a list, newest first.
type Page struct {
	Before string // id that the page begins after; empty: from the newest
	Limit  int
	Search string // what the rows must contain in one of the columns that the list says; empty: all rows. Case does not count, with SQLite in ASCII only
}
