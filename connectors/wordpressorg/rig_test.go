package wordpressorg_test

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest/standin"
	"github.com/switchhook/switchhook/connectors/wordpressorg"
	"github.com/switchhook/switchhook/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.MainWordPress(m)) }

// proxy stands between the connector and the real WordPress: it records what passes, and fails as told.
type proxy struct {
	*standin.Server

	mu    sync.Mutex
	seen  []string // "METHOD path?query"
	hooks []hook
}

type hook struct {
	path    string
	after   bool // the request has its full effect first
	handler http.HandlerFunc
}

func newProxy(t *testing.T, wp *testenv.WordPressServer) *proxy {
	t.Helper()
	target, err := url.Parse(wp.URL)
	require.NoError(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	forward := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	p := &proxy{}
	p.Server = standin.New(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		handler, after := p.note(r)
		if handler == nil {
			forward.ServeHTTP(w, r)
			return
		}
		if after {
			forward.ServeHTTP(discard{http.Header{}}, r)
		}
		handler(w, r)
	}))
	return p
}

// discard is an answer that nobody reads.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

func (p *proxy) note(r *http.Request) (handler http.HandlerFunc, after bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, r.Method+" "+r.URL.RequestURI())
	i := slices.IndexFunc(p.hooks, func(h hook) bool { return h.path == r.Method+" "+r.URL.Path })
	if i < 0 {
		return nil, false
	}
	found := p.hooks[i]
	p.hooks = slices.Delete(p.hooks, i, i+1)
	return found.handler, found.after
}

// once answers the next request of a method and path in another way; after lets WordPress do what it asks for first.
func (p *proxy) once(path string, after bool, handler http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hooks = append(p.hooks, hook{path, after, handler})
}

func (p *proxy) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func config(siteURL string, account testenv.WordPressAccount) connectors.Config {
	return connectors.Config{"siteUrl": siteURL, "username": account.User, "applicationPassword": account.Password, "bodyFormat": "html"}
}

// host has no HTTP: requests to addresses that users give must not use it.
func host(public *http.Client) connectors.Host {
	return connectors.Host{Public: public, Logger: slog.New(slog.DiscardHandler), Now: time.Now}
}

func client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

func open(t *testing.T, settings connectors.Config) connectors.Conn {
	t.Helper()
	conn, err := wordpressorg.New().Open(connectors.Channel{Config: settings}, host(client(t)))
	require.NoError(t, err)
	return conn
}

func publish(t *testing.T, settings connectors.Config, post connectors.OutPost) (connectors.Published, error) {
	t.Helper()
	return open(t, settings).(connectors.Publisher).Publish(t.Context(), post)
}

// newPost returns a post with an id of its own, which counts the calls of Begin.
func newPost(t *testing.T, title, text string) (post connectors.OutPost, began *int) {
	t.Helper()
	began = new(int)
	return connectors.OutPost{
		ID: "tgt_" + t.Name() + "-0", Title: title, Text: text, HTML: "<p>" + text + "</p>", StartedAt: time.Now(), Options: map[string]string{},
		Begin: func(context.Context) error { *began++; return nil },
	}, began
}

type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

func media(name, contentType, alt string, content []byte) connectors.PostMedia {
	kind, _, _ := strings.Cut(contentType, "/")
	return connectors.PostMedia{
		Kind: kind, ContentType: contentType, FileName: name, Alt: alt, Size: int64(len(content)),
		Open: func() (io.ReadSeekCloser, error) { return file{bytes.NewReader(content)}, nil },
	}
}

func picture(t *testing.T) []byte {
	t.Helper()
	var w bytes.Buffer
	require.NoError(t, png.Encode(&w, image.NewRGBA(image.Rect(0, 0, 20, 10))))
	return w.Bytes()
}

// read asks the real WordPress, as its administrator.
func read(t *testing.T, wp *testenv.WordPressServer, path string, answer any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, wp.URL+path, nil)
	require.NoError(t, err)
	request.SetBasicAuth(wp.Admin.User, wp.Admin.Password)
	response, err := client(t).Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, string(body))
	if text, ok := answer.(*string); ok {
		*text = string(body)
		return
	}
	require.NoError(t, json.Unmarshal(body, answer), string(body))
}

// wpPost is a post as the real WordPress tells it.
type wpPost struct {
	ID       int64                `json:"id"`
	Slug     string               `json:"slug"`
	Status   string               `json:"status"`
	Title    struct{ Raw string } `json:"title"`
	Content  struct{ Raw string } `json:"content"`
	Excerpt  struct{ Raw string } `json:"excerpt"`
	Featured int64                `json:"featured_media"`
	Tags     []int64              `json:"tags"`
	Category []int64              `json:"categories"`
	Link     string               `json:"link"`
}

// called returns the posts with a title.
func called(t *testing.T, wp *testenv.WordPressServer, title string) []wpPost {
	t.Helper()
	var all, found []wpPost
	read(t, wp, "/wp-json/wp/v2/posts?context=edit&status=any&per_page=100", &all)
	for _, post := range all {
		if post.Title.Raw == title {
			found = append(found, post)
		}
	}
	return found
}

func requireKind(t *testing.T, err error, kind connectors.Kind, code string) *connectors.Error {
	t.Helper()
	require.Error(t, err)
	failed := connectors.AsError(err)
	require.Equal(t, kind, failed.Kind, err.Error())
	require.Equal(t, code, failed.Code, err.Error())
	return failed
}
