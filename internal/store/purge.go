package store

import (
	"context"
	"time"

	"go.mau.fi/util/dbutil"
)

// purgeSize is how many rows one step of a purge reads or deletes.
const purgeSize = 500

// PurgeAny deletes events, deliveries with their attempts, and messages that were made before a time, a few at a time. Pending
// deliveries with their events, and messages that are not sent yet, stay however old they are. Held deliveries go: the time
// bounds how long a pause may last.
func (s *Store) PurgeAny(ctx context.Context, before time.Time) error {
	const (
		deliveries = `SELECT id, created_at, status = 'pending' FROM deliveries WHERE id > $1 ORDER BY id LIMIT $2`
		events     = `SELECT id, created_at, EXISTS (SELECT 1 FROM deliveries d WHERE d.event_id = events.id)
			FROM events WHERE id > $1 ORDER BY id LIMIT $2`
		callbacks = `SELECT id, created_at, FALSE FROM callbacks WHERE id > $1 ORDER BY id LIMIT $2`
	)
	if err := s.purgeOldest(ctx, before, deliveries, s.deleteDeliveries); err != nil {
		return err
	}
	if err := s.purgeOldest(ctx, before, events, s.deleteEvents); err != nil {
		return err
	}
	if err := s.purgeOldest(ctx, before, callbacks, s.deleteCallbacks); err != nil {
		return err
	}
	if err := s.purgeMessages(ctx, before); err != nil {
		return err
	}
	if err := s.purgeConversations(ctx, before); err != nil {
		return err
	}
	_, err := s.db.Exec(ctx, `DELETE FROM hours WHERE hour < $1`, Millis(before.Truncate(time.Hour)))
	return err
}

// purgeOldest reads a table in the order of its ids, which is that of time, from the oldest row to the first that is young enough, so
// that it costs no more than what it deletes, and nothing waits for its reading.
func (s *Store) purgeOldest(ctx context.Context, before time.Time, query string, remove func(context.Context, []string) error) error {
	type row struct {
		id      string
		created int64
		open    bool
	}
	scan := func(scanned dbutil.Scannable) (r row, err error) { return r, scanned.Scan(&r.id, &r.created, &r.open) }
	for last := ""; ; {
		rows, err := queryAll(ctx, s.reader(ctx), scan, query, last, purgeSize)
		if err != nil {
			return err
		}
		more := len(rows) == purgeSize
		var ids []string
		for _, r := range rows {
			if r.created >= Millis(before) {
				more = false
				break
			}
			last = r.id
			if !r.open {
				ids = append(ids, r.id)
			}
		}
		if err := remove(ctx, ids); err != nil || !more {
			return err
		}
	}
}

// deleteDeliveries deletes deliveries together with their attempts.
func (s *Store) deleteDeliveries(ctx context.Context, ids []string) error {
	return chunks(ids, func(ids []string) error {
		list, args := inList(0, ids)
		return s.InTransaction(ctx, func(ctx context.Context) error {
			// A replay may have opened one again since it was read.
			if _, err := s.db.Exec(ctx, `DELETE FROM attempts WHERE delivery_id IN
				(SELECT id FROM deliveries WHERE id IN (`+list+`) AND status <> 'pending')`, args...); err != nil {
				return err
			}
			_, err := s.db.Exec(ctx, `DELETE FROM deliveries WHERE id IN (`+list+`) AND status <> 'pending'`, args...)
			return err
		})
	})
}

func (s *Store) deleteEvents(ctx context.Context, ids []string) error {
	return chunks(ids, func(ids []string) error {
		list, args := inList(0, ids)
		_, err := s.db.Exec(ctx, `DELETE FROM events WHERE id IN (`+list+`)`, args...)
		return err
	})
}

// purgeMessages goes by created_at: the ids of messages that the API made from an idempotency key tell no time.
func (s *Store) purgeMessages(ctx context.Context, before time.Time) error {
	const old = `SELECT id FROM messages WHERE created_at < $1 AND status NOT IN ('queued', 'sending') ORDER BY created_at LIMIT $2`
	for {
		ids, err := queryStrings(ctx, s.reader(ctx), old, Millis(before), purgeSize)
		if err != nil || len(ids) == 0 {
			return err
		}
		err = chunks(ids, func(ids []string) error {
			list, args := inList(0, ids)
			_, err := s.db.Exec(ctx, `DELETE FROM messages WHERE id IN (`+list+`)`, args...)
			return err
		})
		if err != nil {
			return err
		}
	}
}
