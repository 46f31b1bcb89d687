package post

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	// maxBody bounds what a user may write, in bytes: more than any network takes, WordPress's long articles included.
	maxBody = 512 << 10
	// maxTargets bounds the channels of one post.
	maxTargets = 50
	// maxFiles bounds the files of one post: Tumblr's 30 is the most that a network takes.
	maxFiles = 30
	// farthest is how far ahead a post may be planned.
	farthest = 2 * 366 * 24 * time.Hour
)

// Create checks a draft for all its channels, reports every problem at once (fields "title", "body", "targets.<channel id>.body", …), stores it and returns it with
// warnings. Publishing follows by itself. A draft whose ID is stored already is answered with that post.
func (s *Service) Create(ctx context.Context, d Draft) (*Post, error) {
	if earlier, err := s.Get(ctx, d.AccountID, d.ID); err == nil {
		return earlier, nil
	}
	p, targets, warnings, err := s.check(ctx, d)
	if err != nil {
		return nil, err
	}
	p.ID, p.CreatedAt, p.Origin = d.ID, p.UpdatedAt, d.Origin
	err = s.Store.InTransaction(ctx, func(ctx context.Context) error {
		if err := s.plan(ctx, d, p, targets); err != nil {
			return err
		}
		return s.Store.InsertPost(ctx, p, targets)
	})
	if errors.Is(err, store.ErrExists) {
		return s.Get(ctx, d.AccountID, d.ID) // the same request beside this one was faster
	}
	if err != nil {
		return nil, err
	}
	return s.stored(ctx, p, targets, warnings), nil
}

// Update changes a post that nobody has begun to publish, as Create makes one; afterwards it is a problem Conflict. Its place in a queue is
// kept where the queue stays the same.
func (s *Service) Update(ctx context.Context, d Draft) (*Post, error) {
	before, err := s.Get(ctx, d.AccountID, d.ID)
	if err != nil {
		return nil, err
	}
	p, targets, warnings, err := s.check(ctx, d)
	if err != nil {
		return nil, err
	}
	p.ID, p.CreatedAt, p.Origin, p.Version = before.ID, before.CreatedAt, before.Origin, before.Version
	err = s.Store.InTransaction(ctx, func(ctx context.Context) error {
		p.Version = before.Version // also in a second try of the transaction
		if d.QueueID != "" && d.QueueID == before.QueueID && !before.SlotAt.IsZero() && !d.Hold {
			p.SlotAt = before.SlotAt
			due(targets, p.SlotAt)
			return s.Store.ReplacePost(ctx, p, targets)
		}
		if err := s.Store.FreeSlot(ctx, p.ID); err != nil {
			return err
		}
		if err := s.plan(ctx, d, p, targets); err != nil {
			return err
		}
		return s.Store.ReplacePost(ctx, p, targets)
	})
	if errors.Is(err, store.ErrOutdated) {
		return nil, tooLate("changed")
	}
	if err != nil {
		return nil, err
	}
	return s.stored(ctx, p, targets, warnings), nil
}

func (s *Service) stored(ctx context.Context, p *store.Post, targets []*store.Target, warnings []Warning) *Post {
	for _, t := range targets {
		if err := s.tell(ctx, t); err != nil {
			s.Logger.Error("post.tell_failed", "target_id", t.ID, "error", err) // TellDue does it later
		}
	}
	s.ring(p.AccountID, p.ID)
	s.Kick()
	return &Post{Post: p, Targets: targets, Warnings: warnings}
}

// plan gives a post its turn: the queue's next free place, its own time, or now.
func (s *Service) plan(ctx context.Context, d Draft, p *store.Post, targets []*store.Target) error {
	if d.Hold || d.QueueID == "" {
		return nil
	}
	at, err := s.Slots.Claim(ctx, d.AccountID, d.QueueID, d.ID, p.UpdatedAt)
	if err != nil {
		return err
	}
	p.SlotAt = at
	due(targets, at)
	return nil
}

func due(targets []*store.Target, at time.Time) {
	for _, t := range targets {
		t.DueAt = at
	}
}

// check finds everything that is wrong with a draft and makes its rows.
func (s *Service) check(ctx context.Context, d Draft) (*store.Post, []*store.Target, []Warning, error) {
	now := store.FromMillis(store.Millis(s.Now()))
	wrong := s.checkWhole(d, now)
	channelIDs := d.ChannelIDs
	if d.QueueID != "" {
		ids, err := s.Slots.Channels(ctx, d.AccountID, d.QueueID)
		if err != nil {
			return nil, nil, nil, err
		}
		channelIDs = ids
	}
	p := &store.Post{
		AccountID: d.AccountID, Title: d.Title, Body: d.Body, Overflow: d.Overflow, FirstComment: d.FirstComment, Media: write(d.Media),
		PublishAt: d.PublishAt, QueueID: d.QueueID, Status: statusOf(d, now), UpdatedAt: now,
	}
	var targets []*store.Target
	var warnings []Warning
	for i, channelID := range channelIDs {
		problems, notes := s.checkTarget(ctx, d, channelID)
		wrong, warnings = append(wrong, problems...), append(warnings, notes...)
		t := &store.Target{
			ID: s.IDs.New("tgt"), PostID: d.ID, AccountID: d.AccountID, ChannelID: channelID, Position: int64(i), Status: p.Status,
			Override: write(d.Overrides[channelID]), DueAt: now, CreatedAt: now, UpdatedAt: now,
		}
		if !d.PublishAt.IsZero() {
			t.DueAt = d.PublishAt
		}
		if p.Status == store.PostScheduled || (d.QueueID != "" && !d.Hold) {
			t.Event = event.PostScheduled
		}
		targets = append(targets, t)
	}
	return p, targets, warnings, problem.Invalid(wrong...)
}

func statusOf(d Draft, now time.Time) store.PostStatus {
	switch {
	case d.Hold:
		return store.PostDraft
	case d.PublishAt.After(now):
		return store.PostScheduled
	}
	return store.PostQueued
}

// checkWhole checks what does not depend on a channel.
func (s *Service) checkWhole(d Draft, now time.Time) []problem.Field {
	wrong := append(checkWords(d), checkPlaces(d)...)
	if d.PublishAt.Sub(now) > farthest {
		wrong = append(wrong, invalid("publishAt", "A post can be planned at most two years ahead."))
	}
	return wrong
}

func invalid(field, sentence string) problem.Field {
	return problem.Field{Field: field, Code: problem.InvalidField, Message: sentence}
}

// checkWords checks what a post says.
func checkWords(d Draft) []problem.Field {
	var wrong []problem.Field
	if strings.TrimSpace(d.Title+d.Body) == "" && len(d.Media) == 0 {
		wrong = append(wrong, problem.Field{Field: "body", Code: problem.RequiredField, Message: "The post is empty. Give it a body, a title or media."})
	}
	if len(d.Body)+len(d.Title) > maxBody {
		wrong = append(wrong, invalid("body", fmt.Sprintf("A post has at most %d bytes of text.", maxBody)))
	}
	for _, given := range [][2]string{{"title", d.Title}, {"body", d.Body}, {"firstComment", d.FirstComment}} {
		if !utf8.ValidString(given[1]) || strings.Contains(given[1], "\x00") {
			wrong = append(wrong, invalid(given[0], given[0]+" must be text in UTF-8 without NUL characters."))
		}
	}
	if !slices.Contains([]string{"", OverflowError, OverflowTruncate, OverflowSplit}, d.Overflow) {
		wrong = append(wrong, invalid("overflow", "overflow must be error, truncate or split."))
	}
	if len(d.Media) > maxFiles {
		wrong = append(wrong, invalid("media", fmt.Sprintf("A post has at most %d files.", maxFiles)))
	}
	return wrong
}

// checkPlaces checks where a post goes.
func checkPlaces(d Draft) []problem.Field {
	var wrong []problem.Field
	switch {
	case d.QueueID == "" && len(d.ChannelIDs) == 0:
		wrong = append(wrong, problem.Field{
			Field: "channelIds", Code: problem.RequiredField, Message: "Say where the post goes: channelIds, or queueId. GET /v1/channels lists the channels.",
		})
	case d.QueueID != "" && len(d.ChannelIDs) > 0:
		wrong = append(wrong, invalid("queueId", "Give channelIds or queueId, not both: a queue has its own channels."))
	case d.QueueID != "" && !d.PublishAt.IsZero():
		wrong = append(wrong, invalid("publishAt", "A queue chooses the time. Give publishAt or queueId, not both."))
	}
	if len(d.ChannelIDs) > maxTargets {
		wrong = append(wrong, invalid("channelIds", fmt.Sprintf("A post goes to at most %d channels.", maxTargets)))
	}
	if len(slices.Compact(slices.Sorted(slices.Values(d.ChannelIDs)))) != len(d.ChannelIDs) {
		wrong = append(wrong, invalid("channelIds", "A channel stands in channelIds twice."))
	}
	for channelID := range d.Overrides {
		if d.QueueID == "" && !slices.Contains(d.ChannelIDs, channelID) {
			wrong = append(wrong, invalid("overrides."+channelID, "overrides names a channel that the post does not go to."))
		}
	}
	return wrong
}

// checkTarget checks a draft for one channel. Fields are "targets.<channel id>.<field>".
func (s *Service) checkTarget(ctx context.Context, d Draft, channelID string) ([]problem.Field, []Warning) {
	e := s.examine(ctx, d, channelID)
	return e.wrong, e.warnings
}

// examined is a draft as one channel takes it, with everything that is wrong with it.
type examined struct {
	rendered
	limits   connectors.PostLimits
	wrong    []problem.Field
	warnings []Warning
}

// examine renders and checks a draft for one channel.
func (s *Service) examine(ctx context.Context, d Draft, channelID string) (e examined) {
	field := "targets." + channelID
	one := func(code, sentence string) examined {
		return examined{wrong: []problem.Field{{Field: field, Code: code, Message: sentence}}}
	}
	channel, err := s.Store.Channel(ctx, d.AccountID, channelID)
	if err != nil {
		return one(problem.NotFound, "There is no channel "+channelID+" in this account.")
	}
	info, ok := s.Channels.Info(channel.Connector)
	switch {
	case !ok || info.Post == nil:
		return one(problem.Unsupported, info.Name+" channels publish no posts.")
	case channel.Status == store.ChannelDisabled:
		return one(problem.ChannelNotConnected, "The channel is switched off. Set its status to active first.")
	}
	if channel.Status == store.ChannelNeedsLink {
		e.warnings = append(e.warnings, Warning{ChannelID: channelID, Code: problem.ChannelUnlinked, Message: "The network refuses the channel's credentials at the moment: " + channel.StatusMessage})
	}
	override := d.Overrides[channelID]
	e.limits = info.Post.Limits
	if conn, err := s.open(ctx, channel); err == nil {
		e.limits = s.limitsOf(ctx, channel, info, conn)
	}
	var notes []Warning
	e.rendered, e.wrong, notes = render(contentFor(d.Content, override), info.Name, info.Post, e.limits, d.Media)
	e.wrong = append(e.wrong, checkOptions(info.Post.Options, override.Options)...)
	for i := range e.wrong {
		e.wrong[i].Field = field + "." + e.wrong[i].Field
	}
	for _, w := range notes {
		w.ChannelID = channelID
		e.warnings = append(e.warnings, w)
	}
	return e
}

// checkOptions checks a channel's own options of a post by their description.
func checkOptions(fields []connectors.Field, given map[string]string) []problem.Field {
	if len(given) == 0 {
		return nil
	}
	_, problems := connectors.ValidateConfig(fields, given)
	wrong := make([]problem.Field, len(problems))
	for i, p := range problems {
		wrong[i] = problem.Field{Field: "options." + p.Key, Code: problem.InvalidField, Message: p.Message}
	}
	return wrong
}
