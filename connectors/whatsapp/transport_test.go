package whatsapp

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
)

// pipe returns the two ends of a connection.
func pipe(t *testing.T) (server, client net.Conn) {
	t.Helper()
	server, client = net.Pipe()
	t.Cleanup(func() {
		_ = server.Close()
		_ = client.Close()
	})
	return server, client
}

func TestWithoutTheLeaseNothingIsReadOrWritten(t *testing.T) {
	t.Parallel()
	server, client := pipe(t)
	var held atomic.Bool
	held.Store(true)
	var lost atomic.Int32
	g := &gate{held: held.Load, lost: func() { lost.Add(1) }}
	gated := g.wrap(client)
	go func() { _, _ = server.Write([]byte("a")) }()
	n, err := gated.Read(make([]byte, 1))
	require.NoError(t, err)
	require.Equal(t, 1, n)

	read := make(chan error)
	go func() {
		n, err := gated.Read(make([]byte, 1))
		if n != 0 {
			err = errors.New("it was handed on")
		}
		read <- err
	}()
	held.Store(false)
	_, _ = server.Write([]byte("b"))
	require.ErrorIs(t, <-read, errNoLease)
	_, err = gated.Write([]byte("c"))
	require.ErrorIs(t, err, errNoLease)
	require.NotZero(t, lost.Load())
	require.False(t, g.alive())
	_, err = server.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

func TestASessionWhoseLeaseIsLostSendsNothingAndTellsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	link, user := r.link(t)
	friend := r.server.AddUser("4915112345678")
	require.NoError(t, friend.SendText(within(t), user, "IN1", "before"))
	r.listener.text(t, "before")
	_, err := friend.WaitReceipt(within(t), "IN1", watest.Inactive)
	require.NoError(t, err)
	states := len(r.listener.history())

	r.held.Store(false)
	stanzas := len(r.server.Stanzas())
	_, err = link.Send(within(t), connectors.OutMessage{To: friend.Number(), Text: "too late", ProviderID: r.connector.NewMessageID()})
	require.Error(t, err)
	require.NoError(t, friend.SendText(within(t), user, "IN2", "for the other process"))
	require.NoError(t, link.Close())
	require.Len(t, r.server.Stanzas(), stanzas)
	require.Len(t, r.listener.history(), states)
	require.Equal(t, []string{"IN2"}, user.PendingMessages())

	r.held.Store(true)
	r.open(t, r.listener.history()[states-1].Identity.Device)
	r.listener.text(t, "for the other process")
}

func TestASessionGoesThroughItsProxy(t *testing.T) {
	t.Parallel()
	for scheme, serve := range map[string]func(net.Conn, *proxied){"http": serveCONNECT, "socks5": serveSOCKS} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			proxy := newProxy(t, serve)
			r.config = connectors.Config{fieldProxy: scheme + "://user:p%40ss@" + proxy.address}
			_, user := r.link(t)
			friend := r.server.AddUser("4915112345678")
			require.NoError(t, friend.SendText(within(t), user, "IN1", "through the proxy"))
			r.listener.text(t, "through the proxy")
			require.Equal(t, "user:p@ss", proxy.login())
			require.EqualValues(t, 2, proxy.tunnels.Load(), "one to link and one to log in")
			require.EqualValues(t, 2, r.dials.Load(), "the proxy is dialled by the guarded dialler")
		})
	}
}

func TestAProxyThatIsRefusedOrRefusesIsAnErrorWithoutItsPassword(t *testing.T) {
	t.Parallel()
	guarded := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("private address") }
	open := new(net.Dialer).DialContext
	closing := newProxy(t, func(c net.Conn, _ *proxied) { _, _ = c.Read(make([]byte, 1)) })
	refusing := newProxy(t, func(c net.Conn, _ *proxied) {
		_, _ = http.ReadRequest(bufio.NewReader(c))
		_, _ = io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
	})
	greedy := newProxy(t, func(c net.Conn, _ *proxied) {
		_, _ = http.ReadRequest(bufio.NewReader(c))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\nmore")
	})
	for name, one := range map[string]struct {
		address string
		dial    dialFunc
	}{
		"a guarded address, http":   {"http://u:secret@10.0.0.1:3128", guarded},
		"a guarded address, socks5": {"socks5://u:secret@10.0.0.1:1080", guarded},
		"http, closes":              {"http://u:secret@" + closing.address, open},
		"socks5, closes":            {"socks5://u:secret@" + closing.address, open},
		"http, refuses":             {"http://u:secret@" + refusing.address, open},
		"http, sends too much":      {"http://u:secret@" + greedy.address, open},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			via, err := url.Parse(one.address)
			require.NoError(t, err)
			_, err = dialThrough(within(t), via, one.dial, "tcp", "web.whatsapp.com:443")
			require.Error(t, err)
			require.NotContains(t, err.Error(), "secret")
		})
	}
	mute := newProxy(t, func(c net.Conn, _ *proxied) { _, _ = io.Copy(io.Discard, c) })
	ctx, cancel := context.WithCancel(t.Context())
	via := &url.URL{Scheme: "http", Host: mute.address}
	_, err := dialThrough(ctx, via, func(ctx context.Context, network, address string) (net.Conn, error) {
		defer cancel()
		return open(ctx, network, address)
	}, "tcp", "web.whatsapp.com:443")
	require.Error(t, err)
}

func TestSettingsOfATestServerAreOnlyAllowedTogetherAndOnThisMachine(t *testing.T) {
	t.Parallel()
	root := watest.SharedRoot().PublicKey()
	key := hex.EncodeToString(root[:])
	for _, one := range []struct{ server, key, says string }{
		{"127.0.0.1:1", "", "together"},
		{"", key, "together"},
		{"192.0.2.1:443", key, "this machine"},
		{"web.whatsapp.com:443", key, "this machine"},
		{"127.0.0.1", key, "this machine"},
		{"127.0.0.1:1", key[:62], "64"},
		{"127.0.0.1:1", "x" + key[1:], "64"},
	} {
		_, err := New(Options{TestServer: one.server, TestRootKey: one.key})
		require.ErrorContains(t, err, one.says)
	}
	_, err := New(Options{ClientVersion: "2.3000"})
	require.ErrorContains(t, err, "WHATSAPP_CLIENT_VERSION")
	_, err = New(Options{TestServer: "[::1]:1", TestRootKey: key})
	require.NoError(t, err)
}

func FuzzParseProxy(f *testing.F) {
	for _, seed := range []string{"", "socks5://u:p@proxy.test:1080", "http://10.0.0.1", "http://[::1]:3128/", "http://a/b", "ftp://x", "http://%zz", "socks5://:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		u, err := parseProxy(address)
		switch {
		case err != nil:
			require.Nil(t, u)
			require.Equal(t, fieldProxy, connectors.AsError(err).Field)
		case u == nil:
			require.Empty(t, address)
		default:
			require.Contains(t, []string{"socks5", "http"}, u.Scheme)
			require.NotEmpty(t, u.Hostname())
		}
	})
}

// proxied is a proxy that leads all connections where they ask to go.
type proxied struct {
	address string
	tunnels atomic.Int32

	mu    sync.Mutex
	given string
}

func (p *proxied) login() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.given
}

func newProxy(t *testing.T, serve func(net.Conn, *proxied)) *proxied {
	t.Helper()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = socket.Close() })
	p := &proxied{address: socket.Addr().String()}
	go func() {
		for {
			c, err := socket.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c, p)
			}()
		}
	}()
	return p
}

// tunnel copies both ways until either side ends.
func (p *proxied) tunnel(c net.Conn, address string) {
	far, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer far.Close()
	p.tunnels.Add(1)
	go func() {
		_, _ = io.Copy(far, c)
		_ = far.Close()
	}()
	_, _ = io.Copy(c, far)
}

func (p *proxied) note(login string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.given = login
}

func serveCONNECT(c net.Conn, p *proxied) {
	request, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil || request.Method != http.MethodConnect {
		return
	}
	request.Header.Set("Authorization", request.Header.Get("Proxy-Authorization"))
	user, password, _ := request.BasicAuth()
	p.note(user + ":" + password)
	_, _ = io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
	p.tunnel(c, request.Host)
}

// serveSOCKS is RFC 1928 with RFC 1929, for IPv4 addresses.
func serveSOCKS(c net.Conn, p *proxied) {
	read := func(n int) []byte {
		b := make([]byte, n)
		_, _ = io.ReadFull(c, b)
		return b
	}
	read(int(read(2)[1]))
	_, _ = c.Write([]byte{5, 2})
	user := read(int(read(2)[1]))
	password := read(int(read(1)[0]))
	p.note(string(user) + ":" + string(password))
	_, _ = c.Write([]byte{1, 0})
	read(4)
	ip := net.IP(read(4))
	port := read(2)
	_, _ = c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	p.tunnel(c, (&net.TCPAddr{IP: ip, Port: int(port[0])<<8 | int(port[1])}).String())
}
