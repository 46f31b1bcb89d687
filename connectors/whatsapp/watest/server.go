// Package watest is a WhatsApp multi-device server on a loopback address, for tests without a network: the real whatsmeow client pairs
// with it by QR code, by pairing code and by passkey, logs in, sends and receives encrypted messages, groups and media, and meets every way
// in which WhatsApp ends a connection. Each User is a person with a phone, whose hand is the test.
//
// State is kept in memory. Only what the client can notice is done: nothing verifies a WebAuthn assertion, a contact's privacy, or a limit.
package watest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.mau.fi/whatsmeow/util/keys"
)

const (
	defaultListen     = "127.0.0.1:0"
	defaultCloseDelay = 75 * time.Millisecond
	defaultRefs       = 6 // as many as WhatsApp gives: the client shows the first for 60 s and the others for 20 s each
	headerTimeout     = 10 * time.Second
)

// Options configures a Server. The zero value is usable.
type Options struct {
	Log    *slog.Logger // nil: nothing is logged
	Root   *Root        // whose certificate the server shows; nil: SharedRoot
	Listen string       // host and port, a loopback address; empty: 127.0.0.1 and a free port
	Refs   int          // how many QR codes a pairing connection is given; 0: six. With fewer than six the client shows each for 20 s
	// CloseDelay lies between a failure or a stream:error and the end of the connection; 0: 75 ms. A client chooses at random between a stanza that
	// it has not handled yet and a closed connection, so with much less the stanza is lost in a good part of the cases. A test that itself disconnects
	// the client meanwhile sets a long time: whatsmeow has a data race between its own Disconnect and a close by the server.
	CloseDelay time.Duration
	// TrueKeyCount answers a new device's question for its number of prekeys with 0, as WhatsApp does. The client then uploads 812 keys.
	// Otherwise the answer is 1, and it uploads 50, which is four times as fast.
	TrueKeyCount bool
	// Forget leaves the stanzas out that Stanzas and WaitStanza return, for long runs with many clients.
	Forget bool
}

// Counters count what happened since the server was made.
type Counters struct {
	Pairings int64 `json:"pairings"` // devices that were linked
	Logins   int64 `json:"logins"`   // logins that were accepted
	Refused  int64 `json:"refused"`  // logins and pairings that were refused
	Messages int64 `json:"messages"` // messages that clients sent, each once
	Retries  int64 `json:"retries"`  // messages that clients asked for again
}

// Server is the WhatsApp of a test. All methods are safe for concurrent use.
type Server struct {
	log      *slog.Logger
	options  Options
	static   *keys.KeyPair
	chain    []byte
	listener net.Listener
	http     *http.Server
	stop     context.CancelFunc
	running  sync.WaitGroup
	lastID   atomic.Int64
	stanzas  feed[Stanza]

	mu       sync.Mutex // guards all below, and the devices of all users; taken after a phone's own lock, never before it
	closed   bool
	conns    map[*conn]struct{}
	users    map[string]*User // by phone number
	lids     map[string]*User // by the user part of the LID
	groups   map[string]*Group
	refs     map[string]*conn // pairing connections by the codes that they were given
	codes    map[string]*codePairing
	media    map[string][]byte
	accepted map[string]struct{} // messages of clients that were taken, so that a repeated one is not taken twice
	switches Switches
	counters Counters
}

// New starts a server. It errs if the address is no loopback address or cannot be listened on.
func New(options Options) (*Server, error) {
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if options.Root == nil {
		options.Root = SharedRoot()
	}
	if options.Listen == "" {
		options.Listen = defaultListen
	}
	if options.Refs == 0 {
		options.Refs = defaultRefs
	}
	if options.CloseDelay == 0 {
		options.CloseDelay = defaultCloseDelay
	}
	static := keys.NewKeyPair()
	chain, err := options.Root.certificate(*static.Pub, time.Now())
	if err != nil {
		return nil, err
	}
	listener, err := ListenLoopback(options.Listen)
	if err != nil {
		return nil, err
	}
	s := &Server{
		log: options.Log, options: options, static: static, chain: chain, listener: listener,
		conns: map[*conn]struct{}{}, users: map[string]*User{}, lids: map[string]*User{}, groups: map[string]*Group{},
		refs: map[string]*conn{}, codes: map[string]*codePairing{}, media: map[string][]byte{}, accepted: map[string]struct{}{},
	}
	s.serve()
	return s, nil
}

// ListenLoopback listens on a host and port. It errs if the host is not a loopback address: neither the server nor its control is
// for anybody but this machine.
func ListenLoopback(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("read listen address: %w", err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("listen on %s: not a loopback address", address)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return listener, nil
}

func (s *Server) serve() {
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ws/chat", s.serveSocket)
	mux.HandleFunc("POST /mms/{kind}/{token}", s.serveUpload)
	mux.HandleFunc("GET "+mediaPath+"{token}", s.serveDownload)
	s.http = &http.Server{
		Handler: mux, ReadHeaderTimeout: headerTimeout,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	s.running.Go(func() {
		if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("watest stopped", "error", err)
		}
	})
}

// Close cuts all connections and returns when nothing of the server runs any more. It may be called twice.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	if err := s.http.Close(); err != nil {
		s.log.Warn("watest close", "error", err)
	}
	s.DropAll()
	s.running.Wait()
}

// Address is the host and port that clients have to be led to.
func (s *Server) Address() string {
	return s.listener.Addr().String()
}

// RootKey is what whatsmeow.WACertPubKey has to hold.
func (s *Server) RootKey() [32]byte {
	return s.options.Root.PublicKey()
}

// HTTPClient is for whatsmeow's SetPreLoginHTTPClient, SetWebsocketHTTPClient and SetMediaHTTPClient: it leads every request, whatever its
// host, to the server, as plain HTTP. The host stays in the request, which is why the server accepts its origin.
func (s *Server) HTTPClient() *http.Client {
	return &http.Client{Transport: loopback{transport: &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, s.Address())
		},
	}}}
}

// loopback sends requests as plain HTTP.
type loopback struct {
	transport *http.Transport
}

// RoundTrip implements http.RoundTripper.
func (l loopback) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme = "http"
	return l.transport.RoundTrip(r)
}

// CloseIdleConnections is found by http.Client.
func (l loopback) CloseIdleConnections() {
	l.transport.CloseIdleConnections()
}

// Counters returns what happened so far.
func (s *Server) Counters() Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counters
}

// newID returns an id for a stanza of the server.
func (s *Server) newID() string {
	return "watest-" + strconv.FormatInt(s.lastID.Add(1), 10)
}
