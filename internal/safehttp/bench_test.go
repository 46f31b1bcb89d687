package safehttp

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
)

// BenchmarkPost measures one signed webhook of 1 KiB to a receiver in the same process, whose share is in the figure.
func BenchmarkPost(b *testing.B) {
	url := receiver(b)
	client, err := New(Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Timeout: 10 * time.Second, UserAgent: "Bench/1"})
	require.NoError(b, err)
	b.Cleanup(client.Close)
	body := bytes.Repeat([]byte("x"), 1024)
	header := []Header{
		{"Content-Type", "application/json"},
		{"webhook-id", "evt_01J00000000000000000000000"},
		{"webhook-timestamp", "1700000000"},
		{"webhook-signature", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="},
	}
	b.Run("post", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				response, err := client.Post(b.Context(), Request{URL: url, Header: header, Body: body})
				if err != nil || response.Status != http.StatusOK {
					b.Error(response.Status, err)
				}
			}
		})
	})
	b.Run("net/http", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(16)
		door := client.PublicHTTP()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, bytes.NewReader(body))
				if err != nil {
					b.Fatal(err)
				}
				for _, h := range header {
					request.Header.Set(h.Name, h.Value)
				}
				response, err := door.Do(request)
				if err != nil {
					b.Error(err)
					continue
				}
				_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, MaxAnswer))
				_ = response.Body.Close()
			}
		})
	})
}

// receiver starts a server that answers 200 with a small JSON body.
func receiver(tb testing.TB) string {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	server := &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
		ctx.SetContentType("application/json")
		ctx.SetBodyString(`{"ok":true}`)
	}}
	go func() { _ = server.Serve(listener) }()
	tb.Cleanup(func() { _ = listener.Close() })
	return "http://" + listener.Addr().String() + "/hook?token=1"
}
