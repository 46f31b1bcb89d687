package server

import (
	"errors"
	"strings"

	"github.com/switchhook/switchhook/internal/message"
	"github.com/switchhook/switchhook/internal/store"
)

// conversationView is a channel and a person, or a group, that have written to each other.
type conversationView struct {
	ChannelID   string      `json:"channelId"`
	Contact     string      `json:"contact"`
	ContactName string      `json:"contactName"`
	LastMessage messageView `json:"lastMessage"`
	Unanswered  bool        `json:"unanswered"`
}

func (s *Server) listConversations(r *request) (answer, error) {
	page, err := r.searchPage("msg")
	if err != nil {
		return answer{}, err
	}
	filter := store.ConversationFilter{ChannelID: r.Query("channelId"), Search: strings.TrimPrefix(page.Search, "+")}
	rows, next, err := s.Store.Conversations(r.ctx, r.account(), filter, page)
	if errors.Is(err, store.ErrNotFound) {
		return answer{}, wrongCursor()
	}
	if err != nil {
		return answer{}, err
	}
	whatsapp, err := s.whatsappChannels(r)
	if err != nil {
		return answer{}, err
	}
	l := list[conversationView]{Data: make([]conversationView, 0, len(rows))}
	for _, c := range rows {
		l.Data = append(l.Data, conversationView{
			ChannelID: c.ChannelID, Contact: c.Peer, ContactName: c.Name, LastMessage: showMessage(c.Last, whatsapp[c.ChannelID]),
			Unanswered: c.Last.Direction == store.Inbound && !message.ReadContent(c.Last.Content).FromMe,
		})
	}
	if next != "" {
		l.NextCursor = &next
	}
	return ok(l)
}
