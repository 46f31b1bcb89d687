package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/limit"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/safehttp"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/webhook"
)

// recordTimeout bounds the database's part of an attempt.
const recordTimeout = 20 * time.Second

// run makes one attempt of a job and stores what came of it. It is called by a worker.
func (s *Service) run(j job) {
	shown, postponed := unknown, false
	defer func() {
		if !postponed {
			s.lanes.done(j, shown)
		}
	}()
	defer func() {
		if p := recover(); p != nil {
			s.Logger.Error("delivery.panic", "delivery_id", j.delivery.ID, "panic", fmt.Sprint(p))
			s.store(j, s.Now(), unusable(), attemptDetails{}) // no fault of the receiver's, so nobody judges it
		}
	}()
	if !s.refresh(&j) {
		return
	}
	if rest := s.rest(&j); !rest.IsZero() {
		if postponed = s.lanes.postpone(j, rest); !postponed {
			s.giveBack(s.ctx, []string{j.delivery.ID}, rest)
		}
		return
	}
	shown = s.attempt(j)
}

// unusable is the outcome where there is nothing that could be sent.
func unusable() Outcome {
	return Outcome{ErrorCode: "internal", ErrorMessage: "The event could not be turned into a request."}
}

// refresh reads the webhook anew when the job has waited long, so that a change, a pause or a deletion counts.
func (s *Service) refresh(j *job) bool {
	if s.Now().Sub(j.readAt) < snapshotAge {
		return true
	}
	ctx, cancel := context.WithTimeout(s.ctx, recordTimeout)
	defer cancel()
	found, err := s.Store.WebhooksAny(ctx, []string{j.webhook.ID})
	if err != nil {
		s.giveBack(s.ctx, []string{j.delivery.ID}, s.Now().Add(time.Second))
		return false
	}
	w := found[j.webhook.ID]
	if w == nil || w.Status != store.WebhookActive {
		s.end(s.ctx, []job{{delivery: j.delivery, webhook: w, event: j.event}})
		return false
	}
	j.webhook, j.readAt = w, s.Now()
	return true
}

// rest takes one of the webhook's own rate limit. When there is none left, it returns until when there is none.
func (s *Service) rest(j *job) time.Time {
	if j.webhook.RateLimit <= 0 {
		return time.Time{}
	}
	rate := limit.Rate{Limit: j.webhook.RateLimit, Period: j.webhook.RatePeriod}
	result, err := s.Limiter.Take(s.ctx, "webhook:"+j.webhook.ID, rate)
	if err != nil || result.Allowed {
		return time.Time{} // without Redis nothing is counted; to deliver is better than to wait
	}
	return result.Reset
}

// attemptDetails is what is recorded beside the outcome.
type attemptDetails struct {
	duration     time.Duration
	headers      string
	responseType string
	responseBody string
	replies      []string
}

func (s *Service) attempt(j job) verdict {
	startedAt := s.Now()
	number := j.delivery.Attempts + 1
	request, headers, err := s.request(j, number, startedAt)
	if err != nil {
		s.Logger.Error("delivery.unusable", "delivery_id", j.delivery.ID, "error", err)
		s.recordOutcome(j, startedAt, unusable(), attemptDetails{})
		return unknown
	}
	response, err := s.HTTP.Post(s.ctx, request)
	details := attemptDetails{
		duration: response.Duration, headers: headers, responseType: clean(response.ContentType), responseBody: clean(string(response.Body)),
	}
	outcome := Outcome{StatusCode: response.Status, RetryAfter: response.RetryAfter}
	if err != nil {
		var failure *safehttp.Error
		if !errors.As(err, &failure) || s.ctx.Err() != nil {
			s.giveBack(s.ctx, []string{j.delivery.ID}, s.Now()) // we are stopping: this was no attempt of the receiver's making
			return unknown
		}
		outcome = Outcome{ErrorCode: failure.Code, ErrorMessage: clean(failure.Message)}
	} else if j.event.Type == event.MessageReceived && outcome.delivered() && !response.Truncated {
		details.replies = Replies(response.Body)
	}
	if s.recordOutcome(j, startedAt, outcome, details) && outcome.delivered() {
		return works
	}
	return fails
}

// request makes the request of one attempt, and its headers as they are recorded: custom ones masked.
func (s *Service) request(j job, number int64, at time.Time) (safehttp.Request, string, error) {
	format, ok := s.formats[j.webhook.Format]
	if !ok {
		return safehttp.Request{}, "", fmt.Errorf("unknown format %q", j.webhook.Format)
	}
	body, err := s.bodies.of(format, j.event)
	if err != nil {
		return safehttp.Request{}, "", err
	}
	secrets, err := webhook.Secrets(s.Sealer, j.webhook, at)
	if err != nil {
		return safehttp.Request{}, "", err
	}
	custom, err := webhook.CustomHeaders(s.Sealer, j.webhook)
	if err != nil {
		return safehttp.Request{}, "", err
	}
	signed := format.Headers(webhook.Signing{Event: j.event, DeliveryID: j.delivery.ID, Attempt: number, At: at, Body: body, Secrets: secrets})
	request := safehttp.Request{URL: j.webhook.URL, Body: body, Header: make([]safehttp.Header, 0, 1+len(signed)+len(custom))}
	request.Header = append(request.Header, safehttp.Header{Name: "Content-Type", Value: "application/json"})
	for _, h := range signed {
		request.Header = append(request.Header, safehttp.Header(h))
	}
	shown := showHeaders(request.Header, custom)
	for _, h := range custom {
		request.Header = append(request.Header, safehttp.Header(h))
	}
	return request, shown, nil
}

// showHeaders writes the headers as a JSON object by hand: it is done for each attempt, and the signed ones need no escaping.
func showHeaders(headers []safehttp.Header, custom []webhook.Header) string {
	var b strings.Builder
	b.Grow(512)
	for i, h := range headers {
		b.WriteString(`,"`[btoi(i == 0):])
		b.WriteString(h.Name + `":"` + h.Value + `"`)
	}
	for _, h := range custom {
		b.WriteString(`,"` + h.Name + `":"***"`)
	}
	return "{" + b.String() + "}"
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// recordOutcome decides, stores and tells. It reports whether that is stored.
func (s *Service) recordOutcome(j job, startedAt time.Time, outcome Outcome, details attemptDetails) bool {
	next, decision, stored := s.store(j, startedAt, outcome, details)
	if stored {
		s.tell(j, next, outcome, decision, details, startedAt)
	}
	return stored
}

// store decides what an attempt makes of its delivery, and stores both.
func (s *Service) store(j job, startedAt time.Time, outcome Outcome, details attemptDetails) (*store.Delivery, Decision, bool) {
	now := s.Now()
	decision := Decide(outcome, j.delivery.Tries, s.Schedule, now)
	next := *j.delivery
	next.Status, next.DueAt, next.Reason = decision.Status, decision.DueAt, decision.Reason
	next.Attempts++
	if decision.Counts {
		next.Tries++
	}
	result := &store.AttemptResult{
		Attempt: store.Attempt{
			DeliveryID: next.ID, Number: next.Attempts, StartedAt: startedAt, Duration: details.duration, URL: j.webhook.URL,
			RequestHeaders: details.headers, Format: j.webhook.Format, StatusCode: outcome.StatusCode, ErrorCode: outcome.ErrorCode,
			ErrorMessage: outcome.ErrorMessage, ResponseType: details.responseType, ResponseBody: details.responseBody,
		},
		Delivery: &next, Worker: s.WorkerID, Replies: s.replies(j, details.replies, now),
	}
	ctx, cancel := context.WithTimeout(context.Background(), recordTimeout)
	defer cancel()
	if err := s.records.Do(ctx, result); err != nil {
		// The receiver may have it, and nobody knows: the delivery is made again, with the same event id.
		s.Logger.Error("delivery.record_failed", "delivery_id", next.ID, "error", err)
		s.giveBack(s.ctx, []string{next.ID}, now.Add(s.Schedule[0]))
		return nil, decision, false
	}
	return &next, decision, true
}

// record stores a group of attempts.
func (s *Service) record(ctx context.Context, results []*store.AttemptResult) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	if err := s.Store.RecordAttemptsAny(ctx, results, s.Now()); err != nil {
		return err
	}
	for _, r := range results {
		s.Bell.Ring(r.Delivery.AccountID, live.Delivery, r.Delivery.ID, r.Delivery.WebhookID)
		for _, m := range r.Replies {
			s.Bell.Ring(m.AccountID, live.Message, m.ID, m.ChannelID+" "+m.Peer)
		}
	}
	return nil
}

// tell does what follows a stored attempt: the log line, the alarm for the next try, the replies, the webhook's own state.
func (s *Service) tell(j job, next *store.Delivery, o Outcome, decision Decision, details attemptDetails, startedAt time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), recordTimeout)
	defer cancel()
	s.Observer.ObserveAttempt(string(next.Status), details.duration, startedAt.Sub(next.CreatedAt))
	if level := levelOf(next.Status); s.Logger.Enabled(ctx, level) {
		s.Logger.LogAttrs(ctx, level, "delivery.attempted", slog.String("delivery_id", next.ID), slog.String("event_id", next.EventID),
			slog.String("webhook_id", next.WebhookID), slog.Int64("attempt", next.Attempts), slog.Int("status_code", o.StatusCode),
			slog.String("error_code", o.ErrorCode), slog.Int64("duration_ms", details.duration.Milliseconds()), slog.String("result", string(next.Status)))
	}
	if len(details.replies) > 0 && s.replier != nil {
		s.replier.Kick()
	}
	if next.Status == store.DeliveryPending {
		if err := s.Alarm.At(ctx, "deliver", next.ID, int(next.Attempts+1), next.DueAt); err != nil {
			s.Logger.Debug("delivery.alarm_failed", "delivery_id", next.ID, "error", err) // the sweep comes to it
		}
	}
	if err := s.judge(ctx, j.webhook, decision); err != nil {
		s.Logger.Error("webhook.mark_failed", "webhook_id", j.webhook.ID, "error", err)
	}
}

func levelOf(status store.DeliveryStatus) slog.Level {
	if status == store.DeliveryDelivered {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// judge keeps the webhook's own state: since when it fails, and whether that is too long.
func (s *Service) judge(ctx context.Context, w *store.Webhook, decision Decision) error {
	now := s.Now()
	switch {
	case decision.Unsubscribe:
		return s.switchOff(ctx, w, store.WebhookUnsubscribed, decision.Reason, now)
	case decision.Status == store.DeliveryDelivered && w.FailingSince.IsZero():
		return nil
	case decision.Status == store.DeliveryDelivered:
		return s.mark(ctx, w, false, now)
	case !decision.Counts:
		return nil
	case w.FailingSince.IsZero():
		return s.mark(ctx, w, true, now)
	case now.Sub(w.FailingSince) >= disableAfter:
		reason := "Its receiver has only failed for 5 days. The last failure: " + decision.Reason + " Mend it, set the webhook's status to active, and replay."
		return s.switchOff(ctx, w, store.WebhookDisabled, reason, now)
	}
	return nil
}

// mark notes that a webhook has begun to fail, or works again.
func (s *Service) mark(ctx context.Context, w *store.Webhook, failing bool, now time.Time) error {
	if err := s.Store.MarkWebhookAny(ctx, w.ID, failing, now); err != nil {
		return err
	}
	s.Bell.Ring(w.AccountID, live.Webhook, w.ID, "")
	return nil
}

// switchOff ends a webhook and raises webhook.disabled, once.
func (s *Service) switchOff(ctx context.Context, w *store.Webhook, status store.WebhookStatus, reason string, now time.Time) error {
	ended, err := s.Store.EndWebhookAny(ctx, w.ID, status, reason, now)
	if err != nil || !ended {
		return err
	}
	s.Bell.Ring(w.AccountID, live.Webhook, w.ID, "")
	s.Bell.Ring(w.AccountID, live.Delivery, "", w.ID)
	if s.publisher == nil {
		return nil
	}
	s.Logger.Warn("webhook.switched_off", "webhook_id", w.ID, "status", status, "reason", reason)
	address, _, _ := strings.Cut(w.URL, "?")
	return s.publisher.Publish(ctx, &event.Draft{
		AccountID: w.AccountID, Type: event.WebhookDisabled,
		Data: event.WebhookData{WebhookID: w.ID, URL: address, Status: string(status), Reason: reason, Timestamp: now.UTC().Format(webhook.Millis)},
	})
}

// replies makes the messages that a receiver's answer asked for. They are stored with the attempt, so that a crash
// neither loses nor doubles them.
func (s *Service) replies(j job, texts []string, now time.Time) []*store.Message {
	if len(texts) == 0 {
		return nil
	}
	var data event.MessageData
	if err := json.Unmarshal(j.event.Data, &data); err != nil || data.From == "" {
		return nil
	}
	peer := data.From
	if data.Chat != "" {
		peer = data.Chat // what is said in a group is answered there
	}
	messages := make([]*store.Message, len(texts))
	for i, text := range texts {
		messages[i] = &store.Message{
			ID: s.IDs.New("msg"), AccountID: j.event.AccountID, ChannelID: j.event.ChannelID, Direction: store.Outbound,
			Peer: peer, PeerName: data.PushName, Type: "text", Text: text, Status: store.MessageQueued,
			Origin: j.delivery.ID, OriginSeq: int64(i), DueAt: now, CreatedAt: now, UpdatedAt: now,
		}
	}
	return messages
}

const (
	maxReplies     = 10   // messages that one answer may ask for
	maxReplyLength = 4096 // characters; the longest text that a network takes is WhatsApp's 4,096
)

// Replies reads the texts that a receiver wants sent from its answer, {"reply": "…"} or {"replies": ["…", "…"]}: at most ten, in order.
// Anything else asks for nothing.
func Replies(body []byte) []string {
	var wanted struct {
		Reply   any `json:"reply"`
		Replies any `json:"replies"`
	}
	if len(body) == 0 || !utf8.Valid(body) || json.Unmarshal(body, &wanted) != nil {
		return nil
	}
	several, _ := wanted.Replies.([]any)
	var texts []string
	for _, one := range append([]any{wanted.Reply}, several...) {
		text, ok := one.(string)
		text = strings.TrimSpace(strings.ReplaceAll(text, "\x00", ""))
		if ok && text != "" && utf8.RuneCountInString(text) <= maxReplyLength && len(texts) < maxReplies {
			texts = append(texts, text)
		}
	}
	return texts
}

// clean makes foreign text storable: valid UTF-8 without NUL, which PostgreSQL refuses.
func clean(text string) string {
	if utf8.ValidString(text) && !strings.Contains(text, "\x00") {
		return text
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
