// Package webhook keeps the outgoing subscriptions: who wants which events, at which address, signed how, in which format.
package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/safehttp"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	// maxWebhooks bounds an account's subscriptions: each event is matched against all of them.
	maxWebhooks = 1000
	// rotationOverlap is how long both secrets sign after a rotation; Svix and Outpost use the same.
	rotationOverlap = 24 * time.Hour
)

// Options wires a Service. All fields but Bell are required.
type Options struct {
	Store  *store.Store
	Sealer *secret.Sealer
	IDs    *id.Generator
	HTTP   *safehttp.Client // checks addresses
	Now    func() time.Time
	Bell   *live.Bell // optional: tells open pages
}

// Service makes, changes and ends webhooks.
type Service struct{ Options }

// New wires a Service. A missing part is an error that names it.
func New(o Options) (*Service, error) {
	if o.Store == nil || o.Sealer == nil || o.IDs == nil || o.HTTP == nil || o.Now == nil {
		return nil, errors.New("make webhook service: Options.Store, Sealer, IDs, HTTP or Now is missing")
	}
	return &Service{o}, nil
}

// Create stores a new webhook and returns it with its secret as it is shown, once.
func (s *Service) Create(ctx context.Context, accountID, webhookID string, settings Settings) (*store.Webhook, string, error) {
	if existing, err := s.Store.Webhook(ctx, accountID, webhookID); err == nil {
		shown, err := s.Reveal(existing) // the same request again, after its answer was lost
		return existing, shown, err
	}
	n, err := s.Store.CountWebhooks(ctx, accountID)
	if err != nil {
		return nil, "", err
	}
	if n >= maxWebhooks {
		return nil, "", problem.New(problem.TooMany, fmt.Sprintf("An account may have %d webhooks. Delete some that are not needed any more.", maxWebhooks))
	}
	w := &store.Webhook{ID: webhookID, AccountID: accountID, Format: FormatSwitchhook, Status: store.WebhookActive, CreatedAt: s.Now()}
	if err := s.apply(ctx, w, settings, true); err != nil {
		return nil, "", err
	}
	shown := secret.NewWebhookSecret().Reveal()
	if w.Secret, err = s.Sealer.Seal([]byte(shown), sealedAs(w.ID, "secret")); err != nil {
		return nil, "", err
	}
	if err := s.Store.InsertWebhook(ctx, w); err != nil {
		return w, shown, err
	}
	s.Bell.Ring(accountID, live.Webhook, w.ID, "")
	return w, shown, nil
}

// Change changes what the settings name. A status of active resumes: what a paused webhook missed becomes due.
func (s *Service) Change(ctx context.Context, accountID, webhookID string, settings Settings) (*store.Webhook, error) {
	var w *store.Webhook
	err := s.Store.InTransaction(ctx, func(ctx context.Context) (err error) {
		if w, err = s.Store.LockWebhook(ctx, accountID, webhookID); err != nil {
			return err
		}
		before := w.Status
		if err := s.apply(ctx, w, settings, false); err != nil {
			return err
		}
		if err := s.Store.UpdateWebhook(ctx, w); err != nil {
			return err
		}
		switch {
		case before != store.WebhookPaused && w.Status == store.WebhookPaused:
			return s.Store.HoldDeliveries(ctx, w.ID, s.Now())
		case before == store.WebhookPaused && w.Status == store.WebhookActive:
			return s.Store.ReleaseHeld(ctx, w.ID, s.Now())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.Bell.Ring(accountID, live.Webhook, w.ID, "")
	s.Bell.Ring(accountID, live.Delivery, "", w.ID) // those that were held or became due
	return w, nil
}

// SetSettings makes or replaces the account's settings webhook (the SocialSyncer contract). Its secret stays when it is replaced.
func (s *Service) SetSettings(ctx context.Context, accountID, webhookID string, settings Settings) (*store.Webhook, string, bool, error) {
	existing, err := s.Store.SettingsWebhook(ctx, accountID)
	if errors.Is(err, store.ErrNotFound) {
		format := FormatSocialSyncer
		settings.kind, settings.Format = store.KindSettings, &format
		w, shown, err := s.Create(ctx, accountID, webhookID, settings)
		if !errors.Is(err, store.ErrExists) {
			return w, shown, true, err
		}
		if existing, err = s.Store.SettingsWebhook(ctx, accountID); err != nil {
			return nil, "", false, err
		}
	} else if err != nil {
		return nil, "", false, err
	}
	// Replacing makes it as if it were new, but for its id and secret: it gets events again whatever had ended it.
	active, forever := string(store.WebhookActive), time.Time{}
	settings.Status, settings.ExpiresAt, settings.whole = &active, &forever, true
	w, err := s.Change(ctx, accountID, existing.ID, settings)
	if err != nil {
		return nil, "", false, err
	}
	shown, err := s.Reveal(w)
	return w, shown, false, err
}

// Rotate gives a webhook a new secret. For 24 hours the old one signs too.
func (s *Service) Rotate(ctx context.Context, accountID, webhookID string) (*store.Webhook, string, error) {
	var w *store.Webhook
	shown := secret.NewWebhookSecret().Reveal()
	err := s.Store.InTransaction(ctx, func(ctx context.Context) (err error) {
		if w, err = s.Store.LockWebhook(ctx, accountID, webhookID); err != nil {
			return err
		}
		old, err := s.Reveal(w)
		if err != nil {
			return err
		}
		if w.PreviousSecret, err = s.Sealer.Seal([]byte(old), sealedAs(w.ID, "previous_secret")); err != nil {
			return err
		}
		if w.Secret, err = s.Sealer.Seal([]byte(shown), sealedAs(w.ID, "secret")); err != nil {
			return err
		}
		w.PreviousExpiresAt, w.UpdatedAt = s.Now().Add(rotationOverlap), s.Now()
		return s.Store.UpdateWebhook(ctx, w)
	})
	if err != nil {
		return nil, "", err
	}
	s.Bell.Ring(accountID, live.Webhook, w.ID, "")
	return w, shown, nil
}

// Delete ends a webhook for good and cancels what waits for it.
func (s *Service) Delete(ctx context.Context, accountID, webhookID string) error {
	if err := s.Store.DeleteWebhook(ctx, accountID, webhookID, s.Now()); err != nil {
		return err
	}
	s.Bell.Ring(accountID, live.Webhook, webhookID, "")
	s.Bell.Ring(accountID, live.Delivery, "", webhookID)
	return nil
}

// Reveal returns a webhook's secret as it is shown.
func (s *Service) Reveal(w *store.Webhook) (string, error) {
	plain, err := s.Sealer.Open(w.Secret, sealedAs(w.ID, "secret"))
	if err != nil {
		return "", fmt.Errorf("open secret of webhook %s: %w", w.ID, err)
	}
	return string(plain), nil
}

// Secrets returns the secrets that sign at a time: the present one, and during a rotation the one before.
func Secrets(sealer *secret.Sealer, w *store.Webhook, at time.Time) ([]string, error) {
	plain, err := sealer.Open(w.Secret, sealedAs(w.ID, "secret"))
	if err != nil {
		return nil, fmt.Errorf("open secret of webhook %s: %w", w.ID, err)
	}
	secrets := []string{string(plain)}
	if w.PreviousSecret == "" || !at.Before(w.PreviousExpiresAt) {
		return secrets, nil
	}
	if plain, err = sealer.Open(w.PreviousSecret, sealedAs(w.ID, "previous_secret")); err != nil {
		return nil, fmt.Errorf("open previous secret of webhook %s: %w", w.ID, err)
	}
	return append(secrets, string(plain)), nil
}

// CustomHeaders returns the headers that a webhook's owner has given it, sorted by name.
func CustomHeaders(sealer *secret.Sealer, w *store.Webhook) ([]Header, error) {
	if w.Headers == "" {
		return nil, nil
	}
	plain, err := sealer.Open(w.Headers, sealedAs(w.ID, "headers"))
	if err != nil {
		return nil, fmt.Errorf("open headers of webhook %s: %w", w.ID, err)
	}
	var byName map[string]string
	if err := json.Unmarshal(plain, &byName); err != nil {
		return nil, fmt.Errorf("read headers of webhook %s: %w", w.ID, err)
	}
	headers := make([]Header, 0, len(byName))
	for name, value := range byName {
		headers = append(headers, Header{name, value})
	}
	sort.Slice(headers, func(i, j int) bool { return headers[i].Name < headers[j].Name })
	return headers, nil
}

// sealedAs names the place of a sealed value, so that it cannot be moved to another row or column.
func sealedAs(webhookID, column string) string { return "webhooks/" + webhookID + "/" + column }

// HeaderNames returns the names of a webhook's own headers. Headers that cannot be opened show as none.
func (s *Service) HeaderNames(w *store.Webhook) []string {
	headers, err := CustomHeaders(s.Sealer, w)
	if err != nil {
		return nil
	}
	names := make([]string, len(headers))
	for i, h := range headers {
		names[i] = h.Name
	}
	return names
}
