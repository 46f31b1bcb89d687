package safehttp

import (
	"context"
	"crypto/tls"
	"net"
	"syscall"
	"time"
)

// dialer makes connections for Post and for the net/http transports alike.
type dialer struct {
	net   net.Dialer
	tls   *tls.Config
	limit time.Duration // for the handshake; net.Timeout holds the same for resolving and connecting
}

// control is the hook that net.Dialer calls before each attempt to connect.
type control = func(ctx context.Context, network, address string, socket syscall.RawConn) error

// newDialer returns a dialer that asks hook, unless it is nil, about each address.
func newDialer(hook control, resolver *net.Resolver, config *tls.Config, limit time.Duration) *dialer {
	return &dialer{net: net.Dialer{ControlContext: hook, Resolver: resolver, Timeout: limit}, tls: config, limit: limit}
}

// connect opens a connection without TLS.
func (d *dialer) connect(ctx context.Context, network, address string) (net.Conn, error) {
	socket, err := d.net.DialContext(ctx, network, address)
	if err != nil {
		return nil, classify(err, false)
	}
	return socket, nil
}

// connectTLS opens a connection and does the handshake, which verifies the certificate against address's host.
func (d *dialer) connectTLS(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, classify(err, false)
	}
	socket, err := d.connect(ctx, network, address)
	if err != nil {
		return nil, err
	}
	config := d.tls.Clone()
	config.ServerName = host
	layer := tls.Client(socket, config)
	ctx, cancel := context.WithTimeout(ctx, d.limit)
	defer cancel()
	if err := layer.HandshakeContext(ctx); err != nil {
		_ = socket.Close()
		return nil, tlsFault(err)
	}
	return layer, nil
}
