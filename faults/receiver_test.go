//go:build linux

package faults

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// arrival is one delivery as the receiver saw it.
type arrival struct {
	at       time.Time
	hook     string    // the path, which is the webhook's own
	event    string    // webhook-id
	delivery string    // X-Switchhook-Delivery
	stamp    time.Time // webhook-timestamp, in whole seconds
	kind     string    // "message.received", …
	about    string    // providerMessageId of a message that came in, else the id of the message or post
	status   string    // of message.status and events of posts
}

// behaviour answers a delivery: with a status and a body, or with status 0 by cutting the line. It may wait; ctx ends when
// the sender has left.
type behaviour func(ctx context.Context, a arrival) (status int, body string)

// receiver takes what webhooks deliver, checks its signature, and keeps it.
type receiver struct {
	server *httptest.Server
	over   chan struct{} // closed when the test ends, so that nothing waits longer

	mu       sync.Mutex
	secrets  map[string]string // whsec_… by path
	behave   behaviour
	arrivals []arrival
	wrong    []string // what must not be
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{secrets: map[string]string{}, behave: welcome, over: make(chan struct{})}
	r.server = httptest.NewServer(r)
	t.Cleanup(func() {
		close(r.over)
		r.server.CloseClientConnections()
		r.server.Close()
	})
	return r
}

// welcome takes everything.
func welcome(context.Context, arrival) (int, string) { return http.StatusOK, "{}" }

// slow takes everything after a time.
func slow(wait time.Duration) behaviour {
	return func(ctx context.Context, a arrival) (int, string) {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		return welcome(ctx, a)
	}
}

// ServeHTTP takes one delivery.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // the sender died while it wrote
	}
	r.mu.Lock()
	a, complaint := read(request, body, r.secrets[request.URL.Path])
	if complaint != "" {
		r.wrong = append(r.wrong, complaint)
	}
	r.arrivals = append(r.arrivals, a)
	behave := r.behave
	r.mu.Unlock()
	ctx, cancel := context.WithCancel(request.Context())
	defer cancel()
	go func() {
		select {
		case <-r.over:
			cancel()
		case <-ctx.Done():
		}
	}()
	status, answer := behave(ctx, a)
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer) // the sender may be dead
}

// read makes an arrival of a request, and a complaint where its signature is wrong.
func read(request *http.Request, body []byte, secret string) (arrival, string) {
	var envelope struct {
		ID, Event string
		Data      struct{ ID, ProviderMessageID, PostID, Status string }
	}
	id, at := request.Header.Get("Webhook-Id"), request.Header.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || json.Unmarshal(body, &envelope) != nil || envelope.ID != id {
		return arrival{}, "a delivery cannot be read: " + string(body)
	}
	a := arrival{
		at: time.Now(), hook: request.URL.Path, event: id, delivery: request.Header.Get("X-Switchhook-Delivery"), stamp: time.Unix(seconds, 0),
		kind: envelope.Event, about: envelope.Data.ProviderMessageID, status: envelope.Data.Status,
	}
	if a.kind != "message.received" {
		a.about = envelope.Data.ID + envelope.Data.PostID // it has one of them
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return a, "the webhook's secret cannot be read"
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + at + "."))
	mac.Write(body)
	if request.Header.Get("Webhook-Signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		return a, "the signature of " + id + " is wrong"
	}
	// Signed at the time of the attempt, not of the event. The header is cut to whole seconds, and a busy machine is slow.
	if late := a.at.Sub(a.stamp); late < -time.Second || late > 20*time.Second {
		return a, "the timestamp of " + id + " is " + late.String() + " old"
	}
	return a, ""
}

// answers changes what the receiver does with deliveries from now on.
func (r *receiver) answers(behave behaviour) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.behave = behave
}

// hold makes the receiver take every delivery and answer none before the function that it returns is called; those
// that are answered then, and later ones, are welcome.
func (r *receiver) hold() (release func()) {
	released := make(chan struct{})
	r.answers(func(ctx context.Context, _ arrival) (int, string) {
		select {
		case <-released:
			return http.StatusOK, "{}"
		case <-ctx.Done():
			return 0, ""
		}
	})
	return sync.OnceFunc(func() { close(released) })
}

// seen returns what has arrived so far.
func (r *receiver) seen() []arrival {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.arrivals)
}

// seenOf returns what has arrived of one message.
func (r *receiver) seenOf(about string) []arrival {
	return slices.DeleteFunc(r.seen(), func(a arrival) bool { return a.about != about })
}

// awaitCount waits until so many deliveries have arrived.
func (r *receiver) awaitCount(t *testing.T, count int, within time.Duration) {
	t.Helper()
	await(t, within, strconv.Itoa(count)+" deliveries", func() bool { return len(r.seen()) >= count })
}

// awaitAll waits until each of the messages has arrived.
func (r *receiver) awaitAll(t *testing.T, about []string, within time.Duration) {
	t.Helper()
	var missing []string
	defer func() {
		if t.Failed() {
			t.Logf("%d of %d have not arrived: %v", len(missing), len(about), missing[:min(5, len(missing))])
		}
	}()
	await(t, within, "all messages to arrive", func() bool {
		there := map[string]bool{}
		for _, a := range r.seen() {
			there[a.about] = true
		}
		missing = slices.DeleteFunc(slices.Clone(about), func(id string) bool { return there[id] })
		return len(missing) == 0
	})
}

func (r *receiver) complaints() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.wrong)
}

// require the receiver's own part of the check.
func (r *receiver) check(t *testing.T) {
	t.Helper()
	require.Empty(t, r.complaints())
}
