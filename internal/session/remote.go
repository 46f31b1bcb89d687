package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/switchhook/switchhook/internal/problem"
)

const (
	// everybody is the Redis channel to which every process listens. Each listens to one of its own too, which has its worker's id at the end.
	everybody = "switchhook:sessions"

	maxNotes    = 1024             // notes that wait to be published; more are dropped, and the regular looks find what they were about
	postTimeout = time.Second      // for one note
	callTimeout = 15 * time.Second // for one command
	maxCalls    = 32               // commands of other processes at a time
)

// The kinds of a note.
const (
	noteKick  = "kick"  // a session has something to send
	noteFree  = "free"  // a session waits for somebody to hold it
	noteCall  = "call"  // a command for a session that the receiver holds
	noteReply = "reply" // what became of a command
)

// note is what processes tell each other.
type note struct {
	Kind    string          `json:"kind"`
	Session string          `json:"session,omitempty"`
	Account string          `json:"account,omitempty"`
	ID      string          `json:"id,omitempty"`   // of the call
	From    string          `json:"from,omitempty"` // the worker that calls
	Command string          `json:"command,omitempty"`
	Body    json.RawMessage `json:"body,omitempty"` // the command's arguments, or its result
	Problem *failure        `json:"problem,omitempty"`
}

// failure is a problem on its way between processes.
type failure struct {
	Code       string        `json:"code"`
	Message    string        `json:"message"`
	Field      string        `json:"field,omitempty"`
	RetryAfter time.Duration `json:"retryAfter,omitempty"`
}

func privateTo(worker string) string { return everybody + ":" + worker }

// listen begins to publish notes and to take those of others. It blocks for at most a second. The subscription heals by itself.
func (s *Service) listen() {
	ctx, cancel := context.WithCancel(context.Background())
	s.hangUp = cancel
	s.listening.Go(func() { s.publishNotes(ctx) })
	subscription := s.Redis.Subscribe(ctx, everybody, privateTo(s.WorkerID))
	_, _ = subscription.ReceiveTimeout(ctx, postTimeout) // from then on nothing is missed; where Redis is away, it is tried on below
	turns := make(chan struct{}, maxCalls)
	s.listening.Go(func() {
		defer func() { _ = subscription.Close() }()
		messages := subscription.Channel()
		for {
			select {
			case <-ctx.Done():
				return
			case m, open := <-messages:
				if !open {
					return
				}
				var n note
				if json.Unmarshal([]byte(m.Payload), &n) == nil {
					s.take(ctx, n, turns)
				}
			}
		}
	})
}

// take does what a note asks for.
func (s *Service) take(ctx context.Context, n note, turns chan struct{}) {
	switch n.Kind {
	case noteKick:
		if r := s.runner(n.Session); r != nil {
			r.kick()
		}
	case noteFree:
		s.look()
	case noteReply:
		s.mu.Lock()
		waits := s.waiting[n.ID]
		delete(s.waiting, n.ID)
		s.mu.Unlock()
		if waits != nil {
			waits <- n
		}
	case noteCall:
		select {
		case turns <- struct{}{}:
			s.listening.Go(func() {
				defer func() { <-turns }()
				s.answer(ctx, n)
			})
		default: // the caller hears nothing and is told to try again
		}
	}
}

// answer does a command for another process.
func (s *Service) answer(ctx context.Context, n note) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	back := note{Kind: noteReply, ID: n.ID}
	r := s.runner(n.Session)
	if r == nil || r.accountID != n.Account {
		back.Problem = failureOf(notHeldHere())
	} else if body, err := r.perform(ctx, n.Command, n.Body); err != nil {
		s.Logger.InfoContext(ctx, "session.command_failed", "session_id", n.Session, "command", n.Command, "error", err)
		back.Problem = failureOf(err)
	} else {
		back.Body = body
	}
	if err := s.publish(context.WithoutCancel(ctx), privateTo(n.From), back); err != nil {
		s.Logger.WarnContext(ctx, "session.reply_failed", "session_id", n.Session, "error", err)
	}
}

// ask has the owner of a session do a command, and waits for its answer.
func (s *Service) ask(ctx context.Context, owner string, n note) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	n.Kind, n.ID, n.From = noteCall, s.IDs.New("call"), s.WorkerID
	answer := make(chan note, 1)
	s.mu.Lock()
	s.waiting[n.ID] = answer
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.waiting, n.ID)
		s.mu.Unlock()
	}()
	if err := s.publish(ctx, privateTo(owner), n); err != nil {
		return nil, tryAgain(err)
	}
	select {
	case back := <-answer:
		if p := back.Problem; p != nil {
			return nil, &problem.Error{Code: p.Code, Message: p.Message, Field: p.Field, RetryAfter: p.RetryAfter}
		}
		return back.Body, nil
	case <-s.quit:
		return nil, tryAgain(errors.New("the process is stopping"))
	case <-ctx.Done():
		return nil, tryAgain(fmt.Errorf("ask %s: %w", owner, ctx.Err()))
	}
}

func (s *Service) publish(ctx context.Context, to string, n note) error {
	ctx, cancel := context.WithTimeout(ctx, postTimeout)
	defer cancel()
	text, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("encode note: %w", err)
	}
	if err := s.Redis.Publish(ctx, to, text).Err(); err != nil {
		return fmt.Errorf("publish note: %w", err)
	}
	return nil
}

// post has a note published to all soon. It does not block.
func (s *Service) post(n note) {
	select {
	case s.notes <- n:
	default:
	}
}

func (s *Service) publishNotes(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case n := <-s.notes:
			s.tellAll(ctx, n)
		}
	}
}

// tellAll publishes a note that may be lost.
func (s *Service) tellAll(ctx context.Context, n note) {
	if err := s.publish(context.WithoutCancel(ctx), everybody, n); err != nil {
		s.Logger.DebugContext(ctx, "session.note_lost", "kind", n.Kind, "error", err)
	}
}

// announce tells whoever holds sessions that there is one to take.
func (s *Service) announce() {
	s.look()
	s.post(note{Kind: noteFree})
}

func failureOf(err error) *failure {
	var p *problem.Error
	if !errors.As(err, &p) {
		p = problem.Internal(err)
	}
	return &failure{Code: p.Code, Message: p.Message, Field: p.Field, RetryAfter: p.RetryAfter}
}

// notHeldHere says that the session has just gone elsewhere.
func notHeldHere() error { return tryAgain(errors.New("the session is not held here")) }

// tryAgain says that the session's connection cannot be reached for the moment.
func tryAgain(err error) error {
	return &problem.Error{
		Code: problem.ServiceUnavailable, RetryAfter: 2 * time.Second, Err: err,
		Message: "The process that holds this session's connection does not answer. Try again in a moment.",
	}
}
