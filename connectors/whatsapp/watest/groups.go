package watest

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"go.mau.fi/libsignal/groups"
	"go.mau.fi/libsignal/protocol"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// groupPrefix begins the ids of today's groups.
const groupPrefix = "120363"

// Group is a group of people, addressed by LID as today's groups are.
type Group struct {
	jid     types.JID
	subject string
	created time.Time
	members []*User
}

// AddGroup makes a group. The first participant is its owner; it errs without one.
func (s *Server) AddGroup(subject string, participants ...*User) (*Group, error) {
	if len(participants) == 0 {
		return nil, fmt.Errorf("add group %q: it has no participants", subject)
	}
	var random [6]byte
	rand.Read(random[:])
	id := fmt.Sprintf("%s%015d", groupPrefix, uint64(random[0])<<40|uint64(random[1])<<32|uint64(random[2])<<24|
		uint64(random[3])<<16|uint64(random[4])<<8|uint64(random[5]))
	group := &Group{jid: types.NewJID(id, types.GroupServer), subject: subject, created: time.Now(), members: slices.Clone(participants)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[id] = group
	return group, nil
}

// JID is the group's address.
func (g *Group) JID() types.JID { return g.jid }

// Subject is the group's name.
func (g *Group) Subject() string { return g.subject }

// Members returns the participants.
func (g *Group) Members() []*User { return slices.Clone(g.members) }

// Group returns the group of an address, nil if there is none.
func (s *Server) Group(jid types.JID) *Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.groups[jid.User]
}

// answerGroup tells a client about a group that its user is in. The answer comes from the group.
func (c *conn) answerGroup(node *waBinary.Node) {
	jid, _ := node.Attrs["to"].(types.JID)
	group := c.server.Group(jid)
	if group == nil || !slices.Contains(group.members, c.device.user) {
		c.refuse(node, 404, "item-not-found")
		return
	}
	var participants []waBinary.Node
	for i, member := range group.members {
		attrs := waBinary.Attrs{"jid": member.lid, "phone_number": member.pn}
		if i == 0 {
			attrs["type"] = "superadmin"
		}
		participants = append(participants, waBinary.Node{Tag: "participant", Attrs: attrs})
	}
	c.answerAs(jid, node, waBinary.Node{
		Tag: "group",
		Attrs: waBinary.Attrs{
			"id": jid.User, "subject": group.subject, "creation": group.created.Unix(), "s_t": group.created.Unix(),
			"creator": group.members[0].lid, "creator_pn": group.members[0].pn, "addressing_mode": string(types.AddressingModeLID),
		},
		Content: participants,
	})
}

// inGroup makes a message's attributes those of a message in a group.
func (u *User) inGroup(attrs waBinary.Attrs, group types.JID) {
	delete(attrs, "sender_pn")
	delete(attrs, "sender_lid")
	attrs["from"], attrs["participant"], attrs["participant_pn"] = group, u.lid, u.pn
	attrs["addressing_mode"] = string(types.AddressingModeLID)
}

// SendToGroup sends a message from this person's phone to all linked devices of the other members. It is encrypted for each device alone,
// which clients accept in groups too. It errs if no other member has linked a device.
func (u *User) SendToGroup(ctx context.Context, group *Group, id string, message *waE2E.Message) error {
	sent := false
	for _, member := range group.members {
		if member == u || len(member.Devices()) == 0 {
			continue
		}
		attrs := u.from(message, id)
		u.inGroup(attrs, group.jid)
		if err := u.sendAll(ctx, member, attrs, message); err != nil {
			return err
		}
		sent = true
	}
	if !sent {
		return fmt.Errorf("send to group %s: no other member has a linked device", group.jid)
	}
	return nil
}

// GroupReceipt sends a receipt of this person's phone for messages that a device of another member sent to a group.
func (u *User) GroupReceipt(group *Group, to *User, kind ReceiptKind, ids ...string) error {
	return u.receipt(to, kind, ids, waBinary.Attrs{"from": group.jid, "participant": u.lid, "participant_pn": u.pn})
}

// learnSenderKey takes the key with which a device will encrypt for a group; it comes in a message to this phone alone.
func (u *User) learnSenderKey(ctx context.Context, device *companion, key *waE2E.SenderKeyDistributionMessage) {
	if key == nil {
		return
	}
	serializer := wastore.SignalProtobufSerializer
	message, err := protocol.NewSenderKeyDistributionMessageFromBytes(key.GetAxolotlSenderKeyDistributionMessage(), serializer.SenderKeyDistributionMessage)
	if err == nil {
		u.phone.mu.Lock()
		defer u.phone.mu.Unlock()
		name := protocol.NewSenderKeyName(key.GetGroupID(), device.jid().SignalAddress())
		err = groups.NewGroupSessionBuilder(signalStore{phone: u.phone}, serializer).Process(ctx, name, message)
	}
	if err != nil {
		u.server.log.Error("phone could not learn a group's key", "phone", u.pn.User, "error", err)
	}
}

// takeGroup brings what a device sent to a group to the phones of the members, and to the devices that they linked.
func (c *conn) takeGroup(ctx context.Context, node *waBinary.Node, p part, linked map[*companion][]waBinary.Node) {
	group := c.server.Group(p.to)
	if group == nil {
		return
	}
	for _, member := range group.members {
		if message, ok := c.openGroup(ctx, member, p); ok {
			member.received.add(c.message(node, message, p.retry))
		}
		for _, number := range member.Devices() {
			if device := member.device(number); device != nil && device != c.device {
				linked[device] = append(linked[device], p.enc)
			}
		}
	}
}

func (c *conn) openGroup(ctx context.Context, member *User, p part) (*waE2E.Message, bool) {
	sealed, _ := p.enc.Content.([]byte)
	plain, err := member.phone.openGroup(ctx, c.device, p.to, sealed)
	message := &waE2E.Message{}
	if err == nil {
		err = proto.Unmarshal(plain, message)
	}
	if err != nil {
		c.server.log.Error("phone could not read a group's message", "phone", member.pn.User, "error", err)
	}
	return message, err == nil
}

func (p *phone) openGroup(ctx context.Context, device *companion, group types.JID, sealed []byte) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	serializer := wastore.SignalProtobufSerializer
	message, err := protocol.NewSenderKeyMessageFromBytes(sealed, serializer.SenderKeyMessage)
	if err != nil {
		return nil, fmt.Errorf("read skmsg: %w", err)
	}
	store := signalStore{phone: p}
	name := protocol.NewSenderKeyName(group.String(), device.jid().SignalAddress())
	plain, err := groups.NewGroupCipher(groups.NewGroupSessionBuilder(store, serializer), name, store).Decrypt(ctx, message)
	if err != nil {
		return nil, fmt.Errorf("decrypt skmsg: %w", err)
	}
	return unpad(plain)
}
