package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mau.fi/util/dbutil"
)

// DeliveryStatus says how far a delivery has come.
type DeliveryStatus string

// The statuses of a delivery.
const (
	DeliveryPending   DeliveryStatus = "pending"   // due now or at its next try
	DeliveryHeld      DeliveryStatus = "held"      // its webhook is paused or disabled
	DeliveryDelivered DeliveryStatus = "delivered" // the receiver answered 2xx
	DeliveryFailed    DeliveryStatus = "failed"    // the schedule has ended; it can be replayed
	DeliveryCancelled DeliveryStatus = "cancelled" // its webhook is gone
)

// Delivery is one event on its way to one webhook.
type Delivery struct {
	ID, AccountID      string
	EventID, WebhookID string
	Status             DeliveryStatus
	Attempts           int64     // made in all
	Tries              int64     // made of the present schedule; a replay begins it anew
	DueAt              time.Time // when a pending one may next be tried
	Owner              string    // the worker that has it; empty: nobody
	Reason             string    // why it failed, or what the last attempt met
	CreatedAt          time.Time
	UpdatedAt          time.Time
}

const deliveryColumns = `id, account_id, event_id, webhook_id, status, attempts, tries, due_at, owner, reason, created_at, updated_at`

// Why a delivery is held. What a pause held becomes due when the webhook is active again; what was held because the webhook
// was disabled waits for a replay.
const (
	HeldByPause   = "The webhook is paused."
	HeldByDisable = "The webhook is disabled."
)

const (
	deliveryWidth     = 12
	selectDelivery    = `SELECT ` + deliveryColumns + ` FROM deliveries `
	getDeliveryQuery  = selectDelivery + `WHERE account_id = $1 AND id = $2`
	claimQuery        = `UPDATE deliveries SET owner = $2 WHERE ` + claimable + ` AND status = 'pending' AND due_at <= $3 AND id IN `
	dueIDsQuery       = `SELECT id FROM deliveries WHERE status = 'pending' AND due_at <= $3 AND ` + claimable
	returningDelivery = ` RETURNING ` + deliveryColumns
	countDueQuery     = `SELECT COUNT(*), COALESCE(MIN(due_at), 0) FROM deliveries WHERE status = 'pending' AND due_at <= $1`
	cancelQuery       = `UPDATE deliveries SET status = 'cancelled', reason = $2, owner = NULL, updated_at = $3 WHERE webhook_id = $1 AND status IN ('pending', 'held')`
	holdQuery         = `UPDATE deliveries SET status = 'held', reason = $2, owner = NULL, updated_at = $3 WHERE webhook_id = $1 AND status = 'pending'`
	releaseHeldQuery  = `UPDATE deliveries SET status = 'pending', due_at = $2, tries = 0, reason = '', updated_at = $2
		WHERE webhook_id = $1 AND status = 'held'`
	releaseMissedQuery = `UPDATE deliveries SET status = 'pending', due_at = $1, tries = 0, reason = '', updated_at = $1
		WHERE status = 'held' AND reason = '` + HeldByPause + `' AND webhook_id IN (SELECT id FROM webhooks WHERE status = 'active')`
	ownedQuery     = `SELECT id FROM deliveries WHERE status = 'pending' AND due_at <= $2 AND owner = $1 ORDER BY due_at LIMIT $3`
	replayOneQuery = `UPDATE deliveries SET status = 'pending', due_at = $3, tries = 0, owner = NULL, reason = '', updated_at = $3
		WHERE account_id = $1 AND id = $2 AND (status <> 'pending' OR owner IS NULL)`
)

func scanDelivery(row dbutil.Scannable) (*Delivery, error) {
	var d Delivery
	var owner *string
	var due, created, updated int64
	err := row.Scan(&d.ID, &d.AccountID, &d.EventID, &d.WebhookID, &d.Status, &d.Attempts, &d.Tries, &due, &owner, &d.Reason, &created, &updated)
	if err != nil {
		return nil, notFound(err)
	}
	if owner != nil {
		d.Owner = *owner
	}
	d.DueAt, d.CreatedAt, d.UpdatedAt = FromMillis(due), FromMillis(created), FromMillis(updated)
	return &d, nil
}

// deliveryArgs returns the values of deliveryColumns, row after row.
func deliveryArgs(deliveries []*Delivery) []any {
	args := make([]any, 0, len(deliveries)*deliveryWidth)
	for _, d := range deliveries {
		args = append(args, d.ID, d.AccountID, d.EventID, d.WebhookID, string(d.Status), d.Attempts, d.Tries, Millis(d.DueAt),
			nullable(d.Owner), d.Reason, Millis(d.CreatedAt), Millis(d.UpdatedAt))
	}
	return args
}

// Delivery returns one delivery of an account.
func (s *Store) Delivery(ctx context.Context, accountID, id string) (*Delivery, error) {
	return scanDelivery(s.reader(ctx).QueryRowContext(ctx, getDeliveryQuery, accountID, id))
}

// DeliveryFilter narrows a list of deliveries. Empty fields do not.
type DeliveryFilter struct {
	Status             DeliveryStatus
	WebhookID, EventID string
	Event              string    // the type of the event, such as "message.received"
	Since, Until       time.Time // made from Since on, and before Until
}

// Deliveries lists an account's deliveries.
func (s *Store) Deliveries(ctx context.Context, accountID string, filter DeliveryFilter, page Page) ([]*Delivery, error) {
	where := newWhere("account_id", accountID)
	from, err := s.fewDeliveries(ctx, accountID, filter, where)
	if err != nil {
		return nil, err
	}
	where.equal("(SELECT e.type FROM events e WHERE e.id = deliveries.event_id)", filter.Event)
	if slices.Contains([]DeliveryStatus{DeliveryFailed, DeliveryHeld, DeliveryCancelled}, filter.Status) {
		where.conditions = append(where.conditions, "status = '"+string(filter.Status)+"'") // said as their indexes say it: the few among millions
	} else {
		where.equal("status", string(filter.Status))
	}
	where.equal("webhook_id", filter.WebhookID)
	where.equal("event_id", filter.EventID)
	where.during("dlv", filter.Since, filter.Until)
	query, args := where.page(page)
	return queryAll(ctx, s.reader(ctx), scanDelivery, `SELECT `+deliveryColumns+` FROM `+from+`deliveries `+query, args...)
}

// ClaimDueAny takes at most limit deliveries that are due and belong to no living worker, oldest due time first, and
// leaves those of the webhooks to skip. Two workers never get the same one, and no worker one that it owns already,
// however long it could not tell that it lives.
//
// It looks first and claims what it saw by id: as one statement PostgreSQL reads all that is due for each claim, and
// SQLite writes also when nothing is.
func (s *Store) ClaimDueAny(ctx context.Context, worker string, now time.Time, limit int, skip []string) ([]*Delivery, error) {
	query := dueIDsQuery
	args := []any{aliveSince(now), worker, Millis(now)}
	if len(skip) > 0 {
		list, skipped := inList(len(args), skip)
		query += ` AND webhook_id NOT IN (` + list + `)`
		args = append(args, skipped...)
	}
	args = append(args, limit)
	query += ` ORDER BY due_at LIMIT $` + strconv.Itoa(len(args))
	ids, err := queryStrings(ctx, s.reader(ctx), query, args...)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return s.claim(ctx, worker, now, ids)
}

// ClaimAny takes those of the deliveries that are due and belong to no living worker.
func (s *Store) ClaimAny(ctx context.Context, worker string, now time.Time, ids []string) ([]*Delivery, error) {
	var claimed []*Delivery
	err := chunks(ids, func(ids []string) error {
		some, err := s.claim(ctx, worker, now, ids)
		claimed = append(claimed, some...)
		return err
	})
	return claimed, err
}

func (s *Store) claim(ctx context.Context, worker string, now time.Time, ids []string) ([]*Delivery, error) {
	list, args := inList(3, ids)
	claimed, err := queryAll(ctx, s.db.Execable(ctx), scanDelivery, claimQuery+`(`+list+`)`+returningDelivery,
		append([]any{aliveSince(now), worker, Millis(now)}, args...)...)
	slices.SortFunc(claimed, func(a, b *Delivery) int { return cmp.Or(a.DueAt.Compare(b.DueAt), strings.Compare(a.ID, b.ID)) })
	return claimed, err
}

// ReleaseAny gives deliveries back that the worker has claimed and did not try, due again at a time.
func (s *Store) ReleaseAny(ctx context.Context, worker string, due time.Time, ids []string) error {
	return chunks(ids, func(ids []string) error {
		list, args := inList(2, ids)
		_, err := s.db.Exec(ctx, `UPDATE deliveries SET owner = NULL, due_at = $2 WHERE owner = $1 AND id IN (`+list+`)`,
			append([]any{worker, Millis(due)}, args...)...)
		return err
	})
}

func (s *Store) cancelDeliveries(ctx context.Context, webhookID, reason string, now time.Time) error {
	_, err := s.db.Exec(ctx, cancelQuery, webhookID, reason, Millis(now))
	return err
}

func (s *Store) holdDeliveries(ctx context.Context, webhookID, reason string, now time.Time) error {
	_, err := s.db.Exec(ctx, holdQuery, webhookID, reason, Millis(now))
	return err
}

// HoldDeliveries keeps the open deliveries of a paused webhook until ReleaseHeld.
func (s *Store) HoldDeliveries(ctx context.Context, webhookID string, now time.Time) error {
	return s.holdDeliveries(ctx, webhookID, HeldByPause, now)
}

// ReleaseHeld makes what was held for a webhook due.
func (s *Store) ReleaseHeld(ctx context.Context, webhookID string, now time.Time) error {
	_, err := s.db.Exec(ctx, releaseHeldQuery, webhookID, Millis(now))
	return err
}

// ReleaseMissedAny makes due what a pause holds although the webhook is active again: PostgreSQL lets a transaction that still saw the
// pause store its delivery after ReleaseHeld has looked.
func (s *Store) ReleaseMissedAny(ctx context.Context, now time.Time) error {
	_, err := s.db.Exec(ctx, releaseMissedQuery, Millis(now))
	return err
}

// OwnedAny returns the ids of at most limit pending deliveries that the worker owns and that have been due since a time, oldest
// due time first.
func (s *Store) OwnedAny(ctx context.Context, worker string, dueBefore time.Time, limit int) ([]string, error) {
	return queryStrings(ctx, s.reader(ctx), ownedQuery, worker, Millis(dueBefore), limit)
}

// ReplayDelivery makes one delivery due again with a new schedule. One that a worker holds at this moment is ErrExists.
func (s *Store) ReplayDelivery(ctx context.Context, accountID, id string, now time.Time) error {
	err := oneChanged(s.db.Exec(ctx, replayOneQuery, accountID, id, Millis(now)))
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	if _, err := s.Delivery(ctx, accountID, id); err != nil {
		return err
	}
	return ErrExists
}

// ReplayDeliveries makes due again what a webhook's deliveries of the statuses have been made since a time, and returns how many.
func (s *Store) ReplayDeliveries(ctx context.Context, accountID, webhookID string, statuses []DeliveryStatus, since, now time.Time) (int64, error) {
	texts := make([]string, len(statuses))
	for i, status := range statuses {
		texts[i] = string(status)
	}
	list, args := inList(4, texts)
	result, err := s.db.Exec(ctx, `UPDATE deliveries SET status = 'pending', due_at = $4, tries = 0, owner = NULL, reason = '', updated_at = $4
		WHERE account_id = $1 AND webhook_id = $2 AND created_at >= $3 AND status IN (`+list+`)`,
		append([]any{accountID, webhookID, Millis(since), Millis(now)}, args...)...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// DueCount is how many deliveries are due, and since when the oldest is.
type DueCount struct {
	Count  int64
	Oldest time.Time
}

// CountDueAny counts the deliveries of all accounts that are due; it serves metrics.
func (s *Store) CountDueAny(ctx context.Context, now time.Time) (DueCount, error) {
	var due DueCount
	var oldest int64
	err := s.reader(ctx).QueryRowContext(ctx, countDueQuery, Millis(now)).Scan(&due.Count, &oldest)
	due.Oldest = FromMillis(oldest)
	return due, err
}

// EndDeliveryAny closes a delivery that the worker has and cannot make.
func (s *Store) EndDeliveryAny(ctx context.Context, id, worker string, status DeliveryStatus, reason string, now time.Time) error {
	_, err := s.db.Exec(ctx, `UPDATE deliveries SET status = $3, reason = $4, owner = NULL, updated_at = $5
		WHERE id = $1 AND owner = $2 AND status = 'pending'`, id, worker, status, reason, Millis(now))
	return err
}
