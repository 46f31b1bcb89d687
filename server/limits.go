package server

import (
	"errors"
	"strconv"
	"time"

	"github.com/switchhook/switchhook/internal/account"
	"github.com/switchhook/switchhook/internal/incoming"
	"github.com/switchhook/switchhook/internal/limit"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

// The headers of every answer of a limited route (api.md); Reset is in epoch seconds.
const (
	limitHeader     = "X-RateLimit-Limit"
	remainingHeader = "X-RateLimit-Remaining"
	resetHeader     = "X-RateLimit-Reset"
)

// takeLimit counts the request against the rate of its API key, its user or its incoming webhook. While Redis is away requests are neither
// counted nor refused, and their answers carry no such headers.
func (s *Server) takeLimit(r *request) error {
	if _, inside := r.inside(); inside || !r.route.limited {
		return nil
	}
	key, rate := "api:"+limitKey(r.principal), s.APIRate
	if r.incoming != nil {
		key, rate = hookKey(r.incoming), incoming.Rate(r.incoming)
	}
	result, err := s.Limiter.Take(r.ctx, key, rate)
	if errors.Is(err, limit.ErrUnavailable) {
		return nil
	}
	if err != nil {
		return err
	}
	r.Set(limitHeader, strconv.FormatInt(result.Limit, 10))
	r.Set(remainingHeader, strconv.FormatInt(result.Remaining, 10))
	r.Set(resetHeader, strconv.FormatInt(result.Reset.Unix(), 10))
	if !result.Allowed {
		return rateLimited(result, s.Now())
	}
	return nil
}

// hookKey is what the requests to an incoming webhook are counted by.
func hookKey(w *store.IncomingWebhook) string { return "incoming:" + w.ID }

// withLimit is the answer to a request whose body cannot be taken. To an incoming webhook it counts, and tells the limit, as any other does.
func (s *Server) withLimit(r *request, failure error) error {
	if r.route.access != hookToken {
		return failure
	}
	if err := s.authenticate(r); err != nil {
		return err
	}
	if err := s.takeLimit(r); err != nil {
		return err
	}
	return failure
}

func limitKey(p account.Principal) string {
	if p.Kind == account.KindKey {
		return p.KeyID
	}
	return p.UserID
}

// rateLimited is the answer to a request too many, in the contract's words.
func rateLimited(result limit.Result, now time.Time) error {
	return &problem.Error{
		Code: problem.RateLimited, Message: "You are being rate limited.", RetryAfter: max(result.Reset.Sub(now), time.Second),
	}
}
