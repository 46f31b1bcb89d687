// Package tasks is what happens later: it runs the handlers of tasks as their alarms ring (asynq), and periodic jobs in the
// process. What a task is about stands in the database; see internal/wake.
package tasks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/switchhook/switchhook/internal/wake"
)

const (
	// afterEmpty is asynq's own sleep when the queue was empty. It is next to nothing because the wait for work is in
	// patientClient, which sleeps until the bell rings.
	afterEmpty = time.Microsecond
	// forwardEvery is how often alarms that became due are looked for; asynq counts them in whole seconds.
	forwardEvery = 500 * time.Millisecond
	// mendEvery is how often asynq's bookkeeping is mended, see mend.go.
	mendEvery = 5 * time.Second
	// retryDelay is asynq's own second try, for a handler that failed as a whole, say because the database was
	// away. A row's schedule is in the row.
	retryDelay = 5 * time.Second

	defaultConcurrency = 32
	defaultStopWithin  = 20 * time.Second
)

// Handler does the work of one task: look at the rows with these ids, do what is due, and return nil. It runs at least
// once for an id, and more than once at a time is possible, so it claims the rows first. An error or a panic brings the same ids again
// a few times, five seconds apart; after that it is left to the sweeper. ctx ends after wake.TaskTimeout, when Stop has
// waited long enough, and when Redis was away for half a minute.
type Handler func(ctx context.Context, ids []string) error

// Options configures a Worker.
type Options struct {
	Redis       redis.UniversalClient // required
	Handlers    map[string]Handler    // required: by task type, wake.Deliver and wake.Send
	Logger      *slog.Logger          // required
	Concurrency int                   // tasks at a time; 0 is 32
	StopWithin  time.Duration         // how long Stop lets running tasks finish; 0 is 20 s
}

// Worker runs tasks as their alarms ring.
type Worker struct {
	o      Options
	log    *slog.Logger
	mux    *asynq.ServeMux
	redis  *patientClient
	server *asynq.Server
	once   sync.Once

	retryDelay    time.Duration
	stopListening context.CancelFunc
	listening     sync.WaitGroup
}

// New makes a Worker. A missing required field is an error that names it.
func New(o Options) (*Worker, error) {
	switch {
	case o.Redis == nil:
		return nil, errors.New("make worker: Options.Redis is missing")
	case len(o.Handlers) == 0:
		return nil, errors.New("make worker: Options.Handlers is missing")
	case o.Logger == nil:
		return nil, errors.New("make worker: Options.Logger is missing")
	}
	if o.Concurrency <= 0 {
		o.Concurrency = defaultConcurrency
	}
	if o.StopWithin <= 0 {
		o.StopWithin = defaultStopWithin
	}
	w := &Worker{o: o, log: o.Logger, mux: asynq.NewServeMux(), redis: newPatientClient(o.Redis), retryDelay: retryDelay}
	for taskType, h := range o.Handlers {
		if h == nil {
			return nil, fmt.Errorf("make worker: Options.Handlers[%q] is missing", taskType)
		}
		w.mux.HandleFunc(taskType, w.handle(h))
	}
	return w, nil
}

// Start begins to take tasks and returns at once, whether Redis is there or not. ctx lends its values to the handlers; only
// Stop ends them. Start may be called once.
func (w *Worker) Start(ctx context.Context) error {
	base := context.WithoutCancel(ctx)
	w.server = asynq.NewServerFromRedisClient(w.redis, asynq.Config{
		Concurrency:              w.o.Concurrency,
		BaseContext:              func() context.Context { return base },
		Queues:                   map[string]int{wake.Queue: 1},
		TaskCheckInterval:        afterEmpty,
		DelayedTaskCheckInterval: forwardEvery,
		RetryDelayFunc:           func(int, error, *asynq.Task) time.Duration { return w.retryDelay },
		ShutdownTimeout:          w.o.StopWithin,
		HealthCheckInterval:      mendEvery,
		HealthCheckFunc:          func(err error) { w.mend(base, err) },
		Logger:                   newAsynqLogger(w.log),
		LogLevel:                 asynq.InfoLevel,
	})
	if err := w.server.Start(w.mux); err != nil {
		return fmt.Errorf("start worker: %w", err)
	}
	listenCtx, stop := context.WithCancel(base)
	w.stopListening = stop
	w.listening.Go(func() { w.redis.listen(listenCtx) })
	return nil
}

// Stop takes no more tasks, waits for the running ones for at most StopWithin, gives what is left back to the queue, and returns.
func (w *Worker) Stop() {
	w.once.Do(func() {
		w.redis.giveUp()
		if w.server != nil {
			w.server.Shutdown()
			w.stopListening()
			w.listening.Wait()
		}
	})
}

func (w *Worker) handle(h Handler) func(context.Context, *asynq.Task) error {
	return func(ctx context.Context, task *asynq.Task) error {
		ids, err := wake.IDs(task.Payload())
		if err == nil {
			err = guard(func() error { return h(ctx, ids) })
		}
		if err == nil {
			return nil
		}
		retried, _ := asynq.GetRetryCount(ctx)
		most, _ := asynq.GetMaxRetry(ctx)
		w.log.Error("task.failed", "task_type", task.Type(), "ids", ids, "retried", retried, "error", err)
		if retried >= most {
			// Archived tasks would stay in Redis for 90 days; the row is the record.
			return fmt.Errorf("%w: %w", asynq.RevokeTask, err)
		}
		return err
	}
}

// guard turns a panic into an error that shows where it happened.
func guard(run func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return run()
}
