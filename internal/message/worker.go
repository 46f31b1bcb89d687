package message

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	// sendersAtOnce bounds the queued messages that one process sends at a time.
	sendersAtOnce = 16
	// lostAfter is how long a message of a dead process may be "sending" before it counts as unconfirmed.
	lostAfter = time.Minute
	// stuckAfter is the same for a process that lives, but could not store the outcome: no call takes as long.
	stuckAfter = 5 * time.Minute
	// queuedFor is how long a message waits for its linked device to come online. What is older would only surprise who gets it.
	queuedFor = 24 * time.Hour
)

// retryWaits are the waits before a queued message is sent again after a failure that surely sent nothing.
func retryWaits() []time.Duration {
	return []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute}
}

// Kick tells that there may be queued messages. It does not block.
func (s *Service) Kick() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// Kicked is told by Kick.
func (s *Service) Kicked() <-chan struct{} { return s.kick }

// SendQueued sends the queued messages that are due, several at a time, those of one origin one after the other. It
// returns when there are no more, or ctx ends.
func (s *Service) SendQueued(ctx context.Context) error {
	for ctx.Err() == nil {
		now := s.Now()
		claimed, err := s.Store.ClaimMessagesAny(ctx, s.WorkerID, now, now.Add(-queuedFor), sendersAtOnce)
		if err != nil {
			return fmt.Errorf("claim messages: %w", err)
		}
		if len(claimed) == 0 {
			return nil
		}
		var all sync.WaitGroup
		for _, m := range claimed {
			all.Go(func() { s.sendQueued(context.WithoutCancel(ctx), m) })
		}
		all.Wait()
	}
	return nil
}

// sendQueued sends one message that this process has claimed.
func (s *Service) sendQueued(ctx context.Context, m *store.Message) {
	channel, err := s.Store.Channel(ctx, m.AccountID, m.ChannelID)
	if errors.Is(err, store.ErrNotFound) {
		s.giveUp(ctx, m, connectors.Info{}, connectors.Rejected("channel_deleted", "The channel was deleted before the message was sent.", ""))
		return
	}
	if err != nil {
		s.putBack(ctx, m, connectors.Retryable(err))
		return
	}
	info, _ := s.Channels.Info(channel.Connector)
	if channel.Status == store.ChannelDisabled {
		s.giveUp(ctx, m, info, connectors.Rejected("channel_disabled", "The channel was switched off before the message was sent.", ""))
		return
	}
	if isLinked(info) {
		s.giveUp(ctx, m, info, connectors.Unlinked(connectors.CodeNotConnected, "The WhatsApp session was not online to send the message: it was unlinked, or away for a day."))
		return
	}
	conn, err := s.open(ctx, channel)
	if err != nil {
		s.settle(ctx, channel, info, m, connectors.Receipt{}, notSent(err))
		return
	}
	sender, ok := conn.(connectors.Sender)
	if !ok {
		s.giveUp(ctx, m, info, connectors.Unsupported("it sends no messages"))
		return
	}
	s.sendClaimed(ctx, channel, info, m, sender)
}

// sendClaimed sends a message that this process has claimed, through an open channel.
func (s *Service) sendClaimed(ctx context.Context, channel *store.Channel, info connectors.Info, m *store.Message, sender connectors.Sender) {
	out := s.outgoing(ctx, m)
	if err := connectors.CheckLimits(info, out); err != nil {
		s.giveUp(ctx, m, info, connectors.AsError(err))
		return
	}
	receipt, failure := s.sendOnce(ctx, sender, out)
	s.Observer.ObserveMessage(channel.Connector, store.Outbound, result(failure))
	s.Logger.LogAttrs(ctx, levelOf(failure), "message.sent", sentAttrs(channel, m, failure)...)
	s.settle(ctx, channel, info, m, receipt, failure)
}

// notSent is the failure of what came before any call to the network.
func notSent(err error) *connectors.Error {
	var known *connectors.Error
	if errors.As(err, &known) {
		return known
	}
	return connectors.Retryable(err)
}

// settle stores what became of a queued message: further, back in the queue, or given up.
func (s *Service) settle(ctx context.Context, channel *store.Channel, info connectors.Info, m *store.Message, receipt connectors.Receipt, failure *connectors.Error) {
	switch {
	case failure == nil:
		s.noteTaken(ctx, channel)
		if err := s.recordReceipt(ctx, m, info, receipt); err != nil {
			s.Logger.Error("message.record_failed", "message_id", m.ID, "error", err)
		}
	case (failure.Kind == connectors.KindRetryable || failure.Kind == connectors.KindRateLimited) && int(m.Tries) < len(retryWaits()):
		s.putBack(ctx, m, failure)
	default:
		if failure.Kind == connectors.KindUnlinked {
			s.noteChannel(ctx, channel, failure)
		}
		s.giveUp(ctx, m, info, failure)
	}
}

// putBack queues a message again after a failure that surely sent nothing.
func (s *Service) putBack(ctx context.Context, m *store.Message, failure *connectors.Error) {
	wait := max(retryWaits()[min(int(m.Tries), len(retryWaits())-1)], failure.After)
	m.Tries++
	m.Status, m.DueAt, m.ErrorCode, m.ErrorMessage = store.MessageQueued, s.Now().Add(wait), failure.Code, failure.Message
	if err := s.Store.FinishSending(ctx, m, s.WorkerID, s.Now()); err != nil {
		s.Logger.Error("message.record_failed", "message_id", m.ID, "error", err)
		return
	}
	s.ring(m)
}

func (s *Service) giveUp(ctx context.Context, m *store.Message, info connectors.Info, failure *connectors.Error) {
	if err := s.Publisher.Publish(ctx, s.failureDraft(m, info, failure)); err != nil {
		s.Logger.Error("message.record_failed", "message_id", m.ID, "error", err)
	}
}

// SettleLost turns messages whose process died while it was sending them to unconfirmed, with an event. They may have gone
// out, so they are not sent again.
func (s *Service) SettleLost(ctx context.Context) error {
	now := s.Now()
	lost, err := s.Store.LostMessagesAny(ctx, now, now.Add(-lostAfter), now.Add(-stuckAfter))
	if err != nil {
		return fmt.Errorf("find lost messages: %w", err)
	}
	for _, m := range lost {
		channel, err := s.Store.Channel(ctx, m.AccountID, m.ChannelID)
		var info connectors.Info
		if err == nil {
			info, _ = s.Channels.Info(channel.Connector)
		}
		s.giveUp(ctx, m, info, connectors.Unconfirmed(errors.New("the process that was sending it ended")))
	}
	return nil
}

func result(failure *connectors.Error) string {
	if failure == nil {
		return "sent"
	}
	return string(failure.Kind)
}

func levelOf(failure *connectors.Error) slog.Level {
	if failure == nil {
		return slog.LevelInfo
	}
	return slog.LevelWarn
}

func sentAttrs(channel *store.Channel, m *store.Message, failure *connectors.Error) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("message_id", m.ID), slog.String("channel_id", channel.ID), slog.String("connector", channel.Connector), slog.String("result", result(failure)),
	}
	if failure != nil {
		attrs = append(attrs, slog.String("code", failure.Code), slog.String("error", failure.Error()))
	}
	return attrs
}
