package watest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
)

// lidPrefix makes a LID of a phone number. Real ones tell nothing of the number; nothing in a client depends on that.
const lidPrefix = "1000"

// User is a person with a phone, which is device 0 of the account; the devices that it links have numbers from 1 on.
type User struct {
	server *Server
	pn     types.JID
	lid    types.JID
	name   string
	phone  *phone

	devices map[uint16]*companion // guarded by the server's lock
	last    uint16                // number of the device that was linked last; numbers are not used again

	received feed[Message]
	receipts feed[Receipt]
	typing   feed[Typing]
}

// companion is a device that a phone linked. All but its constants is guarded by the server's lock.
type companion struct {
	user         *User
	number       uint16
	noise        [32]byte // what it logs in with
	identity     [32]byte
	registration uint32
	signed       publicKey
	oneTime      []publicKey
	counted      bool // it was told its number of prekeys

	conn    *conn // the newest login; nil while there is none
	active  bool  // what waited was sent, and new stanzas are sent at once
	waiting []waiting
}

// publicKey is a prekey that a device published.
type publicKey struct {
	id        uint32
	value     [32]byte
	signature [64]byte // of a signed prekey
}

// Message is one that a phone decrypted.
type Message struct {
	ID      string
	From    types.JID // the device that sent it, by phone number
	Chat    types.JID // what it was sent to: the group, or the person; for a copy to the sender's own phone, that chat
	Group   bool
	Copy    bool // the sender's own phone got it to show what its linked device sent
	Retry   int  // how often it had been asked for again
	Message *waE2E.Message
}

// Text is the message's text, empty if it has none.
func (m Message) Text() string {
	if text := m.Message.GetConversation(); text != "" {
		return text
	}
	return m.Message.GetExtendedTextMessage().GetText()
}

// Receipt is one that a linked device sent for a message of this phone.
type Receipt struct {
	ID   string
	From types.JID // the device, by phone number
	Chat types.JID // the group, or this phone as it was addressed
	Kind ReceiptKind
}

// Typing is what a linked device let this phone see.
type Typing struct {
	From  types.JID
	State types.ChatPresence
	Media types.ChatPresenceMedia
}

// UserOption changes a new user.
type UserOption func(*User)

// WithName sets the push name. Otherwise it is the phone number.
func WithName(name string) UserOption {
	return func(u *User) { u.name = name }
}

// WithLID sets the user part of the LID. Otherwise it is made of the phone number.
func WithLID(lid string) UserOption {
	return func(u *User) { u.lid = types.NewJID(lid, types.HiddenUserServer) }
}

// AddUser adds a person: phone number, digits only with the country code. The number is on WhatsApp from now on. A known number returns the
// user that it has, unchanged.
func (s *Server) AddUser(number string, options ...UserOption) *User {
	u := &User{
		server: s, pn: types.NewJID(number, types.DefaultUserServer), lid: types.NewJID(lidPrefix+number, types.HiddenUserServer),
		name: number, phone: newPhone(), devices: map[uint16]*companion{},
	}
	for _, option := range options {
		option(u)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.users[number]; known != nil {
		return known
	}
	s.users[number], s.lids[u.lid.User] = u, u
	return u
}

// User returns the person with a phone number, nil if there is none.
func (s *Server) User(number string) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.users[number]
}

// find returns the user whom a JID stands for, by number or LID, with or without a device; nil if there is none.
func (s *Server) find(jid types.JID) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.findLocked(jid)
}

func (s *Server) findLocked(jid types.JID) *User {
	if jid.Server == types.HiddenUserServer {
		return s.lids[jid.User]
	}
	return s.users[jid.User]
}

// Number is the user's phone number.
func (u *User) Number() string { return u.pn.User }

// JID is the user's address by phone number.
func (u *User) JID() types.JID { return u.pn }

// LID is the user's address without the phone number.
func (u *User) LID() types.JID { return u.lid }

// Name is the push name.
func (u *User) Name() string { return u.name }

// Devices returns the numbers of the linked devices.
func (u *User) Devices() []uint16 {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	return slices.Sorted(maps.Keys(u.devices))
}

// device returns the linked device of that number, nil if there is none.
func (u *User) device(number uint16) *companion {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	return u.devices[number]
}

// companions returns the linked devices, or an error that says that there is none.
func (u *User) companions() ([]*companion, error) {
	var all []*companion
	for _, number := range u.Devices() {
		if device := u.device(number); device != nil {
			all = append(all, device)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("find devices of %s: none is linked", u.pn.User)
	}
	return all, nil
}

// jid is the device's address by phone number.
func (c *companion) jid() types.JID {
	jid := c.user.pn
	jid.Device = c.number
	return jid
}

// lid is the device's address by LID.
func (c *companion) lid() types.JID {
	jid := c.user.lid
	jid.Device = c.number
	return jid
}

// Received returns the messages that this phone decrypted, in their order.
func (u *User) Received() []Message { return u.received.all() }

// WaitMessage returns the first message that matches, of the past or to come, or ctx's error.
func (u *User) WaitMessage(ctx context.Context, match func(Message) bool) (Message, error) {
	return u.received.wait(ctx, match)
}

// WaitText waits for a message with that text.
func (u *User) WaitText(ctx context.Context, text string) (Message, error) {
	return u.WaitMessage(ctx, func(m Message) bool { return m.Text() == text })
}

// WaitReceipt returns the first receipt of that kind for a message that this phone sent, of the past or to come, or ctx's error.
func (u *User) WaitReceipt(ctx context.Context, id string, kind ReceiptKind) (Receipt, error) {
	return u.receipts.wait(ctx, func(r Receipt) bool { return r.ID == id && r.Kind == kind })
}

// WaitTyping returns the first notice that somebody writes (composing) or has stopped (paused), of the past or to come, or ctx's error.
func (u *User) WaitTyping(ctx context.Context, state types.ChatPresence) (Typing, error) {
	return u.typing.wait(ctx, func(t Typing) bool { return t.State == state })
}
