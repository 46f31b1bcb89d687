package store

import (
	"context"
	"errors"
	"time"

	"go.mau.fi/util/dbutil"
)

// IdempotencyKeptFor is how long the answer to a call with an Idempotency-Key is repeated (api.md: 24 h).
const IdempotencyKeptFor = 24 * time.Hour

// idempotencyStuck is longer than any call takes: a handler has 30 s, storing what a network has done 20 s more, and the answer 5 s.
const idempotencyStuck = 2 * time.Minute

// IdempotencyKey is a call that is to act once, and its answer when it has one.
type IdempotencyKey struct {
	AccountID, Key string
	Fingerprint    string // of the request: another one under the same key is a mistake
	Seed           string // what ids of rows that the call makes are made of
	Owner          string // the worker that works on it; empty: nobody any more
	Status         int    // of the answer; 0: in progress
	Body           string // of the answer, sealed
	CreatedAt      time.Time
}

const (
	idempotencyColumns = `account_id, key, fingerprint, seed, owner, status, body, created_at`
	// A row whose time is over is as good as none.
	claimIdempotencyQuery = `INSERT INTO idempotency_keys (` + idempotencyColumns + `) VALUES ($1, $2, $3, $4, $5, 0, '', $6)
		ON CONFLICT (account_id, key) DO UPDATE SET fingerprint = excluded.fingerprint, seed = excluded.seed, owner = excluded.owner,
		status = 0, body = '', created_at = excluded.created_at WHERE idempotency_keys.created_at <= $7`
	getIdempotencyQuery      = `SELECT ` + idempotencyColumns + ` FROM idempotency_keys WHERE account_id = $1 AND key = $2`
	takeOverIdempotencyQuery = `UPDATE idempotency_keys SET owner = $4, created_at = $5
		WHERE account_id = $2 AND key = $3 AND status = 0 AND (created_at < $6 OR owner <> $4 AND ` + unowned + `)`
	openIdempotency          = ` WHERE account_id = $1 AND key = $2 AND owner = $3 AND status = 0`
	finishIdempotencyQuery   = `UPDATE idempotency_keys SET status = $4, body = $5` + openIdempotency
	abandonIdempotencyQuery  = `UPDATE idempotency_keys SET owner = ''` + openIdempotency
	deleteIdempotencyQuery   = `DELETE FROM idempotency_keys` + openIdempotency
	purgeIdempotencyAnyQuery = `DELETE FROM idempotency_keys WHERE (account_id, key) IN
		(SELECT account_id, key FROM idempotency_keys WHERE created_at <= $1 ORDER BY created_at LIMIT $2)`
)

func scanIdempotencyKey(row dbutil.Scannable) (*IdempotencyKey, error) {
	var k IdempotencyKey
	var created int64
	if err := row.Scan(&k.AccountID, &k.Key, &k.Fingerprint, &k.Seed, &k.Owner, &k.Status, &k.Body, &created); err != nil {
		return nil, notFound(err)
	}
	k.CreatedAt = FromMillis(created)
	return &k, nil
}

// ClaimIdempotencyKey stores a call that begins at k.CreatedAt, and returns nil. Where there is one with this key already, and not
// longer than IdempotencyKeptFor, it changes nothing and returns that one.
func (s *Store) ClaimIdempotencyKey(ctx context.Context, k *IdempotencyKey) (*IdempotencyKey, error) {
	var earlier *IdempotencyKey
	// One transaction, because the conflict locks the row: it cannot go before it is read.
	err := s.InTransaction(ctx, func(ctx context.Context) error {
		err := oneChanged(s.db.Exec(ctx, claimIdempotencyQuery, k.AccountID, k.Key, k.Fingerprint, k.Seed, k.Owner,
			Millis(k.CreatedAt), Millis(k.CreatedAt.Add(-IdempotencyKeptFor))))
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		earlier, err = s.IdempotencyKey(ctx, k.AccountID, k.Key)
		return err
	})
	return earlier, err
}

// IdempotencyKey returns a call of an account.
func (s *Store) IdempotencyKey(ctx context.Context, accountID, key string) (*IdempotencyKey, error) {
	return scanIdempotencyKey(s.reader(ctx).QueryRowContext(ctx, getIdempotencyQuery, accountID, key))
}

// TakeOverIdempotencyKey gives a call in progress whose owner is dead, or has given it up, to another worker, and its time begins anew.
// One that has been in progress for idempotencyStuck is given to anybody: its owner lives and could not store what came of it. Of
// several that try, one succeeds; for the others, and while the owner is at work, it is ErrNotFound.
func (s *Store) TakeOverIdempotencyKey(ctx context.Context, accountID, key, worker string, now time.Time) error {
	return oneChanged(s.db.Exec(ctx, takeOverIdempotencyQuery, aliveSince(now), accountID, key, worker, Millis(now), Millis(now.Add(-idempotencyStuck))))
}

// FinishIdempotencyKey keeps the answer of a call. Where the worker does not own it any more it is ErrNotFound.
func (s *Store) FinishIdempotencyKey(ctx context.Context, accountID, key, worker string, status int, body string) error {
	return oneChanged(s.db.Exec(ctx, finishIdempotencyQuery, accountID, key, worker, status, body))
}

// AbandonIdempotencyKey gives up a call of which nobody knows how far it came. Whoever repeats it goes on with the same seed.
func (s *Store) AbandonIdempotencyKey(ctx context.Context, accountID, key, worker string) error {
	return oneChanged(s.db.Exec(ctx, abandonIdempotencyQuery, accountID, key, worker))
}

// DeleteIdempotencyKey forgets a call in progress that did nothing, so that it can be made anew, with another body too.
func (s *Store) DeleteIdempotencyKey(ctx context.Context, accountID, key, worker string) error {
	return oneChanged(s.db.Exec(ctx, deleteIdempotencyQuery, accountID, key, worker))
}

// PurgeIdempotencyAny forgets at most limit calls whose time is over, oldest first, and returns how many it forgot.
func (s *Store) PurgeIdempotencyAny(ctx context.Context, now time.Time, limit int) (int64, error) {
	result, err := s.db.Exec(ctx, purgeIdempotencyAnyQuery, Millis(now.Add(-IdempotencyKeptFor)), limit)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
