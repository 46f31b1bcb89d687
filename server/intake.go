package server

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"os"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/switchhook/switchhook/internal/problem"
)

const (
	// maxRead is how much of a body is read at all where no files are taken: more than is allowed, so that a body somewhat too large gets a
	// 413 and not a cut line.
	maxRead = 8 * maxBody
	// slowest is how fast, in bytes a second, a body with files must arrive after the server's read timeout. Slower ones are cut.
	slowest = 64 << 10
	// lingerTime and lingerBytes bound what is read of a body after its request was refused.
	lingerTime  = 2 * time.Second
	lingerBytes = 64 << 20
	// uploadTimeout bounds a request with files: the slowest that may send 256 MiB needs 68 minutes.
	uploadTimeout = 75 * time.Minute
)

// errBodyTooLarge ends the reading of a body.
var errBodyTooLarge = errors.New("the body is too large")

// intake reads a request's body as it arrives. The server streams all bodies (fasthttp's StreamRequestBody), which by itself bounds neither
// their size nor their time, and takes one that is cut off for a whole one.
type intake struct {
	stream io.Reader
	conn   net.Conn
	length int64 // Content-Length; -1: chunks
	most   int64
	read   int64
	start  time.Time
	grace  time.Duration // how long it may take at any speed; 0: the server's deadline holds
	err    error         // what ended it, but io.EOF
}

// Read reads on. After an error that is not io.EOF it reads no further.
func (in *intake) Read(p []byte) (int, error) {
	if in.err != nil {
		return 0, in.err
	}
	if in.length > in.most {
		in.err = errBodyTooLarge
		return 0, in.err
	}
	if in.grace > 0 {
		_ = in.conn.SetReadDeadline(in.start.Add(in.grace + time.Duration(in.read)*time.Second/slowest)) // without one the read fails too
	}
	n, err := in.stream.Read(p)
	in.read += int64(n)
	switch {
	case in.read > in.most:
		err = errBodyTooLarge
	case errors.Is(err, io.EOF) && in.length >= 0 && in.read < in.length:
		err = io.ErrUnexpectedEOF
	}
	if err != nil && !errors.Is(err, io.EOF) {
		in.err = err
	}
	return n, err
}

// intake returns the reader of a body that nobody has read yet, or nil where it is here already.
func (s *Server) intake(r *request, most int64, grace time.Duration) *intake {
	stream := r.Request().BodyStream()
	if stream == nil {
		return nil
	}
	return &intake{
		stream: stream, conn: r.Context().Conn(), length: int64(max(r.Request().Header.ContentLength(), -1)), most: most, start: time.Now(), grace: grace,
	}
}

// takeBody reads a body whole before anything else is done, unless it is a form with files for a route that takes such.
func (s *Server) takeBody(r *request) error {
	if r.uploads() {
		return nil
	}
	in := s.intake(r, maxRead, 0)
	if in == nil {
		return nil
	}
	var body bytes.Buffer
	body.Grow(int(min(max(in.length, 0), 64<<10))) // what is only announced takes no memory
	if _, err := body.ReadFrom(in); err != nil {
		return s.cut(r, in)
	}
	r.Request().SetBodyRaw(body.Bytes())
	return nil
}

// cut gives a body up that cannot be read to its end, and with it the connection, unless the body is only somewhat too large.
func (s *Server) cut(r *request, in *intake) error {
	if !errors.Is(in.err, errBodyTooLarge) || in.length > in.most+maxRead {
		r.Context().SetConnectionClose()
	}
	switch {
	case errors.Is(in.err, errBodyTooLarge) && r.uploads():
		return problem.New(problem.BodyTooLarge, fmt.Sprintf("The request is larger than the %d MiB that this server takes with files.", in.most>>20))
	case errors.Is(in.err, errBodyTooLarge):
		return problem.New(problem.BodyTooLarge, "The body is larger than 1 MiB. Send media by URL instead.")
	case errors.Is(in.err, os.ErrDeadlineExceeded):
		return problem.New(problem.RequestTimeout, "The request did not arrive completely in time. Send it again, faster.")
	}
	return malformedRequest()
}

// uploads reports whether the request is a form with files for a route that takes such.
func (r *request) uploads() bool {
	if !r.route.takesFiles() {
		return false
	}
	kind, _, _ := mime.ParseMediaType(r.Get(fiber.HeaderContentType)) // also of one whose parameters are wrong
	return kind == fiber.MIMEMultipartForm
}

// drained wraps the handler of all requests: what a handler has left of a body is read, or else the connection is closed after the answer. A
// rest would be taken for the next request.
func (s *Server) drained(handle fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		handle(ctx)
		stream := ctx.RequestBodyStream()
		if stream == nil {
			return
		}
		if !ctx.Response.ConnectionClose() {
			if n, err := io.CopyN(io.Discard, stream, maxRead); n < maxRead && errors.Is(err, io.EOF) {
				return
			}
			ctx.SetConnectionClose()
		}
		linger(ctx)
	}
}

// linger sends the answer to a request whose body is not read to its end, and reads on for a moment before the connection is closed. Closing it at
// once would reset it, by the rules of TCP, and many a client would see that and not the answer.
func linger(ctx *fasthttp.RequestCtx) {
	conn := ctx.Conn()
	half, able := conn.(interface{ CloseWrite() error })
	if !able || ctx.Response.IsBodyStream() || conn.SetDeadline(time.Now().Add(lingerTime)) != nil {
		return // the server answers and closes it
	}
	ctx.Response.SkipBody = ctx.IsHead()
	out := bufio.NewWriter(conn)
	if ctx.Response.Write(out) == nil && out.Flush() == nil && half.CloseWrite() == nil {
		_, _ = io.CopyN(io.Discard, conn, lingerBytes) // whatever ends it, the connection is closed next
	}
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(net.Conn) {}) // after which the server closes it
}
