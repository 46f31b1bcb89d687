package whatsapp

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" //nolint:depguard // database/sql driver "pgx"; a test opens the databases that the core would lend
	"github.com/stretchr/testify/require"
	"go.mau.fi/util/dbutil"
	"go.mau.fi/whatsmeow/types"
	_ "modernc.org/sqlite" // database/sql driver "sqlite"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
	"github.com/switchhook/switchhook/internal/testenv"
)

// patience is how long a test waits for what must happen. It never waits in vain.
const patience = 60 * time.Second

// owner is the phone number that tests link.
const owner = "491701234567"

// rig is a test's session: a WhatsApp, a database, and what the core would be.
type rig struct {
	server    *watest.Server
	connector *Connector
	db        *dbutil.Database
	held      atomic.Bool
	dials     atomic.Int32
	listener  *listener
	config    connectors.Config
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigOn(t, "sqlite", watest.Options{})
}

func newRigOn(t testing.TB, engine string, options watest.Options) *rig {
	t.Helper()
	server, err := watest.New(options)
	require.NoError(t, err)
	t.Cleanup(server.Close)
	root := server.RootKey()
	connector, err := New(Options{TestServer: server.Address(), TestRootKey: hex.EncodeToString(root[:])})
	require.NoError(t, err)
	quick(&connector.timing)
	r := &rig{server: server, connector: connector, db: openDB(t, engine), listener: newListener()}
	r.held.Store(true)
	return r
}

// quick makes a Link's waits short.
func quick(timing *timing) {
	timing.firstRetry, timing.retry, timing.maxRetry = 20*time.Millisecond, 20*time.Millisecond, 100*time.Millisecond
	timing.relogin, timing.stagger = 100*time.Millisecond, time.Millisecond
}

func openDB(t testing.TB, engine string) *dbutil.Database {
	t.Helper()
	uri, driver := "", "pgx"
	if engine == "sqlite" {
		driver = engine
		uri = "file:" + filepath.Join(t.TempDir(), "switchhook.db") +
			"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(0)&_pragma=foreign_keys(1)&_txlock=immediate"
	} else {
		uri = testenv.Postgres(t)
	}
	db, err := dbutil.NewWithDialect(uri, driver)
	require.NoError(t, err)
	if engine == "sqlite" {
		db.RawDB.SetMaxOpenConns(1)
	}
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func (r *rig) host() connectors.LinkHost {
	return connectors.LinkHost{
		Host: connectors.Host{
			HTTP: &http.Client{Transport: &http.Transport{}}, Public: &http.Client{Transport: &http.Transport{}},
			Logger: slog.New(slog.DiscardHandler), Now: time.Now,
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				r.dials.Add(1)
				return new(net.Dialer).DialContext(ctx, network, address)
			},
		},
		DB: r.db, Held: r.held.Load, Listener: r.listener,
	}
}

// open opens a Link and starts it.
func (r *rig) open(t *testing.T, device string) connectors.Link {
	t.Helper()
	link := r.openFor(t, device, r.listener)
	t.Cleanup(func() { require.NoError(t, link.Close()) })
	return link
}

// openFor opens a Link with a listener of its own, and starts it.
func (r *rig) openFor(t testing.TB, device string, listener *listener) connectors.Link {
	t.Helper()
	host := r.host()
	host.Listener = listener
	link, err := r.connector.OpenLink(t.Context(), connectors.LinkSession{ID: "sess_1", Device: device, Config: r.config}, host)
	require.NoError(t, err)
	link.Start()
	return link
}

// link links the owner's phone by QR code and returns the connected Link.
func (r *rig) link(t *testing.T) (connectors.Link, *watest.User) {
	t.Helper()
	user := r.server.AddUser(owner)
	link := r.open(t, "")
	r.scan(t, user)
	r.listener.await(t, connected)
	return link, user
}

func (r *rig) scan(t *testing.T, user *watest.User) {
	t.Helper()
	state := r.listener.await(t, in(connectors.LinkQR))
	_, err := user.Scan(within(t), state.Step.Code)
	require.NoError(t, err)
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// listener is the core's end: it keeps what it hears.
type listener struct {
	mu       sync.Mutex
	states   []connectors.LinkState
	results  []connectors.CallbackResult
	paired   []connectors.LinkIdentity
	changed  chan struct{} // closed with whatever is new
	receive  func(connectors.CallbackResult) error
	pairing  error
	tellings error
	inside   atomic.Int32 // calls under way
	seen     int          // states that await has returned
}

func newListener() *listener { return &listener{changed: make(chan struct{})} }

func (l *listener) note(what func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	what()
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *listener) LinkChanged(_ context.Context, state connectors.LinkState) error {
	l.inside.Add(1)
	defer l.inside.Add(-1)
	var err error
	l.note(func() {
		if err = l.tellings; err != nil {
			l.tellings = nil
			return
		}
		l.states = append(l.states, state)
	})
	return err
}

func (l *listener) LinkReceived(_ context.Context, result connectors.CallbackResult) error {
	l.inside.Add(1)
	defer l.inside.Add(-1)
	l.mu.Lock()
	receive := l.receive
	l.mu.Unlock()
	if receive != nil {
		if err := receive(result); err != nil {
			return err
		}
	}
	l.note(func() { l.results = append(l.results, result) })
	return nil
}

func (l *listener) LinkPairing(_ context.Context, identity connectors.LinkIdentity) error {
	l.note(func() { l.paired = append(l.paired, identity) })
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pairing
}

// onReceive sets what decides on what comes in.
func (l *listener) onReceive(receive func(connectors.CallbackResult) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.receive = receive
}

// until waits for a condition, which is asked with the listener's lock held.
func (l *listener) until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		l.mu.Lock()
		met, changed := condition(), l.changed
		l.mu.Unlock()
		if met {
			return
		}
		select {
		case <-changed:
		case <-limit.C:
			l.mu.Lock()
			defer l.mu.Unlock()
			require.Fail(t, "waited in vain for "+what, "states: %+v", l.states)
		}
	}
}

// await returns the next state that matches, after those that were returned before.
func (l *listener) await(t testing.TB, match func(connectors.LinkState) bool) connectors.LinkState {
	t.Helper()
	var found connectors.LinkState
	l.until(t, "a state", func() bool {
		for ; l.seen < len(l.states); l.seen++ {
			if match(l.states[l.seen]) {
				found = l.states[l.seen]
				l.seen++
				return true
			}
		}
		return false
	})
	return found
}

// text waits for an inbound message and returns it.
func (l *listener) text(t *testing.T, text string) connectors.InMessage {
	t.Helper()
	var found connectors.InMessage
	l.until(t, "the message "+text, func() bool {
		for _, result := range l.results {
			for _, message := range result.Messages {
				if message.Text == text {
					found = message
					return true
				}
			}
		}
		return false
	})
	return found
}

func (l *listener) history() []connectors.LinkState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]connectors.LinkState(nil), l.states...)
}

func in(status connectors.LinkStatus) func(connectors.LinkState) bool {
	return func(state connectors.LinkState) bool { return state.Status == status }
}

func because(status connectors.LinkStatus, reason string) func(connectors.LinkState) bool {
	return func(state connectors.LinkState) bool { return state.Status == status && state.Reason == reason }
}

func connected(state connectors.LinkState) bool { return state.Status == connectors.LinkConnected }

var errFull = errors.New("the disk is full")

// waitingMachine is a Link without a network, which waits for a phone.
func waitingMachine(now time.Time) *machine {
	l := &Link{
		connector: &Connector{timing: standardTiming()}, mail: newMailbox(), gate: &gate{}, waiting: make(chan struct{}), over: make(chan struct{}),
	}
	l.host.Now = func() time.Time { return now }
	l.host.Held = func() bool { return true }
	l.host.Logger = slog.New(slog.DiscardHandler)
	return &machine{Link: l}
}

func passkeyOptions(t *testing.T, timeout int) *types.WebAuthnPublicKey {
	t.Helper()
	return &types.WebAuthnPublicKey{Timeout: timeout, RelyingPartID: "whatsapp.com"}
}
