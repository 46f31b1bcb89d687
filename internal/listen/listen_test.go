package listen_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/apiclient"
	"github.com/switchhook/switchhook/internal/listen"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/webhook"
)

const patience = 20 * time.Second

func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	require.Eventually(t, happened, patience, time.Millisecond, what)
}

// server lists events as Switchhook does, and can be told to fail.
type server struct {
	url string

	mu      sync.Mutex
	events  []string // the newest first, as JSON
	failure int      // a status that is answered instead
	asked   []string
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{}
	h := httptest.NewServer(http.HandlerFunc(s.answer))
	t.Cleanup(h.Close)
	s.url = h.URL
	return s
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.URL.RequestURI())
	switch {
	case r.Header.Get("Authorization") != "Bearer sk_live_1":
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"code":"unauthorized","message":"This API key is not valid."}`)
	case s.failure != 0:
		w.WriteHeader(s.failure)
	case r.Method == http.MethodPost:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"code":"channel_not_connected","message":"The channel is not connected."}`)
	default: // two events a page: the cursor is the number of those that were shown
		from, next := 0, "null"
		_, _ = fmt.Sscan(r.URL.Query().Get("cursor"), &from)
		page := s.events[min(from, len(s.events)):]
		if len(page) > 2 {
			page, next = page[:2], fmt.Sprintf(`"%d"`, from+2)
		}
		_, _ = io.WriteString(w, `{"data":[`+strings.Join(page, ",")+`],"nextCursor":`+next+`}`)
	}
}

// add lets events happen, one after the other.
func (s *server) add(kind string, ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		s.events = append([]string{fmt.Sprintf(
			`{"id":%q,"event":%q,"channelId":"chan_1","data":{"from":"1555","chat":"group"},"timestamp":"2026-06-29T14:21:07.412Z"}`, id, kind)}, s.events...)
	}
}

func (s *server) fail(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = status
}

// screen is a terminal.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *screen) awaits(t *testing.T, text string) {
	t.Helper()
	eventually(t, text, func() bool { return strings.Contains(s.String(), text) })
}

// target is the program of the user; it answers with what it is told.
func target(t *testing.T, status int, answer string) (address string, got func() []string) {
	t.Helper()
	var mu sync.Mutex
	var ids []string
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		ids = append(ids, r.Header.Get("webhook-id"))
		mu.Unlock()
		w.Header().Set("Location", "https://example.com/")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(h.Close)
	return h.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string{}, ids...)
	}
}

func options(s *server, to string) listen.Options {
	return listen.Options{
		URL: s.url, Key: "sk_live_1", Target: to, Secret: secret.NewWebhookSecret(), Format: webhook.FormatSwitchhook, Out: new(screen),
		Every: time.Millisecond, Now: time.Now,
	}
}

// start listens until the test ends, and returns when what was there is known.
func start(t *testing.T, o listen.Options) *screen {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- listen.Listen(ctx, o) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	out := o.Out.(*screen)
	out.awaits(t, "Listening")
	return out
}

func TestEventsArriveOnceInTheirOrderAlsoWhenTheyFillPages(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.add("message.received", "evt_1", "evt_2", "evt_3")
	to, got := target(t, 204, "")
	start(t, options(s, to))
	s.add("message.received", "evt_4", "evt_5", "evt_6", "evt_7", "evt_8")
	eventually(t, "all arrive", func() bool { return len(got()) == 5 })
	s.add("session.qr", "evt_9")
	eventually(t, "the next one too", func() bool { return len(got()) == 6 })
	require.Equal(t, []string{"evt_4", "evt_5", "evt_6", "evt_7", "evt_8", "evt_9"}, got())
}

func TestAServerThatIsGoneForAWhileIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	to, got := target(t, 200, "")
	out := start(t, options(s, to))
	s.fail(http.StatusServiceUnavailable)
	out.awaits(t, "does not answer")
	s.add("message.received", "evt_1")
	s.fail(0)
	out.awaits(t, "answers again")
	eventually(t, "what happened meanwhile arrives", func() bool { return len(got()) == 1 })
	require.Equal(t, 1, strings.Count(out.String(), "does not answer"), "told once")
}

func TestATargetThatFailsIsToldOfAndTheNextEventStillArrives(t *testing.T) {
	t.Parallel()
	for status, says := range map[int]string{500: "500  it broke [31m", 302: "302", 404: "404"} {
		s := newServer(t)
		to, got := target(t, status, "it broke \x1b[31m")
		out := start(t, options(s, to))
		s.add("message.received", "evt_1", "evt_2")
		eventually(t, "both were sent", func() bool { return len(got()) == 2 })
		out.awaits(t, "evt_2  "+strconv.Itoa(status))
		require.Contains(t, strings.ReplaceAll(out.String(), "  [31m", " [31m"), says)
		require.Contains(t, out.String(), "switchhook listen --to "+to+" --send evt_1")
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	s := newServer(t)
	out := start(t, options(s, gone.URL))
	s.add("message.received", "evt_1")
	out.awaits(t, "Is your program running there?")
}

func TestRepliesAreShownAndSentOnlyWhereAskedFor(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	to, _ := target(t, 200, `{"replies":["one","two"]}`)
	o := options(s, to)
	out := start(t, o)
	s.add("message.received", "evt_1")
	out.awaits(t, `asks to reply "two", which is sent with --reply only`)
	s.mu.Lock()
	require.NotContains(t, strings.Join(s.asked, " "), "/v1/messages")
	s.mu.Unlock()

	o.Out, o.Reply = new(screen), true
	out = start(t, o)
	s.add("message.received", "evt_2")
	out.awaits(t, `reply "one" could not be sent: The channel is not connected.`)
	require.NotContains(t, out.String(), "two", "they go out in order")
}

func TestAServerThatRefusesEndsTheCommand(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	to, _ := target(t, 200, "")
	o := options(s, to)
	o.Key = "sk_live_2"
	require.EqualError(t, listen.Listen(t.Context(), o), "This API key is not valid. (unauthorized)")

	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>Welcome</html>") }))
	t.Cleanup(page.Close)
	o = options(s, to)
	o.URL = page.URL + "/"
	err := listen.Listen(t.Context(), o)
	require.ErrorContains(t, err, "something else than Switchhook at "+page.URL+":")
	require.ErrorAs(t, err, new(*apiclient.RefusalError))
}

func TestWhatTheFormatHasNoBodyForIsLeftOut(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	to, got := target(t, 200, "")
	o := options(s, to)
	o.Format = webhook.FormatSociocs
	out := start(t, o)
	s.add("session.qr", "evt_1")
	s.add("message.received", "evt_2")
	out.awaits(t, "evt_2  200")
	require.Len(t, got(), 1)
}

func TestOptionsThatCannotBeUsedAreNamed(t *testing.T) {
	t.Parallel()
	s := &server{url: "http://127.0.0.1:1"}
	for says, spoil := range map[string]func(*listen.Options){
		"localhost:3000":         func(o *listen.Options) { o.Target = "localhost:3000" },
		"message.recieved":       func(o *listen.Options) { o.Events = []string{"message.recieved"} },
		"format \"xml\"":         func(o *listen.Options) { o.Format = "xml" },
		"begins with whsec_":     func(o *listen.Options) { o.Secret = "hunter2" },
		"no address of a server": func(o *listen.Options) { o.URL = "localhost:8080" },
	} {
		o := options(s, "http://localhost:3000")
		spoil(&o)
		err := listen.Listen(t.Context(), o)
		require.ErrorIs(t, err, listen.ErrOptions)
		require.ErrorContains(t, err, says)
	}
	for name, spoil := range map[string]func(*listen.Options){
		"URL": func(o *listen.Options) { o.URL = "" }, "Key": func(o *listen.Options) { o.Key = "" }, "Out": func(o *listen.Options) { o.Out = nil },
		"Secret": func(o *listen.Options) { o.Secret = "" }, "Every": func(o *listen.Options) { o.Every = 0 }, "Now": func(o *listen.Options) { o.Now = nil },
	} {
		o := options(s, "http://localhost:3000")
		spoil(&o)
		require.ErrorContains(t, listen.Send(t.Context(), o, "message.received"), "Options."+name)
	}
}
