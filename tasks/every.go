package tasks

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Every runs a job at once and then each interval, until ctx ends; it blocks, so call it in a goroutine. Runs never overlap. The
// wait varies by a tenth to either side, so that processes that started together drift apart. An error or a
// panic is logged and the job runs again at its next time.
func Every(ctx context.Context, interval time.Duration, name string, log *slog.Logger, run func(context.Context) error) {
	for ctx.Err() == nil {
		if err := guard(func() error { return run(ctx) }); err != nil && ctx.Err() == nil {
			log.Error("job.failed", "job", name, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(jitter(interval)):
		}
	}
}

func jitter(d time.Duration) time.Duration {
	fifth := int64(d / 5)
	if fifth < 1 {
		return d
	}
	return d - d/10 + time.Duration(rand.Int64N(fifth)) //nolint:gosec // spreads load, guards nothing
}
