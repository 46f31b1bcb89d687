package redisdb

import (
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// tickEvery is the resolution of expiries in the embedded server. A tick visits every key with a lifetime, so it must
// not be much finer; rate limits and leases do not need it to be.
const tickEvery = 100 * time.Millisecond

// embedded is a Redis-compatible server inside the process, on a free loopback port and behind a password that nobody
// else knows: other users of the machine can reach the port.
type embedded struct {
	server   *miniredis.Miniredis
	password string
	stop     chan struct{}
	done     sync.WaitGroup
}

func startEmbedded() (*embedded, error) {
	e := &embedded{server: miniredis.NewMiniRedis(), password: rand.Text(), stop: make(chan struct{})}
	e.server.RequireAuth(e.password)
	if err := e.server.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("start embedded redis: %w", err)
	}
	e.done.Go(e.runClock)
	return e, nil
}

// runClock lets lifetimes pass: the server counts them down only when it is told to. Absolute times (EXPIREAT, TIME)
// it takes from the machine's clock by itself. Real elapsed time is used, not the number of ticks, because ticks
// are dropped on a busy machine.
func (e *embedded) runClock() {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-e.stop:
			return
		case <-ticker.C:
			now := time.Now()
			e.server.FastForward(now.Sub(last))
			last = now
		}
	}
}

func (e *embedded) options() *redis.Options {
	return tune(&redis.Options{Addr: e.server.Addr(), Password: e.password})
}

func (e *embedded) close() {
	close(e.stop)
	e.done.Wait()
	e.server.Close()
}
