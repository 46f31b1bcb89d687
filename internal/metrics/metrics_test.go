package metrics_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/metrics"
)

func TestWhatIsObservedIsInTheText(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	m.ObserveRequest("GET", "/v1/me", 200, 3*time.Millisecond)
	m.ObserveRequest("GET", "/v1/me", 401, time.Millisecond)
	m.ObserveAttempt("delivered", 20*time.Millisecond, 30*time.Millisecond)
	m.ObserveMessage("sandbox", "inbound", "received")
	text, contentType, err := m.Text()
	require.NoError(t, err)
	require.Contains(t, contentType, "text/plain; version=0.0.4")
	for _, line := range []string{
		`switchhook_http_requests_total{method="GET",route="/v1/me",status="200"} 1`, `switchhook_http_requests_total{method="GET",route="/v1/me",status="401"} 1`,
		`switchhook_http_request_duration_seconds_count{method="GET",route="/v1/me"} 2`, `switchhook_deliveries_total{result="delivered"} 1`,
		`switchhook_delivery_duration_seconds_sum 0.02`, `switchhook_delivery_lag_seconds_bucket{le="0.05"} 1`,
		`switchhook_messages_total{connector="sandbox",direction="inbound",result="received"} 1`, "go_goroutines",
	} {
		require.Contains(t, string(text), line)
	}
}
