// Package session keeps linked devices online: it starts links, holds each session's connection in exactly one process, tells what becomes of
// it, and hands what concerns a connection to the process that has it.
package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

// Outbox is what is to be sent, and where goes what came in.
type Outbox interface {
	// Receive stores messages and news of messages. They are on disk when it returns nil.
	Receive(ctx context.Context, channel *store.Channel, result connectors.CallbackResult) error
	// SendNext sends the session's next due message, if there is one, and reports whether there was. It blocks until the outcome is stored.
	SendNext(ctx context.Context, sessionID string, sender connectors.Sender) (took bool, err error)
	// DueSessionsAny returns the sessions of all accounts that have due messages.
	DueSessionsAny(ctx context.Context) ([]string, error)
}

// Publisher stores events.
type Publisher interface {
	Publish(ctx context.Context, draft *event.Draft) error
}

// Options wires a Service. Every field but Sleep and Bell is required.
type Options struct {
	Store      *store.Store
	Channels   *channel.Service
	Connectors map[string]connectors.Connector // by kind; those that are no Linker are left alone
	Outbox     Outbox
	Publisher  Publisher
	IDs        *id.Generator
	Redis      redis.UniversalClient
	HTTP       *http.Client // as of connectors.Host
	PublicHTTP *http.Client // as of connectors.Host
	Logger     *slog.Logger
	Now        func() time.Time // its times must have a monotonic part, or be a test's
	WorkerID   string           // as whom this process beats, and owns sessions

	// Dial is as of connectors.Host.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Sleep waits for a time, or until ctx ends. Tests give one that does not take as long; nil: a timer.
	Sleep func(ctx context.Context, d time.Duration)

	// Bell tells open pages.
	Bell *live.Bell
}

// Service is safe for concurrent use.
type Service struct {
	Options

	lease     atomic.Pointer[term]
	confirmed atomic.Int64  // the newest term for which the database has confirmed what this process owns
	wake      chan struct{} // one look at what is to be held, at once
	quit      chan struct{} // closed by Close
	notes     chan note     // for other processes

	mu      sync.Mutex
	running map[string]*runner // by session id
	busy    map[string]bool    // session ids that a command is ending
	closed  bool
	waiting map[string]chan note // by the id of a call to another process

	listening sync.WaitGroup
	hangUp    context.CancelFunc
}

// Session is a linked device as the API shows it.
type Session struct {
	*store.Session
	Channel *store.Channel
}

// LinkStep returns what the user has to do next for the link, or nil where there is nothing to do.
func (s *Session) LinkStep() *connectors.LinkStep {
	if s.Status != string(connectors.LinkQR) {
		return nil
	}
	return read[connectors.LinkStep](s.Step)
}

// LinkLimit returns what the network allows the account less than others, or nil.
func (s *Session) LinkLimit() *connectors.LinkLimit { return read[connectors.LinkLimit](s.Restriction) }

// read decodes what this package has stored as JSON; nil where nothing is stored.
func read[T any](text string) *T {
	var value T
	if text == "" || json.Unmarshal([]byte(text), &value) != nil {
		return nil
	}
	return &value
}

// write encodes what read decodes.
func write[T any](value *T) string {
	if value == nil {
		return ""
	}
	text, err := json.Marshal(value)
	if err != nil {
		return "" // a malformed passkey request of the network; the step's sentence then lacks it
	}
	return string(text)
}

// New wires a Service and begins to listen for calls of other processes. A missing part is an error that names it.
func New(o Options) (*Service, error) {
	for name, missing := range map[string]bool{
		"Store": o.Store == nil, "Channels": o.Channels == nil, "Connectors": o.Connectors == nil, "Outbox": o.Outbox == nil,
		"Publisher": o.Publisher == nil, "IDs": o.IDs == nil, "Redis": o.Redis == nil, "HTTP": o.HTTP == nil, "PublicHTTP": o.PublicHTTP == nil,
		"Dial": o.Dial == nil, "Logger": o.Logger == nil, "Now": o.Now == nil, "WorkerID": o.WorkerID == "",
	} {
		if missing {
			return nil, fmt.Errorf("make session service: Options.%s is missing", name)
		}
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	s := &Service{
		Options: o, wake: make(chan struct{}, 1), quit: make(chan struct{}), notes: make(chan note, maxNotes),
		running: map[string]*runner{}, busy: map[string]bool{}, waiting: map[string]chan note{},
	}
	s.lease.Store(&term{})
	s.listen()
	return s, nil
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// linker returns the connector of a kind of linked devices, or with an empty kind, of the only such kind that this build has.
func (s *Service) linker(kind string) (connectors.Linker, bool) {
	if kind != "" {
		linker, ok := s.Connectors[kind].(connectors.Linker)
		return linker, ok
	}
	for _, kind := range slices.Sorted(maps.Keys(s.Connectors)) {
		if linker, ok := s.Connectors[kind].(connectors.Linker); ok {
			return linker, true
		}
	}
	return nil, false
}

// Get returns one session of an account; another account's is a problem NotFound.
func (s *Service) Get(ctx context.Context, accountID, sessionID string) (*Session, error) {
	row, err := s.Store.Session(ctx, accountID, sessionID)
	if err != nil {
		return nil, explain(err)
	}
	c, err := s.Store.Channel(ctx, accountID, sessionID)
	if err != nil {
		return nil, explain(err)
	}
	return &Session{row, c}, nil
}

// List returns a page of an account's sessions, newest first.
func (s *Service) List(ctx context.Context, accountID string, page store.Page) ([]*Session, error) {
	rows, err := s.Store.Sessions(ctx, accountID, page)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	found, err := s.Store.ChannelsByID(ctx, accountID, ids)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	all := make([]*Session, 0, len(rows))
	for _, row := range rows {
		if c := found[row.ID]; c != nil { // else it was deleted in between
			all = append(all, &Session{row, c})
		}
	}
	return all, nil
}

// explain turns the store's errors into what users see.
func explain(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return problem.NotFoundOf("session")
	}
	return err
}
