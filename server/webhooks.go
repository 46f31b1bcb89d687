package server

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/webhook"
)

// webhookView is a webhook as answers show it. The secret stands only in the answers that make or rotate it.
type webhookView struct {
	ID           string             `json:"id"`
	URL          string             `json:"url"`
	Events       []string           `json:"events"`
	ChannelIDs   []string           `json:"channelIds"`
	Format       string             `json:"format"`
	Description  string             `json:"description"`
	Headers      map[string]string  `json:"headers"` // values masked
	RateLimit    *webhook.RateLimit `json:"rateLimit"`
	Status       string             `json:"status"`
	StatusReason string             `json:"statusReason"`
	FailingSince timestamp          `json:"failingSince"`
	ExpiresAt    timestamp          `json:"expiresAt"`
	Kind         string             `json:"kind"`
	CreatedAt    timestamp          `json:"createdAt"`
	UpdatedAt    timestamp          `json:"updatedAt"`
	Secret       string             `json:"secret,omitempty"`
	Expiration   *timestamp         `json:"expiration_date,omitempty"` // Zapier subscribes again when it has passed
}

func (s *Server) showWebhook(w *store.Webhook) webhookView {
	kind := w.Kind
	if kind == "" {
		kind = "subscription"
	}
	view := webhookView{
		ID: w.ID, URL: w.URL, Events: w.Events, ChannelIDs: w.ChannelIDs, Format: w.Format, Description: w.Description,
		Headers: map[string]string{}, Status: string(w.Status), StatusReason: w.StatusReason, FailingSince: timestamp(w.FailingSince),
		ExpiresAt: timestamp(w.ExpiresAt), Kind: kind, CreatedAt: timestamp(w.CreatedAt), UpdatedAt: timestamp(w.UpdatedAt),
	}
	if view.ChannelIDs == nil {
		view.ChannelIDs = []string{}
	}
	if w.RateLimit > 0 {
		view.RateLimit = &webhook.RateLimit{Limit: w.RateLimit, Period: w.RatePeriod.String()}
	}
	if !w.ExpiresAt.IsZero() {
		at := timestamp(w.ExpiresAt)
		view.Expiration = &at
	}
	for _, name := range s.Webhooks.HeaderNames(w) {
		view.Headers[name] = "********"
	}
	return view
}

// webhookBody is what a client may set. Zapier and REST hooks say targetUrl, target_url or hookUrl for url, and event for events.
type webhookBody struct {
	URL            *string            `json:"url"`
	TargetURL      *string            `json:"targetUrl"`
	TargetURLSnake *string            `json:"target_url"`
	HookURL        *string            `json:"hookUrl"`
	Event          *string            `json:"event"`
	Events         []string           `json:"events"`
	ChannelIDs     *[]string          `json:"channelIds"`
	Format         *string            `json:"format"`
	Description    *string            `json:"description"`
	Headers        *map[string]string `json:"headers"`
	RateLimit      *webhook.RateLimit `json:"rateLimit"`
	ExpiresAt      *time.Time         `json:"expiresAt"`
	Status         *string            `json:"status"`
}

func (b webhookBody) settings() webhook.Settings {
	address := b.URL
	for _, other := range []*string{b.TargetURL, b.TargetURLSnake, b.HookURL} {
		if address == nil {
			address = other
		}
	}
	events := b.Events
	if b.Event != nil {
		events = append(events, *b.Event)
	}
	return webhook.Settings{
		URL: address, Events: events, ChannelIDs: b.ChannelIDs, Format: b.Format, Description: b.Description,
		Headers: b.Headers, RateLimit: b.RateLimit, ExpiresAt: b.ExpiresAt, Status: b.Status,
	}
}

func (s *Server) listWebhooks(r *request) (answer, error) {
	page, err := r.searchPage("wh")
	if err != nil {
		return answer{}, err
	}
	rows, err := s.Store.Webhooks(r.ctx, r.account(), page)
	if err != nil {
		return answer{}, err
	}
	return listOf(rows, page, s.showWebhook, func(w *store.Webhook) string { return w.ID })
}

func (s *Server) createWebhook(r *request) (answer, error) {
	var body webhookBody
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	w, shown, err := s.Webhooks.Create(r.ctx, r.account(), r.newID("wh", s.Accounts.IDs()), body.settings())
	if err != nil {
		return answer{}, err
	}
	view := s.showWebhook(w)
	view.Secret = shown
	r.Set(fiber.HeaderLocation, s.BaseURL+"/v1/webhooks/"+w.ID) // Power Automate unsubscribes at the address that it finds here
	return created(view)
}

func (s *Server) setSettingsWebhook(r *request) (answer, error) {
	var body struct {
		URL    *string  `json:"url"`
		Events []string `json:"events"`
	}
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	settings := webhook.Settings{URL: body.URL, Events: body.Events}
	w, shown, isNew, err := s.Webhooks.SetSettings(r.ctx, r.account(), r.newID("wh", s.Accounts.IDs()), settings)
	if err != nil {
		return answer{}, err
	}
	view := s.showWebhook(w)
	view.Secret = shown
	if isNew {
		return created(view)
	}
	return ok(view)
}

func (s *Server) getWebhook(r *request) (answer, error) {
	w, err := s.Store.Webhook(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, found(err, "webhook")
	}
	return ok(s.showWebhook(w))
}

func (s *Server) changeWebhook(r *request) (answer, error) {
	var body webhookBody
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	w, err := s.Webhooks.Change(r.ctx, r.account(), r.Params("id"), body.settings())
	if err != nil {
		return answer{}, found(err, "webhook")
	}
	return ok(s.showWebhook(w))
}

func (s *Server) deleteWebhook(r *request) (answer, error) {
	if err := s.Webhooks.Delete(r.ctx, r.account(), r.Params("id")); err != nil {
		return answer{}, found(err, "webhook")
	}
	return noContent()
}

func (s *Server) rotateWebhookSecret(r *request) (answer, error) {
	w, shown, err := s.Webhooks.Rotate(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, found(err, "webhook")
	}
	view := s.showWebhook(w)
	view.Secret = shown
	return ok(view)
}

// testView reports what a receiver answered to a sample: never its body, which could show what only this server can reach.
type testView struct {
	Delivered  bool    `json:"delivered"`
	Event      string  `json:"event"`
	URL        string  `json:"url"`
	StatusCode *int    `json:"statusCode"`
	DurationMS int64   `json:"durationMs"`
	ErrorCode  *string `json:"errorCode"`
	Message    string  `json:"message"`
}

func (s *Server) testWebhook(r *request) (answer, error) {
	w, err := s.Store.Webhook(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, found(err, "webhook")
	}
	return s.sendTest(r, w)
}

func (s *Server) testSettingsWebhook(r *request) (answer, error) {
	w, err := s.Store.SettingsWebhook(r.ctx, r.account())
	if errors.Is(err, store.ErrNotFound) {
		return answer{}, problem.New(problem.NotFound, "This account has no settings webhook yet. Make it with POST /v1/webhooks/settings.")
	}
	if err != nil {
		return answer{}, err
	}
	return s.sendTest(r, w)
}

func (s *Server) sendTest(r *request, w *store.Webhook) (answer, error) {
	var body struct {
		Event string `json:"event"`
	}
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	if body.Event == "" {
		body.Event = w.Events[0]
	}
	if !event.Known(body.Event) {
		return answer{}, problem.InvalidOne("event", "There is no event "+strconv.Quote(body.Event)+". GET /v1/event-types lists them.")
	}
	result, err := s.Deliveries.SendTest(r.ctx, w, body.Event)
	if err != nil {
		return answer{}, err
	}
	address, _, _ := strings.Cut(w.URL, "?")
	view := testView{
		Delivered: result.StatusCode >= 200 && result.StatusCode < 300, Event: body.Event, URL: address,
		DurationMS: result.Duration.Milliseconds(), Message: result.Message,
	}
	if result.StatusCode != 0 {
		view.StatusCode = &result.StatusCode
	}
	if result.ErrorCode != "" {
		view.ErrorCode = &result.ErrorCode
	}
	return ok(view)
}

func (s *Server) replayWebhook(r *request) (answer, error) {
	var body struct {
		Since  *time.Time      `json:"since"`
		Status json.RawMessage `json:"status"`
	}
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	statuses, err := replayStatuses(body.Status)
	if err != nil {
		return answer{}, err
	}
	w, err := s.Store.Webhook(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, found(err, "webhook")
	}
	if w.Status != store.WebhookActive {
		return answer{}, problem.New(problem.Conflict, "The webhook is "+string(w.Status)+". Set its status to active first.")
	}
	var since time.Time
	if body.Since != nil {
		since = *body.Since
	}
	n, err := s.Deliveries.ReplaySince(r.ctx, w, statuses, since)
	if err != nil {
		return answer{}, err
	}
	return ok(map[string]int64{"replayed": n})
}

// replayStatuses reads one status or a list of them. Without any, what failed and what was held is meant.
func replayStatuses(raw json.RawMessage) ([]store.DeliveryStatus, error) {
	statuses := []store.DeliveryStatus{store.DeliveryFailed, store.DeliveryHeld}
	if len(raw) == 0 || string(raw) == "null" {
		return statuses, nil
	}
	var one store.DeliveryStatus
	if json.Unmarshal(raw, &one) == nil {
		statuses = []store.DeliveryStatus{one}
	} else if json.Unmarshal(raw, &statuses) != nil || len(statuses) == 0 {
		return nil, problem.InvalidOne("status", "status must be a delivery status, or a list of them.")
	}
	for _, status := range statuses {
		switch status {
		case store.DeliveryFailed, store.DeliveryHeld, store.DeliveryCancelled, store.DeliveryDelivered:
		default:
			return nil, problem.InvalidOne("status", "status must be one of: failed, held, cancelled, delivered.")
		}
	}
	return statuses, nil
}
