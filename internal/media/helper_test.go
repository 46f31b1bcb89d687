package media_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
	"github.com/switchhook/switchhook/connectors/sandbox"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/media"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	baseURL  = "https://hooks.example"
	maxBytes = 64 << 10
	png      = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01"
)

// private is a kind of channel whose files want the channel's credentials.
type private struct{ sandbox.Connector }

func (private) Info() connectors.Info {
	return connectors.Info{Kind: "private", Name: "Private", KeyPrefix: "priv", Fields: []connectors.Field{{Key: "token", Label: "Token", Secret: true}}}
}

func (private) Address(connectors.Config) (string, error) { return "1", nil }

func (private) Open(c connectors.Channel, host connectors.Host) (connectors.Conn, error) {
	return privateConn{c, host}, nil
}

type privateConn struct {
	channel connectors.Channel
	host    connectors.Host
}

func (c privateConn) FetchMedia(ctx context.Context, ref connectors.MediaRef) (io.ReadCloser, string, error) {
	request := httpcall.Request{URL: ref.URL, Bearer: c.channel.Config["token"]}
	return httpcall.Fetch(ctx, c.host.HTTP, request, httpcall.FetchOptions{AllowHTTP: true, Now: c.host.Now()})
}

func (privateConn) Close() error { return nil }

// fixture is a service with a provider whose behaviour the test sets.
type fixture struct {
	*media.Service
	options  media.Options
	store    *store.Store
	channels *channel.Service
	dir      string
	logs     *lockedBuffer
	sandbox  string // id of a channel
	private  string // id of a channel with credentials
	provider *httptest.Server
	calls    atomic.Int64
	answer   atomic.Pointer[http.HandlerFunc]
	now      atomic.Int64
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	return newFixtureOn(t, nil)
}

// newFixtureOn is newFixture with a storage; nil is the folder.
func newFixtureOn(t *testing.T, storage media.Storage) *fixture {
	t.Helper()
	f := &fixture{dir: filepath.Join(t.TempDir(), "media"), logs: &lockedBuffer{}}
	f.now.Store(time.Date(2026, 6, 29, 12, 0, 0, 0, time.UTC).UnixMilli())
	f.provide(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, png) })
	f.provider = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.calls.Add(1)
		(*f.answer.Load())(w, r)
	}))
	t.Cleanup(f.provider.Close)
	logger := slog.New(slog.NewTextHandler(f.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	f.store, err = store.Open(t.Context(), store.Options{DataDir: t.TempDir(), Logger: logger})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.store.Close()) })
	require.NoError(t, f.store.Migrate(t.Context()))
	_, err = f.store.CreateAccount(t.Context(), &store.Account{ID: "acct_a", Name: "Test", CreatedAt: time.Now()},
		&store.User{ID: "usr_a", AccountID: "acct_a", Email: "a@example.com", CreatedAt: time.Now()})
	require.NoError(t, err)
	sealer, err := secret.NewSealer("a sealing key of at least 32 characters")
	require.NoError(t, err)
	ids := id.NewGenerator(time.Now)
	clock := func() time.Time { return time.UnixMilli(f.now.Load()).UTC() }
	f.channels, err = channel.New(channel.Options{
		Store: f.store, Sealer: sealer, HTTP: f.provider.Client(), PublicHTTP: f.provider.Client(), Dial: (&net.Dialer{}).DialContext, IDs: ids, Logger: logger, Now: clock,
		BaseURL: baseURL, Connectors: map[string]connectors.Connector{sandbox.Kind: sandbox.New(), "private": private{}},
	})
	require.NoError(t, err)
	f.options = media.Options{
		Store: f.store, Sealer: sealer, Channels: f.channels, Dir: f.dir, Storage: storage, HTTP: f.provider.Client(), IDs: ids, Logger: logger, Now: clock,
		BaseURL: baseURL, MaxBytes: maxBytes,
	}
	f.Service, err = media.New(f.options)
	require.NoError(t, err)
	t.Cleanup(f.Close)
	f.sandbox = f.addChannel(t, sandbox.Kind, nil)
	f.private = f.addChannel(t, "private", connectors.Config{"token": "let-me-in"})
	return f
}

func (f *fixture) addChannel(t *testing.T, kind string, config connectors.Config) string {
	t.Helper()
	c, err := f.channels.Create(t.Context(), channel.Draft{ID: f.channels.IDs().New("chan"), AccountID: "acct_a", Connector: kind, Config: config})
	require.NoError(t, err)
	return c.ID
}

// provide sets what the provider answers from now on.
func (f *fixture) provide(handler http.HandlerFunc) { f.answer.Store(&handler) }

func (f *fixture) advance(d time.Duration) { f.now.Add(d.Milliseconds()) }

// add reserves and stores a file of a channel and returns its row and token.
func (f *fixture) add(t *testing.T, channelID string, ref connectors.MediaRef) (*store.Media, string) {
	t.Helper()
	if ref.URL == "" {
		ref.URL = f.provider.URL + "/secret-path/file"
	}
	m, url, err := f.Reserve("acct_a", channelID, ref)
	require.NoError(t, err)
	token, found := strings.CutPrefix(url, baseURL+"/media/")
	require.True(t, found, url)
	require.NoError(t, f.store.InsertEventGroupAny(t.Context(), store.EventGroup{Media: []*store.Media{m}}, time.Now()))
	return m, token
}

// fetchDue makes all tries that are due and waits for them.
func (f *fixture) fetchDue(t *testing.T) int {
	t.Helper()
	n, err := f.FetchDueAny(t.Context())
	require.NoError(t, err)
	f.Wait()
	return n
}

// row returns the stored row of a file.
func (f *fixture) row(t *testing.T, m *store.Media) *store.Media {
	t.Helper()
	row, err := f.store.MediaByTokenAny(t.Context(), m.TokenHash)
	require.NoError(t, err)
	return row
}

// files lists what lies in the media folder.
func (f *fixture) files(t *testing.T) []string {
	t.Helper()
	var names []string
	require.NoError(t, filepath.WalkDir(f.dir, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, entry.Name())
		}
		return err
	}))
	return names
}

// read opens a file by its token and returns its content.
func (f *fixture) read(t *testing.T, token string) string {
	t.Helper()
	file, err := f.Open(t.Context(), token)
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	content, err := io.ReadAll(file)
	require.NoError(t, err)
	require.EqualValues(t, len(content), file.Size)
	return string(content)
}

func problemOf(t *testing.T, err error, code string) *problem.Error {
	t.Helper()
	var p *problem.Error
	require.ErrorAs(t, err, &p)
	require.Equal(t, code, p.Code, p.Message)
	return p
}

// lockedBuffer collects logs of several goroutines.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
