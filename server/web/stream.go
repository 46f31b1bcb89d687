package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/live"
)

const (
	// streamLife is how long a stream lives; the browser comes back by itself with Last-Event-ID. It is below the server's write timeout, and makes a
	// login that was ended elsewhere stop hearing.
	streamLife = 4 * time.Minute
	// heartbeat is how often a quiet stream says something: only a write notices that the reader has gone.
	heartbeat = 15 * time.Second
)

// stream tells a page what changes in its account: server-sent events that carry a topic and ids, and never content. The page asks for the
// parts that it shows.
func (w *Web) stream(p *page) error {
	last := p.Get("Last-Event-ID")
	if last == "" {
		last = p.Query("after")
	}
	ctx, cancel := context.WithTimeout(context.Background(), streamLife)
	signals, err := w.o.Live.Subscribe(ctx, p.login.AccountID, last)
	if err != nil {
		cancel()
		return err
	}
	p.Set(fiber.HeaderContentType, "text/event-stream")
	p.Set(fiber.HeaderCacheControl, "no-store")
	p.Set("X-Accel-Buffering", "no") // nginx would hold it back
	p.Context().SetConnectionClose() // nothing else comes over it: see departed
	conn := p.Context().Conn()
	p.Context().SetBodyStreamWriter(func(out *bufio.Writer) {
		defer cancel()
		go departed(conn, cancel)
		tell(out, signals)
	})
	return nil
}

// departed waits until the reader has gone, which a quiet stream would notice only when it next says something: whoever goes from page to page
// would leave a stream behind with each. A browser sends nothing more over a connection with a stream, so that a read ends only with it; the server
// closes the connection when the stream has ended, and with that this ends too.
func departed(conn net.Conn, leave func()) {
	if conn.SetReadDeadline(time.Time{}) != nil { // the one for the request has no meaning any more
		return
	}
	_, _ = conn.Read(make([]byte, 1))
	leave()
}

// tell writes signals until there are no more or nobody reads.
func tell(out *bufio.Writer, signals <-chan live.Signal) {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	if _, err := out.WriteString("retry: 2000\n\n"); err != nil || out.Flush() != nil {
		return
	}
	for {
		select {
		case signal, more := <-signals:
			if !more || writeSignal(out, signal) != nil {
				return
			}
		case <-tick.C:
			if _, err := out.WriteString(": still here\n\n"); err != nil {
				return
			}
		}
		if out.Flush() != nil {
			return
		}
	}
}

// writeSignal writes one event. JSON has no line ends of its own, so it is one line of data.
func writeSignal(out *bufio.Writer, s live.Signal) error {
	data, err := json.Marshal(map[string]string{"topic": s.Topic, "id": s.ID, "ref": s.Ref})
	if err != nil {
		return fmt.Errorf("encode signal: %w", err)
	}
	if s.Cursor != "" {
		if _, err := fmt.Fprintf(out, "id: %s\n", s.Cursor); err != nil {
			return fmt.Errorf("write signal: %w", err)
		}
	}
	if _, err := fmt.Fprintf(out, "data: %s\n\n", data); err != nil {
		return fmt.Errorf("write signal: %w", err)
	}
	return nil
}
