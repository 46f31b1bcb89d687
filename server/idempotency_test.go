package server

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"github.com/switchhook/switchhook/internal/problem"
)

// things is a handler that makes a thing each time it runs, or what a test puts in its place.
type things struct {
	*gate
	runs   atomic.Int64
	handle func(*request) (answer, error)
}

func newThings(t *testing.T) *things {
	t.Helper()
	g := &things{gate: newGate(t)}
	g.handle = func(r *request) (answer, error) {
		return created(map[string]string{"id": r.newID("thing", g.Accounts.IDs()), "html": "<b>"})
	}
	run := func(r *request) (answer, error) {
		g.runs.Add(1)
		return g.handle(r)
	}
	g.route(route{"POST", "/things", userOrKey, false, true, run})
	g.route(route{"POST", "/others", userOrKey, false, true, run})
	return g
}

// post makes a thing with an Idempotency-Key.
func (g *things) post(t *testing.T, key, body string, headers ...string) *fasthttp.Response {
	t.Helper()
	return g.call(t, "POST", "/things", body, append([]string{"X-Api-Key: " + g.keyText, "Idempotency-Key: " + key}, headers...)...)
}

func TestTheSameKeyActsOnceAndGivesTheSameAnswer(t *testing.T) {
	t.Parallel()
	g := newThings(t)
	first := g.post(t, "k", `{"a":1}`)
	requireAnswer(t, first, 201, "")
	require.Empty(t, header(first, replayedHeader))
	require.Contains(t, string(first.Body()), "<b>")
	again := g.post(t, "k", `{"a":1}`)
	requireAnswer(t, again, 201, "")
	require.Equal(t, "true", header(again, replayedHeader))
	require.Equal(t, string(first.Body()), string(again.Body()))
	require.Equal(t, header(first, "Content-Type"), header(again, "Content-Type"))
	require.EqualValues(t, 1, g.runs.Load())

	require.NotEqual(t, string(first.Body()), string(g.post(t, "k2", `{"a":1}`).Body()))
	_, _, others := g.tenant(t, "bob")
	theirs := g.call(t, "POST", "/things", `{"a":1}`, "X-Api-Key: "+others, "Idempotency-Key: k")
	require.Empty(t, header(theirs, replayedHeader), "another account's key is another key")
	require.NotEqual(t, string(first.Body()), string(theirs.Body()))
	g.post(t, "", `{"a":1}`)
	g.post(t, "", `{"a":1}`)
	require.EqualValues(t, 5, g.runs.Load())
}

func TestAnAnswerWithoutABodyIsRepeatedToo(t *testing.T) {
	t.Parallel()
	g := newThings(t)
	g.handle = func(*request) (answer, error) { return noContent() }
	for _, replayed := range []string{"", "true"} {
		response := g.post(t, "k", "")
		requireAnswer(t, response, 204, "")
		require.Empty(t, response.Body())
		require.Equal(t, replayed, header(response, replayedHeader))
	}
}

func TestTheSameKeyWithAnotherRequestIsAConflict(t *testing.T) {
	t.Parallel()
	g := newThings(t)
	g.post(t, "k", `{"a":1}`)
	requireAnswer(t, g.post(t, "k", `{"a":2}`), 409, problem.IdempotencyConflict)
	for _, path := range []string{"/others", "/things?x=1"} {
		requireAnswer(t, g.call(t, "POST", path, `{"a":1}`, "X-Api-Key: "+g.keyText, "Idempotency-Key: k"), 409, problem.IdempotencyConflict)
	}
	require.EqualValues(t, 1, g.runs.Load())
}

func TestAMalformedIdempotencyKeyIsRefused(t *testing.T) {
	t.Parallel()
	g := newThings(t)
	for _, key := range []string{strings.Repeat("k", 256), "ä", "a\tb"} {
		requireAnswer(t, g.post(t, key, "{}"), 400, problem.InvalidField)
	}
	requireAnswer(t, g.post(t, "k", "{}", "Content-Encoding: gzip"), 415, problem.EncodedBody)
	require.Zero(t, g.runs.Load())
	requireAnswer(t, g.post(t, strings.Repeat("k", 255), "{}"), 201, "")
}

func TestWhatACallLeavesBehindWhenItFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		failure  error
		status   int
		runs     int64 // of two calls
		sameSeed bool  // of the second run
	}{
		"refused":                      {problem.InvalidOne("to", "to is wrong."), 400, 2, false},
		"rejected by the network":      {problem.New(problem.MessageRejected, "No."), 400, 2, false},
		"the network is away":          {problem.New(problem.ProviderUnavailable, "No."), 503, 2, false},
		"the outcome is unknown":       {problem.New(problem.Unconfirmed, "Perhaps."), 504, 1, true},
		"a bug of ours":                {errors.New("a bug"), 500, 2, true},
		"the database may have stored": {problem.Unavailable(errors.New("lost connection")), 503, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newThings(t)
			var seeds []string
			g.handle = func(r *request) (answer, error) {
				seeds = append(seeds, r.seed)
				return answer{}, c.failure
			}
			first := g.post(t, "k", "{}")
			require.Equal(t, c.status, first.StatusCode())
			second := g.post(t, "k", "{}")
			require.Equal(t, c.status, second.StatusCode())
			require.Equal(t, c.runs, g.runs.Load())
			require.NotEmpty(t, seeds[0])
			if c.runs == 1 {
				require.Equal(t, string(first.Body()), string(second.Body()))
				require.Equal(t, "true", header(second, replayedHeader))
				return
			}
			require.Equal(t, c.sameSeed, seeds[0] == seeds[1])
			if !c.sameSeed { // the mistake can be corrected under the same key
				g.handle = func(*request) (answer, error) { return created("made") }
				requireAnswer(t, g.post(t, "k", `{"corrected":true}`), 201, "")
			}
		})
	}
}

func TestAfterAPanicARepeatGoesOnWithTheSameSeed(t *testing.T) {
	t.Parallel()
	g := newThings(t)
	var seed string
	makeThing := g.handle
	g.handle = func(r *request) (answer, error) {
		seed = r.seed
		panic("a bug")
	}
	requireAnswer(t, g.post(t, "k", "{}"), 500, problem.InternalError)
	g.handle = makeThing
	response := g.post(t, "k", "{}")
	requireAnswer(t, response, 201, "")
	require.Contains(t, string(response.Body()), `"thing_`+seed+`"`)
}

func TestACallInProgressIsBusyUntilItsOwnerIsDead(t *testing.T) {
	t.Parallel()
	g := newThings(t)
	started, finish := make(chan struct{}), make(chan struct{})
	makeThing := g.handle
	g.handle = func(r *request) (answer, error) {
		close(started)
		<-finish
		return makeThing(r)
	}
	done := make(chan *fasthttp.Response, 1)
	go func() { done <- g.post(t, "k", "{}") }()
	<-started
	busy := g.post(t, "k", "{}")
	requireAnswer(t, busy, 409, problem.IdempotencyBusy)
	require.Equal(t, "1", header(busy, "Retry-After"))
	close(finish)
	first := <-done
	requireAnswer(t, first, 201, "")
	require.Equal(t, string(first.Body()), string(g.post(t, "k", "{}").Body()))
}

func TestACallOfADeadProcessIsTakenOverWithItsSeed(t *testing.T) {
	t.Parallel()
	g := newThings(t)
	makeThing := g.handle
	var taken *fasthttp.Response
	g.handle = func(r *request) (answer, error) {
		g.handle, g.WorkerID = makeThing, "worker_1" // while this process works on it, another one is asked
		requireAnswer(t, g.post(t, "k", "{}"), 409, problem.IdempotencyBusy)
		require.NoError(t, g.Store.RemoveWorkerAny(r.ctx, "worker_2")) // now this one counts as dead
		taken = g.post(t, "k", "{}")
		requireAnswer(t, taken, 201, "")
		require.Contains(t, string(taken.Body()), `"thing_`+r.seed+`"`)
		return ok("too late")
	}
	require.NoError(t, g.Store.BeatAny(t.Context(), "worker_2", time.Now()))
	g.WorkerID = "worker_2"
	requireAnswer(t, g.post(t, "k", "{}"), 200, "")
	require.Equal(t, string(taken.Body()), string(g.post(t, "k", "{}").Body()), "the answer of the one who took over stays")
}

func TestNothingIsDoneWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	g := newThings(t)
	require.NoError(t, g.Store.Close())
	requireAnswer(t, g.post(t, "k", "{}"), 503, problem.ServiceUnavailable)
	require.Zero(t, g.runs.Load())
}
