package whatsapp

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/proxy"
)

// dialThrough opens a connection to address by way of a proxy, or directly where via is nil. The proxy itself is dialled with dial, which
// is guarded: a user must not reach our own network by naming a proxy in it.
func dialThrough(ctx context.Context, via *url.URL, dial dialFunc, network, address string) (net.Conn, error) {
	switch {
	case via == nil:
		return dial(ctx, network, address)
	case via.Scheme == "socks5":
		return dialSOCKS(ctx, via, dial, network, address)
	default:
		return dialCONNECT(ctx, via, dial, network, address)
	}
}

// proxyAddress returns host and port of a proxy.
func proxyAddress(via *url.URL, port string) string {
	if given := via.Port(); given != "" {
		port = given
	}
	return net.JoinHostPort(via.Hostname(), port)
}

// contextDialer is a dialFunc in the form that the SOCKS library takes.
type contextDialer dialFunc

// Dial is there for the library's older interface, which it does not use where DialContext is.
func (d contextDialer) Dial(network, address string) (net.Conn, error) {
	return d(context.Background(), network, address)
}

// DialContext opens a connection.
func (d contextDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}

// dialSOCKS asks a SOCKS5 proxy (RFC 1928, RFC 1929), which resolves the name.
func dialSOCKS(ctx context.Context, via *url.URL, dial dialFunc, network, address string) (net.Conn, error) {
	var auth *proxy.Auth
	if via.User != nil {
		password, _ := via.User.Password()
		auth = &proxy.Auth{User: via.User.Username(), Password: password}
	}
	dialer, err := proxy.SOCKS5("tcp", proxyAddress(via, "1080"), auth, contextDialer(dial))
	if err != nil {
		return nil, fmt.Errorf("prepare proxy: %w", err)
	}
	with, ok := dialer.(proxy.ContextDialer)
	if !ok {
		return nil, fmt.Errorf("prepare proxy: %T dials without a context", dialer)
	}
	socket, err := with.DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("dial through proxy: %w", err)
	}
	return socket, nil
}

// dialCONNECT asks an HTTP proxy for a tunnel (RFC 9110, section 9.3.6).
func dialCONNECT(ctx context.Context, via *url.URL, dial dialFunc, network, address string) (net.Conn, error) {
	socket, err := dial(ctx, network, proxyAddress(via, "80"))
	if err != nil {
		return nil, fmt.Errorf("dial proxy: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = socket.SetDeadline(time.Unix(1, 0)) }) // wakes the exchange below
	tunnel, err := askTunnel(socket, via, address)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = socket.Close() // the reason is err
		return nil, fmt.Errorf("dial through proxy: %w", err)
	}
	return tunnel, nil
}

func askTunnel(socket net.Conn, via *url.URL, address string) (net.Conn, error) {
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}
	if via.User != nil {
		password, _ := via.User.Password()
		pair := base64.StdEncoding.EncodeToString([]byte(via.User.Username() + ":" + password))
		request.Header.Set("Proxy-Authorization", "Basic "+pair)
	}
	if err := request.Write(socket); err != nil {
		return nil, fmt.Errorf("ask for a tunnel: %w", err)
	}
	reader := bufio.NewReader(socket)
	response, err := http.ReadResponse(reader, request)
	if err != nil {
		return nil, fmt.Errorf("read the proxy's answer: %w", err)
	}
	_ = response.Body.Close() // a tunnel's answer has no body
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the proxy answered %d", response.StatusCode)
	}
	if reader.Buffered() > 0 {
		return nil, fmt.Errorf("the proxy sent %d bytes before the tunnel was used", reader.Buffered())
	}
	return socket, nil
}
