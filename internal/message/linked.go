package message

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	// queuedWait is how long an API call waits for its message's turn: devices send at a human pace. Then it answers "queued".
	queuedWait = 20 * time.Second
	// sendingWait is how long it waits further where the message is on its way just then.
	sendingWait = 25 * time.Second
	// lookAgain is how soon it looks for an outcome that another process stores; this process' own are told at once.
	lookAgain = 200 * time.Millisecond
	// maxQuote is how much of an earlier message is shown beside the answer to it, in bytes.
	maxQuote = 1024
)

// Notifier is who sends what linked devices have queued.
type Notifier interface {
	// Kick tells that a session has a queued message, in whatever process its device is. It does not block.
	Kick(sessionID string)
}

// Drain has API calls that wait for the turn of a linked device's message answer at once that it is queued, because this process stops: whoever has
// the device next sends it. It may be called once.
func (s *Service) Drain() { close(s.draining) }

// ConnectSessions names who sends for linked devices. It is called once, before any message is sent.
func (s *Service) ConnectSessions(n Notifier) { s.notifier = n }

func isLinked(info connectors.Info) bool {
	return slices.Contains(info.Abilities, connectors.AbilityLink)
}

// sendLinked queues a message of a linked device, whose one owner sends them in their order and at a human pace, and waits for what
// becomes of it. The id at the network is chosen here, so that a receipt finds the message whatever happens to its sender.
func (s *Service) sendLinked(ctx context.Context, out Out) (*store.Message, error) {
	session, err := s.Store.Session(ctx, out.Channel.AccountID, out.Channel.ID)
	if err != nil {
		return nil, problem.Unavailable(fmt.Errorf("read session: %w", err))
	}
	if session.Status != string(connectors.LinkConnected) {
		return nil, notConnected(session)
	}
	linker, ok := s.Channels.Linker(out.Channel.Connector)
	if !ok {
		return nil, problem.New(problem.Unsupported, "This server has no connector of the kind "+out.Channel.Connector+".")
	}
	m, err := s.row(out)
	if err != nil {
		return nil, err
	}
	m.Status, m.Owner, m.DueAt, m.ProviderID = store.MessageQueued, "", s.Now(), linker.NewMessageID()
	err = s.Store.InsertMessage(ctx, m)
	if err != nil && !errors.Is(err, store.ErrExists) { // the same request beside this one waits for the same outcome
		return nil, problem.Unavailable(fmt.Errorf("store message: %w", err))
	}
	s.ring(m)
	return s.queuedOutcome(ctx, m)
}

// queuedOutcome waits for what becomes of a message that is queued, by the request that queued it or by one that repeats that.
func (s *Service) queuedOutcome(ctx context.Context, m *store.Message) (*store.Message, error) {
	told := s.waiters.add(m.ID)
	defer s.waiters.remove(m.ID)
	if s.notifier != nil {
		s.notifier.Kick(m.ChannelID)
	}
	return s.outcome(ctx, m, told)
}

func notConnected(session *store.Session) *problem.Error {
	text := "The session is " + session.Status + ", not CONNECTED, so nothing was sent."
	if session.Message != "" {
		text += " " + session.Message
	}
	return problem.New(problem.SessionNotConnected, text)
}

// outcome waits until a queued message has gone out or failed.
func (s *Service) outcome(ctx context.Context, m *store.Message, told <-chan struct{}) (*store.Message, error) {
	ctx = context.WithoutCancel(ctx) // it is stored: its outcome does not depend on who waits
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	queued, sending := time.After(s.QueuedWait), time.After(s.QueuedWait+sendingWait)
	draining := s.draining
	late := false
	for {
		last := false
		select {
		case <-told:
		case <-look.C:
		case <-queued:
			late = true
		case <-draining:
			draining, late = nil, true
		case <-sending:
			last = true
		}
		now, err := s.Store.Message(ctx, m.AccountID, m.ID)
		switch {
		case err != nil && !last:
			continue // the database is away for a moment; the message is safe in it
		case err != nil:
			return m, unconfirmed(m.ID)
		case now.Status == store.MessageQueued && late:
			return now, nil
		case now.Status != store.MessageQueued && now.Status != store.MessageSending, last:
			return s.earlier(now)
		}
	}
}

// SendNext sends the first queued message of a session through its device and reports whether there was one. It is called by the process
// that owns the session, one call at a time for each session, and blocks until the outcome is stored. An error is the database's.
func (s *Service) SendNext(ctx context.Context, sessionID string, sender connectors.Sender) (took bool, err error) {
	m, err := s.Store.ClaimNextMessageAny(ctx, s.WorkerID, sessionID, s.Now())
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("claim message of session: %w", err)
	}
	ctx = context.WithoutCancel(ctx) // what is claimed is settled, also while the process stops
	defer s.waiters.tell(m.ID)
	channel, err := s.Store.Channel(ctx, m.AccountID, m.ChannelID)
	if err != nil {
		s.putBack(ctx, m, connectors.Retryable(err))
		return true, fmt.Errorf("read channel: %w", err)
	}
	info, _ := s.Channels.Info(channel.Connector)
	s.sendClaimed(ctx, channel, info, m, sender)
	return true, nil
}

// DueSessionsAny lists the sessions of this process that have messages to send.
func (s *Service) DueSessionsAny(ctx context.Context) ([]string, error) {
	return s.Store.DueSessionsAny(ctx, s.WorkerID, s.Now())
}

// outgoing makes of a stored message what its connector sends.
func (s *Service) outgoing(ctx context.Context, m *store.Message) connectors.OutMessage {
	content := ReadContent(m.Content)
	out := connectors.OutMessage{
		ID: m.ID, To: m.Peer, Text: m.Text, ReplyTo: content.ReplyTo, Template: content.Template, ProviderID: m.ProviderID,
		Location: content.Location, Contact: content.Card, Reaction: content.Reaction,
	}
	for _, file := range content.Media {
		out.Media = append(out.Media, connectors.OutMedia{URL: file.URL, ContentType: file.ContentType, FileName: file.FileName})
	}
	s.lendFiles(ctx, m.AccountID, out.Media, content.Files)
	earlier := out.ReplyTo
	if out.Reaction != nil {
		earlier = out.Reaction.MessageID
	}
	if earlier != "" {
		out.Quoted = s.quoted(ctx, m, earlier)
	}
	return out
}

// lendFiles lets connectors read the files that lie here, the first of media.
func (s *Service) lendFiles(ctx context.Context, accountID string, media []connectors.OutMedia, files []string) {
	for i, mediaID := range files[:min(len(files), len(media))] {
		media[i].Open = func() (io.ReadSeekCloser, error) { return s.Media.Read(ctx, accountID, mediaID) }
	}
}

// quoted finds the message that another one refers to; nil where we do not have it.
func (s *Service) quoted(ctx context.Context, m *store.Message, providerID string) *connectors.Quoted {
	for _, direction := range []string{store.Inbound, store.Outbound} {
		found, err := s.Store.MessageByProviderID(ctx, m.AccountID, m.ChannelID, direction, providerID)
		if err != nil {
			continue
		}
		content := ReadContent(found.Content)
		q := &connectors.Quoted{ProviderID: providerID, Chat: found.Peer, FromMe: direction == store.Outbound || content.FromMe, Text: clip(found.Text, maxQuote)}
		if !q.FromMe {
			q.Sender = found.Peer
			if content.Sender != "" {
				q.Sender = content.Sender
			}
		}
		return q
	}
	return nil
}

// clip cuts a text to at most n bytes, between characters.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && text[n]&0xC0 == 0x80 { // inside a character
		n--
	}
	return text[:n]
}

// waiters are the API calls that wait for messages of this process.
type waiters struct {
	mu   sync.Mutex
	byID map[string]chan struct{}
}

func (w *waiters) add(id string) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byID[id] == nil {
		w.byID[id] = make(chan struct{}, 1)
	}
	return w.byID[id]
}

func (w *waiters) remove(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.byID, id)
}

func (w *waiters) tell(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if told := w.byID[id]; told != nil {
		select {
		case told <- struct{}{}:
		default:
		}
	}
}
