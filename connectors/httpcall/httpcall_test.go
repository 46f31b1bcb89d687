package httpcall_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// serve starts a server and gives a client with connections of its own.
func serve(t *testing.T, handler http.HandlerFunc) (*httptest.Server, *http.Client) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server, server.Client()
}

func post(address string) httpcall.Request {
	return httpcall.Request{Method: http.MethodPost, URL: address, Form: url.Values{"a": {"1"}}, User: "user-name", Password: "pass-word"}
}

func TestDoSendsFormsJSONAndCredentials(t *testing.T) {
	t.Parallel()
	server, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Seen", strings.Join([]string{r.Method, r.Header.Get("Content-Type"), r.Header.Get("Authorization"), r.Header.Get("X-More")}, "|"))
		w.Header().Set("Length", strconv.FormatInt(r.ContentLength, 10))
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write(body)
	})
	tests := map[string]struct {
		request    httpcall.Request
		seen, body string
		length     string
	}{
		"a form with Basic":  {post(server.URL), "POST|application/x-www-form-urlencoded|Basic dXNlci1uYW1lOnBhc3Mtd29yZA==|", "a=1", "3"},
		"JSON with a Bearer": {httpcall.Request{Method: "PUT", URL: server.URL, JSON: []int{1}, Bearer: "t"}, "PUT|application/json|Bearer t|", "[1]", "3"},
		"a GET with headers": {httpcall.Request{URL: server.URL, Header: http.Header{"x-more": {"m"}}}, "GET|||m", "", "0"},
		"a stream": {
			httpcall.Request{Method: "POST", URL: server.URL, Stream: &httpcall.Stream{Body: io.MultiReader(strings.NewReader("file")), ContentType: "a/b", Length: 4}},
			"POST|a/b||", "file", "4",
		},
		"a stream of unknown length": {
			httpcall.Request{Method: "POST", URL: server.URL, Stream: &httpcall.Stream{Body: io.MultiReader(strings.NewReader("file")), ContentType: "a/b"}},
			"POST|a/b||", "file", "-1",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response, err := httpcall.Do(t.Context(), client, test.request)
			require.NoError(t, err)
			require.Equal(t, http.StatusTeapot, response.Status)
			require.Equal(t, test.seen, response.Header.Get("Seen"))
			require.Equal(t, test.body, string(response.Body))
			require.Equal(t, test.length, response.Header.Get("Length"))
		})
	}
}

func TestDoCutsAnEndlessAnswer(t *testing.T) {
	t.Parallel()
	server, client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 64<<10)
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	response, err := httpcall.Do(t.Context(), client, post(server.URL))
	require.NoError(t, err)
	require.Len(t, response.Body, httpcall.MaxAnswer)
	require.True(t, response.Cut)
}

func TestDoDoesNotFollowRedirects(t *testing.T) {
	t.Parallel()
	calls := make(chan string, 9)
	server, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls <- r.URL.Path
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	response, err := httpcall.Do(t.Context(), client, post(server.URL+"/start"))
	require.NoError(t, err)
	require.Equal(t, http.StatusTemporaryRedirect, response.Status)
	require.Len(t, calls, 1)
}

// closedPort returns an address at which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

func TestWhatWasNeverSentIsRetryable(t *testing.T) {
	t.Parallel()
	plain, client := serve(t, func(http.ResponseWriter, *http.Request) {})
	blocked := &http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{Control: func(string, string, syscall.RawConn) error {
		return errors.New("address blocked")
	}}).DialContext}}
	tests := map[string]struct {
		client  *http.Client
		address string
	}{
		"a refused connection":       {client, "http://" + closedPort(t) + "/?token=hidden"},
		"a name that does not exist": {client, "http://nothing.invalid/?token=hidden"},
		"a failed TLS handshake":     {client, strings.Replace(plain.URL, "http:", "https:", 1) + "/?token=hidden"},
		"a blocked address":          {blocked, plain.URL + "/?token=hidden"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := httpcall.Do(t.Context(), test.client, post(test.address))
			requireKind(t, connectors.KindRetryable, err)
		})
	}
	t.Run("a call that was over before", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := httpcall.Do(ctx, client, post(plain.URL))
		requireKind(t, connectors.KindRetryable, err)
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestWhatMayHaveLeftIsUnconfirmed(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 9)
	server, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived <- struct{}{}
		switch r.URL.Path {
		case "/hang":
			<-r.Context().Done()
		case "/cut":
			panic(http.ErrAbortHandler)
		case "/half":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
			panic(http.ErrAbortHandler)
		}
	})
	for _, path := range []string{"/cut", "/half"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			_, err := httpcall.Do(t.Context(), client, post(server.URL+path+"?token=hidden"))
			requireKind(t, connectors.KindUnconfirmed, err)
			_, err = httpcall.Do(t.Context(), client, httpcall.Request{URL: server.URL + path})
			requireKind(t, connectors.KindRetryable, err)
		})
	}
	t.Run("a timeout", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := httpcall.Do(ctx, client, post(server.URL+"/hang?token=hidden"))
		requireKind(t, connectors.KindUnconfirmed, err)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestACanceledCallIsUnconfirmedOnceItHasLeft(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	server, client := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(arrived)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	_, err := httpcall.Do(ctx, client, post(server.URL+"/?token=hidden"))
	requireKind(t, connectors.KindUnconfirmed, err)
}

func TestAKeptConnectionThatWasClosedNeverSendsTwice(t *testing.T) {
	t.Parallel()
	served := make(chan struct{}, 9)
	server, client := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		served <- struct{}{}
	})
	_, err := httpcall.Do(t.Context(), client, post(server.URL))
	require.NoError(t, err)
	server.Close()
	_, err = httpcall.Do(t.Context(), client, post(server.URL))
	require.Error(t, err)
	require.Contains(t, []connectors.Kind{connectors.KindRetryable, connectors.KindUnconfirmed}, connectors.AsError(err).Kind)
	require.Len(t, served, 1)
}

// An idempotency key is for servers that know it. It must not make our side repeat what others would do twice.
func TestARequestWithAnIdempotencyKeyIsSentOnceOverAConnectionThatIsCut(t *testing.T) {
	t.Parallel()
	var keys []string
	server, client := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Method == http.MethodPost {
			keys = append(keys, r.Header.Get("Idempotency-Key"))
			panic(http.ErrAbortHandler)
		}
	})
	warm, err := httpcall.Do(t.Context(), client, httpcall.Request{URL: server.URL}) // so that the connection is one that was used before
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, warm.Status)
	_, err = httpcall.Do(t.Context(), client, httpcall.Request{
		Method: http.MethodPost, URL: server.URL, JSON: 1, Header: http.Header{"Idempotency-Key": {"key-1"}},
	})
	require.Equal(t, connectors.KindUnconfirmed, connectors.AsError(err).Kind)
	server.Close()
	require.Equal(t, []string{"key-1"}, keys)
}

func TestRequestsThatCannotBeBuiltAreRejectedWithoutTheAddress(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]httpcall.Request{
		"a malformed address": {Method: "POST", URL: "http://user:hidden@[::1/"},
		"two bodies":          {Method: "POST", URL: "http://a.example/?hidden", Form: url.Values{}, JSON: 1},
		"JSON and a stream":   {Method: "POST", URL: "http://a.example/?hidden", JSON: 1, Stream: &httpcall.Stream{Body: strings.NewReader("")}},
		"JSON that is none":   {Method: "POST", URL: "http://a.example/?hidden", JSON: func() {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := httpcall.Do(t.Context(), http.DefaultClient, request)
			requireKind(t, connectors.KindRejected, err)
		})
	}
}

func requireKind(t *testing.T, want connectors.Kind, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, want, connectors.AsError(err).Kind, err.Error())
	for _, secret := range []string{"hidden", "user-name", "pass-word"} {
		require.NotContains(t, err.Error(), secret)
	}
}
