package safehttp

import (
	"bufio"
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func TestPostNoticesThatTheReceiverHungUpMeanwhile(t *testing.T) {
	t.Parallel()
	hangUp, gone := make(chan struct{}), make(chan struct{})
	address := serveRaw(t, "127.0.0.1:0", func(_ int, c net.Conn) {
		_, _ = takeRequest(bufio.NewReader(c))
		_, _ = io.WriteString(c, okAnswer)
		<-hangUp
		_ = c.Close()
		gone <- struct{}{}
	})
	client := newClient(t)
	for range 5 {
		_, err := client.Post(t.Context(), Request{URL: "http://" + address})
		require.NoError(t, err)
		hangUp <- struct{}{}
		<-gone
	}
}

func TestPostNeverSendsTwiceWhenAUsedConnectionBreaks(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	address := serveRaw(t, "127.0.0.1:0", func(_ int, c net.Conn) {
		in := bufio.NewReader(c)
		if _, err := takeRequest(in); err != nil {
			return
		}
		requests.Add(1)
		_, _ = io.WriteString(c, okAnswer)
		if _, err := takeRequest(in); err == nil {
			requests.Add(1)
		}
	})
	client := newClient(t)
	_, err := client.Post(t.Context(), Request{URL: "http://" + address})
	require.NoError(t, err)
	_, err = client.Post(t.Context(), Request{URL: "http://" + address})
	require.True(t, requireCode(t, CodeConnectionFailed, err).Sent)
	require.EqualValues(t, 2, requests.Load())
}

func TestPostNeverTakesAnAnswerThatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	for _, extra := range []string{"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", "\r\n"} {
		var connections atomic.Int64
		address := serveRaw(t, "127.0.0.1:0", func(_ int, c net.Conn) {
			connections.Add(1)
			in := bufio.NewReader(c)
			for {
				if _, err := takeRequest(in); err != nil {
					return
				}
				_, _ = io.WriteString(c, okAnswer+extra)
			}
		})
		client := newClient(t)
		for range 3 {
			response, err := client.Post(t.Context(), Request{URL: "http://" + address})
			require.NoError(t, err)
			require.Equal(t, 200, response.Status)
		}
		require.EqualValues(t, 3, connections.Load(), "a connection with bytes left over must not be used again")
	}
}

func TestPostTellsShutdownFromTimeout(t *testing.T) {
	t.Parallel()
	started := make(chan struct{}, 1)
	address := serveRaw(t, "127.0.0.1:0", func(_ int, c net.Conn) {
		_, _ = takeRequest(bufio.NewReader(c))
		started <- struct{}{}
		untilHangUp(c)
	})
	client := newClient(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-started
		cancel()
	}()
	response, err := client.Post(ctx, Request{URL: "http://" + address})
	fault := requireCode(t, CodeCanceled, err)
	require.ErrorIs(t, err, context.Canceled)
	require.True(t, fault.Sent)
	require.Less(t, response.Duration, 5*time.Second)

	_, err = client.Post(ctx, Request{URL: "http://" + address})
	require.False(t, requireCode(t, CodeCanceled, err).Sent)

	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = client.Post(ctx, Request{URL: "http://" + address})
	requireCode(t, CodeTimeout, err)
}

func TestPostReportsARefusedConnection(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	client := newClient(t)
	_, err = client.Post(t.Context(), Request{URL: "http://" + listener.Addr().String() + "/?token=secret"})
	fault := requireCode(t, CodeConnectionRefused, err)
	require.False(t, fault.Sent)
	require.NotContains(t, fault.Error(), "secret")
	_, err = get(t, client.HTTP(), "http://"+listener.Addr().String())
	require.False(t, requireCode(t, CodeConnectionRefused, err).Sent)
}

func TestPoolForgetsWhatIsIdleTooLongAndKeepsNoMoreThanItsLimit(t *testing.T) {
	t.Parallel()
	pool, start := newPool(), time.Now()
	var open atomic.Int64
	add := func(host string, at time.Time) {
		open.Add(1)
		pool.put(&conn{socket: closeCounter{open: &open}, key: poolKey{host: host}}, at)
	}
	for range idlePerHost + 10 {
		add("a", start)
	}
	require.EqualValues(t, idlePerHost, open.Load())
	add("b", start.Add(time.Second))
	pool.sweep(start.Add(idleFor + time.Millisecond))
	require.EqualValues(t, 1, open.Load())
	require.Len(t, pool.hosts, 1)
	require.Nil(t, pool.get(poolKey{host: "b"}, start.Add(time.Minute)))
	require.NotNil(t, pool.get(poolKey{host: "b"}, start.Add(2*time.Second)))
	require.Nil(t, pool.get(poolKey{host: "b"}, start.Add(2*time.Second)))
	pool.sweep(start.Add(2 * time.Second))
	require.Empty(t, pool.hosts)
	require.Zero(t, pool.total)

	open.Store(0)
	for i := range idleTotal + 50 {
		add(string(rune('a'+i)), start)
	}
	require.EqualValues(t, idleTotal, open.Load())
	pool.close()
	add("late", start)
	require.Zero(t, open.Load())
	require.Empty(t, pool.hosts)
}

// closeCounter is a socket that only counts down when it is closed.
type closeCounter struct {
	net.Conn
	open *atomic.Int64
}

func (c closeCounter) Close() error {
	c.open.Add(-1)
	return nil
}
