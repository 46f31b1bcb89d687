package watest

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// sentMessage is what a phone keeps of a message, to encrypt it again for a device that could not read it.
type sentMessage struct {
	attrs waBinary.Attrs
	plain []byte
}

// ReceiptKind is what a receipt says.
type ReceiptKind string

// The receipts that phones and clients send.
const (
	Delivered ReceiptKind = ""         // it is on the device
	Inactive  ReceiptKind = "inactive" // the same, from a client that nobody looks at
	Read      ReceiptKind = "read"
	Played    ReceiptKind = "played" // a voice message was heard
)

// SendTo sends a message from this person's phone to another person: to each device that the other has linked. It errs if there is none.
func (u *User) SendTo(ctx context.Context, to *User, id string, message *waE2E.Message) error {
	return u.sendAll(ctx, to, u.from(message, id), message)
}

// SendText sends a plain text, as SendTo.
func (u *User) SendText(ctx context.Context, to *User, id, text string) error {
	return u.SendTo(ctx, to, id, &waE2E.Message{Conversation: proto.String(text)})
}

// TypeOnPhone is a message that the user types on the phone: the devices get a copy that says which chat it went to, a person or a group.
// The chat itself does not get it.
func (u *User) TypeOnPhone(ctx context.Context, chat types.JID, id string, message *waE2E.Message) error {
	attrs := u.from(message, id)
	if chat.Server == types.GroupServer {
		u.inGroup(attrs, chat)
		return u.sendAll(ctx, u, attrs, message)
	}
	if other := u.server.find(chat); other != nil {
		chat = other.address()
		attrs[altName("peer_recipient", chat)] = other.alternate(chat)
	}
	attrs["recipient"] = chat
	delete(attrs, "sender_pn")
	delete(attrs, "sender_lid")
	return u.sendAll(ctx, u, attrs, &waE2E.Message{DeviceSentMessage: &waE2E.DeviceSentMessage{
		DestinationJID: proto.String(chat.String()), Message: message,
	}})
}

// address is how the user is named to others: by LID, or by phone number if the switch says so.
func (u *User) address() types.JID {
	if u.server.switched().PhoneNumberForm {
		return u.pn
	}
	return u.lid
}

// alternate is the other name than the given one. Without it a client keeps two Signal sessions for one person, and merges them later so that
// the newer one is lost.
func (u *User) alternate(name types.JID) types.JID {
	if name.Server == types.HiddenUserServer {
		return u.pn
	}
	return u.lid
}

// altName is the attribute of the alternate: sender_pn beside a LID, sender_lid beside a number.
func altName(prefix string, name types.JID) string {
	if name.Server == types.HiddenUserServer {
		return prefix + "_pn"
	}
	return prefix + "_lid"
}

// from returns the attributes of a message of this user to a person.
func (u *User) from(message *waE2E.Message, id string) waBinary.Attrs {
	name := u.address()
	attrs := waBinary.Attrs{
		"id": id, "t": time.Now().Unix(), "type": stanzaType(message), "notify": u.name,
		"from": name, altName("sender", name): u.alternate(name),
	}
	if name.Server == types.HiddenUserServer {
		attrs["addressing_mode"] = string(types.AddressingModeLID)
	}
	return attrs
}

// stanzaType is the type attribute of a message: media for whatever has a file.
func stanzaType(m *waE2E.Message) string {
	switch {
	case m.GetReactionMessage() != nil:
		return "reaction"
	case m.GetPollCreationMessage() != nil, m.GetPollCreationMessageV3() != nil, m.GetPollUpdateMessage() != nil:
		return "poll"
	case m.GetImageMessage() != nil, m.GetVideoMessage() != nil, m.GetAudioMessage() != nil, m.GetDocumentMessage() != nil,
		m.GetStickerMessage() != nil, m.GetContactMessage() != nil, m.GetContactsArrayMessage() != nil:
		return "media"
	}
	return "text"
}

// sendAll encrypts a message for each device of a user and hands it over.
func (u *User) sendAll(ctx context.Context, to *User, attrs waBinary.Attrs, message *waE2E.Message) error {
	devices, err := to.companions()
	if err != nil {
		return err
	}
	plain, err := proto.Marshal(message)
	if err != nil {
		return fmt.Errorf("marshal message: %w", err)
	}
	u.phone.mu.Lock()
	defer u.phone.mu.Unlock()
	id, _ := attrs["id"].(string)
	u.phone.sent[id] = sentMessage{attrs: attrs, plain: plain}
	for _, device := range devices {
		if err := u.sendOne(ctx, device, attrs, plain, 0); err != nil {
			return err
		}
	}
	return nil
}

// sendOne encrypts for one device. retry says how often the device has asked again; 0 for the first time. It needs the phone's lock.
func (u *User) sendOne(ctx context.Context, device *companion, attrs waBinary.Attrs, plain []byte, retry int) error {
	kind, sealed, err := u.phone.encrypt(ctx, device, pad(plain))
	if err != nil {
		return err
	}
	if kind == "msg" && u.server.corrupts() {
		sealed[len(sealed)-1] ^= 1 // the last bytes of a msg are its MAC; those of a pkmsg are not
	}
	enc := waBinary.Node{Tag: "enc", Attrs: waBinary.Attrs{"v": 2, "type": kind}, Content: sealed}
	if retry > 0 {
		enc.Attrs["count"] = retry
	}
	u.server.deliver(device, waBinary.Node{Tag: "message", Attrs: maps.Clone(attrs), Content: []waBinary.Node{enc}})
	return nil
}

func (s *Server) corrupts() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return use(&s.switches.CorruptNext)
}

// resend follows a device's "retry": the phone forgets the session with it and sends the message in a new one.
func (u *User) resend(ctx context.Context, device *companion, id string, count int) error {
	u.phone.mu.Lock()
	defer u.phone.mu.Unlock()
	message, ok := u.phone.sent[id]
	if !ok {
		return fmt.Errorf("resend message %s: the phone does not have it", id)
	}
	u.phone.forget(device.jid())
	u.server.settle(device, "message", id, "")
	return u.sendOne(ctx, device, message.attrs, message.plain, count)
}

// Receipt sends a receipt of this person's phone for messages that a device of another person sent: to all devices of the other. It errs if
// there is none.
func (u *User) Receipt(to *User, kind ReceiptKind, ids ...string) error {
	name := u.address()
	return u.receipt(to, kind, ids, waBinary.Attrs{"from": name, altName("sender", name): u.alternate(name)})
}

func (u *User) receipt(to *User, kind ReceiptKind, ids []string, attrs waBinary.Attrs) error {
	devices, err := to.companions()
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return fmt.Errorf("send receipt to %s: no message is named", to.pn.User)
	}
	attrs["id"], attrs["t"], attrs["type"] = ids[0], time.Now().Unix(), string(kind)
	node := waBinary.Node{Tag: "receipt", Attrs: attrs}
	if len(ids) > 1 {
		var items []waBinary.Node
		for _, id := range ids[1:] {
			items = append(items, waBinary.Node{Tag: "item", Attrs: waBinary.Attrs{"id": id}})
		}
		node.Content = []waBinary.Node{{Tag: "list", Content: items}}
	}
	for _, device := range devices {
		u.server.deliver(device, node)
	}
	return nil
}

// AskAgain is this person's phone asking the devices of another person for a message that it could not read; count says how often it has asked.
// The device that sent it sends it again, and the phone shows it with Retry. It errs if the other has no device.
func (u *User) AskAgain(to *User, id string, count int) error {
	devices, err := to.companions()
	if err != nil {
		return err
	}
	name, now := u.address(), time.Now().Unix()
	for _, device := range devices {
		u.server.deliver(device, waBinary.Node{
			Tag:   "receipt",
			Attrs: waBinary.Attrs{"from": name, altName("sender", name): u.alternate(name), "id": id, "t": now, "type": "retry"},
			Content: []waBinary.Node{
				{Tag: "retry", Attrs: waBinary.Attrs{"count": count, "id": id, "t": now, "v": 1}},
				{Tag: "registration", Content: binary.BigEndian.AppendUint32(nil, u.phone.registration)},
			},
		})
	}
	return nil
}

// Typing lets the connected devices of another person see that this one writes, or has stopped. It errs if the other has no device.
func (u *User) Typing(to *User, state types.ChatPresence) error {
	devices, err := to.companions()
	if err != nil {
		return err
	}
	name := u.address()
	for _, device := range devices {
		u.server.deliverNow(device, waBinary.Node{
			Tag: "chatstate", Attrs: waBinary.Attrs{"from": name, altName("sender", name): u.alternate(name)},
			Content: []waBinary.Node{{Tag: string(state)}},
		})
	}
	return nil
}
