package tasks

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEveryRunsAtOnceAndThenEachIntervalUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		begin, last, runs := time.Now(), time.Time{}, 0
		Every(ctx, time.Minute, "sweep", slog.New(slog.DiscardHandler), func(context.Context) error {
			if runs == 0 {
				require.Equal(t, begin, time.Now())
			} else {
				require.InDelta(t, time.Minute, time.Since(last), float64(6*time.Second))
			}
			last = time.Now()
			if runs++; runs == 100 {
				cancel()
			}
			return nil
		})
		require.Equal(t, 100, runs)
		require.NotEqual(t, begin.Add(99*time.Minute), time.Now(), "the interval varies")
	})
}

func TestEverySurvivesPanicsAndErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var logs bytes.Buffer
		runs := 0
		Every(ctx, time.Second, "purge", slog.New(slog.NewTextHandler(&logs, nil)), func(context.Context) error {
			switch runs++; runs {
			case 1:
				panic("poison")
			case 2:
				return errors.New("the disk is full")
			}
			cancel()
			return ctx.Err()
		})
		require.Equal(t, 3, runs)
		require.Equal(t, 2, bytes.Count(logs.Bytes(), []byte("job.failed")))
		for _, want := range []string{"poison", "every_test.go", "the disk is full", "job=purge"} {
			require.Contains(t, logs.String(), want)
		}
	})
}

func TestAsynqDoesNotRepeatItselfInTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var logs bytes.Buffer
		l := newAsynqLogger(slog.New(slog.NewTextHandler(&logs, nil)))
		say := func(id string) { l.Error("Failed to forward scheduled tasks: redis is away ", id) }
		say("1")
		say("2")
		l.Warn("Something else happened, too")
		require.Equal(t, 2, bytes.Count(logs.Bytes(), []byte("queue.log")))
		<-time.After(asynqLogEvery)
		say("3")
		l.Fatal("asynq would end the process here")
		require.Equal(t, 4, bytes.Count(logs.Bytes(), []byte("queue.log")))
		l.Info("Starting processing")
		l.Debug("details")
		require.NotContains(t, logs.String(), "Starting")
		require.Len(t, l.last, 4)
	})
}

func TestAJitterOfAlmostNothingIsNothing(t *testing.T) {
	t.Parallel()
	require.Equal(t, time.Duration(3), jitter(3))
}
