package store

import (
	"context"
	"errors"
)

const (
	getSettingQuery     = `SELECT value FROM settings WHERE key = $1`
	putSettingOnceQuery = `INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING`
)

// Setting returns a value of the whole installation, or ErrNotFound.
func (s *Store) Setting(ctx context.Context, key string) (string, error) {
	var value string
	err := s.reader(ctx).QueryRowContext(ctx, getSettingQuery, key).Scan(&value)
	return value, notFound(err)
}

// PutSettingOnce stores a value unless the key has one, and reports whether it did. Of several callers at once, in any
// number of processes, one is told true; inside a transaction the others wait until it ends, and one of them takes over
// where it was rolled back.
func (s *Store) PutSettingOnce(ctx context.Context, key, value string) (bool, error) {
	err := oneChanged(s.db.Exec(ctx, putSettingOnceQuery, key, value))
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
