//go:build linux

package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPercentilesTakeTheNearestRank(t *testing.T) {
	t.Parallel()
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = i + 1
	}
	for p, want := range map[int]int{0: 1, 1: 1, 50: 50, 95: 95, 99: 99, 100: 100} {
		require.Equal(t, want, percentile(hundred, p))
	}
	require.Equal(t, 7, percentile([]int{7}, 99))
	require.Equal(t, 2, percentile([]int{1, 2, 3}, 50))
	require.Zero(t, percentile([]int(nil), 50))
	require.Equal(t, 2.0, median([]string{"ccc", "a", "bb"}, func(s string) float64 { return float64(len(s)) })) //nolint:testifylint // exact
}

func example(engine string, fanout int, ofRaw, cpu float64) row {
	one := round{
		accepted: 1234.4, delivered: 5678.6, ofRaw: ofRaw, p50: 1500 * time.Microsecond, p95: 20 * time.Millisecond, p99: 30 * time.Millisecond,
		cpu: map[string]float64{nameProduct: cpu / 2, namePostgres: cpu / 2, nameReceiver: 0.05, nameLoad: 0.04}, servers: cpu,
	}
	return row{
		engine: engine, fanout: fanout, rounds: []round{one}, raws: []rawRound{{rate: 20000, cpu: 0.08}}, memory: map[string]int64{nameProduct: 99 << 20, namePostgres: 200 << 20},
		single: 3500 * time.Microsecond, rawSingle: 200 * time.Microsecond, idle: map[string]float64{nameProduct: 0.01, namePostgres: 0.005},
	}
}

func TestTheReportShowsEachCaseAndItsGoals(t *testing.T) {
	t.Parallel()
	text := report([]row{example(engineEmbedded, 1, 0.1, 0.9), example(enginePostgres, 1, 0.26, 0.36)})
	require.Contains(t, text, "| embedded, fan-out 1 | 5,679 | 10 % | 1,234 | 1.5 ms / 20 ms / 30 ms | 0.90 | 3.5 ms (0.2 ms) | 1.5 % | 299 MB | 0 | 0 | 0 |\n")
	require.Contains(t, text, "| PostgreSQL and Redis, fan-out 1 | 20,000 | 0.080 | 0.180 | 0.180 | 0.000 | 0.050 | 0.040 | 1.0 %, 0.5 % | 99 MB, 200 MB |\n")
	require.Contains(t, text, "| CPU s per 1,000, fan-out 1 | ≤ 0.35 | 0.360 | **not met** |\n")
	require.Contains(t, text, "| delivered/s of raw, fan-out 1 | ≥ 25 % | 26.0 % | met |\n")
	require.Contains(t, text, "| one at a time | ≤ raw + 3 ms | raw + 3.3 ms | **not met** |\n")
}

func TestOnlyPostgresWithFanOut1And10HasGoals(t *testing.T) {
	t.Parallel()
	require.Empty(t, goalsOf([]row{example(engineEmbedded, 1, 0, 0), example(enginePostgres, 3, 0, 0)}))
	require.NotContains(t, report([]row{example(engineEmbedded, 1, 0, 0)}), "goal")
	require.Len(t, goalsOf([]row{example(enginePostgres, 10, 0.5, 0.2)}), 4)
	for _, g := range goalsOf([]row{example(enginePostgres, 10, 0.5, 0.2)}) {
		require.True(t, g.met, g.name)
	}
}

func TestNumbersAreWrittenForPeople(t *testing.T) {
	t.Parallel()
	for number, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567.8: "1,234,568"} {
		require.Equal(t, want, thousands(number))
	}
	require.Equal(t, "9.9 ms", milliseconds(9900*time.Microsecond))
	require.Equal(t, "12 ms", milliseconds(12*time.Millisecond))
}

func TestTheCommandLineIsChecked(t *testing.T) {
	t.Parallel()
	s, err := parse([]string{"-engine", "postgres", "-fanout", "1,3", "-seconds", "2"})
	require.NoError(t, err)
	require.Equal(t, settings{scenario: scenarioWebhooks, sessions: mostSessions, engines: []string{"postgres"}, fanouts: []int{1, 3}, length: 2 * time.Second, rounds: 3, connections: 64}, s)
	for _, arguments := range [][]string{{"-engine", "oracle"}, {"-fanout", "0"}, {"-fanout", "17"}, {"-fanout", "x"}, {"-seconds", "0"}, {"-rounds", "0"}, {"-connections", "0"}} {
		_, err := parse(arguments)
		require.Error(t, err, arguments)
	}
}
