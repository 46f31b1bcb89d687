package store

import (
	"context"
	"slices"
	"time"

	"go.mau.fi/util/dbutil"
)

// Attempt is one request that a delivery made, and what came back.
type Attempt struct {
	DeliveryID     string
	Number         int64
	StartedAt      time.Time
	Duration       time.Duration
	URL            string
	RequestHeaders string // JSON object; secret values masked
	Format         string // the body sent is the event in this format
	StatusCode     int    // 0: no answer
	ErrorCode      string // why there was no answer
	ErrorMessage   string
	ResponseType   string // Content-Type of the answer
	ResponseBody   string // its first 16 KiB
}

// AttemptResult is an attempt and what it makes of its delivery.
type AttemptResult struct {
	Attempt  Attempt
	Delivery *Delivery // with its new Status, Attempts, Tries, DueAt and Reason
	Worker   string    // who made it; the delivery changes only while it is still the owner
	Replies  []*Message
}

const (
	attemptColumns = `delivery_id, number, started_at, duration, url, request_headers, format, status_code, error_code,
		error_message, response_type, response_body`
	attemptWidth      = 12
	listAttemptsQuery = `SELECT ` + attemptColumns + ` FROM attempts WHERE delivery_id = $1 ORDER BY number`
	// No condition on status: only pending deliveries have an owner, and with one PostgreSQL would rather read the index of
	// all pending deliveries than find these by their ids.
	deliveredQuery = `UPDATE deliveries SET status = 'delivered', attempts = attempts + 1, tries = tries + 1, owner = NULL, reason = '', updated_at = $1
		WHERE owner = $2 AND id IN `
	afterAttemptQuery = `UPDATE deliveries SET status = $3, attempts = $4, tries = $5, due_at = $6, owner = NULL, reason = $7, updated_at = $8
		WHERE id = $1 AND owner = $2 AND status = 'pending'`
)

func scanAttempt(row dbutil.Scannable) (*Attempt, error) {
	var a Attempt
	var started, duration int64
	err := row.Scan(&a.DeliveryID, &a.Number, &started, &duration, &a.URL, &a.RequestHeaders, &a.Format, &a.StatusCode,
		&a.ErrorCode, &a.ErrorMessage, &a.ResponseType, &a.ResponseBody)
	if err != nil {
		return nil, err
	}
	a.StartedAt, a.Duration = FromMillis(started), time.Duration(duration)*time.Microsecond
	return &a, nil
}

// Attempts lists the attempts of a delivery of an account, oldest first.
func (s *Store) Attempts(ctx context.Context, accountID, deliveryID string) ([]*Attempt, error) {
	if _, err := s.Delivery(ctx, accountID, deliveryID); err != nil {
		return nil, err
	}
	return queryAll(ctx, s.reader(ctx), scanAttempt, listAttemptsQuery, deliveryID)
}

// RecordAttemptsAny stores attempts, what they make of their deliveries and the replies that they asked for, in one
// transaction. A delivery that has another owner by now keeps its state. Only the first answer of a delivery that asks for replies
// gets them: the receiver of a repeated delivery asks again.
func (s *Store) RecordAttemptsAny(ctx context.Context, results []*AttemptResult, now time.Time) error {
	b := &batch{}
	// Two workers may have made the same attempt when one was taken for dead; the first one's record stays.
	b.insert(`INSERT INTO attempts (`+attemptColumns+`)`, `ON CONFLICT (delivery_id, number) DO NOTHING`, attemptWidth, attemptArgs(results))
	delivered := map[string][]string{} // by worker; the common case goes in one statement
	var replies []*Message
	for _, r := range results {
		replies = append(replies, r.Replies...)
		d := r.Delivery
		if d.Status == DeliveryDelivered {
			delivered[r.Worker] = append(delivered[r.Worker], d.ID)
			continue
		}
		b.add(afterAttemptQuery, d.ID, r.Worker, d.Status, d.Attempts, d.Tries, Millis(d.DueAt), d.Reason, Millis(now))
	}
	for worker, ids := range delivered {
		if err := chunks(ids, func(ids []string) error {
			list, args := inList(2, ids)
			b.add(deliveredQuery+`(`+list+`)`, append([]any{Millis(now), worker}, args...)...)
			return nil
		}); err != nil {
			return err
		}
	}
	replies, err := s.unanswered(ctx, replies)
	if err != nil {
		return err
	}
	count := tally{}
	count.attempts(results, now)
	addMessages(b, replies, count)
	s.addTally(b, count, now)
	return s.send(ctx, b)
}

// unanswered returns the replies of deliveries that have not asked for any before.
func (s *Store) unanswered(ctx context.Context, replies []*Message) ([]*Message, error) {
	var origins []string
	for _, m := range replies {
		origins = append(origins, m.Origin)
	}
	answered := map[string]bool{}
	b := &batch{}
	err := chunks(origins, func(origins []string) error {
		list, args := inList(0, origins)
		queryInto(b, scanText, func(origin string) { answered[origin] = true }, `SELECT origin FROM messages WHERE origin IN (`+list+`)`, args...)
		return nil
	})
	if err == nil {
		err = s.ask(ctx, b)
	}
	return slices.DeleteFunc(replies, func(m *Message) bool { return answered[m.Origin] }), err
}

// attemptArgs returns the values of attemptColumns, row after row.
func attemptArgs(results []*AttemptResult) []any {
	args := make([]any, 0, len(results)*attemptWidth)
	for _, r := range results {
		a := &r.Attempt
		args = append(args, a.DeliveryID, a.Number, Millis(a.StartedAt), a.Duration.Microseconds(), a.URL, a.RequestHeaders, a.Format,
			a.StatusCode, a.ErrorCode, a.ErrorMessage, a.ResponseType, a.ResponseBody)
	}
	return args
}
