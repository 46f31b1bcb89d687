package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/message"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	// pairWait is how long Pair waits for a session to wait for its phone.
	pairWait = 15 * time.Second
	// pairLook is how often it looks.
	pairLook = 200 * time.Millisecond
	// maxNumbers is how many numbers the network is asked about at once (connectors.Link.CheckNumbers).
	maxNumbers = 50
)

// Pair links a session by a code that the user types into the phone of that number, in place of the QR code. It begins a link where none is under
// way, and blocks until the code is there, for at most 30 seconds. A session that is linked already is a problem Conflict.
func (s *Service) Pair(ctx context.Context, accountID, sessionID, phone string) (connectors.LinkStep, error) {
	var step connectors.LinkStep
	_, err := s.Link(ctx, accountID, sessionID)
	var p *problem.Error
	if err != nil && (!errors.As(err, &p) || p.Code != problem.LinkInProgress) {
		return step, err
	}
	if err := s.awaitLink(ctx, accountID, sessionID); err != nil {
		return step, err
	}
	return step, s.call(ctx, accountID, sessionID, commandPair, phone, &step)
}

// awaitLink waits until a session waits for its phone.
func (s *Service) awaitLink(ctx context.Context, accountID, sessionID string) error {
	for range pairWait / pairLook {
		row, err := s.Store.Session(ctx, accountID, sessionID)
		switch {
		case err != nil:
			return explain(err)
		case row.Status == string(connectors.LinkQR):
			return nil
		case !row.Linking:
			return problem.New(problem.ProviderUnavailable, "The link could not be begun. "+row.Message)
		}
		s.Sleep(ctx, pairLook)
		if err := ctx.Err(); err != nil {
			return tryAgain(err)
		}
	}
	return tryAgain(errors.New("the session is not waiting for its phone"))
}

// AnswerPasskey gives the WebAuthn assertion that the step StepPasskey asks for.
func (s *Service) AnswerPasskey(ctx context.Context, accountID, sessionID string, assertion json.RawMessage) error {
	return s.call(ctx, accountID, sessionID, commandPasskey, assertion, nil)
}

// ConfirmPasskey says that the codes of the step StepPasskeyConfirm are the same.
func (s *Service) ConfirmPasskey(ctx context.Context, accountID, sessionID string) error {
	return s.call(ctx, accountID, sessionID, commandConfirm, nil, nil)
}

// CheckNumbers tells which phone numbers have an account on the network. It takes at most 50. A session that is not CONNECTED is a problem
// SessionNotConnected.
func (s *Service) CheckNumbers(ctx context.Context, accountID, sessionID string, numbers []string) ([]connectors.NumberCheck, error) {
	if len(numbers) == 0 || len(numbers) > maxNumbers {
		return nil, problem.InvalidOne("numbers", fmt.Sprintf("Give 1 to %d numbers.", maxNumbers))
	}
	if err := s.connected(ctx, accountID, sessionID); err != nil {
		return nil, err
	}
	var checks []connectors.NumberCheck
	return checks, s.call(ctx, accountID, sessionID, commandNumbers, numbers, &checks)
}

// connected is nil for a session that is CONNECTED.
func (s *Service) connected(ctx context.Context, accountID, sessionID string) error {
	row, err := s.Store.Session(ctx, accountID, sessionID)
	if err != nil {
		return explain(err)
	}
	if row.Status == string(connectors.LinkConnected) {
		return nil
	}
	text := "The session is " + row.Status + ", not CONNECTED."
	if row.Message != "" {
		text += " " + row.Message
	}
	return problem.New(problem.SessionNotConnected, text)
}

// reading are messages of one sender in one chat, to be marked as read.
type reading struct {
	Chat        connectors.Quoted `json:"chat"`
	ProviderIDs []string          `json:"providerIds"`
}

// MarkRead tells the senders that inbound messages of one chat have been read. The ids are ours, "msg_…". Those of another session or chat, and
// outbound ones, are a problem of the field "messageIds".
func (s *Service) MarkRead(ctx context.Context, accountID, sessionID string, messageIDs []string) error {
	if err := s.connected(ctx, accountID, sessionID); err != nil {
		return err
	}
	readings, err := s.readings(ctx, accountID, sessionID, messageIDs)
	if err != nil {
		return err
	}
	return s.call(ctx, accountID, sessionID, commandRead, readings, nil)
}

// readings sorts messages by their senders.
func (s *Service) readings(ctx context.Context, accountID, sessionID string, messageIDs []string) ([]reading, error) {
	var all []reading
	for _, messageID := range messageIDs {
		m, err := s.Store.Message(ctx, accountID, messageID)
		if errors.Is(err, store.ErrNotFound) || err == nil && (m.ChannelID != sessionID || m.Direction != store.Inbound) {
			return nil, problem.InvalidOne("messageIds", "The session has received no message "+messageID+". Take the ids from message.received or GET /v1/messages.")
		}
		if err != nil {
			return nil, fmt.Errorf("read message: %w", err)
		}
		chat := connectors.Quoted{Chat: m.Peer, Sender: m.Peer}
		if sender := message.ReadContent(m.Content).Sender; sender != "" {
			chat.Sender = sender
		}
		if len(all) > 0 && all[0].Chat.Chat != chat.Chat {
			return nil, problem.InvalidOne("messageIds", "The messages are of several chats. Mark those of one chat at a time.")
		}
		all = addReading(all, chat, m.ProviderID)
	}
	if len(all) == 0 {
		return nil, problem.InvalidOne("messageIds", "Give the id of at least one message.")
	}
	return all, nil
}

func addReading(all []reading, chat connectors.Quoted, providerID string) []reading {
	for i := range all {
		if all[i].Chat == chat {
			all[i].ProviderIDs = append(all[i].ProviderIDs, providerID)
			return all
		}
	}
	return append(all, reading{chat, []string{providerID}})
}

// Logout unlinks the device, or ends the link that is under way. The session stays and can be linked again. Where the network cannot be reached, it
// is a problem and the device stays linked.
func (s *Service) Logout(ctx context.Context, accountID, sessionID string) (*Session, error) {
	session, err := s.Get(ctx, accountID, sessionID)
	if err != nil {
		return nil, err
	}
	if session.Device == "" && !session.Linking {
		return session, nil
	}
	if session.Channel.Status == store.ChannelDisabled {
		return nil, problem.New(problem.Conflict, "The session is switched off, so it cannot tell the network. Switch it on first, or delete it.")
	}
	if err := s.call(ctx, accountID, sessionID, commandLogout, nil, nil); err != nil {
		return nil, err
	}
	return s.Get(ctx, accountID, sessionID)
}

// Delete unlinks the device where the network can be reached, forgets its keys and deletes the session with its channel.
func (s *Service) Delete(ctx context.Context, accountID, sessionID string) error {
	row, err := s.Store.Session(ctx, accountID, sessionID)
	if err != nil {
		return explain(err)
	}
	if s.runner(sessionID) == nil {
		mine, err := s.seize(ctx, row)
		if err != nil {
			return err
		}
		if mine {
			return s.erase(context.WithoutCancel(ctx), accountID, sessionID)
		}
	}
	return s.call(ctx, accountID, sessionID, commandDelete, nil, nil)
}

// seize makes this process the owner of a session that nobody holds.
func (s *Service) seize(ctx context.Context, row *store.Session) (bool, error) {
	if row.Owner == s.WorkerID {
		return true, nil
	}
	lease, err := s.Store.FreeSessionAny(ctx, row.ID, s.Now())
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("find owner of session: %w", err)
	}
	s.setBusy(row.ID, true) // the regular look would open it
	claimed, err := s.Store.ClaimSessionsAny(ctx, s.WorkerID, []store.Lease{lease})
	if err != nil || len(claimed) == 0 {
		s.setBusy(row.ID, false)
	}
	if err != nil {
		return false, fmt.Errorf("claim session: %w", err)
	}
	return len(claimed) > 0, nil
}

// erase deletes a session that this process owns and does not run.
func (s *Service) erase(ctx context.Context, accountID, sessionID string) (err error) {
	s.setBusy(sessionID, true)
	defer s.setBusy(sessionID, false)
	defer func() {
		if err != nil {
			s.release(ctx, sessionID) // this process may be one that holds no sessions
		}
	}()
	session, err := s.Get(ctx, accountID, sessionID)
	if err != nil {
		return err
	}
	// The keys come first: where the process ends in between, the session is left without a device, and not the keys without a session.
	if linker, ok := s.linker(session.Channel.Connector); ok && session.Device != "" {
		if err := linker.Forget(ctx, s.Store.Database(), session.Device); err != nil {
			return fmt.Errorf("forget device: %w", err)
		}
	}
	if err := s.Channels.Delete(ctx, accountID, sessionID); err != nil {
		return err
	}
	s.Bell.Ring(accountID, live.Session, sessionID, "")
	return nil
}
