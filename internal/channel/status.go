package channel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

// checkTimeout bounds the one call that Check makes.
const checkTimeout = 15 * time.Second

// Check asks the network whether a channel's credentials work, stores the answer as the channel's status and returns the channel. It
// blocks for at most 15 seconds. Refused credentials are an answer and no error; where the network gave none, the status stays
// and the error is a problem that says so.
func (s *Service) Check(ctx context.Context, accountID, channelID string) (*store.Channel, error) {
	c, err := s.Get(ctx, accountID, channelID)
	if err != nil {
		return nil, err
	}
	if c.Status == store.ChannelDisabled {
		return nil, problem.New(problem.ChannelNotConnected, `The channel is switched off. Switch it on with PATCH {"status": "active"} before you check it.`)
	}
	conn, err := s.Open(ctx, c)
	if err != nil {
		return nil, checkProblem(err)
	}
	checker, ok := conn.(connectors.Checker)
	if !ok {
		return nil, problem.New(problem.Unsupported, "This kind of channel cannot be checked. Send a message to see whether it works.")
	}
	checkCtx, cancel := context.WithTimeout(ctx, checkTimeout)
	err = checker.Check(checkCtx)
	cancel()
	if err == nil {
		if err := s.noteVerified(ctx, c); err != nil {
			return nil, err
		}
		_, err = s.SetStatusOf(ctx, c, store.ChannelConnected, "", "")
		return c, err
	}
	if e := connectors.AsError(err); e.Kind == connectors.KindUnlinked {
		_, err = s.SetStatusOf(ctx, c, store.ChannelNeedsLink, e.Code, e.Message)
		return c, err
	}
	return nil, checkProblem(err)
}

func checkProblem(err error) error {
	var e *connectors.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Kind {
	case connectors.KindRateLimited:
		return &problem.Error{Code: problem.ProviderRateLimited, Message: e.Message, RetryAfter: e.After, Err: err}
	case connectors.KindRejected:
		return &problem.Error{Code: problem.ChannelNotConnected, Message: e.Message, Err: err}
	case connectors.KindUnlinked:
		return &problem.Error{Code: problem.ChannelUnlinked, Message: e.Message, Err: err}
	case connectors.KindUnsupported:
		return &problem.Error{Code: problem.Unsupported, Message: e.Message, Err: err}
	}
	return &problem.Error{
		Code: problem.ProviderUnavailable, Err: err,
		Message: "The network could not be asked: it was not reached, or did not answer. The channel is as it was. Check it again in a moment.",
	}
}

// SetStatusAny stores what a network said about a channel's credentials: ChannelConnected, or ChannelNeedsLink with a code and a
// sentence. It reports whether the status is another one now; of several callers at once, one hears so. A disabled or deleted channel stays as it is. Saying again what is stored
// costs one read.
func (s *Service) SetStatusAny(ctx context.Context, channelID string, status store.ChannelStatus, code, sentence string) (changed bool, err error) {
	c, err := s.o.Store.ChannelAny(ctx, channelID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil || says(c, status, code, sentence) {
		return false, err
	}
	return s.setStatus(ctx, c, status, code, sentence)
}

// SetStatusOf is SetStatusAny for a channel that was read before the network was asked. An answer to credentials that have
// been replaced since is not stored. Saying again what c says costs nothing. Else c is brought up to date.
func (s *Service) SetStatusOf(ctx context.Context, c *store.Channel, status store.ChannelStatus, code, sentence string) (changed bool, err error) {
	if says(c, status, code, sentence) {
		return false, nil
	}
	present, err := s.o.Store.ChannelAny(ctx, c.ID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	asked := c.Version
	*c = *present
	if c.Version != asked || says(c, status, code, sentence) {
		return false, nil
	}
	return s.setStatus(ctx, c, status, code, sentence)
}

func says(c *store.Channel, status store.ChannelStatus, code, sentence string) bool {
	return c.Status == status && c.StatusCode == code && c.StatusMessage == sentence
}

func (s *Service) setStatus(ctx context.Context, c *store.Channel, status store.ChannelStatus, code, sentence string) (bool, error) {
	if c.Status == store.ChannelDisabled {
		return false, nil
	}
	if status != store.ChannelConnected && status != store.ChannelNeedsLink {
		return false, fmt.Errorf("set status of channel %s: a network cannot make it %q", c.ID, status)
	}
	next := *c
	next.Status, next.StatusCode, next.StatusMessage, next.StatusAt = status, code, sentence, s.o.Now()
	next.UpdatedAt = next.StatusAt
	changed := c.Status != status
	if changed && s.o.Listener != nil {
		// The old status' time makes the name the same for all who see this change, and another for the next one.
		dedupe := fmt.Sprintf("channel:%s:%d:%s", c.ID, store.Millis(c.StatusAt), status)
		if err := s.o.Listener.ChannelStatus(ctx, &next, dedupe); err != nil {
			return false, fmt.Errorf("tell status of channel %s: %w", c.ID, err)
		}
	}
	stored, err := s.o.Store.SetChannelStatusAny(ctx, &next, c.Status)
	if err != nil || !stored {
		return false, err
	}
	*c = next
	s.o.Bell.Ring(c.AccountID, live.Channel, c.ID, "")
	if changed {
		s.o.Logger.InfoContext(ctx, "channel.state_changed", "channel_id", c.ID, "connector", c.Connector, "status", string(status), "code", code)
	}
	return changed, nil
}
