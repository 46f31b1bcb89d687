package linkcli_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/linkcli"
	"github.com/switchhook/switchhook/internal/qrcode"
)

// server answers as Switchhook would: each look at the session gets the next of its states, and the last one from then on.
type server struct {
	url string

	mu     sync.Mutex
	states []string
	create string // what POST /v1/sessions answers
	link   func(http.ResponseWriter)
	busy   int      // how often no code is given at first
	asked  []string // "METHOD path body"
}

func newServer(t *testing.T, states ...string) *server {
	t.Helper()
	s := &server{states: states, create: `{"id":"sess_1","status":"PENDING"}`, link: func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"id":"sess_1","status":"PENDING"}`) }}
	h := httptest.NewServer(http.HandlerFunc(s.answer))
	t.Cleanup(h.Close)
	s.url = h.URL
	return s
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+string(body)))
	if r.Header.Get("Authorization") != "Bearer sk_live_1" {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"code":"unauthorized","message":"Send an API key."}`)
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "POST /v1/sessions":
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, s.create)
	case "POST /v1/sessions/sess_1/link":
		s.link(w)
	case "POST /v1/sessions/sess_1/pair":
		if s.busy--; s.busy >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, `{"code":"ABCD-1234","expiresAt":null,"message":"Type it in."}`)
	case "GET /v1/sessions/sess_1":
		state := s.states[0]
		if len(s.states) > 1 {
			s.states = s.states[1:]
		}
		if strings.HasPrefix(state, "5") {
			w.WriteHeader(http.StatusServiceUnavailable)
			state = `{"code":"service_unavailable","message":"Later."}`
		}
		_, _ = io.WriteString(w, state)
	default:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"code":"not_found","message":"There is no such session in this account."}`)
	}
}

// posted returns what was asked other than looks at the session.
func (s *server) posted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var some []string
	for _, line := range s.asked {
		if strings.HasPrefix(line, "POST") {
			some = append(some, line)
		}
	}
	return some
}

// link runs the command and returns what the user has read.
func (s *server) run(t *testing.T, r linkcli.Request) (string, error) {
	t.Helper()
	var out strings.Builder
	err := linkcli.Link(t.Context(), linkcli.Options{URL: s.url, Key: "sk_live_1", Out: &out, Every: time.Millisecond}, r)
	require.NotContains(t, out.String(), "sk_live_1")
	return out.String(), err
}

// state is a session as the server shows it.
func state(status, reason, message, step string) string {
	if step == "" {
		step = "null"
	}
	text, _ := json.Marshal(message)
	retry := strconv.FormatBool(reason == "connection_lost")
	return `{"id":"sess_1","retry":` + retry + `,"status":"` + status + `","reason":"` + reason + `","message":` + string(text) + `,"phone":"15559876543","pushName":"Support","step":` + step + `}`
}

func qr(code string) string {
	return `{"kind":"qr","code":"` + code + `","expiresAt":"2026-06-29T14:21:27.000Z","message":"Scan the code."}`
}

func drawn(t *testing.T, text string) string {
	t.Helper()
	code, err := qrcode.New(text)
	require.NoError(t, err)
	return code.Terminal()
}

func TestANewSessionIsFollowedFromItsFirstCodeUntilItIsConnected(t *testing.T) {
	t.Parallel()
	s := newServer(t, state("PENDING", "", "", ""), state("QR", "", "", qr("2@one")), state("QR", "", "", qr("2@one")), "503", state("QR", "", "", qr("2@two")),
		state("CONNECTING", "", "", ""), state("CONNECTED", "", "", ""))
	out, err := s.run(t, linkcli.Request{Name: "My phone"})
	require.NoError(t, err)
	require.Equal(t, []string{`POST /v1/sessions {"name":"My phone"}`}, s.posted())
	require.Equal(t, 1, strings.Count(out, drawn(t, "2@one")), "a code that stays is shown once")
	require.Equal(t, 1, strings.Count(out, drawn(t, "2@two")))
	for _, part := range []string{"--session sess_1", "Scan the code.", "Trying again", "The phone has accepted", "Connected as 15559876543 Support"} {
		require.Contains(t, out, part)
	}
}

func TestASessionThatRanOutOfCodesIsLinkedAnew(t *testing.T) {
	t.Parallel()
	for _, ended := range []string{
		state("DISCONNECTED", "qr_timeout", "Nobody scanned.", ""), state("LOGGED_OUT", "logged_out", "Unlinked.", ""),
		state("DISCONNECTED", "replaced", "Another program uses it.", ""),
	} {
		s := newServer(t, ended, state("QR", "", "", qr("2@one")), state("CONNECTED", "", "", ""))
		_, err := s.run(t, linkcli.Request{Session: "sess_1"})
		require.NoError(t, err)
		require.Equal(t, []string{"POST /v1/sessions/sess_1/link"}, s.posted())
	}
}

func TestALinkThatIsUnderWayIsFollowed(t *testing.T) {
	t.Parallel()
	s := newServer(t, state("LOGGED_OUT", "", "", ""), state("CONNECTED", "", "", ""))
	s.link = func(w http.ResponseWriter) {
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"code":"link_in_progress","message":"Under way."}`)
	}
	_, err := s.run(t, linkcli.Request{Session: "sess_1"})
	require.NoError(t, err)
}

func TestASessionThatIsOnlineNeedsNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t, state("CONNECTED", "", "", ""))
	out, err := s.run(t, linkcli.Request{Session: "sess_1", Phone: "15559876543"})
	require.NoError(t, err)
	require.Empty(t, s.posted())
	require.Contains(t, out, "Connected as")
}

func TestAPhoneIsLinkedByACodeToTypeIn(t *testing.T) {
	t.Parallel()
	pairing := `{"kind":"pairing_code","code":"ABCD-1234","expiresAt":null,"message":"Type it in."}`
	second := `{"kind":"pairing_code","code":"EFGH-5678","expiresAt":null,"message":"Type it in."}`
	s := newServer(t, state("QR", "", "", qr("2@one")), state("QR", "", "", pairing), state("QR", "", "", second), state("CONNECTED", "", "", ""))
	s.busy = 2
	out, err := s.run(t, linkcli.Request{Name: "x", Phone: "15559876543"})
	require.NoError(t, err)
	require.Len(t, s.posted(), 4)
	require.Equal(t, `POST /v1/sessions/sess_1/pair {"phoneNumber":"15559876543"}`, s.posted()[1])
	require.Equal(t, 1, strings.Count(out, "    ABCD-1234\n\nType it in.\n"))
	require.Contains(t, out, "    EFGH-5678\n\nType it in.\n")
	require.NotContains(t, out, "\x1b", "no QR code")
}

func TestAPasskeyIsExplained(t *testing.T) {
	t.Parallel()
	s := newServer(t, state("QR", "", "", `{"kind":"passkey","passkey":{"challenge":"abc"},"message":"Answer it."}`),
		state("QR", "", "", `{"kind":"passkey_confirm","code":"12345678","message":"Compare."}`), state("CONNECTED", "", "", ""))
	out, err := s.run(t, linkcli.Request{Name: "x"})
	require.NoError(t, err)
	for _, part := range []string{`{"challenge":"abc"}`, "/v1/sessions/sess_1/passkey\nAnswer it.", "12345678", "/v1/sessions/sess_1/passkey/confirm\nCompare."} {
		require.Contains(t, out, part)
	}
}

func TestAnEndWithoutALinkIsToldApart(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]string{
		"nobody scanned": state("DISCONNECTED", "qr_timeout", "Nobody scanned. Link it again.", ""),
		"refused":        state("LOGGED_OUT", "number_already_linked", "Another session has it.", ""),
		"no sentence":    state("LOGGED_OUT", "logged_out", "", ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, state("QR", "", "", qr("2@one")), state("DISCONNECTED", "connection_lost", "It comes back.", ""), last)
			out, err := s.run(t, linkcli.Request{Name: "x"})
			require.ErrorIs(t, err, linkcli.ErrNotLinked)
			require.Contains(t, out, "DISCONNECTED: It comes back.")
		})
	}
}

func TestARefusalOfTheServerEndsTheCommand(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	_, err := s.run(t, linkcli.Request{Session: "sess_2"})
	require.EqualError(t, err, "There is no such session in this account. (not_found)")
	require.NotErrorIs(t, err, linkcli.ErrNotLinked)

	var out strings.Builder
	err = linkcli.Link(t.Context(), linkcli.Options{URL: s.url, Key: "sk_live_2", Out: &out, Every: time.Millisecond}, linkcli.Request{Name: "x"})
	require.EqualError(t, err, "Send an API key. (unauthorized)")

	other := httptest.NewServer(http.RedirectHandler("https://example.com/", http.StatusFound))
	t.Cleanup(other.Close)
	err = linkcli.List(t.Context(), linkcli.Options{URL: other.URL, Key: "sk_live_1", Out: &out, Every: time.Millisecond})
	require.ErrorContains(t, err, "the server answers 302", "the key goes nowhere else")
}

func TestAStopEndsTheCommand(t *testing.T) {
	t.Parallel()
	s := newServer(t, state("PENDING", "", "", ""))
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- linkcli.Link(ctx, linkcli.Options{URL: s.url, Key: "sk_live_1", Out: writer, Every: time.Millisecond}, linkcli.Request{Name: "x"})
	}()
	_, err := reader.Read(make([]byte, 1))
	require.NoError(t, err)
	stop()
	require.NoError(t, reader.Close())
	require.ErrorIs(t, <-done, context.Canceled)
}

func TestSessionsAreListedPageByPage(t *testing.T) {
	t.Parallel()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("cursor") == "" {
			_, _ = io.WriteString(w, `{"data":[{"id":"sess_2","status":"QR","name":"New\t\u001b[2J"}],"nextCursor":"sess_2"}`)
			return
		}
		_, _ = io.WriteString(w, `{"data":[{"id":"sess_1","status":"LOGGED_OUT","phone":"15559876543","name":"Old","message":"Link it again."}],"nextCursor":null}`)
	}))
	t.Cleanup(h.Close)
	var out strings.Builder
	require.NoError(t, linkcli.List(t.Context(), linkcli.Options{URL: h.URL + "/", Key: "sk_live_1", Out: &out, Every: time.Second}))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 3)
	require.Equal(t, []string{"ID", "STATUS", "PHONE", "NAME", "REASON"}, strings.Fields(lines[0]))
	require.Equal(t, []string{"sess_2", "QR", "New", "[2J"}, strings.Fields(lines[1]))
	require.Equal(t, []string{"sess_1", "LOGGED_OUT", "15559876543", "Old", "Link", "it", "again."}, strings.Fields(lines[2]))
}

func TestOptionsThatAreMissingOrWrongAreNamed(t *testing.T) {
	t.Parallel()
	good := linkcli.Options{URL: "http://localhost:8080", Key: "k", Out: io.Discard, Every: time.Second}
	for name, spoil := range map[string]func(*linkcli.Options){
		"URL": func(o *linkcli.Options) { o.URL = "" }, "Key": func(o *linkcli.Options) { o.Key = "" },
		"Out": func(o *linkcli.Options) { o.Out = nil }, "Every": func(o *linkcli.Options) { o.Every = 0 },
		"localhost:8080": func(o *linkcli.Options) { o.URL = "localhost:8080" },
	} {
		o := good
		spoil(&o)
		require.ErrorContains(t, linkcli.List(t.Context(), o), name)
	}
}
