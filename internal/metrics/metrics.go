// Package metrics counts what operators watch, under Prometheus' conventions. Labels are bounded: never a channel, a tenant or a URL.
package metrics

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
)

// Metrics is the process's registry and counters. It is safe for concurrent use.
type Metrics struct {
	registry        *prometheus.Registry
	requests        *prometheus.CounterVec
	requestSeconds  *prometheus.HistogramVec
	deliveries      *prometheus.CounterVec
	deliverySeconds prometheus.Histogram
	lagSeconds      prometheus.Histogram
	messages        *prometheus.CounterVec
}

// New makes the registry with the process's own collectors and those given.
func New(more ...prometheus.Collector) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "switchhook_http_requests_total", Help: "Requests answered.",
		}, []string{"route", "method", "status"}),
		requestSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "switchhook_http_request_duration_seconds", Help: "Time to answer a request.", Buckets: prometheus.DefBuckets,
		}, []string{"route", "method"}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "switchhook_deliveries_total", Help: "Attempts by what became of the delivery.",
		}, []string{"result"}),
		deliverySeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "switchhook_delivery_duration_seconds", Help: "Time a receiver took to answer.", Buckets: prometheus.DefBuckets,
		}),
		lagSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "switchhook_delivery_lag_seconds", Help: "Time from an event to an attempt to deliver it.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30, 300, 3600, 86400},
		}),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "switchhook_messages_total", Help: "Messages received, and messages sent by their result.",
		}, []string{"connector", "direction", "result"}),
	}
	m.registry.MustRegister(m.requests, m.requestSeconds, m.deliveries, m.deliverySeconds, m.lagSeconds, m.messages,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(more...)
	return m
}

// ObserveRequest counts an answered request under its route, not its address.
func (m *Metrics) ObserveRequest(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.requestSeconds.WithLabelValues(route, method).Observe(took.Seconds())
}

// ObserveAttempt counts an attempt to deliver; lag is the time since its event was stored.
func (m *Metrics) ObserveAttempt(result string, took, lag time.Duration) {
	m.deliveries.WithLabelValues(result).Inc()
	m.deliverySeconds.Observe(took.Seconds())
	m.lagSeconds.Observe(lag.Seconds())
}

// ObserveMessage counts a message that was received or sent.
func (m *Metrics) ObserveMessage(connector, direction, result string) {
	m.messages.WithLabelValues(connector, direction, result).Inc()
}

// Text returns everything in Prometheus' text format, and its content type.
func (m *Metrics) Text() ([]byte, string, error) {
	families, err := m.registry.Gather()
	if err != nil && len(families) == 0 {
		return nil, "", fmt.Errorf("gather metrics: %w", err)
	}
	var out bytes.Buffer
	format := expfmt.NewFormat(expfmt.TypeTextPlain)
	encoder := expfmt.NewEncoder(&out, format)
	for _, family := range families {
		if err := encoder.Encode(family); err != nil {
			return nil, "", fmt.Errorf("write metrics: %w", err)
		}
	}
	return out.Bytes(), string(format), nil
}
