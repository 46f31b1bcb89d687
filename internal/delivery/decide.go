package delivery

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/switchhook/switchhook/internal/store"
)

const (
	// minWait and maxWait clamp a Retry-After, as the Standard Webhooks kit does.
	minWait = time.Second
	maxWait = 24 * time.Hour

	// jitter spreads retries, so that what failed together does not come back together: each wait is up to 10 % longer.
	jitter = 0.1

	// disableAfter is how long a webhook may only fail before it is switched off.
	disableAfter = 5 * 24 * time.Hour
)

// Outcome is what one attempt met.
type Outcome struct {
	StatusCode   int    // 0: no answer
	RetryAfter   string // the header as it came
	ErrorCode    string // with StatusCode 0
	ErrorMessage string
}

// delivered reports whether the receiver took it.
func (o Outcome) delivered() bool { return o.StatusCode >= 200 && o.StatusCode < 300 }

// Decision is what an outcome makes of a delivery.
type Decision struct {
	Status      store.DeliveryStatus
	DueAt       time.Time // of the next try, with Status pending
	Counts      bool      // the attempt used up one step of the schedule
	Unsubscribe bool      // the receiver does not want anything from this webhook any more
	Reason      string    // a sentence; empty when delivered
}

// Decide is the table of design.md section 6. tries are the attempts of the present schedule before this one.
func Decide(o Outcome, tries int64, schedule []time.Duration, now time.Time) Decision {
	switch {
	case o.delivered():
		return Decision{Status: store.DeliveryDelivered, Counts: true}
	case o.StatusCode == http.StatusGone:
		return Decision{
			Status: store.DeliveryCancelled, Counts: true, Unsubscribe: true,
			Reason: "The receiver answered 410 Gone, so the webhook was unsubscribed.",
		}
	}
	if o.StatusCode == http.StatusTooManyRequests || o.StatusCode == http.StatusServiceUnavailable {
		if wait, ok := parseRetryAfter(o.RetryAfter, now); ok {
			return Decision{
				Status: store.DeliveryPending, DueAt: now.Add(wait),
				Reason: fmt.Sprintf("The receiver answered %d and asked to wait %s.", o.StatusCode, wait.Round(time.Second)),
			}
		}
	}
	d := Decision{Status: store.DeliveryPending, Counts: true, Reason: reason(o)}
	if int(tries) >= len(schedule) {
		d.Status = store.DeliveryFailed
		return d
	}
	wait := schedule[tries]
	d.DueAt = now.Add(wait + time.Duration(rand.Float64()*jitter*float64(wait))) //nolint:gosec // spreading needs no secrecy
	return d
}

func reason(o Outcome) string {
	switch {
	case o.StatusCode == 0:
		return o.ErrorMessage
	case o.StatusCode == http.StatusNotFound:
		return "The receiver answered 404: there is nothing at this address. In n8n that means that the workflow is not published."
	case o.StatusCode >= 300 && o.StatusCode < 400:
		return fmt.Sprintf("The receiver answered %d, a redirect. Redirects are not followed: change the webhook's url to the final address.", o.StatusCode)
	case o.StatusCode == http.StatusUnauthorized || o.StatusCode == http.StatusForbidden:
		return fmt.Sprintf("The receiver answered %d: it wants a credential. Give the webhook a header that carries it.", o.StatusCode)
	}
	return fmt.Sprintf("The receiver answered %d.", o.StatusCode)
}

// parseRetryAfter reads a Retry-After header, seconds or a date, clamped. What is neither, or negative, does not count.
func parseRetryAfter(value string, now time.Time) (time.Duration, bool) {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0, false
	}
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil {
		return clampWait(time.Duration(min(seconds, uint64(maxWait/time.Second))) * time.Second), true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	return clampWait(at.Sub(now)), true
}

func clampWait(wait time.Duration) time.Duration { return max(minWait, min(maxWait, wait)) }
