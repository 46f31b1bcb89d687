// Package discordtest is a stand-in for Discord on loopback, made from Discord's documentation and not from the connector that it tests. It
// needs no *testing.T.
package discordtest

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/switchhook/switchhook/connectors/connectortest/standin"
)

// What the stand-in knows.
const (
	WebhookID    = "223704706495545344"
	WebhookToken = "discord-webhook-token_fake"
	BotToken     = "discord-bot-token_fake"
	BotID        = "111111111111111111"
	ChannelID    = "333333333333333333"
	ThreadID     = "444444444444444444"
	GuildID      = "555555555555555555"
)

// WebhookURL is the webhook's address as Discord shows it.
const WebhookURL = "https://discord.com/api/webhooks/" + WebhookID + "/" + WebhookToken

// Message is a message that Discord has.
type Message struct {
	ID        string
	Room      string // channel or thread
	Payload   string // as it came
	Content   string
	Nonce     string
	Files     []File
	WebhookID string // of the sender; empty: the bot
	AuthorID  string
	Hidden    bool // of the bot's eyes: its text and files are not told
	At        time.Time
}

// File is an attachment.
type File struct {
	Field, Name, ContentType string
	Size                     int
}

// Server is the stand-in. It is safe for concurrent use.
type Server struct {
	*standin.Server

	mu       sync.Mutex
	messages []Message
	seen     []string // "METHOD path?query"
	hooks    []hook
	header   http.Header // further ones of answers to posts
	now      time.Time
}

type hook struct {
	path    string
	handler http.HandlerFunc
}

// New starts a stand-in that ends with the test. Its clock stands at now.
func New(tb standin.TB, now time.Time) *Server {
	tb.Helper()
	s := &Server{now: now}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v10/webhooks/{id}/{token}", s.webhook(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"id": WebhookID, "type": 1, "guild_id": GuildID, "channel_id": ChannelID, "name": "News", "token": WebhookToken})
	}))
	mux.HandleFunc("POST /api/v10/webhooks/{id}/{token}", s.webhook(s.execute))
	mux.HandleFunc("GET /api/v10/users/@me", s.bot(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"id": BotID, "username": "newsbot", "bot": true})
	}))
	mux.HandleFunc("GET /api/v10/channels/{id}", s.bot(func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusOK, map[string]any{"id": r.PathValue("id"), "type": 0, "guild_id": GuildID})
	}))
	mux.HandleFunc("GET /api/v10/channels/{id}/messages", s.bot(s.list))
	mux.HandleFunc("POST /api/v10/channels/{id}/messages", s.bot(s.create))
	s.Server = standin.New(tb, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(mux, w, r) }))
	return s
}

func (s *Server) serve(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.seen = append(s.seen, r.Method+" "+r.URL.RequestURI())
	var handler http.HandlerFunc
	if i := slices.IndexFunc(s.hooks, func(h hook) bool { return h.path == r.Method+" "+r.URL.Path }); i >= 0 {
		handler = s.hooks[i].handler
		s.hooks = slices.Delete(s.hooks, i, i+1)
	}
	s.mu.Unlock()
	switch {
	case !strings.HasPrefix(r.Header.Get("User-Agent"), "DiscordBot (https://"):
		http.Error(w, "<html>error code: 1010</html>", http.StatusForbidden)
	case handler != nil:
		_, _ = io.Copy(io.Discard, r.Body) // a client that leaves early is its own business
		handler(w, r)
	default:
		mux.ServeHTTP(w, r)
	}
}

// Once answers the next request ("POST /api/v10/…") with handler, after its body was read and without any other effect. Calls queue up.
func (s *Server) Once(request string, handler http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, hook{request, handler})
}

// Header makes answers to posts carry a header.
func (s *Server) Header(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.header == nil {
		s.header = http.Header{}
	}
	s.header.Set(name, value)
}

// Add adds a message that was posted elsewhere.
func (s *Server) Add(added Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	added.ID = strconv.Itoa(900_000 + len(s.messages))
	s.messages = append(s.messages, added)
}

// Messages returns the messages in their order.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Seen returns method, path and query of every request that was not failed by Fail.
func (s *Server) Seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

func (s *Server) webhook(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.PathValue("id") != WebhookID:
			Refuse(http.StatusNotFound, 10015, "Unknown Webhook")(w, r)
		case r.PathValue("token") != WebhookToken:
			Refuse(http.StatusUnauthorized, 50027, "Invalid Webhook Token")(w, r)
		default:
			handler(w, r)
		}
	}
}

func (s *Server) bot(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bot "+BotToken {
			Refuse(http.StatusUnauthorized, 0, "401: Unauthorized")(w, r)
			return
		}
		if id := r.PathValue("id"); id != "" && id != ChannelID && id != ThreadID {
			Refuse(http.StatusNotFound, 10003, "Unknown Channel")(w, r)
			return
		}
		handler(w, r)
	}
}

func (s *Server) execute(w http.ResponseWriter, r *http.Request) {
	room := r.URL.Query().Get("thread_id")
	if room == "" {
		room = ChannelID
	}
	message, ok := s.take(w, r, Message{Room: room, WebhookID: WebhookID, AuthorID: WebhookID})
	if !ok {
		return
	}
	if r.URL.Query().Get("wait") != "true" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer(w, http.StatusOK, resource(message))
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	if message, ok := s.take(w, r, Message{Room: r.PathValue("id"), AuthorID: BotID}); ok {
		answer(w, http.StatusOK, resource(message))
	}
}

// take keeps a message, or answers why not. A nonce that is enforced makes one message of two.
func (s *Server) take(w http.ResponseWriter, r *http.Request, m Message) (Message, bool) {
	payload, files, err := read(r)
	var given struct {
		Content string `json:"content"`
		Nonce   string `json:"nonce"`
		Enforce bool   `json:"enforce_nonce"`
	}
	switch {
	case err != nil || json.Unmarshal([]byte(payload), &given) != nil:
		Refuse(http.StatusBadRequest, 50109, "The request body contains invalid JSON.")(w, r)
		return m, false
	case given.Content == "" && len(files) == 0:
		Refuse(http.StatusBadRequest, 50006, "Cannot send an empty message")(w, r)
		return m, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, values := range s.header {
		w.Header()[name] = values
	}
	for _, earlier := range s.messages {
		if given.Enforce && earlier.Nonce == given.Nonce {
			return earlier, true
		}
	}
	m.ID, m.Payload, m.Content, m.Nonce, m.Files, m.At = strconv.Itoa(900_000+len(s.messages)), payload, given.Content, given.Nonce, files, s.now
	s.messages = append(s.messages, m)
	return m, true
}

// read reads both forms of a body.
func read(r *http.Request) (payload string, files []File, err error) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		body, err := io.ReadAll(r.Body)
		return string(body), nil, err
	}
	reader, err := r.MultipartReader()
	if err != nil {
		return "", nil, err
	}
	for {
		part, err := reader.NextPart()
		if err == io.EOF { //nolint:errorlint // NextPart returns it as it is
			return payload, files, nil
		}
		if err != nil {
			return "", nil, err
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return "", nil, err
		}
		if part.FormName() == "payload_json" {
			payload = string(content)
			continue
		}
		files = append(files, File{part.FormName(), part.FileName(), part.Header.Get("Content-Type"), len(content)})
	}
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	before, err := strconv.Atoi(r.URL.Query().Get("before"))
	page := []any{}
	for _, m := range slices.Backward(s.messages) {
		if id, _ := strconv.Atoi(m.ID); m.Room == r.PathValue("id") && len(page) < limit && (err != nil || id < before) {
			page = append(page, resource(m))
		}
	}
	answer(w, http.StatusOK, page)
}

func resource(m Message) map[string]any {
	files := []any{}
	for _, f := range m.Files {
		files = append(files, map[string]any{"id": "1", "filename": f.Name})
	}
	made := map[string]any{
		"id": m.ID, "channel_id": m.Room, "content": m.Content, "timestamp": m.At.UTC().Format("2006-01-02T15:04:05.000000-07:00"),
		"author": map[string]any{"id": m.AuthorID}, "attachments": files,
	}
	if m.WebhookID != "" {
		made["webhook_id"] = m.WebhookID
	}
	if m.Nonce != "" {
		made["nonce"] = m.Nonce
	}
	if m.Hidden {
		made["content"], made["attachments"] = "", []any{}
	}
	return made
}

// Refuse answers with an error of Discord's.
func Refuse(status, code int, words string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		answer(w, status, map[string]any{"code": code, "message": words})
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that left is its own business
}
