package message

import (
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/store"
)

// ring tells open pages of a message that was stored without an event.
func (s *Service) ring(m *store.Message) {
	s.Bell.Ring(m.AccountID, live.Message, m.ID, m.ChannelID+" "+m.Peer)
}
