package message

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/store"
)

// Receive stores what a verified callback carried and returns when all of it is on disk. What came before is left out. An item that
// cannot be stored is a *connectors.Error, Rejected; nothing is stored then.
func (s *Service) Receive(ctx context.Context, channel *store.Channel, result connectors.CallbackResult) error {
	info, _ := s.Channels.Info(channel.Connector)
	if err := tidy(&result); err != nil {
		return err
	}
	if err := s.meet(ctx, channel.AccountID, result.Messages); err != nil {
		return err
	}
	drafts := make([]*event.Draft, 0, len(result.Messages)+len(result.Statuses))
	for i := range result.Messages {
		draft, err := s.inbound(channel, info, &result.Messages[i])
		if err != nil {
			return err
		}
		drafts = append(drafts, draft)
	}
	var told verdict
	for i := range result.Statuses {
		news, err := s.statusDrafts(ctx, channel, info, &result.Statuses[i], &told)
		if err != nil {
			return err
		}
		drafts = append(drafts, news...)
	}
	if len(drafts) == 0 {
		return nil
	}
	if err := s.Publisher.PublishAll(ctx, drafts); err != nil {
		return err
	}
	for _, d := range drafts {
		if d.Message != nil && d.Fresh() {
			s.Observer.ObserveMessage(channel.Connector, store.Inbound, string(store.MessageReceived))
		}
	}
	s.note(ctx, channel, told)
	return nil
}

// inbound makes the draft of one message that arrived.
func (s *Service) inbound(channel *store.Channel, info connectors.Info, in *connectors.InMessage) (*event.Draft, error) {
	now := s.Now()
	at := in.Timestamp
	if at.IsZero() {
		at = now
	}
	data := event.MessageData{
		ID: s.IDs.New("msg"), ChannelID: channel.ID, From: in.From, PushName: in.FromName, Type: in.Type, Text: in.Text,
		Timestamp: event.Time(at), To: in.To, Platform: info.Platform, Connector: channel.Connector, Provider: info.KeyPrefix,
		ChannelKey: channel.ChannelKey, ProviderMessageID: in.ProviderID, ReplyTo: in.ReplyTo, Chat: in.Chat, FromMe: in.FromMe,
		Media: []event.Media{}, Extra: in.Extra,
	}
	if strings.HasPrefix(channel.ID, "sess_") {
		data.SessionID = channel.ID
	}
	if info.Platform == "whatsapp" {
		data.WaMessageID = in.ProviderID
	}
	draft := &event.Draft{
		AccountID: channel.AccountID, Type: event.MessageReceived, ChannelID: channel.ID, Dedupe: "in:" + channel.ID + ":" + in.ProviderID,
		Sender: in.From,
	}
	for _, ref := range in.Media {
		row, url, err := s.Media.Reserve(channel.AccountID, channel.ID, ref)
		if err != nil {
			return nil, err
		}
		draft.Media = append(draft.Media, row)
		data.Media = append(data.Media, event.Media{URL: url, Kind: mediaKind(ref.ContentType), ContentType: ref.ContentType, FileName: ref.FileName})
	}
	content, err := contentOf(inboundContent(in, data.Media))
	if err != nil {
		return nil, err
	}
	draft.Message = &store.Message{
		ID: data.ID, AccountID: channel.AccountID, ChannelID: channel.ID, Direction: store.Inbound, Peer: chatOf(in), PeerName: in.FromName,
		Type: in.Type, Text: in.Text, Content: content, ProviderID: in.ProviderID, Status: store.MessageReceived, CreatedAt: now, UpdatedAt: now,
	}
	draft.DataFor = func(contact *store.Contact) any {
		if contact != nil {
			data.Contact = ContactJSON(contact)
		}
		return data
	}
	return draft, nil
}

// chatOf is the other side of a conversation: the person, or the group that they wrote in.
func chatOf(in *connectors.InMessage) string {
	if in.Chat != "" {
		return in.Chat
	}
	return in.From
}

func inboundContent(in *connectors.InMessage, media []event.Media) Content {
	content := Content{Media: media, ReplyTo: in.ReplyTo, Extra: in.Extra, FromMe: in.FromMe}
	if in.Chat != "" && in.Chat != in.From {
		content.Sender = in.From
	}
	return content
}

// ContactJSON is a contact as the Sociocs contract shows it.
func ContactJSON(c *store.Contact) json.RawMessage {
	blocked := 0
	if c.IsBlocked {
		blocked = 1
	}
	extra := c.ExtraFields
	if extra == "" {
		extra = "{}"
	}
	raw, err := event.Marshal(struct {
		ID            int64  `json:"id"`
		Name          string `json:"name"`
		PhoneNumber   string `json:"phone_number"`
		PhoneNumberCC string `json:"phone_number_cc"`
		ExtraFields   string `json:"extra_fields"`
		CreatedAt     string `json:"created_at"`
		UpdatedAt     string `json:"updated_at"`
		IsBlocked     int    `json:"is_blocked"`
	}{c.ID, c.Name, c.PhoneNumber, c.PhoneNumberCC, extra, event.Time(c.CreatedAt), event.Time(c.UpdatedAt), blocked})
	if err != nil {
		return nil // texts and numbers always encode
	}
	return raw
}

// Content is what a message holds beside its text, as messages.content keeps it.
type Content struct {
	Media         []event.Media        `json:"media,omitempty"`
	Files         []string             `json:"files,omitempty"` // ids of the first of Media, where those are files that lie here
	Template      *connectors.Template `json:"template,omitempty"`
	ReplyTo       string               `json:"replyTo,omitempty"`
	Extra         map[string]any       `json:"extra,omitempty"`
	ProviderError json.RawMessage      `json:"providerError,omitempty"`
	Sender        string               `json:"sender,omitempty"` // who wrote it, where the peer is a group
	FromMe        bool                 `json:"fromMe,omitempty"` // the owner wrote it, on another device

	Location *connectors.Location `json:"location,omitempty"`
	Card     *connectors.Card     `json:"card,omitempty"`
	Reaction *connectors.Reaction `json:"reaction,omitempty"`
}

func contentOf(c Content) (string, error) {
	raw, err := event.Marshal(c)
	if err != nil || string(raw) == "{}" {
		return "", err
	}
	return string(raw), nil
}

// ReadContent reads messages.content.
func ReadContent(text string) Content {
	var c Content
	if text != "" {
		_ = json.Unmarshal([]byte(text), &c) // written by contentOf
	}
	return c
}

// mediaKind sorts a file for clients that treat pictures and films apart.
func mediaKind(contentType string) string {
	family, _, _ := strings.Cut(contentType, "/")
	switch family {
	case "image", "video", "audio":
		return family
	}
	return "file"
}

// maxUntil bounds how many messages one piece of news can concern. Each read or delivery tells of all before it, so that more than a few
// are new only after a long silence.
const maxUntil = 200

// statusDrafts makes the drafts of news of one message, or of all that went to a person until a time. There is none where the message is
// not ours. What the news says of the channel is added to told.
func (s *Service) statusDrafts(ctx context.Context, channel *store.Channel, info connectors.Info, update *connectors.StatusUpdate, told *verdict) ([]*event.Draft, error) {
	messages, err := s.messagesOf(ctx, channel, update)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil // sent past us, from the provider's own console for example
	}
	if err != nil {
		return nil, err
	}
	drafts := make([]*event.Draft, len(messages))
	for i, m := range messages {
		told.add(channel, m, update)
		change := store.StatusChange{
			AccountID: channel.AccountID, MessageID: m.ID, Status: store.MessageStatus(update.Status), ProviderID: update.ProviderID,
		}
		if update.Status == connectors.StatusFailed {
			change.ErrorCode = update.Code
		}
		drafts[i] = s.changeDraft(change, info, update.Error, update.At)
	}
	return drafts, nil
}

func (s *Service) messagesOf(ctx context.Context, channel *store.Channel, update *connectors.StatusUpdate) ([]*store.Message, error) {
	if update.MessageID+update.ProviderID != "" {
		m, err := s.messageOf(ctx, channel, update)
		return []*store.Message{m}, err
	}
	messages, err := s.Store.SentUntil(ctx, channel.AccountID, channel.ID, peerOf(update.To), update.Until, store.MessageStatus(update.Status), maxUntil)
	slices.Reverse(messages) // told in the order in which they went out
	return messages, err
}

func (s *Service) messageOf(ctx context.Context, channel *store.Channel, update *connectors.StatusUpdate) (*store.Message, error) {
	if update.MessageID == "" {
		return s.Store.MessageByProviderID(ctx, channel.AccountID, channel.ID, store.Outbound, update.ProviderID)
	}
	m, err := s.Store.Message(ctx, channel.AccountID, update.MessageID)
	if err == nil && m.ChannelID != channel.ID {
		return nil, store.ErrNotFound
	}
	return m, err
}

// changeDraft makes the draft that brings a message further and tells of it. Where the message is as far already, the
// publisher leaves it out, so that a status never goes backwards and is told once.
func (s *Service) changeDraft(change store.StatusChange, info connectors.Info, failure *connectors.ProviderError, at time.Time) *event.Draft {
	if at.IsZero() {
		at = s.Now()
	}
	if change.ErrorCode == "" && change.Status == store.MessageFailed {
		change.ErrorCode = "provider_error"
	}
	if change.ErrorMessage == "" && change.Status == store.MessageFailed {
		change.ErrorMessage = "The network could not deliver the message, and does not say why."
		if failure != nil && failure.Message != "" {
			change.ErrorMessage = failure.Message
		}
	}
	change.ErrorMessage, change.ProviderID = clean(change.ErrorMessage), clean(change.ProviderID)
	return &event.Draft{
		AccountID: change.AccountID, Type: event.MessageStatus, Change: &change,
		Dedupe: "status:" + change.MessageID + ":" + string(change.Status),
		DataOf: func(m *store.Message) any { return statusData(m, info, failure, at) },
	}
}

func statusData(m *store.Message, info connectors.Info, failure *connectors.ProviderError, at time.Time) event.StatusData {
	data := event.StatusData{
		ID: m.ID, ChannelID: m.ChannelID, To: m.Peer, Status: string(m.Status), ProviderMessageID: m.ProviderID,
		Platform: info.Platform, Timestamp: event.Time(at),
	}
	if strings.HasPrefix(m.ChannelID, "sess_") {
		data.SessionID = m.ChannelID
	}
	if info.Platform == "whatsapp" {
		data.WaMessageID = m.ProviderID
	}
	if m.ErrorCode != "" {
		data.Error = &event.Failure{Message: m.ErrorMessage, Reason: m.ErrorCode}
		if failure != nil {
			data.Error.Code, data.ProviderError = failure.Code, canonical(failure.Raw)
		}
	}
	return data
}
