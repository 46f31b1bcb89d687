package tasks

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/redisdb"
	"github.com/switchhook/switchhook/internal/testenv"
	"github.com/switchhook/switchhook/internal/wake"
)

const patience = 30 * time.Second // far more than anything here needs

type bundle struct {
	db     *redisdb.DB
	waker  *wake.Waker
	worker *Worker
	ran    chan string // the ids that the default handler got
}

// setup makes a waker and a worker that is not started. An empty url is the embedded server; handle may be nil.
func setup(t testing.TB, url string, handle Handler) bundle {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := redisdb.Open(t.Context(), redisdb.Options{URL: url, Logger: log})
	require.NoError(t, err)
	b := bundle{db: db, ran: make(chan string, 1000)}
	b.waker, err = wake.New(wake.Options{Client: db.Client(), Logger: log})
	require.NoError(t, err)
	if handle == nil {
		handle = func(_ context.Context, ids []string) error {
			for _, id := range ids {
				b.ran <- id
			}
			return nil
		}
	}
	handlers := map[string]Handler{wake.Deliver: handle}
	b.worker, err = New(Options{Redis: db.Client(), Handlers: handlers, Logger: log, StopWithin: 2 * time.Second})
	require.NoError(t, err)
	b.worker.retryDelay = time.Millisecond
	t.Cleanup(func() {
		b.worker.Stop()
		b.waker.Close()
		require.NoError(t, db.Close())
	})
	return b
}

func (b bundle) start(t testing.TB) {
	t.Helper()
	require.NoError(t, b.worker.Start(t.Context()))
}

// sweepUntilRun does what the sweeper does: it wakes a row again and again until its work is done.
func (b bundle) sweepUntilRun(t testing.TB, id string) {
	t.Helper()
	require.Eventually(t, func() bool {
		require.NoError(t, b.waker.Now(t.Context(), wake.Deliver, []string{id}))
		for {
			select {
			case got := <-b.ran:
				if got == id {
					return true
				}
			default:
				return false
			}
		}
	}, patience, 50*time.Millisecond)
}

func (b bundle) receive(t testing.TB) string {
	t.Helper()
	select {
	case id := <-b.ran:
		return id
	case <-time.After(patience):
		require.FailNow(t, "no task ran")
		return ""
	}
}

// engines are the URLs of the two kinds of Redis.
func engines(t testing.TB) map[string]string {
	t.Helper()
	return map[string]string{"embedded": "", "real": testenv.Redis(t).URL}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	client, log := setup(t, "", nil).db.Client(), slog.New(slog.DiscardHandler)
	handlers := map[string]Handler{wake.Deliver: func(context.Context, []string) error { return nil }}
	for field, o := range map[string]Options{
		"Redis":              {Handlers: handlers, Logger: log},
		"Handlers":           {Redis: client, Logger: log},
		"Logger":             {Redis: client, Handlers: handlers},
		"Handlers[\"send\"]": {Redis: client, Handlers: map[string]Handler{wake.Send: nil}, Logger: log},
	} {
		_, err := New(o)
		require.ErrorContains(t, err, "Options."+field)
	}
}

func TestATaskRunsWithItsIds(t *testing.T) {
	t.Parallel()
	for name, url := range engines(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, url, nil)
			b.start(t)
			require.NoError(t, b.waker.Now(t.Context(), wake.Deliver, []string{"a", "b"}))
			require.Equal(t, "a", b.receive(t))
			require.Equal(t, "b", b.receive(t))
			requireEmptyQueue(t, b)
		})
	}
}

// requireEmptyQueue waits until asynq has forgotten every task.
func requireEmptyQueue(t testing.TB, b bundle) {
	t.Helper()
	require.Eventually(t, func() bool {
		keys, err := b.db.Client().Keys(t.Context(), "asynq:{default}:t:*").Result()
		return err == nil && len(keys) == 0
	}, patience, 10*time.Millisecond)
}

func TestAnAlarmRingsWhenItIsDueAndNotBefore(t *testing.T) {
	t.Parallel()
	for name, url := range engines(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, url, nil)
			b.start(t)
			due := time.Now().Add(1500 * time.Millisecond)
			require.NoError(t, b.waker.At(t.Context(), wake.Deliver, "a", 1, due))
			require.Equal(t, "a", b.receive(t))
			require.False(t, time.Now().Before(due))
		})
	}
}

func TestAPanicAndAnErrorBringTheTaskAgain(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	done := make(chan struct{})
	b := setup(t, "", func(context.Context, []string) error {
		switch runs.Add(1) {
		case 1:
			panic("poison")
		case 2:
			return errors.New("the database is away")
		}
		close(done)
		return nil
	})
	b.start(t)
	require.NoError(t, b.waker.Now(t.Context(), wake.Deliver, []string{"a"}))
	select {
	case <-done:
	case <-time.After(patience):
		require.FailNow(t, "the task did not come again")
	}
	requireEmptyQueue(t, b)
}

func TestATaskThatAlwaysFailsIsGivenUpAndNotArchived(t *testing.T) {
	t.Parallel()
	b := setup(t, "", func(context.Context, []string) error { return errors.New("always") })
	b.start(t)
	require.NoError(t, b.waker.Now(t.Context(), wake.Deliver, []string{"a"}))
	metrics := NewQueueMetrics(b.db.Client())
	require.Eventually(t, func() bool { return gather(t, metrics)["asynq_tasks_failed_total"] == 3 }, patience, 100*time.Millisecond)
	requireEmptyQueue(t, b)
	require.Zero(t, gather(t, metrics)["asynq_queue_size archived"])
}

func TestFlushAllHealsWithoutARestart(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	b := setup(t, server.URL, nil)
	b.start(t)
	b.sweepUntilRun(t, "before")
	require.NoError(t, b.waker.At(t.Context(), wake.Deliver, "lost", 1, time.Now().Add(time.Hour)))
	server.FlushAll()
	b.sweepUntilRun(t, "after")

	b.worker.mend(t.Context(), nil)
	_, found := gather(t, NewQueueMetrics(b.db.Client()))["asynq_tasks_processed_total"]
	require.True(t, found)
	require.Equal(t, []string{wake.Queue}, b.db.Client().SMembers(t.Context(), keyQueues).Val())
}

func TestAnOutageHealsWithoutARestart(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	b := setup(t, server.URL, nil)
	b.start(t)
	b.sweepUntilRun(t, "before")
	for _, id := range []string{"once", "twice"} {
		server.Kill()
		require.Error(t, b.db.Check(t.Context()))
		server.Start()
		b.sweepUntilRun(t, id)
	}
}

func TestAWorkerStartsWithoutRedisAndWorksWhenItAppears(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	server.Stop()
	b := setup(t, server.URL, nil)
	b.start(t)
	server.Start()
	b.sweepUntilRun(t, "a")
}

func TestATaskWithoutALeaseIsFinished(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan struct{}), make(chan struct{})
	b := setup(t, testenv.Redis(t).URL, func(context.Context, []string) error {
		close(begun)
		<-finish
		return nil
	})
	b.start(t)
	require.NoError(t, b.waker.Now(t.Context(), wake.Deliver, []string{"a"}))
	<-begun
	client := b.db.Client()
	require.EqualValues(t, 1, client.Del(t.Context(), keyLease).Val())
	b.worker.mend(t.Context(), nil)
	require.EqualValues(t, 1, client.ZCard(t.Context(), keyLease).Val())
	close(finish)
	requireEmptyQueue(t, b)
	require.Zero(t, client.Exists(t.Context(), keyLease, keyActive).Val())
}

func TestStopWaitsForARunningTask(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	var finished atomic.Bool
	b := setup(t, "", func(ctx context.Context, _ []string) error {
		close(begun)
		select {
		case <-time.After(300 * time.Millisecond):
			finished.Store(true)
		case <-ctx.Done():
		}
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, b.worker.Start(ctx))
	require.NoError(t, b.waker.Now(t.Context(), wake.Deliver, []string{"a"}))
	<-begun
	cancel() // the process's context ends first, as at SIGTERM
	b.worker.Stop()
	require.True(t, finished.Load())
	b.worker.Stop()
}

func TestStopIsBriefWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	b := setup(t, server.URL, nil)
	b.start(t)
	b.sweepUntilRun(t, "a")
	server.Kill()
	begin := time.Now()
	b.worker.Stop()
	require.Less(t, time.Since(begin), 10*time.Second)
}

func TestAnIdleWorkerAsksRedisSeldom(t *testing.T) {
	t.Parallel()
	b := setup(t, testenv.Redis(t).URL, nil)
	b.start(t)
	b.sweepUntilRun(t, "a")
	requireEmptyQueue(t, b)
	before := scriptsRun(t, b.db.Client())
	<-time.After(2 * time.Second) // the time that is measured
	// 4 looks, 4 forwards a second, and room; asynq alone would run some 2000 at this interval.
	require.Less(t, scriptsRun(t, b.db.Client())-before, 40)
}

func scriptsRun(t testing.TB, client redis.UniversalClient) int {
	t.Helper()
	info, err := client.Info(t.Context(), "commandstats").Result()
	require.NoError(t, err)
	_, after, found := strings.Cut(info, "cmdstat_evalsha:calls=")
	require.True(t, found)
	calls, _, _ := strings.Cut(after, ",")
	n, err := strconv.Atoi(calls)
	require.NoError(t, err)
	return n
}

// countingClient counts scripts.
type countingClient struct {
	redis.UniversalClient
	n atomic.Int64
}

func (c *countingClient) EvalSha(ctx context.Context, sha1 string, keys []string, args ...any) *redis.Cmd {
	c.n.Add(1)
	return c.UniversalClient.EvalSha(ctx, sha1, keys, args...)
}

func TestAWorkerDoesNotSpinWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	client := &countingClient{UniversalClient: redis.NewClient(&redis.Options{Addr: listener.Addr().String(), MaxRetries: -1, DialerRetries: 1})}
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	w, err := New(Options{
		Redis:    client,
		Handlers: map[string]Handler{wake.Deliver: func(context.Context, []string) error { return nil }},
		Logger:   slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	require.NoError(t, w.Start(t.Context()))
	<-time.After(time.Second) // the time that is measured
	w.Stop()
	require.Positive(t, client.n.Load())
	require.Less(t, client.n.Load(), int64(40))
}

func TestAWorkerRunsOnRedisCluster(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t, "--cluster-enabled", "yes")
	o, err := redis.ParseURL(server.URL)
	require.NoError(t, err)
	node := redis.NewClient(&redis.Options{Addr: o.Addr})
	require.NoError(t, node.Do(t.Context(), "CLUSTER", "ADDSLOTSRANGE", 0, 16383).Err())
	require.Eventually(t, func() bool {
		return strings.Contains(node.ClusterInfo(t.Context()).Val(), "cluster_state:ok")
	}, patience, 50*time.Millisecond)
	require.NoError(t, node.Close())

	b := setup(t, "redis-cluster://"+o.Addr, nil)
	b.start(t)
	b.sweepUntilRun(t, "now")
	require.NoError(t, b.waker.At(t.Context(), wake.Deliver, "later", 1, time.Now().Add(time.Second)))
	for b.receive(t) != "later" {
	}
	require.Contains(t, gather(t, NewQueueMetrics(b.db.Client())), "asynq_queue_size pending")
}
