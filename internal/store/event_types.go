package store

import (
	"context"

	"go.mau.fi/util/dbutil"
)

// EventTypes tells of the events of an account with these ids, at most maxRows, what has happened: their types by id. One that is gone is left out.
func (s *Store) EventTypes(ctx context.Context, accountID string, ids []string) (map[string]string, error) {
	list, args := inList(1, ids)
	query := `SELECT id, type FROM events WHERE account_id = $1 AND id IN (` + list + `)`
	rows, err := queryAll(ctx, s.reader(ctx), func(row dbutil.Scannable) (pair [2]string, err error) {
		return pair, row.Scan(&pair[0], &pair[1])
	}, query, append([]any{accountID}, args...)...)
	if err != nil {
		return nil, err
	}
	types := make(map[string]string, len(rows))
	for _, pair := range rows {
		types[pair[0]] = pair[1]
	}
	return types, nil
}
