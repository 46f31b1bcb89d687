package server_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// receiver is where a webhook leads.
type receiver struct {
	URL string

	mu     sync.Mutex
	answer func(http.ResponseWriter)
	got    []delivered
}

type delivered struct {
	header http.Header
	body   []byte
}

func newReceiver(t *testing.T, answer func(http.ResponseWriter)) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		r.mu.Lock()
		r.got = append(r.got, delivered{request.Header.Clone(), bytes.Clone(body)})
		answer := r.answer
		r.mu.Unlock()
		answer(w)
	}))
	t.Cleanup(s.Close)
	r.URL = s.URL
	return r
}

func (r *receiver) answerWith(answer func(http.ResponseWriter)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// of returns what came in for an event type, in one of the formats that name it in a header.
func (r *receiver) of(eventType string) []delivered {
	r.mu.Lock()
	defer r.mu.Unlock()
	var some []delivered
	for _, d := range r.got {
		if d.header.Get("X-Switchhook-Event") == eventType || d.header.Get("X-Whathooks-Event") == eventType {
			some = append(some, d)
		}
	}
	return some
}

func status(code int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.WriteHeader(code) }
}

func answering(body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}
}
