package tasks

import (
	"context"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/switchhook/switchhook/internal/wake"
)

// metricsFor is how long one answer of Redis serves all scrapes.
const metricsFor = 2 * time.Second

// QueueMetrics is a prometheus.Collector for the queue, with the names of asynq's own exporter, so that its dashboards fit:
// asynq_queue_size, asynq_queue_latency_seconds, asynq_tasks_processed_total and asynq_tasks_failed_total. While Redis is
// away there are no samples; a queue that Redis does not know (yet, or after a flush) is empty.
type QueueMetrics struct {
	redis     redis.UniversalClient
	inspector *asynq.Inspector
	now       func() time.Time

	size, latency, processed, failed *prometheus.Desc

	mu    sync.Mutex
	taken time.Time
	info  *asynq.QueueInfo // nil while Redis is away
}

// NewQueueMetrics makes the collector on the shared client; register it once in a process.
func NewQueueMetrics(client redis.UniversalClient) *QueueMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("asynq_"+name, help, append([]string{"queue"}, labels...), nil)
	}
	return &QueueMetrics{
		redis:     client,
		inspector: asynq.NewInspectorFromRedisClient(client),
		now:       time.Now,
		size:      desc("queue_size", "Number of tasks in a queue, by state.", "state"),
		latency:   desc("queue_latency_seconds", "Age of the oldest pending task."),
		processed: desc("tasks_processed_total", "Number of tasks processed, successes and failures."),
		failed:    desc("tasks_failed_total", "Number of tasks failed."),
	}
}

// Describe sends the descriptions of all samples.
func (m *QueueMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.size, m.latency, m.processed, m.failed} {
		ch <- d
	}
}

// Collect sends the samples. It asks Redis at most every two seconds and blocks no longer than the client's timeouts.
func (m *QueueMetrics) Collect(ch chan<- prometheus.Metric) {
	info := m.current()
	if info == nil {
		return
	}
	send := func(d *prometheus.Desc, t prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, t, v, append([]string{wake.Queue}, labels...)...)
	}
	for state, n := range map[string]int{
		"active": info.Active, "pending": info.Pending, "scheduled": info.Scheduled, "retry": info.Retry,
		"archived": info.Archived, "completed": info.Completed, "aggregating": info.Aggregating,
	} {
		send(m.size, prometheus.GaugeValue, float64(n), state)
	}
	send(m.latency, prometheus.GaugeValue, info.Latency.Seconds())
	send(m.processed, prometheus.CounterValue, float64(info.ProcessedTotal))
	send(m.failed, prometheus.CounterValue, float64(info.FailedTotal))
}

func (m *QueueMetrics) current() *asynq.QueueInfo {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if !m.taken.IsZero() && now.Sub(m.taken) < metricsFor {
		return m.info
	}
	m.taken, m.info = now, m.ask()
	return m.info
}

// ask looks for the queue itself first: that the inspector does not know a queue is an error without a type.
func (m *QueueMetrics) ask() *asynq.QueueInfo {
	known, err := m.redis.SIsMember(context.Background(), keyQueues, wake.Queue).Result()
	if err != nil {
		return nil
	}
	if !known {
		return &asynq.QueueInfo{}
	}
	info, err := m.inspector.GetQueueInfo(wake.Queue)
	if err != nil {
		return nil
	}
	return info
}
