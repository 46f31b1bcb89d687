package whatsapp

import (
	"context"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"github.com/switchhook/switchhook/connectors"
)

// inbound turns what whatsmeow reports into messages in the terms of every network. It keeps nothing and is safe for concurrent use as far as
// its functions are.
type inbound struct {
	settings settings
	own      func() (number, lid types.JID) // the account's owner; zero where not known

	// phoneOf gives the phone number behind a hidden id, or the zero JID where it is not known. It asks nobody over the network.
	phoneOf func(ctx context.Context, lid types.JID) types.JID

	// groupName gives a group's name, or "" where it is not known.
	groupName func(ctx context.Context, group types.JID) string

	// decryptVote opens a poll's vote and decrypt what else is encrypted once more with the secret of an earlier message: reactions and comments
	// in announcement groups, and edits. Both may be nil; what cannot be opened is told of without its content.
	decryptVote func(ctx context.Context, evt *events.Message) (*waE2E.PollVoteMessage, error)
	decrypt     func(ctx context.Context, evt *events.Message) (*waE2E.Message, error)
}

// draft is a message in the making.
type draft struct {
	*inbound
	evt     *events.Message
	message connectors.InMessage
	facts   map[string]any
}

// message gives the message that an event carries, or none: where the settings leave its chat out, and where it is part of the protocol
// between devices and nobody wrote anything.
//
// A message's id is chosen by its sender and goes out as waMessageId as it is. The core keeps one message for each id of a channel, so
// whoever sends an id before another person does would keep that person's message out. For that the id must be known beforehand: WhatsApp's
// own programs draw at least 72 random bits. The members of a group see the ids of its messages, but only when those are on their way to us
// as well; one of them could merely win against a message that had to be asked for again because it could not be decrypted.
func (in *inbound) message(ctx context.Context, evt *events.Message) connectors.CallbackResult {
	raw := evt.RawMessage
	if raw == nil {
		raw = evt.Message
	}
	if raw == nil || !in.wants(&evt.Info) {
		return connectors.CallbackResult{}
	}
	d := &draft{inbound: in, evt: evt, facts: map[string]any{}}
	if !d.begin(ctx) || !d.describe(ctx, raw, 0) {
		return connectors.CallbackResult{}
	}
	return d.result()
}

// withheld tells of a message for one view, which WhatsApp gives to the phone only. Other messages that cannot be read now come again.
func (in *inbound) withheld(ctx context.Context, evt *events.UndecryptableMessage) connectors.CallbackResult {
	if evt.UnavailableType != events.UnavailableTypeViewOnce || !in.wants(&evt.Info) {
		return connectors.CallbackResult{}
	}
	d := &draft{inbound: in, evt: &events.Message{Info: evt.Info}, facts: map[string]any{}}
	if !d.begin(ctx) {
		return connectors.CallbackResult{}
	}
	d.other("viewOnce", "")
	d.facts["viewOnce"], d.facts["withheld"] = true, true
	return d.result()
}

// wants says whether the settings let a chat's messages in. Stories and the posts of channels are publications, which nobody has sent to the
// account's owner; one setting covers both.
func (in *inbound) wants(info *types.MessageInfo) bool {
	switch {
	case info.ID == "" || len(info.ID) > mostID:
		return false
	case info.IsFromMe && !in.settings.receiveOwn:
		return false
	case info.Chat.Server == types.GroupServer:
		return in.settings.receiveGroups
	case info.Chat == types.StatusBroadcastJID, info.Chat.Server == types.NewsletterServer:
		return in.settings.receiveStatus
	}
	return true
}

// begin fills in who wrote where and when. It is false where nobody did.
func (d *draft) begin(ctx context.Context) bool {
	info := &d.evt.Info
	own, _ := d.own()
	d.message = connectors.InMessage{
		ProviderID: clean(info.ID, mostID), FromName: d.senderName(), To: own.User, FromMe: info.IsFromMe, Timestamp: sane(info.Timestamp),
	}
	from, lid := d.person(ctx, info.Sender, info.SenderAlt)
	d.message.From = from
	if info.IsFromMe {
		if own.User != "" {
			d.message.From = own.User
		}
		d.ownChat(ctx)
	} else if lid != "" {
		d.facts["fromLid"] = lid
	}
	d.place(ctx)
	// An edited post of a channel comes under the id of the original.
	if meta := d.evt.NewsletterMeta; meta != nil && meta.EditTS.UnixMilli() > 0 {
		d.facts["edited"] = map[string]any{"messageId": d.message.ProviderID}
		d.message.ProviderID += "/" + meta.EditTS.UTC().Format("20060102150405.000")
	}
	if target := info.MsgBotInfo.EditTargetID; target != "" {
		d.facts["edited"] = map[string]any{"messageId": clean(target, mostID)}
	}
	return d.message.ProviderID != "" && d.message.From != ""
}

// ownChat says to whom the owner wrote.
func (d *draft) ownChat(ctx context.Context) {
	info := &d.evt.Info
	chat, lid := d.person(ctx, info.Chat, info.RecipientAlt)
	d.message.Chat = chat
	if lid != "" {
		d.facts["chatLid"] = lid
	}
}

// place says where a message stands, where that is not the chat of two people.
func (d *draft) place(ctx context.Context) {
	chat := d.evt.Info.Chat
	switch {
	case chat.Server == types.GroupServer:
		d.message.Chat = addressText(chat)
		group := map[string]any{"id": d.message.Chat}
		if name := clean(d.groupName(ctx, chat), mostName); name != "" {
			group["name"] = name
		}
		d.facts["group"] = group
	case chat == types.StatusBroadcastJID:
		d.facts["status"] = true
	case chat.Server == types.BroadcastServer:
		d.facts["broadcast"] = true // one message to many, each of whom sees it in the chat with its sender
	case chat.Server == types.NewsletterServer:
		d.facts["newsletter"] = true
	}
}

func (d *draft) senderName() string {
	name := clean(d.evt.Info.PushName, mostName)
	if name == "-" { // what WhatsApp puts for none
		name = ""
	}
	if name == "" && d.evt.Info.VerifiedName != nil {
		name = clean(d.evt.Info.VerifiedName.Details.GetVerifiedName(), mostName)
	}
	return name
}

// person gives the address of a person who may be known by two names: the phone number in digits, else the network's own address. lid is
// the hidden id, "" where the network does not use it here.
func (in *inbound) person(ctx context.Context, jid, alt types.JID) (address, lid string) {
	for _, j := range []types.JID{jid, alt} {
		switch j.Server {
		case types.DefaultUserServer, types.LegacyUserServer, types.HostedServer:
			if address == "" && isNumber(j.User, mostDigits) {
				address = j.User
			}
		case types.HiddenUserServer, types.HostedLIDServer:
			if lid == "" && isNumber(j.User, mostDigits) {
				lid = j.User + "@" + types.HiddenUserServer
			}
		}
	}
	if address == "" && lid != "" {
		hidden := jid.ToNonAD()
		if hidden.Server != types.HiddenUserServer {
			hidden = types.NewJID(lid[:len(lid)-len("@"+types.HiddenUserServer)], types.HiddenUserServer)
		}
		if phone := in.phoneOf(ctx, hidden); phone.Server == types.DefaultUserServer && isNumber(phone.User, mostDigits) {
			return phone.User, lid
		}
		return lid, lid
	}
	if address == "" {
		address = addressText(jid)
	}
	return address, lid
}

// personNamed is person for an address as it stands in a message.
func (in *inbound) personNamed(ctx context.Context, text string) string {
	if text == "" || len(text) > mostID {
		return ""
	}
	jid, err := types.ParseJID(text)
	if err != nil || jid.User == "" {
		return ""
	}
	address, _ := in.person(ctx, jid, types.EmptyJID)
	return address
}

func (d *draft) result() connectors.CallbackResult {
	if len(d.facts) > 0 {
		d.message.Extra = d.facts
	}
	return connectors.CallbackResult{Messages: []connectors.InMessage{d.message}}
}

// other is a message of a kind that has no type of its own.
func (d *draft) other(kind, text string) {
	d.message.Type, d.message.Text = "other", clean(text, mostText)
	d.facts["kind"] = kind
}

// sane drops a time that cannot be one of WhatsApp's, which began in 2009.
func sane(at time.Time) time.Time {
	if at.Year() < 2009 || at.Year() > 9999 {
		return time.Time{}
	}
	return at.UTC()
}
