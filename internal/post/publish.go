package post

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	// publishersAtOnce bounds the targets that one process publishes at a time.
	publishersAtOnce = 8
	// publishTimeout bounds one target: a film is uploaded and worked on by the network for minutes.
	publishTimeout = 15 * time.Minute
	// storeTimeout bounds what is stored after a network has answered, also while the process stops.
	storeTimeout = 20 * time.Second
	// storeAgain is the wait before that is tried again.
	storeAgain = time.Second
)

// retryWaits are the waits before a target is published again after a failure that surely published nothing.
func retryWaits() []time.Duration {
	return []time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour}
}

// PublishDue begins to publish the targets that are due, as far as there is room. It does not wait for them; call it every second, and when kicked.
func (s *Service) PublishDue(ctx context.Context) error {
	for s.ctx.Err() == nil {
		room := 0
		for room < publishersAtOnce && s.take() {
			room++
		}
		if room == 0 {
			return nil
		}
		claimed, err := s.Store.ClaimTargetsAny(ctx, s.WorkerID, s.Now(), room)
		for range room - len(claimed) {
			<-s.room
		}
		for _, t := range claimed {
			s.busy.Go(func() { //nolint:contextcheck // publishing outlives the call that begins it
				defer s.Kick() // the channel's next one may go now
				defer func() { <-s.room }()
				s.publish(t)
			})
		}
		if err != nil {
			return fmt.Errorf("claim targets: %w", err)
		}
		if len(claimed) < room {
			return nil
		}
	}
	return nil
}

func (s *Service) take() bool {
	select {
	case s.room <- struct{}{}:
		return true
	default:
		return false
	}
}

// job is a claimed target with all that its publishing needs.
type job struct {
	target  *store.Target
	post    *store.Post
	channel *store.Channel
	info    connectors.Info
	conn    connectors.Publisher
	parts   []string // texts, one after the other
	title   string
	html    string
	comment string
	files   []File
	options map[string]string
	done    []Part // of parts, those that are out already
}

// publish publishes one claimed target and stores what became of it.
func (s *Service) publish(t *store.Target) {
	ctx, cancel := context.WithTimeout(s.ctx, publishTimeout)
	defer cancel()
	j, err := s.prepare(ctx, t)
	if err != nil {
		s.settle(ctx, j, asFailure(err, false))
		return
	}
	for len(j.done) < len(j.parts) {
		published, began, err := s.publishPart(ctx, j)
		if err != nil {
			s.settle(ctx, j, asFailure(err, began))
			return
		}
		if len(j.done) == 0 {
			t.ProviderID, t.URL = published.ProviderID, published.URL
		}
		j.done = append(j.done, Part{published.ProviderID, published.URL})
		t.Warnings = write(append(Warnings(t), published.Warnings...))
		t.Parts = write(j.done)
		if len(j.done) < len(j.parts) && !s.keepProgress(ctx, j) {
			return
		}
	}
	s.comment(ctx, j)
	s.settle(ctx, j, nil)
}

// publishPart publishes the next part. began tells whether its one request may have left.
func (s *Service) publishPart(ctx context.Context, j *job) (published connectors.Published, began bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in connector: %v", p)
		}
	}()
	var begun atomic.Bool
	defer func() { began = begun.Load() }()
	post := s.outPost(ctx, j)
	post.Begin = func(ctx context.Context) error {
		if err := s.ctx.Err(); err != nil {
			return connectors.Retryable(errors.New("the process is stopping"))
		}
		if err := s.Store.BeginTargetAny(ctx, s.WorkerID, j.target, s.Now()); err != nil {
			return connectors.Retryable(fmt.Errorf("note the beginning: %w", err))
		}
		begun.Store(true)
		s.ring(j.target.AccountID, j.target.PostID)
		return nil
	}
	// What has begun is waited for also while the process stops; its own timeouts end it.
	sendCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), publishTimeout)
	defer cancel()
	stopped := context.AfterFunc(ctx, func() {
		if !begun.Load() {
			cancel()
		}
	})
	defer stopped()
	published, err = j.conn.Publish(sendCtx, post)
	return published, false, err
}

// outPost makes the next part as the connector takes it. Media go with the first one.
func (s *Service) outPost(ctx context.Context, j *job) connectors.OutPost {
	n := len(j.done)
	post := connectors.OutPost{
		ID: fmt.Sprintf("%s-%d", j.target.ID, n), Title: j.title, Text: j.parts[n], HTML: j.html, StartedAt: j.target.StartedAt, Options: j.options,
	}
	if n > 0 {
		post.ReplyTo = j.done[n-1].ProviderID
		return post
	}
	for _, f := range j.files {
		post.Media = append(post.Media, connectors.PostMedia{
			Kind: f.Kind, ContentType: f.ContentType, FileName: f.FileName, Size: f.Size, Alt: f.Alt, URL: f.URL,
			Open: func() (io.ReadSeekCloser, error) { return s.Media.Read(ctx, j.post.AccountID, f.ID) },
		})
	}
	return post
}

// keepProgress stores that a part is out. Until that is done nobody may go on: the next process would publish it again.
func (s *Service) keepProgress(ctx context.Context, j *job) bool {
	return s.surely(ctx, j.target, func(ctx context.Context) error { return s.Store.ProgressTargetAny(ctx, s.WorkerID, j.target, s.Now()) }) == nil
}

// surely stores what a network has answered, and tries until the database takes it or the process stops: as long as the target counts as being published, the
// channel's next post waits. store.ErrOutdated means that it is another process's by now.
func (s *Service) surely(ctx context.Context, t *store.Target, note func(context.Context) error) error {
	for {
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
		err := note(within)
		cancel()
		if err == nil || errors.Is(err, store.ErrOutdated) {
			return err
		}
		s.Logger.Error("post.record_failed", "target_id", t.ID, "error", err) // where the process ends before it works, it turns unconfirmed
		if s.ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(storeAgain):
		case <-s.ctx.Done():
		}
	}
}

// comment writes the first comment. Its failure is a warning: the post is out.
func (s *Service) comment(ctx context.Context, j *job) {
	if j.comment == "" {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			s.Logger.Error("post.comment_failed", "target_id", j.target.ID, "error", fmt.Errorf("panic in connector: %v", p))
			j.target.Warnings = write(append(Warnings(j.target), "It is not known whether the first comment was written."))
		}
	}()
	sentence := j.info.Name + " takes no first comment."
	if commenter, ok := j.conn.(connectors.Commenter); ok {
		first := j.done[0]
		_, err := commenter.Comment(ctx, connectors.Published{ProviderID: first.ProviderID, URL: first.URL}, j.comment)
		if err == nil {
			return
		}
		sentence = "The first comment was not written, or it is not known whether it was: " + connectors.AsError(err).Message
	}
	j.target.Warnings = write(append(Warnings(j.target), sentence))
}

// asFailure classifies what ended a publishing. A failure that nobody understands is unconfirmed only where the request may have left.
func asFailure(err error, began bool) *connectors.Error {
	var known *connectors.Error
	if errors.As(err, &known) {
		if known.Kind == connectors.KindUnconfirmed && !began {
			return connectors.Retryable(err)
		}
		return known
	}
	if !began {
		return connectors.Retryable(err)
	}
	return connectors.Unconfirmed(err)
}
