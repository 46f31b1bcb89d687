package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/problem"
)

// install registers the route table. What can be read with GET answers HEAD too. What is not in the table answers 404, or
// 405 where the path exists for other methods.
func (s *Server) install() {
	table := slices.Concat(s.routes(), s.aliases(), s.dashboardRoutes())
	if s.ProbesOnly {
		table = slices.DeleteFunc(table, func(r route) bool {
			return r.path != "/healthz" && r.path != "/readyz" && r.path != "/metrics"
		})
	}
	if !s.ProbesOnly {
		s.app.All(apiPrefix+"/v1/*", s.passThrough)
	}
	methods := map[string][]string{}
	var paths []string // in the table's order, in which the more special path comes first
	for i := range table {
		r := &table[i]
		s.app.Add(r.method, r.path, s.serve(r))
		if methods[r.path] == nil {
			paths = append(paths, r.path)
		}
		methods[r.path] = append(methods[r.path], r.method)
		if r.method == fiber.MethodGet {
			s.app.Add(fiber.MethodHead, r.path, s.serve(r)) // fasthttp leaves the body out
			methods[r.path] = append(methods[r.path], fiber.MethodHead)
		}
	}
	for _, path := range paths {
		allow := strings.Join(methods[path], ", ")
		refuse := route{path: path, handle: func(r *request) (answer, error) {
			r.Set(fiber.HeaderAllow, allow)
			return answer{}, problem.New(problem.MethodNotAllowed, "This address takes "+allow+" only.")
		}}
		s.app.All(path, s.serve(&refuse))
	}
	missing := route{path: "*", handle: func(*request) (answer, error) {
		return answer{}, problem.New(problem.RouteNotFound, "There is no such address. /docs lists all of them.")
	}}
	s.app.Use(s.serve(&missing))
}

// serve wraps a route's handler with everything that all routes share, in the order in which it happens.
func (s *Server) serve(rt *route) fiber.Handler {
	return func(c *fiber.Ctx) (err error) {
		started := s.Now()
		r := &request{Ctx: c, id: s.requestID(c), route: rt}
		within := handlerTimeout
		if r.uploads() {
			within = uploadTimeout
		}
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		r.ctx = ctx
		setCommonHeaders(r)
		a, failure := s.handleSafely(r)
		if failure != nil {
			err = s.writeError(r, failure)
		} else {
			err = writeAnswer(c, a)
		}
		s.logAccess(r, started, failure)
		return err
	}
}

// setCommonHeaders sets what every answer carries; a handler may replace it.
func setCommonHeaders(r *request) {
	r.Set(fiber.HeaderXRequestID, r.id)
	r.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	r.Set(fiber.HeaderCacheControl, "no-store") // answers hold messages and, once each, keys and secrets
}

// handleSafely runs authentication, limits, idempotency and the handler; a panic becomes an internal error.
func (s *Server) handleSafely(r *request) (a answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = problem.Internal(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	if err := checkFraming(r); err != nil {
		return answer{}, err
	}
	if err := s.takeBody(r); err != nil {
		return answer{}, s.withLimit(r, err)
	}
	if err := checkAddress(r); err != nil {
		return answer{}, err
	}
	if err := s.authenticate(r); err != nil {
		return answer{}, err
	}
	if err := s.takeLimit(r); err != nil {
		return answer{}, err
	}
	if r.route.idempotent && r.Get(idempotencyHeader) != "" && !r.uploads() { // an upload's handler does it, when it has the form
		return s.once(r)
	}
	return r.route.handle(r)
}

// checkFraming refuses what fasthttp lets pass and a proxy before us may have understood in another way, so that what it takes for one
// request's body is never our next request: a length beside chunks, headers that go on in the next line, and lines that end without CR. The
// connection is closed then.
func checkFraming(r *request) error {
	length, chunks, odd := false, false, false
	for line := range bytes.Lines(r.Request().Header.RawHeaders()) {
		name, _, _ := bytes.Cut(line, []byte(":"))
		length = length || bytes.EqualFold(name, []byte(fiber.HeaderContentLength))
		chunks = chunks || bytes.EqualFold(name, []byte(fiber.HeaderTransferEncoding))
		odd = odd || line[0] == ' ' || line[0] == '\t' || !bytes.HasSuffix(line, []byte("\r\n"))
	}
	if odd || (length && chunks) {
		r.Context().SetConnectionClose()
		return malformedRequest()
	}
	return nil
}

func malformedRequest() *problem.Error {
	return problem.New(problem.InvalidField, "The request is not well-formed HTTP, or its headers are larger than 16 KiB.")
}

// checkAddress refuses what no id, filter or cursor can be: bytes that are not UTF-8, and NUL. The database would refuse them.
// The queries of callbacks are the providers' and are left to their connectors.
func checkAddress(r *request) error {
	if !storable(r.Path()) {
		return problem.New(problem.RouteNotFound, "There is no such address. /docs lists all of them.")
	}
	if r.route.access == public {
		return nil
	}
	for name, value := range r.Request().URI().QueryArgs().All() {
		if !storable(string(name)) || !storable(string(value)) {
			return problem.InvalidOne(strings.ToValidUTF8(string(name), ""), "The query must be percent-encoded UTF-8 without NUL.")
		}
	}
	return nil
}

// storable says whether a text can stand in the database: PostgreSQL takes neither broken UTF-8 nor NUL.
func storable(text string) bool { return utf8.ValidString(text) && !strings.Contains(text, "\x00") }

func (s *Server) requestID(c *fiber.Ctx) string {
	given := c.Get(fiber.HeaderXRequestID)
	if given != "" && len(given) <= 64 && !strings.ContainsFunc(given, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return given
	}
	return s.Accounts.IDs().New("req")
}

func (s *Server) logAccess(r *request, started time.Time, failure error) {
	if _, inside := r.inside(); inside {
		return
	}
	took := s.Now().Sub(started)
	status := r.Response().StatusCode()
	s.Metrics.ObserveRequest(r.Method(), r.route.path, status, took)
	level := slog.LevelDebug
	if status >= 500 {
		level = slog.LevelError
	}
	if !s.Logger.Enabled(r.ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request_id", r.id), slog.String("method", r.Method()), slog.String("route", r.route.path),
		slog.Int("status", status), slog.Int64("duration_ms", took.Milliseconds()), slog.String("account_id", r.principal.AccountID),
	}
	if failure != nil {
		attrs = append(attrs, slog.String("error", failure.Error()))
	}
	s.Logger.LogAttrs(r.ctx, level, "http.request", attrs...)
}

// writeError is the one writer of errors.
func (s *Server) writeError(r *request, failure error) error {
	p := asProblem(failure)
	if p.RetryAfter > 0 {
		r.Set(fiber.HeaderRetryAfter, retryAfterSeconds(p.RetryAfter))
	}
	if p.Status() == fiber.StatusUnauthorized {
		r.Set(fiber.HeaderWWWAuthenticate, `Bearer realm="switchhook"`)
	}
	body := errorBody{Code: p.Code, Message: p.Message, Field: p.Field, RequestID: r.id, Errors: p.Fields, Provider: p.Provider}
	if p.Code == problem.RateLimited {
		seconds := int64((p.RetryAfter + time.Second - 1) / time.Second)
		body.RetryAfter = &seconds
	}
	return writeAnswer(r.Ctx, answer{status: p.Status(), body: body})
}

type errorBody struct {
	Code       string          `json:"code"`
	Message    string          `json:"message"`
	Field      string          `json:"field,omitempty"`
	RetryAfter *int64          `json:"retry_after,omitempty"`
	RequestID  string          `json:"requestId"`
	Errors     []problem.Field `json:"errors,omitempty"`
	Provider   any             `json:"provider,omitempty"`
}

// asProblem turns any failure into what users see. An unknown one is internal: its text goes to the log only.
func asProblem(failure error) *problem.Error {
	var p *problem.Error
	if errors.As(failure, &p) {
		return p
	}
	var f *fiber.Error
	if errors.As(failure, &f) {
		return fiberProblem(f)
	}
	if errors.Is(failure, context.DeadlineExceeded) {
		return problem.Unavailable(failure)
	}
	return problem.Internal(failure)
}

func fiberProblem(f *fiber.Error) *problem.Error {
	switch f.Code {
	case fiber.StatusRequestEntityTooLarge:
		return problem.New(problem.BodyTooLarge, "The body is larger than 1 MiB. Send media by URL instead.")
	case fiber.StatusRequestTimeout:
		return problem.New(problem.RequestTimeout, "The request did not arrive completely in time. Send it again, faster.")
	case fiber.StatusRequestHeaderFieldsTooLarge, fiber.StatusBadRequest:
		return malformedRequest()
	case fiber.StatusNotFound:
		return problem.New(problem.RouteNotFound, "There is no such address. /docs lists all of them.")
	case fiber.StatusMethodNotAllowed:
		return problem.New(problem.MethodNotAllowed, "This address does not take that method.")
	}
	return problem.Internal(f)
}

// fiberError answers what fails before a route is found.
func (s *Server) fiberError(c *fiber.Ctx, err error) error {
	r := &request{Ctx: c, ctx: context.Background(), id: s.requestID(c), route: &route{path: "*"}}
	setCommonHeaders(r)
	return s.writeError(r, err)
}

// clientIP returns who is calling. X-Forwarded-For is believed from trusted proxies only, and read from its right end: the
// first address that is not a trusted proxy is the client, because everything left of it may be invented.
func (s *Server) clientIP(c *fiber.Ctx) netip.Addr {
	remote, ok := netip.AddrFromSlice(c.Context().RemoteIP())
	if !ok {
		return netip.IPv4Unspecified()
	}
	remote = remote.Unmap()
	if !s.trusted(remote) {
		return remote
	}
	// A proxy may add a line of its own below the client's: all of them count as one list.
	hops := strings.Split(string(bytes.Join(c.Request().Header.PeekAll(fiber.HeaderXForwardedFor), []byte(","))), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return remote
		}
		remote = hop.Unmap()
		if !s.trusted(remote) {
			return remote
		}
	}
	return remote
}

func (s *Server) trusted(ip netip.Addr) bool {
	for _, prefix := range s.TrustedProxies {
		if prefix.Contains(ip) {
			return true
		}
	}
	return false
}
