package incoming

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	maxName     = 100 // characters
	maxChannels = 50  // as for one post

	// What a new one has, and the bounds of what it may be given. 60 an hour is the example of the SocialOomph contract.
	defaultLimit  = 60
	defaultPeriod = time.Hour
	maxLimit      = 100_000
	minPeriod     = time.Second
	maxPeriod     = 24 * time.Hour
)

// Settings are what a user may say of an incoming webhook. Those that are nil stay as they are.
type Settings struct {
	Name       *string
	ChannelIDs *[]string // posts go to them at once; in place of a queue
	QueueID    *string   // posts are put at its end; in place of channels
	RateLimit  *RateLimit
}

// RateLimit is how many requests an incoming webhook takes in a period.
type RateLimit struct {
	Limit  int64  `json:"limit"`
	Period string `json:"period"` // a duration such as "1m" or "1h"
}

// apply puts settings into a webhook and reports all that is wrong with them at once.
func (s *Service) apply(ctx context.Context, w *store.IncomingWebhook, settings Settings, create bool) error {
	wrong := applyName(w, settings, create)
	places, err := s.applyPlaces(ctx, w, settings)
	if err != nil {
		return err
	}
	wrong = append(append(wrong, places...), applyRate(w, settings)...)
	w.UpdatedAt = s.Now()
	return problem.Invalid(wrong...)
}

func invalid(field, sentence string) problem.Field {
	return problem.Field{Field: field, Code: problem.InvalidField, Message: sentence}
}

func applyName(w *store.IncomingWebhook, settings Settings, create bool) []problem.Field {
	if settings.Name == nil {
		if create {
			return []problem.Field{{Field: "name", Code: problem.RequiredField, Message: "name is required: what you call the incoming webhook, such as who gets it."}}
		}
		return nil
	}
	w.Name = strings.TrimSpace(*settings.Name)
	if w.Name == "" || !utf8.ValidString(w.Name) || utf8.RuneCountInString(w.Name) > maxName || strings.ContainsFunc(w.Name, unicode.IsControl) {
		return []problem.Field{invalid("name", fmt.Sprintf("name must be from 1 to %d characters on one line.", maxName))}
	}
	return nil
}

// applyPlaces sets where posts go: channels or a queue. Naming the one takes the place of the other. The error is one of the database.
func (s *Service) applyPlaces(ctx context.Context, w *store.IncomingWebhook, settings Settings) ([]problem.Field, error) {
	channels, queue := settings.ChannelIDs != nil && len(*settings.ChannelIDs) > 0, settings.QueueID != nil && *settings.QueueID != ""
	if channels && queue {
		return []problem.Field{invalid("queueId", "Give channelIds or queueId, not both: a queue has its own channels.")}, nil
	}
	if settings.ChannelIDs != nil {
		w.ChannelIDs = slices.Clone(*settings.ChannelIDs)
	}
	if settings.QueueID != nil {
		w.QueueID = *settings.QueueID
	}
	switch {
	case channels:
		w.QueueID = ""
		return s.checkChannels(ctx, w)
	case queue:
		w.ChannelIDs = nil
		return s.checkQueue(ctx, w)
	case len(w.ChannelIDs) == 0 && w.QueueID == "":
		return []problem.Field{{
			Field: "channelIds", Code: problem.RequiredField, Message: "Say where the posts go: channelIds, or queueId. GET /v1/channels lists the channels.",
		}}, nil
	}
	return nil, nil
}

func (s *Service) checkChannels(ctx context.Context, w *store.IncomingWebhook) ([]problem.Field, error) {
	if len(w.ChannelIDs) > maxChannels {
		return []problem.Field{invalid("channelIds", fmt.Sprintf("channelIds may name %d channels.", maxChannels))}, nil
	}
	var wrong []problem.Field
	for i, channelID := range w.ChannelIDs {
		if slices.Contains(w.ChannelIDs[:i], channelID) {
			wrong = append(wrong, invalid("channelIds", fmt.Sprintf("The channel %q stands in channelIds twice.", channelID)))
			continue
		}
		channel, err := s.Store.Channel(ctx, w.AccountID, channelID)
		if errors.Is(err, store.ErrNotFound) {
			wrong = append(wrong, invalid("channelIds", fmt.Sprintf("There is no channel %q in this account.", channelID)))
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read channel: %w", err)
		}
		if info, ok := s.Channels.Info(channel.Connector); !ok || info.Post == nil {
			wrong = append(wrong, invalid("channelIds", fmt.Sprintf("The channel %q publishes no posts. GET /v1/connectors tells which kinds do.", channelID)))
		}
	}
	return wrong, nil
}

func (s *Service) checkQueue(ctx context.Context, w *store.IncomingWebhook) ([]problem.Field, error) {
	_, err := s.Store.Queue(ctx, w.AccountID, w.QueueID)
	if errors.Is(err, store.ErrNotFound) {
		return []problem.Field{invalid("queueId", fmt.Sprintf("There is no queue %q in this account. GET /v1/queues lists the queues.", w.QueueID))}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read queue: %w", err)
	}
	return nil, nil
}

func applyRate(w *store.IncomingWebhook, settings Settings) []problem.Field {
	if settings.RateLimit == nil {
		return nil
	}
	var wrong []problem.Field
	period, err := time.ParseDuration(settings.RateLimit.Period)
	if err != nil || period < minPeriod || period > maxPeriod {
		wrong = append(wrong, invalid("rateLimit.period", `rateLimit.period must be a duration from "1s" to "24h", such as "1h".`))
	}
	if settings.RateLimit.Limit < 1 || settings.RateLimit.Limit > maxLimit {
		wrong = append(wrong, invalid("rateLimit.limit", fmt.Sprintf("rateLimit.limit must be a whole number from 1 to %d.", maxLimit)))
	}
	w.RateLimit, w.RatePeriod = settings.RateLimit.Limit, period
	return wrong
}
