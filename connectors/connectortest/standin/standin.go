// Package standin is the server under a connector's stand-in for its network: it counts requests and fails in every way that a
// network fails, as told. What the network would answer is the stand-in's own handler. It needs no *testing.T.
package standin

import (
	"net/http"
	"net/http/httptest"
	"sync"
)

// Trouble is how one request fails. The zero value is none.
type Trouble struct {
	Status     int    // answered in place of the usual status; the request has no effect
	Body       string // of that answer, JSON; empty: a body that some gateway wrote
	RetryAfter string // header of that answer
	Hang       bool   // no answer until the client leaves; the request has its full effect first
	Cut        bool   // the line is cut in place of an answer; the request has its full effect first
}

// Server is a server on loopback. It is safe for concurrent use.
type Server struct {
	URL string // without a path

	handler http.Handler

	mu       sync.Mutex
	next     []planned
	requests int
}

type planned struct {
	trouble Trouble
	arrived chan struct{}
}

// TB is what New needs of a *testing.T.
type TB interface {
	Helper()
	Cleanup(cleanup func())
}

// New starts a server that answers with handler and ends with the test. handler must read the whole body of a request.
func New(tb TB, handler http.Handler) *Server {
	tb.Helper()
	s := &Server{handler: handler}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	s.URL = server.URL
	tb.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return s
}

// Fail makes the next request fail. Calls queue up. The channel is closed when the request has arrived.
func (s *Server) Fail(trouble Trouble) (arrived <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := planned{trouble: trouble, arrived: make(chan struct{})}
	s.next = append(s.next, p)
	return p.arrived
}

// Requests returns how many requests have arrived, failed ones included.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	trouble := s.take()
	if trouble.Status != 0 {
		refuse(w, trouble)
		return
	}
	if !trouble.Hang && !trouble.Cut {
		s.handler.ServeHTTP(w, r)
		return
	}
	s.handler.ServeHTTP(httptest.NewRecorder(), r)
	if trouble.Hang {
		<-r.Context().Done()
	}
	panic(http.ErrAbortHandler)
}

// take returns the trouble planned for a request that has just arrived.
func (s *Server) take() Trouble {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if len(s.next) == 0 {
		return Trouble{}
	}
	now := s.next[0]
	s.next = s.next[1:]
	close(now.arrived)
	return now.trouble
}

func refuse(w http.ResponseWriter, trouble Trouble) {
	if trouble.RetryAfter != "" {
		w.Header().Set("Retry-After", trouble.RetryAfter)
	}
	if trouble.Body == "" {
		http.Error(w, "<html><body>gateway</body></html>", trouble.Status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(trouble.Status)
	_, _ = w.Write([]byte(trouble.Body)) // a client that left is its own business
}
