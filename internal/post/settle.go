package post

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/store"
)

// CodeNotPublished is the reason of a post whose outcome was not known, and that the network says it does not have.
const CodeNotPublished = "not_published"

// maxWords bounds what is kept of a network's own words, in code points.
const maxWords = 500

// settle stores what became of a target that this process was publishing; failure is nil after a success.
func (s *Service) settle(ctx context.Context, j *job, failure *connectors.Error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	t := j.target
	now := s.Now()
	t.ErrorCode, t.ErrorMessage, t.Event, t.BeganAt, t.DueAt = "", "", "", time.Time{}, now
	switch {
	case failure == nil:
		t.Status, t.Event, t.PublishedAt = store.PostPublished, event.PostPublished, now
	case failure.Kind == connectors.KindUnconfirmed:
		s.doubt(j, failure, now)
	case s.again(t, failure):
		wait := max(retryWaits()[t.Tries-1], failure.After)
		if s.ctx.Err() != nil {
			wait = 0 // broken off by Close
		}
		t.Status, t.DueAt, t.ErrorCode, t.ErrorMessage = store.PostQueued, now.Add(wait), failure.Code, words(failure)
	default:
		s.fail(j, failure.Code, words(failure))
	}
	s.log(ctx, t, failure)
	if failure != nil && failure.Kind == connectors.KindUnlinked && j.channel != nil {
		if _, err := s.Channels.SetStatusOf(ctx, j.channel, store.ChannelNeedsLink, failure.Code, failure.Message); err != nil {
			s.Logger.Error("channel.state_failed", "channel_id", t.ChannelID, "error", err)
		}
	}
	if failure == nil {
		if _, err := s.Channels.SetStatusOf(ctx, j.channel, store.ChannelConnected, "", ""); err != nil {
			s.Logger.Error("channel.state_failed", "channel_id", t.ChannelID, "error", err)
		}
	}
	err := s.surely(ctx, t, func(ctx context.Context) error {
		return s.Store.FinishTargetAny(ctx, t, store.PostPublishing, s.WorkerID, s.Now())
	})
	if errors.Is(err, store.ErrOutdated) && failure == nil {
		// This process was taken for dead, and the outcome for unknown. It is known.
		err = s.surely(ctx, t, func(ctx context.Context) error {
			return s.Store.FinishTargetAny(ctx, t, store.PostUnconfirmed, "", s.Now())
		})
	}
	s.finished(ctx, t, err)
}

// words is what went wrong in our sentence and in the network's own words, where it has any that ours does not repeat.
func words(failure *connectors.Error) string {
	if failure.Provider == nil {
		return failure.Message
	}
	theirs := strings.Join(strings.Fields(strings.ToValidUTF8(strings.ReplaceAll(failure.Provider.Message, "\x00", ""), "")), " ")
	if theirs == "" || strings.Contains(failure.Message, theirs) {
		return failure.Message
	}
	if runes := []rune(theirs); len(runes) > maxWords {
		theirs = string(runes[:maxWords]) + "…"
	}
	return failure.Message + " The network says: " + theirs
}

// again tells whether a failure that surely published nothing may be followed by another try.
func (s *Service) again(t *store.Target, failure *connectors.Error) bool {
	if failure.Kind != connectors.KindRetryable && failure.Kind != connectors.KindRateLimited {
		return false
	}
	return int(t.Tries) <= len(retryWaits())
}

func (s *Service) fail(j *job, code, sentence string) {
	t := j.target
	t.Status, t.Event, t.ErrorCode, t.ErrorMessage = store.PostFailed, event.PostFailed, code, sentence
	if n := len(j.done); n > 0 {
		t.ErrorMessage = fmt.Sprintf("%d of %d parts are out. %s A retry goes on with the next part.", n, len(j.parts), sentence)
	}
}

// doubt notes that a post may be public. Where the network can be asked, it is asked later; else webhooks are told at once.
func (s *Service) doubt(j *job, failure *connectors.Error, now time.Time) {
	t := j.target
	t.Status, t.ErrorCode, t.ErrorMessage, t.Lookups = store.PostUnconfirmed, failure.Code, "The network did not answer in time, so it is not known whether the post went out. Look there before you publish it again.", 0
	if _, canLook := j.conn.(connectors.PostFinder); canLook {
		t.DueAt = now.Add(lookupWaits()[0])
		return
	}
	t.DueAt, t.Event = time.Time{}, event.PostFailed
}

// finish stores a target's outcome and tells it.
func (s *Service) finish(ctx context.Context, t *store.Target, before store.PostStatus, owner string) {
	s.finished(ctx, t, s.Store.FinishTargetAny(ctx, t, before, owner, s.Now()))
}

// finished tells an outcome that was stored; err says that it was not.
func (s *Service) finished(ctx context.Context, t *store.Target, err error) {
	if errors.Is(err, store.ErrOutdated) {
		s.Logger.WarnContext(ctx, "post.outdated", "target_id", t.ID) // another process has taken it over; what it stores counts
		return
	}
	if err != nil {
		s.Logger.Error("post.record_failed", "target_id", t.ID, "error", err) // who looks after it tries again
		return
	}
	s.ring(t.AccountID, t.PostID)
	if err := s.tell(ctx, t); err != nil {
		s.Logger.Error("post.tell_failed", "target_id", t.ID, "error", err) // TellDue does it later
	}
}

// TellDue tells webhooks what a crash kept from being told. Call it every few seconds.
func (s *Service) TellDue(ctx context.Context) error {
	untold, err := s.Store.UntoldTargetsAny(ctx, 100)
	if err != nil {
		return fmt.Errorf("find untold posts: %w", err)
	}
	for _, t := range untold {
		if err := s.tell(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// tell raises a target's event, once whoever calls it, and notes that.
func (s *Service) tell(ctx context.Context, t *store.Target) error {
	if t.Event == "" {
		return nil
	}
	p, err := s.Store.Post(ctx, t.AccountID, t.PostID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read post: %w", err)
	}
	data := event.PostData{
		PostID: t.PostID, PlatformPostID: t.ProviderID, PlatformPostURL: t.URL, Status: string(t.Status), ChannelID: t.ChannelID, Timestamp: event.Time(t.UpdatedAt),
	}
	if channel, err := s.Store.Channel(ctx, t.AccountID, t.ChannelID); err == nil {
		info, _ := s.Channels.Info(channel.Connector)
		data.Platform = info.Platform
	}
	if at := plannedAt(p); !at.IsZero() {
		data.ScheduledAt = event.Time(at)
	}
	if t.Event == event.PostScheduled {
		data.Status = "scheduled"
	}
	if t.ErrorCode != "" && t.Event == event.PostFailed {
		data.Error = &event.Failure{Message: t.ErrorMessage, Reason: t.ErrorCode}
	}
	// The target's own time makes the name the same for all who tell this outcome, and another for the next one.
	dedupe := fmt.Sprintf("post:%s:%s:%d:%d", t.ID, t.Event, t.Tries, store.Millis(t.UpdatedAt))
	if err := s.Publisher.Publish(ctx, &event.Draft{AccountID: t.AccountID, Type: t.Event, ChannelID: t.ChannelID, Dedupe: dedupe, Data: data}); err != nil {
		return fmt.Errorf("tell post: %w", err)
	}
	if err := s.Store.ToldTargetAny(ctx, t.ID, t.Event); err != nil {
		return fmt.Errorf("note that a post was told: %w", err)
	}
	t.Event = ""
	return nil
}

// plannedAt is when a post goes out by its own time or its queue's; zero where at once.
func plannedAt(p *store.Post) time.Time {
	if !p.PublishAt.IsZero() {
		return p.PublishAt
	}
	return p.SlotAt
}

func (s *Service) log(ctx context.Context, t *store.Target, failure *connectors.Error) {
	level, attrs := slog.LevelInfo, []slog.Attr{
		slog.String("post_id", t.PostID), slog.String("channel_id", t.ChannelID), slog.String("status", string(t.Status)), slog.Int64("attempt", t.Tries),
	}
	if failure != nil {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("code", failure.Code), slog.String("error", failure.Error()))
	}
	s.Logger.LogAttrs(ctx, level, "post.published", attrs...)
}
