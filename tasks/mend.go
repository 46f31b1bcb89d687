package tasks

import (
	"context"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/switchhook/switchhook/internal/wake"
)

// asynq's key names, from its internal/base package (v0.26).
const (
	keyQueues  = "asynq:queues"
	keyPending = "asynq:{" + wake.Queue + "}:pending"
	keyActive  = "asynq:{" + wake.Queue + "}:active"
	keyLease   = "asynq:{" + wake.Queue + "}:lease"
)

// leaseFor is asynq's own lease duration (internal/rdb).
const leaseFor = 30 * time.Second

// mendLeases gives every running task that has no lease a new one. Without a lease asynq neither finishes nor recovers
// a task, and it would stay active forever.
const mendLeases = `
for _, id in ipairs(redis.call("LRANGE", KEYS[1], 0, 9999)) do
	if not redis.call("ZSCORE", KEYS[2], id) then
		redis.call("ZADD", KEYS[2], ARGV[1], id)
	end
end
return 1`

// mend repairs what asynq does not when Redis lost keys (a flush, an eviction, a failover): the queue's
// registration, which each process writes only once, and leases. asynq calls it every few seconds with the result of a ping.
func (w *Worker) mend(ctx context.Context, ping error) {
	if ping != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	err := w.o.Redis.SAdd(ctx, keyQueues, wake.Queue).Err()
	if err == nil {
		until := time.Now().Add(leaseFor).Unix()
		err = redis.NewScript(mendLeases).Run(ctx, w.o.Redis, []string{keyActive, keyLease}, until).Err()
	}
	if err != nil {
		w.log.Warn("queue.mend_failed", "error", strings.TrimSpace(err.Error()))
	}
}
