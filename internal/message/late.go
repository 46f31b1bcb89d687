package message

import (
	"context"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/store"
)

// afterwards begins the status of a channel whose network takes messages and refuses its credentials only then.
const afterwards = "The network took a message and refused it afterwards: "

// verdict is what a callback's statuses tell of the channel itself.
type verdict struct {
	refused *connectors.Error // why its credentials do not work
	works   bool              // a message has arrived
}

// add reads one status of a message of the channel. Of messages that went out before the channel's status was last set it tells nothing: the
// credentials may have been others. One that is repeated says the same again, so that nothing is lost where a process dies halfway.
func (v *verdict) add(channel *store.Channel, m *store.Message, update *connectors.StatusUpdate) {
	if m.UpdatedAt.Before(channel.StatusAt) {
		return
	}
	switch update.Status {
	case connectors.StatusDelivered, connectors.StatusRead:
		v.works = true
	case connectors.StatusFailed:
		if m.Status.Rank() > store.MessageFailed.Rank() {
			return // it has arrived
		}
		switch update.Code {
		case connectors.CodeAuthFailed:
			v.refused = connectors.Unlinked(update.Code, afterwards+"the channel's credentials do not work. Enter them again in the channel's settings, and check the channel.")
		case connectors.CodeAccountSuspended:
			v.refused = connectors.Unlinked(update.Code, afterwards+"the account is suspended or locked. Look for the reason at the network, and check the channel again.")
		}
	}
}

// note keeps the channel's state by a verdict. What was received is stored by then, so that a failure is only logged. channel stays as it is.
func (s *Service) note(ctx context.Context, channel *store.Channel, v verdict) {
	if v.refused == nil && (!v.works || !refusesAfterwards(channel)) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	own := *channel
	s.noteChannel(ctx, &own, v.refused)
}

// noteTaken keeps the channel's state after its network has taken a message. Where it is known to refuse afterwards, that proves nothing:
// then a message has to arrive, or the channel to be checked.
func (s *Service) noteTaken(ctx context.Context, channel *store.Channel) {
	if !refusesAfterwards(channel) {
		s.noteChannel(ctx, channel, nil)
	}
}

func refusesAfterwards(channel *store.Channel) bool {
	return channel.Status == store.ChannelNeedsLink && strings.HasPrefix(channel.StatusMessage, afterwards)
}
