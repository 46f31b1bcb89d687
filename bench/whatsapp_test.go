//go:build linux

package main

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func linkedExample(perSession int64) linkedRow {
	return linkedRow{
		engine: enginePostgres, sessions: 101, alone: []int64{50 << 20, 49 << 20, 51 << 20}, all: []int64{50<<20 + 100*perSession},
		restarts: []restart{{3 * time.Second, 9}, {2 * time.Second, 7}, {time.Second, 8}}, in: []rate{{1234, 0.5}}, out: []rate{{99, 1.25}},
	}
}

func TestTheReportShowsWhatASessionCosts(t *testing.T) {
	t.Parallel()
	text := reportLinked([]linkedRow{linkedExample(200 << 10)})
	require.Contains(t, text, "| PostgreSQL and Redis | 101 | 50 MB | 69 MB | 200 KiB | 2.0 s | 8 | 1,234 (0.50) | 99 (1.25) |")
	require.Contains(t, text, "PostgreSQL and Redis: at most 256 KiB per session: met.")
	require.Contains(t, reportLinked([]linkedRow{linkedExample(300 << 10)}), "**not met**")
}

func TestTogetherDoesAllAndReturnsTheFirstError(t *testing.T) {
	t.Parallel()
	var done atomic.Int32
	require.NoError(t, together(t.Context(), 3, 10, func(context.Context, int) error { done.Add(1); return nil }))
	require.EqualValues(t, 10, done.Load())
	failure := errors.New("the third")
	require.ErrorIs(t, together(t.Context(), 1, 10, func(_ context.Context, i int) error {
		if i == 2 {
			return failure
		}
		return nil
	}), failure)
}

func TestOnlyKnownScenariosAreMeasured(t *testing.T) {
	t.Parallel()
	s, err := parse([]string{"-scenario", "whatsapp", "-sessions", "60"})
	require.NoError(t, err)
	require.Equal(t, 60, s.sessions)
	for _, arguments := range [][]string{{"-scenario", "other"}, {"-scenario", "dashboard", "-rounds", "0"}, {"-sessions", "1"}, {"-sessions", "201"}, {"-seconds", "0"}, {"-rounds", "0"}} {
		_, err := parse(arguments)
		require.Error(t, err, arguments)
	}
}
