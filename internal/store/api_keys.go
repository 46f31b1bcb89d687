package store

import (
	"context"
	"errors"
	"time"

	"go.mau.fi/util/dbutil"
)

// ErrTooMany says that the account has as many such rows as it may have.
var ErrTooMany = errors.New("too many")

// APIKey is a key of an account. One that is revoked is gone.
type APIKey struct {
	ID, AccountID string
	Name          string
	Hash          string // finds it
	Sealed        string // its text, sealed
	Hint          string // what lists show of it
	CreatedAt     time.Time
	LastUsedAt    time.Time // to about a minute; zero: never
}

const (
	apiKeyColumns     = `id, account_id, name, hash, sealed, hint, created_at, last_used_at`
	selectAPIKey      = `SELECT ` + apiKeyColumns + ` FROM api_keys `
	insertAPIKeyQuery = `INSERT INTO api_keys (` + apiKeyColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	getAPIKeyQuery    = selectAPIKey + `WHERE account_id = $1 AND id = $2`
	apiKeyByHashQuery = selectAPIKey + `WHERE hash = $1`
	listAPIKeysQuery  = selectAPIKey + `WHERE account_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`
	liveAPIKeysQuery  = selectAPIKey + `WHERE account_id = $1`
	countAPIKeysQuery = `SELECT COUNT(*) FROM api_keys WHERE account_id = $1`
	replaceKeyQuery   = `UPDATE api_keys SET hash = $3, sealed = $4, hint = $5, last_used_at = 0 WHERE account_id = $1 AND id = $2`
	deleteAPIKeyQuery = `DELETE FROM api_keys WHERE account_id = $1 AND id = $2`
	touchAPIKeyQuery  = `UPDATE api_keys SET last_used_at = $3 WHERE account_id = $1 AND id = $2 AND last_used_at < $3`
)

func scanAPIKey(row dbutil.Scannable) (*APIKey, error) {
	var k APIKey
	var created, used int64
	if err := row.Scan(&k.ID, &k.AccountID, &k.Name, &k.Hash, &k.Sealed, &k.Hint, &created, &used); err != nil {
		return nil, notFound(err)
	}
	k.CreatedAt, k.LastUsedAt = FromMillis(created), FromMillis(used)
	return &k, nil
}

// InsertAPIKey stores a new key. Where the account has most keys already it is ErrTooMany, also when several are made at
// once; where the id is there already it is ErrExists.
func (s *Store) InsertAPIKey(ctx context.Context, k *APIKey, most int) error {
	return s.InTransaction(ctx, func(ctx context.Context) error {
		if err := s.lockAccount(ctx, k.AccountID); err != nil {
			return err
		}
		if _, err := s.APIKey(ctx, k.AccountID, k.ID); err == nil {
			return ErrExists
		} else if !errors.Is(err, ErrNotFound) {
			return err
		}
		var n int
		if err := s.reader(ctx).QueryRowContext(ctx, countAPIKeysQuery, k.AccountID).Scan(&n); err != nil {
			return err
		}
		if n >= most {
			return ErrTooMany
		}
		_, err := s.db.Exec(ctx, insertAPIKeyQuery, k.ID, k.AccountID, k.Name, k.Hash, k.Sealed, k.Hint, Millis(k.CreatedAt), Millis(k.LastUsedAt))
		return exists(err)
	})
}

// APIKey returns one key of an account.
func (s *Store) APIKey(ctx context.Context, accountID, id string) (*APIKey, error) {
	return scanAPIKey(s.reader(ctx).QueryRowContext(ctx, getAPIKeyQuery, accountID, id))
}

// APIKeyByHashAny returns the key with a hash, in whatever account: it is what tells the account.
func (s *Store) APIKeyByHashAny(ctx context.Context, hash string) (*APIKey, error) {
	return scanAPIKey(s.reader(ctx).QueryRowContext(ctx, apiKeyByHashQuery, hash))
}

// APIKeys lists an account's keys.
func (s *Store) APIKeys(ctx context.Context, accountID string, page Page) ([]*APIKey, error) {
	return queryAll(ctx, s.reader(ctx), scanAPIKey, listAPIKeysQuery, accountID, page.Before, page.Limit)
}

// LiveAPIKeys returns all keys of an account.
func (s *Store) LiveAPIKeys(ctx context.Context, accountID string) ([]*APIKey, error) {
	return queryAll(ctx, s.reader(ctx), scanAPIKey, liveAPIKeysQuery, accountID)
}

// ReplaceAPIKey gives a key another text. The old one is not valid any more when it returns.
func (s *Store) ReplaceAPIKey(ctx context.Context, k *APIKey) error {
	return oneChanged(s.db.Exec(ctx, replaceKeyQuery, k.AccountID, k.ID, k.Hash, k.Sealed, k.Hint))
}

// DeleteAPIKey revokes a key. It is not valid any more when it returns.
func (s *Store) DeleteAPIKey(ctx context.Context, accountID, id string) error {
	return oneChanged(s.db.Exec(ctx, deleteAPIKeyQuery, accountID, id))
}

// TouchAPIKey notes that a key was used. A later use that was noted stays; a key that is gone is no error.
func (s *Store) TouchAPIKey(ctx context.Context, accountID, id string, now time.Time) error {
	_, err := s.db.Exec(ctx, touchAPIKeyQuery, accountID, id, Millis(now))
	return err
}
