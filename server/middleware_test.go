package server

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

func TestTheClientIsTheLastAddressThatNoProxyOfOursHas(t *testing.T) {
	t.Parallel()
	trusting := newGate(t, func(o *Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:aaaa::/48")}
	})
	trusting.route(route{"GET", "/ip", public, false, false, func(r *request) (answer, error) { return ok(trusting.clientIP(r.Ctx).String()) }})
	long := strings.Repeat("198.51.100.1, ", 500)
	for _, c := range []struct{ from, forwarded, want string }{
		{"203.0.113.9", "", "203.0.113.9"},
		{"203.0.113.9", "198.51.100.1", "203.0.113.9"},         // an untrusted peer says what it likes
		{"::ffff:203.0.113.9", "198.51.100.1", "203.0.113.9"},  // a mapped address is the address
		{"10.0.0.1", "", "10.0.0.1"},                           // a proxy that tells nothing
		{"10.0.0.1", "198.51.100.1", "198.51.100.1"},           // a proxy that tells
		{"::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"},    //
		{"10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"},  // the client invented the left one
		{"10.0.0.1", "198.51.100.1, 10.2.3.4", "198.51.100.1"}, // two proxies
		{"10.0.0.1", "198.51.100.1,10.2.3.4 ,10.5.6.7", "198.51.100.1"},
		{"10.0.0.1", "10.2.3.4", "10.2.3.4"},                        // a proxy calls for itself
		{"10.0.0.1", "rubbish", "10.0.0.1"},                         //
		{"10.0.0.1", "198.51.100.1, rubbish", "10.0.0.1"},           // what is right of an address must be readable
		{"10.0.0.1", "198.51.100.1, rubbish, 10.2.3.4", "10.2.3.4"}, //
		{"10.0.0.1", "2001:db8::1", "2001:db8::1"},
		{"2001:db8:aaaa::1", "2001:db8::1, 2001:db8:aaaa::2", "2001:db8::1"},
		{"10.0.0.1", long + "198.51.100.7", "198.51.100.7"},
		{"10.0.0.1", "1.2.3.4\r\nX-Forwarded-For: 198.51.100.7", "198.51.100.7"}, // a proxy that adds a line of its own
	} {
		headers := []string{"From: " + c.from}
		if c.forwarded != "" {
			headers = append(headers, "X-Forwarded-For: "+c.forwarded)
		}
		require.Equal(t, `"`+c.want+`"`, string(trusting.call(t, "GET", "/ip", "", headers...).Body()), "%+v", c)
	}
}

func TestEveryFailureBecomesAnAnswerThatTellsNoSecret(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	var failure error
	g.route(route{"GET", "/fail", public, false, false, func(*request) (answer, error) {
		if failure == nil {
			panic("a secret in a panic")
		}
		return answer{}, failure
	}})
	for _, c := range []struct {
		failure error
		status  int
		code    string
		header  string
	}{
		{nil, 500, problem.InternalError, ""},
		{errors.New("pq: secret detail"), 500, problem.InternalError, ""},
		{fmt.Errorf("wrapped: %w", problem.New(problem.WindowExpired, "Wait.")), 403, problem.WindowExpired, ""},
		{problem.Unavailable(errors.New("secret")), 503, problem.ServiceUnavailable, "Retry-After: 5"},
		{&problem.Error{Code: problem.RateLimited, Message: "You are being rate limited.", RetryAfter: 1500 * time.Millisecond}, 429, problem.RateLimited, "Retry-After: 2"},
		{context.DeadlineExceeded, 503, problem.ServiceUnavailable, "Retry-After: 5"},
		{problem.New(problem.Unauthorized, "Log in."), 401, problem.Unauthorized, `Www-Authenticate: Bearer realm="switchhook"`},
		{problem.New("no_such_code", "x"), 500, "no_such_code", ""},
		{fiber.ErrRequestEntityTooLarge, 413, problem.BodyTooLarge, ""},
		{fiber.ErrRequestTimeout, 408, problem.RequestTimeout, ""},
		{fiber.ErrRequestHeaderFieldsTooLarge, 400, problem.InvalidField, ""},
		{store.ErrNotFound, 500, problem.InternalError, ""},
	} {
		failure = c.failure
		response := g.call(t, "GET", "/fail", "", "X-Request-Id: mine-1")
		requireAnswer(t, response, c.status, c.code)
		require.NotContains(t, string(response.Body()), "secret")
		require.Contains(t, string(response.Body()), `"requestId":"mine-1"`)
		require.Contains(t, response.Header.String(), c.header)
		require.Equal(t, "application/json", string(response.Header.ContentType()))
		require.Equal(t, "nosniff", string(response.Header.Peek("X-Content-Type-Options")))
		require.Equal(t, "no-store", string(response.Header.Peek("Cache-Control")))
		require.Equal(t, "mine-1", string(response.Header.Peek("X-Request-Id")))
	}
	failure = &problem.Error{Code: problem.RateLimited, Message: "You are being rate limited.", RetryAfter: 7456 * time.Second}
	require.Contains(t, string(g.call(t, "GET", "/fail", "").Body()), `"retry_after":7456`)
	for _, id := range []string{"a b", strings.Repeat("x", 65), "ä"} {
		require.Regexp(t, `^req_[0-9a-z]{26}$`, string(g.call(t, "GET", "/fail", "", "X-Request-Id: "+id).Header.Peek("X-Request-Id")))
	}
}

func TestBytesThatNoIDHasAreRefusedBeforeTheDatabase(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	reached := func(*request) (answer, error) { return ok("reached") }
	g.route(route{"GET", "/things/:id", userOrKey, false, false, reached})
	g.route(route{"GET", "/callback", public, false, false, reached})
	key := "X-Api-Key: " + g.keyText
	requireAnswer(t, g.call(t, "GET", "/things/a%00", "", key), 200, "") // it stays encoded, and is no id
	requireAnswer(t, g.call(t, "GET", "/things/"+strings.Repeat("x", 8000), "", key), 200, "")
	requireAnswer(t, g.call(t, "GET", "/things/a?q=%C3%A4&r=%20", "", key), 200, "")
	requireAnswer(t, g.call(t, "GET", "/things/\xff", "", key), 404, problem.RouteNotFound)
	for _, query := range []string{"q=%00", "q=%ff", "%00=q", "q=a&r=b%00c", "q=\xff"} {
		requireAnswer(t, g.call(t, "GET", "/things/a?"+query, "", key), 400, problem.InvalidField)
	}
	requireAnswer(t, g.call(t, "GET", "/callback?q=%ff%00", ""), 200, "")
}

func TestPagingTakesWhatListsHaveAnsweredWith(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	var page store.Page
	g.route(route{"GET", "/list", public, false, false, func(r *request) (answer, error) {
		var err error
		if page, err = r.page("msg"); err != nil {
			return answer{}, err
		}
		return listOf([]string{"msg_b", "msg_a"}[:min(2, page.Limit)], page, func(s string) string { return s }, func(s string) string { return s })
	}})
	cursor := g.Accounts.IDs().New("msg")
	for query, want := range map[string]store.Page{
		"": {Limit: 25}, "limit=1": {Limit: 1}, "limit=100": {Limit: 100}, "limit=&cursor=": {Limit: 25}, "cursor=" + cursor: {Limit: 25, Before: cursor},
	} {
		requireAnswer(t, g.call(t, "GET", "/list?"+query, ""), 200, "")
		require.Equal(t, want, page, query)
	}
	for query, code := range map[string]string{
		"limit=0": problem.InvalidField, "limit=101": problem.InvalidField, "limit=-1": problem.InvalidField, "limit=x": problem.InvalidField,
		"limit=1e1": problem.InvalidField, "limit=99999999999999999999": problem.InvalidField, "cursor=x": problem.InvalidCursor,
		"cursor=" + g.Accounts.IDs().New("evt"): problem.InvalidCursor, "cursor=" + cursor + "x": problem.InvalidCursor,
	} {
		requireAnswer(t, g.call(t, "GET", "/list?"+query, ""), 400, code)
	}
	require.JSONEq(t, `{"data":["msg_b","msg_a"],"nextCursor":null}`, string(g.call(t, "GET", "/list", "").Body()))
	require.JSONEq(t, `{"data":["msg_b"],"nextCursor":"msg_b"}`, string(g.call(t, "GET", "/list?limit=1", "").Body()))
}

func FuzzCursor(f *testing.F) {
	f.Add("msg_01kaj5v0x7fm2zq4w9b3c8d6ea")
	f.Add("msg_\x00")
	f.Fuzz(func(t *testing.T, cursor string) {
		app := fiber.New()
		ctx := app.AcquireCtx(newRequestCtx(cursor))
		defer app.ReleaseCtx(ctx)
		page, err := (&request{Ctx: ctx}).page("msg")
		if err != nil {
			var p *problem.Error
			require.ErrorAs(t, err, &p)
			return
		}
		require.True(t, page.Before == "" || (len(page.Before) == 30 && storable(page.Before)))
	})
}

func newRequestCtx(cursor string) *fasthttp.RequestCtx {
	var ctx fasthttp.RequestCtx
	ctx.Request.SetRequestURI("/list")
	ctx.Request.URI().QueryArgs().Set("cursor", cursor)
	return &ctx
}
