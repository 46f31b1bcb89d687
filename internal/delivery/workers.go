package delivery

import "time"

// workerIdle is how long a goroutine that has made an attempt waits for another one.
const workerIdle = time.Second

// workers runs jobs in goroutines that stay for the next job: the stack of a new one has to grow anew for each request.
type workers struct {
	jobs chan job
	run  func(job)
}

func newWorkers(run func(job)) *workers { return &workers{jobs: make(chan job), run: run} }

// start runs a job, in a goroutine that waits for one or in a new one. It does not block.
func (w *workers) start(j job) {
	select {
	case w.jobs <- j:
	default:
		go w.work(j)
	}
}

func (w *workers) work(j job) {
	idle := time.NewTimer(workerIdle)
	defer idle.Stop()
	for {
		w.run(j)
		idle.Reset(workerIdle)
		select {
		case j = <-w.jobs:
		case <-idle.C:
			return
		}
	}
}
