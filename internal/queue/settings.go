package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	maxName         = 100 // characters
	maxSlots        = 200
	maxChannels     = 50 // as for one post
	maxPostsPerSlot = 50
)

// Settings are what a user may say of a queue. Those that are nil stay as they are.
type Settings struct {
	Name         *string
	TimeZone     *string   // of the IANA database, such as "Europe/Berlin"
	Slots        *[]Slot   // 1 to 200
	ChannelIDs   *[]string // 1 to 50 channels of the account that publish posts
	PostsPerSlot *int      // 1 to 50; a new queue has 1
	Status       *string   // "active" or "paused"; a new queue is active
	Reshuffle    bool      // for Change: the posts that wait get new places, without gaps, in their order
}

// Create stores a new queue under an id of the caller's ("que_…"). All that is wrong is reported at once, by field. A queue that is stored under the id already is
// returned as it is.
func (s *Service) Create(ctx context.Context, accountID, queueID string, settings Settings) (*store.Queue, error) {
	if earlier, err := s.Store.Queue(ctx, accountID, queueID); err == nil {
		return earlier, nil // the same request again, after its answer was lost
	}
	now := store.FromMillis(store.Millis(s.Now()))
	q := &store.Queue{ID: queueID, AccountID: accountID, PostsPerSlot: 1, Status: store.QueueActive, CreatedAt: now, UpdatedAt: now}
	wrong := missing(settings)
	fields, err := s.apply(ctx, q, settings)
	if err != nil {
		return nil, err
	}
	if err := problem.Invalid(append(wrong, fields...)...); err != nil {
		return nil, err
	}
	err = s.Store.InsertQueue(ctx, q, maxQueues)
	switch {
	case errors.Is(err, store.ErrExists):
		return s.Get(ctx, accountID, queueID) // the same request beside this one was faster
	case errors.Is(err, store.ErrTooMany):
		return nil, problem.New(problem.TooMany, fmt.Sprintf("An account may have %d queues. Delete some that are not needed any more.", maxQueues))
	case err != nil:
		return nil, fmt.Errorf("store queue: %w", err)
	}
	return q, nil
}

// Change changes what the settings name. Posts that wait keep their places and channels whatever changes, but: with Reshuffle all get new places, and when a paused
// queue becomes active, those whose slots have passed get the next free ones.
func (s *Service) Change(ctx context.Context, accountID, queueID string, settings Settings) (*store.Queue, error) {
	var changed *store.Queue
	err := s.locked(ctx, accountID, queueID, func(ctx context.Context, q *store.Queue) error {
		changed = q
		before, now := q.Status, s.Now()
		wrong, err := s.apply(ctx, q, settings)
		if err != nil {
			return err
		}
		if err := problem.Invalid(wrong...); err != nil {
			return err
		}
		q.UpdatedAt = store.FromMillis(store.Millis(now))
		if err := s.Store.UpdateQueue(ctx, q); err != nil {
			return fmt.Errorf("store queue: %w", err)
		}
		switch {
		case settings.Reshuffle:
			return s.replan(ctx, q, func(*store.Claim) bool { return true })
		case before == store.QueuePaused && q.Status == store.QueueActive:
			return s.replan(ctx, q, func(c *store.Claim) bool { return !c.Time().After(now) })
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// missing lists what a new queue lacks.
func missing(settings Settings) []problem.Field {
	var wrong []problem.Field
	for _, required := range []struct {
		field, sentence string
		missing         bool
	}{
		{"name", "name is required: what you call the queue.", settings.Name == nil},
		{"timeZone", `timeZone is required: the zone that the slots' times are in, such as "Europe/Berlin".`, settings.TimeZone == nil},
		{"slots", `slots is required: when posts go out, such as [{"weekday": "mon", "time": "09:00"}].`, settings.Slots == nil},
		{"channelIds", "channelIds is required: where posts go. GET /v1/channels lists the channels.", settings.ChannelIDs == nil},
	} {
		if required.missing {
			wrong = append(wrong, problem.Field{Field: required.field, Code: problem.RequiredField, Message: required.sentence})
		}
	}
	return wrong
}

func invalid(field, sentence string) problem.Field {
	return problem.Field{Field: field, Code: problem.InvalidField, Message: sentence}
}

// apply puts settings into a queue and returns all that is wrong with them. The error is one of the database.
func (s *Service) apply(ctx context.Context, q *store.Queue, settings Settings) ([]problem.Field, error) {
	wrong := applyWords(q, settings)
	if settings.Slots != nil {
		slots, fields := normal(*settings.Slots)
		wrong = append(wrong, fields...)
		raw, err := json.Marshal(slots)
		if err != nil {
			return nil, fmt.Errorf("write slots: %w", err)
		}
		q.Slots = string(raw)
	}
	if settings.ChannelIDs != nil {
		fields, err := s.checkChannels(ctx, q.AccountID, *settings.ChannelIDs)
		if err != nil {
			return nil, err
		}
		wrong = append(wrong, fields...)
		q.ChannelIDs = slices.Clone(*settings.ChannelIDs)
	}
	return wrong, nil
}

// applyWords is apply for what stands for itself.
func applyWords(q *store.Queue, settings Settings) []problem.Field {
	var wrong []problem.Field
	if settings.Name != nil {
		q.Name = strings.TrimSpace(*settings.Name)
		if q.Name == "" || !utf8.ValidString(q.Name) || utf8.RuneCountInString(q.Name) > maxName || strings.ContainsFunc(q.Name, unicode.IsControl) {
			wrong = append(wrong, invalid("name", fmt.Sprintf("name must be from 1 to %d characters on one line.", maxName)))
		}
	}
	if settings.TimeZone != nil {
		q.TimeZone = *settings.TimeZone
		if _, err := ParseZone(q.TimeZone); err != nil {
			wrong = append(wrong, invalid("timeZone", `timeZone must be a name of the IANA time zone database, such as "Europe/Berlin", "America/New_York" or "UTC".`))
		}
	}
	if settings.PostsPerSlot != nil {
		q.PostsPerSlot = int64(*settings.PostsPerSlot)
		if q.PostsPerSlot < 1 || q.PostsPerSlot > maxPostsPerSlot {
			wrong = append(wrong, invalid("postsPerSlot", fmt.Sprintf("postsPerSlot must be a whole number from 1 to %d.", maxPostsPerSlot)))
		}
	}
	if settings.Status != nil {
		q.Status = store.QueueStatus(*settings.Status)
		if q.Status != store.QueueActive && q.Status != store.QueuePaused {
			wrong = append(wrong, invalid("status", "status must be active or paused."))
		}
	}
	return wrong
}

// normal returns slots as they are stored, by weekday from Monday on and by time, and all that is wrong with them.
func normal(given []Slot) ([]Slot, []problem.Field) {
	if len(given) == 0 || len(given) > maxSlots {
		return nil, []problem.Field{invalid("slots", fmt.Sprintf("A queue has from 1 to %d slots.", maxSlots))}
	}
	var wrong []problem.Field
	minutes := map[Slot]int{}
	for i, slot := range given {
		field := fmt.Sprintf("slots.%d.", i)
		day, isDay := slot.Weekday.Weekday()
		minute, isTime := ParseTime(slot.Time)
		if !isDay {
			wrong = append(wrong, invalid(field+"weekday", "weekday must be mon, tue, wed, thu, fri, sat or sun, or a number from 0 for Sunday to 6."))
		}
		if !isTime {
			wrong = append(wrong, invalid(field+"time", `time must be a time of day from "00:00" to "23:59".`))
		}
		if !isDay || !isTime {
			continue
		}
		slot.Weekday = dayOf(day)
		if _, twice := minutes[slot]; twice {
			wrong = append(wrong, invalid(field+"time", "This slot stands there twice. For several posts at one time, set postsPerSlot."))
		}
		minutes[slot] = int(day+6)%7*minutesOfDay + minute
	}
	slots := make([]Slot, 0, len(minutes))
	for slot := range minutes {
		slots = append(slots, slot)
	}
	slices.SortFunc(slots, func(a, b Slot) int { return minutes[a] - minutes[b] })
	return slots, wrong
}

// checkChannels checks where a queue's posts go.
func (s *Service) checkChannels(ctx context.Context, accountID string, channelIDs []string) ([]problem.Field, error) {
	if len(channelIDs) == 0 || len(channelIDs) > maxChannels {
		return []problem.Field{invalid("channelIds", fmt.Sprintf("A queue has from 1 to %d channels.", maxChannels))}, nil
	}
	known, err := s.Store.ChannelsByIDAny(ctx, channelIDs)
	if err != nil {
		return nil, fmt.Errorf("read channels: %w", err)
	}
	var wrong []problem.Field
	seen := map[string]bool{}
	for i, channelID := range channelIDs {
		field := fmt.Sprintf("channelIds.%d", i)
		c := known[channelID]
		switch {
		case seen[channelID]:
			wrong = append(wrong, invalid(field, fmt.Sprintf("The channel %.64q stands there twice.", channelID)))
		case c == nil || c.AccountID != accountID:
			wrong = append(wrong, invalid(field, fmt.Sprintf("There is no channel %.64q in this account.", channelID)))
		default:
			if info, ok := s.Kinds.Info(c.Connector); !ok || info.Post == nil {
				wrong = append(wrong, problem.Field{Field: field, Code: problem.Unsupported, Message: fmt.Sprintf("The channel %q publishes no posts.", channelID)})
			}
		}
		seen[channelID] = true
	}
	return wrong, nil
}
