package server

import (
	"encoding/json"
	"errors"

	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/safehttp"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/webhook"
)

type deliveryView struct {
	ID            string         `json:"id"`
	EventID       string         `json:"eventId"`
	Event         string         `json:"event,omitempty"` // missing where the event is gone
	WebhookID     string         `json:"webhookId"`
	Status        string         `json:"status"`
	Attempts      int64          `json:"attempts"`
	NextAttemptAt timestamp      `json:"nextAttemptAt"`
	Reason        string         `json:"reason"`
	CreatedAt     timestamp      `json:"createdAt"`
	UpdatedAt     timestamp      `json:"updatedAt"`
	AttemptLog    *[]attemptView `json:"attemptLog,omitempty"` // with one delivery only, where it is there though empty
}

type attemptView struct {
	Number     int64         `json:"number"`
	StartedAt  timestamp     `json:"startedAt"`
	DurationMS int64         `json:"durationMs"`
	Request    requestView   `json:"request"`
	Response   *responseView `json:"response"`
	Error      *failureView  `json:"error"`
}

type requestView struct {
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

type responseView struct {
	Status      int    `json:"status"`
	ContentType string `json:"contentType"`
	Body        string `json:"body"`
	Truncated   bool   `json:"truncated"`
}

type failureView struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func showDelivery(d *store.Delivery) deliveryView {
	view := deliveryView{
		ID: d.ID, EventID: d.EventID, WebhookID: d.WebhookID, Status: string(d.Status), Attempts: d.Attempts, Reason: d.Reason,
		CreatedAt: timestamp(d.CreatedAt), UpdatedAt: timestamp(d.UpdatedAt),
	}
	if d.Status == store.DeliveryPending {
		view.NextAttemptAt = timestamp(d.DueAt)
	}
	return view
}

func (s *Server) listDeliveries(r *request) (answer, error) {
	page, err := r.page("dlv")
	if err != nil {
		return answer{}, err
	}
	status, err := r.oneOf("status", "pending", "held", "delivered", "failed", "cancelled")
	if err != nil {
		return answer{}, err
	}
	filter := store.DeliveryFilter{
		Status: store.DeliveryStatus(status), WebhookID: r.Query("webhookId"), EventID: r.Query("eventId"), Event: r.Query("event"),
	}
	if filter.Event != "" && !event.Known(filter.Event) {
		return answer{}, problem.InvalidOne("event", "There is no such event. GET /v1/event-types lists them.")
	}
	if filter.Since, filter.Until, err = r.during("since", "until"); err != nil {
		return answer{}, err
	}
	rows, err := s.Store.Deliveries(r.ctx, r.account(), filter, page)
	if err != nil {
		return answer{}, err
	}
	events := make([]string, len(rows))
	for i, d := range rows {
		events[i] = d.EventID
	}
	types, err := s.Store.EventTypes(r.ctx, r.account(), events)
	if err != nil {
		return answer{}, err
	}
	return listOf(rows, page, func(d *store.Delivery) deliveryView {
		view := showDelivery(d)
		view.Event = types[d.EventID]
		return view
	}, func(d *store.Delivery) string { return d.ID })
}

func (s *Server) getDelivery(r *request) (answer, error) {
	d, err := s.Store.Delivery(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, found(err, "delivery")
	}
	attempts, err := s.Store.Attempts(r.ctx, r.account(), d.ID)
	if err != nil {
		return answer{}, err
	}
	view := showDelivery(d)
	e, err := s.Store.Event(r.ctx, r.account(), d.EventID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return answer{}, err
	}
	if e != nil {
		view.Event = e.Type
	}
	log := make([]attemptView, 0, len(attempts))
	for _, a := range attempts {
		log = append(log, showAttempt(a, e))
	}
	view.AttemptLog = &log
	return ok(view)
}

// showAttempt shows what was sent and what came back. The body sent is the event in the attempt's format: it is written
// anew, since the same event always gives the same bytes.
func showAttempt(a *store.Attempt, e *store.Event) attemptView {
	view := attemptView{
		Number: a.Number, StartedAt: timestamp(a.StartedAt), DurationMS: a.Duration.Milliseconds(),
		Request: requestView{URL: a.URL, Headers: map[string]string{}},
	}
	_ = json.Unmarshal([]byte(a.RequestHeaders), &view.Request.Headers) // written by us; empty where nothing was sent
	if format, known := webhook.Formats()[a.Format]; known && e != nil {
		if body, err := format.Body(e); err == nil {
			view.Request.Body = string(body)
		}
	}
	if a.StatusCode != 0 {
		view.Response = &responseView{
			Status: a.StatusCode, ContentType: a.ResponseType, Body: a.ResponseBody, Truncated: len(a.ResponseBody) >= safehttp.MaxAnswer,
		}
	}
	if a.ErrorCode != "" {
		view.Error = &failureView{a.ErrorCode, a.ErrorMessage}
	}
	return view
}

func (s *Server) replayDelivery(r *request) (answer, error) {
	d, err := s.Store.Delivery(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, found(err, "delivery")
	}
	w, err := s.Store.Webhook(r.ctx, r.account(), d.WebhookID)
	if errors.Is(err, store.ErrNotFound) {
		return answer{}, problem.New(problem.Conflict, "The delivery's webhook was deleted. Make a new webhook; GET /v1/events still has the event.")
	}
	if err != nil {
		return answer{}, err
	}
	if w.Status != store.WebhookActive {
		return answer{}, problem.New(problem.Conflict, "The delivery's webhook is "+string(w.Status)+". Set its status to active first.")
	}
	err = s.Deliveries.Replay(r.ctx, d)
	if errors.Is(err, store.ErrExists) {
		return answer{}, problem.New(problem.Conflict, "The delivery is being tried at this moment.")
	}
	if err != nil {
		return answer{}, found(err, "delivery")
	}
	if d, err = s.Store.Delivery(r.ctx, r.account(), d.ID); err != nil {
		return answer{}, found(err, "delivery")
	}
	return ok(showDelivery(d))
}
