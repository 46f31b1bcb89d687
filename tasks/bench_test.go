package tasks

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/wake"
)

// BenchmarkWake is the time from setting an alarm to its handler, one at a time, on an idle worker.
func BenchmarkWake(b *testing.B) {
	for name, url := range engines(b) {
		b.Run(name, func(b *testing.B) {
			s := setup(b, url, nil)
			s.start(b)
			for b.Loop() {
				if err := s.waker.Now(b.Context(), wake.Deliver, []string{"a"}); err != nil {
					b.Fatal(err)
				}
				<-s.ran
			}
		})
	}
}

// BenchmarkIdle is what a worker with nothing to do costs, of this process and of redis-server together, in per
// cent of one core.
func BenchmarkIdle(b *testing.B) {
	const measured = 5 * time.Second
	for name, url := range engines(b) {
		b.Run(name, func(b *testing.B) {
			s := setup(b, url, nil)
			s.start(b)
			if err := s.waker.Now(b.Context(), wake.Deliver, []string{"a"}); err != nil {
				b.Fatal(err)
			}
			<-s.ran
			var spent time.Duration
			for b.Loop() {
				before := cpu(b, s.db.Client(), s.db.Embedded())
				<-time.After(measured)
				spent += cpu(b, s.db.Client(), s.db.Embedded()) - before
			}
			b.ReportMetric(100*spent.Seconds()/measured.Seconds()/float64(b.N), "%core")
		})
	}
}

// cpu is the processor time that this process, and redis-server unless it is embedded, have used so far.
func cpu(b *testing.B, client redis.UniversalClient, embedded bool) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	used := time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	if embedded {
		return used
	}
	info, err := client.Info(b.Context(), "cpu").Result()
	require.NoError(b, err)
	for _, field := range []string{"used_cpu_sys:", "used_cpu_user:"} {
		_, after, _ := strings.Cut(info, field)
		text, _, _ := strings.Cut(after, "\r")
		seconds, err := strconv.ParseFloat(text, 64)
		require.NoError(b, err)
		used += time.Duration(seconds * float64(time.Second))
	}
	return used
}
