package server

import (
	"context"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/switchhook/switchhook/internal/account"
	"github.com/switchhook/switchhook/server/web"
)

// insider marks a request that was made within the process: who it acts for is known, and it is neither counted against a rate limit nor logged
// as a request. No header can set it.
type insider struct{}

// inside returns the principal of a request that was made within the process.
func (r *request) inside() (account.Principal, bool) {
	principal, found := r.Context().UserValue(insider{}).(account.Principal)
	return principal, found
}

// Call makes a call of the HTTP interface within the process, for the dashboard: see web.API. The handler's own time limit holds; ctx is looked at
// only before.
func (s *Server) Call(ctx context.Context, as account.Principal, c web.Call) (int, []byte) {
	var r fasthttp.Request
	r.Header.SetMethod(c.Method)
	r.SetRequestURI(c.Target)
	r.Header.SetHost("localhost")
	if c.Idempotency != "" {
		r.Header.Set(idempotencyHeader, c.Idempotency)
	}
	if c.ContentType != "" {
		r.Header.SetContentType(c.ContentType)
	}
	if len(c.Body) > 0 {
		r.SetBodyRaw(c.Body)
	}
	if ctx.Err() != nil {
		return fiber.StatusServiceUnavailable, []byte(`{"code":"service_unavailable","message":"The request took too long. Try again."}`)
	}
	var inner fasthttp.RequestCtx
	inner.Init(&r, nil, nil)
	inner.SetUserValue(insider{}, as)
	s.handler(&inner)
	return inner.Response.StatusCode(), inner.Response.Body()
}
