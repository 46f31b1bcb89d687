package store

import (
	"context"
	"time"

	"go.mau.fi/util/dbutil"
)

// Account is a tenant.
type Account struct {
	ID, Name  string
	CreatedAt time.Time
}

// firstAccountSetting names the account that was made first. The row decides between several that are made at once.
const firstAccountSetting = "first_account"

const (
	insertAccountQuery = `INSERT INTO accounts (id, name, created_at) VALUES ($1, $2, $3)`
	getAccountQuery    = `SELECT id, name, created_at FROM accounts WHERE id = $1`
	countAccountsQuery = `SELECT COUNT(*) FROM accounts`
	renameAccountQuery = `UPDATE accounts SET name = $2 WHERE id = $1 RETURNING id, name, created_at`
	lockAccountQuery   = `UPDATE accounts SET name = name WHERE id = $1`
)

func scanAccount(row dbutil.Scannable) (*Account, error) {
	var a Account
	var created int64
	if err := row.Scan(&a.ID, &a.Name, &created); err != nil {
		return nil, notFound(err)
	}
	a.CreatedAt = FromMillis(created)
	return &a, nil
}

// CreateAccount stores an account with its first user, both or neither, and reports whether it is the first account of all;
// exactly one is. A caller that takes the first one only calls it in InTransaction and returns an error otherwise.
// Where the e-mail address is taken it is ErrExists.
func (s *Store) CreateAccount(ctx context.Context, a *Account, u *User) (first bool, err error) {
	err = s.InTransaction(ctx, func(ctx context.Context) error {
		var err error
		if first, err = s.PutSettingOnce(ctx, firstAccountSetting, a.ID); err != nil {
			return err
		}
		if _, err = s.db.Exec(ctx, insertAccountQuery, a.ID, a.Name, Millis(a.CreatedAt)); err != nil {
			return exists(err)
		}
		return s.insertUser(ctx, u)
	})
	return first && err == nil, err
}

// Account returns an account.
func (s *Store) Account(ctx context.Context, accountID string) (*Account, error) {
	return scanAccount(s.reader(ctx).QueryRowContext(ctx, getAccountQuery, accountID))
}

// RenameAccount gives an account another name and returns it.
func (s *Store) RenameAccount(ctx context.Context, accountID, name string) (*Account, error) {
	return scanAccount(s.db.QueryRow(ctx, renameAccountQuery, accountID, name))
}

// CountAccountsAny returns how many accounts there are.
func (s *Store) CountAccountsAny(ctx context.Context) (int, error) {
	var n int
	err := s.reader(ctx).QueryRowContext(ctx, countAccountsQuery).Scan(&n)
	return n, err
}

// lockAccount lets one transaction at a time go on for an account. It is an update that changes nothing, because that
// locks the row on both databases.
func (s *Store) lockAccount(ctx context.Context, accountID string) error {
	return oneChanged(s.db.Exec(ctx, lockAccountQuery, accountID))
}
