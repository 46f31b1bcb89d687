package safehttp

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPostSendsExactlyWhatItIsGiven(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 5000, maxScratch, 3 << 20} {
		body := bytes.Repeat([]byte("ä"), size/2)
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			got, err := io.ReadAll(r.Body)
			if err != nil || !bytes.Equal(got, body) || r.Method != http.MethodPost || r.RequestURI != "/a%20b?c=%C3%A4" ||
				r.UserAgent() != "Switchhook-Test/1" || r.Header.Get("Webhook-Id") != "evt_1" || len(r.Header) != 4 && len(r.Header) != 3 {
				w.WriteHeader(http.StatusTeapot)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, `{"reply":"hi"}`)
		})
		response, err := newClient(t).Post(t.Context(), Request{URL: url + "/a b?c=ä", Header: []Header{{"webhook-id", "evt_1"}}, Body: body})
		require.NoError(t, err)
		require.Positive(t, response.Duration)
		response.Duration = 0
		require.Equal(t, Response{Status: 202, ContentType: "application/json", RetryAfter: "7", Body: []byte(`{"reply":"hi"}`)}, response)
	}
}

func TestPostReadsEveryKindOfAnswer(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]Response{
		"HTTP/1.1 204 No Content\r\n\r\n":                                                                                  {Status: 204},
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi":                                                                   {Status: 200, Body: []byte("hi")},
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\nX: y\r\n\r\n":                       {Status: 200, Body: []byte("hi")},
		"HTTP/1.0 500 Oops\r\nContent-Type: text/html\r\n\r\nhi":                                                           {Status: 500, ContentType: "text/html", Body: []byte("hi")},
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n": {Status: 410},
		"HTTP/1.1 429 Slow\r\nRetry-After: " + strings.Repeat("9", 999) + "\r\nContent-Length: 0\r\n\r\n":                  {Status: 429, RetryAfter: strings.Repeat("9", maxField)},
	} {
		address := serveRaw(t, "127.0.0.1:0", answerOnce(answer))
		response, err := newClient(t).Post(t.Context(), Request{URL: "http://" + address})
		require.NoError(t, err, answer)
		response.Duration = 0
		require.Equal(t, want, response)
	}
}

func TestPostCallsWhatIsNotHTTPInvalidAndAHangUpFailed(t *testing.T) {
	t.Parallel()
	for answer, code := range map[string]string{
		"":                         CodeConnectionFailed,
		"secret rubbish":           CodeInvalidResponse,
		"SSH-2.0-OpenSSH_9\r\n":    CodeInvalidResponse,
		"HTTP/1.1 200 OK\r\nX: se": CodeInvalidResponse,
		"HTTP/1.1 2000 OK\r\n\r\n": CodeInvalidResponse,
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n": CodeInvalidResponse,
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab":                   CodeInvalidResponse,
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nsecret":                                   CodeInvalidResponse,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n":                      CodeInvalidResponse,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi":                          CodeInvalidResponse,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n1":                     CodeInvalidResponse,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhi":                          CodeInvalidResponse,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n":                                 CodeInvalidResponse,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nsecret\r\n":                       CodeInvalidResponse,
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 2*maxHeader) + "\r\n\r\n":                CodeInvalidResponse,
		strings.Repeat("HTTP/1.1 103 Early\r\n\r\n", 200) + "HTTP/1.1 200 OK\r\n\r\n":           CodeInvalidResponse,
	} {
		address := serveRaw(t, "127.0.0.1:0", answerOnce(answer))
		_, err := newClient(t).Post(t.Context(), Request{URL: "http://" + address + "/?token=secret"})
		fault := requireCode(t, code, err)
		require.True(t, fault.Sent)
		require.NotContains(t, fault.Error(), "secret")
	}
}

func TestPostReturnsTheStatusOfAnAnswerThatBreaksOff(t *testing.T) {
	t.Parallel()
	address := serveRaw(t, "127.0.0.1:0", answerOnce("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"))
	response, err := newClient(t).Post(t.Context(), Request{URL: "http://" + address})
	requireCode(t, CodeInvalidResponse, err)
	require.Equal(t, 200, response.Status)
}

func TestPostCountsAnAnswerThatComesBeforeTheWholeRequestIsTaken(t *testing.T) {
	t.Parallel()
	address := serveRaw(t, "127.0.0.1:0", func(_ int, c net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(c))
		_, _ = io.WriteString(c, "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")
		_ = c.(*net.TCPConn).CloseWrite()
		untilHangUp(c)
	})
	response, err := newClient(t).Post(t.Context(), Request{URL: "http://" + address, Body: make([]byte, 8<<20)})
	require.NoError(t, err)
	require.Equal(t, 410, response.Status)
}

func TestPostFollowsNoRedirectAndNeverTouchesTheOtherHost(t *testing.T) {
	t.Parallel()
	var touched atomic.Int64
	other := serve(t, func(http.ResponseWriter, *http.Request) { touched.Add(1) })
	client := newClient(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, status) })
		response, err := client.Post(t.Context(), Request{URL: url, Header: []Header{{"webhook-signature", "v1,x"}}})
		require.NoError(t, err)
		require.Equal(t, status, response.Status)
		answer, err := get(t, client.HTTP(), url)
		require.NoError(t, err)
		require.Equal(t, status, answer.StatusCode)
	}
	require.Zero(t, touched.Load())
}

func TestPostTakesSixteenKiBOfAHugeAnswerAndHangsUp(t *testing.T) {
	t.Parallel()
	for name, length := range map[string]string{"announced": "1073741824", "chunked": ""} {
		written := make(chan int, 1)
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if length != "" {
				w.Header().Set("Content-Length", length)
			}
			total, piece := 0, bytes.Repeat([]byte("x"), 64<<10)
			for total < 1<<30 {
				n, err := w.Write(piece)
				if total += n; err != nil {
					break
				}
			}
			written <- total
		})
		response, err := newClient(t).Post(t.Context(), Request{URL: url})
		require.NoError(t, err, name)
		require.Equal(t, 200, response.Status)
		require.True(t, response.Truncated)
		require.Len(t, response.Body, MaxAnswer)
		require.Less(t, <-written, 64<<20, "only the sockets' buffers may fill")
	}
}

func TestPostKeepsAnAnswerOfExactlyTheLimitWhole(t *testing.T) {
	t.Parallel()
	for size, truncated := range map[int]bool{MaxAnswer - 1: false, MaxAnswer: false, MaxAnswer + 1: true} {
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, size)) })
		response, err := newClient(t).Post(t.Context(), Request{URL: url})
		require.NoError(t, err)
		require.Equal(t, truncated, response.Truncated)
		require.Len(t, response.Body, min(size, MaxAnswer))
	}
}

func TestPostEndsInTimeWhateverTheReceiverDoes(t *testing.T) {
	t.Parallel()
	drip := func(start, piece string) func(int, net.Conn) {
		return func(_ int, c net.Conn) {
			if _, err := takeRequest(bufio.NewReader(c)); err != nil {
				return
			}
			_, err := io.WriteString(c, start)
			for ticker := time.NewTicker(time.Millisecond); err == nil; <-ticker.C {
				_, err = io.WriteString(c, piece)
			}
		}
	}
	for name, tc := range map[string]struct {
		handle func(int, net.Conn)
		scheme string
		status int
		body   int
	}{
		"no answer":       {handle: func(_ int, c net.Conn) { untilHangUp(c) }},
		"no handshake":    {handle: func(_ int, c net.Conn) { untilHangUp(c) }, scheme: "https"},
		"takes nothing":   {handle: func(_ int, c net.Conn) { _, _ = c.Read(make([]byte, 1)); <-t.Context().Done() }, body: 64 << 20},
		"dripping header": {handle: drip("HTTP/1.1 200 OK\r\n", "X")},
		"dripping lines":  {handle: drip("HTTP/1.1 200 OK\r\n", "X: y\r\n")},
		"dripping body":   {handle: drip("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", "x"), status: 200},
		"dripping chunks": {handle: drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"), status: 200},
		"chunk extension": {handle: drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "x"), status: 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scheme := tc.scheme
			if scheme == "" {
				scheme = "http"
			}
			address := serveRaw(t, "127.0.0.1:0", tc.handle)
			client := newClient(t, within(200*time.Millisecond))
			response, err := client.Post(t.Context(), Request{URL: scheme + "://" + address, Body: make([]byte, tc.body)})
			requireCode(t, CodeTimeout, err)
			require.Equal(t, tc.status, response.Status)
			require.Less(t, response.Duration, 5*time.Second)
			require.GreaterOrEqual(t, response.Duration, 200*time.Millisecond)
		})
	}
}

func TestPostEndsAnEndlessHeaderByItsSize(t *testing.T) {
	t.Parallel()
	address := serveRaw(t, "127.0.0.1:0", func(_ int, c net.Conn) {
		_, _ = takeRequest(bufio.NewReader(c))
		_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		for i := 0; err == nil; i++ {
			_, err = fmt.Fprintf(c, "X-%d: y\r\n", i)
		}
	})
	response, err := newClient(t).Post(t.Context(), Request{URL: "http://" + address})
	requireCode(t, CodeInvalidResponse, err)
	require.Less(t, response.Duration, 5*time.Second)
}

func TestPostUsesOneConnectionAgainAndManyAtOnce(t *testing.T) {
	t.Parallel()
	const parallel = 64
	var connections atomic.Int64
	arrived, release := make(chan struct{}, parallel), make(chan struct{})
	address := serveRaw(t, "127.0.0.1:0", func(_ int, c net.Conn) {
		connections.Add(1)
		in := bufio.NewReader(c)
		for {
			if _, err := takeRequest(in); err != nil {
				return
			}
			arrived <- struct{}{}
			<-release
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	client := newClient(t)
	for range 3 {
		var group sync.WaitGroup
		for range parallel {
			group.Go(func() {
				response, err := client.Post(t.Context(), Request{URL: "http://" + address})
				if err != nil || string(response.Body) != "ok" {
					t.Errorf("answer %q, error %v", response.Body, err)
				}
			})
		}
		for range parallel {
			<-arrived
		}
		for range parallel {
			release <- struct{}{}
		}
		group.Wait()
	}
	require.EqualValues(t, parallel, connections.Load())
}
