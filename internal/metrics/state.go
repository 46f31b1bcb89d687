package metrics

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/switchhook/switchhook/internal/store"
)

// stateTimeout bounds the database's part of a scrape.
const stateTimeout = 2 * time.Second

// Store tells what a scrape shows of the database.
type Store interface {
	CountChannelsAny(ctx context.Context) ([]store.ChannelCount, error)
	CountDueAny(ctx context.Context, now time.Time) (store.DueCount, error)
}

// State is a prometheus.Collector of what stands in the database: the channels by kind and status, the deliveries that are due and
// since when the oldest is, so that nothing is stuck without anybody seeing it. Without the database it has no samples.
type State struct {
	store  Store
	logger *slog.Logger
	now    func() time.Time

	channels, due, oldest *prometheus.Desc
}

// NewState makes the collector.
func NewState(s Store, logger *slog.Logger, now func() time.Time) *State {
	return &State{
		store: s, logger: logger, now: now,
		channels: prometheus.NewDesc("switchhook_channels", "Channels by kind and status.", []string{"connector", "status"}, nil),
		due:      prometheus.NewDesc("switchhook_deliveries_due", "Deliveries that are due and not yet made.", nil, nil),
		oldest:   prometheus.NewDesc("switchhook_deliveries_due_oldest_seconds", "For how long the oldest of them has been due.", nil, nil),
	}
}

// Describe sends the descriptions of all samples.
func (s *State) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.channels, s.due, s.oldest} {
		ch <- d
	}
}

// Collect asks the database, for at most two seconds.
func (s *State) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), stateTimeout)
	defer cancel()
	channels, err := s.store.CountChannelsAny(ctx)
	if err != nil {
		s.logger.Warn("metrics.database_failed", "error", err)
		return
	}
	for _, c := range channels {
		ch <- prometheus.MustNewConstMetric(s.channels, prometheus.GaugeValue, float64(c.Count), c.Connector, string(c.Status))
	}
	now := s.now()
	due, err := s.store.CountDueAny(ctx, now)
	if err != nil {
		s.logger.Warn("metrics.database_failed", "error", err)
		return
	}
	var age time.Duration
	if due.Count > 0 {
		age = max(0, now.Sub(due.Oldest))
	}
	ch <- prometheus.MustNewConstMetric(s.due, prometheus.GaugeValue, float64(due.Count))
	ch <- prometheus.MustNewConstMetric(s.oldest, prometheus.GaugeValue, age.Seconds())
}
