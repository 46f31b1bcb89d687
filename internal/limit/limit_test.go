package limit_test

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/limit"
	"github.com/switchhook/switchhook/internal/redisdb"
	"github.com/switchhook/switchhook/internal/testenv"
)

// client opens its own connections, as a further process would. An empty URL is the embedded server.
func client(t testing.TB, url string) redis.UniversalClient {
	t.Helper()
	db, err := redisdb.Open(t.Context(), redisdb.Options{URL: url, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db.Client()
}

func newLimiter(t testing.TB, c redis.UniversalClient) *limit.Limiter {
	t.Helper()
	l, err := limit.New(limit.Options{Client: c, Prefix: "test", Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return l
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	c, log := client(t, ""), slog.New(slog.DiscardHandler)
	for name, o := range map[string]limit.Options{
		"Client": {Prefix: "p", Logger: log},
		"Prefix": {Client: c, Logger: log},
		"Logger": {Client: c, Prefix: "p"},
	} {
		_, err := limit.New(o)
		require.ErrorContains(t, err, "Options."+name)
	}
}

func TestTakeCountsDownAndThenRefuses(t *testing.T) {
	t.Parallel()
	l, rate := newLimiter(t, client(t, "")), limit.Rate{Limit: 3, Period: time.Hour}
	for want := int64(2); want >= 0; want-- {
		got, err := l.Take(t.Context(), "a", rate)
		require.NoError(t, err)
		require.True(t, got.Allowed)
		require.Equal(t, int64(3), got.Limit)
		require.Equal(t, want, got.Remaining)
		require.WithinDuration(t, time.Now().Add(time.Hour), got.Reset, 2*time.Second)
	}
	got, err := l.Take(t.Context(), "a", rate)
	require.NoError(t, err)
	require.False(t, got.Allowed)
	require.Zero(t, got.Remaining)

	left, err := l.Peek(t.Context(), "a", rate)
	require.NoError(t, err)
	require.False(t, left.Allowed)
	for range 2 {
		left, err = l.Peek(t.Context(), "b", rate)
		require.NoError(t, err)
		require.True(t, left.Allowed)
		require.Equal(t, int64(3), left.Remaining, "looking takes nothing")
	}

	other, err := l.Take(t.Context(), "b", rate)
	require.NoError(t, err)
	require.True(t, other.Allowed)
}

func TestANewPeriodAllowsAgain(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"embedded": "", "real": testenv.Redis(t).URL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, rate := newLimiter(t, client(t, url)), limit.Rate{Limit: 1, Period: 700 * time.Millisecond}
			_, err := l.Take(t.Context(), "a", rate)
			require.NoError(t, err)
			require.Eventually(t, func() bool {
				got, err := l.Take(t.Context(), "a", rate)
				return err == nil && got.Allowed
			}, 10*time.Second, 20*time.Millisecond)
		})
	}
}

func TestTheLimitIsExactForSeveralProcessesTogether(t *testing.T) {
	t.Parallel()
	real := testenv.Redis(t).URL
	embedded := client(t, "")
	for name, clients := range map[string][2]redis.UniversalClient{
		"embedded": {embedded, embedded},
		"real":     {client(t, real), client(t, real)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, int64(100), takeMany(t, 100, newLimiter(t, clients[0]), newLimiter(t, clients[1])))
		})
	}
}

// takeMany lets 8 goroutines take 400 times together and returns how often they were allowed to.
func takeMany(t *testing.T, most int64, limiters ...*limit.Limiter) int64 {
	t.Helper()
	var allowed atomic.Int64
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 50 {
				got, err := limiters[i%len(limiters)].Take(context.Background(), "shared", limit.Rate{Limit: most, Period: time.Hour})
				if err != nil {
					t.Error(err)
					return
				}
				if got.Allowed {
					allowed.Add(1)
				}
			}
		})
	}
	all.Wait()
	return allowed.Load()
}

func TestAnOutageFailsQuicklyAndHeals(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	server.Stop()
	l, rate := newLimiter(t, client(t, server.URL)), limit.Rate{Limit: 1000, Period: time.Hour}
	requireOutage := func() {
		begin := time.Now()
		for range 200 {
			_, err := l.Take(t.Context(), "a", rate)
			require.ErrorIs(t, err, limit.ErrUnavailable)
		}
		require.Less(t, time.Since(begin), 3*time.Second)
	}
	requireHealed := func() {
		require.Eventually(t, func() bool {
			_, err := l.Take(t.Context(), "a", rate)
			return err == nil
		}, 20*time.Second, 20*time.Millisecond)
	}
	requireOutage()
	server.Start()
	requireHealed()
	server.Kill()
	requireOutage()
	server.Start() // it has forgotten the scripts, too
	requireHealed()
	server.FlushAll()
	got, err := l.Take(t.Context(), "a", rate)
	require.NoError(t, err)
	require.Equal(t, int64(999), got.Remaining)
}

func TestAServerThatHangsDelaysOneRequestForAMoment(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	var asked atomic.Int64
	go func() {
		for {
			if _, err := listener.Accept(); err != nil { // kept open, and never answered
				return
			}
			asked.Add(1)
		}
	}()
	c := redis.NewClient(&redis.Options{Addr: listener.Addr().String(), MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true})
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	l := newLimiter(t, c)

	for range 100 {
		_, err := l.Take(t.Context(), "a", limit.Rate{Limit: 1, Period: time.Second})
		require.ErrorIs(t, err, limit.ErrUnavailable)
	}
	require.Less(t, asked.Load(), int64(5), "the others do not wait, but are told at once that Redis is away")
}

func TestACallerThatGivesUpIsNotAnOutage(t *testing.T) {
	t.Parallel()
	l, rate := newLimiter(t, client(t, "")), limit.Rate{Limit: 5, Period: time.Hour}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := l.Take(ctx, "a", rate)
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, limit.ErrUnavailable)
	_, err = l.Take(t.Context(), "a", rate)
	require.NoError(t, err)
}

func TestARateMustBePositive(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, client(t, ""))
	for _, rate := range []limit.Rate{{}, {Limit: 1}, {Period: time.Second}, {Limit: -1, Period: time.Second}, {Limit: 1, Period: time.Microsecond}} {
		_, err := l.Take(t.Context(), "a", rate)
		require.ErrorContains(t, err, "must be positive")
		require.NotErrorIs(t, err, limit.ErrUnavailable)
	}
}

func TestClientKey(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"192.0.2.7":            "192.0.2.7",
		"::ffff:192.0.2.7":     "192.0.2.7",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::":  "2001:db8:1:2::/64",
		"2001:db8:1:3::":       "2001:db8:1:3::/64",
		"fe80::1%eth0":         "fe80::/64",
		"::1":                  "::/64",
	} {
		require.Equal(t, want, limit.ClientKey(netip.MustParseAddr(in)), in)
	}
	require.Equal(t, "invalid IP", limit.ClientKey(netip.Addr{}))
}

func BenchmarkTake(b *testing.B) {
	for name, url := range map[string]string{"embedded": "", "real": testenv.Redis(b).URL} {
		b.Run(name, func(b *testing.B) {
			l := newLimiter(b, client(b, url))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := l.Take(b.Context(), "a", limit.Rate{Limit: 1 << 40, Period: time.Hour}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
