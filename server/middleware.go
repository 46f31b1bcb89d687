package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/problem"
)

// install registers the route table. What is not in it answers 404, or 405 where the path exists for other methods.
func (s *Server) install() {
	table := s.routes()
	if s.ProbesOnly {
		table = slices.DeleteFunc(table, func(r route) bool {
			return r.path != "/healthz" && r.path != "/readyz" && r.path != "/metrics"
		})
	}
	paths := map[string][]string{}
	for i := range table {
		r := &table[i]
		s.app.Add(r.method, r.path, s.serve(r))
		paths[r.path] = append(paths[r.path], r.method)
	}
	for path, methods := range paths {
		allow := strings.Join(methods, ", ")
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
		ctx, cancel := context.WithTimeout(context.Background(), handlerTimeout)
		defer cancel()
		r := &request{Ctx: c, ctx: ctx, id: s.requestID(c), route: rt}
		c.Set(fiber.HeaderXRequestID, r.id)
		c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
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

// handleSafely runs authentication, limits, idempotency and the handler; a panic becomes an internal error.
func (s *Server) handleSafely(r *request) (a answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = problem.Internal(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	if err := s.authenticate(r); err != nil {
		return answer{}, err
	}
	if err := s.takeLimit(r); err != nil {
		return answer{}, err
	}
	if r.route.idempotent && r.Get(idempotencyHeader) != "" {
		return s.once(r)
	}
	return r.route.handle(r)
}

func (s *Server) requestID(c *fiber.Ctx) string {
	given := c.Get(fiber.HeaderXRequestID)
	if given != "" && len(given) <= 64 && !strings.ContainsFunc(given, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return given
	}
	return s.Accounts.IDs().New("req")
}

func (s *Server) logAccess(r *request, started time.Time, failure error) {
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
	case fiber.StatusRequestHeaderFieldsTooLarge, fiber.StatusBadRequest:
		return problem.New(problem.InvalidField, "The request is not well-formed HTTP, or its headers are larger than 16 KiB.")
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
	c.Set(fiber.HeaderXRequestID, r.id)
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
	hops := strings.Split(c.Get(fiber.HeaderXForwardedFor), ",")
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
