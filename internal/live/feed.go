package live

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	// maxMissed is how many events a resumed stream is told one by one; a page cannot show more at once, and a Reload costs it less.
	maxMissed = 500
	// maxSeen is how many ids of events a feed remembers.
	maxSeen = 2048
	// maxResume is how old a cursor may be.
	maxResume = 24 * time.Hour
	// skew is how far the clocks of two processes may differ, one of which wrote a cursor that the other reads.
	skew = 2 * time.Second
	// ringing is how long a bell takes at most in good times.
	ringing = time.Second
)

// feed follows one account's news for the streams of this process.
type feed struct {
	hub     *Hub
	account string
	opened  chan struct{} // holds a token while nobody begins

	mu      sync.Mutex
	ready   bool
	ended   bool
	streams map[*stream]struct{}
	left    time.Time            // when the last stream left, or somebody asked last
	since   time.Time            // from when on no bell was missed
	changed map[string]time.Time // the last change of each unlogged topic
	seen    map[string]struct{}  // ids of events
	order   []string             // seen, oldest first
	floor   string               // events up to this id count as seen where the database tells them
	asked   time.Time            // when the database last answered
}

func newFeed(h *Hub, account string) *feed {
	return &feed{
		hub: h, account: account, opened: make(chan struct{}, 1), streams: map[*stream]struct{}{}, changed: map[string]time.Time{},
		seen: map[string]struct{}{}, left: h.Now(), since: h.Now().Truncate(time.Millisecond), asked: h.Now(),
	}
}

// begin makes what is in the database before the first stream count as seen.
func (f *feed) begin(ctx context.Context) error {
	select {
	case f.opened <- struct{}{}:
		defer func() { <-f.opened }()
	case <-ctx.Done():
		return fmt.Errorf("wait for the account's events: %w", ctx.Err())
	}
	f.mu.Lock()
	f.left = f.hub.Now()
	ready := f.ready
	f.mu.Unlock()
	if ready {
		return nil
	}
	heads, err := f.ask(ctx, f.hub.Now().Add(-late), maxSeen)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ready = true
	for _, head := range heads {
		f.note(head.ID)
	}
	return nil
}

// ask reads the account's events since a time, oldest first; of too many the newest.
func (f *feed) ask(ctx context.Context, since time.Time, limit int) ([]store.EventHead, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	defer context.AfterFunc(f.hub.ctx, cancel)() //nolint:contextcheck // Close ends the question too
	heads, err := f.hub.Store.EventHeads(ctx, f.account, id.First("evt", since), limit)
	if err != nil {
		return nil, fmt.Errorf("look for events: %w", err)
	}
	slices.Reverse(heads)
	return heads, nil
}

// enter gives a new stream its place. From now on it misses nothing.
func (f *feed) enter() (*stream, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return nil, unavailable(errClosed)
	}
	if len(f.streams) >= MaxStreams {
		return nil, problem.New(problem.TooMany, fmt.Sprintf("The account has %d live pages open, the most there may be. Close some tabs.", MaxStreams))
	}
	s := &stream{}
	f.streams[s] = struct{}{}
	f.hub.count.Add(1)
	return s, nil
}

// join opens a stream that has entered, with what was missed since its last cursor.
func (f *feed) join(ctx context.Context, s *stream, last string) error {
	var first []Signal
	if last != "" {
		var err error
		if first, err = f.missed(ctx, last); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.left {
		return errClosed
	}
	first = f.merge(first, s.early)
	s.early, s.signals = nil, make(chan Signal, buffer+len(first))
	for _, signal := range first {
		s.signals <- signal
	}
	return nil
}

// merge puts what has rung while a stream joined behind what it missed, each event once.
func (f *feed) merge(first, early []Signal) []Signal {
	told := map[string]bool{}
	for _, signal := range first {
		if signal.Topic == Event {
			told[signal.ID] = true
		}
	}
	for _, signal := range early {
		if signal.Topic != Event || signal.ID == "" || !told[signal.ID] {
			first = append(first, signal)
		}
	}
	return first
}

// missed returns what has changed since a cursor. Cursors along the way tell how far a reader has come that stops in the middle.
func (f *feed) missed(ctx context.Context, last string) ([]Signal, error) {
	now := f.hub.Now()
	reload := []Signal{{Cursor: f.cursor(), Topic: Reload}}
	at, clock, err := parseCursor(f.account, last)
	if err != nil || at.After(now.Add(late)) || now.Sub(at) > maxResume {
		return reload, nil //nolint:nilerr // a strange cursor is answered, not refused
	}
	// What was told at that time may have been made up to pollEvery and late before; what was not, too.
	heads, err := f.ask(ctx, at.Add(-late-2*f.hub.PollEvery), maxMissed+1)
	if err != nil {
		return nil, err
	}
	if len(heads) > maxMissed {
		return reload, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	since := at
	if clock != f.hub.clock {
		since = at.Add(-skew)
	}
	signals := f.unlogged(since, last)
	for _, head := range heads {
		f.discover(head)
		made, err := id.Time(head.ID)
		if err != nil || made.Before(at) {
			made = at
		}
		signals = append(signals, Signal{cursor(f.account, made, ""), Event, head.ID, eventRef(head)})
	}
	return signals, nil
}

// cursor is the present point of the stream.
func (f *feed) cursor() string { return cursor(f.account, f.hub.Now(), f.hub.clock) }

// unlogged returns a signal for each topic of which something may have changed since a time. A reader that stops among them is where it was.
func (f *feed) unlogged(since time.Time, last string) []Signal {
	var signals []Signal
	for _, topic := range unlogged() {
		if at, changed := f.changed[topic]; since.Before(f.since) || changed && !at.Before(since) {
			signals = append(signals, Signal{Cursor: last, Topic: topic})
		}
	}
	return signals
}

// take tells the streams what has rung.
func (f *feed) take(c change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.Topic != Event {
		f.changed[c.Topic] = f.hub.Now()
	}
	if len(c.Names) == 0 {
		if c.Topic == Event {
			f.floor = max(f.floor, id.First("evt", f.hub.Now())) // a page that refreshes now has them
		}
		f.tell(c.Topic, "", "")
	}
	for _, n := range c.Names {
		if c.Topic != Event || f.note(n.ID) {
			f.tell(c.Topic, n.ID, n.Ref)
		}
	}
}

// look asks the database for events that no bell rang for, and tells them.
func (f *feed) look(ctx context.Context) error {
	f.mu.Lock()
	since, wanted := f.asked.Add(-late), f.ready && len(f.streams) > 0
	f.mu.Unlock()
	if !wanted {
		return nil
	}
	now := f.hub.Now()
	heads, err := f.ask(ctx, since, maxMissed)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = now
	fresh := slices.ContainsFunc(heads, f.unseen)
	if len(heads) == maxMissed && fresh {
		f.floor = max(f.floor, heads[len(heads)-1].ID)
		f.tell(Event, "", "")
		return nil
	}
	for _, head := range heads {
		f.discover(head)
	}
	return nil
}

func (f *feed) unseen(head store.EventHead) bool {
	_, seen := f.seen[head.ID]
	return !seen && head.ID > f.floor
}

// discover tells an event that the database has and no bell rang for. Where the bell is late, what it rang for beside the event is unknown too.
func (f *feed) discover(head store.EventHead) {
	made, err := id.Time(head.ID)
	if err != nil || !f.unseen(head) || made.Before(f.asked.Add(-late)) {
		return // what is older was told to the streams that are here, or before they came
	}
	f.note(head.ID)
	f.tell(Event, head.ID, eventRef(head))
	if f.hub.Now().Sub(made) < ringing {
		return
	}
	for _, topic := range implied(head.Type) {
		f.changed[topic] = f.hub.Now()
		f.tell(topic, "", "")
	}
}

// implied are the topics that an event of a type says something of; each event may be delivered too.
func implied(eventType string) []string {
	subject, _, _ := strings.Cut(eventType, ".")
	switch subject {
	case "message":
		return []string{Message, Delivery}
	case "session":
		return []string{Session, Channel, Delivery}
	case "account":
		return []string{Channel, Delivery}
	case "post":
		return []string{Post, Delivery}
	case "webhook":
		return []string{Webhook, Delivery}
	}
	return []string{Delivery}
}

func eventRef(head store.EventHead) string { return head.Type + " " + head.ChannelID }

// note remembers an event and reports whether it is new.
func (f *feed) note(eventID string) bool {
	if _, seen := f.seen[eventID]; seen {
		return false
	}
	f.seen[eventID] = struct{}{}
	f.order = append(f.order, eventID)
	if len(f.order) > maxSeen {
		half := f.order[:maxSeen/2]
		for _, old := range half {
			delete(f.seen, old)
			f.floor = max(f.floor, old)
		}
		f.order = slices.Clone(f.order[len(half):])
	}
	return true
}

// tell gives a signal to every stream.
func (f *feed) tell(topic, id, ref string) {
	signal := Signal{f.cursor(), topic, id, ref}
	for s := range f.streams {
		s.put(signal)
	}
}

// reload tells every stream to refresh everything, after something was missed.
func (f *feed) reload() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.since = f.hub.Now().Truncate(time.Millisecond)
	f.tell(Reload, "", "")
}

// leave ends a stream. It may be called twice.
func (f *feed) leave(s *stream) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(s)
}

func (f *feed) drop(s *stream) {
	if s.left {
		return
	}
	s.left = true
	delete(f.streams, s)
	f.left = f.hub.Now()
	f.hub.count.Add(-1)
	if s.signals != nil {
		close(s.signals)
	}
}

// end ends all streams and takes no further one.
func (f *feed) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	for s := range f.streams {
		f.drop(s)
	}
}

// stale reports whether nobody has needed the feed for long, and ends it then.
func (f *feed) stale(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.streams) == 0 && now.Sub(f.left) > keptFor {
		f.ended = true
	}
	return f.ended
}
