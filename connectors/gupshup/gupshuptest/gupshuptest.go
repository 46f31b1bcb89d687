// Package gupshuptest is a small stand-in for Gupshup's WhatsApp API on loopback. It keeps what it was sent, can be told to fail in
// every way that a network fails, and makes callbacks. It is written from Gupshup's documents and shares no code with the
// connector that it tests. It needs no *testing.T.
package gupshuptest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/switchhook/switchhook/connectors/connectortest/standin"
)

// The credentials of the stand-in's account, and the token that its callbacks show.
const (
	APIKey        = "fake0gupshup1key2"
	App           = "TestApp"
	CallbackToken = "fake-callback-token-0123456789abcdef"
)

// Sent is a message that the stand-in has accepted.
type Sent struct {
	ID   string
	Path string     // "/wa/api/v1/msg", or that of templates
	Form url.Values // everything
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
	mux.HandleFunc("POST /wa/api/v1/msg", s.create)
	mux.HandleFunc("POST /wa/api/v1/template/msg", s.create)
	mux.HandleFunc("GET /sm/api/v2/wallet/balance", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, `{"status":"success","balance":41.938}`)
	})
	s.Server = standin.New(tb, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch err := r.ParseForm(); {
		case err != nil:
			answer(w, http.StatusBadRequest, Refusal(0, "The form cannot be read"))
		case r.Header.Get("apikey") != APIKey:
			answer(w, http.StatusUnauthorized, Refusal(0, "Portal User Not Found With APIKey"))
		default:
			mux.ServeHTTP(w, r)
		}
	}))
	return s
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	object := r.PostForm.Get("message")
	if strings.Contains(r.URL.Path, "template") {
		object = r.PostForm.Get("template")
	}
	if r.PostForm.Get("destination") == "" || r.PostForm.Get("src.name") != App || !json.Valid([]byte(object)) {
		answer(w, http.StatusBadRequest, Refusal(0, "Invalid App Details"))
		return
	}
	s.mu.Lock()
	sent := Sent{ID: fmt.Sprintf("ee4a68a0-1203-4c85-8dc3-%012d", len(s.sent)+1), Path: r.URL.Path, Form: r.PostForm}
	s.sent = append(s.sent, sent)
	s.mu.Unlock()
	answer(w, http.StatusAccepted, `{"status":"submitted","messageId":"`+sent.ID+`"}`)
}

// Sent returns the accepted messages in their order.
func (s *Server) Sent() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Sent(nil), s.sent...)
}

// Refusal returns Gupshup's body of an error, with a code where it is not 0.
func Refusal(code int, message string) string {
	if code == 0 {
		return fmt.Sprintf(`{"status":"error","message":%q}`, message)
	}
	return fmt.Sprintf(`{"status":"error","code":"%d","message":%q}`, code, message)
}

// Text returns the body of an inbound text. from is in digits.
func Text(id, from, name, text string) string {
	return event("message", map[string]any{
		"id": id, "source": from, "type": "text", "payload": map[string]any{"text": text},
		"sender": map[string]any{"phone": from, "name": name, "country_code": from[:2], "dial_code": from[2:]},
	})
}

// Reported returns the body of a message-event about an accepted message; a failed one has a code and a reason.
func Reported(sent Sent, status string, code int) string {
	details := map[string]any{"ts": 1795251601}
	if code != 0 {
		details = map[string]any{"code": code, "reason": "As the test wants it."}
	}
	payload := map[string]any{"id": "gBEGkYaYVSEEAgnPFrOLcjkFjL8", "gsId": sent.ID, "type": status, "destination": sent.Form.Get("destination"), "payload": details}
	if status == "enqueued" {
		payload["id"] = sent.ID
		delete(payload, "gsId")
	}
	return event("message-event", payload)
}

func event(kind string, payload map[string]any) string {
	body, err := json.Marshal(map[string]any{"app": App, "timestamp": 1795251600123, "version": 2, "type": kind, "payload": payload})
	if err != nil {
		panic(err) // plain values can always be written as JSON
	}
	return string(body)
}

// Callback makes the request that Gupshup would make. address is the channel's, without a token; token is added to it where it is not empty.
func Callback(ctx context.Context, token, address, body string) (*http.Request, error) {
	if token != "" {
		address += "?" + url.Values{"token": {token}}.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make callback: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	return request, nil
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body)) // a client that left is its own business
}
