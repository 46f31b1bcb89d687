package delivery

import (
	"context"
	"fmt"
	"time"
)

const (
	// reclaimFor is how long after a failure of the database Reclaim looks: a commit that this process has given up may still come
	// through when the database wakes up.
	reclaimFor = 5 * time.Minute
	// reclaimSize is more than one process has in hand, so that what it has cannot hide what it has lost.
	reclaimSize = 2 * maxHeld
	// missedEvery is how often Reclaim looks for deliveries that a pause holds although it is over.
	missedEvery = 15 * time.Second
)

// Reclaim frees deliveries that this process owns in the database and does not have in hand. There are such after a failure of the
// database: a claim or a new event was committed and the answer got lost, or a delivery could not be given back. Nobody
// else would come to them while this process lives. It is called every few seconds, and looks only after a failure. What
// is missing at two looks in a row is not merely on its way from a commit to a lane.
//
// It also frees what was stored as held by a pause while the pause ended. Calls must not overlap.
func (s *Service) Reclaim(ctx context.Context) error {
	now := s.Now()
	if now.Sub(s.missedAt) >= missedEvery {
		if err := s.Store.ReleaseMissedAny(ctx, now); err != nil {
			return fmt.Errorf("free what a pause holds: %w", err)
		}
		s.missedAt = now
	}
	if now.Sub(time.UnixMilli(s.troubled.Load())) > reclaimFor {
		s.suspects = nil
		return nil
	}
	owned, err := s.Store.OwnedAny(ctx, s.WorkerID, now, reclaimSize)
	if err != nil {
		return fmt.Errorf("look for lost deliveries: %w", err)
	}
	suspects := map[string]bool{}
	var lost []string
	for _, id := range s.lanes.without(owned) {
		if s.suspects[id] {
			lost = append(lost, id)
		}
		suspects[id] = true
	}
	s.suspects = suspects
	if len(lost) == 0 {
		return nil
	}
	if err := s.Store.ReleaseAny(ctx, s.WorkerID, now, lost); err != nil {
		return fmt.Errorf("free lost deliveries: %w", err)
	}
	s.Logger.Warn("delivery.reclaimed", "count", len(lost))
	s.wake(ctx)
	return nil
}

// noteTrouble remembers that the database has failed.
func (s *Service) noteTrouble() { s.troubled.Store(s.Now().UnixMilli()) }
