package watest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/socket"
	"go.mau.fi/whatsmeow/types"
)

var errClosed = errors.New("the client's connection has ended")

// Stanza is one that a client sent.
type Stanza struct {
	User   string // phone number; empty while the connection is not logged in
	Device uint16
	Node   waBinary.Node
}

// Connection is one that is open now.
type Connection struct {
	User   string `json:"user"` // phone number; empty while it pairs
	Device uint16 `json:"device"`
	Active bool   `json:"active"` // it has been given what was waiting for it, and gets messages
}

// conn is one client's websocket after the handshake. Stanzas are written in the order of send by a goroutine of their own, so that send
// never waits for a client and may be called with locks held.
type conn struct {
	server *Server
	frames *frames
	line   *noiseLine
	device *companion   // nil on a pairing connection
	pair   *pairingData // nil on a login connection

	mu     sync.Mutex
	outbox [][]byte
	wake   chan struct{}
	ending *time.Timer // cuts the line; nil until then
}

func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	if status := s.switched().SocketStatus; status != 0 {
		w.WriteHeader(status)
		return
	}
	ws, err := websocket.Accept(w, r, nil) // no compression: it would cost each client a megabyte of memory
	if err != nil {
		s.log.Warn("websocket refused", "error", err)
		return
	}
	defer ws.CloseNow()
	ws.SetReadLimit(socket.FrameMaxSize)
	c := &conn{server: s, frames: &frames{ws: ws}, wake: make(chan struct{}, 1)}
	if !s.enter(c) {
		return
	}
	defer s.running.Done()
	defer s.leave(c)
	if err := c.run(r.Context()); err != nil {
		s.log.Debug("connection ended", "error", err)
	}
}

// enter counts a connection in, unless the server is closing.
func (s *Server) enter(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.running.Add(1)
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) leave(c *conn) {
	c.left()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	maps.DeleteFunc(s.refs, func(_ string, other *conn) bool { return other == c })
	maps.DeleteFunc(s.codes, func(_ string, code *codePairing) bool { return code.conn == c })
	if c.device != nil && c.device.conn == c {
		c.device.conn, c.device.active = nil, false
	}
	if c.pair != nil && c.pair.attempt != nil {
		c.pair.attempt.end(errClosed)
	}
}

func (c *conn) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	line, err := handshake(ctx, c.frames, c.server.static, c.server.chain)
	if err != nil {
		return err
	}
	c.line = line
	c.server.running.Go(func() { c.writeLoop(ctx) })
	if line.payload.Username == nil {
		c.server.beginPairing(c)
	} else {
		c.server.login(c)
	}
	return c.readLoop(ctx)
}

func (c *conn) readLoop(ctx context.Context) error {
	for {
		frame, err := c.frames.read(ctx)
		if err != nil {
			return err
		}
		plain, err := c.line.read.open(frame)
		if err != nil {
			return err
		}
		node, err := unpack(plain)
		if err != nil {
			return err
		}
		c.record(node)
		c.handle(ctx, node)
	}
}

// unpack reads a stanza: a byte of flags, of which bit 2 says zlib, and binary XML.
func unpack(plain []byte) (node *waBinary.Node, err error) {
	defer func() {
		if broken := recover(); broken != nil { // the reader takes it for granted that a tag is text
			err = fmt.Errorf("read stanza: %v", broken)
		}
	}()
	if len(plain) == 0 {
		return nil, errors.New("read stanza: it is empty")
	}
	data, err := waBinary.Unpack(plain)
	if err != nil {
		return nil, fmt.Errorf("unpack stanza: %w", err)
	}
	if node, err = waBinary.Unmarshal(data); err != nil {
		return nil, fmt.Errorf("read stanza: %w", err)
	}
	return node, nil
}

func (c *conn) record(node *waBinary.Node) {
	if c.server.options.Forget {
		return
	}
	stanza := Stanza{Node: *node}
	if c.device != nil {
		stanza.User, stanza.Device = c.device.user.pn.User, c.device.number
	}
	c.server.stanzas.add(stanza)
}

// handle is called with one stanza after the other, in their order.
func (c *conn) handle(ctx context.Context, node *waBinary.Node) {
	if c.device == nil {
		c.handlePairing(ctx, node)
		return
	}
	switch node.Tag {
	case "iq":
		c.handleQuery(node)
	case "message":
		c.handleMessage(ctx, node)
	case "receipt":
		c.handleReceipt(ctx, node)
	case "ack":
		c.handleAck(node)
	case "chatstate":
		c.handleChatState(node)
	}
}

// send queues a stanza. After the end of the connection nothing happens.
func (c *conn) send(node waBinary.Node) {
	plain, err := waBinary.Marshal(node)
	if err != nil {
		c.server.log.Error("marshal stanza", "tag", node.Tag, "error", err)
		return
	}
	c.mu.Lock()
	c.outbox = append(c.outbox, plain)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *conn) writeLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		c.mu.Lock()
		batch := c.outbox
		c.outbox = nil
		c.mu.Unlock()
		for _, plain := range batch {
			if c.frames.write(ctx, c.line.write.seal(plain)) != nil {
				return
			}
		}
	}
}

// close cuts the line.
func (c *conn) close() {
	c.frames.ws.CloseNow()
}

// closeSoon cuts the line when the client has had the time to handle what was sent last.
func (c *conn) closeSoon() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending == nil {
		c.ending = time.AfterFunc(c.server.options.CloseDelay, c.close)
	}
}

// left is called when the line is cut: nothing is to be done about it any more.
func (c *conn) left() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending != nil {
		c.ending.Stop()
	}
}

// answer sends the result of a query.
func (c *conn) answer(query *waBinary.Node, children ...waBinary.Node) {
	c.answerAs(types.ServerJID, query, children...)
}

func (c *conn) answerAs(from types.JID, query *waBinary.Node, children ...waBinary.Node) {
	node := waBinary.Node{Tag: "iq", Attrs: waBinary.Attrs{"from": from, "type": "result", "id": query.Attrs["id"]}}
	if len(children) > 0 {
		node.Content = children
	}
	c.send(node)
}

// refuse answers a query with an error.
func (c *conn) refuse(query *waBinary.Node, code int, text string) {
	c.send(waBinary.Node{
		Tag:     "iq",
		Attrs:   waBinary.Attrs{"from": types.ServerJID, "type": "error", "id": query.Attrs["id"]},
		Content: []waBinary.Node{{Tag: "error", Attrs: waBinary.Attrs{"code": code, "text": text}}},
	})
}

// Stanzas returns all that clients sent, in the order of their arrival.
func (s *Server) Stanzas() []Stanza {
	return s.stanzas.all()
}

// WaitStanza returns the first stanza that matches, of the past or to come, or ctx's error. match must be quick.
func (s *Server) WaitStanza(ctx context.Context, match func(Stanza) bool) (Stanza, error) {
	return s.stanzas.wait(ctx, match)
}

// Connections returns those that are open.
func (s *Server) Connections() []Connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := make([]Connection, 0, len(s.conns))
	for c := range s.conns {
		one := Connection{}
		if c.device != nil {
			one = Connection{User: c.device.user.pn.User, Device: c.device.number, Active: c.device.active && c.device.conn == c}
		}
		open = append(open, one)
	}
	return open
}

// DropAll cuts all connections without a word.
func (s *Server) DropAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.close()
	}
}
