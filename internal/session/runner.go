package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/store"
)

// runner is a session that this process holds. It has one Link, from its opening to its end.
type runner struct {
	s             *Service
	id, accountID string
	linker        connectors.Linker
	link          connectors.Link
	term          int64       // the one in which it was opened
	online        atomic.Bool // CONNECTED
	outbox        outbox

	loseOnce sync.Once
	losing   chan struct{} // closed when the lease is lost
	stopOnce sync.Once
	stopping chan struct{} // closed when the Link is to be closed

	mu      sync.Mutex
	row     *store.Session // as it is stored
	channel *store.Channel
	unsaved *connectors.LinkState       // the newest state, where it is not stored completely
	untold  func(context.Context) error // raises the events of what is stored; nil where all is told
	taken   bool                        // it has just come from another process, or one of earlier, and has not told of any state yet
}

// held reports whether this process may act for the session.
func (r *runner) held() bool { return !r.lost() && r.s.holds(r.term) }

func (r *runner) lost() bool {
	select {
	case <-r.losing:
		return true
	default:
		return false
	}
}

// lose notes that the session is another's, or that what is known of it here is outdated. The next look closes the Link.
func (r *runner) lose() {
	r.loseOnce.Do(func() { close(r.losing) })
	r.s.look()
}

// stored returns the session as it is stored.
func (r *runner) stored() store.Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	return *r.row
}

// outdated reports whether the user has changed what the Link was opened with. A mere renaming is noted and is no reason to connect anew.
func (r *runner) outdated(ctx context.Context, o store.OwnSession) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if o.Version != r.row.Version {
		return true
	}
	if o.ChannelVersion == r.channel.Version {
		return false
	}
	now, err := r.s.Store.ChannelAny(ctx, r.id)
	if err != nil {
		return false // looked at again
	}
	if now.Config != r.channel.Config {
		return true
	}
	r.channel = now
	if err := r.tellChannel(ctx); err != nil { // it may have been switched off and on in between
		r.s.Logger.WarnContext(ctx, "session.channel_failed", "session_id", r.id, "error", err)
	}
	return false
}

func (s *Service) runner(sessionID string) *runner {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running[sessionID]
}

func (s *Service) runners() []*runner {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.running))
}

// busy keeps the regular look away from a session while a command ends it.
func (s *Service) setBusy(sessionID string, busy bool) (was bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was = s.busy[sessionID]
	if busy {
		s.busy[sessionID] = true
	} else {
		delete(s.busy, sessionID)
	}
	return was
}

func (s *Service) isBusy(sessionID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.busy[sessionID]
}

// open begins to run a session that this process owns; taken says that it did not run it just before. Where that fails, the next look tries again.
func (s *Service) open(ctx context.Context, number int64, sessionID string, taken bool) {
	r, err := s.newRunner(ctx, number, sessionID)
	if err != nil {
		s.Logger.WarnContext(ctx, "session.open_failed", "session_id", sessionID, "error", err)
		return
	}
	r.taken = taken
	s.mu.Lock()
	refused := s.closed || s.busy[sessionID] || s.running[sessionID] != nil
	if !refused {
		s.running[sessionID] = r
	}
	s.mu.Unlock()
	if refused {
		s.closeLink(ctx, r)
		return
	}
	r.link.Start()
}

func (s *Service) newRunner(ctx context.Context, number int64, sessionID string) (r *runner, err error) {
	defer func() {
		if p := recover(); p != nil {
			r, err = nil, fmt.Errorf("open link: the connector panicked: %v", p)
		}
	}()
	row, err := s.Store.SessionAny(ctx, sessionID)
	if err != nil {
		return nil, fmt.Errorf("read session: %w", err)
	}
	c, err := s.Store.ChannelAny(ctx, sessionID)
	if err != nil {
		return nil, fmt.Errorf("read channel: %w", err)
	}
	linker, ok := s.linker(c.Connector)
	if !ok {
		return nil, connectors.Unsupported("this server has no linked devices of the kind " + c.Connector)
	}
	config, err := s.Channels.Config(c)
	if err != nil {
		return nil, err
	}
	r = &runner{
		s: s, id: sessionID, accountID: row.AccountID, linker: linker, losing: make(chan struct{}), stopping: make(chan struct{}),
		row: row, channel: c, term: number,
	}
	r.outbox.gap = gapOf(config)
	r.link, err = linker.OpenLink(ctx, connectors.LinkSession{ID: sessionID, Device: row.Device, Config: config}, connectors.LinkHost{
		Host: connectors.Host{
			HTTP: s.HTTP, Public: s.PublicHTTP, Dial: s.Dial, Logger: s.Logger.With(slog.String("channel_id", sessionID)), Now: s.Now,
		},
		DB: s.Store.Database(), Held: r.held, Listener: r,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open link: %w", err), r.tellRefusal(ctx, err))
	}
	return r, nil
}

// tellRefusal shows the user why a Link cannot be opened, where the connector has a sentence for that.
func (r *runner) tellRefusal(ctx context.Context, err error) error {
	var e *connectors.Error
	if !errors.As(err, &e) || e.Kind == connectors.KindRetryable {
		return nil
	}
	return r.LinkChanged(ctx, connectors.LinkState{
		Status: connectors.LinkDisconnected, Reason: connectors.ReasonRefused, Message: e.Message,
		Identity: connectors.LinkIdentity{Device: r.row.Device},
	})
}

// gapOf reads the setting of the seconds between two messages; without one there is no gap.
func gapOf(config connectors.Config) time.Duration {
	seconds, err := strconv.ParseFloat(config["sendGap"], 64)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}

// shut ends a runner: it finishes what is being sent, unless the lease is lost, and closes the Link. The lease stays as it is.
func (s *Service) shut(ctx context.Context, r *runner) {
	r.stopOnce.Do(func() { close(r.stopping) })
	r.outbox.close()
	if r.lost() {
		s.closeLink(ctx, r) // what is being sent ends with it
		r.outbox.done.Wait()
	} else {
		r.outbox.done.Wait()
		s.closeLink(ctx, r)
	}
	s.mu.Lock()
	if s.running[r.id] == r {
		delete(s.running, r.id)
	}
	s.mu.Unlock()
}

func (s *Service) closeLink(ctx context.Context, r *runner) {
	if err := r.link.Close(); err != nil {
		s.Logger.WarnContext(ctx, "session.close_failed", "session_id", r.id, "error", err)
	}
}

// giveUp ends a session that is not to be held any more, and says so where the user has switched it off.
func (s *Service) giveUp(ctx context.Context, r *runner, o store.OwnSession) {
	s.shut(ctx, r)
	if row := r.stored(); o.ChannelStatus == store.ChannelDisabled && (row.Device != "" || row.Linking) {
		state := connectors.LinkState{
			Status: connectors.LinkDisconnected, Reason: connectors.ReasonDisabled,
			Message: "The session is switched off. Switch its channel on to connect it again.",
		}
		if err := r.LinkChanged(ctx, state); err != nil {
			s.Logger.WarnContext(ctx, "session.save_failed", "session_id", r.id, "error", err)
		}
	}
	s.release(ctx, r.id)
}
