package safehttp

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTrustedOriginsOpenOnlyHTTP(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	_, port, err := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	client := newClient(t, closed, func(o *Options) { o.Trusted = []string{url + "/base/path"} })
	response, err := get(t, client.HTTP(), url+"/2010/Messages.json?x=y")
	require.NoError(t, err)
	require.Equal(t, http.StatusTeapot, response.StatusCode)

	_, err = get(t, client.PublicHTTP(), url)
	requireCode(t, CodePrivateAddress, err)
	_, err = client.Post(t.Context(), Request{URL: url})
	requireCode(t, CodePrivateAddress, err)
	_, err = client.CheckURL(url)
	requireCode(t, CodePrivateAddress, err)
	for _, other := range []string{"http://127.0.0.2:" + port, "https://127.0.0.1:" + port, "http://127.0.0.1:1", "http://127.0.0.1"} {
		_, err = get(t, client.HTTP(), other)
		requireCode(t, CodePrivateAddress, err)
	}
}

func TestHTTPRefusesAddressesThatCannotBeMeant(t *testing.T) {
	t.Parallel()
	client := newClient(t)
	for _, url := range []string{"ftp://example.com/", "/relative", "http://user:pass@127.0.0.1/", "http:///x", "https://0x7f.1/", "https://127.0.0.1:0/", "https://[fe80::1%25lo]/"} {
		_, err := get(t, client.HTTP(), url)
		require.False(t, requireCode(t, CodeInvalidURL, err).Sent, url)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://10.0.0.1/", io.NopCloser(strings.NewReader("x")))
	require.NoError(t, err)
	closer := &closeRecorder{Reader: strings.NewReader("x")}
	request.Body = closer
	_, err = client.HTTP().Do(request)
	require.Error(t, err)
	require.True(t, closer.closed)
}

type closeRecorder struct {
	io.Reader
	closed bool
}

func (c *closeRecorder) Close() error {
	c.closed = true
	return nil
}

func TestNothingIsDecompressed(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	packer := gzip.NewWriter(&bomb)
	_, err := packer.Write(make([]byte, 64<<20))
	require.NoError(t, err)
	require.NoError(t, packer.Close())
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" {
			w.WriteHeader(http.StatusTeapot)
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	})
	client := newClient(t)
	answer, err := client.Post(t.Context(), Request{URL: url})
	require.NoError(t, err)
	require.Equal(t, 200, answer.Status)
	require.True(t, answer.Truncated)
	require.Equal(t, bomb.Bytes()[:MaxAnswer], answer.Body)

	response, err := get(t, client.HTTP(), url)
	require.NoError(t, err)
	require.Equal(t, 200, response.StatusCode)
	got, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Len(t, got, bomb.Len())
}

func TestHTTPTellsWhetherTheRequestMayHaveBeenSent(t *testing.T) {
	t.Parallel()
	mute := serveRaw(t, "127.0.0.1:0", func(_ int, c net.Conn) { untilHangUp(c) })
	breaks := serveRaw(t, "127.0.0.1:0", answerOnce("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"))
	huge := serveRaw(t, "127.0.0.1:0", func(_ int, c net.Conn) {
		_, _ = takeRequest(bufio.NewReader(c))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("a", 1<<20)+"\r\n\r\n")
	})
	client := newClient(t, within(200*time.Millisecond))
	_, err := get(t, client.HTTP(), "http://"+mute)
	require.True(t, requireCode(t, CodeTimeout, err).Sent)
	_, err = get(t, client.HTTP(), "https://"+mute)
	require.False(t, requireCode(t, CodeTimeout, err).Sent)
	_, err = get(t, client.HTTP(), "http://"+huge)
	require.True(t, requireCode(t, CodeConnectionFailed, err).Sent)

	response, err := get(t, client.HTTP(), "http://"+breaks)
	require.NoError(t, err)
	_, err = io.ReadAll(response.Body)
	require.Equal(t, CodeInvalidResponse, Classify(err).Code)
}

func TestCloseLetsNothingLinger(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{}, 2)
	address := serveRaw(t, "127.0.0.1:0", func(_ int, c net.Conn) {
		_, _ = takeRequest(bufio.NewReader(c))
		_, _ = io.WriteString(c, okAnswer)
		untilHangUp(c)
		ended <- struct{}{}
	})
	client, err := New(Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Timeout: time.Minute, UserAgent: "x"})
	require.NoError(t, err)
	_, err = client.Post(t.Context(), Request{URL: "http://" + address})
	require.NoError(t, err)
	client.Close()
	<-ended
	_, err = client.Post(t.Context(), Request{URL: "http://" + address})
	require.NoError(t, err)
	<-ended
}

func TestANetworkMayThinkLongerThanAReceiver(t *testing.T) {
	t.Parallel()
	answer := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-answer }))
	t.Cleanup(server.Close)
	client, err := New(Options{Allow: loopback(), Timeout: 50 * time.Millisecond, Answer: time.Minute, UserAgent: "x"})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	time.AfterFunc(150*time.Millisecond, func() { close(answer) })
	response, err := client.PublicHTTP().Do(request)
	require.NoError(t, err, "three times as long as a receiver gets")
	require.NoError(t, response.Body.Close())
}
