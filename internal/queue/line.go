package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

// maxTurns bounds a preview.
const maxTurns = 200

// Claim takes the place at the end of a queue for a post, in the transaction of ctx, and returns when the post is due. Whatever the number of posts that are added
// at once, each gets a place of its own, one after the other. A queue that is full is a problem TooMany, an unknown one NotFound.
func (s *Service) Claim(ctx context.Context, accountID, queueID, postID string, now time.Time) (time.Time, error) {
	var end store.Place
	err := s.locked(ctx, accountID, queueID, func(ctx context.Context, q *store.Queue) error {
		schedule, err := scheduleOf(q)
		if err != nil {
			return err
		}
		last, err := s.Store.LastPlace(ctx, q)
		if err != nil {
			return fmt.Errorf("read last claim: %w", err)
		}
		n, err := s.Store.CountClaims(ctx, q, now)
		if err != nil {
			return fmt.Errorf("count claims: %w", err)
		}
		end = schedule.behind(last, now.Add(lead), q.PostsPerSlot)
		if n >= maxWaiting || end.At.Sub(now) > farthest {
			return problem.New(problem.TooMany, fmt.Sprintf(
				"The queue is full: it takes %d posts, and none later than in two years. Give it more slots, or wait until some are published.", maxWaiting))
		}
		return s.Store.InsertClaim(ctx, q, postID, end)
	})
	return end.Time(), err
}

// Preview returns the next n slots of a queue, at most 200, with the posts that wait in them. Slots that are not the queue's any more or that have passed are among
// them while posts wait there. While the queue is paused, its slots pass without a post.
func (s *Service) Preview(ctx context.Context, accountID, queueID string, n int) ([]Turn, error) {
	q, err := s.Get(ctx, accountID, queueID)
	if err != nil {
		return nil, err
	}
	schedule, err := scheduleOf(q)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	claims, err := s.Store.Claims(ctx, q, now)
	if err != nil {
		return nil, fmt.Errorf("read claims: %w", err)
	}
	// What has begun is not waiting any more, though its slot may have been this moment's.
	claims = slices.DeleteFunc(claims, func(c *store.Claim) bool { return !c.Movable })
	return schedule.turns(claims, now, min(max(n, 1), maxTurns)), nil
}

// Reorder gives posts of a queue, in the order in which they are named, the places that they have together; other posts keep theirs. Webhooks get post.scheduled
// for each that moves. A post that is not in the queue is a wrong field "postIds.<index>", and one whose publishing has begun a problem Conflict.
func (s *Service) Reorder(ctx context.Context, accountID, queueID string, postIDs []string) error {
	if len(postIDs) == 0 || len(postIDs) > maxWaiting {
		return problem.InvalidOne("postIds", fmt.Sprintf("Name from 1 to %d posts of the queue, in their new order.", maxWaiting))
	}
	return s.locked(ctx, accountID, queueID, func(ctx context.Context, q *store.Queue) error {
		claims, err := s.Store.LockClaims(ctx, q, s.Now())
		if err != nil {
			return fmt.Errorf("read claims: %w", err)
		}
		named, err := pick(claims, postIDs)
		if err != nil {
			return err
		}
		places := make([]store.Place, len(named))
		for i, c := range named {
			places[i] = c.Place
		}
		slices.SortFunc(places, func(a, b store.Place) int { return a.Time().Compare(b.Time()) })
		return s.move(ctx, q, give(named, places))
	})
}

// pick returns the claims of posts in the order in which they are named.
func pick(claims []*store.Claim, postIDs []string) ([]*store.Claim, error) {
	byPost := make(map[string]*store.Claim, len(claims))
	for _, c := range claims {
		byPost[c.PostID] = c
	}
	var wrong []problem.Field
	var begun error
	picked := make([]*store.Claim, 0, len(postIDs))
	seen := make(map[string]bool, len(postIDs))
	for i, postID := range postIDs {
		c := byPost[postID]
		switch {
		case seen[postID]:
			wrong = append(wrong, problem.Field{Field: "postIds." + strconv.Itoa(i), Code: problem.InvalidField, Message: fmt.Sprintf("The post %.64q stands there twice.", postID)})
		case c == nil:
			wrong = append(wrong, problem.Field{
				Field: "postIds." + strconv.Itoa(i), Code: problem.InvalidField, Message: fmt.Sprintf("No post %.64q waits in the queue. GET /v1/queues/:id/preview lists those that do.", postID),
			})
		case !c.Movable:
			begun = problem.New(problem.Conflict, "The post "+postID+" cannot be moved any more: its publishing has begun.")
		}
		seen[postID] = true
		picked = append(picked, c)
	}
	if len(wrong) > 0 {
		return nil, problem.Invalid(wrong...)
	}
	return picked, begun
}

// Realign gives posts that are more than Late past their slot, and that nobody has begun to publish, the next free places of their queues, in their order, instead
// of publishing all of them at once. Webhooks get post.scheduled for each. Call it before posts are looked for at the start, and every 30 seconds. A
// queue that cannot be changed is logged and left out.
func (s *Service) Realign(ctx context.Context) error {
	before := s.Now().Add(-Late)
	late, err := s.Store.LateQueuesAny(ctx, before)
	if err != nil {
		return fmt.Errorf("find late queues: %w", err)
	}
	for _, q := range late {
		err := s.locked(ctx, q.AccountID, q.ID, func(ctx context.Context, q *store.Queue) error {
			if q.Status == store.QueuePaused {
				return nil
			}
			return s.replan(ctx, q, func(c *store.Claim) bool { return c.Time().Before(before) })
		})
		var gone *problem.Error
		switch {
		case errors.As(err, &gone), err == nil: // deleted in the meantime, or done
		case ctx.Err() != nil:
			return fmt.Errorf("realign queue %s: %w", q.ID, err)
		default:
			s.Logger.ErrorContext(ctx, "queue.realign_failed", "queue_id", q.ID, "error", err)
		}
	}
	return nil
}

// replan gives the posts that leave their places the first free ones from now on, in their order. The queue is locked.
func (s *Service) replan(ctx context.Context, q *store.Queue, leaves func(*store.Claim) bool) error {
	schedule, err := scheduleOf(q)
	if err != nil {
		return err
	}
	now := s.Now()
	claims, err := s.Store.LockClaims(ctx, q, now)
	if err != nil {
		return fmt.Errorf("read claims: %w", err)
	}
	return s.move(ctx, q, schedule.anew(claims, leaves, now.Add(lead), q.PostsPerSlot))
}

func (s *Service) move(ctx context.Context, q *store.Queue, claims []*store.Claim) error {
	if len(claims) == 0 {
		return nil
	}
	if err := s.Store.MoveClaims(ctx, q, claims, event.PostScheduled, s.Now()); err != nil {
		return fmt.Errorf("move claims: %w", err)
	}
	s.Logger.InfoContext(ctx, "queue.moved", "queue_id", q.ID, "posts", len(claims))
	return nil
}
