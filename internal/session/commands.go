package session

import (
	"context"
	"encoding/json"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/problem"
)

// Pair links a session by a code that the user types into the phone of that number, in place of the QR code. It begins a link where none is under
// way, and blocks until the code is there, for at most 30 seconds.
func (s *Service) Pair(ctx context.Context, accountID, sessionID, phone string) (connectors.LinkStep, error) {
	return connectors.LinkStep{}, problem.Unavailable(nil)
}

// AnswerPasskey gives the WebAuthn assertion that the step StepPasskey asks for.
func (s *Service) AnswerPasskey(ctx context.Context, accountID, sessionID string, assertion json.RawMessage) error {
	return problem.Unavailable(nil)
}

// ConfirmPasskey says that the codes of the step StepPasskeyConfirm are the same.
func (s *Service) ConfirmPasskey(ctx context.Context, accountID, sessionID string) error {
	return problem.Unavailable(nil)
}

// Logout unlinks the device, or ends the link that is under way. The session stays and can be linked again.
func (s *Service) Logout(ctx context.Context, accountID, sessionID string) (*Session, error) {
	return nil, problem.Unavailable(nil)
}

// Delete unlinks the device where the network can be reached, forgets its keys and deletes the session with its channel.
func (s *Service) Delete(ctx context.Context, accountID, sessionID string) error {
	return problem.Unavailable(nil)
}

// CheckNumbers tells which phone numbers have an account on the network. It takes at most 50.
func (s *Service) CheckNumbers(ctx context.Context, accountID, sessionID string, numbers []string) ([]connectors.NumberCheck, error) {
	return nil, problem.Unavailable(nil)
}

// MarkRead tells the senders that inbound messages of one chat have been read. The ids are ours, "msg_…".
func (s *Service) MarkRead(ctx context.Context, accountID, sessionID string, messageIDs []string) error {
	return problem.Unavailable(nil)
}

// Kick tells the process that owns a session that there is something to send. It does not wait for anything.
func (s *Service) Kick(sessionID string) {}

// Run holds sessions until ctx ends: it takes those that nobody holds, and sends what they have to send.
func (s *Service) Run(ctx context.Context) {}

// Close disconnects all sessions without unlinking them, and gives them up, so that another process takes them at once. Run must have ended.
func (s *Service) Close(ctx context.Context) error { return nil }

type (
	runner struct{}
	reply  struct{}
)

func (s *Service) listen()                      {}
func (s *Service) look()                        {}
func (s *Service) announce(ctx context.Context) {}
