// Package metatest is a small stand-in for Meta's Graph API on loopback. It keeps what it was sent, can be told to fail in every way that a
// network fails, and makes genuinely signed callbacks. It is written from Meta's documents and shares no code with the connectors that
// it tests.
package metatest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// What the stand-in accepts and signs with.
const (
	Token       = "EAAfake-page-token-7c31"
	AppSecret   = "fake-app-secret-5e0b"
	VerifyToken = "fake-verify-token-91aa"
	Version     = "v25.0"
)

// Request is a request that the stand-in has had, refused ones included.
type Request struct {
	Method string
	Path   string // without the version, such as /1000000001/messages
	Query  string
	Header http.Header
	Body   []byte
}

// JSON returns the body as a JSON object, or nil where it is none.
func (r Request) JSON() map[string]any {
	var object map[string]any
	if json.Unmarshal(r.Body, &object) != nil {
		return nil
	}
	return object
}

// Trouble is how one request fails. The zero value is none.
type Trouble struct {
	Status     int               // answered in place of the usual status
	Code       int               // Graph error code in the body; 0: a body that Meta did not write
	Subcode    int               // with Code
	Transient  bool              // with Code
	Words      string            // with Code: its message
	Header     map[string]string // further headers, such as Retry-After
	Delay      time.Duration     // before answering; the request has its full effect first
	Cut        bool              // the line is cut in place of an answer; the request has its full effect first
	BrokenBody bool              // the usual status with a body that cannot be read
	Body       string            // in place of the usual body; the request has its full effect first
}

// Server is the stand-in. It is safe for concurrent use.
type Server struct {
	URL string // give it to a connector as META_BASE_URL

	mu       sync.Mutex
	requests []Request
	next     []planned
	objects  map[string]any
	files    map[string]file
	uploads  []Upload
	sent     int
	at       map[string][]Trouble // by path
	site     site
}

// Upload is a file that the stand-in was given; its id is "media" and its place in the order, from 1.
type Upload struct {
	Path    string // without the version
	Type    string // as the form names it
	Part    string // as the part's header names it
	Length  int64  // of the request, by its header; -1 where it had none
	Content []byte
}

type planned struct {
	trouble Trouble
	arrived chan struct{}
}

type file struct {
	contentType string
	content     []byte
}

// New starts a stand-in that ends with the test.
func New(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{objects: map[string]any{}, files: map[string]file{}, at: map[string][]Trouble{}, site: newSite()}
	listener := httptest.NewServer(http.HandlerFunc(s.serve))
	tb.Cleanup(func() {
		listener.CloseClientConnections()
		listener.Close()
	})
	s.URL = listener.URL
	return s
}

// TroubleNext makes the next request fail. Calls queue up. The channel is closed when the request has arrived.
func (s *Server) TroubleNext(trouble Trouble) (arrived <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := planned{trouble: trouble, arrived: make(chan struct{})}
	s.next = append(s.next, p)
	return p.arrived
}

// TroubleAt makes the next request to a path, such as "/1000000000001/feed", fail. Calls queue up.
func (s *Server) TroubleAt(path string, trouble Trouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at[path] = append(s.at[path], trouble)
}

// FailNext makes the next request fail with status 400 and an error code. Calls queue up.
func (s *Server) FailNext(code, subcode int) {
	s.TroubleNext(Trouble{Status: http.StatusBadRequest, Code: code, Subcode: subcode})
}

// SetObject makes GET of a path, such as "/me", answer an object.
func (s *Server) SetObject(path string, object any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[path] = object
}

// AddFile keeps a file and returns its address, which needs the token.
func (s *Server) AddFile(contentType string, content []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := fmt.Sprintf("/files/%d", len(s.files)+1)
	s.files[path] = file{contentType, content}
	return s.URL + path
}

// Uploads returns the files that were uploaded, in their order.
func (s *Server) Uploads() []Upload {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Upload(nil), s.uploads...)
}

// Requests returns every request in its order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Count returns how many requests there were.
func (s *Server) Count() int { return len(s.Requests()) }

// Posted returns the JSON bodies of the requests to a path such as "/1000000001/messages".
func (s *Server) Posted(path string) []map[string]any {
	var bodies []map[string]any
	for _, r := range s.Requests() {
		if r.Method == http.MethodPost && r.Path == path {
			bodies = append(bodies, r.JSON())
		}
	}
	return bodies
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	trouble := s.admit(r, body)
	if err != nil { // what did not arrive whole has no effect
		panic(http.ErrAbortHandler)
	}
	for name, value := range trouble.Header {
		w.Header().Set(name, value)
	}
	if trouble.Status != 0 {
		wait(r, trouble.Delay)
		refuse(w, trouble)
		return
	}
	if f, ok := s.fileAt(r.URL.Path); ok && authorised(r) {
		w.Header().Set("Content-Type", f.contentType)
		_, _ = w.Write(f.content) // a client that left is its own business
		return
	}
	status, answer := s.act(r, body)
	wait(r, trouble.Delay)
	if trouble.Cut {
		panic(http.ErrAbortHandler)
	}
	if trouble.BrokenBody {
		answer = []byte(`{"message_id`)
	}
	if trouble.Body != "" {
		answer = []byte(trouble.Body)
	}
	w.WriteHeader(status)
	_, _ = w.Write(answer) // a client that left is its own business
}

// admit keeps a request and returns what is to become of it.
func (s *Server) admit(r *http.Request, body []byte) Trouble {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{
		Method: r.Method, Path: strings.TrimPrefix(r.URL.Path, "/"+Version), Query: r.URL.RawQuery, Header: r.Header.Clone(), Body: body,
	})
	path := strings.TrimPrefix(r.URL.Path, "/"+Version)
	if planned := s.at[path]; len(planned) > 0 {
		s.at[path] = planned[1:]
		return planned[0]
	}
	if len(s.next) == 0 {
		return Trouble{}
	}
	now := s.next[0]
	s.next = s.next[1:]
	close(now.arrived)
	return now.trouble
}

func (s *Server) fileAt(path string) (file, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.files[path]
	return f, ok
}

func authorised(r *http.Request) bool {
	return !strings.Contains(r.URL.RawQuery, "access_token") && r.Header.Get("Authorization") == "Bearer "+Token
}

func (s *Server) act(r *http.Request, body []byte) (status int, answer []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path, versioned := strings.CutPrefix(r.URL.Path, "/"+Version)
	if status, answer := s.site.login(r, path, body); status != 0 && versioned {
		return status, answer
	}
	if !authorised(r) {
		return http.StatusUnauthorized, graphError(Trouble{Code: 190})
	}
	switch object, ok := s.objects[path]; {
	case !versioned:
		return http.StatusBadRequest, graphError(Trouble{Code: 2500})
	case r.Method == http.MethodGet && ok:
		return http.StatusOK, encode(object)
	case r.Method == http.MethodPost && strings.HasSuffix(path, "/messages"):
		return s.send(body)
	case r.Method == http.MethodPost && strings.HasSuffix(path, "/media") && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		return s.upload(r, path, body)
	}
	if answer := s.site.act(r, path, body); answer != nil {
		return http.StatusOK, encode(answer)
	}
	return http.StatusBadRequest, graphError(Trouble{Code: 100, Subcode: 33})
}

// send accepts a message of Messenger, Instagram or WhatsApp.
func (s *Server) send(body []byte) (status int, answer []byte) {
	var message struct {
		Product   string          `json:"messaging_product"`
		To        string          `json:"to"`
		Recipient json.RawMessage `json:"recipient"` // an object; with WhatsApp a text
		Message   map[string]any  `json:"message"`
		Action    string          `json:"sender_action"`
	}
	if err := json.Unmarshal(body, &message); err != nil {
		return http.StatusBadRequest, graphError(Trouble{Code: 100})
	}
	s.sent++
	if message.Product == "whatsapp" {
		return http.StatusOK, encode(map[string]any{
			"messaging_product": "whatsapp", "contacts": []any{map[string]any{"input": message.To, "wa_id": message.To}},
			"messages": []any{map[string]any{"id": fmt.Sprintf("wamid.%d", s.sent)}},
		})
	}
	var recipient struct{ ID string }
	if err := json.Unmarshal(message.Recipient, &recipient); err != nil {
		return http.StatusBadRequest, graphError(Trouble{Code: 100})
	}
	text, attachment := message.Message["text"], message.Message["attachment"]
	if recipient.ID == "" || (text == nil) == (attachment == nil) {
		return http.StatusBadRequest, graphError(Trouble{Code: 100})
	}
	return http.StatusOK, encode(map[string]any{"recipient_id": recipient.ID, "message_id": fmt.Sprintf("m_%d", s.sent)})
}

// wait returns after a time, or when the client has left.
func wait(r *http.Request, delay time.Duration) {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}

func refuse(w http.ResponseWriter, trouble Trouble) {
	if trouble.Code == 0 {
		http.Error(w, "<html><body>gateway</body></html>", trouble.Status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(trouble.Status)
	_, _ = w.Write(graphError(trouble)) // a client that left is its own business
}

func graphError(trouble Trouble) []byte {
	words := trouble.Words
	if words == "" {
		words = "as the test wants it"
	}
	return encode(map[string]any{"error": map[string]any{
		"message": words, "type": "OAuthException", "code": trouble.Code, "error_subcode": trouble.Subcode,
		"is_transient": trouble.Transient, "fbtrace_id": "AbC",
	}})
}

func encode(value any) []byte {
	encoded, err := json.Marshal(value)
	if err != nil {
		return []byte(err.Error()) // a mistake in a test, which then shows
	}
	return encoded
}
