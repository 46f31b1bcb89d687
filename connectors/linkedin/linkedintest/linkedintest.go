// Package linkedintest is a stand-in for LinkedIn on loopback, made from LinkedIn's documentation and not from the connector that it tests. It needs no
// *testing.T.
package linkedintest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/switchhook/switchhook/connectors/connectortest/standin"
)

// The stand-in's member, page and app.
const (
	Member       = "urn:li:person:AbC-1_x"
	Page         = "urn:li:organization:42"
	Version      = "202607"
	Token        = "linkedin-access-token-0_fake"
	Refresh      = "linkedin-refresh-token_fake"
	Code         = "linkedin-code_fake"
	ClientID     = "linkedin-client_fake"
	ClientSecret = "linkedin-client-secret_fake"
)

// Post is a post that LinkedIn has.
type Post struct {
	ID   string
	Body string // of the request, as it came
	Text string // as people see it: of commentary that is not escaped, only the beginning
}

// Upload is a file that LinkedIn has.
type Upload struct {
	URN    string
	Pieces []int  // sizes, in their order in the file
	Begun  string // body of the request that began it
	Ended  bool   // finalized
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
	piece      int64 // bytes of a piece of a film
	processing int
	broken     bool
	scopes     string
}

type hook struct {
	path    string
	handler http.HandlerFunc
}

// New starts a stand-in that ends with the test. It takes films in pieces of 1,000 bytes.
func New(tb standin.TB) *Server {
	tb.Helper()
	s := &Server{token: Token, refresh: Refresh, piece: 1000, scopes: "openid,profile,w_member_social"}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth/v2/accessToken", s.grant)
	mux.HandleFunc("GET /v2/userinfo", s.private(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"sub": strings.TrimPrefix(Member, "urn:li:person:"), "name": "Alice A."})
	}))
	mux.HandleFunc("POST /rest/posts", s.versioned(s.create))
	mux.HandleFunc("POST /rest/images", s.versioned(s.beginImage))
	mux.HandleFunc("POST /rest/videos", s.versioned(s.video))
	mux.HandleFunc("GET /rest/videos/{urn}", s.versioned(s.look))
	mux.HandleFunc("PUT /dms-uploads/{upload}/{piece}", s.private(s.put))
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

// Revoke ends the access token; with all the refresh token too.
func (s *Server) Revoke(all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = "revoked"
	if all {
		s.refresh = "revoked"
	}
}

// Process makes LinkedIn work on films for so many looks; broken ends that in a failure.
func (s *Server) Process(looks int, broken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.processing, s.broken = looks, broken
}

// Grant sets what an app is granted, with commas.
func (s *Server) Grant(scopes string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scopes = scopes
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
		if r.Header.Get("Authorization") != "Bearer "+token {
			_, _ = io.Copy(io.Discard, r.Body)
			refuse(w, http.StatusUnauthorized, 65601, "The token used in the request has been revoked by the user")
			return
		}
		handler(w, r)
	}
}

func (s *Server) versioned(handler http.HandlerFunc) http.HandlerFunc {
	return s.private(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("X-Restli-Protocol-Version") != "2.0.0", r.Header.Get("LinkedIn-Version") == "":
			refuse(w, http.StatusBadRequest, 0, "A version must be present. Please specify a version by adding the LinkedIn-Version header.")
		case r.Header.Get("LinkedIn-Version") != Version:
			refuse(w, http.StatusUpgradeRequired, 0, "Requested version is not active")
		case r.Method == http.MethodPost && r.Header.Get("Content-Type") != "application/json":
			refuse(w, http.StatusUnsupportedMediaType, 0, "JSON is wanted")
		default:
			handler(w, r)
		}
	})
}

func (s *Server) grant(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("client_id") != ClientID || r.PostForm.Get("client_secret") != ClientSecret {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client", "error_description": "Client authentication failed"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forms = append(s.forms, r.PostForm)
	switch {
	case r.PostForm.Get("grant_type") == "authorization_code" && r.PostForm.Get("code") == Code && !r.PostForm.Has("code_verifier"):
	case r.PostForm.Get("grant_type") == "refresh_token" && r.PostForm.Get("refresh_token") == s.refresh:
		s.renewals++
		s.token = fmt.Sprintf("linkedin-access-token-%d_fake", s.renewals)
		answer(w, http.StatusOK, map[string]any{"access_token": s.token, "expires_in": 5184000, "scope": s.scopes}) // without a refresh token
		return
	default:
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_description": "The provided authorization grant or refresh token is invalid"})
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"access_token": s.token, "expires_in": 5184000, "refresh_token": s.refresh, "refresh_token_expires_in": 31536000, "scope": s.scopes,
	})
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	var given struct {
		Author       string  `json:"author"`
		Commentary   *string `json:"commentary"`
		Visibility   string  `json:"visibility"`
		Lifecycle    string  `json:"lifecycleState"`
		Distribution struct {
			Feed string `json:"feedDistribution"`
		} `json:"distribution"`
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &given) != nil || given.Commentary == nil || given.Lifecycle != "PUBLISHED" || given.Distribution.Feed != "MAIN_FEED" ||
		!slices.Contains([]string{"PUBLIC", "CONNECTIONS", "LOGGED_IN"}, given.Visibility) {
		refuse(w, http.StatusBadRequest, 100, "ERROR :: a field is missing or wrong")
		return
	}
	if given.Author != Member && given.Author != Page {
		refuse(w, http.StatusForbidden, 100, "Not enough permissions to access: posts.CREATE")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	post := Post{ID: fmt.Sprintf("urn:li:share:%d", 7000+len(s.posts)), Body: string(body), Text: Shown(*given.Commentary)}
	s.posts = append(s.posts, post)
	w.Header().Set("x-restli-id", post.ID)
	w.WriteHeader(http.StatusCreated)
}

// Shown returns what people see of little text: it ends at the first reserved character that is neither escaped nor part of a hashtag or a mention.
func Shown(little string) string {
	hashtag := regexp.MustCompile(`^#[\p{L}\p{M}\p{N}]+`)
	template := regexp.MustCompile(`^\{hashtag\|\\#\|((?:[\p{L}\p{M}\p{N}]|\\_)+)\}`)
	mention := regexp.MustCompile(`^@\[((?:\\.|[^\\\[\]])+)\]\(urn:li:(?:person|organization):[A-Za-z0-9_-]+\)`)
	var seen strings.Builder
	for little != "" {
		if little[0] == '\\' && len(little) > 1 {
			seen.WriteByte(little[1])
			little = little[2:]
			continue
		}
		if m := hashtag.FindString(little); m != "" {
			seen.WriteString(m)
			little = little[len(m):]
			continue
		}
		if m := template.FindStringSubmatch(little); m != nil {
			seen.WriteString("#" + strings.ReplaceAll(m[1], `\`, ""))
			little = little[len(m[0]):]
			continue
		}
		if m := mention.FindStringSubmatch(little); m != nil {
			seen.WriteString(strings.ReplaceAll(m[1], `\`, ""))
			little = little[len(m[0]):]
			continue
		}
		if strings.ContainsRune(`\|{}@[]()<>#*_~`, rune(little[0])) {
			break
		}
		seen.WriteByte(little[0])
		little = little[1:]
	}
	return seen.String()
}

// refuse answers with an error of LinkedIn's.
func refuse(w http.ResponseWriter, status, code int, words string) {
	answer(w, status, map[string]any{"status": status, "serviceErrorCode": code, "message": words})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that left is its own business
}

// number reads a part of an address.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}
