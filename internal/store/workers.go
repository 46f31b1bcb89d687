package store

import (
	"context"
	"time"
)

// deadAfter is how long a worker may be unseen before its work is free for others. Beats come every BeatInterval,
// so it takes several lost beats in a row.
const deadAfter = 10 * time.Second

// BeatInterval is how often a worker must call BeatAny.
const BeatInterval = 2 * time.Second

const (
	beatQuery = `INSERT INTO workers (id, seen_at) VALUES ($1, $2)
		ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at`
	forgetWorkersQuery = `DELETE FROM workers WHERE seen_at < $1`
	removeWorkerQuery  = `DELETE FROM workers WHERE id = $1`

	// unowned is true of a row whose owner is nobody or a dead worker; $1 is the oldest seen_at of a living one.
	unowned = `(owner IS NULL OR owner NOT IN (SELECT id FROM workers WHERE seen_at >= $1))`
	// claimable is unowned for the worker $2, whose own rows are its own also when its beat is late: it has them in hand.
	claimable = `(owner IS NULL OR owner <> $2 AND owner NOT IN (SELECT id FROM workers WHERE seen_at >= $1))`
)

// BeatAny tells that the worker lives, and forgets workers that have been dead for an hour.
func (s *Store) BeatAny(ctx context.Context, worker string, now time.Time) error {
	if _, err := s.db.Exec(ctx, beatQuery, worker, Millis(now)); err != nil {
		return err
	}
	_, err := s.db.Exec(ctx, forgetWorkersQuery, Millis(now.Add(-time.Hour)))
	return err
}

// RemoveWorkerAny frees at once what a worker that stops still owns.
func (s *Store) RemoveWorkerAny(ctx context.Context, worker string) error {
	_, err := s.db.Exec(ctx, removeWorkerQuery, worker)
	return err
}

// RemoveWorkersAny frees what any earlier process owns. Only a process that is surely alone may call it.
func (s *Store) RemoveWorkersAny(ctx context.Context) error {
	_, err := s.db.Exec(ctx, `DELETE FROM workers`)
	return err
}

func aliveSince(now time.Time) int64 { return Millis(now.Add(-deadAfter)) }
