package metrics

import "github.com/prometheus/client_golang/prometheus"

// NewStreams returns the collector of how many live streams this process keeps open. count is asked at each scrape and must not block.
func NewStreams(count func() int) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "switchhook_sse_clients", Help: "Open streams of live signals.",
	}, func() float64 { return float64(count()) })
}
