package safehttp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// authority is a certificate authority that exists for one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return authority{cert: cert, key: key}
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// issue signs a certificate for 127.0.0.1 and receiver.test, after change has had its say.
func (a authority) issue(t testing.TB, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{"receiver.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serveTLS starts an HTTPS receiver and returns its URL and the number of requests that reached it.
func serveTLS(t testing.TB, config *tls.Config) (string, *atomic.Int64) {
	t.Helper()
	var requests atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, r.Proto+" "+r.TLS.ServerName)
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.TLS = config
	server.StartTLS()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL, &requests
}

func TestTLSIsVerifiedByEveryDoor(t *testing.T) {
	t.Parallel()
	ours, other := newAuthority(t), newAuthority(t)
	for name, tc := range map[string]struct {
		config *tls.Config
		says   string
	}{
		"expired":     {&tls.Config{Certificates: []tls.Certificate{ours.issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })}}, "expired"},
		"wrong name":  {&tls.Config{Certificates: []tls.Certificate{ours.issue(t, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 2)} })}}, "another name"},
		"self-signed": {&tls.Config{Certificates: []tls.Certificate{other.issue(t, nil)}}, "known authority"},
		"TLS 1.1":     {&tls.Config{Certificates: []tls.Certificate{ours.issue(t, nil)}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "TLS 1.2"},
	} {
		url, requests := serveTLS(t, tc.config)
		client := newClient(t, func(o *Options) { o.RootCAs = ours.pool() })
		_, err := client.Post(t.Context(), Request{URL: url})
		fault := requireCode(t, CodeTLS, err)
		require.Contains(t, fault.Message, tc.says, name)
		require.False(t, fault.Sent)
		_, err = get(t, client.HTTP(), url)
		fault = requireCode(t, CodeTLS, err)
		require.False(t, fault.Sent)
		require.Zero(t, requests.Load())
	}
}

func TestAHandshakeThatBreaksIsATLSFault(t *testing.T) {
	t.Parallel()
	plain := strings.TrimPrefix(serve(t, func(http.ResponseWriter, *http.Request) {}), "http://")
	reset := serveRaw(t, "127.0.0.1:0", func(_ int, c net.Conn) {
		_, _ = io.ReadFull(c, make([]byte, 5))
		_ = c.(*net.TCPConn).SetLinger(0)
	})
	hangUp := serveRaw(t, "127.0.0.1:0", func(int, net.Conn) {})
	client := newClient(t)
	for _, address := range []string{plain, reset, hangUp} {
		_, err := client.Post(t.Context(), Request{URL: "https://" + address})
		require.False(t, requireCode(t, CodeTLS, err).Sent)
	}
}

func TestPostOverTLSNamesTheHostAndUsesItsConnectionAgain(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		var handshakes atomic.Int64
		config := &tls.Config{Certificates: []tls.Certificate{ours.issue(t, nil)}, MaxVersion: version}
		config.VerifyConnection = func(tls.ConnectionState) error {
			handshakes.Add(1)
			return nil
		}
		url, requests := serveTLS(t, config)
		_, port, err := net.SplitHostPort(strings.TrimPrefix(url, "https://"))
		require.NoError(t, err)
		client := newClient(t, func(o *Options) {
			o.RootCAs = ours.pool()
			o.Resolver = nameServer(t, always("127.0.0.1"))
		})
		for range 3 {
			response, err := client.Post(t.Context(), Request{URL: "https://receiver.test.:" + port + "/"})
			require.NoError(t, err)
			require.Equal(t, "HTTP/1.1 receiver.test", string(response.Body))
		}
		require.EqualValues(t, 3, requests.Load())
		require.EqualValues(t, 1, handshakes.Load())
	}
}
