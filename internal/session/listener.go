package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/store"
)

// errNotHeld is what a Link hears that goes on after the lease was lost.
var errNotHeld = errors.New("the session is not held by this process any more")

// LinkChanged stores a new state and raises its events. A state that could not be stored is tried again at the next look.
func (r *runner) LinkChanged(ctx context.Context, state connectors.LinkState) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unsaved = &state
	return r.save(ctx)
}

// retry stores a state that could not be stored when it came.
func (r *runner) retry(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unsaved == nil {
		return
	}
	if err := r.save(ctx); err != nil {
		r.s.Logger.WarnContext(ctx, "session.save_failed", "session_id", r.id, "error", err)
	}
}

// save stores the newest state and tells it.
func (r *runner) save(ctx context.Context) error {
	if !r.held() {
		return errNotHeld
	}
	if err := r.tell(ctx); err != nil {
		return err
	}
	next := *r.row
	merge(&next, *r.unsaved)
	if r.taken && next.Status == string(connectors.LinkConnecting) && next.Reason == "" && r.row.Status == string(connectors.LinkConnected) {
		next.Reason, next.Message = connectors.ReasonServerStopped, "The server was restarted. The session comes back by itself."
	}
	r.online.Store(next.Status == string(connectors.LinkConnected))
	if next != *r.row {
		if err := r.store(ctx, &next, r.unsaved.Step); err != nil {
			return err
		}
	}
	if err := r.tell(ctx); err != nil {
		return err
	}
	r.taken = false
	if err := r.tellChannel(ctx); err != nil {
		return err
	}
	r.unsaved = nil
	if r.online.Load() {
		r.kick()
	}
	return nil
}

// tell raises the events of what is stored and not told yet.
func (r *runner) tell(ctx context.Context) error {
	if r.untold == nil {
		return nil
	}
	if err := r.untold(ctx); err != nil {
		return err
	}
	r.untold = nil
	return nil
}

// store stores a changed state and raises its events. The events come first, since a status that nobody was told of must not count as told;
// but those of a code and of a session that is online come after: who hears them asks for the code, or sends, at once. A process that ends
// in between is no loss there, because the next one tells of a new code, or of the session's coming back.
func (r *runner) store(ctx context.Context, next *store.Session, step *connectors.LinkStep) error {
	before := r.row
	now := r.s.Now()
	if changed(before, next) {
		next.StatusAt = later(now, before.StatusAt)
	}
	events := func(ctx context.Context) error { return r.s.publishChange(ctx, before, next, step) }
	afterwards := next.Status == string(connectors.LinkQR) || next.Status == string(connectors.LinkConnected)
	if !afterwards {
		if err := events(ctx); err != nil {
			return err
		}
	}
	err := r.s.Store.SaveSessionAny(ctx, r.s.WorkerID, next, now)
	if errors.Is(err, store.ErrNotFound) {
		r.lose()
		return errNotHeld
	}
	if err != nil {
		return fmt.Errorf("save session: %w", err)
	}
	r.s.Bell.Ring(next.AccountID, live.Session, r.id, "")
	r.row = next
	if afterwards {
		r.untold = events
	}
	if next.Status != before.Status {
		r.s.Logger.InfoContext(ctx, "session.state_changed", "session_id", r.id, "status", next.Status, "reason", next.Reason)
	}
	if next.Device == "" && !next.Linking {
		r.s.look() // nothing is left to hold
	}
	if before.Device != "" && next.Device == "" {
		r.forget(ctx, before.Device)
	}
	return nil
}

// later returns now in the precision of the database, or a moment after the given time where now is not after it: the time of a status is
// part of the next event's name.
func later(now, than time.Time) time.Time {
	now = store.FromMillis(store.Millis(now))
	if !now.After(than) {
		return than.Add(time.Millisecond)
	}
	return now
}

// merge puts a state into a session.
func merge(next *store.Session, state connectors.LinkState) {
	next.Status, next.Reason, next.Message, next.Retry = string(state.Status), state.Reason, state.Message, state.Retry
	next.Until = store.FromMillis(store.Millis(state.Until))
	next.Step, next.Restriction = "", write(state.Limit)
	if state.Status == connectors.LinkQR {
		next.Step = write(state.Step)
	}
	if id := state.Identity; id.Device != "" {
		next.Device = id.Device
		keep(&next.Phone, id.Address)
		keep(&next.LID, id.LID)
		keep(&next.PushName, id.Name)
	}
	switch {
	case state.Status == connectors.LinkConnected:
		next.Linking = false
	case state.Status == connectors.LinkLoggedOut, state.Status == connectors.LinkDisconnected && !state.Retry &&
		state.Identity.Device == "" && state.Reason != connectors.ReasonDisabled: // nobody scanned, or the link came to nothing
		next.Linking, next.Device = false, ""
	}
}

func keep(value *string, news string) {
	if news != "" {
		*value = news
	}
}

// tellChannel brings the status of the channel in line with that of the session. States that pass by themselves leave it.
func (r *runner) tellChannel(ctx context.Context) error {
	var err error
	switch r.row.Status {
	case string(connectors.LinkConnected):
		_, err = r.s.Channels.SetStatusAny(ctx, r.id, store.ChannelConnected, "", "")
	case string(connectors.LinkLoggedOut):
		_, err = r.s.Channels.SetStatusAny(ctx, r.id, store.ChannelNeedsLink, r.row.Reason, r.row.Message)
	}
	if err != nil {
		return fmt.Errorf("set status of channel: %w", err)
	}
	return nil
}

// forget deletes the keys of a device that is linked no more, where the Link has left any.
func (r *runner) forget(ctx context.Context, device string) {
	if err := r.linker.Forget(ctx, r.s.Store.Database(), device); err != nil {
		r.s.Logger.WarnContext(ctx, "session.forget_failed", "session_id", r.id, "error", err)
	}
}

// LinkReceived stores what came in. Without the lease it is refused, so that it comes again to whoever holds the session then.
func (r *runner) LinkReceived(ctx context.Context, result connectors.CallbackResult) error {
	if !r.held() {
		return errNotHeld
	}
	r.mu.Lock()
	c := *r.channel
	r.mu.Unlock()
	return r.s.Outbox.Receive(ctx, &c, result)
}

// LinkPairing notes who a phone has linked. A number that another session of the account has is refused.
func (r *runner) LinkPairing(ctx context.Context, identity connectors.LinkIdentity) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.held() {
		return connectors.Retryable(errNotHeld)
	}
	next := *r.row
	next.Device, next.Phone, next.LID, next.PushName = identity.Device, identity.Address, identity.LID, identity.Name
	key := r.linker.Info().KeyPrefix + "_" + identity.Address
	err := r.s.Store.PairSessionAny(ctx, r.s.WorkerID, &next, identity.Address, key, r.s.Now())
	switch {
	case errors.Is(err, store.ErrExists):
		return connectors.Rejected(connectors.CodeAlreadyLinked,
			"Another session of this account has this number. Link that one again, or delete it first.", "")
	case errors.Is(err, store.ErrNotFound):
		r.lose()
		return connectors.Retryable(errNotHeld)
	case err != nil:
		return connectors.Retryable(err)
	}
	r.row = &next
	c := *r.channel
	c.Address, c.ChannelKey = identity.Address, key
	r.channel = &c
	return nil
}
