package tasks

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/testenv"
	"github.com/switchhook/switchhook/internal/wake"
)

// gather returns the samples by name and, where there is one, state.
func gather(t testing.TB, m *QueueMetrics) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(m))
	families, err := registry.Gather()
	require.NoError(t, err)
	samples := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			name := []string{family.GetName()}
			for _, label := range metric.GetLabel() {
				if label.GetName() == "state" {
					name = append(name, label.GetValue())
				} else {
					require.Equal(t, wake.Queue, label.GetValue())
				}
			}
			samples[strings.Join(name, " ")] = metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
		}
	}
	return samples
}

func TestMetricsCountTheQueue(t *testing.T) {
	t.Parallel()
	for name, url := range engines(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, url, nil)
			empty := gather(t, NewQueueMetrics(b.db.Client()))
			require.Len(t, empty, 10)
			require.Zero(t, empty["asynq_queue_size pending"])

			for _, id := range []string{"a", "b"} {
				require.NoError(t, b.waker.Now(t.Context(), wake.Deliver, []string{id}))
			}
			require.NoError(t, b.waker.At(t.Context(), wake.Deliver, "c", 1, time.Now().Add(time.Hour)))
			b.waker.Close()
			waiting := gather(t, NewQueueMetrics(b.db.Client()))
			require.Equal(t, 2, int(waiting["asynq_queue_size pending"]))
			require.Equal(t, 1, int(waiting["asynq_queue_size scheduled"]))
			require.Positive(t, waiting["asynq_queue_latency_seconds"])

			b.start(t)
			b.receive(t)
			b.receive(t)
			require.Eventually(t, func() bool {
				return gather(t, NewQueueMetrics(b.db.Client()))["asynq_tasks_processed_total"] == 2
			}, patience, 10*time.Millisecond)
		})
	}
}

func TestMetricsAreMissingWhileRedisIsAwayAndComeBack(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	b := setup(t, server.URL, nil)
	now := time.Now()
	m := NewQueueMetrics(b.db.Client())
	m.now = func() time.Time { return now }
	server.Kill()
	require.Empty(t, gather(t, m))
	server.Start()
	require.Empty(t, gather(t, m), "one answer serves all scrapes of a moment")
	now = now.Add(metricsFor)
	require.Eventually(t, func() bool {
		now = now.Add(metricsFor)
		return len(gather(t, m)) == 10
	}, patience, 10*time.Millisecond)
}
