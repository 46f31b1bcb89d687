package safehttp

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDialReachesOpenNetworksAndNoOthers(t *testing.T) {
	t.Parallel()
	address := serveRaw(t, "127.0.0.1:0", func(_ int, c net.Conn) { _, _ = c.Write([]byte("hello")) })
	socket, err := newClient(t).Dial(t.Context(), "tcp", address)
	require.NoError(t, err)
	defer socket.Close()
	greeting := make([]byte, 5)
	_, err = socket.Read(greeting)
	require.NoError(t, err)
	require.Equal(t, "hello", string(greeting))

	guarded := newClient(t, closed)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	for _, host := range []string{"127.0.0.1", "localhost", "169.254.169.254", "10.0.0.1", "::1"} {
		_, err = guarded.Dial(t.Context(), "tcp", net.JoinHostPort(host, port))
		requireCode(t, CodePrivateAddress, err)
	}
	rebinding := newClient(t, closed, func(o *Options) { o.Resolver = nameServer(t, always("127.0.0.1")) })
	_, err = rebinding.Dial(t.Context(), "tcp", net.JoinHostPort("proxy.test", port))
	requireCode(t, CodePrivateAddress, err)
	_, err = guarded.Dial(t.Context(), "tcp", "no port")
	require.ErrorAs(t, err, new(*Error))
}
