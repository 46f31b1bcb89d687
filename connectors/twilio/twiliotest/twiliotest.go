// Package twiliotest is a small stand-in for Twilio's API, version 2010-04-01, on loopback: messages, the account and media. It
// keeps what it was sent, can be told to fail in every way that a network fails, and makes genuinely signed callbacks.
// It is written from Twilio's documents and shares no code with the connector that it tests. It needs no *testing.T.
package twiliotest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// The credentials that the stand-in accepts.
const (
	AccountSID   = "AC0123456789abcdef0123456789abcdef"
	AuthToken    = "fake-auth-token-2b1c"
	APIKeySID    = "SK0123456789abcdef0123456789abcdef"
	APIKeySecret = "fake-key-secret-9d7e"
)

// Sent is a message that the stand-in has accepted.
type Sent struct {
	SID              string
	To, From         string
	Body             string
	MediaURLs        []string
	MessagingService string
	StatusCallback   string
	ContentSID       string
	ContentVariables string
	Form             url.Values // everything
}

// Trouble is how one request fails. The zero value is none.
type Trouble struct {
	Status     int           // answered in place of the usual status
	Code       int           // Twilio's error code in the body; 0: a body that Twilio did not write
	RetryAfter string        // header
	Delay      time.Duration // before answering; the request has its full effect first
	Cut        bool          // the line is cut in place of an answer; the request has its full effect first
}

// Server is the stand-in. It is safe for concurrent use.
type Server struct {
	URL string // of the API; give it to the connector as its base URL

	api, storage *http.Server
	storageURL   string

	mu       sync.Mutex
	sent     []Sent
	changed  chan struct{} // closed and replaced at every message
	next     []planned
	requests int
	files    map[string]file
	status   string
	leaked   bool
}

type planned struct {
	trouble Trouble
	arrived chan struct{}
}

type file struct {
	contentType string
	content     []byte
}

// TB is what New needs of a *testing.T.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// New starts a stand-in that ends with the test.
func New(tb TB) *Server {
	tb.Helper()
	server, err := NewServer()
	if err != nil {
		tb.Fatalf("start the stand-in for Twilio: %v", err)
	}
	tb.Cleanup(server.Close)
	return server
}

// NewServer starts a stand-in on two loopback ports: the API, and the storage that media redirect to. Close it.
func NewServer() (*Server, error) { return NewServerAt("127.0.0.1:0") }

// NewServerAt is NewServer with the API at a given address, for those who start it by hand.
func NewServerAt(address string) (*Server, error) {
	s := &Server{changed: make(chan struct{}), files: map[string]file{}, status: "active"}
	var err error
	if s.api, s.URL, err = listen(address, s.routes()); err != nil {
		return nil, err
	}
	if s.storage, s.storageURL, err = listen("127.0.0.1:0", http.HandlerFunc(s.serveFile)); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func listen(address string, handler http.Handler) (*http.Server, string, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, "", fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }() // it always ends with ErrServerClosed, by Close
	return server, "http://" + listener.Addr().String(), nil
}

// Close stops the stand-in and cuts what is open.
func (s *Server) Close() {
	for _, server := range []*http.Server{s.api, s.storage} {
		if server != nil {
			_ = server.Close() // nothing can be done about a listener that does not close
		}
	}
}

// FailNext makes the next request to the API fail with a status and one of Twilio's error codes. Calls queue up.
func (s *Server) FailNext(status, code int) { s.TroubleNext(Trouble{Status: status, Code: code}) }

// TroubleNext makes the next request to the API fail. Calls queue up. The channel is closed when the request has arrived.
func (s *Server) TroubleNext(trouble Trouble) (arrived <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := planned{trouble: trouble, arrived: make(chan struct{})}
	s.next = append(s.next, p)
	return p.arrived
}

// SetAccountStatus makes the account "active", "suspended" or "closed".
func (s *Server) SetAccountStatus(status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

// Sent returns the accepted messages in their order.
func (s *Server) Sent() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Sent(nil), s.sent...)
}

// WaitSent waits until at least count messages have been accepted and returns all. Its error is that of ctx.
func (s *Server) WaitSent(ctx context.Context, count int) ([]Sent, error) {
	for {
		s.mu.Lock()
		sent, changed := append([]Sent(nil), s.sent...), s.changed
		s.mu.Unlock()
		if len(sent) >= count {
			return sent, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return sent, fmt.Errorf("wait for %d messages, have %d: %w", count, len(sent), ctx.Err())
		}
	}
}

// Requests returns how many requests the API has had, refused ones included.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// AddMedia keeps a file as if it had come with a message and returns its MediaUrl, which needs credentials and redirects to the storage.
func (s *Server) AddMedia(contentType string, content []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := fmt.Sprintf("ME%032x", len(s.files)+1)
	s.files[id] = file{contentType: contentType, content: content}
	return s.URL + "/2010-04-01/Accounts/" + AccountSID + "/Messages/MM00000000000000000000000000000001/Media/" + id
}

// CredentialsLeaked tells whether the storage has ever been sent an Authorization header, which a client must never do.
func (s *Server) CredentialsLeaked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leaked
}
