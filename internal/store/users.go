package store

import (
	"context"
	"strings"
	"time"

	"go.mau.fi/util/dbutil"
)

// User is a person who logs in to an account.
type User struct {
	ID, AccountID string
	Email         string // in lower case, unique among all accounts
	PasswordHash  string // PHC string
	Role          string
	TokenVersion  int64 // login tokens of another version are void
	CreatedAt     time.Time
}

const (
	userColumns       = `id, account_id, email, password_hash, role, token_version, created_at`
	selectUser        = `SELECT ` + userColumns + ` FROM users `
	insertUserQuery   = `INSERT INTO users (` + userColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	getUserQuery      = selectUser + `WHERE account_id = $1 AND id = $2`
	userByEmailQuery  = selectUser + `WHERE email = $1`
	raiseVersionQuery = `UPDATE users SET token_version = token_version + 1 WHERE account_id = $1 AND id = $2`
)

func scanUser(row dbutil.Scannable) (*User, error) {
	var u User
	var created int64
	if err := row.Scan(&u.ID, &u.AccountID, &u.Email, &u.PasswordHash, &u.Role, &u.TokenVersion, &created); err != nil {
		return nil, notFound(err)
	}
	u.CreatedAt = FromMillis(created)
	return &u, nil
}

func (s *Store) insertUser(ctx context.Context, u *User) error {
	_, err := s.db.Exec(ctx, insertUserQuery, u.ID, u.AccountID, strings.ToLower(u.Email), u.PasswordHash, u.Role, u.TokenVersion, Millis(u.CreatedAt))
	return exists(err)
}

// User returns one user of an account.
func (s *Store) User(ctx context.Context, accountID, id string) (*User, error) {
	return scanUser(s.reader(ctx).QueryRowContext(ctx, getUserQuery, accountID, id))
}

// UserByEmailAny returns the user with an e-mail address, in whatever account: at a login the account is not known yet.
func (s *Store) UserByEmailAny(ctx context.Context, email string) (*User, error) {
	return scanUser(s.reader(ctx).QueryRowContext(ctx, userByEmailQuery, strings.ToLower(email)))
}

// RaiseTokenVersion makes all login tokens of a user void.
func (s *Store) RaiseTokenVersion(ctx context.Context, accountID, id string) error {
	return oneChanged(s.db.Exec(ctx, raiseVersionQuery, accountID, id))
}
