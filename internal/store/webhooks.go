package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"go.mau.fi/util/dbutil"
)

// WebhookStatus says whether a webhook gets its events.
type WebhookStatus string

// The statuses of a webhook. Events for a paused or disabled one are kept as held deliveries.
const (
	WebhookActive       WebhookStatus = "active"
	WebhookPaused       WebhookStatus = "paused"       // by the user
	WebhookDisabled     WebhookStatus = "disabled"     // by us, after days of failures only
	WebhookUnsubscribed WebhookStatus = "unsubscribed" // by the receiver, with 410
	WebhookExpired      WebhookStatus = "expired"      // its expiresAt has passed
)

// KindSettings marks the one webhook of an account that POST /v1/webhooks/settings makes or replaces.
const KindSettings = "settings"

// Webhook is a subscription. Secrets and headers are sealed.
type Webhook struct {
	ID, AccountID     string
	Kind              string // KindSettings or empty
	URL               string
	Events            []string
	ChannelIDs        []string // empty: all channels
	Format            string
	Description       string
	Headers           string // sealed JSON object of the custom headers, or empty
	Secret            string // sealed
	PreviousSecret    string // sealed; signs too until PreviousExpiresAt
	PreviousExpiresAt time.Time
	RateLimit         int64 // deliveries per RatePeriod; 0: no limit
	RatePeriod        time.Duration
	Status            WebhookStatus
	StatusReason      string
	FailingSince      time.Time // first failure since the last success; zero while it works
	ExpiresAt         time.Time // zero: never
	CreatedAt         time.Time
	UpdatedAt         time.Time
}

// Takes reports whether an event of a type on a channel is for this webhook. An event without a channel
// concerns the whole account and goes to webhooks of all channels only.
func (w *Webhook) Takes(eventType, channelID string) bool {
	return slices.Contains(w.Events, eventType) &&
		(len(w.ChannelIDs) == 0 || slices.Contains(w.ChannelIDs, channelID))
}

const webhookColumns = `id, account_id, kind, url, events, channel_ids, format, description, headers, secret, previous_secret,
	previous_expires_at, rate_limit, rate_period, status, status_reason, failing_since, expires_at, created_at, updated_at`

const (
	insertWebhookQuery = `INSERT INTO webhooks (` + webhookColumns + `)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20)`
	updateWebhookQuery = `UPDATE webhooks SET url = $3, events = $4, channel_ids = $5, format = $6, description = $7, headers = $8,
		secret = $9, previous_secret = $10, previous_expires_at = $11, rate_limit = $12, rate_period = $13, status = $14,
		status_reason = $15, failing_since = $16, expires_at = $17, updated_at = $18 WHERE account_id = $1 AND id = $2`
	selectWebhook       = `SELECT ` + webhookColumns + ` FROM webhooks `
	getWebhookQuery     = selectWebhook + `WHERE account_id = $1 AND id = $2`
	lockWebhookQuery    = `UPDATE webhooks SET updated_at = updated_at WHERE account_id = $1 AND id = $2 RETURNING ` + webhookColumns
	settingsQuery       = selectWebhook + `WHERE account_id = $1 AND kind = 'settings'`
	countWebhooksQuery  = `SELECT COUNT(*) FROM webhooks WHERE account_id = $1`
	deleteWebhookQuery  = `DELETE FROM webhooks WHERE account_id = $1 AND id = $2`
	endWebhookQuery     = `UPDATE webhooks SET status = $2, status_reason = $3, updated_at = $4 WHERE id = $1 AND status = 'active'`
	failingWebhookQuery = `UPDATE webhooks SET failing_since = $2 WHERE id = $1 AND failing_since = 0`
	workingWebhookQuery = `UPDATE webhooks SET failing_since = 0, status_reason = '' WHERE id = $1 AND failing_since <> 0`
	expireWebhooksQuery = `UPDATE webhooks SET status = 'expired', status_reason = 'Its expiresAt has passed.', updated_at = $1
		WHERE status IN ('active', 'paused', 'disabled') AND expires_at > 0 AND expires_at <= $1 RETURNING id`
)

func scanWebhook(row dbutil.Scannable) (*Webhook, error) {
	var w Webhook
	var events, channels string
	var previousExpires, period, failing, expires, created, updated int64
	err := row.Scan(&w.ID, &w.AccountID, &w.Kind, &w.URL, &events, &channels, &w.Format, &w.Description, &w.Headers, &w.Secret,
		&w.PreviousSecret, &previousExpires, &w.RateLimit, &period, &w.Status, &w.StatusReason, &failing, &expires, &created, &updated)
	if err != nil {
		return nil, notFound(err)
	}
	w.Events, w.ChannelIDs = splitList(events), splitList(channels)
	w.PreviousExpiresAt, w.FailingSince, w.ExpiresAt = FromMillis(previousExpires), FromMillis(failing), FromMillis(expires)
	w.RatePeriod = time.Duration(period) * time.Millisecond
	w.CreatedAt, w.UpdatedAt = FromMillis(created), FromMillis(updated)
	return &w, nil
}

// InsertWebhook stores a new webhook. A second settings webhook of an account is ErrExists.
func (s *Store) InsertWebhook(ctx context.Context, w *Webhook) error {
	_, err := s.db.Exec(ctx, insertWebhookQuery, w.ID, w.AccountID, w.Kind, w.URL, strings.Join(w.Events, ","),
		strings.Join(w.ChannelIDs, ","), w.Format, w.Description, w.Headers, w.Secret, w.PreviousSecret, Millis(w.PreviousExpiresAt),
		w.RateLimit, w.RatePeriod.Milliseconds(), w.Status, w.StatusReason, Millis(w.FailingSince), Millis(w.ExpiresAt),
		Millis(w.CreatedAt), Millis(w.UpdatedAt))
	return exists(err)
}

// UpdateWebhook stores everything of a webhook that may change.
func (s *Store) UpdateWebhook(ctx context.Context, w *Webhook) error {
	return oneChanged(s.db.Exec(ctx, updateWebhookQuery, w.AccountID, w.ID, w.URL, strings.Join(w.Events, ","),
		strings.Join(w.ChannelIDs, ","), w.Format, w.Description, w.Headers, w.Secret, w.PreviousSecret, Millis(w.PreviousExpiresAt),
		w.RateLimit, w.RatePeriod.Milliseconds(), w.Status, w.StatusReason, Millis(w.FailingSince), Millis(w.ExpiresAt),
		Millis(w.UpdatedAt)))
}

// Webhook returns one webhook of an account.
func (s *Store) Webhook(ctx context.Context, accountID, id string) (*Webhook, error) {
	return scanWebhook(s.reader(ctx).QueryRowContext(ctx, getWebhookQuery, accountID, id))
}

// LockWebhook is Webhook for a change: until the transaction ends, nobody else changes the row, so that what is read and written back
// undoes nothing. It must be called in a transaction.
func (s *Store) LockWebhook(ctx context.Context, accountID, id string) (*Webhook, error) {
	return scanWebhook(s.db.Execable(ctx).QueryRowContext(ctx, lockWebhookQuery, accountID, id))
}

// SettingsWebhook returns the account's settings webhook.
func (s *Store) SettingsWebhook(ctx context.Context, accountID string) (*Webhook, error) {
	return scanWebhook(s.reader(ctx).QueryRowContext(ctx, settingsQuery, accountID))
}

// Webhooks lists an account's webhooks. A page's Search looks in addresses and descriptions.
func (s *Store) Webhooks(ctx context.Context, accountID string, page Page) ([]*Webhook, error) {
	where := newWhere("account_id", accountID)
	where.contains(page.Search, "url", "description")
	query, args := where.page(page)
	return queryAll(ctx, s.reader(ctx), scanWebhook, selectWebhook+query, args...)
}

// CountWebhooks returns how many webhooks an account has.
func (s *Store) CountWebhooks(ctx context.Context, accountID string) (int, error) {
	var n int
	err := s.reader(ctx).QueryRowContext(ctx, countWebhooksQuery, accountID).Scan(&n)
	return n, err
}

// DeleteWebhook unsubscribes. Its open deliveries end as cancelled.
func (s *Store) DeleteWebhook(ctx context.Context, accountID, id string, now time.Time) error {
	return s.InTransaction(ctx, func(ctx context.Context) error {
		if err := oneChanged(s.db.Exec(ctx, deleteWebhookQuery, accountID, id)); err != nil {
			return err
		}
		return s.cancelDeliveries(ctx, id, "The webhook was deleted.", now)
	})
}

// WebhooksAny returns webhooks by id, whatever their account; it serves the workers.
func (s *Store) WebhooksAny(ctx context.Context, ids []string) (map[string]*Webhook, error) {
	found := map[string]*Webhook{}
	err := chunks(ids, func(ids []string) error {
		list, args := inList(0, ids)
		webhooks, err := queryAll(ctx, s.reader(ctx), scanWebhook, selectWebhook+`WHERE id IN (`+list+`)`, args...)
		for _, w := range webhooks {
			found[w.ID] = w
		}
		return err
	})
	return found, err
}

// EndWebhookAny turns an active webhook to disabled or unsubscribed with a reason, and reports whether it was active.
// The open deliveries of a disabled one are held for a replay, those of an unsubscribed one are cancelled.
func (s *Store) EndWebhookAny(ctx context.Context, id string, status WebhookStatus, reason string, now time.Time) (bool, error) {
	var ended bool
	err := s.InTransaction(ctx, func(ctx context.Context) error {
		err := oneChanged(s.db.Exec(ctx, endWebhookQuery, id, status, reason, Millis(now)))
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		ended = true
		if status == WebhookDisabled {
			return s.holdDeliveries(ctx, id, HeldByDisable, now)
		}
		return s.cancelDeliveries(ctx, id, reason, now)
	})
	return ended, err
}

// MarkWebhookAny notes the first failure since the last success, or that the webhook works again.
func (s *Store) MarkWebhookAny(ctx context.Context, id string, failing bool, now time.Time) error {
	if failing {
		_, err := s.db.Exec(ctx, failingWebhookQuery, id, Millis(now))
		return err
	}
	_, err := s.db.Exec(ctx, workingWebhookQuery, id)
	return err
}

// ExpireWebhooksAny ends the webhooks whose time has passed, and cancels their open deliveries.
func (s *Store) ExpireWebhooksAny(ctx context.Context, now time.Time) error {
	return s.InTransaction(ctx, func(ctx context.Context) error {
		ids, err := queryStrings(ctx, s.db.Execable(ctx), expireWebhooksQuery, Millis(now))
		for _, id := range ids {
			if err := s.cancelDeliveries(ctx, id, "The webhook has expired.", now); err != nil {
				return err
			}
		}
		return err
	})
}

func splitList(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}
