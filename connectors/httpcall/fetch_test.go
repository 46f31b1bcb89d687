package httpcall_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

func TestFetchGivesCredentialsToTheFirstHostOnly(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 9)
	var first *httptest.Server
	second := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- "second:" + r.Header.Get("Authorization") + r.Header.Get("X-Key")
		http.Redirect(w, r, first.URL+"/file", http.StatusFound)
	}))
	t.Cleanup(second.Close)
	first = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.URL.Path + ":" + r.Header.Get("Authorization") + r.Header.Get("X-Key")
		switch r.URL.Path {
		case "/start":
			http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
		case "/again":
			http.Redirect(w, r, second.URL, http.StatusFound)
		case "/file":
			w.Header().Set("Content-Type", "image/png")
			_, _ = io.WriteString(w, "bytes")
		}
	}))
	t.Cleanup(first.Close)
	request := httpcall.Request{URL: first.URL + "/start", Bearer: "t", Header: http.Header{"X-Key": {"k"}}}
	body, contentType, err := httpcall.Fetch(t.Context(), first.Client(), request, httpcall.FetchOptions{AllowHTTP: true})
	require.NoError(t, err)
	defer body.Close()
	content, err := io.ReadAll(body)
	require.NoError(t, err)
	require.Equal(t, "bytes", string(content))
	require.Equal(t, "image/png", contentType)
	for _, want := range []string{"/start:Bearer tk", "/again:Bearer tk", "second:", "/file:"} {
		require.Equal(t, want, <-seen)
	}
}

func TestFetchFileTellsTheSizeWhereItsHostDoes(t *testing.T) {
	t.Parallel()
	server, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/unsized" {
			require.NoError(t, http.NewResponseController(w).Flush())
		}
		_, _ = io.WriteString(w, "bytes")
	})
	for path, size := range map[string]int64{"/": 5, "/unsized": -1} {
		file, err := httpcall.FetchFile(t.Context(), client, httpcall.Request{URL: server.URL + path}, httpcall.FetchOptions{AllowHTTP: true})
		require.NoError(t, err)
		require.Equal(t, size, file.Size)
		content, err := io.ReadAll(file.Body)
		require.NoError(t, err)
		require.NoError(t, file.Body.Close())
		require.Equal(t, "bytes", string(content))
	}
}

func TestFetchRefusesWhatItMustNotFollow(t *testing.T) {
	t.Parallel()
	server, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/file-scheme":
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(http.StatusFound)
		case "/malformed":
			w.Header().Set("Location", "http://[::1?token=hidden")
			w.WriteHeader(http.StatusFound)
		case "/nowhere":
			w.WriteHeader(http.StatusFound)
		case "/401", "/404", "/429", "/503":
			w.WriteHeader(map[string]int{"/401": 401, "/404": 404, "/429": 429, "/503": 503}[r.URL.Path])
		}
	})
	for path, want := range map[string]connectors.Kind{
		"/loop": connectors.KindRejected, "/file-scheme": connectors.KindRejected, "/malformed": connectors.KindRetryable,
		"/nowhere": connectors.KindRetryable, "/401": connectors.KindUnlinked, "/404": connectors.KindRejected,
		"/429": connectors.KindRateLimited, "/503": connectors.KindRetryable,
	} {
		_, _, err := httpcall.Fetch(t.Context(), client, httpcall.Request{URL: server.URL + path}, httpcall.FetchOptions{AllowHTTP: true, Now: noon()})
		requireKind(t, want, err)
	}
	for _, address := range []string{server.URL, "ftp://a.example/", "", "https://user:hidden@a.example/", "http://[::1"} {
		_, _, err := httpcall.Fetch(t.Context(), client, httpcall.Request{URL: address}, httpcall.FetchOptions{})
		requireKind(t, connectors.KindRejected, err)
	}
}

func TestAnOriginIsASchemeAHostAndAPort(t *testing.T) {
	t.Parallel()
	const base = "https://api.example.com:8443/v1"
	for address, same := range map[string]bool{
		"https://api.example.com:8443/files/1": true, "https://API.example.com:8443": true,
		"http://api.example.com:8443/files/1": false, "https://api.example.com/files/1": false, "https://api.example.com.evil.test:8443/": false,
		"/files/1": false, "": false, "https://%": false,
	} {
		require.Equal(t, same, httpcall.SameOrigin(address, base), address)
		require.Equal(t, same, httpcall.SameOrigin(base, address), address)
	}
}
