//go:build linux

package main

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheReportSaysOfEachPageWhetherItIsFastAndSmall(t *testing.T) {
	t.Parallel()
	took := func(p50 time.Duration) []pageRound {
		return []pageRound{{p50: p50, p95: 30 * time.Millisecond, least: time.Millisecond, raw: 200 * time.Microsecond, product: 2 * time.Millisecond, engine: 3 * time.Millisecond}}
	}
	text := reportDashboard([]dashRow{{engine: enginePostgres, pages: []*pageRow{
		{name: "home", status: 200, bytes: 2600, first: 38_500, rounds: took(20 * time.Millisecond)},
		{name: "slow", status: 200, bytes: 2600, first: 38_500, rounds: took(21 * time.Millisecond)},
		{name: "large", status: 200, bytes: 2600, first: 60_001, rounds: took(time.Millisecond)},
		{name: "call", status: 200, bytes: 100, key: true, rounds: took(time.Millisecond)},
		{name: "missing", status: 404},
	}}})
	require.Contains(t, text, "PostgreSQL and Redis, 100,000 deliveries stored")
	require.Contains(t, text, "| home | 20.0 ms | 30.0 ms | 1.0 ms | 0.2 ms | 2.0 ms, 3.0 ms | 2.6 kB | 38.5 kB | met |\n")
	require.Contains(t, text, "| slow | 21.0 ms | 30.0 ms | 1.0 ms | 0.2 ms | 2.0 ms, 3.0 ms | 2.6 kB | 38.5 kB | **not met** |\n")
	require.Contains(t, text, "60.0 kB | **not met** |\n")
	require.Contains(t, text, "| 0.1 kB |  | met |\n")
	require.Contains(t, text, "| missing | | | | | | | | **answered 404** |\n")
}

func TestABrowserLoadsEachFileOfAPageOnce(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/app/login" && r.Method == http.MethodPost:
			if r.FormValue("csrf") == "a&b" && r.FormValue("email") == benchEmail {
				w.WriteHeader(http.StatusSeeOther)
				return
			}
			w.WriteHeader(http.StatusUnprocessableEntity)
		case r.URL.Path == "/app/login":
			_, _ = w.Write([]byte(`<input name="csrf" value="a&amp;b">`))
		case strings.HasPrefix(r.URL.Path, "/app/assets/"):
			_, _ = w.Write([]byte("0123456789"))
		default:
			w.Header().Set("Content-Encoding", "gzip")
			packed := gzip.NewWriter(w)
			_, _ = packed.Write(bytes.Repeat([]byte(`<a href="/app/assets/1/a.css"></a><script src="/app/assets/2/b.js"></script><a href="/app/x">`), 3))
			_ = packed.Close()
		}
	}))
	defer site.Close()
	b, err := logIn(t.Context(), site.URL, "key")
	require.NoError(t, err)
	found, err := b.get(t.Context(), "/app", false)
	require.NoError(t, err)
	require.Equal(t, 200, found.status)
	loaded, err := b.load(t.Context(), found)
	require.NoError(t, err)
	require.Equal(t, 20, loaded)
}
