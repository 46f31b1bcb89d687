package message

import (
	"context"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/store"
)

// ChannelNews raises account.connected and account.disconnected. It is the channel service's StatusListener.
type ChannelNews struct {
	Publisher  Publisher
	Connectors map[string]connectors.Connector // by kind
}

// ChannelStatus stores the event of a channel's new status; the dedupe name keeps it to one however often it is told.
func (n ChannelNews) ChannelStatus(ctx context.Context, channel *store.Channel, dedupe string) error {
	eventType := event.AccountLinked
	if channel.Status == store.ChannelNeedsLink {
		eventType = event.AccountUnlinked
	}
	data := event.ChannelData{
		ChannelID: channel.ID, AccountID: channel.ID, Connector: channel.Connector, Name: channel.Name, Address: channel.Address,
		Code: channel.StatusCode, Message: channel.StatusMessage, Timestamp: event.Time(channel.StatusAt),
	}
	if connector := n.Connectors[channel.Connector]; connector != nil {
		data.Platform = connector.Info().Platform
	}
	return n.Publisher.Publish(ctx, &event.Draft{
		AccountID: channel.AccountID, Type: eventType, ChannelID: channel.ID, Dedupe: dedupe, Data: data,
	})
}
