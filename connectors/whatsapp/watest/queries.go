package watest

import (
	"encoding/binary"

	"go.mau.fi/libsignal/ecc"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/util/keys"
)

// mediaHost is where clients are told to upload; every host leads to the server.
const mediaHost = "mmg.whatsapp.net"

// handleQuery answers a logged-in client's info query. Every query must be answered, else the client waits 75 seconds; most are
// content with an empty result.
func (c *conn) handleQuery(node *waBinary.Node) {
	kind, _ := node.Attrs["type"].(string)
	if kind != "get" && kind != "set" {
		return // a result: the server asks logged-in clients nothing
	}
	space, _ := node.Attrs["xmlns"].(string)
	child := waBinary.Node{}
	if children := node.GetChildren(); len(children) > 0 {
		child = children[0]
	}
	switch space + " " + kind + " " + child.Tag {
	case "w:p get ":
		if !c.server.switched().MutePings {
			c.answer(node)
		}
	case "encrypt get count":
		c.answer(node, waBinary.Node{Tag: "count", Attrs: waBinary.Attrs{"value": c.countKeys()}})
	case "encrypt set registration":
		c.storeKeys(node)
		c.answer(node)
	case "encrypt get key":
		c.answer(node, c.server.bundles(child))
	case "passive set active":
		c.activate(node)
	case "usync get usync":
		c.answer(node, c.server.usync(child))
	case "privacy get privacy":
		c.answer(node, waBinary.Node{Tag: "privacy"})
	case "md set remove-companion-device":
		c.logout()
		c.answer(node)
	case "w:m set media_conn":
		c.answer(node, mediaConn())
	case "w:g2 get query":
		c.answerGroup(node)
	default:
		c.answer(node)
	}
}

// countKeys tells a client how many one-time prekeys the server has of it.
func (c *conn) countKeys() int {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	first := !c.device.counted
	c.device.counted = true
	if first && len(c.device.oneTime) == 0 && !c.server.options.TrueKeyCount {
		return 1
	}
	return len(c.device.oneTime)
}

// storeKeys takes a client's prekeys: registration, type, identity, list and skey beside each other in the query.
func (c *conn) storeKeys(node *waBinary.Node) {
	var uploaded []publicKey
	list := node.GetChildByTag("list")
	for _, child := range list.GetChildren() {
		if key, ok := readKey(child); ok {
			uploaded = append(uploaded, key)
		}
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.device.oneTime = append(c.device.oneTime, uploaded...)
	if signed, ok := readKey(node.GetChildByTag("skey")); ok {
		c.device.signed = signed
	}
}

func readKey(node waBinary.Node) (publicKey, bool) {
	id, _ := node.GetChildByTag("id").Content.([]byte)
	value, _ := node.GetChildByTag("value").Content.([]byte)
	if len(id) != 3 || len(value) != 32 {
		return publicKey{}, false
	}
	key := publicKey{id: keyID(id), value: [32]byte(value)}
	if signature, _ := node.GetChildByTag("signature").Content.([]byte); len(signature) == 64 {
		key.signature = [64]byte(signature)
	}
	return key, true
}

// logout is a client unlinking itself. Its connection goes on until the client closes it.
func (c *conn) logout() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	delete(c.device.user.devices, c.device.number)
}

// bundles answers which keys start a session with each of the devices that are asked for; a device that nobody has gets error 404.
func (s *Server) bundles(query waBinary.Node) waBinary.Node {
	var users []waBinary.Node
	for _, asked := range query.GetChildren() {
		jid, _ := asked.Attrs["jid"].(types.JID)
		user := waBinary.Node{Tag: "user", Attrs: waBinary.Attrs{"jid": jid}}
		if keys := s.bundle(jid); keys != nil {
			user.Content = keys
		} else {
			user.Content = []waBinary.Node{{Tag: "error", Attrs: waBinary.Attrs{"code": 404, "text": "item-not-found"}}}
		}
		users = append(users, user)
	}
	return waBinary.Node{Tag: "list", Content: users}
}

func (s *Server) bundle(jid types.JID) []waBinary.Node {
	user := s.find(jid)
	if user == nil {
		return nil
	}
	if jid.Device == 0 {
		p := user.phone
		oneTime := p.newPreKey()
		return bundleNodes(p.registration, *p.identity.Pub, publicOf(p.signed), publicOf(oneTime), true)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	device := user.devices[jid.Device]
	if device == nil {
		return nil
	}
	oneTime, ok := device.popPreKey()
	return bundleNodes(device.registration, device.identity, device.signed, oneTime, ok)
}

func publicOf(key *keys.PreKey) publicKey {
	public := publicKey{id: key.KeyID, value: *key.Pub}
	if key.Signature != nil {
		public.signature = *key.Signature
	}
	return public
}

func bundleNodes(registration uint32, identity [32]byte, signed, oneTime publicKey, hasOneTime bool) []waBinary.Node {
	nodes := []waBinary.Node{
		{Tag: "registration", Content: binary.BigEndian.AppendUint32(nil, registration)},
		{Tag: "type", Content: []byte{ecc.DjbType}},
		{Tag: "identity", Content: identity[:]},
		{Tag: "skey", Content: append(keyNodes(signed), waBinary.Node{Tag: "signature", Content: signed.signature[:]})},
	}
	if hasOneTime {
		nodes = append(nodes, waBinary.Node{Tag: "key", Content: keyNodes(oneTime)})
	}
	return nodes
}

func keyNodes(key publicKey) []waBinary.Node {
	return []waBinary.Node{
		{Tag: "id", Content: binary.BigEndian.AppendUint32(nil, key.id)[1:]},
		{Tag: "value", Content: key.value[:]},
	}
}

func mediaConn() waBinary.Node {
	return waBinary.Node{
		Tag:     "media_conn",
		Attrs:   waBinary.Attrs{"auth": "watest", "ttl": 3600, "auth_ttl": 3600, "max_buckets": 12},
		Content: []waBinary.Node{{Tag: "host", Attrs: waBinary.Attrs{"hostname": mediaHost}}},
	}
}
