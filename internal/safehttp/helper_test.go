package safehttp

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
)

// loopback opens 127.0.0.0/8, where the tests' receivers are.
func loopback() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

// newClient returns a client that may reach loopback, after change has had its say.
func newClient(t testing.TB, change ...func(*Options)) *Client {
	t.Helper()
	options := Options{Allow: loopback(), Timeout: 10 * time.Second, UserAgent: "Switchhook-Test/1"}
	for _, f := range change {
		f(&options)
	}
	client, err := New(options)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func closed(o *Options) { o.Allow = nil }

func within(d time.Duration) func(*Options) { return func(o *Options) { o.Timeout = d } }

// requireCode checks err's type and code, and returns it.
func requireCode(t testing.TB, code string, err error) *Error {
	t.Helper()
	var fault *Error
	require.ErrorAs(t, err, &fault)
	require.Equal(t, code, fault.Code, "%v (%v)", err, fault.Unwrap())
	return fault
}

// serve starts an HTTP receiver and returns its URL.
func serve(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// serveRaw starts a TCP server that hands each connection, numbered from 1, to handle and closes it afterwards.
func serveRaw(t testing.TB, address string, handle func(n int, c net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for n := 1; ; n++ {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				handle(n, c)
			}()
		}
	}()
	return listener.Addr().String()
}

// takeRequest reads one whole request.
func takeRequest(in *bufio.Reader) (*http.Request, error) {
	request, err := http.ReadRequest(in)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, request.Body)
	return request, err
}

// answerOnce returns a raw handler that takes one request, writes answer and hangs up.
func answerOnce(answer string) func(int, net.Conn) {
	return func(_ int, c net.Conn) {
		if _, err := takeRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.WriteString(c, answer)
		}
	}
}

// untilHangUp blocks until the peer closes the connection.
func untilHangUp(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// nameServer answers each question with the addresses of answer, which gets the name and the number of A questions
// asked before; nil is "no such name".
func nameServer(t testing.TB, answer func(name string, n int) []netip.Addr) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	var asked atomic.Int64
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply := dnsReply(buf[:n], &asked, answer); reply != nil {
				_, _ = server.WriteTo(reply, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

func dnsReply(query []byte, asked *atomic.Int64, answer func(string, int) []netip.Addr) []byte {
	var message dnsmessage.Message
	if message.Unpack(query) != nil || len(message.Questions) != 1 {
		return nil
	}
	question := message.Questions[0]
	n := asked.Load()
	if question.Type == dnsmessage.TypeA {
		n = asked.Add(1) - 1
	}
	addresses := answer(question.Name.String(), int(n))
	message.Response, message.RecursionAvailable, message.Additionals = true, true, nil
	if addresses == nil {
		message.RCode = dnsmessage.RCodeNameError
	}
	for _, ip := range addresses {
		header := dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: dnsmessage.ClassINET}
		switch {
		case ip.Is4() && question.Type == dnsmessage.TypeA:
			message.Answers = append(message.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: ip.As4()}})
		case ip.Is6() && question.Type == dnsmessage.TypeAAAA:
			message.Answers = append(message.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: ip.As16()}})
		}
	}
	reply, err := message.Pack()
	if err != nil {
		return nil
	}
	return reply
}

// get makes a GET with an HTTP client and returns its error as an Error, or nil.
func get(t testing.TB, client *http.Client, url string) (*http.Response, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, Classify(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response, nil
}

func TestNewNamesTheOptionThatIsMissingOrWrong(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]Options{
		"Timeout":   {UserAgent: "x"},
		"UserAgent": {Timeout: time.Second},
		"Allow":     {Timeout: time.Second, UserAgent: "x", Allow: []netip.Prefix{{}}},
		"Trusted":   {Timeout: time.Second, UserAgent: "x", Trusted: []string{"127.0.0.1:1"}},
	} {
		_, err := New(options)
		require.ErrorContains(t, err, "Options."+name)
	}
}

func TestClassifyKeepsNilAndUnknownErrorsCountAsSent(t *testing.T) {
	t.Parallel()
	require.Nil(t, Classify(nil))
	fault := Classify(errors.New("odd"))
	require.Equal(t, CodeConnectionFailed, fault.Code)
	require.True(t, fault.Sent)
	require.NotContains(t, fault.Error(), "odd")
}
