package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

// Move gives a post that waits in a queue the first free place of another slot; other posts keep theirs, and what the post left stays free. Webhooks
// get post.scheduled. A time that is no slot of the queue, or too near, is a wrong field "slotAt"; a slot without a free place, and a post that does not wait or
// whose publishing has begun, is a problem Conflict.
func (s *Service) Move(ctx context.Context, accountID, queueID, postID string, at time.Time) error {
	at = store.FromMillis(store.Millis(at))
	return s.locked(ctx, accountID, queueID, func(ctx context.Context, q *store.Queue) error {
		schedule, err := scheduleOf(q)
		if err != nil {
			return err
		}
		now := s.Now()
		if !schedule.Has(at) {
			return problem.InvalidOne("slotAt", "The queue has no slot at this time. GET /v1/queues/:id/preview lists the next ones.")
		}
		if at.Before(now.Add(lead)) || at.Sub(now) > farthest {
			return problem.InvalidOne("slotAt", "A post can be moved to a slot that is at least half a minute and at most two years away.")
		}
		claims, err := s.Store.LockClaims(ctx, q, now)
		if err != nil {
			return fmt.Errorf("read claims: %w", err)
		}
		claim, seat, err := placeFor(claims, postID, at, q.PostsPerSlot)
		if err != nil || claim.At.Equal(at) {
			return err
		}
		return s.move(ctx, q, give([]*store.Claim{claim}, []store.Place{{At: at, Seat: seat}}))
	})
}

// placeFor finds a post's claim, and the first seat of a slot that is free.
func placeFor(claims []*store.Claim, postID string, at time.Time, seats int64) (own *store.Claim, seat int64, err error) {
	taken := map[int64]bool{}
	for _, c := range claims {
		if c.PostID == postID {
			own = c
		}
		if c.At.Equal(at) {
			taken[c.Seat] = true
		}
	}
	for taken[seat] {
		seat++
	}
	switch {
	case own == nil:
		return nil, 0, problem.New(problem.Conflict, "The post does not wait in the queue any more.")
	case !own.Movable:
		return nil, 0, problem.New(problem.Conflict, "The post cannot be moved any more: its publishing has begun.")
	case seat >= seats && !own.At.Equal(at):
		return nil, 0, problem.New(problem.Conflict, "The slot is full. Choose another, or exchange the places of two posts: POST /v1/queues/:id/reorder.")
	}
	return own, seat, nil
}
