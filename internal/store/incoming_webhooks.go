package store

import (
	"context"
	"strings"
	"time"

	"go.mau.fi/util/dbutil"
)

// IncomingWebhook is a secret address that takes posts without a key. It leads to channels or to a queue.
type IncomingWebhook struct {
	ID, AccountID        string
	Name                 string
	TokenHash            string // of the token in its address
	Token                string // sealed, so that the address can be shown again
	ChannelIDs           []string
	QueueID              string
	RateLimit            int64 // requests per RatePeriod
	RatePeriod           time.Duration
	LastUsedAt           time.Time // zero: never; kept to the minute
	CreatedAt, UpdatedAt time.Time
}

const (
	incomingColumns = `id, account_id, name, token_hash, token, channel_ids, queue_id, rate_limit, rate_period, last_used_at, created_at, updated_at`
	incomingWidth   = 12
	selectIncoming  = `SELECT ` + incomingColumns + ` FROM incoming_webhooks `

	countIncomingQuery   = `SELECT COUNT(*) FROM incoming_webhooks WHERE account_id = $1`
	incomingByTokenQuery = selectIncoming + `WHERE token_hash = $1`
	lockIncomingQuery    = `UPDATE incoming_webhooks SET updated_at = updated_at WHERE account_id = $1 AND id = $2 RETURNING ` + incomingColumns
	updateIncomingQuery  = `UPDATE incoming_webhooks SET name = $3, token_hash = $4, token = $5, channel_ids = $6, queue_id = $7, rate_limit = $8,
		rate_period = $9, updated_at = $10 WHERE account_id = $1 AND id = $2`
	usedIncomingQuery = `UPDATE incoming_webhooks SET last_used_at = $2 WHERE id = $1 AND last_used_at <= $3`
)

func scanIncoming(row dbutil.Scannable) (*IncomingWebhook, error) {
	var w IncomingWebhook
	var channels string
	var period, used, created, updated int64
	err := row.Scan(&w.ID, &w.AccountID, &w.Name, &w.TokenHash, &w.Token, &channels, &w.QueueID, &w.RateLimit, &period, &used, &created, &updated)
	if err != nil {
		return nil, notFound(err)
	}
	w.ChannelIDs, w.RatePeriod = splitList(channels), time.Duration(period)*time.Millisecond
	w.LastUsedAt, w.CreatedAt, w.UpdatedAt = FromMillis(used), FromMillis(created), FromMillis(updated)
	return &w, nil
}

// InsertIncomingWebhook stores a new incoming webhook. An id that is taken is ErrExists. Where the account has most of them already it is
// ErrTooMany, also when several are made at once.
func (s *Store) InsertIncomingWebhook(ctx context.Context, w *IncomingWebhook, most int) error {
	return s.InTransaction(ctx, func(ctx context.Context) error {
		if err := s.lockAccount(ctx, w.AccountID); err != nil {
			return err
		}
		var n int
		if err := s.reader(ctx).QueryRowContext(ctx, countIncomingQuery, w.AccountID).Scan(&n); err != nil {
			return err
		}
		if n >= most {
			return ErrTooMany
		}
		_, err := s.db.Exec(ctx, `INSERT INTO incoming_webhooks (`+incomingColumns+`) VALUES `+placeholders(incomingWidth, 1), w.ID, w.AccountID, w.Name,
			w.TokenHash, w.Token, strings.Join(w.ChannelIDs, ","), w.QueueID, w.RateLimit, w.RatePeriod.Milliseconds(), Millis(w.LastUsedAt),
			Millis(w.CreatedAt), Millis(w.UpdatedAt))
		return exists(err)
	})
}

// UpdateIncomingWebhook stores everything of an incoming webhook that its owner may change.
func (s *Store) UpdateIncomingWebhook(ctx context.Context, w *IncomingWebhook) error {
	return oneChanged(s.db.Exec(ctx, updateIncomingQuery, w.AccountID, w.ID, w.Name, w.TokenHash, w.Token, strings.Join(w.ChannelIDs, ","), w.QueueID,
		w.RateLimit, w.RatePeriod.Milliseconds(), Millis(w.UpdatedAt)))
}

// IncomingWebhook returns one incoming webhook of an account.
func (s *Store) IncomingWebhook(ctx context.Context, accountID, id string) (*IncomingWebhook, error) {
	return scanIncoming(s.reader(ctx).QueryRowContext(ctx, selectIncoming+`WHERE account_id = $1 AND id = $2`, accountID, id))
}

// LockIncomingWebhook is IncomingWebhook for a change: until the transaction ends, nobody else changes the row. It must be called in a
// transaction.
func (s *Store) LockIncomingWebhook(ctx context.Context, accountID, id string) (*IncomingWebhook, error) {
	return scanIncoming(s.db.Execable(ctx).QueryRowContext(ctx, lockIncomingQuery, accountID, id))
}

// IncomingWebhooks lists an account's incoming webhooks. A page's Search looks in their names.
func (s *Store) IncomingWebhooks(ctx context.Context, accountID string, page Page) ([]*IncomingWebhook, error) {
	where := newWhere("account_id", accountID)
	where.contains(page.Search, "name")
	query, args := where.page(page)
	return queryAll(ctx, s.reader(ctx), scanIncoming, selectIncoming+query, args...)
}

// DeleteIncomingWebhook deletes an incoming webhook. Its posts stay.
func (s *Store) DeleteIncomingWebhook(ctx context.Context, accountID, id string) error {
	return oneChanged(s.db.Exec(ctx, `DELETE FROM incoming_webhooks WHERE account_id = $1 AND id = $2`, accountID, id))
}

// IncomingWebhookByTokenAny returns the incoming webhook of a token's hash. The token is the whole credential, so no account is asked for.
func (s *Store) IncomingWebhookByTokenAny(ctx context.Context, tokenHash string) (*IncomingWebhook, error) {
	return scanIncoming(s.reader(ctx).QueryRowContext(ctx, incomingByTokenQuery, tokenHash))
}

// UsedIncomingWebhookAny notes that an incoming webhook was used, unless that was noted after before already.
func (s *Store) UsedIncomingWebhookAny(ctx context.Context, id string, now, before time.Time) error {
	_, err := s.db.Exec(ctx, usedIncomingQuery, id, Millis(now), Millis(before))
	return err
}
