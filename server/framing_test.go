package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// raw sends bytes as they are and returns everything that comes back until the server closes the line.
func (w *world) raw(t *testing.T, text string) string {
	t.Helper()
	conn := w.dial(t)
	_, err := io.WriteString(conn, text)
	require.NoError(t, err)
	answer, _ := io.ReadAll(conn) // a line that is cut ends it as well
	return string(answer)
}

func (w *world) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(w.url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	return conn
}

const smuggled = "GET /healthz HTTP/1.1\r\nHost: smuggled\r\nConnection: close\r\n\r\n"

func TestOneRequestNeverBecomesTwo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	post := func(headers, body string) string { return "POST /v1/auth/login HTTP/1.1\r\n" + headers + "\r\n" + body }
	for name, text := range map[string]string{
		"length and chunks":             post("Host: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"+smuggled),
		"chunks and length":             post("Host: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"+smuggled),
		"two lengths":                   post("Host: x\r\nContent-Length: 0\r\nContent-Length: 60\r\n", smuggled),
		"a list of lengths":             post("Host: x\r\nContent-Length: 0, 60\r\n", smuggled),
		"a length with a sign":          post("Host: x\r\nContent-Length: +0\r\n", smuggled),
		"a length in hexadecimal":       post("Host: x\r\nContent-Length: 0x0\r\n", smuggled),
		"a length that overflows":       post("Host: x\r\nContent-Length: 18446744073709551616\r\n", smuggled),
		"a negative length":             post("Host: x\r\nContent-Length: -1\r\n", smuggled),
		"an unknown coding":             post("Host: x\r\nTransfer-Encoding: xchunked\r\n", "0\r\n\r\n"+smuggled),
		"two codings":                   post("Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"+smuggled),
		"a coding with a tab":           post("Host: x\r\nTransfer-Encoding:\tchunked\x0b\r\n", "0\r\n\r\n"+smuggled),
		"chunks in HTTP/1.0":            strings.Replace(post("Host: x\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"+smuggled), "HTTP/1.1", "HTTP/1.0", 1),
		"a line feed in an extension":   post("Host: x\r\nTransfer-Encoding: chunked\r\n", "0;\nxx\r\n\r\n"+smuggled),
		"a chunk size with a sign":      post("Host: x\r\nTransfer-Encoding: chunked\r\n", "-0\r\n\r\n"+smuggled),
		"bare line feeds":               "POST /v1/auth/login HTTP/1.1\nHost: x\nContent-Length: 0\n\n" + smuggled,
		"a space before the colon":      post("Host: x\r\nContent-Length : 60\r\n", smuggled),
		"no host":                       post("Content-Length: 0\r\n", smuggled),
		"two hosts":                     post("Host: x\r\nHost: y\r\nContent-Length: 0\r\n", smuggled),
		"a header that goes on":         post("Host: x\r\nTransfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"+smuggled),
		"another header that goes on":   post("Host: x\r\nX-A: a\r\n\tb\r\nContent-Length: 0\r\n", smuggled),
		"NUL in a header":               post("Host: x\r\nX-A: a\x00b\r\nContent-Length: 0\r\n", smuggled),
		"a carriage return in a header": post("Host: x\r\nX-A: a\rContent-Length: 60\r\n", smuggled),
	} {
		answer := w.raw(t, text)
		require.LessOrEqual(t, strings.Count(answer, "HTTP/1.1 "), 1, "%s:\n%s", name, answer)
		require.NotContains(t, answer, `"status":"ok"`, name)
		require.NotContains(t, answer, "HTTP/1.1 2", name)
		if strings.HasPrefix(answer, "HTTP/1.1 ") {
			require.Contains(t, answer, `"code":`, "%s: the answer is one of ours", name)
		}
	}
	good := w.raw(t, strings.Replace(post("Host: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n"+smuggled), "smuggled", "x", 1))
	require.Equal(t, 2, strings.Count(good, "HTTP/1.1 "), "two requests that are framed well are two:\n%s", good)
}

func TestWhatIsTooLargeIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	answer := w.raw(t, "POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10000000000\r\n\r\n{")
	require.True(t, strings.HasPrefix(answer, "HTTP/1.1 413 "), answer)
	require.Contains(t, answer, `"code":"body_too_large"`)
	answer = w.raw(t, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: "+strings.Repeat("x", 20<<10)+"\r\n\r\n")
	require.NotContains(t, answer, "HTTP/1.1 2")
	answer = w.raw(t, "BREW /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	require.True(t, strings.HasPrefix(answer, "HTTP/1.1 4"), answer)
	answer = w.raw(t, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
	require.NotContains(t, answer, "HTTP/1.1 2")
}

func TestSlowSendersAreCutAndHoldNobodyUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	const slow = 500
	var all sync.WaitGroup
	for i := range slow {
		conn := w.dial(t)
		begin := "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: a"
		if i%2 == 1 {
			begin = "POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
		}
		_, err := io.WriteString(conn, begin)
		require.NoError(t, err)
		all.Go(func() {
			// It drips until the line is cut, which ends the reading below.
			dripping := time.NewTicker(100 * time.Millisecond)
			defer dripping.Stop()
			for range dripping.C {
				if _, err := io.WriteString(conn, " "); err != nil {
					return
				}
			}
		})
		all.Go(func() {
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err == nil {
				_ = response.Body.Close()
				if response.StatusCode != http.StatusRequestTimeout {
					panic(fmt.Sprintf("a request that never ended was answered %d", response.StatusCode))
				}
			}
			_ = conn.Close()
		})
	}
	for range 10 {
		require.Equal(t, 200, w.call(t, "GET", "/healthz", "").status)
	}
	all.Wait() // within each line's deadline, or the reading fails and closes it
}
