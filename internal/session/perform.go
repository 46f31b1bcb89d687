package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/problem"
)

// The commands that need a Link.
const (
	commandPair    = "pair"
	commandPasskey = "passkey"
	commandConfirm = "confirm"
	commandNumbers = "numbers"
	commandRead    = "read"
	commandLogout  = "logout"
	commandDelete  = "delete"
)

// farewell is how long a session that is being deleted tries to tell the network.
const farewell = 5 * time.Second

// call does a command where the session is held: here, or by asking its owner. What the command returns goes into result, which may be nil.
func (s *Service) call(ctx context.Context, accountID, sessionID, command string, arguments, result any) error {
	body, err := json.Marshal(arguments)
	if err != nil {
		return problem.New(problem.InvalidJSON, "The request holds something that is no JSON.")
	}
	body, err = s.dispatch(ctx, note{Session: sessionID, Account: accountID, Command: command, Body: body})
	if err != nil || result == nil {
		return err
	}
	if err := json.Unmarshal(body, result); err != nil {
		return fmt.Errorf("read answer of session's owner: %w", err)
	}
	return nil
}

func (s *Service) dispatch(ctx context.Context, n note) (json.RawMessage, error) {
	if r := s.runner(n.Session); r != nil && r.accountID == n.Account {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		return r.perform(ctx, n.Command, n.Body)
	}
	row, err := s.Store.Session(ctx, n.Account, n.Session)
	if err != nil {
		return nil, explain(err)
	}
	if row.Owner == "" || row.Owner == s.WorkerID {
		if row.Device == "" && !row.Linking {
			return nil, problem.New(problem.SessionNotConnected, "The session is not linked to a phone. Link it first.")
		}
		return nil, tryAgain(errors.New("nobody holds the session"))
	}
	return s.ask(ctx, row.Owner, n)
}

// perform does a command with the Link. Its errors are problems.
func (r *runner) perform(ctx context.Context, command string, body json.RawMessage) (result json.RawMessage, err error) {
	defer func() {
		if p := recover(); p != nil {
			result, err = nil, problem.Internal(fmt.Errorf("%s: the connector panicked: %v", command, p))
		}
	}()
	if !r.held() {
		return nil, notHeldHere()
	}
	switch command {
	case commandPair:
		return answerOf(r.pair(ctx, body))
	case commandPasskey:
		return nil, linkProblem(r.link.AnswerPasskey(ctx, body))
	case commandConfirm:
		return nil, linkProblem(r.link.ConfirmPasskey(ctx))
	case commandNumbers:
		return answerOf(r.numbers(ctx, body))
	case commandRead:
		return nil, linkProblem(r.read(ctx, body))
	case commandLogout:
		return nil, r.logout(ctx)
	case commandDelete:
		return nil, r.erase(ctx)
	}
	return nil, problem.New(problem.Unsupported, "The process that holds this session is of an older version. Try again when all are updated.")
}

func answerOf[T any](value T, err error) (json.RawMessage, error) {
	if err != nil {
		return nil, linkProblem(err)
	}
	body, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return body, nil
}

func (r *runner) pair(ctx context.Context, body json.RawMessage) (connectors.LinkStep, error) {
	var phone string
	if err := json.Unmarshal(body, &phone); err != nil {
		return connectors.LinkStep{}, fmt.Errorf("read arguments: %w", err)
	}
	return r.link.PairByCode(ctx, phone)
}

func (r *runner) numbers(ctx context.Context, body json.RawMessage) ([]connectors.NumberCheck, error) {
	var numbers []string
	if err := json.Unmarshal(body, &numbers); err != nil {
		return nil, fmt.Errorf("read arguments: %w", err)
	}
	return r.link.CheckNumbers(ctx, numbers)
}

func (r *runner) read(ctx context.Context, body json.RawMessage) error {
	var readings []reading
	if err := json.Unmarshal(body, &readings); err != nil {
		return fmt.Errorf("read arguments: %w", err)
	}
	for _, one := range readings {
		if err := r.link.MarkRead(ctx, one.Chat, one.ProviderIDs); err != nil {
			return err
		}
	}
	return nil
}

// logout unlinks the device at the network, or ends the link that is under way, and gives the session up.
func (r *runner) logout(ctx context.Context) error {
	if r.s.setBusy(r.id, true) {
		return problem.New(problem.Conflict, "The session is being logged out or deleted at this moment.")
	}
	defer r.s.setBusy(r.id, false)
	if r.stored().Device != "" {
		if err := r.link.Logout(ctx); err != nil {
			return linkProblem(err)
		}
	}
	ctx = context.WithoutCancel(ctx) // the network knows: what follows must be so too
	r.s.shut(ctx, r)
	if r.stored().Status != string(connectors.LinkLoggedOut) {
		state := connectors.LinkState{
			Status: connectors.LinkLoggedOut, Reason: connectors.ReasonUnlinked, Message: "The device was unlinked. Link it again with a new QR code.",
		}
		if err := r.LinkChanged(ctx, state); err != nil {
			return problem.Unavailable(err)
		}
	}
	r.s.release(ctx, r.id)
	return nil
}

// erase ends the runner, tells the network where it can be reached, and deletes the session.
func (r *runner) erase(ctx context.Context) error {
	if r.s.setBusy(r.id, true) {
		return problem.New(problem.Conflict, "The session is being logged out or deleted at this moment.")
	}
	defer r.s.setBusy(r.id, false)
	if r.online.Load() {
		ctx, cancel := context.WithTimeout(ctx, farewell)
		if err := r.link.Logout(ctx); err != nil {
			r.s.Logger.InfoContext(ctx, "session.unlink_failed", "session_id", r.id, "error", err)
		}
		cancel()
	}
	ctx = context.WithoutCancel(ctx)
	r.s.shut(ctx, r)
	return r.s.erase(ctx, r.accountID, r.id)
}

// linkProblem turns a Link's error into what users see; nil stays nil.
func linkProblem(err error) error {
	if err == nil {
		return nil
	}
	var known *problem.Error
	if errors.As(err, &known) {
		return known
	}
	e := connectors.AsError(err)
	p := &problem.Error{Message: e.Message, Field: e.Field, RetryAfter: e.After, Err: err}
	switch {
	case e.Code == connectors.CodeNotConnected:
		p.Code = problem.SessionNotConnected
	case e.Code == connectors.CodeLinkInProgress:
		p.Code = problem.LinkInProgress
	case e.Kind == connectors.KindRejected && e.Field != "":
		return problem.InvalidOne(e.Field, e.Message)
	case e.Kind == connectors.KindRejected:
		p.Code = problem.Conflict
	case e.Kind == connectors.KindRateLimited:
		p.Code = problem.ProviderRateLimited
	case e.Kind == connectors.KindUnlinked:
		p.Code = problem.SessionNotConnected
	case e.Kind == connectors.KindUnsupported:
		p.Code = problem.Unsupported
	case e.Kind == connectors.KindRetryable:
		p.Code = problem.ProviderUnavailable
	default:
		p.Code = problem.Unconfirmed
	}
	return p
}
