package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/switchhook/switchhook/integrations/samples"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/safehttp"
	"github.com/switchhook/switchhook/internal/store"
)

// Replay makes one delivery due at once, with a new schedule.
func (s *Service) Replay(ctx context.Context, d *store.Delivery) error {
	if err := s.Store.ReplayDelivery(ctx, d.AccountID, d.ID, s.Now()); err != nil {
		return err
	}
	s.Bell.Ring(d.AccountID, live.Delivery, d.ID, d.WebhookID)
	s.wake(ctx)
	return nil
}

// ReplaySince makes due again what a webhook's deliveries of the statuses have been made since a time, and returns how many.
func (s *Service) ReplaySince(ctx context.Context, w *store.Webhook, statuses []store.DeliveryStatus, since time.Time) (int64, error) {
	n, err := s.Store.ReplayDeliveries(ctx, w.AccountID, w.ID, statuses, since, s.Now())
	if err != nil {
		return 0, err
	}
	s.Bell.Ring(w.AccountID, live.Delivery, "", w.ID)
	s.wake(ctx)
	return n, nil
}

// wake asks for a sweep: of this process where it delivers, else of those that do, by their next one.
func (s *Service) wake(context.Context) {
	s.lanes.kick()
}

// TestResult is what a receiver answered to a sample.
type TestResult struct {
	StatusCode int // 0: no answer
	Duration   time.Duration
	ErrorCode  string
	Message    string
}

// SendTest sends the sample of an event to a webhook, once, signed like a real one, and waits for the answer. Nothing is stored.
func (s *Service) SendTest(ctx context.Context, w *store.Webhook, eventType string) (TestResult, error) {
	data, channelID, known := samples.Data(eventType)
	if !known {
		return TestResult{}, problem.InvalidOne("event", "There is no sample of this event.")
	}
	now := s.Now()
	e := &store.Event{ID: s.IDs.New("evt"), AccountID: w.AccountID, Type: eventType, ChannelID: channelID, Data: data, CreatedAt: now}
	if carries := s.formats[w.Format].Events; carries != nil && !contains(carries, eventType) {
		return TestResult{}, problem.InvalidOne("event", "The webhook's format has no body for this event.")
	}
	request, _, err := s.request(job{delivery: &store.Delivery{ID: s.IDs.New("dlv")}, webhook: w, event: e}, 1, now)
	if err != nil {
		return TestResult{}, fmt.Errorf("make test request: %w", err)
	}
	response, err := s.HTTP.Post(ctx, request)
	result := TestResult{StatusCode: response.Status, Duration: response.Duration, Message: "The receiver took the sample."}
	var failure *safehttp.Error
	switch {
	case errors.As(err, &failure):
		result.StatusCode, result.ErrorCode, result.Message = 0, failure.Code, failure.Message
	case err != nil:
		return TestResult{}, err
	case response.Status < 200 || response.Status > 299:
		result.Message = reason(Outcome{StatusCode: response.Status})
	}
	return result, nil
}

func contains(all []string, one string) bool {
	for _, each := range all {
		if each == one {
			return true
		}
	}
	return false
}
