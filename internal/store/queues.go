package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.mau.fi/util/dbutil"
)

// QueueStatus says whether the posts of a queue are published.
type QueueStatus string

// The statuses of a queue.
const (
	QueueActive QueueStatus = "active"
	QueuePaused QueueStatus = "paused" // its posts wait, also past their slots
)

// Queue is where posts wait for their turn. Slots is JSON, written and read by package queue.
type Queue struct {
	ID, AccountID        string
	Name                 string
	TimeZone             string // of the IANA database
	Slots                string
	ChannelIDs           []string // where its posts go
	PostsPerSlot         int64
	Status               QueueStatus
	Version              int64 // grows with every change by the user
	CreatedAt, UpdatedAt time.Time
}

const (
	queueColumns     = `id, account_id, name, time_zone, slots, channel_ids, posts_per_slot, status, version, created_at, updated_at`
	queueWidth       = 11
	selectQueue      = `SELECT ` + queueColumns + ` FROM queues `
	updateQueueQuery = `UPDATE queues SET name = $4, time_zone = $5, slots = $6, channel_ids = $7, posts_per_slot = $8, status = $9, version = version + 1, updated_at = $10
		WHERE account_id = $1 AND id = $2 AND version = $3`
	lockQueueQuery  = `UPDATE queues SET version = version WHERE account_id = $1 AND id = $2 RETURNING ` + queueColumns
	queueHooksQuery = `SELECT COUNT(*) FROM incoming_webhooks WHERE account_id = $1 AND queue_id = $2`
	// By the index of what is due: the posts of queues that are late are few, whatever the number of queues and claims.
	lateQueuesQuery = selectQueue + `WHERE status = 'active' AND id IN (SELECT p.queue_id FROM targets t JOIN posts p ON p.id = t.post_id
		WHERE t.status = 'queued' AND t.due_at < $1 AND t.started_at = 0 AND p.slot_at > 0) ORDER BY id`
)

func scanQueue(row dbutil.Scannable) (*Queue, error) {
	var q Queue
	var channels string
	var created, updated int64
	err := row.Scan(&q.ID, &q.AccountID, &q.Name, &q.TimeZone, &q.Slots, &channels, &q.PostsPerSlot, &q.Status, &q.Version, &created, &updated)
	if err != nil {
		return nil, notFound(err)
	}
	q.ChannelIDs, q.CreatedAt, q.UpdatedAt = splitList(channels), FromMillis(created), FromMillis(updated)
	return &q, nil
}

// InsertQueue stores a new queue of version 1. An id that is taken is ErrExists. Where the account has most queues already it is
// ErrTooMany, also when several are made at once.
func (s *Store) InsertQueue(ctx context.Context, q *Queue, most int) error {
	q.Version = 1
	return s.InTransaction(ctx, func(ctx context.Context) error {
		if err := s.lockAccount(ctx, q.AccountID); err != nil {
			return err
		}
		var n int
		if err := s.reader(ctx).QueryRowContext(ctx, `SELECT COUNT(*) FROM queues WHERE account_id = $1`, q.AccountID).Scan(&n); err != nil {
			return err
		}
		if n >= most {
			return ErrTooMany
		}
		_, err := s.db.Exec(ctx, `INSERT INTO queues (`+queueColumns+`) VALUES `+placeholders(queueWidth, 1), q.ID, q.AccountID, q.Name, q.TimeZone, q.Slots,
			strings.Join(q.ChannelIDs, ","), q.PostsPerSlot, q.Status, q.Version, Millis(q.CreatedAt), Millis(q.UpdatedAt))
		return exists(err)
	})
}

// UpdateQueue stores what may change of a queue that was read as q.Version, and raises the version. It is ErrOutdated where the queue was
// changed in between or is gone.
func (s *Store) UpdateQueue(ctx context.Context, q *Queue) error {
	err := oneChanged(s.db.Exec(ctx, updateQueueQuery, q.AccountID, q.ID, q.Version, q.Name, q.TimeZone, q.Slots, strings.Join(q.ChannelIDs, ","),
		q.PostsPerSlot, q.Status, Millis(q.UpdatedAt)))
	if errors.Is(err, ErrNotFound) {
		return ErrOutdated
	}
	if err == nil {
		q.Version++
	}
	return err
}

// Queue returns one queue of an account.
func (s *Store) Queue(ctx context.Context, accountID, id string) (*Queue, error) {
	return scanQueue(s.reader(ctx).QueryRowContext(ctx, selectQueue+`WHERE account_id = $1 AND id = $2`, accountID, id))
}

// LockQueue is Queue for a change of the queue or of its claims: until the transaction ends, nobody else gets past LockQueue for it. It must be
// called in a transaction. Claims go through it one after the other because a unique violation, which would tell that a place was taken
// in the meantime, ends a transaction of PostgreSQL with all that it had done.
func (s *Store) LockQueue(ctx context.Context, accountID, id string) (*Queue, error) {
	return scanQueue(s.db.Execable(ctx).QueryRowContext(ctx, lockQueueQuery, accountID, id))
}

// Queues lists an account's queues. A page's Search looks in their names.
func (s *Store) Queues(ctx context.Context, accountID string, page Page) ([]*Queue, error) {
	where := newWhere("account_id", accountID)
	where.contains(page.Search, "name")
	query, args := where.page(page)
	return queryAll(ctx, s.reader(ctx), scanQueue, selectQueue+query, args...)
}

// DeleteQueue deletes a queue with its claims. Its posts stay; CancelPost ends those that wait.
func (s *Store) DeleteQueue(ctx context.Context, accountID, id string) error {
	return oneChanged(s.db.Exec(ctx, `DELETE FROM queues WHERE account_id = $1 AND id = $2`, accountID, id))
}

// CountQueueHooks returns how many incoming webhooks put their posts into a queue.
func (s *Store) CountQueueHooks(ctx context.Context, accountID, queueID string) (int, error) {
	var n int
	err := s.reader(ctx).QueryRowContext(ctx, queueHooksQuery, accountID, queueID).Scan(&n)
	return n, err
}

// LateQueuesAny returns the active queues of all accounts that have posts which nobody has begun to publish though they were due before a time.
func (s *Store) LateQueuesAny(ctx context.Context, before time.Time) ([]*Queue, error) {
	return queryAll(ctx, s.reader(ctx), scanQueue, lateQueuesQuery, Millis(before))
}
