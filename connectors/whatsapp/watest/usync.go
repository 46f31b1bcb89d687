package watest

import (
	"maps"
	"slices"
	"strings"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// usync answers what is asked about a list of people. The query names the subjects; of these the server knows contact (is the number on
// WhatsApp), devices and lid, and leaves the others out, as WhatsApp does for somebody who shows nothing.
func (s *Server) usync(query waBinary.Node) waBinary.Node {
	subjects := map[string]waBinary.Node{}
	asked := query.GetChildByTag("query")
	for _, subject := range asked.GetChildren() {
		subjects[subject.Tag] = subject
	}
	var users []waBinary.Node
	list := query.GetChildByTag("list")
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, user := range list.GetChildren() {
		if _, contact := subjects["contact"]; contact {
			users = append(users, s.contactLocked(user, subjects["contact"]))
		} else {
			users = append(users, s.detailsLocked(user, subjects))
		}
	}
	return waBinary.Node{Tag: "usync", Content: []waBinary.Node{{Tag: "list", Content: users}}}
}

// contactLocked answers whether a number is on WhatsApp; the number is the text of the contact, as +number@c.us.
func (s *Server) contactLocked(user, subject waBinary.Node) waBinary.Node {
	asked := text(user.GetChildByTag("contact"))
	number, _, _ := strings.Cut(strings.TrimPrefix(asked, "+"), "@")
	pn := types.NewJID(number, types.DefaultUserServer)
	known := s.users[number]
	kind, attrs := "out", waBinary.Attrs{"jid": pn}
	if known != nil {
		kind = "in"
		if subject.Attrs["addressing_mode"] == "lid" {
			attrs = waBinary.Attrs{"jid": known.lid, "pn_jid": pn}
		}
	}
	return waBinary.Node{Tag: "user", Attrs: attrs, Content: []waBinary.Node{
		{Tag: "contact", Attrs: waBinary.Attrs{"type": kind}, Content: []byte(asked)},
	}}
}

func (s *Server) detailsLocked(user waBinary.Node, subjects map[string]waBinary.Node) waBinary.Node {
	jid, _ := user.Attrs["jid"].(types.JID)
	answer := waBinary.Node{Tag: "user", Attrs: waBinary.Attrs{"jid": jid}}
	known := s.findLocked(jid)
	if known == nil {
		return answer
	}
	var children []waBinary.Node
	if _, asked := subjects["lid"]; asked && !s.switches.HideLIDs {
		children = append(children, waBinary.Node{Tag: "lid", Attrs: waBinary.Attrs{"val": known.lid}})
	}
	if _, asked := subjects["devices"]; asked {
		devices := []waBinary.Node{{Tag: "device", Attrs: waBinary.Attrs{"id": 0}}}
		for _, number := range slices.Sorted(maps.Keys(known.devices)) {
			devices = append(devices, waBinary.Node{Tag: "device", Attrs: waBinary.Attrs{"id": int(number), "key-index": int(number)}})
		}
		children = append(children, waBinary.Node{Tag: "devices", Content: []waBinary.Node{{Tag: "device-list", Content: devices}}})
	}
	answer.Content = children
	return answer
}

// text is a node's content as text: short texts come as bytes, but also as the strings of the encoder's dictionary.
func text(node waBinary.Node) string {
	switch content := node.Content.(type) {
	case []byte:
		return string(content)
	case string:
		return content
	case types.JID:
		return content.String()
	}
	return ""
}
