package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.mau.fi/util/dbutil"
)

// ErrLastOwner says that an account would be left without an owner.
var ErrLastOwner = errors.New("the last owner")

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
	listUsersQuery    = selectUser + `WHERE account_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`
	countOwnersQuery  = `SELECT COUNT(*) FROM users WHERE account_id = $1 AND role = 'owner' AND ($2 = '' OR id = $2)`
	setRoleQuery      = `UPDATE users SET role = $3 WHERE account_id = $1 AND id = $2`
	setPasswordQuery  = `UPDATE users SET password_hash = $4, token_version = token_version + 1 WHERE account_id = $1 AND id = $2 AND token_version = $3`
	deleteUserQuery   = `DELETE FROM users WHERE account_id = $1 AND id = $2`
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

// Users lists an account's users.
func (s *Store) Users(ctx context.Context, accountID string, page Page) ([]*User, error) {
	return queryAll(ctx, s.reader(ctx), scanUser, listUsersQuery, accountID, page.Before, page.Limit)
}

// SetUserRole gives a user another role. Who is an owner no more, or not yet, has no open invites afterwards. It is ErrLastOwner where the account
// would be left without an owner, also when several are changed at once.
func (s *Store) SetUserRole(ctx context.Context, accountID, id, role string) (u *User, err error) {
	err = s.keepOwner(ctx, accountID, func(ctx context.Context) error {
		if err := oneChanged(s.db.Exec(ctx, setRoleQuery, accountID, id, role)); err != nil {
			return err
		}
		if u, err = s.User(ctx, accountID, id); err != nil || u.Role == "owner" {
			return err
		}
		_, err := s.db.Exec(ctx, dropInvitesQuery, accountID, id)
		return err
	})
	return u, err
}

// DeleteUser removes a user from an account, with their logins and invites. It is ErrLastOwner where the account would be left without an owner,
// also when several are removed at once.
func (s *Store) DeleteUser(ctx context.Context, accountID, id string) error {
	return s.keepOwner(ctx, accountID, func(ctx context.Context) error {
		return oneChanged(s.db.Exec(ctx, deleteUserQuery, accountID, id))
	})
}

// keepOwner makes a change to an account's users, one at a time, and undoes it where no owner is left.
func (s *Store) keepOwner(ctx context.Context, accountID string, change func(context.Context) error) error {
	return s.InTransaction(ctx, func(ctx context.Context) error {
		if err := s.lockAccount(ctx, accountID); err != nil {
			return err
		}
		if err := change(ctx); err != nil {
			return err
		}
		owners, err := s.countOwners(ctx, accountID, "")
		if err == nil && owners == 0 {
			return ErrLastOwner
		}
		return err
	})
}

// countOwners counts the owners of an account, of whom one is asked for where id is not empty.
func (s *Store) countOwners(ctx context.Context, accountID, id string) (n int, err error) {
	err = s.reader(ctx).QueryRowContext(ctx, countOwnersQuery, accountID, id).Scan(&n)
	return n, err
}

// SetPassword gives a user, as they were read, another password, and makes all of their login tokens and logins void but the one login named, which
// may be empty. It is ErrOutdated where that happened in the meantime, or the user is gone.
func (s *Store) SetPassword(ctx context.Context, u *User, passwordHash, keepLoginID string) error {
	return s.InTransaction(ctx, func(ctx context.Context) error {
		err := oneChanged(s.db.Exec(ctx, setPasswordQuery, u.AccountID, u.ID, u.TokenVersion, passwordHash))
		if errors.Is(err, ErrNotFound) {
			return ErrOutdated
		}
		if err != nil {
			return err
		}
		if _, err := s.db.Exec(ctx, deleteLoginsQuery, u.AccountID, u.ID, keepLoginID); err != nil {
			return err
		}
		_, err = s.db.Exec(ctx, keepLoginQuery, u.AccountID, u.ID, keepLoginID, u.TokenVersion+1)
		return err
	})
}
