// Package xtest is a stand-in for X on loopback, made from X's documentation and not from the connector that it tests. It needs no *testing.T.
package xtest

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/switchhook/switchhook/connectors/connectortest/standin"
)

// The stand-in's account and apps.
const (
	Username     = "alice"
	Token        = "x-access-token-0_fake"
	Refresh      = "x-refresh-token-0_fake"
	Code         = "x-code_fake"
	ClientID     = "x-client_fake"
	ClientSecret = "x-client-secret_fake"

	Key         = "x-consumer-key_fake"
	KeySecret   = "x-consumer-secret_fake"
	OAuth1Token = "7-x-oauth1-token_fake"
	TokenSecret = "x-oauth1-secret_fake"
)

// Post is a post that X has.
type Post struct {
	ID        string
	Body      string // of the request, as it came
	Text      string
	ReplyTo   string
	MediaIDs  []string
	Links     map[string]string // short address to long one, as they stand in a timeline
	CreatedAt time.Time
}

// Upload is a file that X has.
type Upload struct {
	ID, Category, ContentType, FileName, Alt string
	Pieces                                   []int // sizes
	Total                                    int64 // as announced; 0 where it came in one request
}

// Server is the stand-in. It is safe for concurrent use.
type Server struct {
	*standin.Server

	mu         sync.Mutex
	posts      []Post
	uploads    []Upload
	seen       []string // "METHOD path?query"
	forms      []url.Values
	hooks      []hook
	token      string
	refresh    string
	renewals   int
	processing int // looks at a film that are answered in_progress
	broken     string
	now        time.Time
}

type hook struct {
	path    string
	handler http.HandlerFunc
}

// New starts a stand-in that ends with the test. Its clock stands at now.
func New(tb standin.TB, now time.Time) *Server {
	tb.Helper()
	s := &Server{now: now, token: Token, refresh: Refresh}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2/oauth2/token", s.grant)
	mux.HandleFunc("GET /2/users/me", s.private(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, data(map[string]any{"id": "7", "username": "Alice", "name": "Alice A."}))
	}))
	mux.HandleFunc("GET /2/users/7/tweets", s.private(s.timeline))
	mux.HandleFunc("POST /2/tweets", s.private(s.create))
	mux.HandleFunc("POST /2/media/upload", s.private(s.uploadAtOnce))
	mux.HandleFunc("POST /2/media/upload/initialize", s.private(s.initialize))
	mux.HandleFunc("POST /2/media/upload/{id}/append", s.private(s.appendPiece))
	mux.HandleFunc("POST /2/media/upload/{id}/finalize", s.private(s.finalize))
	mux.HandleFunc("GET /2/media/upload", s.private(s.look))
	mux.HandleFunc("POST /2/media/metadata", s.private(s.describe))
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

// Answer is Once with a status and a body.
func (s *Server) Answer(path string, status int, body string) {
	s.Once(path, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// Revoke ends the access token; the refresh token still works.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = "revoked"
}

// RevokeAll ends the refresh token too.
func (s *Server) RevokeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token, s.refresh = "revoked", "revoked"
}

// Process makes X work on films for so many looks; words that are not empty end that in a failure.
func (s *Server) Process(looks int, broken string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.processing, s.broken = looks, broken
}

// Add adds a post that was made elsewhere.
func (s *Server) Add(added Post) {
	s.mu.Lock()
	defer s.mu.Unlock()
	added.ID = strconv.Itoa(100 + len(s.posts))
	s.posts = append(s.posts, added)
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

// Seen returns method, path and query of every request that was not failed by Fail.
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
		given := r.Header.Get("Authorization")
		if given != "Bearer "+token && !isSigned(r) {
			_, _ = io.Copy(io.Discard, r.Body)
			answer(w, http.StatusUnauthorized, map[string]any{"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"})
			return
		}
		handler(w, r)
	}
}

// grant takes a code once, and a refresh token once: each gives a new pair.
func (s *Server) grant(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if err := r.ParseForm(); err != nil || id != ClientID || secret != ClientSecret {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "unauthorized_client", "error_description": "Missing valid authorization header"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forms = append(s.forms, r.PostForm)
	switch {
	case r.PostForm.Get("grant_type") == "authorization_code" && r.PostForm.Get("code") == Code && r.PostForm.Get("code_verifier") != "":
	case r.PostForm.Get("grant_type") == "refresh_token" && r.PostForm.Get("refresh_token") == s.refresh:
		s.renewals++
		s.token, s.refresh = fmt.Sprintf("x-access-token-%d_fake", s.renewals), fmt.Sprintf("x-refresh-token-%d_fake", s.renewals)
	default:
		answer(w, http.StatusBadRequest, map[string]string{
			"error": "invalid_request", "error_description": "Value passed for the token was invalid: " + r.PostForm.Get("refresh_token"),
		})
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"token_type": "bearer", "expires_in": 7200, "access_token": s.token, "refresh_token": s.refresh,
		"scope": "tweet.read tweet.write users.read media.write offline.access",
	})
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	var given struct {
		Text  string `json:"text"`
		Media struct {
			IDs []string `json:"media_ids"`
		} `json:"media"`
		Reply struct {
			To string `json:"in_reply_to_tweet_id"`
		} `json:"reply"`
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &given) != nil || given.Text == "" && len(given.Media.IDs) == 0 {
		answer(w, http.StatusBadRequest, map[string]any{
			"title": "Invalid Request", "type": "https://api.x.com/2/problems/invalid-request", "detail": "One or more parameters to your request was invalid.",
		})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	post := Post{
		ID: strconv.Itoa(100 + len(s.posts)), Body: string(body), Text: given.Text, ReplyTo: given.Reply.To, MediaIDs: given.Media.IDs, CreatedAt: s.now,
	}
	s.posts = append(s.posts, post)
	answer(w, http.StatusCreated, data(map[string]any{"id": post.ID, "text": given.Text, "edit_history_tweet_ids": []string{post.ID}}))
}

func (s *Server) timeline(w http.ResponseWriter, r *http.Request) {
	since, err := time.Parse(time.RFC3339, r.URL.Query().Get("start_time"))
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"title": "Invalid Request", "detail": "start_time is not a date"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	most, _ := strconv.Atoi(r.URL.Query().Get("max_results"))
	before, pageErr := strconv.Atoi(r.URL.Query().Get("pagination_token"))
	meta, page := map[string]any{}, []any{}
	for _, post := range slices.Backward(s.posts) {
		if id, _ := strconv.Atoi(post.ID); post.CreatedAt.Before(since) || pageErr == nil && id >= before {
			continue
		}
		if len(page) == most {
			meta["next_token"] = s.posts[indexOf(s.posts, page)].ID
			break
		}
		page = append(page, resource(post))
	}
	meta["result_count"] = len(page)
	body := map[string]any{"meta": meta}
	if len(page) > 0 {
		body["data"] = page
	}
	answer(w, http.StatusOK, body)
}

// indexOf returns where the last post of a page stands.
func indexOf(posts []Post, page []any) int {
	last, _ := page[len(page)-1].(map[string]any)
	return slices.IndexFunc(posts, func(post Post) bool { return post.ID == last["id"] })
}

func resource(post Post) map[string]any {
	text, links := html.EscapeString(post.Text), []any{}
	text = strings.NewReplacer("&#34;", `"`, "&#39;", "'").Replace(text)
	for short, long := range post.Links {
		text = strings.ReplaceAll(text, long, short)
		links = append(links, map[string]string{"url": short, "expanded_url": long, "display_url": long})
	}
	one := map[string]any{"id": post.ID, "created_at": post.CreatedAt.UTC().Format("2006-01-02T15:04:05.000Z")}
	if len(post.MediaIDs) > 0 {
		const short = "https://t.co/files"
		text = strings.TrimSpace(text + " " + short)
		links = append(links, map[string]string{"url": short, "expanded_url": "https://x.com/alice/status/1/photo/1", "media_key": "3_1"})
		one["attachments"] = map[string]any{"media_keys": post.MediaIDs}
	}
	one["text"], one["entities"] = text, map[string]any{"urls": links}
	if post.ReplyTo != "" {
		one["referenced_tweets"] = []any{map[string]string{"type": "replied_to", "id": post.ReplyTo}}
	}
	return one
}

func data(object map[string]any) map[string]any { return map[string]any{"data": object} }

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that left is its own business
}
