// Package message sends messages, takes in those that arrive, and follows what becomes of them.
package message

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/store"
)

// Channels opens channels and keeps their state.
type Channels interface {
	// Open returns the channel's connection. It does not block.
	Open(ctx context.Context, channel *store.Channel) (connectors.Conn, error)
	// Info describes a kind of channel; false where this build has none of that kind.
	Info(kind string) (connectors.Info, bool)
	// SetStatusOf stores a state that the network has shown, and raises its event where it is another than before.
	SetStatusOf(ctx context.Context, channel *store.Channel, status store.ChannelStatus, code, sentence string) (bool, error)
	// Linker returns the connector of a kind whose channels are linked devices; false where it is none.
	Linker(kind string) (connectors.Linker, bool)
}

// Media keeps the files that come with messages.
type Media interface {
	// Reserve makes the row of a file that still lies with the network, and the address under which it will be had.
	Reserve(accountID, channelID string, ref connectors.MediaRef) (*store.Media, string, error)
	// Read opens a stored file from its beginning. The caller closes it.
	Read(ctx context.Context, accountID, mediaID string) (io.ReadSeekCloser, error)
}

// Publisher stores events.
type Publisher interface {
	Publish(ctx context.Context, draft *event.Draft) error
	PublishAll(ctx context.Context, drafts []*event.Draft) error
}

// Observer counts for the metrics.
type Observer interface {
	ObserveMessage(connector, direction, result string)
}

// Options wires a Service. All fields but the optional ones are required.
type Options struct {
	Store     *store.Store
	IDs       *id.Generator
	Channels  Channels
	Media     Media
	Publisher Publisher
	Observer  Observer
	Logger    *slog.Logger
	Now       func() time.Time
	WorkerID  string

	Bell         *live.Bell    // optional: tells open pages
	AutoContacts bool          // optional: people who write for the first time become contacts
	QueuedWait   time.Duration // optional: how long an API call waits for the turn of a linked device's message; 0: 20 s
}

// Service sends and receives.
type Service struct {
	Options
	kick     chan struct{}
	draining chan struct{} // closed when the process stops
	notifier Notifier      // of linked devices; nil where this build has none
	waiters  waiters
}

// New wires a Service. A missing part is an error that names it.
func New(o Options) (*Service, error) {
	for name, missing := range map[string]bool{
		"Store": o.Store == nil, "IDs": o.IDs == nil, "Channels": o.Channels == nil, "Media": o.Media == nil, "Publisher": o.Publisher == nil,
		"Observer": o.Observer == nil, "Logger": o.Logger == nil, "Now": o.Now == nil, "WorkerID": o.WorkerID == "",
	} {
		if missing {
			return nil, fmt.Errorf("make message service: Options.%s is missing", name)
		}
	}
	if o.QueuedWait <= 0 {
		o.QueuedWait = queuedWait
	}
	return &Service{Options: o, kick: make(chan struct{}, 1), draining: make(chan struct{}), waiters: waiters{byID: map[string]chan struct{}{}}}, nil
}

// noteChannel keeps a channel's state by what a call to its network has shown. failure is nil after a call that succeeded.
func (s *Service) noteChannel(ctx context.Context, channel *store.Channel, failure *connectors.Error) {
	var err error
	if failure == nil {
		_, err = s.Channels.SetStatusOf(ctx, channel, store.ChannelConnected, "", "")
	} else {
		_, err = s.Channels.SetStatusOf(ctx, channel, store.ChannelNeedsLink, failure.Code, failure.Message)
	}
	if err != nil {
		s.Logger.Error("channel.state_failed", "channel_id", channel.ID, "error", err)
	}
}

// open opens a channel; a kind that this binary does not have is Unsupported. A connector that panics opens nothing.
func (s *Service) open(ctx context.Context, channel *store.Channel) (conn connectors.Conn, err error) {
	defer func() {
		if p := recover(); p != nil {
			conn, err = nil, fmt.Errorf("open channel: the connector panicked: %v", p)
		}
	}()
	conn, err = s.Channels.Open(ctx, channel)
	if err != nil {
		var known *connectors.Error
		if errors.As(err, &known) {
			return nil, known
		}
		return nil, fmt.Errorf("open channel: %w", err)
	}
	return conn, nil
}
