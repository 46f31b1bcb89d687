package store

import (
	"context"
	"errors"
	"time"

	"go.mau.fi/util/dbutil"
)

// Invite is a link by which one more user joins an account.
type Invite struct {
	ID, AccountID string
	Email         string // in lower case, whom it is for; empty: whoever has the link
	Role          string // what the user will be
	TokenHash     string // finds it
	CreatedBy     string // the owner
	CreatedAt     time.Time
	ExpiresAt     time.Time
	AcceptedAt    time.Time // zero: not yet
}

const (
	inviteColumns     = `id, account_id, email, role, token_hash, created_by, created_at, expires_at, accepted_at`
	selectInvite      = `SELECT ` + inviteColumns + ` FROM invites `
	insertInviteQuery = `INSERT INTO invites (` + inviteColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`
	openInvitesQuery  = `SELECT COUNT(*) FROM invites WHERE account_id = $1 AND accepted_at = 0 AND expires_at > $2`
	inviteByToken     = selectInvite + `WHERE token_hash = $1 AND accepted_at = 0 AND expires_at > $2`
	listInvitesQuery  = selectInvite + `WHERE account_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`
	renewInviteQuery  = `UPDATE invites SET token_hash = $3 WHERE account_id = $1 AND id = $2 AND accepted_at = 0 RETURNING ` + inviteColumns
	// Of several who bring the same link, one finds it open.
	useInviteQuery    = `UPDATE invites SET accepted_at = $2 WHERE token_hash = $1 AND accepted_at = 0 AND expires_at > $2`
	deleteInviteQuery = `DELETE FROM invites WHERE account_id = $1 AND id = $2`
	dropInvitesQuery  = `DELETE FROM invites WHERE account_id = $1 AND created_by = $2 AND accepted_at = 0`
	purgeInvitesQuery = `DELETE FROM invites WHERE id IN (SELECT id FROM invites WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`
)

func scanInvite(row dbutil.Scannable) (*Invite, error) {
	var i Invite
	var created, expires, accepted int64
	if err := row.Scan(&i.ID, &i.AccountID, &i.Email, &i.Role, &i.TokenHash, &i.CreatedBy, &created, &expires, &accepted); err != nil {
		return nil, notFound(err)
	}
	i.CreatedAt, i.ExpiresAt, i.AcceptedAt = FromMillis(created), FromMillis(expires), FromMillis(accepted)
	return &i, nil
}

// InsertInvite stores a new invite of an owner. Where most of the account's are open already it is ErrTooMany, also when several are made at once;
// where the id is there already it is ErrExists, and where its maker is no owner any more ErrNotFound.
func (s *Store) InsertInvite(ctx context.Context, i *Invite, most int) error {
	return s.InTransaction(ctx, func(ctx context.Context) error {
		if err := s.lockAccount(ctx, i.AccountID); err != nil {
			return err
		}
		if owners, err := s.countOwners(ctx, i.AccountID, i.CreatedBy); err != nil {
			return err
		} else if owners == 0 {
			return ErrNotFound
		}
		if _, err := scanInvite(s.reader(ctx).QueryRowContext(ctx, selectInvite+`WHERE id = $1`, i.ID)); err == nil {
			return ErrExists
		} else if !errors.Is(err, ErrNotFound) {
			return err
		}
		var n int
		if err := s.reader(ctx).QueryRowContext(ctx, openInvitesQuery, i.AccountID, Millis(i.CreatedAt)).Scan(&n); err != nil {
			return err
		}
		if n >= most {
			return ErrTooMany
		}
		_, err := s.db.Exec(ctx, insertInviteQuery, i.ID, i.AccountID, i.Email, i.Role, i.TokenHash, i.CreatedBy,
			Millis(i.CreatedAt), Millis(i.ExpiresAt), Millis(i.AcceptedAt))
		return exists(err)
	})
}

// RenewInvite gives an invite another token and returns it; the link before is void. It is ErrNotFound where it was accepted.
func (s *Store) RenewInvite(ctx context.Context, accountID, id, tokenHash string) (*Invite, error) {
	return scanInvite(s.db.QueryRow(ctx, renewInviteQuery, accountID, id, tokenHash))
}

// InviteByTokenAny returns the open invite of a token's hash, in whatever account: it is what tells the account. It is ErrNotFound where there is
// none, or it is accepted or expired.
func (s *Store) InviteByTokenAny(ctx context.Context, hash string, now time.Time) (*Invite, error) {
	return scanInvite(s.reader(ctx).QueryRowContext(ctx, inviteByToken, hash, Millis(now)))
}

// Invites lists an account's invites that are not purged yet.
func (s *Store) Invites(ctx context.Context, accountID string, page Page) ([]*Invite, error) {
	return queryAll(ctx, s.reader(ctx), scanInvite, listInvitesQuery, accountID, page.Before, page.Limit)
}

// AcceptInvite takes an open invite and stores the user who joins, both or neither. It is ErrNotFound where the invite is not open any more, and
// ErrExists where the e-mail address is taken.
func (s *Store) AcceptInvite(ctx context.Context, i *Invite, u *User) error {
	return s.InTransaction(ctx, func(ctx context.Context) error {
		if err := oneChanged(s.db.Exec(ctx, useInviteQuery, i.TokenHash, Millis(u.CreatedAt))); err != nil {
			return err
		}
		return s.insertUser(ctx, u)
	})
}

// DeleteInvite makes an invite void.
func (s *Store) DeleteInvite(ctx context.Context, accountID, id string) error {
	return oneChanged(s.db.Exec(ctx, deleteInviteQuery, accountID, id))
}

// PurgeInvitesAny deletes up to limit invites that have expired, accepted or not, and returns how many it deleted.
func (s *Store) PurgeInvitesAny(ctx context.Context, now time.Time, limit int) (int64, error) {
	result, err := s.db.Exec(ctx, purgeInvitesQuery, Millis(now), limit)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
