package watest

import (
	"maps"
	"strconv"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// waiting is a stanza that a device has not confirmed.
type waiting struct {
	node  waBinary.Node
	class string // the node's tag
	id    string
	kind  string // a receipt's or notification's type: one message has several receipts
}

// login lets a device in whose number the account knows and whose Noise key is the one that it was linked with. A device that is in already
// is told that it was replaced.
func (s *Server) login(c *conn) {
	device, end, ok := s.admit(c)
	if !ok {
		if end == LineCut { // whatsmeow has a data race between the end of its handshake and a line that is cut before anything else came
			c.send(waBinary.Node{Tag: "ib", Attrs: waBinary.Attrs{"from": types.ServerJID}})
			c.closeSoon()
			return
		}
		c.finish(end)
		return
	}
	if device == nil {
		return // silence
	}
	c.send(waBinary.Node{Tag: "success", Attrs: waBinary.Attrs{"t": time.Now().Unix(), "lid": device.lid()}})
}

// admit returns the device that may come in, the end of one that may not, or neither if it is to hear nothing.
func (s *Server) admit(c *conn) (device *companion, end End, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	payload := c.line.payload
	if user := s.users[strconv.FormatUint(payload.GetUsername(), 10)]; user != nil {
		device = user.devices[uint16(payload.GetDevice())]
	}
	if device == nil || device.noise != c.line.client {
		s.counters.Refused++
		c.pair = &pairingData{} // what the client still sends is answered as a stranger's
		return nil, FailureLoggedOut, false
	}
	c.device = device
	if end, refused := s.switches.refuse(&s.switches.RefuseLogins); refused {
		s.counters.Refused++
		return nil, end, false
	}
	if use(&s.switches.SilentLogins) {
		return nil, "", true
	}
	if device.conn != nil {
		device.conn.finish(StreamReplaced)
	}
	device.conn, device.active = c, false
	s.counters.Logins++
	return device, "", true
}

// activate answers the client's "passive active": it gets what waited, each stanza marked as offline, between a preview and an end with their
// numbers. From then on it gets new ones at once; both happen under one lock, else a stanza could go out twice.
func (c *conn) activate(query *waBinary.Node) {
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	c.answer(query)
	if c.device.conn != c {
		return
	}
	count := map[string]int{}
	for _, w := range c.device.waiting {
		count[w.class]++
	}
	total := len(c.device.waiting)
	c.send(waBinary.Node{Tag: "ib", Attrs: waBinary.Attrs{"from": types.ServerJID}, Content: []waBinary.Node{{
		Tag: "offline_preview",
		Attrs: waBinary.Attrs{
			"count": total, "message": count["message"], "receipt": count["receipt"], "notification": count["notification"], "appdata": 0,
		},
	}}})
	for _, w := range c.device.waiting {
		node := w.node
		node.Attrs = maps.Clone(node.Attrs)
		node.Attrs["offline"] = 0
		c.send(node)
	}
	c.send(waBinary.Node{Tag: "ib", Attrs: waBinary.Attrs{"from": types.ServerJID}, Content: []waBinary.Node{{
		Tag: "offline", Attrs: waBinary.Attrs{"count": total},
	}}})
	c.device.active = true
}

// deliver sends a stanza to a device, and again at every login until the device confirms it.
func (s *Server) deliver(device *companion, node waBinary.Node) {
	id, _ := node.Attrs["id"].(string)
	kind, _ := node.Attrs["type"].(string)
	if node.Tag == "message" {
		kind = ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	device.waiting = append(device.waiting, waiting{node: node, class: node.Tag, id: id, kind: kind})
	if device.active {
		device.conn.send(node)
	}
}

// deliverNow sends a stanza to a device only if it is connected.
func (s *Server) deliverNow(device *companion, node waBinary.Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if device.active {
		device.conn.send(node)
	}
}

// settle takes a confirmed stanza off the device's queue.
func (s *Server) settle(device *companion, class, id, kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := device.waiting[:0]
	for _, w := range device.waiting {
		if w.class != class || w.id != id || w.kind != kind {
			kept = append(kept, w)
		}
	}
	clear(device.waiting[len(kept):])
	device.waiting = kept
}

// handleAck is a client's word that it has a stanza.
func (c *conn) handleAck(node *waBinary.Node) {
	class, _ := node.Attrs["class"].(string)
	id, _ := node.Attrs["id"].(string)
	kind, _ := node.Attrs["type"].(string)
	c.server.settle(c.device, class, id, kind)
}

// Pending returns how many stanzas the user's devices have not confirmed.
func (u *User) Pending() int {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	count := 0
	for _, device := range u.devices {
		count += len(device.waiting)
	}
	return count
}

// PendingMessages returns the ids of the messages that the user's devices have not confirmed, once per device.
func (u *User) PendingMessages() []string {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	var ids []string
	for _, device := range u.devices {
		for _, w := range device.waiting {
			if w.class == "message" {
				ids = append(ids, w.id)
			}
		}
	}
	return ids
}
