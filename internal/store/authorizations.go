package store

import (
	"context"
	"time"

	"go.mau.fi/util/dbutil"
)

// AuthorizationStatus says how far a try to connect channels on a network's own page is.
type AuthorizationStatus string

// The statuses of an authorization.
const (
	AuthorizationPending AuthorizationStatus = "pending" // the user has not come back yet, or what they brought is being exchanged
	AuthorizationDone    AuthorizationStatus = "done"
	AuthorizationFailed  AuthorizationStatus = "failed"
)

// Authorization is one try to connect channels on a network's own page.
type Authorization struct {
	ID, AccountID string
	Connector     string // the kind
	ChannelID     string // the channel to connect again; empty: whatever the user grants
	StateHash     string // of what the browser brings back
	Sealed        string // what the exchange needs; empty once it is over
	Status        AuthorizationStatus
	Result        string    // JSON, written and read by package authorize
	UsedAt        time.Time // when the browser came back; zero: not yet
	CreatedAt     time.Time
	ExpiresAt     time.Time
}

const (
	authorizationColumns = `id, account_id, connector, channel_id, state_hash, sealed, status, result, used_at, created_at, expires_at`
	authorizationWidth   = 11
	selectAuthorization  = `SELECT ` + authorizationColumns + ` FROM authorizations `

	openAuthorizationsQuery = `SELECT COUNT(*) FROM authorizations WHERE account_id = $1 AND expires_at > $2 AND status = 'pending' AND used_at = 0`
	// Of several who bring the same state, one finds the row unused.
	useAuthorizationQuery    = `UPDATE authorizations SET used_at = $2 WHERE state_hash = $1 AND status = 'pending' AND used_at = 0 AND expires_at > $2 RETURNING ` + authorizationColumns
	finishAuthorizationQuery = `UPDATE authorizations SET status = $3, result = $4, sealed = '' WHERE account_id = $1 AND id = $2 AND status = 'pending'`
	purgeAuthorizationsQuery = `DELETE FROM authorizations WHERE id IN (SELECT id FROM authorizations WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`
)

func scanAuthorization(row dbutil.Scannable) (*Authorization, error) {
	var a Authorization
	var used, created, expires int64
	err := row.Scan(&a.ID, &a.AccountID, &a.Connector, &a.ChannelID, &a.StateHash, &a.Sealed, &a.Status, &a.Result, &used, &created, &expires)
	if err != nil {
		return nil, notFound(err)
	}
	a.UsedAt, a.CreatedAt, a.ExpiresAt = FromMillis(used), FromMillis(created), FromMillis(expires)
	return &a, nil
}

// InsertAuthorization stores a new authorization. Where most of the account's are open already, which ends when they expire or their user comes
// back, it is ErrTooMany, also when several are made at once.
func (s *Store) InsertAuthorization(ctx context.Context, a *Authorization, most int) error {
	return s.InTransaction(ctx, func(ctx context.Context) error {
		if err := s.lockAccount(ctx, a.AccountID); err != nil {
			return err
		}
		var n int
		if err := s.reader(ctx).QueryRowContext(ctx, openAuthorizationsQuery, a.AccountID, Millis(a.CreatedAt)).Scan(&n); err != nil {
			return err
		}
		if n >= most {
			return ErrTooMany
		}
		_, err := s.db.Exec(ctx, `INSERT INTO authorizations (`+authorizationColumns+`) VALUES `+placeholders(authorizationWidth, 1), a.ID, a.AccountID,
			a.Connector, a.ChannelID, a.StateHash, a.Sealed, a.Status, a.Result, Millis(a.UsedAt), Millis(a.CreatedAt), Millis(a.ExpiresAt))
		return exists(err)
	})
}

// Authorization returns one authorization of an account.
func (s *Store) Authorization(ctx context.Context, accountID, id string) (*Authorization, error) {
	return scanAuthorization(s.reader(ctx).QueryRowContext(ctx, selectAuthorization+`WHERE account_id = $1 AND id = $2`, accountID, id))
}

// AuthorizationByStateAny returns the authorization of a state's hash, also one that is over. The state is the whole credential, so no account is
// asked for.
func (s *Store) AuthorizationByStateAny(ctx context.Context, stateHash string) (*Authorization, error) {
	return scanAuthorization(s.reader(ctx).QueryRowContext(ctx, selectAuthorization+`WHERE state_hash = $1`, stateHash))
}

// UseAuthorizationAny takes the only right to finish the authorization of a state's hash. It is ErrNotFound where there is none, or it is
// used or expired.
func (s *Store) UseAuthorizationAny(ctx context.Context, stateHash string, now time.Time) (*Authorization, error) {
	return scanAuthorization(s.db.QueryRow(ctx, useAuthorizationQuery, stateHash, Millis(now)))
}

// FinishAuthorization stores how an authorization ended and forgets what it was kept for. It is ErrNotFound where it is over already.
func (s *Store) FinishAuthorization(ctx context.Context, accountID, id string, status AuthorizationStatus, result string) error {
	return oneChanged(s.db.Exec(ctx, finishAuthorizationQuery, accountID, id, status, result))
}

// PurgeAuthorizationsAny deletes up to limit authorizations that expired before a time, and returns how many it deleted.
func (s *Store) PurgeAuthorizationsAny(ctx context.Context, before time.Time, limit int) (int64, error) {
	result, err := s.db.Exec(ctx, purgeAuthorizationsQuery, Millis(before), limit)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
