package store

import (
	"context"
	"time"
)

// purgeSize is how many rows one statement of a purge deletes.
const purgeSize = 500

// PurgeAny deletes events, finished deliveries with their attempts, and messages that were made before a time, a few at a time. What is
// still open stays, however old it is.
func (s *Store) PurgeAny(ctx context.Context, before time.Time) error {
	const (
		old       = `SELECT id FROM deliveries WHERE created_at < $1 AND status NOT IN ('pending') ORDER BY id LIMIT $2`
		oldEvents = `DELETE FROM events WHERE id IN (SELECT e.id FROM events e WHERE e.created_at < $1
			AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event_id = e.id) ORDER BY e.id LIMIT $2)`
		oldMessages = `DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE created_at < $1
			AND status NOT IN ('queued', 'sending') ORDER BY id LIMIT $2)`
	)
	for ctx.Err() == nil {
		ids, err := queryStrings(ctx, s.reader(ctx), old, Millis(before), purgeSize)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			break
		}
		if err := s.deleteDeliveries(ctx, ids); err != nil {
			return err
		}
	}
	for _, query := range []string{oldEvents, oldMessages} {
		for n := int64(1); n > 0 && ctx.Err() == nil; {
			result, err := s.db.Exec(ctx, query, Millis(before), purgeSize)
			if err != nil {
				return err
			}
			if n, err = result.RowsAffected(); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// deleteDeliveries deletes deliveries together with their attempts.
func (s *Store) deleteDeliveries(ctx context.Context, ids []string) error {
	return s.InTransaction(ctx, func(ctx context.Context) error {
		return chunks(ids, func(ids []string) error {
			list, args := inList(0, ids)
			if _, err := s.db.Exec(ctx, `DELETE FROM attempts WHERE delivery_id IN (`+list+`)`, args...); err != nil {
				return err
			}
			_, err := s.db.Exec(ctx, `DELETE FROM deliveries WHERE id IN (`+list+`)`, args...)
			return err
		})
	})
}
