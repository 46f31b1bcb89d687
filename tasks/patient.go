package tasks

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/switchhook/switchhook/internal/wake"
)

const (
	// outagePause slows asynq down while Redis is away: its loop asks again at once after an error, which would
	// keep a core busy for the whole outage.
	outagePause = 250 * time.Millisecond
	// lookEvery is how often an empty queue is looked at without a bell, in case one was not heard.
	lookEvery = 250 * time.Millisecond
	// dequeueKeys is how many keys asynq's dequeue script has, the pending list first; its forward script has two, the pending
	// list second (internal/rdb, v0.26).
	dequeueKeys = 4
	forwardKeys = 2
)

// patientClient is the shared client as asynq sees it. asynq can only poll, and polling often enough not to be noticed costs
// several per cent of a core. So the script that takes a task from the queue, once it found nothing, waits here until the
// bell rings; and a script that failed because of the connection returns only after a pause.
type patientClient struct {
	redis.UniversalClient
	bell chan struct{} // holds one ring, so that none is missed between a look and the next wait
	quit chan struct{}
	once sync.Once

	mu    sync.Mutex
	empty bool // the last look found nothing
}

func newPatientClient(c redis.UniversalClient) *patientClient {
	return &patientClient{UniversalClient: c, bell: make(chan struct{}, 1), quit: make(chan struct{})}
}

// ring lets the next look happen now.
func (c *patientClient) ring() {
	select {
	case c.bell <- struct{}{}:
	default:
	}
}

// giveUp ends all waiting for good, so that a stop is quick.
func (c *patientClient) giveUp() { c.once.Do(func() { close(c.quit) }) }

// EvalSha runs one of asynq's scripts. It blocks while the queue is empty or Redis is away.
func (c *patientClient) EvalSha(ctx context.Context, sha1 string, keys []string, args ...any) *redis.Cmd {
	dequeue := len(keys) == dequeueKeys && keys[0] == keyPending
	if dequeue && c.wasEmpty() {
		c.wait(ctx, c.bell, lookEvery)
	}
	cmd := c.UniversalClient.EvalSha(ctx, sha1, keys, args...)
	err := cmd.Err()
	if dequeue {
		c.setEmpty(errors.Is(err, redis.Nil))
	}
	switch {
	case err == nil:
		if moved, _ := cmd.Int(); moved > 0 && len(keys) == forwardKeys && keys[1] == keyPending {
			c.ring()
		}
	case !errors.Is(err, redis.Nil) && !redis.HasErrorPrefix(err, "NOSCRIPT"):
		c.wait(ctx, nil, outagePause)
	}
	return cmd
}

// listen rings for each alarm that any process sets, until ctx ends. The subscription heals by itself.
func (c *patientClient) listen(ctx context.Context) {
	sub := c.Subscribe(ctx, wake.Bell)
	defer func() { _ = sub.Close() }()
	messages := sub.Channel()
	for {
		select {
		case <-ctx.Done():
			return
		case _, open := <-messages:
			if !open {
				return
			}
			c.ring()
		}
	}
}

func (c *patientClient) wait(ctx context.Context, bell <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-bell:
	case <-timer.C:
	case <-c.quit:
	case <-ctx.Done():
	}
}

func (c *patientClient) wasEmpty() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.empty
}

func (c *patientClient) setEmpty(empty bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.empty = empty
}
