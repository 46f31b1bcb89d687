//go:build linux

package faults

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
)

// replaced is how long a session may be without an owner that works, after its owner has died: ten seconds until it counts as dead, a look,
// the connection, and what a busy machine needs.
const replaced = 30 * time.Second

// network is the WhatsApp of a test, which the product reaches over a line that can be cut.
type network struct {
	t      *testing.T
	server *watest.Server
	line   *line
}

// whatsapp starts a WhatsApp for all nodes that are made from now on.
func (s *site) whatsapp() *network {
	s.t.Helper()
	server, err := watest.New(watest.Options{Root: watest.SharedRoot()})
	require.NoError(s.t, err)
	s.t.Cleanup(server.Close)
	w := &network{t: s.t, server: server, line: newLine(s.t, server.Address())}
	key := server.RootKey()
	s.settings = append(s.settings, "WHATSAPP_TEST_SERVER="+w.line.address, "WHATSAPP_TEST_ROOT_KEY="+hex.EncodeToString(key[:]))
	return w
}

// logins returns how often a device has logged in so far.
func (w *network) logins() int64 { return w.server.Counters().Logins }

// awaitLogin waits until a device has logged in since there were so many logins.
func (w *network) awaitLogin(since int64, within time.Duration) {
	w.t.Helper()
	await(w.t, within, "a further login", func() bool { return w.logins() > since })
}

// awaitForgotten waits until the network has no message any more that a user's devices have not confirmed.
func (w *network) awaitForgotten(user *watest.User) {
	w.t.Helper()
	await(w.t, patience, "all messages to be confirmed", func() bool { return len(user.PendingMessages()) == 0 })
}

// requireGot requires that a phone has got these texts from others, each once.
func requireGot(t *testing.T, user *watest.User, texts ...string) {
	t.Helper()
	var got []string
	for _, m := range user.Received() {
		got = append(got, m.Text())
	}
	require.ElementsMatch(t, texts, got)
}

// awaitText waits until a phone has got a text.
func (w *network) awaitText(user *watest.User, text string) watest.Message {
	w.t.Helper()
	var found watest.Message
	await(w.t, patience, "the phone to get "+text, func() bool {
		i := slices.IndexFunc(user.Received(), func(m watest.Message) bool { return m.Text() == text })
		if i >= 0 {
			found = user.Received()[i]
		}
		return i >= 0
	})
	return found
}

// session is what GET /v1/sessions/:id says of one.
type session struct {
	ID, Status, Reason, Message string
	QR                          *string
}

// makeSession makes a session and waits for its QR code.
func (s *site) makeSession(n *node, config map[string]string) session {
	s.t.Helper()
	var made session
	require.Equal(s.t, http.StatusCreated, s.call(n, http.MethodPost, "/v1/sessions", map[string]any{"name": "Faults", "config": config}, &made))
	await(s.t, patience, "a QR code", func() bool {
		made = s.session(n, made.ID)
		return made.QR != nil
	})
	s.secrets = append(s.secrets, *made.QR)
	return made
}

// link makes a session, without pauses between messages unless config says otherwise, and has a phone scan its code. It returns its id.
func (s *site) link(n *node, user *watest.User, config map[string]string) string {
	s.t.Helper()
	if config == nil {
		config = map[string]string{"sendGap": "0", "typing": "false"}
	}
	made := s.makeSession(n, config)
	_, err := user.Scan(s.t.Context(), *made.QR)
	require.NoError(s.t, err)
	s.awaitSession(n, made.ID, "CONNECTED", patience)
	return made.ID
}

func (s *site) session(n *node, id string) session {
	s.t.Helper()
	var found session
	require.Equal(s.t, http.StatusOK, s.call(n, http.MethodGet, "/v1/sessions/"+id, nil, &found))
	return found
}

func (s *site) awaitSession(n *node, id, status string, within time.Duration) {
	s.t.Helper()
	await(s.t, within, "session "+id+" to be "+status, func() bool { return s.session(n, id).Status == status })
}

// statuses returns the statuses and reasons that a session's events have told, the oldest first.
func (s *site) statuses(n *node, id string) []string {
	s.t.Helper()
	var told []string
	for _, e := range all[struct {
		Data struct{ SessionID, Status, Reason string }
	}](s, n, "/v1/events?event=session.status&limit=100") {
		if e.Data.SessionID == id {
			told = append(told, e.Data.Status+" "+e.Data.Reason)
		}
	}
	slices.Reverse(told)
	return told
}

// sent is the answer to a message that was sent.
type sent struct{ ID, Status, Code string }

// send sends a text with an Idempotency-Key, which is the text. Its status is 0 where there was no answer.
func (s *site) send(n *node, sessionID string, to *watest.User, text string) (int, sent) {
	s.t.Helper()
	var answer sent
	body := map[string]string{"channelId": sessionID, "to": to.Number(), "text": text}
	status, raw := s.try(n, http.MethodPost, "/v1/messages", body, "Idempotency-Key", text)
	if status != 0 {
		require.NoError(s.t, json.Unmarshal(raw, &answer), "%d %s", status, raw)
	}
	return status, answer
}

// requireSend sends a text, which must be answered as sent.
func (s *site) requireSend(n *node, sessionID string, to *watest.User, text string) {
	s.t.Helper()
	status, answer := s.send(n, sessionID, to, text)
	require.Equal(s.t, http.StatusOK, status, "%+v", answer)
	require.Contains(s.t, []string{"sent", "delivered"}, answer.Status)
}

// chatter is a phone that writes one message after the other, whether the product is there or not.
type chatter struct {
	t    *testing.T
	quit chan struct{}
	over chan struct{}

	mu  sync.Mutex
	ids []string
}

// chatterAhead is how many messages may wait for the device.
const chatterAhead = 200

func (w *network) chatter(from, to *watest.User, every time.Duration) *chatter {
	c := &chatter{t: w.t, quit: make(chan struct{}), over: make(chan struct{})}
	go func() {
		defer close(c.over)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for number := 0; ; {
			// On a machine that is slower than the phone writes, only so much waits that a test can wait for all of it.
			if len(to.PendingMessages()) < chatterAhead {
				id := "in-" + from.Number() + "-" + strconv.Itoa(number)
				if err := from.SendText(w.t.Context(), to, id, "message "+id); err != nil {
					w.t.Errorf("the phone cannot write: %v", err)
					return
				}
				c.mu.Lock()
				c.ids = append(c.ids, id)
				c.mu.Unlock()
				number++
			}
			select {
			case <-c.quit:
				return
			case <-tick.C:
			}
		}
	}()
	return c
}

// stop ends it and returns the ids of all messages.
func (c *chatter) stop() []string {
	close(c.quit)
	<-c.over
	return c.ids
}

// line is a way to a server that can be cut and mended.
type line struct {
	t       *testing.T
	address string
	server  string

	mu       sync.Mutex
	listener net.Listener
	open     map[net.Conn]bool
	taken    int // connections so far
}

func newLine(t *testing.T, server string) *line {
	t.Helper()
	l := &line{t: t, server: server, address: "127.0.0.1:" + strconv.Itoa(freePort(t)), open: map[net.Conn]bool{}}
	l.mend()
	t.Cleanup(l.cut)
	return l
}

// mend makes the line work.
func (l *line) mend() {
	l.t.Helper()
	listener, err := net.Listen("tcp", l.address)
	require.NoError(l.t, err)
	l.mu.Lock()
	l.listener = listener
	l.mu.Unlock()
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return // cut
			}
			go l.carry(near)
		}
	}()
}

// cut ends all connections; from then on nobody listens.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.listener.Close() // it may be cut already
	l.dropLocked()
}

// drop ends all connections; new ones are taken.
func (l *line) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropLocked()
}

func (l *line) dropLocked() {
	for c := range l.open {
		_ = c.Close() // the other end may have closed it
	}
}

// carry moves bytes in both directions until one end closes.
func (l *line) carry(near net.Conn) {
	defer func() { _ = near.Close() }()
	far, err := net.Dial("tcp", l.server)
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	l.mu.Lock()
	l.open[near], l.open[far] = true, true
	l.taken++
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.open, near)
		delete(l.open, far)
	}()
	go func() {
		_, _ = io.Copy(far, near) // it ends with either connection
		_ = far.Close()
	}()
	_, _ = io.Copy(near, far)
}
