package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/store"
)

// changed tells whether a session's status is another one, or stands for another reason.
func changed(before, after *store.Session) bool {
	return after.Status != before.Status || after.Reason != before.Reason
}

// publishChange raises the events of a session's change: its status, and a new QR code.
func (s *Service) publishChange(ctx context.Context, before, after *store.Session, step *connectors.LinkStep) error {
	if changed(before, after) {
		if err := s.publishStatus(ctx, before, after); err != nil {
			return err
		}
	}
	if step != nil && step.Kind == connectors.StepQR && after.Step != before.Step {
		return s.publishQR(ctx, after, step)
	}
	return nil
}

// publishStatus raises session.status for the change of a session from before to after. The time of the old status makes the name the same for
// all who tell of this change, and another for the next one.
func (s *Service) publishStatus(ctx context.Context, before, after *store.Session) error {
	draft := &event.Draft{
		AccountID: after.AccountID, Type: event.SessionStatus, ChannelID: after.ID,
		Dedupe: fmt.Sprintf("session:%s:%d:%s:%s", after.ID, store.Millis(before.StatusAt), after.Status, after.Reason),
		Data: event.SessionStatusData{
			SessionID: after.ID, Status: after.Status, Reason: after.Reason, Message: after.Message, Phone: after.Phone, PushName: after.PushName,
			PreviousStatus: before.Status, ChannelID: after.ID, Timestamp: event.Time(after.StatusAt),
		},
	}
	if err := s.Publisher.Publish(ctx, draft); err != nil {
		return fmt.Errorf("tell status of session %s: %w", after.ID, err)
	}
	return nil
}

// publishQR raises session.qr, once for each code.
func (s *Service) publishQR(ctx context.Context, session *store.Session, step *connectors.LinkStep) error {
	code := sha256.Sum256([]byte(step.Code))
	draft := &event.Draft{
		AccountID: session.AccountID, Type: event.SessionQR, ChannelID: session.ID,
		Dedupe: "session:" + session.ID + ":qr:" + hex.EncodeToString(code[:16]),
		Data: event.SessionQRData{
			SessionID: session.ID, QR: step.Code, ExpiresAt: event.Time(step.ExpiresAt), ChannelID: session.ID, Timestamp: event.Time(s.Now()),
		},
	}
	if err := s.Publisher.Publish(ctx, draft); err != nil {
		return fmt.Errorf("tell QR code of session %s: %w", session.ID, err)
	}
	return nil
}
