package server

import (
	"errors"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/message"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/safehttp"
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
	for _, file := range content.Media {
		view.Media = append(view.Media, mediaView(file))
	}
	if m.Direction == store.Inbound {
		view.From = m.Peer
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
	channels, err := s.Store.Channels(r.ctx, r.account(), store.Page{Limit: 1000})
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
	page, err := r.page("msg")
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
	rows, err := s.Store.Messages(r.ctx, r.account(), filter, page)
	if err != nil {
		return answer{}, err
	}
	whatsapp, err := s.whatsappChannels(r)
	if err != nil {
		return answer{}, err
	}
	show := func(m *store.Message) messageView { return showMessage(m, whatsapp[m.ChannelID]) }
	return listOf(rows, page, show, func(m *store.Message) string { return m.ID })
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

func (s *Server) sendMessage(r *request) (answer, error) {
	var body struct {
		SessionID string               `json:"sessionId"`
		ChannelID string               `json:"channelId"`
		To        string               `json:"to"`
		Text      string               `json:"text"`
		Media     []mediaBody          `json:"media"`
		ReplyTo   string               `json:"replyTo"`
		Template  *connectors.Template `json:"template"`
	}
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	var wrong []problem.Field
	channelID := body.ChannelID
	if channelID == "" {
		channelID = body.SessionID
	}
	if channelID == "" {
		wrong = append(wrong, required("channelId", "Say which channel sends: channelId or sessionId. GET /v1/channels lists them."))
	}
	if strings.TrimSpace(body.To) == "" {
		wrong = append(wrong, required("to", "Say who gets the message: a phone number in digits with its country code."))
	}
	if body.Text == "" && len(body.Media) == 0 && body.Template == nil {
		wrong = append(wrong, required("text", "The message is empty. Give it a text, media or a template."))
	}
	media, mediaWrong := s.outMedia(body.Media)
	if err := problem.Invalid(append(wrong, mediaWrong...)...); err != nil {
		return answer{}, err
	}
	channel, err := s.Store.Channel(r.ctx, r.account(), channelID)
	if err != nil {
		return answer{}, found(err, "channel")
	}
	m, err := s.Messages.Send(r.ctx, message.Out{
		ID: r.newID("msg", s.Accounts.IDs()), Channel: channel, To: strings.TrimSpace(body.To), Text: body.Text, Media: media,
		ReplyTo: body.ReplyTo, Template: body.Template,
	})
	if err != nil {
		return answer{}, err
	}
	return ok(showMessage(m, s.isWhatsApp(channel)))
}

func required(field, text string) problem.Field {
	return problem.Field{Field: field, Code: problem.RequiredField, Message: text}
}

// outMedia checks the addresses of files to send: networks fetch them, so they must be public.
func (s *Server) outMedia(given []mediaBody) ([]connectors.OutMedia, []problem.Field) {
	var wrong []problem.Field
	media := make([]connectors.OutMedia, 0, len(given))
	for _, file := range given {
		var failure *safehttp.Error
		if _, err := s.HTTP.CheckURL(file.URL); errors.As(err, &failure) {
			wrong = append(wrong, problem.Field{Field: "media.url", Code: problem.InvalidURL, Message: failure.Message})
		}
		media = append(media, connectors.OutMedia{URL: file.URL, ContentType: file.ContentType, FileName: file.FileName})
	}
	return media, wrong
}
