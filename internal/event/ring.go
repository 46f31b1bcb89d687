package event

import "github.com/switchhook/switchhook/internal/live"

// ring tells open pages what is on disk now: events, their messages and their deliveries.
func (p *Publisher) ring(drafts []*Draft) {
	for _, d := range drafts {
		if d.Message != nil && (d.fresh || d.blocked) {
			p.Bell.Ring(d.AccountID, live.Message, d.Message.ID, d.Message.ChannelID+" "+d.Message.Peer)
		}
		if !d.fresh {
			continue
		}
		p.Bell.Ring(d.AccountID, live.Event, d.id, d.Type+" "+d.ChannelID)
		if d.Change != nil {
			p.Bell.Ring(d.AccountID, live.Message, d.Change.MessageID, d.ChannelID+" "+d.peer)
		}
		for _, t := range d.delivered {
			p.Bell.Ring(d.AccountID, live.Delivery, t.delivery.ID, t.webhook.ID)
		}
	}
}
