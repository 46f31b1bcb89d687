package metrics_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/metrics"
)

func TestOpenStreamsAreAGauge(t *testing.T) {
	t.Parallel()
	open := 3
	m := metrics.New(metrics.NewStreams(func() int { return open }))
	for _, n := range []string{"3", "1"} {
		text, _, err := m.Text()
		require.NoError(t, err)
		require.Contains(t, string(text), "\nswitchhook_sse_clients "+n+"\n")
		open = 1
	}
}
