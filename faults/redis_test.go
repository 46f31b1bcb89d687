//go:build linux

package faults

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// outage is how long Redis stays away.
const outage = 60 * time.Second

// failFirst refuses the first attempt of every delivery, so that each needs an alarm.
func failFirst() behaviour {
	var mu sync.Mutex
	seen := map[string]bool{}
	return func(_ context.Context, a arrival) (int, string) {
		mu.Lock()
		defer mu.Unlock()
		if seen[a.delivery] {
			return http.StatusOK, "{}"
		}
		seen[a.delivery] = true
		return http.StatusServiceUnavailable, ""
	}
}

// metrics returns the text of /metrics, which must be there.
func (n *node) metrics() string {
	n.t.Helper()
	request, err := http.NewRequestWithContext(n.t.Context(), http.MethodGet, n.url+"/metrics", nil)
	require.NoError(n.t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(n.t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(n.t, err)
	require.Equal(n.t, http.StatusOK, response.StatusCode)
	return string(text)
}

// One process takes the messages and wakes the other, which delivers, and each delivery needs an alarm for its second attempt.
func TestFlushAllUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	s := newSiteOnEngines(t)
	api := s.up("ROLE=api")
	worker := s.up("ROLE=worker")
	s.receiver.answers(failFirst())
	l := s.load(4, 10*time.Millisecond, api)
	for range 8 {
		l.awaitMore(150)
		s.redis.FlushAll()
	}
	ids := l.stop()
	found := s.check(api, ids, takeover)
	require.Empty(t, found.failures())
	require.Equal(t, len(found.deliveries), found.repeated(), "each delivery takes two attempts")

	require.True(t, api.alive())
	require.True(t, worker.alive())
	for _, n := range []*node{api, worker} {
		await(t, soon, "the queue to be in the metrics", func() bool { return strings.Contains(n.metrics(), "asynq_queue_size") })
	}
	more := s.accept(api, "after", 10)
	s.receiver.awaitAll(t, more, soon)
	require.Empty(t, s.check(api, append(ids, more...), takeover).failures())
}

func TestWithoutRedisForAMinuteAndAtStartTheProductWorksOn(t *testing.T) {
	t.Parallel()
	s := newSiteOnEngines(t)
	api := s.up("ROLE=api")
	worker := s.up("ROLE=worker")
	require.Equal(t, http.StatusOK, s.login(api))

	s.redis.Kill()
	api.kill()
	worker.kill()
	api.start()
	worker.start()
	away := time.Now()
	s.receiver.answers(failFirst())
	l := s.load(2, 50*time.Millisecond, api)
	for time.Since(away) < outage {
		l.awaitMore(100)
		require.Equal(t, http.StatusServiceUnavailable, s.login(api))
		require.Equal(t, http.StatusOK, api.get("/readyz"))
		require.Equal(t, http.StatusOK, worker.get("/readyz"))
		require.Equal(t, http.StatusOK, s.call(api, http.MethodGet, "/v1/me", nil, nil))
		worker.metrics()
	}
	during := l.stop()
	require.Equal(t, len(during), l.answers[http.StatusOK])
	require.Len(t, l.answers, 1, "each message is taken: %v", l.answers)
	// All of it is delivered while Redis is still away, second attempts too.
	found := s.check(api, during, takeover)
	require.Empty(t, found.failures())

	s.redis.Start()
	await(t, soon, "logins to work again", func() bool { return s.login(api) == http.StatusOK })
	await(t, soon, "the queue to be in the metrics", func() bool { return strings.Contains(worker.metrics(), "asynq_queue_size") })
	l = s.load(2, 10*time.Millisecond, api)
	l.awaitMore(100)
	s.redis.Kill()
	l.awaitMore(100)
	s.redis.Start()
	l.awaitMore(100)
	after := l.stop()
	require.Empty(t, s.check(api, append(during, after...), takeover).failures())
	require.True(t, api.alive())
	require.True(t, worker.alive())
}

func (s *site) login(n *node) int {
	s.t.Helper()
	return s.call(n, http.MethodPost, "/v1/auth/login", map[string]string{"email": email, "password": password}, nil)
}
