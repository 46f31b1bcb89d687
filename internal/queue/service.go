// Package queue keeps the queues that posts wait in: when their turns come, and who has which.
package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	// maxQueues bounds an account's queues.
	maxQueues = 100
	// maxWaiting bounds the posts that wait in one queue: reordering and reshuffling move all of them in one transaction.
	maxWaiting = 5000
	// farthest is how far ahead a place may be, as for posts with a time of their own.
	farthest = 2 * 366 * 24 * time.Hour
	// lead is how far ahead a slot must at least be to be given away: until the post is stored and seen by a worker, and for clocks of processes that differ.
	lead = 30 * time.Second
)

// Late is how late a post of a queue may go out. One that nobody has begun to publish by then, because the server was down, gets another slot.
const Late = 10 * time.Minute

// Kinds describes kinds of channels.
type Kinds interface {
	// Info describes a kind of channel; false where this build has none of that kind.
	Info(kind string) (connectors.Info, bool)
}

// Options wires a Service. Every field but Bell is required.
type Options struct {
	Store  *store.Store
	Kinds  Kinds
	Logger *slog.Logger
	Now    func() time.Time
	Bell   *live.Bell // optional: tells open pages
}

// Service is safe for concurrent use, also by several processes.
type Service struct{ Options }

// New wires a Service. A missing part is an error that names it.
func New(o Options) (*Service, error) {
	for name, missing := range map[string]bool{"Store": o.Store == nil, "Kinds": o.Kinds == nil, "Logger": o.Logger == nil, "Now": o.Now == nil} {
		if missing {
			return nil, fmt.Errorf("make queue service: Options.%s is missing", name)
		}
	}
	return &Service{o}, nil
}

// Get returns one queue of an account; another account's is a problem NotFound.
func (s *Service) Get(ctx context.Context, accountID, queueID string) (*store.Queue, error) {
	q, err := s.Store.Queue(ctx, accountID, queueID)
	if err != nil {
		return nil, read(err)
	}
	return q, nil
}

// List returns a page of an account's queues, newest first.
func (s *Service) List(ctx context.Context, accountID string, page store.Page) ([]*store.Queue, error) {
	queues, err := s.Store.Queues(ctx, accountID, page)
	if err != nil {
		return nil, fmt.Errorf("list queues: %w", err)
	}
	return queues, nil
}

// Delete deletes a queue. While posts wait in it or incoming webhooks fill it, that is a problem Conflict; with force, the posts are cancelled, and the
// incoming webhooks are left to refuse what they get. Posts that are being published go on.
func (s *Service) Delete(ctx context.Context, accountID, queueID string, force bool) error {
	return s.locked(ctx, accountID, queueID, func(ctx context.Context, q *store.Queue) error {
		claims, err := s.Store.LockClaims(ctx, q, s.Now())
		if err != nil {
			return fmt.Errorf("read claims: %w", err)
		}
		var waiting []string
		for _, c := range claims {
			if c.Movable {
				waiting = append(waiting, c.PostID)
			}
		}
		if !force {
			if err := s.unused(ctx, q, len(waiting)); err != nil {
				return err
			}
		}
		for _, postID := range waiting {
			if err := s.Store.CancelPost(ctx, accountID, postID, s.Now()); err != nil {
				return fmt.Errorf("cancel post %s: %w", postID, err)
			}
		}
		return read(s.Store.DeleteQueue(ctx, accountID, queueID))
	})
}

// unused is a problem Conflict where a queue is needed yet.
func (s *Service) unused(ctx context.Context, q *store.Queue, waiting int) error {
	hooks, err := s.Store.CountQueueHooks(ctx, q.AccountID, q.ID)
	if err != nil {
		return fmt.Errorf("count incoming webhooks: %w", err)
	}
	if waiting == 0 && hooks == 0 {
		return nil
	}
	return problem.New(problem.Conflict, fmt.Sprintf("Posts that wait in the queue: %d. Incoming webhooks that fill it: %d. "+
		"Move or cancel them first, or delete with force=true: that cancels the posts, and the incoming webhooks refuse what they get.", waiting, hooks))
}

// Channels returns the channels that a queue's posts go to: those of its list that there are still. With none left it is a problem Conflict.
func (s *Service) Channels(ctx context.Context, accountID, queueID string) ([]string, error) {
	q, err := s.Get(ctx, accountID, queueID)
	if err != nil {
		return nil, err
	}
	known, err := s.Store.ChannelsByIDAny(ctx, q.ChannelIDs)
	if err != nil {
		return nil, fmt.Errorf("read channels: %w", err)
	}
	var there []string
	for _, channelID := range q.ChannelIDs {
		if c := known[channelID]; c != nil && c.AccountID == accountID {
			there = append(there, channelID)
		}
	}
	if len(there) == 0 {
		return nil, problem.New(problem.Conflict, "The channels of the queue were all deleted. Give it others: PATCH /v1/queues/:id with channelIds.")
	}
	return there, nil
}

// Slots reads the slots of a stored queue.
func Slots(q *store.Queue) []Slot {
	var slots []Slot
	_ = json.Unmarshal([]byte(q.Slots), &slots) // written by apply
	return slots
}

func scheduleOf(q *store.Queue) (*Schedule, error) {
	schedule, err := NewSchedule(q.TimeZone, Slots(q))
	if err != nil {
		return nil, fmt.Errorf("read schedule of queue %s: %w", q.ID, err)
	}
	return schedule, nil
}

// locked runs fn in a transaction, of ctx where that has one, in which nobody else changes the queue or its claims.
func (s *Service) locked(ctx context.Context, accountID, queueID string, fn func(context.Context, *store.Queue) error) error {
	err := s.Store.InTransaction(ctx, func(ctx context.Context) error {
		q, err := s.Store.LockQueue(ctx, accountID, queueID)
		if err != nil {
			return read(err)
		}
		return fn(ctx, q)
	})
	if err == nil {
		s.Bell.Ring(accountID, live.Post, "", "") // their places may be others now
	}
	return err
}

// read turns the store's "not found" into the user's.
func read(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return problem.NotFoundOf("queue")
	}
	if err != nil {
		return fmt.Errorf("read queue: %w", err)
	}
	return nil
}
