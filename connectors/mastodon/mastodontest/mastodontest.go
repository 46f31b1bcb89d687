// Package mastodontest is a stand-in for a Mastodon instance on loopback, made from Mastodon's documentation and not from the connector
// that it tests. It needs no *testing.T.
package mastodontest

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/switchhook/switchhook/connectors/connectortest/standin"
)

// The stand-in's account.
const (
	Token        = "mastodon-token-0123456789_fake"
	Username     = "alice"
	Code         = "mastodon-code_fake"
	ClientID     = "mastodon-client_fake"
	ClientSecret = "mastodon-client-secret_fake"
)

// Status is a post that the instance has.
type Status struct {
	ID        string
	Key       string // Idempotency-Key
	Body      string // of the request, as it came
	Text      string
	InReplyTo string
	MediaIDs  []string
	Content   string // HTML; made of Text where empty
	CreatedAt time.Time
}

// Upload is a file that the instance has.
type Upload struct {
	ID, FileName, ContentType, Alt string
	Size                           int
}

// Server is the stand-in. It is safe for concurrent use.
type Server struct {
	*standin.Server

	mu         sync.Mutex
	statuses   []Status
	uploads    []Upload
	seen       []string // "METHOD path?query"
	forms      []string // bodies of /oauth/token
	hooks      []hook
	processing int // looks at an upload that are answered 206
	broken     bool
	now        time.Time
	hideURL    bool
	instance   map[string]string // path to body
	redirects  string            // of the app that was registered last
	challenge  string            // of the page that was seen last
}

type hook struct {
	path    string
	handler http.HandlerFunc
}

// New starts a stand-in that ends with the test. Its clock stands at now.
func New(tb standin.TB, now time.Time) *Server {
	tb.Helper()
	s := &Server{now: now, instance: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/apps", s.register)
	mux.HandleFunc("GET /oauth/authorize", s.authorize)
	mux.HandleFunc("POST /oauth/token", s.grant)
	mux.HandleFunc("GET /api/v1/instance", s.tell)
	mux.HandleFunc("GET /api/v2/instance", s.tell)
	mux.HandleFunc("GET /api/v1/accounts/verify_credentials", s.private(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"id": "7", "username": "Alice", "display_name": "Alice A."})
	}))
	mux.HandleFunc("GET /api/v1/accounts/7/statuses", s.private(s.list))
	mux.HandleFunc("POST /api/v2/media", s.private(s.upload))
	mux.HandleFunc("GET /api/v1/media/{id}", s.private(s.look))
	mux.HandleFunc("POST /api/v1/statuses", s.private(s.create))
	s.Server = standin.New(tb, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.seen = append(s.seen, r.Method+" "+r.URL.RequestURI())
		var handler http.HandlerFunc
		if i := slices.IndexFunc(s.hooks, func(h hook) bool { return h.path == r.URL.Path }); i >= 0 {
			handler = s.hooks[i].handler
			s.hooks = slices.Delete(s.hooks, i, i+1)
		}
		s.mu.Unlock()
		if handler != nil {
			_, _ = io.Copy(io.Discard, r.Body) // a client that leaves early is its own business
			handler(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	return s
}

// Once answers the next request at a path with handler, after its body was read and without any other effect. Calls queue up.
func (s *Server) Once(path string, handler http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, hook{path, handler})
}

// Refuse is Once with an error of Mastodon's.
func (s *Server) Refuse(path string, status int, words string) {
	s.Once(path, func(w http.ResponseWriter, _ *http.Request) { answer(w, status, map[string]string{"error": words}) })
}

// Process makes the instance work on uploads for so many looks; broken ends that in a failure.
func (s *Server) Process(looks int, broken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.processing, s.broken = looks, broken
}

// HideURLs leaves the url of new statuses null, as it is for private ones on some servers.
func (s *Server) HideURLs() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hideURL = true
}

// Tell sets what the instance answers at one of the two paths of its description; elsewhere it is 404.
func (s *Server) Tell(path, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instance[path] = body
}

// Add adds a status that was posted elsewhere.
func (s *Server) Add(added Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	added.ID = strconv.Itoa(100 + len(s.statuses))
	s.statuses = append(s.statuses, added)
}

// Statuses returns the posts in their order.
func (s *Server) Statuses() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.statuses)
}

// Uploads returns the files in their order.
func (s *Server) Uploads() []Upload {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.uploads)
}

// Seen returns method, path and query of every request that was not failed by Fail.
func (s *Server) Seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// Forms returns the bodies that came to /oauth/token.
func (s *Server) Forms() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.forms)
}

func (s *Server) private(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+Token {
			answer(w, http.StatusUnauthorized, map[string]string{"error": "The access token is invalid"})
			return
		}
		handler(w, r)
	}
}

func (s *Server) register(w http.ResponseWriter, r *http.Request) {
	var app map[string]string
	if json.NewDecoder(r.Body).Decode(&app) != nil || app["client_name"] == "" || app["redirect_uris"] == "" {
		answer(w, http.StatusUnprocessableEntity, map[string]string{"error": "Validation failed: Redirect URI must be an absolute URI."})
		return
	}
	s.mu.Lock()
	s.redirects = app["redirect_uris"]
	s.mu.Unlock()
	answer(w, http.StatusOK, map[string]string{"id": "1", "client_id": ClientID, "client_secret": ClientSecret})
}

func (s *Server) grant(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("code") != Code || r.PostForm.Get("client_secret") != ClientSecret || !s.proves(r.PostForm) {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_description": "The provided authorization grant is invalid."})
		return
	}
	s.mu.Lock()
	s.forms = append(s.forms, r.PostForm.Encode())
	s.mu.Unlock()
	answer(w, http.StatusOK, map[string]string{"access_token": Token, "token_type": "Bearer", "scope": r.PostForm.Get("scope")})
}

func (s *Server) tell(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	body, ok := s.instance[r.URL.Path]
	s.mu.Unlock()
	if !ok {
		answer(w, http.StatusNotFound, map[string]string{"error": "Record not found"})
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, body) // a client that left is its own business
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	before, err := strconv.Atoi(r.URL.Query().Get("max_id"))
	page := []any{}
	for _, status := range slices.Backward(s.statuses) {
		if id, _ := strconv.Atoi(status.ID); len(page) < limit && (err != nil || id < before) {
			page = append(page, s.resource(status))
		}
	}
	answer(w, http.StatusOK, page)
}

func (s *Server) upload(w http.ResponseWriter, r *http.Request) {
	file, header, err := r.FormFile("file")
	if err != nil {
		answer(w, http.StatusUnprocessableEntity, map[string]string{"error": "Validation failed: File can't be blank"})
		return
	}
	content, err := io.ReadAll(file)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := strconv.Itoa(500 + len(s.uploads))
	s.uploads = append(s.uploads, Upload{id, header.Filename, header.Header.Get("Content-Type"), r.FormValue("description"), len(content)})
	if s.processing > 0 || s.broken {
		answer(w, http.StatusAccepted, map[string]any{"id": id, "url": nil})
		return
	}
	answer(w, http.StatusOK, map[string]any{"id": id, "url": "https://files.example/" + id})
}

func (s *Server) look(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.processing > 0:
		s.processing--
		answer(w, http.StatusPartialContent, map[string]any{"id": r.PathValue("id"), "url": nil})
	case s.broken:
		answer(w, http.StatusUnprocessableEntity, map[string]string{"error": "Error processing thumbnail for uploaded media"})
	default:
		answer(w, http.StatusOK, map[string]any{"id": r.PathValue("id"), "url": "https://files.example/a"})
	}
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	var given struct {
		Status    string   `json:"status"`
		MediaIDs  []string `json:"media_ids"`
		InReplyTo string   `json:"in_reply_to_id"`
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &given) != nil || given.Status == "" && len(given.MediaIDs) == 0 {
		answer(w, http.StatusUnprocessableEntity, map[string]string{"error": "Validation failed: Text can't be blank"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := r.Header.Get("Idempotency-Key")
	for _, status := range s.statuses {
		if key != "" && status.Key == key {
			answer(w, http.StatusOK, s.resource(status))
			return
		}
	}
	status := Status{
		ID: strconv.Itoa(100 + len(s.statuses)), Key: key, Body: string(body), Text: given.Status, InReplyTo: given.InReplyTo,
		MediaIDs: given.MediaIDs, CreatedAt: s.now,
	}
	s.statuses = append(s.statuses, status)
	answer(w, http.StatusOK, s.resource(status))
}

func (s *Server) resource(status Status) map[string]any {
	content := status.Content
	if content == "" && status.Text != "" {
		paragraphs := strings.ReplaceAll(html.EscapeString(status.Text), "\n\n", "</p><p>")
		content = "<p>" + strings.ReplaceAll(paragraphs, "\n", "<br />") + "</p>"
	}
	files := []any{}
	for _, id := range status.MediaIDs {
		files = append(files, map[string]any{"id": id})
	}
	resource := map[string]any{
		"id": status.ID, "created_at": status.CreatedAt.UTC().Format("2006-01-02T15:04:05.000Z"), "in_reply_to_id": nil, "content": content,
		"url": fmt.Sprintf("https://social.example/@%s/%s", Username, status.ID), "uri": "https://social.example/users/alice/statuses/" + status.ID,
		"media_attachments": files,
	}
	if status.InReplyTo != "" {
		resource["in_reply_to_id"] = status.InReplyTo
	}
	if s.hideURL {
		resource["url"] = nil
	}
	return resource
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that left is its own business
}
