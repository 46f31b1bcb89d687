package whatsapp

import (
	"context"
	"strings"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"

	"github.com/switchhook/switchhook/connectors"
)

// content makes what WhatsApp calls a message of ours, which has passed CheckLimits. It uploads the file, where there is one.
func (o *outbound) content(ctx context.Context, chat types.JID, message connectors.OutMessage) (*waE2E.Message, error) {
	switch {
	case message.Reaction != nil:
		return o.reaction(ctx, chat, message)
	case message.Location != nil:
		return location(message.Location, o.reply(ctx, chat, message)), nil
	case message.Contact != nil:
		return card(message.Contact, o.reply(ctx, chat, message)), nil
	case len(message.Media) > 0:
		return o.media(ctx, message.Media[0], message.Text, o.reply(ctx, chat, message))
	}
	return textMessage(message.Text, o.reply(ctx, chat, message)), nil
}

// textMessage is a plain one where it answers nothing.
func textMessage(body string, reply *waE2E.ContextInfo) *waE2E.Message {
	if reply == nil {
		return &waE2E.Message{Conversation: proto.String(body)}
	}
	return &waE2E.Message{ExtendedTextMessage: &waE2E.ExtendedTextMessage{Text: proto.String(body), ContextInfo: reply}}
}

func location(place *connectors.Location, reply *waE2E.ContextInfo) *waE2E.Message {
	return &waE2E.Message{LocationMessage: &waE2E.LocationMessage{
		DegreesLatitude: proto.Float64(place.Latitude), DegreesLongitude: proto.Float64(place.Longitude),
		Name: optional(place.Name), Address: optional(place.Address), ContextInfo: reply,
	}}
}

func card(contact *connectors.Card, reply *waE2E.ContextInfo) *waE2E.Message {
	return &waE2E.Message{ContactMessage: &waE2E.ContactMessage{
		DisplayName: proto.String(oneLine(contact.Name)), Vcard: proto.String(vcard(contact)), ContextInfo: reply,
	}}
}

// vcard writes a contact as vCard 3.0 (RFC 2426). waid is WhatsApp's own parameter: with it the card offers to write to the person.
func vcard(contact *connectors.Card) string {
	name, phone := escapeVCard(oneLine(contact.Name)), connectors.Digits(contact.Phone)
	return strings.Join([]string{
		"BEGIN:VCARD", "VERSION:3.0", "N:;" + name + ";;;", "FN:" + name, "TEL;type=CELL;type=VOICE;waid=" + phone + ":+" + phone, "END:VCARD",
	}, "\n")
}

func escapeVCard(value string) string {
	return strings.NewReplacer(`\`, `\\`, ",", `\,`, ";", `\;`).Replace(value)
}

// oneLine makes a name fit for a line of a vCard: without line breaks and other control characters.
func oneLine(name string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' || r == '\u0085' {
			return ' '
		}
		return r
	}, name))
}

// reply is what makes a message an answer to an earlier one; nil where it is none.
func (o *outbound) reply(ctx context.Context, chat types.JID, message connectors.OutMessage) *waE2E.ContextInfo {
	if message.ReplyTo == "" {
		return nil
	}
	earlier := connectors.Quoted{}
	if message.Quoted != nil {
		earlier = *message.Quoted
	}
	reply := &waE2E.ContextInfo{
		StanzaID: proto.String(message.ReplyTo), QuotedMessage: &waE2E.Message{Conversation: proto.String(earlier.Text)},
	}
	if writer := o.writer(ctx, chat, earlier); !writer.IsEmpty() {
		reply.Participant = proto.String(writer.String())
	}
	if from, err := parseRecipient(earlier.Chat); err == nil && from.jid != chat && from.jid.Server == types.GroupServer {
		reply.RemoteJID = proto.String(from.jid.String()) // an answer in private to what was said in a group
	}
	return reply
}

// writer is who wrote an earlier message. Where that is not told it was the other side, in a chat of two, and otherwise nobody known.
func (o *outbound) writer(ctx context.Context, chat types.JID, earlier connectors.Quoted) types.JID {
	if earlier.FromMe {
		number, lid := o.own()
		if lid.IsEmpty() {
			return number.ToNonAD()
		}
		return lid.ToNonAD()
	}
	if sender := personJID(earlier.Sender); !sender.IsEmpty() {
		return o.byLID(ctx, sender)
	}
	if isPerson(chat) {
		return o.byLID(ctx, chat)
	}
	return types.JID{}
}

// reaction names the earlier message by the key under which the members of the chat know it. whatsmeow's BuildReaction would take a message
// for our own whenever its writer is not known.
func (o *outbound) reaction(ctx context.Context, chat types.JID, message connectors.OutMessage) (*waE2E.Message, error) {
	earlier := connectors.Quoted{}
	if message.Quoted != nil {
		earlier = *message.Quoted
	}
	key := &waCommon.MessageKey{
		ID: proto.String(message.Reaction.MessageID), FromMe: proto.Bool(earlier.FromMe), RemoteJID: proto.String(o.byLID(ctx, chat).String()),
	}
	if !earlier.FromMe && chat.Server == types.GroupServer {
		writer := o.writer(ctx, chat, earlier)
		if writer.IsEmpty() {
			return nil, connectors.Rejected(connectors.CodeInvalidContent,
				"It is not known who wrote this message of the group. React to a message that came in through this session.", "reaction.messageId")
		}
		key.Participant = proto.String(writer.String())
	}
	return &waE2E.Message{ReactionMessage: &waE2E.ReactionMessage{
		Key: key, Text: proto.String(message.Reaction.Emoji), SenderTimestampMS: proto.Int64(o.now().UnixMilli()),
	}}, nil
}

// optional leaves an empty text out.
func optional(value string) *string {
	if value == "" {
		return nil
	}
	return &value
}
