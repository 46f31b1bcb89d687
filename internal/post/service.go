// Package post takes content, checks it for every channel that it goes to, publishes it there once, and tells what became of it.
package post

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

// Channels opens channels and keeps their state.
type Channels interface {
	// Open returns the channel's connection. It does not block.
	Open(ctx context.Context, channel *store.Channel) (connectors.Conn, error)
	// Info describes a kind of channel; false where this build has none of that kind.
	Info(kind string) (connectors.Info, bool)
	// SetStatusOf stores a state that the network has shown, and raises its event where it is another than before.
	SetStatusOf(ctx context.Context, channel *store.Channel, status store.ChannelStatus, code, sentence string) (bool, error)
}

// Media keeps the files of posts.
type Media interface {
	// Read opens a stored file from its beginning. The caller closes it.
	Read(ctx context.Context, accountID, mediaID string) (io.ReadSeekCloser, error)
}

// Slots gives places in queues.
type Slots interface {
	// Claim takes the first free place at the end of a queue for a post, in the transaction of ctx, and returns its time. An unknown queue is a problem NotFound.
	Claim(ctx context.Context, accountID, queueID, postID string, now time.Time) (time.Time, error)
	// Channels returns the channels that a queue's posts go to.
	Channels(ctx context.Context, accountID, queueID string) ([]string, error)
}

// Publisher stores events.
type Publisher interface {
	Publish(ctx context.Context, draft *event.Draft) error
}

// Options wires a Service. Every field but Bell is required.
type Options struct {
	Store     *store.Store
	IDs       *id.Generator
	Channels  Channels
	Media     Media
	Slots     Slots
	Publisher Publisher
	Logger    *slog.Logger
	Now       func() time.Time
	WorkerID  string
	Bell      *live.Bell // optional: tells open pages
}

// Service is safe for concurrent use.
type Service struct {
	Options
	kick   chan struct{}
	limits limitsCache
	room   chan struct{} // for publishing at a time
	busy   sync.WaitGroup
	ctx    context.Context //nolint:containedctx // ends with Close: publishing belongs to the service and not to who began it
	stop   context.CancelFunc
}

// New wires a Service. A missing part is an error that names it.
func New(o Options) (*Service, error) {
	for name, missing := range map[string]bool{
		"Store": o.Store == nil, "IDs": o.IDs == nil, "Channels": o.Channels == nil, "Media": o.Media == nil, "Slots": o.Slots == nil,
		"Publisher": o.Publisher == nil, "Logger": o.Logger == nil, "Now": o.Now == nil, "WorkerID": o.WorkerID == "",
	} {
		if missing {
			return nil, fmt.Errorf("make post service: Options.%s is missing", name)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Service{
		Options: o, kick: make(chan struct{}, 1), limits: limitsCache{byChannel: map[string]knownLimits{}}, room: make(chan struct{}, publishersAtOnce),
		ctx: ctx, stop: stop,
	}, nil
}

// Close breaks off what has not begun to be public yet, waits for what has, and gives the rest back. It takes at most as long as the
// networks do, or until ctx ends: what is still under way then is unconfirmed, and other processes find it.
func (s *Service) Close(ctx context.Context) error {
	s.stop()
	done := make(chan struct{})
	go func() { s.busy.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for posts: %w", ctx.Err())
	}
}

// Kick tells that there may be posts to publish. It does not block.
func (s *Service) Kick() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// Kicked is told by Kick.
func (s *Service) Kicked() <-chan struct{} { return s.kick }

// Post is a post with what becomes of it on each channel.
type Post struct {
	*store.Post
	Targets  []*store.Target
	Warnings []Warning // of this request only
}

// Get returns one post of an account; another account's is a problem NotFound.
func (s *Service) Get(ctx context.Context, accountID, postID string) (*Post, error) {
	p, err := s.Store.Post(ctx, accountID, postID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, problem.NotFoundOf("post")
	}
	if err != nil {
		return nil, err
	}
	targets, err := s.Store.Targets(ctx, accountID, []string{postID})
	return &Post{Post: p, Targets: targets[postID]}, err
}

// List returns a page of an account's posts, newest first.
func (s *Service) List(ctx context.Context, accountID string, filter store.PostFilter, page store.Page) ([]*Post, error) {
	rows, err := s.Store.Posts(ctx, accountID, filter, page)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(rows))
	for i, p := range rows {
		ids[i] = p.ID
	}
	targets, err := s.Store.Targets(ctx, accountID, ids)
	posts := make([]*Post, len(rows))
	for i, p := range rows {
		posts[i] = &Post{Post: p, Targets: targets[p.ID]}
	}
	return posts, err
}

// Cancel ends a post before its publishing has begun; afterwards it is a problem Conflict. A post that has ended already stays as it is.
func (s *Service) Cancel(ctx context.Context, accountID, postID string) (*Post, error) {
	p, err := s.Get(ctx, accountID, postID)
	if err != nil {
		return nil, err
	}
	if p.Status == store.PostCancelled {
		return p, nil
	}
	err = s.Store.CancelPost(ctx, accountID, postID, s.Now())
	if errors.Is(err, store.ErrOutdated) {
		return nil, tooLate("cancelled")
	}
	if err != nil {
		return nil, err
	}
	s.ring(accountID, postID)
	return s.Get(ctx, accountID, postID)
}

// ring tells open pages that a post, or one of its targets, has changed.
func (s *Service) ring(accountID, postID string) { s.Bell.Ring(accountID, live.Post, postID, "") }

func tooLate(what string) *problem.Error {
	return problem.New(problem.Conflict, "The post cannot be "+what+" any more: its publishing has begun or ended. GET /v1/posts/:id tells how far it is.")
}

// Retry publishes again what has failed. What is unconfirmed may be public already, so that takes an explicit word. With nothing to
// retry it is a problem Conflict.
func (s *Service) Retry(ctx context.Context, accountID, postID string, unconfirmed bool) (*Post, error) {
	if _, err := s.Get(ctx, accountID, postID); err != nil {
		return nil, err
	}
	n, err := s.Store.RetryPost(ctx, accountID, postID, unconfirmed, s.Now())
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, problem.New(problem.Conflict, `No channel of this post has failed. One that is unconfirmed is published again only with {"unconfirmed": true}: look at the network first.`)
	}
	s.ring(accountID, postID)
	s.Kick()
	return s.Get(ctx, accountID, postID)
}
