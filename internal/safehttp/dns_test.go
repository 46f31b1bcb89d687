package safehttp

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// always answers every name with the same addresses.
func always(addresses ...string) func(string, int) []netip.Addr {
	return func(string, int) []netip.Addr {
		parsed := []netip.Addr{}
		for _, address := range addresses {
			parsed = append(parsed, netip.MustParseAddr(address))
		}
		return parsed
	}
}

// twoListeners listens on one port of 127.0.0.1, whose connections it counts, and of 127.0.0.2, which answers.
func twoListeners(t *testing.T) (port string, forbidden *atomic.Int64) {
	t.Helper()
	forbidden = new(atomic.Int64)
	good := serveRaw(t, "127.0.0.2:0", answerOnce("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
	_, port, err := net.SplitHostPort(good)
	require.NoError(t, err)
	serveRaw(t, "127.0.0.1:"+port, func(int, net.Conn) { forbidden.Add(1) })
	return port, forbidden
}

// onlyTheSecond opens nothing but 127.0.0.2.
func onlyTheSecond(resolver *net.Resolver) func(*Options) {
	return func(o *Options) {
		o.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}
		o.Resolver = resolver
	}
}

func TestARebindingNameIsRefusedWhenItTurnsPrivate(t *testing.T) {
	t.Parallel()
	port, forbidden := twoListeners(t)
	resolver := nameServer(t, func(_ string, n int) []netip.Addr {
		if n == 0 {
			return always("127.0.0.2")("", 0)
		}
		return always("127.0.0.1")("", 0)
	})
	client := newClient(t, onlyTheSecond(resolver))
	url := "http://rebind.test:" + port
	response, err := client.Post(t.Context(), Request{URL: url})
	require.NoError(t, err)
	require.Equal(t, 200, response.Status)
	for range 3 {
		_, err = client.Post(t.Context(), Request{URL: url})
		requireCode(t, CodePrivateAddress, err)
		_, err = get(t, client.HTTP(), url)
		requireCode(t, CodePrivateAddress, err)
	}
	require.Zero(t, forbidden.Load())
}

func TestOfSeveralAnswersOnlyOpenOnesAreEverDialled(t *testing.T) {
	t.Parallel()
	port, forbidden := twoListeners(t)
	client := newClient(t, onlyTheSecond(nameServer(t, always("127.0.0.1", "::1", "169.254.169.254", "127.0.0.2", "10.0.0.1"))))
	for range 5 {
		_, err := client.Post(t.Context(), Request{URL: "http://several.test:" + port})
		require.NoError(t, err)
		_, err = get(t, client.PublicHTTP(), "http://several.test:"+port)
		require.NoError(t, err)
	}
	require.Zero(t, forbidden.Load())

	client = newClient(t, onlyTheSecond(nameServer(t, always("127.0.0.1", "::1", "::ffff:127.0.0.1"))))
	_, err := client.Post(t.Context(), Request{URL: "https://several.test:" + port})
	requireCode(t, CodePrivateAddress, err)
	require.Zero(t, forbidden.Load())
}

func TestPlainHTTPToAPublicNameIsRefusedWhenDialled(t *testing.T) {
	t.Parallel()
	client := newClient(t, func(o *Options) { o.Resolver = nameServer(t, always("8.8.8.8")) })
	_, err := client.Post(t.Context(), Request{URL: "http://public.test/"})
	require.False(t, requireCode(t, CodeHTTPSRequired, err).Sent)
	_, err = get(t, client.HTTP(), "http://public.test/")
	requireCode(t, CodeHTTPSRequired, err)
}

func TestAnUnknownNameIsADNSFaultAndAMuteNameServerATimeout(t *testing.T) {
	t.Parallel()
	unknown := nameServer(t, func(string, int) []netip.Addr { return nil })
	client := newClient(t, func(o *Options) { o.Resolver = unknown })
	_, err := client.Post(t.Context(), Request{URL: "https://nobody.test/?token=secret"})
	fault := requireCode(t, CodeDNS, err)
	require.False(t, fault.Sent)
	require.NotContains(t, fault.Error(), "secret")
	_, err = get(t, client.HTTP(), "https://nobody.test/")
	require.False(t, requireCode(t, CodeDNS, err).Sent)

	mute := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	client = newClient(t, within(100*time.Millisecond), func(o *Options) { o.Resolver = mute })
	response, err := client.Post(t.Context(), Request{URL: "https://mute.test/"})
	require.False(t, requireCode(t, CodeTimeout, err).Sent)
	require.Less(t, response.Duration, 5*time.Second)

	ctx, cancel := context.WithCancelCause(t.Context())
	waiting := &net.Resolver{PreferGo: true, Dial: func(inner context.Context, _, _ string) (net.Conn, error) {
		cancel(errors.New("shutdown"))
		<-inner.Done()
		return nil, inner.Err()
	}}
	client = newClient(t, func(o *Options) { o.Resolver = waiting })
	_, err = client.Post(ctx, Request{URL: "https://mute.test/"})
	require.False(t, requireCode(t, CodeCanceled, err).Sent)
}

func TestLocalhostIsReachedWhereLoopbackIsOpen(t *testing.T) {
	t.Parallel()
	url := serve(t, func(http.ResponseWriter, *http.Request) {})
	client := newClient(t, func(o *Options) { o.Allow = append(loopback(), netip.MustParsePrefix("::1/128")) })
	_, err := client.Post(t.Context(), Request{URL: strings.Replace(url, "127.0.0.1", "localhost", 1)})
	require.NoError(t, err)
}

// TestNoProxyIsUsed changes the environment, so it cannot run in parallel.
func TestNoProxyIsUsed(t *testing.T) {
	var proxied atomic.Int64
	proxy := serve(t, func(http.ResponseWriter, *http.Request) { proxied.Add(1) })
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, proxy)
	}
	t.Setenv("NO_PROXY", "")
	t.Setenv("no_proxy", "")
	_, port, err := net.SplitHostPort(strings.TrimPrefix(serve(t, func(http.ResponseWriter, *http.Request) {}), "http://"))
	require.NoError(t, err)
	url := "http://receiver.test:" + port
	client := newClient(t, func(o *Options) {
		o.Resolver = nameServer(t, always("127.0.0.1"))
		o.Trusted = []string{"http://trusted.test:" + port}
	})

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	used, err := http.ProxyFromEnvironment(request)
	require.NoError(t, err)
	require.NotNil(t, used, "the environment must name a proxy, or this test proves nothing")

	response, err := client.Post(t.Context(), Request{URL: url})
	require.NoError(t, err)
	require.Equal(t, 200, response.Status)
	for _, door := range []*http.Client{client.HTTP(), client.PublicHTTP()} {
		_, err = get(t, door, url)
		require.NoError(t, err)
	}
	_, err = get(t, client.HTTP(), "http://trusted.test:"+port)
	require.NoError(t, err)
	require.Zero(t, proxied.Load())
}
