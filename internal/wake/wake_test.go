package wake_test

import (
	"bytes"
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/redisdb"
	"github.com/switchhook/switchhook/internal/testenv"
	"github.com/switchhook/switchhook/internal/wake"
)

// logBuffer is a log that may be read while others write to it.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

type bundle struct {
	waker     *wake.Waker
	client    redis.UniversalClient
	inspector *asynq.Inspector
	logs      *logBuffer
}

// setup makes a Waker on the Redis at url; an empty url is the embedded server.
func setup(t testing.TB, url string) bundle {
	t.Helper()
	db, err := redisdb.Open(t.Context(), redisdb.Options{URL: url, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	b := bundle{client: db.Client(), inspector: asynq.NewInspectorFromRedisClient(db.Client()), logs: &logBuffer{}}
	b.waker, err = wake.New(wake.Options{Client: db.Client(), Logger: slog.New(slog.NewTextHandler(b.logs, nil))})
	require.NoError(t, err)
	t.Cleanup(func() {
		b.waker.Close()
		require.NoError(t, db.Close())
	})
	return b
}

func ids(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = "dlv_" + strconv.Itoa(i)
	}
	return all
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := wake.New(wake.Options{Logger: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "Options.Client")
	_, err = wake.New(wake.Options{Client: setup(t, "").client})
	require.ErrorContains(t, err, "Options.Logger")
}

func TestNowPutsUpTo64IdsIntoATask(t *testing.T) {
	t.Parallel()
	b := setup(t, "")
	require.NoError(t, b.waker.Now(t.Context(), wake.Deliver, ids(150)))
	require.NoError(t, b.waker.Now(t.Context(), wake.Deliver, nil))
	b.waker.Close()
	pending, err := b.inspector.ListPendingTasks(wake.Queue)
	require.NoError(t, err)
	require.Len(t, pending, 3)
	var got []string
	for _, task := range pending {
		some, err := wake.IDs(task.Payload)
		require.NoError(t, err)
		require.LessOrEqual(t, len(some), wake.MaxIDs)
		got = append(got, some...)
		require.Equal(t, wake.Deliver, task.Type)
		require.GreaterOrEqual(t, task.MaxRetry, 1)
		require.Equal(t, wake.TaskTimeout, task.Timeout)
		require.Zero(t, task.Retention)
	}
	require.ElementsMatch(t, ids(150), got)
}

func TestNowTwiceIsTwoTasksBecauseOneMayBeStuck(t *testing.T) {
	t.Parallel()
	b := setup(t, "")
	for range 2 {
		require.NoError(t, b.waker.Now(t.Context(), wake.Send, []string{"msg_1"}))
	}
	b.waker.Close()
	pending, err := b.inspector.ListPendingTasks(wake.Queue)
	require.NoError(t, err)
	require.Len(t, pending, 2)
}

func TestAtSetsOneAlarmForAnAttemptAndNeverRingsEarly(t *testing.T) {
	t.Parallel()
	b := setup(t, "")
	at := time.Now().Add(time.Hour)
	for range 3 {
		require.NoError(t, b.waker.At(t.Context(), wake.Deliver, "dlv_1", 2, at))
	}
	require.NoError(t, b.waker.At(t.Context(), wake.Deliver, "dlv_1", 3, at))
	b.waker.Close()
	require.Zero(t, b.waker.Lost())
	require.Empty(t, b.logs.String())
	scheduled, err := b.inspector.ListScheduledTasks(wake.Queue)
	require.NoError(t, err)
	require.Len(t, scheduled, 2)
	for _, task := range scheduled {
		require.True(t, strings.HasPrefix(task.ID, "deliver:dlv_1:"))
		require.False(t, task.NextProcessAt.Before(at), "an alarm before its row is due rings for nothing")
		require.Less(t, task.NextProcessAt.Sub(at), time.Second+time.Millisecond)
	}
}

func TestNowRingsTheBell(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"embedded": "", "real": testenv.Redis(t).URL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, url)
			sub := b.client.Subscribe(t.Context(), wake.Bell)
			t.Cleanup(func() { require.NoError(t, sub.Close()) })
			_, err := sub.Receive(t.Context())
			require.NoError(t, err)
			require.NoError(t, b.waker.Now(t.Context(), wake.Deliver, []string{"dlv_1"}))
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			message, err := sub.ReceiveMessage(ctx)
			require.NoError(t, err)
			require.Equal(t, wake.Bell, message.Channel)
		})
	}
}

func TestInvalidAlarmsAreErrorsOfTheCaller(t *testing.T) {
	t.Parallel()
	b := setup(t, "")
	require.ErrorContains(t, b.waker.Now(t.Context(), "publish", []string{"a"}), "no task type")
	require.ErrorContains(t, b.waker.Now(t.Context(), wake.Send, []string{"a", ""}), "is not an id")
	require.ErrorContains(t, b.waker.At(t.Context(), wake.Send, "a\nb", 1, time.Now()), "is not an id")
}

func TestAnOutageNeitherFailsNorBlocksNorFillsTheLog(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	server.Stop()
	b := setup(t, server.URL)
	begin := time.Now()
	const many = 10_000
	for i := range many {
		require.NoError(t, b.waker.At(t.Context(), wake.Deliver, "dlv_"+strconv.Itoa(i), 1, begin))
	}
	require.Less(t, time.Since(begin), 5*time.Second)
	require.Eventually(t, func() bool { return b.waker.Lost() > 0 }, 20*time.Second, time.Millisecond)
	require.LessOrEqual(t, strings.Count(b.logs.String(), "wake.failed"), 2)

	server.Start()
	require.Eventually(t, func() bool {
		require.NoError(t, b.waker.Now(t.Context(), wake.Deliver, []string{"dlv_after"}))
		pending, err := b.inspector.ListPendingTasks(wake.Queue)
		return err == nil && len(pending) > 0
	}, 20*time.Second, 20*time.Millisecond)
}

func TestCloseIsBriefWithoutRedisAndLosesLaterAlarms(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	b := setup(t, server.URL)
	server.Kill()
	require.NoError(t, b.waker.Now(t.Context(), wake.Deliver, ids(5000)))
	begin := time.Now()
	b.waker.Close()
	require.Less(t, time.Since(begin), 6*time.Second)
	lost := b.waker.Lost()
	require.Positive(t, lost)
	require.NoError(t, b.waker.Now(t.Context(), wake.Deliver, ids(1)))
	require.Equal(t, lost+1, b.waker.Lost())
	b.waker.Close()
}

func FuzzIDs(f *testing.F) {
	for _, seed := range []string{"", "a", "a\nb", "\n", strings.Repeat("a\n", 100)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, err := wake.IDs(payload)
		if err != nil {
			require.Empty(t, got)
			return
		}
		require.NotEmpty(t, got)
		require.LessOrEqual(t, len(got), wake.MaxIDs)
		require.Equal(t, string(payload), strings.Join(got, "\n"))
	})
}

func BenchmarkNow(b *testing.B) {
	for name, url := range map[string]string{"embedded": "", "real": testenv.Redis(b).URL} {
		b.Run(name, func(b *testing.B) {
			w, all := setup(b, url).waker, ids(wake.MaxIDs)
			for b.Loop() {
				if err := w.Now(b.Context(), wake.Deliver, all); err != nil {
					b.Fatal(err)
				}
			}
			w.Close()
			b.ReportMetric(float64(w.Lost())/float64(b.N), "lost/op")
		})
	}
}
