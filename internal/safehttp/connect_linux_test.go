package safehttp

import (
	"net"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fullListener returns an address whose queue of waiting connections is full, so that the kernel answers no further one.
func fullListener(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Close(fd) })
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, syscall.Listen(fd, 0))
	name, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(name.(*syscall.SockaddrInet4).Port))
	for range 16 {
		c, err := net.DialTimeout("tcp", address, 100*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	require.Fail(t, "the queue never became full")
	return ""
}

func TestAConnectionThatHangsEndsInTime(t *testing.T) {
	t.Parallel()
	address := fullListener(t)
	client := newClient(t, within(200*time.Millisecond))
	response, err := client.Post(t.Context(), Request{URL: "http://" + address})
	require.False(t, requireCode(t, CodeTimeout, err).Sent)
	require.Less(t, response.Duration, 5*time.Second)
}
