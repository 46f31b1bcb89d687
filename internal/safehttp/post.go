package safehttp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	// MaxAnswer is how many bytes of an answer's body Post returns: 16 KiB, what an attempt records.
	MaxAnswer = 16 << 10

	untilClose = -2       // fasthttp's length of a body that ends with the connection
	maxField   = 256      // bytes of an answer's header field that are kept
	maxScratch = 64 << 10 // bytes of a request that are written in one piece and whose buffer is used again
)

// Header is one header field of a Request. Its spelling is kept.
type Header struct{ Name, Value string }

// Request is what Post sends. Host, User-Agent, Content-Length and everything about the connection are set by Post.
type Request struct {
	URL    string
	Header []Header
	Body   []byte
}

// Response is a receiver's answer. With an error, Status is what had arrived, or 0, and Duration is how long it took.
type Response struct {
	Status      int
	ContentType string // at most 256 bytes of it
	RetryAfter  string // as it came, at most 256 bytes
	Body        []byte // at most MaxAnswer bytes, still encoded if the receiver encoded it
	Truncated   bool   // the body was longer; the connection was closed on it
	Duration    time.Duration
}

// Post sends one POST request and returns the answer, whatever its status: a redirect is an answer too. It never
// sends a request twice. It blocks until the answer is complete, MaxAnswer bytes of the body are there, ctx ends, or
// Options.Timeout has passed since the call. Errors are of type *Error.
func (c *Client) Post(ctx context.Context, request Request) (Response, error) {
	start := time.Now()
	response, err := c.post(ctx, request, start)
	response.Duration = time.Since(start)
	return response, err
}

func (c *Client) post(ctx context.Context, request Request, start time.Time) (Response, error) {
	u, err := c.CheckURL(request.URL)
	if err != nil {
		return Response{}, err
	}
	for _, header := range request.Header {
		if err := sendable(header.Name, header.Value); err != nil {
			return Response{}, err
		}
	}
	if err := ctx.Err(); err != nil {
		return Response{}, classify(err, false)
	}
	deadline := start.Add(c.timeout)
	if earlier, ok := ctx.Deadline(); ok && earlier.Before(deadline) {
		deadline = earlier
	}
	connection, err := c.connect(ctx, u, start, deadline)
	if err != nil {
		return Response{}, err
	}
	x, ok := c.exchanges.Get().(*exchange)
	if !ok {
		x = newExchange()
	}
	x.head(c.userAgent, u, request)
	interrupt := context.AfterFunc(ctx, func() { _ = connection.socket.SetDeadline(time.Unix(1, 0)) })
	response, err := x.run(connection, request.Body)
	interrupted := !interrupt()
	if err != nil || interrupted || !x.reusable {
		_ = connection.Close()
	} else {
		c.pool.put(connection, time.Now())
	}
	c.release(x)
	if err != nil {
		return response, fault(ctx, err)
	}
	return response, nil
}

// fault prefers the context's own reason over the broken connection that it left behind.
func fault(ctx context.Context, err error) error {
	if reason := ctx.Err(); reason != nil {
		return classify(reason, true)
	}
	return classify(err, true)
}

// connect returns an idle connection that is still good, or a new one, with its deadline set.
func (c *Client) connect(ctx context.Context, u *url.URL, now, deadline time.Time) (*conn, error) {
	key := poolKey{host: u.Host, secure: u.Scheme == "https"}
	for idle := c.pool.get(key, now); idle != nil; idle = c.pool.get(key, now) {
		if idle.SetDeadline(deadline) == nil && idle.alive() {
			return idle, nil
		}
		_ = idle.Close()
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	connect := c.plainDialer.connect
	if key.secure {
		connect = c.secureDialer.connectTLS
	}
	layer, err := connect(ctx, "tcp", address(u))
	if err != nil {
		return nil, err
	}
	fresh := newConn(layer, key)
	if err := fresh.SetDeadline(deadline); err != nil {
		_ = fresh.Close()
		return nil, classify(err, false)
	}
	return fresh, nil
}

// exchange is the memory of one request and its answer, used again and again.
type exchange struct {
	out      []byte
	in       *bufio.Reader
	body     []byte
	answer   fasthttp.Response
	reusable bool // after run: the connection can carry another request
}

func newExchange() *exchange {
	return &exchange{in: bufio.NewReaderSize(nil, maxHeader), body: make([]byte, MaxAnswer+1)}
}

// release forgets the exchange's content and keeps its memory for another, unless it has grown too large.
func (c *Client) release(x *exchange) {
	_ = x.answer.CloseBodyStream() // releases memory only: the connection is not its own
	x.answer.Reset()
	x.in.Reset(nil)
	if cap(x.out) <= maxScratch {
		c.exchanges.Put(x)
	}
}

// head writes the request's header into x.out. Its parts have been checked: none can hold a line break.
func (x *exchange) head(userAgent string, u *url.URL, request Request) {
	out := append(x.out[:0], "POST "...)
	out = append(out, u.RequestURI()...)
	out = append(out, " HTTP/1.1\r\nHost: "...)
	out = append(out, u.Host...)
	out = append(out, "\r\nUser-Agent: "...)
	out = append(out, userAgent...)
	out = append(out, "\r\nContent-Length: "...)
	out = strconv.AppendInt(out, int64(len(request.Body)), 10)
	for _, header := range request.Header {
		out = append(out, "\r\n"...)
		out = append(out, header.Name...)
		out = append(out, ": "...)
		out = append(out, header.Value...)
	}
	x.out = append(out, "\r\n\r\n"...)
}

// run sends the request over c and reads the answer. Its errors are those of the connection, or an *Error.
func (x *exchange) run(c *conn, body []byte) (Response, error) {
	x.reusable = false
	writeErr := x.write(c, body)
	response, err := x.read(c)
	if err != nil {
		if writeErr != nil && response.Status == 0 {
			err = writeErr
		}
		return response, err
	}
	// A receiver may answer and hang up before it has taken the whole request: the answer counts.
	x.reusable = x.reusable && writeErr == nil
	return response, nil
}

func (x *exchange) write(c *conn, body []byte) error {
	if len(x.out)+len(body) <= maxScratch {
		x.out = append(x.out, body...)
		body = nil
	}
	if _, err := c.Write(x.out); err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	if len(body) == 0 {
		return nil
	}
	if _, err := c.Write(body); err != nil {
		return fmt.Errorf("write request body: %w", err)
	}
	return nil
}

// read reads one answer, and of its body at most MaxAnswer bytes.
func (x *exchange) read(c *conn) (Response, error) {
	c.readErr, c.got = nil, false
	x.in.Reset(c)
	x.answer.Reset()
	x.answer.StreamBody = true
	x.answer.Header.SetNoDefaultContentType(true)
	if err := x.answer.ReadLimitBody(x.in, 0); err != nil {
		return Response{}, c.readFault()
	}
	header := &x.answer.Header
	response := Response{
		Status:      header.StatusCode(),
		ContentType: field(header.ContentType()),
		RetryAfter:  field(header.Peek(fasthttp.HeaderRetryAfter)),
	}
	if response.Status < 200 {
		return Response{}, invalidResponse()
	}
	n, ok := x.readBody()
	// A body with a length or in chunks ends before the connection does; fasthttp does not always insist on it.
	if !ok || c.readErr != nil && header.ContentLength() != untilClose {
		return response, c.readFault()
	}
	response.Truncated = n > MaxAnswer
	if kept := min(n, MaxAnswer); kept > 0 {
		response.Body = append(make([]byte, 0, kept), x.body[:kept]...)
	}
	x.reusable = !response.Truncated && !header.ConnectionClose() && x.in.Buffered() == 0
	return response, nil
}

// readBody reads into x.body until that is full or the answer's body is complete; ok is false where it broke off.
func (x *exchange) readBody() (n int, ok bool) {
	stream := x.answer.BodyStream()
	if stream == nil {
		return 0, true
	}
	for n < len(x.body) {
		m, err := stream.Read(x.body[n:])
		n += m
		if err != nil {
			return n, errors.Is(err, io.EOF)
		}
	}
	return n, true
}

// readFault tells why reading an answer failed: the connection's own error, or that what came is no HTTP. A peer that
// hangs up before the first byte has not answered; one that hangs up later has answered badly.
func (c *conn) readFault() error {
	if c.readErr == nil || errors.Is(c.readErr, io.EOF) && c.got {
		return invalidResponse()
	}
	return c.readErr
}

// field copies the start of a header field.
func field(value []byte) string { return string(value[:min(len(value), maxField)]) }
