package store

import (
	"context"
	"database/sql"
	"time"

	"go.mau.fi/util/dbutil"
)

// Login is one browser in which a user is logged in to the dashboard.
type Login struct {
	ID, AccountID, UserID string
	Version               int64  // the user's TokenVersion when it began; with another it is void
	TokenHash             string // finds it
	PreviousHash          string // of the token before; empty: none
	UserAgent             string
	Address               string // the client's IP address
	CreatedAt             time.Time
	SeenAt                time.Time // to a few minutes
	RotatedAt             time.Time // when the token was made
	ConfirmedAt           time.Time // when the token was first shown; zero: not yet
	ExpiresAt             time.Time
}

const (
	loginColumns = `l.id, l.account_id, l.user_id, l.version, l.token_hash, l.previous_hash, l.user_agent, l.address,
		l.created_at, l.seen_at, l.rotated_at, l.confirmed_at, l.expires_at`
	insertLoginQuery = `INSERT INTO logins (id, account_id, user_id, version, token_hash, previous_hash, user_agent, address,
		created_at, seen_at, rotated_at, confirmed_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`
	trimLoginsQuery = `DELETE FROM logins WHERE account_id = $1 AND user_id = $2
		AND id NOT IN (SELECT id FROM logins WHERE account_id = $1 AND user_id = $2 ORDER BY id DESC LIMIT $3)`
	// fromLiveLogins leaves out what is void, so that raising a user's version ends all logins at once, also one that is being made.
	fromLiveLogins    = ` FROM logins l JOIN users u ON u.id = l.user_id AND u.account_id = l.account_id AND u.token_version = l.version `
	loginByTokenQuery = `SELECT ` + loginColumns + `, u.email, u.password_hash, u.role, u.created_at` + fromLiveLogins +
		`WHERE (l.token_hash = $1 OR l.previous_hash = $1) AND l.expires_at > $2`
	listLoginsQuery = `SELECT ` + loginColumns + fromLiveLogins +
		`WHERE l.account_id = $1 AND l.user_id = $2 AND l.expires_at > $3 AND ($4 = '' OR l.id < $4) ORDER BY l.id DESC LIMIT $5`
	// Of several who give a login another token at once, one finds it as it was read.
	rotateLoginQuery = `UPDATE logins SET token_hash = $5, previous_hash = $6, rotated_at = $7, seen_at = $7, expires_at = $8, confirmed_at = 0
		WHERE account_id = $1 AND id = $2 AND token_hash = $3 AND confirmed_at = $4`
	touchLoginQuery = `UPDATE logins SET seen_at = $4, expires_at = $5,
		confirmed_at = CASE WHEN token_hash = $3 AND confirmed_at = 0 THEN $4 ELSE confirmed_at END
		WHERE account_id = $1 AND id = $2 AND seen_at <= $4`
	keepLoginQuery    = `UPDATE logins SET version = $4 WHERE account_id = $1 AND user_id = $2 AND id = $3`
	deleteLoginQuery  = `DELETE FROM logins WHERE account_id = $1 AND user_id = $2 AND id = $3`
	deleteLoginsQuery = `DELETE FROM logins WHERE account_id = $1 AND user_id = $2 AND id <> $3`
	purgeLoginsQuery  = `DELETE FROM logins WHERE id IN (SELECT id FROM logins WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`
)

// scanLogin reads the login's columns, and further ones into more.
func scanLogin(row dbutil.Scannable, more ...any) (*Login, error) {
	var l Login
	var previous sql.NullString
	var created, seen, rotated, confirmed, expires int64
	columns := []any{
		&l.ID, &l.AccountID, &l.UserID, &l.Version, &l.TokenHash, &previous, &l.UserAgent, &l.Address, &created, &seen, &rotated, &confirmed, &expires,
	}
	if err := row.Scan(append(columns, more...)...); err != nil {
		return nil, notFound(err)
	}
	l.PreviousHash = previous.String
	l.CreatedAt, l.SeenAt, l.RotatedAt = FromMillis(created), FromMillis(seen), FromMillis(rotated)
	l.ConfirmedAt, l.ExpiresAt = FromMillis(confirmed), FromMillis(expires)
	return &l, nil
}

// InsertLogin stores a new login. Of the user's logins about the newest most stay, and the others end.
func (s *Store) InsertLogin(ctx context.Context, l *Login, most int) error {
	return s.InTransaction(ctx, func(ctx context.Context) error {
		_, err := s.db.Exec(ctx, insertLoginQuery, l.ID, l.AccountID, l.UserID, l.Version, l.TokenHash, nullable(l.PreviousHash), l.UserAgent, l.Address,
			Millis(l.CreatedAt), Millis(l.SeenAt), Millis(l.RotatedAt), Millis(l.ConfirmedAt), Millis(l.ExpiresAt))
		if err != nil {
			return exists(err)
		}
		_, err = s.db.Exec(ctx, trimLoginsQuery, l.AccountID, l.UserID, most)
		return err
	})
}

// LoginByTokenAny returns the login whose token or previous token has the hash, with its user, in whatever account: it is what tells the
// account. It is ErrNotFound where there is none, or it has expired or is void.
func (s *Store) LoginByTokenAny(ctx context.Context, hash string, now time.Time) (*Login, *User, error) {
	var u User
	var created int64
	row := s.reader(ctx).QueryRowContext(ctx, loginByTokenQuery, hash, Millis(now))
	l, err := scanLogin(row, &u.Email, &u.PasswordHash, &u.Role, &created)
	if err != nil {
		return nil, nil, err
	}
	u.ID, u.AccountID, u.TokenVersion, u.CreatedAt = l.UserID, l.AccountID, l.Version, FromMillis(created)
	return l, &u, nil
}

// Logins lists a user's logins that are neither expired nor void.
func (s *Store) Logins(ctx context.Context, accountID, userID string, now time.Time, page Page) ([]*Login, error) {
	scan := func(row dbutil.Scannable) (*Login, error) { return scanLogin(row) }
	return queryAll(ctx, s.reader(ctx), scan, listLoginsQuery, accountID, userID, Millis(now), page.Before, page.Limit)
}

// RotateLogin gives a login, as it was read, another token. It is ErrNotFound where somebody else has in the meantime, or the present token
// was shown for the first time, or the login has ended.
func (s *Store) RotateLogin(ctx context.Context, l *Login, tokenHash, previousHash string, now, expires time.Time) error {
	return oneChanged(s.db.Exec(ctx, rotateLoginQuery, l.AccountID, l.ID, l.TokenHash, Millis(l.ConfirmedAt), tokenHash, previousHash, Millis(now), Millis(expires)))
}

// TouchLogin notes that a login was used with the token of a hash. A later use that was noted stays; a login that is gone is no error.
func (s *Store) TouchLogin(ctx context.Context, accountID, id, tokenHash string, now, expires time.Time) error {
	_, err := s.db.Exec(ctx, touchLoginQuery, accountID, id, tokenHash, Millis(now), Millis(expires))
	return err
}

// DeleteLogin ends one login of a user.
func (s *Store) DeleteLogin(ctx context.Context, accountID, userID, id string) error {
	return oneChanged(s.db.Exec(ctx, deleteLoginQuery, accountID, userID, id))
}

// EndLogins ends all logins of a user and makes all of their login tokens void.
func (s *Store) EndLogins(ctx context.Context, accountID, userID string) error {
	return s.InTransaction(ctx, func(ctx context.Context) error {
		if err := s.RaiseTokenVersion(ctx, accountID, userID); err != nil {
			return err
		}
		_, err := s.db.Exec(ctx, deleteLoginsQuery, accountID, userID, "")
		return err
	})
}

// PurgeLoginsAny deletes up to limit logins that have expired, and returns how many it deleted.
func (s *Store) PurgeLoginsAny(ctx context.Context, now time.Time, limit int) (int64, error) {
	result, err := s.db.Exec(ctx, purgeLoginsQuery, Millis(now), limit)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
