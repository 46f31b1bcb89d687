package safehttp

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	idleFor     = 4 * time.Second // below the 5 s after which Node, the shortest of the common servers, hangs up
	idlePerHost = 640             // connections kept for one host: the deliveries in flight of ten webhooks on it
	idleTotal   = 2048            // connections kept in all, within the files that a process may usually have open
)

// conn is one connection of Post.
type conn struct {
	net.Conn                 // what is written and read: the socket or the TLS layer over it
	socket   net.Conn        // what is closed: closing the TLS layer could wait for the peer
	raw      syscall.RawConn // the socket's file, or nil
	key      poolKey
	since    time.Time // when it became idle
	readErr  error     // the last error of Read, as fasthttp's errors do not say enough
	got      bool      // Read has returned bytes of the present answer
}

// poolKey tells which connections are alike.
type poolKey struct {
	host   string // with its port where the URL writes one
	secure bool
}

// newConn finds the socket under c, which may be a TLS layer.
func newConn(c net.Conn, key poolKey) *conn {
	fresh := &conn{Conn: c, socket: c, key: key}
	if layer, ok := c.(*tls.Conn); ok {
		fresh.socket = layer.NetConn()
	}
	if file, ok := fresh.socket.(syscall.Conn); ok {
		fresh.raw, _ = file.SyscallConn() // without it alive assumes the best
	}
	return fresh
}

// Read remembers its error.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.got = c.got || n > 0
	if err != nil {
		c.readErr = err
	}
	return n, err //nolint:wrapcheck // this is net.Conn's own contract: callers look for its errors
}

// Close closes the socket at once, without TLS's farewell.
func (c *conn) Close() error {
	return c.socket.Close() //nolint:wrapcheck // this is net.Conn's own contract
}

// pool keeps idle connections, the latest used first, so that a falling load lets the others grow old.
type pool struct {
	mu     sync.Mutex
	hosts  map[poolKey]*idleList
	total  int
	closed bool
}

// idleList is one host's connections, the longest idle first.
type idleList struct{ conns []*conn }

func newPool() *pool { return &pool{hosts: make(map[poolKey]*idleList)} }

// get takes the connection that was used last, or returns nil.
func (p *pool) get(key poolKey, now time.Time) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.hosts[key]
	if list == nil || len(list.conns) == 0 {
		return nil
	}
	last := len(list.conns) - 1
	if now.Sub(list.conns[last].since) > idleFor {
		return nil // the sweep closes it
	}
	c := list.conns[last]
	list.conns[last] = nil
	list.conns = list.conns[:last]
	p.total--
	return c
}

// put keeps c for the next request to its host, or closes it where there are enough.
func (p *pool) put(c *conn, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.hosts[c.key]
	if p.closed || p.total >= idleTotal || list != nil && len(list.conns) >= idlePerHost {
		_ = c.Close()
		return
	}
	if list == nil {
		list = &idleList{}
		p.hosts[c.key] = list
	}
	c.since = now
	list.conns = append(list.conns, c)
	p.total++
}

// sweep closes what has been idle too long and forgets hosts without connections.
func (p *pool) sweep(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, list := range p.hosts {
		old := 0
		for old < len(list.conns) && now.Sub(list.conns[old].since) > idleFor {
			_ = list.conns[old].Close()
			old++
		}
		p.total -= old
		list.conns = slices.Delete(list.conns, 0, old)
		if len(list.conns) == 0 {
			delete(p.hosts, key)
		}
	}
}

// run sweeps each second until ctx ends.
func (p *pool) run(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			p.sweep(now)
		}
	}
}

// close closes every idle connection and lets put keep none.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for key, list := range p.hosts {
		for _, c := range list.conns {
			_ = c.Close()
		}
		delete(p.hosts, key)
	}
	p.total = 0
}
