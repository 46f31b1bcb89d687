package server

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"github.com/switchhook/switchhook/internal/limit"
	"github.com/switchhook/switchhook/internal/problem"
)

func header(response *fasthttp.Response, name string) string {
	return string(response.Header.Peek(name))
}

func TestEveryAnswerOfALimitedRouteTellsTheLimit(t *testing.T) {
	t.Parallel()
	g := newGate(t, func(o *Options) { o.APIRate = limit.Rate{Limit: 3, Period: time.Minute} })
	g.route(route{"GET", "/ok", userOrKey, true, false, whoAmI})
	g.route(route{"GET", "/bad", userOrKey, true, false, func(*request) (answer, error) { return answer{}, problem.NotFoundOf("thing") }})
	g.route(route{"GET", "/panic", userOrKey, true, false, func(*request) (answer, error) { panic("a bug") }})
	g.route(route{"GET", "/free", userOrKey, false, false, whoAmI})
	key := "X-Api-Key: " + g.keyText
	for i, c := range []struct {
		path      string
		status    int
		remaining string
	}{{"/ok", 200, "2"}, {"/bad", 404, "1"}, {"/panic", 500, "0"}, {"/ok", 429, "0"}} {
		response := g.call(t, "GET", c.path, "", key)
		requireAnswer(t, response, c.status, "")
		require.Equal(t, "3", header(response, limitHeader), i)
		require.Equal(t, c.remaining, header(response, remainingHeader), i)
		reset, err := strconv.ParseInt(header(response, resetHeader), 10, 64)
		require.NoError(t, err)
		require.InDelta(t, time.Now().Add(time.Minute).Unix(), reset, 5)
	}
	response := g.call(t, "GET", "/bad", "", key)
	refused := read[struct {
		Code, Message string
		RetryAfter    int `json:"retry_after"`
	}](t, response, 429)
	require.Equal(t, problem.RateLimited, refused.Code)
	require.Equal(t, "You are being rate limited.", refused.Message)
	require.Equal(t, header(response, "Retry-After"), strconv.Itoa(refused.RetryAfter))
	require.Positive(t, refused.RetryAfter)

	requireAnswer(t, g.call(t, "GET", "/free", "", key), 200, "")
	require.Empty(t, header(g.call(t, "GET", "/free", "", key), limitHeader))
	require.Empty(t, header(g.call(t, "GET", "/ok", "", "X-Api-Key: wrong"), limitHeader), "nobody is known whose limit it were")
}

func TestEachKeyAndEachUserHasALimitOfItsOwn(t *testing.T) {
	t.Parallel()
	g := newGate(t, func(o *Options) { o.APIRate = limit.Rate{Limit: 1, Period: time.Minute} })
	g.route(route{"GET", "/ok", userOrKey, true, false, whoAmI})
	_, second, err := g.Accounts.CreateKey(t.Context(), g.token.Account.ID, g.Accounts.IDs().New("key"), "second")
	require.NoError(t, err)
	for _, credential := range []string{g.keyText, second.Reveal(), g.token.Text.Reveal()} {
		requireAnswer(t, g.call(t, "GET", "/ok", "", "Authorization: Bearer "+credential), 200, "")
		requireAnswer(t, g.call(t, "GET", "/ok", "", "Authorization: Bearer "+credential), 429, problem.RateLimited)
	}
}

func TestRequestsGoOnUncountedWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	g := newGate(t, func(o *Options) { o.APIRate = limit.Rate{Limit: 1, Period: time.Minute} })
	g.route(route{"GET", "/ok", userOrKey, true, false, whoAmI})
	g.stopRedis()
	for range 3 {
		response := g.call(t, "GET", "/ok", "", "X-Api-Key: "+g.keyText)
		requireAnswer(t, response, 200, "")
		require.Empty(t, header(response, limitHeader))
	}
}
