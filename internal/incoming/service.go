// Package incoming keeps the incoming webhooks: secret addresses that take posts without a key, each for some channels or a queue.
package incoming

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/limit"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	// maxIncoming bounds an account's incoming webhooks.
	maxIncoming = 1000
	// tokenBytes is how much randomness stands in an address.
	tokenBytes = 32
	// usedEvery is how exactly it is noted when an incoming webhook was last used.
	usedEvery = time.Minute
)

// Channels describes kinds of channels.
type Channels interface {
	// Info describes a kind of channel; false where this build has none of that kind.
	Info(kind string) (connectors.Info, bool)
}

// Options wires a Service. Every field is required.
type Options struct {
	Store    *store.Store
	Sealer   *secret.Sealer
	Channels Channels
	Logger   *slog.Logger
	Now      func() time.Time
	BaseURL  string // what we are reached at, without a slash at its end
}

// Service is safe for concurrent use.
type Service struct{ Options }

// New wires a Service. A missing part is an error that names it.
func New(o Options) (*Service, error) {
	for name, missing := range map[string]bool{
		"Store": o.Store == nil, "Sealer": o.Sealer == nil, "Channels": o.Channels == nil, "Logger": o.Logger == nil, "Now": o.Now == nil, "BaseURL": o.BaseURL == "",
	} {
		if missing {
			return nil, fmt.Errorf("make incoming webhook service: Options.%s is missing", name)
		}
	}
	return &Service{o}, nil
}

// Create stores a new incoming webhook under an id of the caller's ("iwh_…"). All that is wrong is reported at once, by field. One that is
// stored under the id already is returned as it is.
func (s *Service) Create(ctx context.Context, accountID, webhookID string, settings Settings) (*store.IncomingWebhook, error) {
	if earlier, err := s.Store.IncomingWebhook(ctx, accountID, webhookID); err == nil {
		return earlier, nil // the same request again, after its answer was lost
	}
	now := s.Now()
	w := &store.IncomingWebhook{
		ID: webhookID, AccountID: accountID, RateLimit: defaultLimit, RatePeriod: defaultPeriod, CreatedAt: now, UpdatedAt: now,
	}
	if err := s.apply(ctx, w, settings, true); err != nil {
		return nil, err
	}
	if err := s.renew(w); err != nil {
		return nil, err
	}
	err := s.Store.InsertIncomingWebhook(ctx, w, maxIncoming)
	switch {
	case errors.Is(err, store.ErrExists):
		return s.Get(ctx, accountID, webhookID) // the same request beside this one was faster
	case errors.Is(err, store.ErrTooMany):
		return nil, problem.New(problem.TooMany, fmt.Sprintf("An account may have %d incoming webhooks. Delete some that are not needed any more.", maxIncoming))
	case err != nil:
		return nil, fmt.Errorf("store incoming webhook: %w", err)
	}
	return w, nil
}

// Get returns one incoming webhook of an account; another account's is a problem NotFound.
func (s *Service) Get(ctx context.Context, accountID, webhookID string) (*store.IncomingWebhook, error) {
	w, err := s.Store.IncomingWebhook(ctx, accountID, webhookID)
	return w, read(err)
}

// List returns a page of an account's incoming webhooks, newest first.
func (s *Service) List(ctx context.Context, accountID string, page store.Page) ([]*store.IncomingWebhook, error) {
	rows, err := s.Store.IncomingWebhooks(ctx, accountID, page)
	if err != nil {
		return nil, fmt.Errorf("list incoming webhooks: %w", err)
	}
	return rows, nil
}

// Change changes what the settings name. Its address stays.
func (s *Service) Change(ctx context.Context, accountID, webhookID string, settings Settings) (*store.IncomingWebhook, error) {
	return s.locked(ctx, accountID, webhookID, func(ctx context.Context, w *store.IncomingWebhook) error {
		return s.apply(ctx, w, settings, false)
	})
}

// Rotate gives an incoming webhook another address. The one before is not found from then on.
func (s *Service) Rotate(ctx context.Context, accountID, webhookID string) (*store.IncomingWebhook, error) {
	return s.locked(ctx, accountID, webhookID, func(_ context.Context, w *store.IncomingWebhook) error {
		w.UpdatedAt = s.Now()
		return s.renew(w)
	})
}

// Delete deletes an incoming webhook: its address is not found from then on. Posts that came by it stay.
func (s *Service) Delete(ctx context.Context, accountID, webhookID string) error {
	return read(s.Store.DeleteIncomingWebhook(ctx, accountID, webhookID))
}

// ByToken returns the incoming webhook that an address leads to; where there is none it is a problem NotFound. Every token costs the same
// work: one hash and one search for it.
func (s *Service) ByToken(ctx context.Context, token string) (*store.IncomingWebhook, error) {
	w, err := s.Store.IncomingWebhookByTokenAny(ctx, secret.HashAPIKey(secret.String(token)))
	if errors.Is(err, store.ErrNotFound) {
		return nil, problem.New(problem.NotFound, "There is no such incoming webhook. Its address is wrong, or it was deleted: ask whoever gave it to you for another.")
	}
	if err != nil {
		return nil, problem.Unavailable(fmt.Errorf("find incoming webhook: %w", err))
	}
	return w, nil
}

// Used notes that an incoming webhook was used just now. It fails silently but for the log.
func (s *Service) Used(ctx context.Context, w *store.IncomingWebhook) {
	now := s.Now()
	if now.Sub(w.LastUsedAt) < usedEvery {
		return
	}
	if err := s.Store.UsedIncomingWebhookAny(ctx, w.ID, now, now.Add(-usedEvery)); err != nil {
		s.Logger.WarnContext(ctx, "incoming_webhook.note_failed", "incoming_webhook_id", w.ID, "error", err)
	}
}

// Rate is how often an incoming webhook may be used.
func Rate(w *store.IncomingWebhook) limit.Rate {
	return limit.Rate{Limit: w.RateLimit, Period: w.RatePeriod}
}

// URL returns the secret address of an incoming webhook.
func (s *Service) URL(w *store.IncomingWebhook) (string, error) {
	token, err := s.Sealer.Open(w.Token, sealedAs(w.ID))
	if err != nil {
		return "", fmt.Errorf("open token of incoming webhook %s: %w", w.ID, err)
	}
	return s.BaseURL + "/hooks/" + string(token), nil
}

// renew gives a webhook a new token.
func (s *Service) renew(w *store.IncomingWebhook) error {
	token := secret.NewToken(tokenBytes)
	sealed, err := s.Sealer.Seal([]byte(token.Reveal()), sealedAs(w.ID))
	if err != nil {
		return fmt.Errorf("seal token: %w", err)
	}
	w.TokenHash, w.Token = secret.HashAPIKey(token), sealed
	return nil
}

// sealedAs names the place of a sealed token, so that it cannot be moved to another row.
func sealedAs(webhookID string) string { return "incoming_webhooks/" + webhookID + "/token" }

// locked changes a row that nobody else changes meanwhile.
func (s *Service) locked(ctx context.Context, accountID, webhookID string, change func(context.Context, *store.IncomingWebhook) error) (*store.IncomingWebhook, error) {
	var changed *store.IncomingWebhook
	err := s.Store.InTransaction(ctx, func(ctx context.Context) error {
		w, err := s.Store.LockIncomingWebhook(ctx, accountID, webhookID)
		if err != nil {
			return read(err)
		}
		changed = w
		if err := change(ctx, w); err != nil {
			return err
		}
		return read(s.Store.UpdateIncomingWebhook(ctx, w))
	})
	return changed, err
}

// read turns the store's "not found" into the user's.
func read(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return problem.NotFoundOf("incoming webhook")
	}
	if err != nil {
		return fmt.Errorf("read incoming webhook: %w", err)
	}
	return nil
}
