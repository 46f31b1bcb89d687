package server

import (
	"fmt"
	"math"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/message"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

type messageView struct {
	ID                string               `json:"id"`
	WaMessageID       string               `json:"waMessageId,omitempty"`
	SessionID         string               `json:"sessionId,omitempty"`
	ChannelID         string               `json:"channelId"`
	Direction         string               `json:"direction"`
	From              string               `json:"from,omitempty"`
	To                string               `json:"to,omitempty"`
	PushName          string               `json:"pushName,omitempty"`
	Type              string               `json:"type"`
	Text              string               `json:"text"`
	Media             []mediaView          `json:"media"`
	Template          *connectors.Template `json:"template,omitempty"`
	ReplyTo           string               `json:"replyTo,omitempty"`
	Chat              string               `json:"chat,omitempty"`
	FromMe            bool                 `json:"fromMe,omitempty"`
	Location          *connectors.Location `json:"location,omitempty"`
	Contact           *connectors.Card     `json:"contact,omitempty"`
	Reaction          *connectors.Reaction `json:"reaction,omitempty"`
	ProviderMessageID string               `json:"providerMessageId,omitempty"`
	Status            string               `json:"status"`
	Error             *failureView         `json:"error,omitempty"`
	CreatedAt         timestamp            `json:"createdAt"`
	UpdatedAt         timestamp            `json:"updatedAt"`
}

type mediaView struct {
	URL         string `json:"url"`
	Kind        string `json:"kind"`
	ContentType string `json:"contentType"`
	FileName    string `json:"fileName,omitempty"`
}

// showMessage shows a message; whatsapp tells whether its channel's network is WhatsApp.
func showMessage(m *store.Message, whatsapp bool) messageView {
	view := messageView{
		ID: m.ID, ChannelID: m.ChannelID, Direction: m.Direction, PushName: m.PeerName, Type: m.Type, Text: m.Text, Media: []mediaView{},
		ProviderMessageID: m.ProviderID, Status: string(m.Status), CreatedAt: timestamp(m.CreatedAt), UpdatedAt: timestamp(m.UpdatedAt),
	}
	content := message.ReadContent(m.Content)
	view.ReplyTo, view.Template = content.ReplyTo, content.Template
	view.Location, view.Contact, view.Reaction = content.Location, content.Card, content.Reaction
	for _, file := range content.Media {
		view.Media = append(view.Media, mediaView(file))
	}
	if m.Direction == store.Inbound {
		view.From = m.Peer
		if content.Sender != "" {
			view.From, view.Chat = content.Sender, m.Peer
		}
		view.FromMe = content.FromMe
	} else {
		view.To = m.Peer
	}
	if strings.HasPrefix(m.ChannelID, "sess_") {
		view.SessionID = m.ChannelID
	}
	if whatsapp {
		view.WaMessageID = m.ProviderID
	}
	if m.ErrorCode != "" {
		view.Error = &failureView{m.ErrorCode, m.ErrorMessage}
	}
	return view
}

// whatsappChannels tells for each of an account's channels whether it is WhatsApp.
func (s *Server) whatsappChannels(r *request) (map[string]bool, error) {
	channels, err := s.Store.Channels(r.ctx, r.account(), store.ChannelFilter{}, store.Page{Limit: 1000})
	if err != nil {
		return nil, err
	}
	whatsapp := map[string]bool{}
	for _, c := range channels {
		whatsapp[c.ID] = s.isWhatsApp(c)
	}
	return whatsapp, nil
}

func (s *Server) isWhatsApp(c *store.Channel) bool {
	connector := s.Connectors[c.Connector]
	return connector != nil && connector.Info().Platform == "whatsapp"
}

func (s *Server) listMessages(r *request) (answer, error) {
	page, err := r.searchPage("msg")
	if err != nil {
		return answer{}, err
	}
	direction, err := r.oneOf("direction", store.Inbound, store.Outbound)
	if err != nil {
		return answer{}, err
	}
	status, err := r.oneOf("status", "received", "queued", "sending", "unconfirmed", "sent", "delivered", "read", "failed")
	if err != nil {
		return answer{}, err
	}
	filter := store.MessageFilter{
		ChannelID: r.Query("channelId", r.Query("sessionId")), Contact: strings.TrimPrefix(r.Query("contact"), "+"),
		Direction: direction, Status: store.MessageStatus(status),
	}
	whatsapp, err := s.whatsappChannels(r)
	if err != nil {
		return answer{}, err
	}
	show := func(m *store.Message) messageView { return showMessage(m, whatsapp[m.ChannelID]) }
	if page.Search != "" {
		return s.searchMessages(r, filter, page, show)
	}
	rows, err := s.Store.Messages(r.ctx, r.account(), filter, page)
	if err != nil {
		return answer{}, err
	}
	return listOf(rows, page, show, func(m *store.Message) string { return m.ID })
}

// searchMessages lists what a search finds. A page of it may have few rows, or none, and be followed by others.
func (s *Server) searchMessages(r *request, filter store.MessageFilter, page store.Page, show func(*store.Message) messageView) (answer, error) {
	rows, next, err := s.Store.SearchMessages(r.ctx, r.account(), filter, page)
	if err != nil {
		return answer{}, err
	}
	l := list[messageView]{Data: make([]messageView, 0, len(rows)), NextCursor: orNull(next)}
	for _, m := range rows {
		l.Data = append(l.Data, show(m))
	}
	return ok(l)
}

func (s *Server) getMessage(r *request) (answer, error) {
	m, err := s.Store.Message(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, found(err, "message")
	}
	whatsapp, err := s.whatsappChannels(r)
	if err != nil {
		return answer{}, err
	}
	return ok(showMessage(m, whatsapp[m.ChannelID]))
}

// mediaBody is one file to send, by its public address.
type mediaBody struct {
	URL         string `json:"url"`
	ContentType string `json:"contentType"`
	FileName    string `json:"fileName"`
}

// sendBody is what POST /v1/messages takes. Text and media go together, or one of the others stands alone.
type sendBody struct {
	SessionID string               `json:"sessionId"`
	ChannelID string               `json:"channelId"`
	To        string               `json:"to"`
	Text      string               `json:"text"`
	Media     []mediaBody          `json:"media"`
	ReplyTo   string               `json:"replyTo"`
	Template  *connectors.Template `json:"template"`
	Location  *locationBody        `json:"location"`
	Contact   *connectors.Card     `json:"contact"`
	Reaction  *connectors.Reaction `json:"reaction"`
}

// locationBody is a connectors.Location that knows whether it was given in full: 0 is a place too.
type locationBody struct {
	Latitude  *float64 `json:"latitude"`
	Longitude *float64 `json:"longitude"`
	Name      string   `json:"name"`
	Address   string   `json:"address"`
}

func (s *Server) sendMessage(r *request) (answer, error) {
	if r.uploads() {
		return s.sendForm(r)
	}
	var body sendBody
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	return s.send(r, body, nil)
}

// check finds everything that is wrong with a body that came with files, whatever its channel.
func (b *sendBody) check(files int) []problem.Field {
	var wrong []problem.Field
	switch {
	case b.ChannelID == "" && b.SessionID == "":
		wrong = append(wrong, required("channelId", "Say which channel sends: channelId or sessionId. GET /v1/channels lists them."))
	case b.ChannelID != "" && b.SessionID != "" && b.ChannelID != b.SessionID:
		wrong = append(wrong, invalid("sessionId", "channelId and sessionId name two different channels. Keep the one that is to send."))
	}
	if strings.TrimSpace(b.To) == "" {
		wrong = append(wrong, required("to", "Say who gets the message: a phone number in digits with its country code."))
	}
	switch contents := b.contents(files); len(contents) {
	case 0:
		wrong = append(wrong, required("text", "The message is empty. Give it a text, media, a template, a location, a contact or a reaction."))
	case 1:
	default:
		wrong = append(wrong, invalid(contents[1], "A message holds one of these: "+strings.Join(contents, ", ")+". Send the others in messages of their own."))
	}
	wrong = append(wrong, b.Location.check()...)
	if c := b.Contact; c != nil {
		if strings.TrimSpace(c.Name) == "" {
			wrong = append(wrong, required("contact.name", "Say whose contact it is: contact.name."))
		}
		if connectors.Digits(c.Phone) == "" {
			wrong = append(wrong, invalid("contact.phone", "contact.phone must be a phone number with its country code, such as 15551234567."))
		}
	}
	if b.Reaction != nil && b.Reaction.MessageID == "" {
		wrong = append(wrong, required("reaction.messageId", "Say which message the reaction is for: its id at the network, waMessageId or providerMessageId."))
	}
	return wrong
}

// contents names the kinds of content that a body has. A text with files is one kind.
func (b *sendBody) contents(files int) []string {
	var given []string
	for _, content := range []struct {
		name  string
		there bool
	}{
		{"text", b.Text != "" || len(b.Media) > 0 || files > 0},
		{"template", b.Template != nil},
		{"location", b.Location != nil},
		{"contact", b.Contact != nil},
		{"reaction", b.Reaction != nil},
	} {
		if content.there {
			given = append(given, content.name)
		}
	}
	return given
}

func (l *locationBody) check() []problem.Field {
	if l == nil {
		return nil
	}
	var wrong []problem.Field
	for _, degree := range []struct {
		name  string
		value *float64
		most  float64
	}{{"location.latitude", l.Latitude, 90}, {"location.longitude", l.Longitude, 180}} {
		switch {
		case degree.value == nil:
			wrong = append(wrong, required(degree.name, degree.name+" is required, in degrees."))
		case math.Abs(*degree.value) > degree.most:
			wrong = append(wrong, invalid(degree.name, fmt.Sprintf("%s must be from -%g to %g degrees.", degree.name, degree.most, degree.most)))
		}
	}
	return wrong
}

// place is nil for no location. It is called after check.
func (l *locationBody) place() *connectors.Location {
	if l == nil {
		return nil
	}
	return &connectors.Location{Latitude: *l.Latitude, Longitude: *l.Longitude, Name: l.Name, Address: l.Address}
}

func invalid(field, text string) problem.Field {
	return problem.Field{Field: field, Code: problem.InvalidField, Message: text}
}

func required(field, text string) problem.Field {
	return problem.Field{Field: field, Code: problem.RequiredField, Message: text}
}
