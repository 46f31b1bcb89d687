package whatsapp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/switchhook/switchhook/connectors"
)

const (
	connectTimeout   = 30 * time.Second // to reach WhatsApp's server, through a proxy too
	handshakeTimeout = 15 * time.Second // TLS
	answerTimeout    = 60 * time.Second // from a request to the answer's header; an upload is over by then
	tlsSessions      = 64               // kept to shorten the next handshake; there are few hosts
)

// errNoLease ends every use of a connection by a process that does not hold the session's lease any more.
var errNoLease = errors.New("another process has taken over the session")

// dialFunc opens a TCP connection.
type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// gate stands between a session and its connection: nothing is read or written without the lease. This is the last check: a process
// that was paused for long and wakes up in the middle of a write is stopped here.
type gate struct {
	held func() bool
	lost func() // is told when a use was refused; must not block

	mu     sync.Mutex
	newest *gatedConn
}

// wrap puts a new connection behind the gate.
func (g *gate) wrap(socket net.Conn) net.Conn {
	c := &gatedConn{Conn: socket, gate: g}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.newest = c
	return c
}

// cut closes the connection without a farewell. What reads from it ends at once.
func (g *gate) cut() {
	g.mu.Lock()
	c := g.newest
	g.mu.Unlock()
	if c != nil {
		_ = c.Close() // it may be closed already
	}
}

// alive tells whether the newest connection has not been closed.
func (g *gate) alive() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.newest != nil && !g.newest.closed
}

// gatedConn is a connection behind a gate.
type gatedConn struct {
	net.Conn
	gate   *gate
	closed bool // under gate.mu
}

// Read reads, and withholds what it has read if the lease was lost meanwhile.
func (c *gatedConn) Read(b []byte) (int, error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	if refused := c.check(); refused != nil {
		return 0, refused
	}
	return n, err //nolint:wrapcheck // the caller knows the errors of a net.Conn
}

// Write writes, if the lease is held.
func (c *gatedConn) Write(b []byte) (int, error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b) //nolint:wrapcheck // the caller knows the errors of a net.Conn
}

// Close closes the connection.
func (c *gatedConn) Close() error {
	c.gate.mu.Lock()
	c.closed = true
	c.gate.mu.Unlock()
	return c.Conn.Close() //nolint:wrapcheck // the caller knows the errors of a net.Conn
}

func (c *gatedConn) check() error {
	if c.gate.held() {
		return nil
	}
	_ = c.Close() // the reason is errNoLease
	c.gate.lost()
	return errNoLease
}

// route is how the connections of one session are made. It travels in the context of a request, because one http.Transport
// serves all sessions: a transport for each would cost memory and gain nothing.
type route struct {
	dial  dialFunc
	proxy *url.URL // nil: none
	gate  *gate    // nil for media
}

type routeKey struct{}

// newTransport returns the transport of all sessions. With test, all connections go to that address.
func newTransport(test string) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DisableKeepAlives: true, // a connection belongs to one session and must never be handed to another
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			way, ok := ctx.Value(routeKey{}).(*route)
			if !ok {
				return nil, errors.New("dial: the request has no route")
			}
			if test != "" {
				address = test
			}
			return way.connect(ctx, network, address)
		},
		Protocols: protocols, DisableCompression: true, TLSHandshakeTimeout: handshakeTimeout, ResponseHeaderTimeout: answerTimeout,
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, ClientSessionCache: tls.NewLRUClientSessionCache(tlsSessions),
		},
	}
}

// connect opens a connection, through the proxy where there is one, and puts it behind the gate.
func (r *route) connect(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	socket, err := dialThrough(ctx, r.proxy, r.dial, network, address)
	if err != nil || r.gate == nil {
		return socket, err
	}
	return r.gate.wrap(socket), nil
}

// door is the RoundTripper of one session.
type door struct {
	transport *http.Transport
	route     *route
	plain     bool // plain http, to a test server
	held      func() bool
}

// RoundTrip makes a request on the session's route. It asks for no websocket compression: frames are encrypted, so that it gains nothing,
// and with it each session would hold a megabyte more.
func (d *door) RoundTrip(request *http.Request) (*http.Response, error) {
	if !d.held() {
		if request.Body != nil {
			_ = request.Body.Close() // a RoundTripper must, and its error would hide the reason
		}
		return nil, errNoLease
	}
	request = request.Clone(context.WithValue(request.Context(), routeKey{}, d.route))
	request.Header.Del("Sec-WebSocket-Extensions")
	if d.plain {
		request.URL.Scheme = "http"
	}
	return d.transport.RoundTrip(request) //nolint:wrapcheck // a RoundTripper hands on what its transport says
}

// websocketHTTP returns the client for a session's websocket, whose connections are behind the gate.
func (c *Connector) websocketHTTP(host connectors.Host, proxy *url.URL, g *gate) *http.Client {
	return &http.Client{Transport: &door{
		transport: c.transport, route: &route{dial: c.dialer(host, proxy), proxy: proxy, gate: g}, plain: c.test != "", held: g.held,
	}}
}

// mediaHTTP returns the client for a session's media. held is asked before each request; without a Link it is nil.
func (c *Connector) mediaHTTP(host connectors.Host, proxy *url.URL, held func() bool) *http.Client {
	if held == nil {
		held = func() bool { return true }
	}
	if proxy == nil && c.test == "" {
		return &http.Client{
			Transport: heldDoor{held: held, next: host.HTTP.Transport}, Timeout: host.HTTP.Timeout, CheckRedirect: host.HTTP.CheckRedirect,
		}
	}
	return &http.Client{
		Transport:     &door{transport: c.transport, route: &route{dial: c.dialer(host, proxy), proxy: proxy}, plain: c.test != "", held: held},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// dialer returns what opens the first connection: the guarded dialler; or, where it is the test server itself that is dialled, which is on
// loopback by the operator's will, a plain one.
func (c *Connector) dialer(host connectors.Host, proxy *url.URL) dialFunc {
	if c.test != "" && proxy == nil {
		return new(net.Dialer).DialContext
	}
	return host.Dial
}

// heldDoor asks for the lease before each request.
type heldDoor struct {
	held func() bool
	next http.RoundTripper
}

// RoundTrip makes the request, if the lease is held.
func (d heldDoor) RoundTrip(request *http.Request) (*http.Response, error) {
	if !d.held() {
		if request.Body != nil {
			_ = request.Body.Close() // a RoundTripper must, and its error would hide the reason
		}
		return nil, errNoLease
	}
	next := d.next
	if next == nil {
		return nil, errors.New("the host's HTTP client has no transport of its own")
	}
	return next.RoundTrip(request) //nolint:wrapcheck // a RoundTripper hands on what its transport says
}
