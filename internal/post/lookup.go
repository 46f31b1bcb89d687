package post

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	lookupTimeout  = 30 * time.Second
	lookupsAtOnce  = 16
	lookupClaimFor = 2 * time.Minute // longer than a lookup: then its process is dead and another may look
)

// lookupWaits are the times from an unknown outcome to the first, second, … look at the network. Networks show a new post late.
func lookupWaits() []time.Duration {
	return []time.Duration{15 * time.Second, 2 * time.Minute, 10 * time.Minute}
}

// SettleLost takes care of targets whose process ended while it published them: what had not begun is queued again, the rest is
// unconfirmed. Call it every few seconds.
func (s *Service) SettleLost(ctx context.Context) error {
	orphans, err := s.Store.OrphanedTargetsAny(ctx, s.WorkerID, s.Now())
	if err != nil {
		return fmt.Errorf("find orphaned posts: %w", err)
	}
	for _, t := range orphans {
		owner := t.Owner
		if t.BeganAt.IsZero() {
			t.Status, t.DueAt = store.PostQueued, s.Now()
			s.finish(ctx, t, store.PostPublishing, owner)
			continue
		}
		j, err := s.prepare(ctx, t)
		if err != nil && j.conn == nil {
			s.Logger.WarnContext(ctx, "post.not_prepared", "target_id", t.ID, "error", err)
		}
		s.doubt(j, connectors.Unconfirmed(errors.New("the process that was publishing it ended")), s.Now())
		s.finish(ctx, t, store.PostPublishing, owner)
	}
	return nil
}

// LookUp asks the networks about posts whose outcome is not known, as far as they can be asked. It only reads there. Call it every few seconds.
func (s *Service) LookUp(ctx context.Context) error {
	now := s.Now()
	claimed, err := s.Store.ClaimLookupsAny(ctx, now, now.Add(lookupClaimFor), lookupsAtOnce)
	if err != nil {
		return fmt.Errorf("claim lookups: %w", err)
	}
	for _, t := range claimed {
		s.lookUp(ctx, t)
	}
	return nil
}

func (s *Service) lookUp(ctx context.Context, t *store.Target) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	j, err := s.prepare(ctx, t)
	var published connectors.Published
	found := false
	if finder, ok := j.conn.(connectors.PostFinder); err == nil && ok {
		published, found, err = find(ctx, finder, s.outPost(ctx, j))
	}
	after, cancelStore := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancelStore()
	now := s.Now()
	last := int(t.Lookups) >= len(lookupWaits()) || cannotLook(err)
	switch {
	case err == nil && found:
		s.found(after, j, published)
		return
	case !last:
		t.DueAt = now.Add(lookupWaits()[t.Lookups])
	case err == nil:
		t.DueAt = time.Time{}
		s.fail(j, CodeNotPublished, "The network does not have the post: it did not go out.")
	default:
		t.DueAt, t.Event = time.Time{}, event.PostFailed // stays unconfirmed
	}
	s.finish(after, t, store.PostUnconfirmed, "")
}

// cannotLook tells whether an error will never be another one: a kind of channel may be able to look only with credentials that this one lacks.
func cannotLook(err error) bool {
	var known *connectors.Error
	return errors.As(err, &known) && known.Kind == connectors.KindUnsupported
}

// find looks a post up. A connector that panics finds nothing out.
func find(ctx context.Context, finder connectors.PostFinder, p connectors.OutPost) (published connectors.Published, found bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in connector: %v", p)
		}
	}()
	return finder.FindPost(ctx, p)
}

// found notes that a post whose outcome was not known is public. Where it was one of several parts, the rest follows.
func (s *Service) found(ctx context.Context, j *job, published connectors.Published) {
	t, now := j.target, s.Now()
	if len(j.done) == 0 {
		t.ProviderID, t.URL = published.ProviderID, published.URL
	}
	j.done = append(j.done, Part{published.ProviderID, published.URL})
	t.Parts, t.ErrorCode, t.ErrorMessage, t.DueAt, t.BeganAt = write(j.done), "", "", now, time.Time{}
	t.Status, t.Event, t.PublishedAt = store.PostPublished, event.PostPublished, now
	if len(j.done) < len(j.parts) {
		t.Status, t.Event, t.PublishedAt = store.PostQueued, "", time.Time{}
	}
	s.log(ctx, t, nil)
	s.finish(ctx, t, store.PostUnconfirmed, "")
}
