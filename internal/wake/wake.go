// Package wake is the alarm clock: it tells workers in other processes, or at a later time, that rows are due. The
// database is the truth. A task carries ids only, may be lost, may come twice, and may come when nothing is left to
// do; a sweeper finds whatever no alarm rang for.
package wake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// The task types. The ids in a task are those of the rows that it names.
const (
	Deliver = "deliver" // deliveries
	Send    = "send"    // messages
)

const (
	// Queue is the asynq queue of every task. It is one, because each further queue is polled separately.
	Queue = "default"
	// Bell is the Redis channel on which a message says that the queue is not empty. asynq only polls; workers listen here.
	Bell = "switchhook:wake"
	// MaxIDs is the most ids in one task.
	MaxIDs = 64
	// TaskTimeout is when asynq cancels a handler: far above what a batch of calls with their own deadlines takes.
	TaskTimeout = 5 * time.Minute
	// maxRetry is at least 1, because asynq archives a task with 0 unseen when its worker crashes.
	maxRetry = 3

	queueLength  = 4096
	enqueueLimit = time.Second     // for one task
	drainLimit   = 2 * time.Second // for Close
	logEvery     = 5 * time.Second
	ringEvery    = 2 * time.Millisecond
)

// Options configures a Waker; each field is required.
type Options struct {
	Client redis.UniversalClient
	Logger *slog.Logger
}

// Waker sets alarms. It may be used by any number of goroutines, never blocks, and never fails because of Redis.
type Waker struct {
	redis   redis.UniversalClient
	client  *asynq.Client
	log     *slog.Logger
	tasks   chan alarm
	closing chan struct{}
	done    chan struct{}
	once    sync.Once
	lost    atomic.Int64

	// Of the goroutine only.
	unrung     bool      // a task was enqueued since the last ring
	rung       time.Time // the last ring
	complained time.Time // the last log line
}

type alarm struct {
	task    *asynq.Task
	options []asynq.Option
	later   bool // nothing to ring for yet
}

// New makes a Waker and starts its goroutine. It does not need Redis to be there.
func New(o Options) (*Waker, error) {
	switch {
	case o.Client == nil:
		return nil, errors.New("make waker: Options.Client is missing")
	case o.Logger == nil:
		return nil, errors.New("make waker: Options.Logger is missing")
	}
	w := &Waker{
		redis:   o.Client,
		client:  asynq.NewClientFromRedisClient(o.Client),
		log:     o.Logger,
		tasks:   make(chan alarm, queueLength),
		closing: make(chan struct{}),
		done:    make(chan struct{}),
	}
	go w.run()
	return w, nil
}

// Now wakes a worker for these rows as soon as one is free, with one task for each 64 ids. The task has no identity, so that it
// cannot be taken for an earlier one that got stuck. It does not block; an error means that taskType or an id
// is not valid, never that Redis is away.
func (w *Waker) Now(_ context.Context, taskType string, ids []string) error {
	if err := check(taskType, ids); err != nil {
		return err
	}
	for len(ids) > 0 {
		n := min(len(ids), MaxIDs)
		w.put(taskType, ids[:n])
		ids = ids[n:]
	}
	return nil
}

// At wakes a worker for one row at a time, at the earliest then and about a second later at the latest: asynq counts in
// whole seconds, and the time is rounded up so that the row is due when its alarm rings. The same type, id and attempt
// set one alarm however often they are asked for. It does not block; errors are as for Now.
func (w *Waker) At(_ context.Context, taskType, id string, attempt int, at time.Time) error {
	ids := []string{id}
	if err := check(taskType, ids); err != nil {
		return err
	}
	whole := at.Add(time.Second - time.Nanosecond).Truncate(time.Second)
	taskID := taskType + ":" + id + ":" + strconv.Itoa(attempt)
	w.put(taskType, ids, asynq.ProcessAt(whole), asynq.TaskID(taskID))
	return nil
}

// Lost is how many alarms were dropped because Redis was away or slow. The sweeper rings them.
func (w *Waker) Lost() int64 { return w.lost.Load() }

// Close hands over what is waiting, for at most two seconds, and ends. Alarms set later are lost.
func (w *Waker) Close() {
	w.once.Do(func() { close(w.closing) })
	<-w.done
}

func (w *Waker) put(taskType string, ids []string, options ...asynq.Option) {
	later := len(options) > 0
	options = append(options, asynq.Queue(Queue), asynq.MaxRetry(maxRetry), asynq.Timeout(TaskTimeout))
	a := alarm{task: asynq.NewTask(taskType, encode(ids)), options: options, later: later}
	select {
	case <-w.closing:
		w.lost.Add(1)
		return
	default:
	}
	select {
	case w.tasks <- a:
	default:
		w.lost.Add(1)
	}
}

func (w *Waker) run() {
	defer close(w.done)
	for {
		select {
		case a := <-w.tasks:
			w.complain(w.enqueue(context.Background(), a))
		case <-w.closing:
			w.drain()
			return
		}
	}
}

func (w *Waker) drain() {
	ctx, cancel := context.WithTimeout(context.Background(), drainLimit)
	defer cancel()
	for {
		select {
		case a := <-w.tasks:
			if err := w.enqueue(ctx, a); err != nil {
				w.lost.Add(int64(len(w.tasks)))
				w.complain(err)
				return
			}
		default:
			return
		}
	}
}

// enqueue treats a conflict as success: the alarm is set already, or its answer was lost.
func (w *Waker) enqueue(ctx context.Context, a alarm) error {
	ctx, cancel := context.WithTimeout(ctx, enqueueLimit)
	defer cancel()
	_, err := w.client.EnqueueContext(ctx, a.task, a.options...)
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		w.lost.Add(1)
		return fmt.Errorf("enqueue %s: %w", a.task.Type(), err)
	}
	w.unrung = w.unrung || !a.later
	return w.ring(ctx)
}

// ring tells the workers, once for all tasks of a burst and at least every few milliseconds while it lasts. A ring that
// is lost only costs the time until the workers' next look.
func (w *Waker) ring(ctx context.Context) error {
	now := time.Now()
	if !w.unrung || (len(w.tasks) > 0 && now.Sub(w.rung) < ringEvery) {
		return nil
	}
	w.unrung, w.rung = false, now
	if err := w.redis.Publish(ctx, Bell, "").Err(); err != nil {
		return fmt.Errorf("ring for workers: %w", err)
	}
	return nil
}

func (w *Waker) complain(err error) {
	if now := time.Now(); err != nil && now.Sub(w.complained) > logEvery {
		w.complained = now
		w.log.Warn("wake.failed", "error", err, "lost_total", w.Lost(), "effect", "the sweeper does it later")
	}
}

func check(taskType string, ids []string) error {
	if taskType != Deliver && taskType != Send {
		return fmt.Errorf("wake: there is no task type %q", taskType)
	}
	for _, id := range ids {
		if id == "" || strings.ContainsAny(id, "\r\n") {
			return fmt.Errorf("wake: %q is not an id", id)
		}
	}
	return nil
}

func encode(ids []string) []byte { return []byte(strings.Join(ids, "\n")) }

// IDs reads a task's payload. It returns an error for what Now and At never write.
func IDs(payload []byte) ([]string, error) {
	ids := strings.Split(string(payload), "\n")
	if len(ids) > MaxIDs {
		return nil, fmt.Errorf("read task: %d ids, and %d is the most", len(ids), MaxIDs)
	}
	for _, id := range ids {
		if id == "" {
			return nil, errors.New("read task: an id is empty")
		}
	}
	return ids, nil
}
