package delivery

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAWorkerStaysForTheNextJobAndLeavesWhenThereIsNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		var running, done atomic.Int64
		w := newWorkers(func(job) {
			running.Add(1)
			<-hold
			running.Add(-1)
			done.Add(1)
		})
		for range 3 {
			w.start(job{}) // all are busy, so each gets a goroutine of its own
			synctest.Wait()
		}
		require.EqualValues(t, 3, running.Load())
		close(hold)
		synctest.Wait()
		require.EqualValues(t, 3, done.Load())

		time.Sleep(workerIdle / 2) //nolint:forbidigo // the bubble's clock
		for range 5 {
			w.start(job{}) // one of those that wait takes it
			synctest.Wait()
		}
		require.EqualValues(t, 8, done.Load())
		time.Sleep(2 * workerIdle) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		require.Zero(t, running.Load())
		// The bubble fails where a goroutine is left when it ends.
	})
}
