package watest

import (
	"context"
	"fmt"
	"strconv"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"google.golang.org/protobuf/proto"
)

// handleMessage takes a client's message: an enc for each device of the recipients and of the sender's own account, and in a group one more
// for all of them. The phones read theirs, linked devices are given theirs, and the client gets its ack.
func (c *conn) handleMessage(ctx context.Context, node *waBinary.Node) {
	first, end := c.server.accept(c, node)
	if end {
		c.close()
		return
	}
	if w := c.server.switched(); w.AckError != 0 {
		c.acknowledge(node, w.AckError)
		return
	}
	if first {
		linked := map[*companion][]waBinary.Node{}
		for _, part := range parts(node) {
			c.take(ctx, node, part, linked)
		}
		for device, encs := range linked {
			c.relay(device, node, encs)
		}
	}
	c.acknowledge(node, 0)
}

// accept says whether a message comes for the first time, and whether the line is to be cut instead. A client that lost its line before the
// ack sends the same bytes again.
func (s *Server) accept(c *conn, node *waBinary.Node) (first, cut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if use(&s.switches.CutInstead) {
		return false, true
	}
	if s.switches.AckError != 0 {
		return false, false
	}
	enc := node.GetChildByTag("enc") // a message that was asked for again is another one: for one device, with a count
	key := fmt.Sprint(c.device.jid(), " ", node.Attrs["id"], " ", node.Attrs["to"], " ", node.Attrs["participant"], " ", enc.Attrs["count"])
	if _, known := s.accepted[key]; known {
		return false, false
	}
	s.accepted[key] = struct{}{}
	s.counters.Messages++
	return true, false
}

func (c *conn) acknowledge(node *waBinary.Node, code int) {
	s := c.server
	s.mu.Lock()
	dropped := use(&s.switches.DropAcks)
	delay := time.Duration(s.switches.AckDelay) * time.Millisecond
	s.mu.Unlock()
	if dropped {
		return
	}
	attrs := waBinary.Attrs{"class": "message", "id": node.Attrs["id"], "from": node.Attrs["to"], "t": time.Now().Unix()}
	if code != 0 {
		attrs["error"] = code
	}
	ack := waBinary.Node{Tag: "ack", Attrs: attrs}
	if delay > 0 {
		time.AfterFunc(delay, func() { c.send(ack) })
		return
	}
	c.send(ack)
}

// part is one enc of a message and whom it is for; for a group's common one, to is the group.
type part struct {
	to    types.JID
	enc   waBinary.Node
	kind  string
	retry int
}

func newPart(to types.JID, enc waBinary.Node) part {
	kind, _ := enc.Attrs["type"].(string)
	count, _ := enc.Attrs["count"].(string)
	retry, _ := strconv.Atoi(count) // absent: 0
	return part{to: to, enc: enc, kind: kind, retry: retry}
}

// parts lists the encs of a message: those below participants, each below the device that it is for, and those of the message itself.
func parts(node *waBinary.Node) []part {
	var all []part
	to, _ := node.Attrs["to"].(types.JID)
	if participant, ok := node.Attrs["participant"].(types.JID); ok {
		to = participant // a group message for one device that asked again
	}
	list := node.GetChildByTag("participants")
	for _, child := range list.GetChildren() {
		jid, _ := child.Attrs["jid"].(types.JID)
		for _, enc := range child.GetChildrenByTag("enc") {
			all = append(all, newPart(jid, enc))
		}
	}
	for _, enc := range node.GetChildrenByTag("enc") {
		all = append(all, newPart(to, enc))
	}
	return all
}

// take brings one part to the phones that it is for, and collects what is for linked devices: those get a message's parts together.
func (c *conn) take(ctx context.Context, node *waBinary.Node, p part, linked map[*companion][]waBinary.Node) {
	if p.kind == "skmsg" {
		c.takeGroup(ctx, node, p, linked)
		return
	}
	user := c.server.find(p.to)
	if user == nil {
		return
	}
	if p.to.Device != 0 {
		if device := user.device(p.to.Device); device != nil {
			linked[device] = append(linked[device], p.enc)
		}
		return
	}
	sealed, _ := p.enc.Content.([]byte)
	plain, err := user.phone.decrypt(ctx, c.device, p.kind, sealed)
	if err != nil {
		c.server.log.Error("phone could not decrypt", "phone", user.pn.User, "error", err)
		return
	}
	message := &waE2E.Message{}
	if err := proto.Unmarshal(plain, message); err != nil {
		c.server.log.Error("phone could not read", "phone", user.pn.User, "error", err)
		return
	}
	user.learnSenderKey(ctx, c.device, message.GetSenderKeyDistributionMessage())
	if hasContent(message) {
		user.received.add(c.message(node, message, p.retry))
	}
}

// hasContent says whether a message says more than the key of a group.
func hasContent(message *waE2E.Message) bool {
	rest := &waE2E.Message{}
	proto.Merge(rest, message)
	rest.SenderKeyDistributionMessage, rest.MessageContextInfo = nil, nil
	return proto.Size(rest) > 0
}

// message is what a phone shows of a stanza. The sender's own phone gets the message inside of a DeviceSentMessage.
func (c *conn) message(node *waBinary.Node, message *waE2E.Message, retry int) Message {
	id, _ := node.Attrs["id"].(string)
	chat, _ := node.Attrs["to"].(types.JID)
	m := Message{ID: id, From: c.device.jid(), Chat: chat, Group: chat.Server == types.GroupServer, Retry: retry, Message: message}
	if sent := message.GetDeviceSentMessage(); sent != nil {
		m.Copy, m.Message = true, sent.GetMessage()
	}
	return m
}

// relay hands a message's parts for a linked device on, still encrypted.
func (c *conn) relay(device *companion, node *waBinary.Node, encs []waBinary.Node) {
	if identity, ok := node.GetOptionalChildByTag("device-identity"); ok {
		encs = append(encs, identity)
	}
	c.server.deliver(device, waBinary.Node{Tag: "message", Attrs: c.relayed(device.user, node), Content: encs})
}

// relayed returns the attributes with which another device gets a client's message.
func (c *conn) relayed(user *User, node *waBinary.Node) waBinary.Attrs {
	sender := c.device.user
	name := c.device.lid()
	if sender.server.switched().PhoneNumberForm {
		name = c.device.jid()
	}
	attrs := waBinary.Attrs{
		"id": node.Attrs["id"], "t": time.Now().Unix(), "type": node.Attrs["type"], "notify": sender.name, "from": name,
	}
	if edit, ok := node.Attrs["edit"]; ok {
		attrs["edit"] = edit
	}
	to, _ := node.Attrs["to"].(types.JID)
	switch {
	case to.Server == types.GroupServer:
		sender.inGroup(attrs, to)
		attrs["participant"] = c.device.lid()
	case user == sender:
		attrs["recipient"] = to
	default:
		attrs[altName("sender", name)] = sender.alternate(name)
	}
	return attrs
}

// handleReceipt takes a client's receipt for a message that it got: the message is settled, and its sender sees it. With type retry the
// client asks for the message again.
func (c *conn) handleReceipt(ctx context.Context, node *waBinary.Node) {
	id, _ := node.Attrs["id"].(string)
	kind, _ := node.Attrs["type"].(string)
	c.send(waBinary.Node{Tag: "ack", Attrs: waBinary.Attrs{
		"class": "receipt", "id": id, "from": node.Attrs["to"], "participant": node.Attrs["participant"], "type": kind,
	}})
	chat, _ := node.Attrs["to"].(types.JID)
	name := chat
	if participant, ok := node.Attrs["participant"].(types.JID); ok {
		name = participant
	}
	sender := c.server.find(name)
	if kind == "retry" {
		c.retry(ctx, node, sender, name)
		return
	}
	ids := []string{id}
	list := node.GetChildByTag("list")
	for _, item := range list.GetChildren() {
		if more, ok := item.Attrs["id"].(string); ok {
			ids = append(ids, more)
		}
	}
	for _, one := range ids {
		c.server.settle(c.device, "message", one, "")
		if sender != nil {
			sender.receipts.add(Receipt{ID: one, From: c.device.jid(), Chat: chat, Kind: ReceiptKind(kind)})
		}
	}
	if sender != nil && sender != c.device.user {
		c.relayReceipt(sender, chat, ReceiptKind(kind), ids)
	}
}

// relayReceipt lets the linked devices of a message's sender see the receipt too, if there are any.
func (c *conn) relayReceipt(sender *User, chat types.JID, kind ReceiptKind, ids []string) {
	if len(sender.Devices()) == 0 {
		return
	}
	from := c.device.lid()
	if c.server.switched().PhoneNumberForm {
		from = c.device.jid()
	}
	attrs := waBinary.Attrs{"from": from}
	if chat.Server == types.GroupServer {
		attrs = waBinary.Attrs{"from": chat, "participant": from}
	}
	if err := c.device.user.receipt(sender, kind, ids, attrs); err != nil {
		c.server.log.Warn("receipt not passed on", "error", err)
	}
}

func (c *conn) retry(ctx context.Context, node *waBinary.Node, sender *User, name types.JID) {
	id, _ := node.Attrs["id"].(string)
	asked := node.GetChildByTag("retry")
	count, _ := asked.Attrs["count"].(string)
	number, _ := strconv.Atoi(count) // absent: 0
	c.server.mu.Lock()
	c.server.counters.Retries++
	c.server.mu.Unlock()
	if sender == nil {
		return
	}
	if name.Device != 0 { // the other device answers it
		if device := sender.device(name.Device); device != nil {
			c.relayRetry(device, node)
		}
		return
	}
	if err := sender.resend(ctx, c.device, id, max(number, 1)); err != nil {
		c.server.log.Error("phone could not send again", "phone", sender.pn.User, "error", err)
	}
}

func (c *conn) relayRetry(device *companion, node *waBinary.Node) {
	attrs := waBinary.Attrs{"id": node.Attrs["id"], "type": "retry", "t": time.Now().Unix(), "from": c.device.lid()}
	if chat, _ := node.Attrs["to"].(types.JID); chat.Server == types.GroupServer {
		attrs["from"], attrs["participant"] = chat, c.device.lid()
	}
	c.server.deliver(device, waBinary.Node{Tag: "receipt", Attrs: attrs, Content: node.Content})
}

// handleChatState lets a phone see that a client's user writes.
func (c *conn) handleChatState(node *waBinary.Node) {
	to, _ := node.Attrs["to"].(types.JID)
	user := c.server.find(to)
	children := node.GetChildren()
	if user == nil || len(children) == 0 {
		return
	}
	media, _ := children[0].Attrs["media"].(string)
	state := types.ChatPresence(children[0].Tag)
	user.typing.add(Typing{From: c.device.jid(), State: state, Media: types.ChatPresenceMedia(media)})
	if len(user.Devices()) > 0 && user != c.device.user {
		if err := c.device.user.Typing(user, state); err != nil {
			c.server.log.Warn("typing not passed on", "error", err)
		}
	}
}
