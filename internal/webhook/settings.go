package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/safehttp"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	maxDescription = 500 // characters
	maxHeaders     = 20
	maxChannels    = 200
)

// Settings is what a client may set of a webhook. nil leaves a field as it is.
type Settings struct {
	URL         *string
	Events      []string
	ChannelIDs  *[]string
	Format      *string
	Description *string
	Headers     *map[string]string
	RateLimit   *RateLimit
	ExpiresAt   *time.Time
	Status      *string // "active" or "paused"

	kind  string
	whole bool // a replacement: what a new webhook needs must be there
}

// RateLimit is how many deliveries a webhook gets in a period; a Limit of 0 lifts it.
type RateLimit struct {
	Limit  int64  `json:"limit"`
	Period string `json:"period"` // a duration such as "1s", "1m", "1h"
}

// apply checks all settings, reports everything that is wrong at once, and changes the webhook.
func (s *Service) apply(ctx context.Context, w *store.Webhook, settings Settings, create bool) error {
	var wrong []problem.Field
	bad := func(field, code, message string) {
		wrong = append(wrong, problem.Field{Field: field, Code: code, Message: message})
	}
	whole := create || settings.whole
	s.applyURL(w, settings, whole, bad)
	applyEvents(w, settings, whole, bad)
	if err := s.applyChannels(ctx, w, settings, bad); err != nil {
		return err
	}
	if err := s.applyHeaders(w, settings, bad); err != nil {
		return err
	}
	applyRate(w, settings, bad)
	s.applyState(w, settings, bad)
	if settings.Description != nil {
		w.Description = strings.TrimSpace(*settings.Description)
		if len([]rune(w.Description)) > maxDescription {
			bad("description", problem.InvalidField, fmt.Sprintf("description may have %d characters.", maxDescription))
		}
	}
	if settings.kind != "" {
		w.Kind = settings.kind
	}
	w.UpdatedAt = s.Now()
	return problem.Invalid(wrong...)
}

type reporter func(field, code, message string)

func (s *Service) applyURL(w *store.Webhook, settings Settings, whole bool, bad reporter) {
	if settings.URL == nil {
		if whole {
			bad("url", problem.RequiredField, "url is required: the https address that gets the events.")
		}
		return
	}
	address, err := s.HTTP.CheckURL(strings.TrimSpace(*settings.URL))
	if err != nil {
		var failure *safehttp.Error
		if errors.As(err, &failure) {
			bad("url", problem.InvalidURL, failure.Message)
			return
		}
		bad("url", problem.InvalidURL, "url is not an address that events can be sent to.")
		return
	}
	w.URL = address.String()
}

func applyEvents(w *store.Webhook, settings Settings, whole bool, bad reporter) {
	if settings.Format != nil {
		if _, ok := Formats()[*settings.Format]; !ok {
			bad("format", problem.InvalidField, "format must be one of: switchhook, whathooks, socialsyncer, sociocs.")
		}
		w.Format = *settings.Format
	}
	if settings.Events == nil {
		if whole {
			bad("events", problem.RequiredField, `events is required: a list such as ["message.received"]. GET /v1/event-types lists them.`)
		}
	} else {
		w.Events = slices.Compact(slices.Sorted(slices.Values(settings.Events)))
		if len(w.Events) == 0 {
			bad("events", problem.RequiredField, "events must name at least one event. GET /v1/event-types lists them.")
		}
	}
	carries := Formats()[w.Format].Events
	for _, e := range w.Events {
		switch {
		case !event.Known(e):
			bad("events", problem.InvalidField, fmt.Sprintf("There is no event %q. GET /v1/event-types lists them.", e))
		case carries != nil && !slices.Contains(carries, e):
			bad("events", problem.InvalidField, fmt.Sprintf("The format %s has no body for %q. It has: %s.", w.Format, e, strings.Join(carries, ", ")))
		}
	}
}

func (s *Service) applyChannels(ctx context.Context, w *store.Webhook, settings Settings, bad reporter) error {
	if settings.ChannelIDs == nil {
		return nil
	}
	w.ChannelIDs = slices.Compact(slices.Sorted(slices.Values(*settings.ChannelIDs)))
	if len(w.ChannelIDs) > maxChannels {
		bad("channelIds", problem.InvalidField, fmt.Sprintf("channelIds may name %d channels. Leave it out for all channels.", maxChannels))
		return nil
	}
	for _, channelID := range w.ChannelIDs {
		_, err := s.Store.Channel(ctx, w.AccountID, channelID)
		if errors.Is(err, store.ErrNotFound) {
			bad("channelIds", problem.InvalidField, fmt.Sprintf("There is no channel %q in this account.", channelID))
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) applyHeaders(w *store.Webhook, settings Settings, bad reporter) error {
	if settings.Headers == nil {
		return nil
	}
	headers := *settings.Headers
	if len(headers) > maxHeaders {
		bad("headers", problem.InvalidField, fmt.Sprintf("A webhook may have %d headers of its own.", maxHeaders))
		return nil
	}
	names := make([]string, 0, len(headers))
	for name := range headers {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		var failure *safehttp.Error
		if err := safehttp.ValidHeader(name, headers[name]); errors.As(err, &failure) {
			bad("headers", problem.InvalidField, fmt.Sprintf("The header %q cannot be sent. %s", name, failure.Message))
		}
	}
	if len(headers) == 0 {
		w.Headers = ""
		return nil
	}
	plain, err := json.Marshal(headers)
	if err != nil {
		return fmt.Errorf("encode headers: %w", err)
	}
	w.Headers, err = s.Sealer.Seal(plain, sealedAs(w.ID, "headers"))
	return err
}

func applyRate(w *store.Webhook, settings Settings, bad reporter) {
	if settings.RateLimit == nil {
		return
	}
	rate := *settings.RateLimit
	if rate.Limit == 0 {
		w.RateLimit, w.RatePeriod = 0, 0
		return
	}
	period, err := time.ParseDuration(rate.Period)
	if err != nil || period < time.Second || period > 24*time.Hour {
		bad("rateLimit.period", problem.InvalidField, `rateLimit.period must be a duration from "1s" to "24h".`)
	}
	if rate.Limit < 0 || rate.Limit > 1_000_000 {
		bad("rateLimit.limit", problem.InvalidField, "rateLimit.limit must be a whole number from 1 to 1000000, or 0 for none.")
	}
	w.RateLimit, w.RatePeriod = rate.Limit, period
}

// applyState changes status and expiry. Only active and paused can be asked for; the other statuses come about.
func (s *Service) applyState(w *store.Webhook, settings Settings, bad reporter) {
	if settings.ExpiresAt != nil {
		w.ExpiresAt = *settings.ExpiresAt
		if !w.ExpiresAt.IsZero() && !w.ExpiresAt.After(s.Now()) {
			bad("expiresAt", problem.InvalidField, "expiresAt must lie in the future.")
		}
	}
	if settings.Status == nil {
		return
	}
	switch store.WebhookStatus(*settings.Status) {
	case store.WebhookActive:
		if !w.ExpiresAt.IsZero() && !w.ExpiresAt.After(s.Now()) {
			bad("status", problem.InvalidField, "The webhook has expired. Give it a new expiresAt together with status active.")
		}
		w.Status, w.StatusReason, w.FailingSince = store.WebhookActive, "", time.Time{}
	case store.WebhookPaused:
		w.Status, w.StatusReason = store.WebhookPaused, "Paused by the user. Events are kept until it is active again."
	default:
		bad("status", problem.InvalidField, "status must be active or paused.")
	}
}
