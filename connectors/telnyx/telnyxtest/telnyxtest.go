// Package telnyxtest is a small stand-in for Telnyx's messaging API, version 2, on loopback. It keeps what it was sent, can be told
// to fail in every way that a network fails, and makes genuinely signed callbacks. It is written from Telnyx's documents and
// shares no code with the connector that it tests. It needs no *testing.T.
package telnyxtest

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/switchhook/switchhook/connectors/connectortest/standin"
)

// The credentials of the stand-in's account.
const (
	APIKey    = "KEY0123456789ABCDEF_fake"
	PublicKey = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=" // of the seed 00 01 02 … 1f
)

// Sent is a message that the stand-in has accepted.
type Sent struct {
	ID         string   `json:"-"`
	From       string   `json:"from"`
	To         string   `json:"to"`
	Text       string   `json:"text"`
	MediaURLs  []string `json:"media_urls"`
	Profile    string   `json:"messaging_profile_id"`
	WebhookURL string   `json:"webhook_url"`
}

// Server is the stand-in. It is safe for concurrent use.
type Server struct {
	*standin.Server

	mu   sync.Mutex
	sent []Sent
}

// New starts a stand-in that ends with the test.
func New(tb standin.TB) *Server {
	tb.Helper()
	s := &Server{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v2/messages", s.create)
	mux.HandleFunc("GET /v2/messaging_profiles", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"data": []any{map[string]any{"record_type": "messaging_profile"}}})
	})
	s.Server = standin.New(tb, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+APIKey {
			answer(w, http.StatusUnauthorized, json.RawMessage(Errors(10009, "Could not find any usable credentials in the request.", "")))
			return
		}
		mux.ServeHTTP(w, r)
	}))
	return s
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	var sent Sent
	switch err := json.NewDecoder(r.Body).Decode(&sent); {
	case err != nil:
		answer(w, http.StatusBadRequest, json.RawMessage(Errors(10015, "The body is no JSON.", "")))
		return
	case !strings.HasPrefix(sent.To, "+"):
		answer(w, http.StatusUnprocessableEntity, json.RawMessage(Errors(10016, "The number must be in +E.164 format.", "/to")))
		return
	case sent.Text == "" && len(sent.MediaURLs) == 0:
		answer(w, http.StatusUnprocessableEntity, json.RawMessage(Errors(10004, "The text is missing.", "/text")))
		return
	}
	s.mu.Lock()
	sent.ID = fmt.Sprintf("40317a6b-0000-4000-8000-%012d", len(s.sent)+1)
	s.sent = append(s.sent, sent)
	s.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{"data": sent.resource("queued")})
}

func (m Sent) resource(status string) map[string]any {
	return map[string]any{
		"record_type": "message", "direction": "outbound", "id": m.ID, "type": "SMS", "text": m.Text, "errors": []any{},
		"from": map[string]any{"phone_number": m.From, "carrier": "", "line_type": ""},
		"to":   []any{map[string]any{"phone_number": m.To, "status": status, "carrier": "", "line_type": ""}},
	}
}

// Sent returns the accepted messages in their order.
func (s *Server) Sent() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Sent(nil), s.sent...)
}

// Errors returns Telnyx's body of one error.
func Errors(code int, detail, pointer string) string {
	body, err := json.Marshal(map[string]any{"errors": []any{map[string]any{
		"code": strconv.Itoa(code), "title": "An error", "detail": detail, "source": map[string]any{"pointer": pointer},
	}}})
	if err != nil {
		panic(err) // plain texts can always be written as JSON
	}
	return string(body)
}

// Received returns the body of message.received.
func Received(id, from, to, text string) string {
	return event("message.received", map[string]any{
		"record_type": "message", "direction": "inbound", "id": id, "type": "SMS", "text": text, "media": []any{},
		"from": map[string]any{"phone_number": from}, "to": []any{map[string]any{"phone_number": to, "status": "webhook_delivered"}},
		"received_at": "2026-11-21T09:00:00.123+00:00",
	})
}

// Reported returns the body of message.sent or message.finalized, with an error where code is not 0.
func Reported(sent Sent, eventType, status string, code int) string {
	resource := sent.resource(status)
	if code != 0 {
		resource["errors"] = []any{map[string]any{"code": strconv.Itoa(code), "title": "Not delivered", "detail": "As the test wants it."}}
	}
	return event(eventType, resource)
}

func event(eventType string, payload map[string]any) string {
	body, err := json.Marshal(map[string]any{
		"data": map[string]any{
			"record_type": "event", "id": "ac012cbf-0000-4000-8000-000000000001", "event_type": eventType,
			"occurred_at": "2026-11-21T09:00:01.456+00:00", "payload": payload,
		},
		"meta": map[string]any{"attempt": 1, "delivered_to": "https://hooks.example"},
	})
	if err != nil {
		panic(err) // plain values can always be written as JSON
	}
	return string(body)
}

// Sign sets the headers that Telnyx signs a body with at a time. Another public key than PublicKey gets somebody else's signature.
func Sign(header http.Header, publicKey string, at time.Time, body []byte) {
	seed := make([]byte, ed25519.SeedSize)
	for i := range seed {
		seed[i] = byte(i)
	}
	if publicKey != PublicKey {
		seed[0] = 0xff
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	signature := ed25519.Sign(ed25519.NewKeyFromSeed(seed), []byte(stamp+"|"+string(body)))
	header.Set("Telnyx-Timestamp", stamp)
	header.Set("Telnyx-Signature-Ed25519", base64.StdEncoding.EncodeToString(signature))
}

// Callback makes the signed request that Telnyx would make now.
func Callback(ctx context.Context, address, body string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make callback: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	Sign(request.Header, PublicKey, time.Now(), []byte(body))
	return request, nil
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that left is its own business
}
