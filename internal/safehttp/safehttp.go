// Package safehttp is the one door out: every request to an address that a user or a provider gave us leaves through
// a Client. It refuses private, loopback, link-local, metadata and other special addresses at the moment of dialling,
// uses no proxy, follows no redirect, decompresses nothing, and bounds time and answer size.
//
// Post is the fast way for webhooks: it keeps its own connections and reads answers with fasthttp's parser, because
// fasthttp's own client can neither be interrupted by a context nor report what it did with a connection. HTTP and
// PublicHTTP are net/http clients under the same rules for everything else.
package safehttp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"sync"
	"time"
)

const (
	dialTimeout  = 5 * time.Second  // resolving and connecting, and again the handshake; a host that needs longer will not answer in time either
	httpTotal    = 15 * time.Minute // a whole exchange of HTTP and PublicHTTP, long enough for a film over a slow line; callers' contexts are shorter
	httpIdle     = 30 * time.Second // an unused connection of HTTP and PublicHTTP
	httpPerHost  = 32               // unused connections that they keep for one host
	maxHeader    = 16 << 10         // bytes of an answer's header; Node's own limit
	sessionCache = 1024             // TLS sessions kept to shorten the next handshake
)

// Options configures a Client. Timeout and UserAgent are required.
type Options struct {
	Allow     []netip.Prefix // closed networks that the operator opened; only there may a URL be plain http
	Trusted   []string       // URLs whose origins the operator configured: HTTP reaches them unguarded
	Timeout   time.Duration  // a whole Post
	Answer    time.Duration  // of HTTP and PublicHTTP: the wait for the answer's header, once the request is out; 0: Timeout
	UserAgent string         // of each request by Post
	Resolver  *net.Resolver  // nil: the default one
	RootCAs   *x509.CertPool // nil: the system's
}

// Client makes guarded requests. It is safe for concurrent use.
type Client struct {
	guard     *guard
	pool      *pool
	exchanges sync.Pool // of *exchange
	timeout   time.Duration
	answer    time.Duration
	userAgent string
	trusted   map[string]struct{}
	stop      context.CancelFunc

	secureDialer *dialer // https
	plainDialer  *dialer // http into allowed networks

	open   *http.Transport // to trusted origins, by a dialer of its own
	secure *http.Transport // by secureDialer
	plain  *http.Transport // by plainDialer
}

// New returns a Client. A missing or unusable option is an error that names it. Close it when done.
func New(o Options) (*Client, error) {
	switch {
	case o.Timeout <= 0:
		return nil, errors.New("safehttp: Options.Timeout is missing")
	case sendable("X-Agent", o.UserAgent) != nil || o.UserAgent == "":
		return nil, errors.New("safehttp: Options.UserAgent is missing or not printable")
	}
	guard, err := newGuard(o.Allow)
	if err != nil {
		return nil, fmt.Errorf("safehttp: Options.Allow: %w", err)
	}
	trusted := make(map[string]struct{}, len(o.Trusted))
	for _, raw := range o.Trusted {
		u, err := parseURL(raw)
		if err != nil {
			return nil, fmt.Errorf("safehttp: Options.Trusted %q: %w", raw, err)
		}
		trusted[origin(u)] = struct{}{}
	}
	ctx, stop := context.WithCancel(context.Background())
	c := &Client{guard: guard, pool: newPool(), timeout: o.Timeout, answer: o.Answer, userAgent: o.UserAgent, trusted: trusted, stop: stop}
	if c.answer <= 0 {
		c.answer = o.Timeout
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs, NextProtos: []string{"http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(sessionCache),
	}
	limit := min(dialTimeout, o.Timeout)
	c.secureDialer = newDialer(guard.control(false), o.Resolver, config, limit)
	c.plainDialer = newDialer(guard.control(true), o.Resolver, config, limit)
	c.secure, c.plain = c.transport(c.secureDialer), c.transport(c.plainDialer)
	c.open = c.transport(newDialer(nil, o.Resolver, config, limit))
	go c.pool.run(ctx)
	return c, nil
}

// Close closes the idle connections and keeps no further ones. Requests in flight end by themselves or by their
// contexts. It does not block.
func (c *Client) Close() {
	c.stop()
	c.pool.close()
	for _, transport := range []*http.Transport{c.open, c.secure, c.plain} {
		transport.CloseIdleConnections()
	}
}

// HTTP returns a client for addresses that the operator or the code chose: guarded like every other, but trusted
// origins are reached wherever they are. It never follows redirects, and a whole exchange takes at most 15 minutes.
// The caller limits what it reads of the body and turns errors into codes with Classify.
func (c *Client) HTTP() *http.Client { return c.httpClient(door{client: c, trust: true}) }

// PublicHTTP is HTTP without the trusted origins, for addresses that a user or a provider gave.
func (c *Client) PublicHTTP() *http.Client { return c.httpClient(door{client: c}) }

// Dial opens a TCP connection for a protocol other than HTTP, to an address that a user or a provider may have given: names are resolved, and
// private addresses refused, at the moment of dialling. It takes a few seconds at most, and its errors are of type *Error.
func (c *Client) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, classify(err, false)
	}
	if err := c.guard.checkHost(host, false); err != nil {
		return nil, err
	}
	return c.secureDialer.connect(ctx, network, address)
}

func (c *Client) httpClient(d door) *http.Client {
	return &http.Client{
		Transport:     d,
		Timeout:       httpTotal,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// transport returns a net/http transport that dials with d and knows no proxy.
func (c *Client) transport(d *dialer) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy: nil, DialContext: d.connect, DialTLSContext: d.connectTLS, Protocols: protocols,
		ResponseHeaderTimeout: c.answer, IdleConnTimeout: httpIdle,
		MaxIdleConnsPerHost: httpPerHost, MaxResponseHeaderBytes: maxHeader, DisableCompression: true,
	}
}

// door is the RoundTripper of HTTP and PublicHTTP.
type door struct {
	client *Client
	trust  bool
}

// RoundTrip checks the address, chooses the dialler and makes one exchange. Its errors are of type *Error.
func (d door) RoundTrip(req *http.Request) (*http.Response, error) {
	transport, err := d.choose(req.URL)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // a RoundTripper must, and its error would hide the reason
		}
		return nil, err
	}
	sent := false
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent = true }}
	response, err := transport.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err != nil {
		return nil, classify(err, sent)
	}
	return response, nil
}

// choose returns the transport for u, or why there is none.
func (d door) choose(u *url.URL) (*http.Transport, error) {
	if u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Host == "" {
		return nil, invalidURL("The URL must be absolute, begin with https:// and have no user name or password.")
	}
	host, err := cleanHost(u)
	if err != nil {
		return nil, err
	}
	clean := &url.URL{Scheme: u.Scheme, Host: host}
	if _, found := d.client.trusted[origin(clean)]; found && d.trust {
		return d.client.open, nil
	}
	if err := d.client.guard.checkHost(clean.Hostname(), clean.Scheme == "http"); err != nil {
		return nil, err
	}
	if clean.Scheme == "http" {
		return d.client.plain, nil
	}
	return d.client.secure, nil
}

// origin returns scheme, host and port of a clean URL.
func origin(u *url.URL) string { return u.Scheme + "://" + address(u) }

// address returns host and port of a clean URL as a dialler takes them.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "443"
		if u.Scheme == "http" {
			port = "80"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}
