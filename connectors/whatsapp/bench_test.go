package whatsapp

import (
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
)

// benchLinks is how many sessions a process has in the benchmark.
const benchLinks = 200

// BenchmarkRestart measures how long it takes until all sessions of a process are online after a restart, and what an idle session costs. The
// test server runs in the same process: its share is in the figures.
func BenchmarkRestart(b *testing.B) {
	r := newRigOn(b, "sqlite", watest.Options{Forget: true})
	r.connector.timing = standardTiming()
	devices := make([]string, benchLinks)
	for i := range devices {
		user := r.server.AddUser(strconv.Itoa(491700000000 + i))
		listener := newListener()
		link := r.openFor(b, "", listener)
		_, err := user.Scan(b.Context(), listener.await(b, in(connectors.LinkQR)).Step.Code)
		require.NoError(b, err)
		devices[i] = listener.await(b, connected).Identity.Device
		require.NoError(b, link.Close())
	}
	for b.Loop() {
		b.StopTimer()
		heap, goroutines := usage()
		links := make([]connectors.Link, len(devices))
		b.StartTimer()
		begin := time.Now()
		var online sync.WaitGroup
		for i, device := range devices {
			online.Go(func() {
				listener := newListener()
				links[i] = r.openFor(b, device, listener)
				listener.await(b, connected)
			})
		}
		online.Wait()
		b.StopTimer()
		b.ReportMetric(time.Since(begin).Seconds(), "s/restart")
		heapNow, goroutinesNow := usage()
		b.ReportMetric(float64(heapNow-heap)/benchLinks/1024, "KiB/link")
		b.ReportMetric(float64(goroutinesNow-goroutines)/benchLinks, "goroutines/link")
		for _, link := range links {
			require.NoError(b, link.Close())
		}
		b.StartTimer()
	}
}

// usage returns the bytes in use on the heap and the number of goroutines.
func usage() (heap int64, goroutines int) {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapInuse + stats.StackInuse), runtime.NumGoroutine()
}
