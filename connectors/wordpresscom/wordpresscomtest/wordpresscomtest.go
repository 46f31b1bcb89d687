// Package wordpresscomtest is a stand-in for WordPress.com's API v1.1 on loopback, made from WordPress.com's documentation and not from the connector
// that it tests. It needs no *testing.T.
package wordpresscomtest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/switchhook/switchhook/connectors/connectortest/standin"
)

// The stand-in's account.
const (
	Site         = "blog.example"
	Token        = "wpcom-token-0_fake"
	Refresh      = "wpcom-refresh-0_fake"
	Code         = "wpcom-code_fake"
	ClientID     = "12345"
	ClientSecret = "wpcom-client-secret_fake"
)

// Post is a post that the site has.
type Post struct {
	ID     int64
	Body   string // as it came
	Title  string
	Slug   string
	Status string
	At     time.Time
}

// Upload is a file that the site has.
type Upload struct {
	FileName, ContentType, Alt string
	Size                       int64
}

// Server is the stand-in. It is safe for concurrent use.
type Server struct {
	*standin.Server

	mu       sync.Mutex
	posts    []Post
	uploads  []Upload
	seen     []string // "METHOD path?query"
	forms    []url.Values
	hooks    []hook
	now      time.Time
	token    string
	renewals int
	global   bool
}

type hook struct {
	path    string
	after   bool
	handler http.HandlerFunc
}

// New starts a stand-in that ends with the test. Its clock stands at now.
func New(tb standin.TB, now time.Time) *Server {
	tb.Helper()
	s := &Server{now: now, token: Token}
	mux := http.NewServeMux()
	site := "/rest/v1.1/sites/" + Site
	mux.HandleFunc("POST /oauth2/token", s.grant)
	mux.HandleFunc("GET "+site, s.private(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, map[string]any{"ID": 77, "capabilities": map[string]bool{"publish_posts": true, "edit_posts": true}})
	}))
	mux.HandleFunc("GET /rest/v1.1/sites/77", s.private(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, map[string]any{"ID": 77, "URL": "https://" + Site})
	}))
	mux.HandleFunc("GET /rest/v1.1/me", s.private(s.me))
	mux.HandleFunc("GET /rest/v1.1/me/sites", s.private(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, map[string]any{"sites": []any{map[string]any{"ID": 77, "URL": "https://" + Site}, map[string]any{"ID": 78, "URL": "https://two.example/"}}})
	}))
	mux.HandleFunc("POST "+site+"/media/new", s.private(s.upload))
	mux.HandleFunc("POST "+site+"/posts/new", s.private(s.create))
	mux.HandleFunc("GET "+site+"/posts", s.private(s.list))
	mux.HandleFunc("/rest/v1.1/", s.private(func(w http.ResponseWriter, r *http.Request) { Refuse(404, "unknown_blog")(w, r) }))
	s.Server = standin.New(tb, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler, after := s.note(r)
		if handler == nil {
			mux.ServeHTTP(w, r)
			return
		}
		if after {
			mux.ServeHTTP(httptest.NewRecorder(), r)
		}
		_, _ = io.Copy(io.Discard, r.Body) // a client that leaves early is its own business
		handler(w, r)
	}))
	return s
}

func (s *Server) note(r *http.Request) (handler http.HandlerFunc, after bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, r.Method+" "+r.URL.RequestURI())
	i := slices.IndexFunc(s.hooks, func(h hook) bool { return strings.HasSuffix(r.Method+" "+r.URL.Path, h.path) })
	if i < 0 {
		return nil, false
	}
	found := s.hooks[i]
	s.hooks = slices.Delete(s.hooks, i, i+1)
	return found.handler, found.after
}

// Once answers the next request whose method and path end so with handler; after lets it have its full effect first. Calls queue up.
func (s *Server) Once(end string, after bool, handler http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, hook{end, after, handler})
}

// Revoke ends the access token; the refresh token still works.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = "revoked"
}

// Global makes the token one for all sites of its user.
func (s *Server) Global() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.global = true
}

// Posts returns the posts in their order.
func (s *Server) Posts() []Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.posts)
}

// Uploads returns the files in their order.
func (s *Server) Uploads() []Upload {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.uploads)
}

// Seen returns method, path and query of every request.
func (s *Server) Seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// Forms returns what came to the token endpoint.
func (s *Server) Forms() []url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.forms)
}

// Renewals returns how often the refresh token was taken.
func (s *Server) Renewals() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.renewals
}

func (s *Server) private(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		token := s.token
		s.mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer "+token {
			_, _ = io.Copy(io.Discard, r.Body)
			Refuse(401, "invalid_token")(w, r)
			return
		}
		handler(w, r)
	}
}

func (s *Server) grant(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("client_id") != ClientID || r.PostForm.Get("client_secret") != ClientSecret {
		answer(w, 400, map[string]string{"error": "invalid_client"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forms = append(s.forms, r.PostForm)
	switch {
	case r.PostForm.Get("grant_type") == "authorization_code" && r.PostForm.Get("code") == Code:
		answer(w, 200, map[string]any{"access_token": s.token, "token_type": "bearer", "blog_id": "77", "blog_url": "https://" + Site, "scope": ""})
	case r.PostForm.Get("grant_type") == "refresh_token" && r.PostForm.Get("refresh_token") == Refresh:
		s.renewals++
		s.token = "wpcom-token-" + strconv.Itoa(s.renewals) + "_fake"
		answer(w, 200, map[string]any{"access_token": s.token, "expires_in": 1209600}) // without a refresh token: the old one stays
	default:
		answer(w, 400, map[string]string{"error": "invalid_grant"})
	}
}

func (s *Server) me(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.global {
		answer(w, 200, map[string]any{"ID": 1, "token_site_id": false})
		return
	}
	answer(w, 200, map[string]any{"ID": 1, "token_site_id": 77})
}

func (s *Server) upload(w http.ResponseWriter, r *http.Request) {
	file, header, err := r.FormFile("media[]")
	if err != nil {
		Refuse(400, "upload_error")(w, r)
		return
	}
	defer file.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uploads = append(s.uploads, Upload{header.Filename, header.Header.Get("Content-Type"), r.FormValue("attrs[0][alt]"), header.Size})
	id := 500 + len(s.uploads)
	answer(w, 200, map[string]any{"media": []any{map[string]any{"ID": id, "URL": "https://files.example/" + strconv.Itoa(id)}}})
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var given struct{ Title, Status, Slug string }
	if err != nil || json.Unmarshal(body, &given) != nil {
		Refuse(400, "invalid_input")(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	post := Post{ID: int64(900 + len(s.posts)), Body: string(body), Title: given.Title, Slug: given.Slug, Status: given.Status, At: s.now}
	s.posts = append(s.posts, post)
	answer(w, 200, resource(post))
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	most, _ := strconv.Atoi(r.URL.Query().Get("number"))
	posts := []any{}
	for _, post := range slices.Backward(s.posts) {
		if len(posts) < most && (r.URL.Query().Get("status") == "any" || post.Status == "publish") {
			posts = append(posts, resource(post))
		}
	}
	answer(w, 200, map[string]any{"found": len(s.posts), "posts": posts})
}

func resource(post Post) map[string]any {
	return map[string]any{
		"ID": post.ID, "title": post.Title, "slug": post.Slug, "status": post.Status, "date": post.At.Format(time.RFC3339),
		"URL": "https://" + Site + "/2026/11/21/" + post.Slug + "/",
	}
}

// Refuse answers with an error in WordPress.com's words, which repeat the token.
func Refuse(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer(w, status, map[string]string{"error": code, "message": "no " + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")})
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that left is its own business
}
