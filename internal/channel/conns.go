package channel

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/store"
)

// errClosed is returned after Service.Close.
var errClosed = errors.New("open channel: the process is stopping")

// conns keeps the opened channels of this process, one of each channel.
type conns struct {
	mu     sync.Mutex
	open   map[string]opened // by channel id
	closed bool
}

type opened struct {
	version int64
	conn    connectors.Conn
}

func newConns() *conns { return &conns{open: map[string]opened{}} }

// get returns the Conn of a version, made by open where there is none yet, and the older one that it replaces, for the
// caller to close. open must not block. A row older than the one that is open gets the open one: its reader is behind.
func (c *conns) get(id string, version int64, open func() (connectors.Conn, error)) (conn, replaced connectors.Conn, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, nil, errClosed
	}
	present, ok := c.open[id]
	if ok && present.version >= version {
		return present.conn, nil, nil
	}
	conn, err = open()
	if err != nil {
		return nil, nil, err
	}
	c.open[id] = opened{version, conn}
	return conn, present.conn, nil
}

// take forgets a channel's Conn and returns it, or nil.
func (c *conns) take(id string) connectors.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	conn := c.open[id].conn
	delete(c.open, id)
	return conn
}

func (c *conns) closeAll() error {
	c.mu.Lock()
	all := c.open
	c.open, c.closed = map[string]opened{}, true
	c.mu.Unlock()
	var failures []error
	for id, o := range all {
		if err := o.conn.Close(); err != nil {
			failures = append(failures, fmt.Errorf("close channel %s: %w", id, err))
		}
	}
	return errors.Join(failures...)
}

// Host returns what connectors are lent while there is no channel yet. It keeps no tokens.
func (s *Service) Host() connectors.Host {
	return connectors.Host{HTTP: s.o.HTTP, Public: s.o.PublicHTTP, Dial: s.o.Dial, Logger: s.o.Logger, Now: s.o.Now}
}

// Open returns the Conn of a channel as its row says. It is kept and shared: the caller must not close it, and must not keep
// it beyond its one use. It does not block. A kind that this build does not have is a *connectors.Error, Unsupported.
func (s *Service) Open(ctx context.Context, c *store.Channel) (connectors.Conn, error) {
	connector, ok := s.o.Connectors[c.Connector]
	if !ok {
		return nil, connectors.Unsupported("this server has no connector of the kind " + c.Connector)
	}
	conn, replaced, err := s.conns.get(c.ID, c.Version, func() (connectors.Conn, error) {
		config, err := s.unseal(c)
		if err != nil {
			return nil, err
		}
		channel := connectors.Channel{ID: c.ID, Address: c.Address, Config: config, CallbackURL: s.CallbackURL(c)}
		host := s.Host()
		host.Logger, host.Tokens = s.o.Logger.With("channel_id", c.ID), keeper{s, c.ID}
		conn, err := connector.Open(channel, host)
		if err != nil {
			return nil, fmt.Errorf("open channel %s: %w", c.ID, err)
		}
		return conn, nil
	})
	s.close(ctx, c.ID, replaced)
	return conn, err
}

// ByIDAny returns a channel whatever its account: for callbacks, whose address names the channel only, and for workers. It reads
// the row each time, so that a deleted or changed channel is never served as it was; Open then gives the Conn that fits the
// row. store.ErrNotFound where there is none. A disabled channel is returned too: look at its status.
func (s *Service) ByIDAny(ctx context.Context, channelID string) (*store.Channel, error) {
	wish := &lookup{id: channelID}
	if err := s.lookups.Do(ctx, wish); err != nil {
		return nil, err
	}
	if wish.found == nil {
		s.drop(ctx, channelID)
		return nil, store.ErrNotFound
	}
	return wish.found, nil
}

// drop closes a channel that was changed or deleted.
func (s *Service) drop(ctx context.Context, channelID string) {
	s.close(ctx, channelID, s.conns.take(channelID))
}

func (s *Service) close(ctx context.Context, channelID string, conn connectors.Conn) {
	if conn == nil {
		return
	}
	if err := conn.Close(); err != nil {
		s.o.Logger.WarnContext(ctx, "channel.close_failed", "channel_id", channelID, "error", err)
	}
}
