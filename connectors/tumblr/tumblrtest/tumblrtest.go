// Package tumblrtest is a stand-in for Tumblr on loopback, made from Tumblr's documentation and not from the connector that it tests. It
// needs no *testing.T.
package tumblrtest

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/switchhook/switchhook/connectors/connectortest/standin"
)

// The stand-in's account.
const (
	Blog         = "my-blog"
	Token        = "tumblr-token-0_fake"
	Refresh      = "tumblr-refresh-0_fake"
	Code         = "tumblr-code_fake"
	ClientID     = "tumblr-client_fake"
	ClientSecret = "tumblr-client-secret_fake"
)

// FirstID is the id of the first post, larger than what a float64 holds exactly.
const FirstID = 9007199254740993

// Post is a post that the blog has.
type Post struct {
	ID      int64
	Form    string // of the older address, as it came
	JSON    string // of NPF, as it came
	Files   []File
	Content string // NPF, JSON
	At      time.Time
}

// File is a part of a request.
type File struct {
	Name, FileName, ContentType string
	Size                        int64
}

// Server is the stand-in. It is safe for concurrent use.
type Server struct {
	*standin.Server

	mu       sync.Mutex
	posts    []Post
	seen     []string // "METHOD path?query"
	hooks    []hook
	now      time.Time
	token    string
	refresh  string
	renewals int
}

type hook struct {
	path    string
	after   bool
	handler http.HandlerFunc
}

// New starts a stand-in that ends with the test. Its clock stands at now.
func New(tb standin.TB, now time.Time) *Server {
	tb.Helper()
	s := &Server{now: now, token: Token, refresh: Refresh}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v2/oauth2/token", s.grant)
	mux.HandleFunc("GET /v2/user/info", s.private(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, map[string]any{"user": map[string]any{"name": "me", "blogs": []any{map[string]any{"name": Blog, "title": "My blog"}, map[string]any{"name": "other"}}}})
	}))
	mux.HandleFunc("POST /v2/blog/my-blog/post", s.private(s.legacy))
	mux.HandleFunc("POST /v2/blog/my-blog/posts", s.private(s.npf))
	mux.HandleFunc("GET /v2/blog/my-blog/posts", s.private(s.list))
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
	i := slices.IndexFunc(s.hooks, func(h hook) bool { return h.path == r.Method+" "+r.URL.Path })
	if i < 0 {
		return nil, false
	}
	found := s.hooks[i]
	s.hooks = slices.Delete(s.hooks, i, i+1)
	return found.handler, found.after
}

// Once answers the next request of a method and path ("POST /v2/…") with handler; after lets it have its full effect first. Calls queue up.
func (s *Server) Once(path string, after bool, handler http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, hook{path, after, handler})
}

// Revoke ends the access token; the refresh token still works.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = "revoked"
}

// Add adds a post that was made elsewhere. Its content is NPF.
func (s *Server) Add(content string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posts = append(s.posts, Post{ID: FirstID + int64(len(s.posts)), Content: content, At: at})
}

// Posts returns the posts in their order.
func (s *Server) Posts() []Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.posts)
}

// Seen returns method, path and query of every request.
func (s *Server) Seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// Renewals returns how often a refresh token was taken.
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
			Refuse(401, 5004, "Unauthorized")(w, r)
			return
		}
		handler(w, r)
	}
}

func (s *Server) grant(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("client_id") != ClientID || r.PostForm.Get("client_secret") != ClientSecret {
		plain(w, 401, map[string]string{"error": "invalid_client"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.PostForm.Get("grant_type") == "authorization_code" && r.PostForm.Get("code") == Code:
	case r.PostForm.Get("grant_type") == "refresh_token" && r.PostForm.Get("refresh_token") == s.refresh:
		s.renewals++
		s.token, s.refresh = fmt.Sprintf("tumblr-token-%d_fake", s.renewals), fmt.Sprintf("tumblr-refresh-%d_fake", s.renewals)
	default:
		plain(w, 400, map[string]string{"error": "invalid_grant"})
		return
	}
	plain(w, 200, map[string]any{"access_token": s.token, "refresh_token": s.refresh, "expires_in": 2520, "token_type": "bearer", "scope": "basic write offline_access"})
}

func (s *Server) legacy(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("type") != "text" || r.PostForm.Get("body")+r.PostForm.Get("title") == "" {
		Refuse(400, 8016, "Posts must have content.")(w, r)
		return
	}
	content, _ := json.Marshal([]any{map[string]string{"type": "text", "text": r.PostForm.Get("title")}, map[string]string{"type": "text", "text": r.PostForm.Get("body")}})
	id := s.store(Post{Form: r.PostForm.Encode(), Content: string(content)})
	answer(w, 201, map[string]any{"id": id, "id_string": strconv.FormatInt(id, 10), "state": r.PostForm.Get("state")})
}

func (s *Server) npf(w http.ResponseWriter, r *http.Request) {
	_, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || parameters["boundary"] == "" {
		Refuse(400, 8001, "Invalid NPF")(w, r)
		return
	}
	parts := multipart.NewReader(r.Body, parameters["boundary"])
	var post Post
	for {
		part, err := parts.NextPart()
		if err != nil {
			break
		}
		content, _ := io.ReadAll(part)
		if post.JSON == "" {
			if part.FormName() != "json" {
				Refuse(400, 8001, "The first part must be json")(w, r)
				return
			}
			post.JSON = string(content)
			continue
		}
		post.Files = append(post.Files, File{part.FormName(), part.FileName(), part.Header.Get("Content-Type"), int64(len(content))})
	}
	var body struct {
		Content json.RawMessage `json:"content"`
	}
	if json.Unmarshal([]byte(post.JSON), &body) != nil || len(body.Content) == 0 || r.ContentLength <= 0 {
		Refuse(400, 8001, "Invalid NPF")(w, r)
		return
	}
	post.Content = string(body.Content)
	answer(w, 201, map[string]any{"id": strconv.FormatInt(s.store(post), 10)})
}

func (s *Server) store(post Post) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	post.ID, post.At = FirstID+int64(len(s.posts)), s.now
	s.posts = append(s.posts, post)
	return post.ID
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("npf") != "true" {
		Refuse(400, 0, "Bad Request")(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	posts := []any{}
	for _, post := range slices.Backward(s.posts) {
		if len(posts) < 20 {
			posts = append(posts, map[string]any{"id": post.ID, "id_string": strconv.FormatInt(post.ID, 10), "timestamp": post.At.Unix(), "content": json.RawMessage(post.Content)})
		}
	}
	answer(w, 200, map[string]any{"posts": posts})
}

// Refuse answers with an error in Tumblr's words, which repeat the token; code 0 leaves the list of errors out.
func Refuse(status, code int, title string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body := map[string]any{"meta": map[string]any{"status": status, "msg": http.StatusText(status)}, "response": []any{}}
		if code != 0 {
			body["errors"] = []any{map[string]any{"title": title, "code": code, "detail": "no " + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")}}
		}
		plain(w, status, body)
	}
}

func answer(w http.ResponseWriter, status int, response any) {
	plain(w, status, map[string]any{"meta": map[string]any{"status": status, "msg": http.StatusText(status)}, "response": response})
}

func plain(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that left is its own business
}
