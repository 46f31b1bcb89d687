package post_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/message"
	"github.com/switchhook/switchhook/internal/post"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

const (
	tenant = "acct_a"
	worker = "wrk_1"
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// network is what the channels of a test publish to: it does what the next of its moods says, and takes a post when there are no more.
type network struct {
	mu     sync.Mutex
	moods  []mood
	posts  []connectors.OutPost // that are public
	texts  []string             // of posts
	looks  int
	hidden bool // public posts are not found
	broken bool // nothing can be looked up
	unable bool // nor ever will
}

// mood is one answer of the network. Where took is set, the post is public whatever the answer.
type mood struct {
	took  bool
	early bool // fails before the request leaves
	err   error
	panic bool
	then  func() // runs after Begin
}

func (n *network) publish(ctx context.Context, p connectors.OutPost) (connectors.Published, error) {
	n.mu.Lock()
	next := mood{took: true}
	if len(n.moods) > 0 {
		next, n.moods = n.moods[0], n.moods[1:]
	}
	n.mu.Unlock()
	if next.early {
		return connectors.Published{}, next.err
	}
	if err := p.Begin(ctx); err != nil {
		return connectors.Published{}, err
	}
	if next.then != nil {
		next.then()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if next.took {
		n.posts, n.texts = append(n.posts, p), append(n.texts, p.Text)
	}
	if next.panic {
		panic("no mood")
	}
	return connectors.Published{ProviderID: "n" + strconv.Itoa(len(n.posts)), URL: "https://network.example/" + strconv.Itoa(len(n.posts))}, next.err
}

func (n *network) find(p connectors.OutPost) (connectors.Published, bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.looks++
	if n.unable {
		return connectors.Published{}, false, connectors.Unsupported("it cannot look")
	}
	if n.broken {
		return connectors.Published{}, false, errors.New("the list does not load")
	}
	for i, public := range n.posts {
		if public.ID == p.ID && !n.hidden {
			return connectors.Published{ProviderID: "n" + strconv.Itoa(i+1), URL: "https://network.example/" + strconv.Itoa(i+1)}, true, nil
		}
	}
	return connectors.Published{}, false, nil
}

func (n *network) public() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string{}, n.texts...)
}

// wall is a kind of channel on that network. "wall" can look posts up, "blind" cannot, "mute" publishes nothing.
type wall struct {
	kind string
	n    *network
}

func (w wall) Info() connectors.Info {
	info := connectors.Info{
		Kind: w.kind, Name: "The " + w.kind, Platform: w.kind, KeyPrefix: w.kind, Fields: []connectors.Field{{Key: "name", Type: connectors.FieldText, Required: true}},
		Post: &connectors.PostInfo{
			Text: connectors.PostPlain, Split: true, FirstComment: true,
			Limits:  connectors.PostLimits{TextLength: 100, AltLength: 20, Images: 2, Videos: 1, ImageBytes: 1000, ImageTypes: []string{"image/png"}},
			Options: []connectors.Field{{Key: "visibility", Type: connectors.FieldSelect, Options: []string{"public", "private"}}},
		},
	}
	if w.kind == "mute" {
		info.Post = nil
	}
	return info
}

func (w wall) Address(config connectors.Config) (string, error) { return config["name"], nil }

func (w wall) Open(connectors.Channel, connectors.Host) (connectors.Conn, error) {
	if w.kind == "wall" {
		return seeing{blind{w.n}}, nil
	}
	return blind{w.n}, nil
}

type blind struct{ n *network }

func (b blind) Close() error { return nil }
func (b blind) Publish(ctx context.Context, p connectors.OutPost) (connectors.Published, error) {
	return b.n.publish(ctx, p)
}

type seeing struct{ blind }

func (s seeing) FindPost(_ context.Context, p connectors.OutPost) (connectors.Published, bool, error) {
	return s.n.find(p)
}

func (s seeing) Comment(_ context.Context, p connectors.Published, text string) (string, error) {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	if text == "refused" {
		return "", connectors.Rejected(connectors.CodeInvalidContent, "Comments are closed.", "")
	}
	s.n.texts = append(s.n.texts, p.ProviderID+" > "+text)
	return "c1", nil
}

// noAlarm is for a publisher whose deliveries nobody makes.
type noAlarm struct{}

func (noAlarm) Now(context.Context, string, []string) error { return nil }

// disk holds the files of these tests' posts.
type disk struct{}

type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

func (disk) Read(_ context.Context, _, mediaID string) (io.ReadSeekCloser, error) {
	return file{bytes.NewReader([]byte(mediaID))}, nil
}

// noQueues is for posts that go to channels.
type noQueues struct{}

func (noQueues) Claim(context.Context, string, string, string, time.Time) (time.Time, error) {
	return time.Time{}, problem.NotFoundOf("queue")
}

func (noQueues) Channels(context.Context, string, string) ([]string, error) {
	return nil, problem.NotFoundOf("queue")
}

// fixture is the service with everything below it.
type fixture struct {
	*post.Service
	store    *store.Store
	channels *channel.Service
	network  *network
	clock    *clock
	ids      *id.Generator
	kinds    map[string]connectors.Connector
	events   *event.Publisher
}

// eachEngine runs a test on a fresh database of each engine.
func eachEngine(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, newFixture(t, engine))
		})
	}
}

func newFixture(t *testing.T, engine string) *fixture {
	t.Helper()
	f := &fixture{clock: &clock{at: time.Date(2026, 6, 29, 12, 0, 0, 0, time.UTC)}, network: &network{}}
	f.ids = id.NewGenerator(f.clock.now)
	logger := slog.New(slog.DiscardHandler)
	options := store.Options{DataDir: t.TempDir(), Logger: logger}
	if engine == "postgres" {
		options.URL = testenv.Postgres(t)
	}
	var err error
	f.store, err = store.Open(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.store.Close()) })
	require.NoError(t, f.store.Migrate(t.Context()))
	require.NoError(t, f.store.BeatAny(t.Context(), worker, f.clock.now()))
	for _, account := range []string{tenant, "acct_b"} {
		_, err := f.store.CreateAccount(t.Context(), &store.Account{ID: account, Name: "Test", CreatedAt: f.clock.now()},
			&store.User{ID: "usr_" + account, AccountID: account, Email: account + "@example.com", CreatedAt: f.clock.now()})
		require.NoError(t, err)
	}
	f.kinds = map[string]connectors.Connector{}
	for _, kind := range []string{"wall", "blind", "mute"} {
		f.kinds[kind] = wall{kind, f.network}
	}
	f.events, err = event.New(event.Options{Store: f.store, IDs: f.ids, Alarm: noAlarm{}, WorkerID: worker, Logger: logger, Now: f.clock.now, Parallel: 1})
	require.NoError(t, err)
	t.Cleanup(f.events.Close)
	sealer, err := secret.NewSealer("a sealing key of at least 32 characters")
	require.NoError(t, err)
	client := &http.Client{}
	f.channels, err = channel.New(channel.Options{
		Store: f.store, Sealer: sealer, Connectors: f.kinds, HTTP: client, PublicHTTP: client, Dial: (&net.Dialer{}).DialContext, IDs: f.ids, Logger: logger,
		Now: f.clock.now, BaseURL: "https://hooks.example", Listener: message.ChannelNews{Publisher: f.events, Connectors: f.kinds},
	})
	require.NoError(t, err)
	f.Service = f.process(t, worker)
	return f
}

// process is the post service of one process.
func (f *fixture) process(t *testing.T, workerID string) *post.Service {
	t.Helper()
	s, err := post.New(post.Options{
		Store: f.store, IDs: f.ids, Channels: f.channels, Media: disk{}, Slots: noQueues{}, Publisher: f.events,
		Logger: slog.New(slog.DiscardHandler), Now: f.clock.now, WorkerID: workerID,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) })
	return s
}

func (f *fixture) channel(t *testing.T, kind, name string) string {
	t.Helper()
	c, err := f.channels.Create(t.Context(), channel.Draft{ID: f.ids.New("chan"), AccountID: tenant, Connector: kind, Config: connectors.Config{"name": name}})
	require.NoError(t, err)
	return c.ID
}

func (f *fixture) draft(text string, channelIDs ...string) post.Draft {
	return post.Draft{ID: f.ids.New("post"), AccountID: tenant, Content: post.Content{Body: text}, ChannelIDs: channelIDs, Origin: "api"}
}

func (f *fixture) create(t *testing.T, d post.Draft) *post.Post {
	t.Helper()
	p, err := f.Create(t.Context(), d)
	require.NoError(t, err)
	return p
}

// work publishes what is due and waits until it has ended.
func (f *fixture) work(t *testing.T) {
	t.Helper()
	f.workOf(t, f.Service)
}

func (f *fixture) workOf(t *testing.T, s *post.Service) {
	t.Helper()
	require.NoError(t, s.PublishDue(t.Context()))
	require.Eventually(t, func() bool {
		n := 0
		row := f.store.Database().QueryRow(t.Context(), `SELECT COUNT(*) FROM targets WHERE status = 'publishing' AND owner <> 'wrk_dead' OR event <> ''`)
		return row.Scan(&n) == nil && n == 0
	}, time.Minute, 5*time.Millisecond)
}

func (f *fixture) get(t *testing.T, postID string) *post.Post {
	t.Helper()
	p, err := f.Get(t.Context(), tenant, postID)
	require.NoError(t, err)
	return p
}

// told returns the data of the account's events of a type, oldest first.
func (f *fixture) told(t *testing.T, eventType string) []event.PostData {
	t.Helper()
	rows, err := f.store.Events(t.Context(), tenant, store.EventFilter{Type: eventType}, store.Page{Limit: 100})
	require.NoError(t, err)
	all := make([]event.PostData, len(rows))
	for i, row := range rows {
		require.NoError(t, json.Unmarshal(row.Data, &all[len(rows)-1-i]))
	}
	return all
}

func problemOf(t *testing.T, err error, code string) *problem.Error {
	t.Helper()
	var p *problem.Error
	require.ErrorAs(t, err, &p)
	require.Equal(t, code, p.Code, p.Message)
	return p
}
