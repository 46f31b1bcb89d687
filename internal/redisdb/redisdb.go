// Package redisdb gives the process its one Redis: a real server, Sentinel or Cluster when REDIS_URL is set,
// and otherwise a Redis-compatible server inside the process. Redis holds only what may be lost (wake-ups and
// rate-limit counters), so an unreachable server never keeps the product from starting.
package redisdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// checkTimeout bounds one check of the server; a healthy one answers within milliseconds.
	checkTimeout = 2 * time.Second
	// recheckBroken is how often a server that is away or unsuitable is looked at again.
	recheckBroken = time.Second
	// recheckHealthy is how often a good server is looked at: its policy can be changed while it runs.
	recheckHealthy = 30 * time.Second
)

// Options says where Redis is.
type Options struct {
	// URL is the address of a real Redis; empty starts the embedded server. The forms, each with rediss in
	// place of redis for TLS:
	//
	//	redis://[user:password@]host[:6379][/db]                                   one server
	//	redis-sentinel://[user:password@]host1:26379,host2:26379[/db]?master=name  Sentinel; the credentials are
	//	                                                                           the data servers' (the Sentinels'
	//	                                                                           own: sentinel_username and
	//	                                                                           sentinel_password as parameters)
	//	redis-cluster://[user:password@]host1:6379,host2:6379                      Cluster
	//	redis://host1:26379?addr=host2:26379&master_name=name                      Sentinel, go-redis's own form
	//	redis://host1:6379?addr=host2:6379                                         Cluster, go-redis's own form
	//
	// go-redis's parameters (pool_size=50, read_timeout=2s, ...) may follow each of them.
	URL string
	// Logger receives outages, recoveries and warnings. Required.
	Logger *slog.Logger
}

// DB is the process's Redis. Its methods may be called by any number of goroutines.
type DB struct {
	client   redis.UniversalClient
	embedded *embedded // nil with a real server
	log      *slog.Logger
	stop     context.CancelFunc
	done     sync.WaitGroup

	mu     sync.Mutex
	warned map[string]bool
}

// libraryLog takes go-redis's own lines: one for each failed connection, which an outage makes hundreds of.
type libraryLog struct{ log *slog.Logger }

// Printf logs one line at debug level.
func (l libraryLog) Printf(ctx context.Context, format string, args ...any) {
	if l.log.Enabled(ctx, slog.LevelDebug) {
		l.log.DebugContext(ctx, "redis.library", "text", fmt.Sprintf(format, args...))
	}
}

// Open connects to Redis, or starts the embedded server. It takes at most about two seconds. A server that answers but cannot
// serve (ErrUnsuitable) is an error; one that does not answer is only logged, and checked in the background
// until it appears: Check tells its state. Errors never contain the password. Open also turns go-redis's own log, which
// is one for the whole process, to Logger at debug level.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Logger == nil {
		return nil, errors.New("open redis: Options.Logger is missing")
	}
	redis.SetLogger(libraryLog{o.Logger})
	db := &DB{log: o.Logger, warned: map[string]bool{}}
	if o.URL == "" {
		e, err := startEmbedded()
		if err != nil {
			return nil, fmt.Errorf("open redis: %w", err)
		}
		db.embedded, db.client, db.stop = e, redis.NewClient(e.options()), func() {}
		return db, nil
	}
	client, err := newClient(o.URL)
	if err != nil {
		return nil, err
	}
	db.client = client
	err = db.Check(ctx)
	if errors.Is(err, ErrUnsuitable) {
		return nil, errors.Join(fmt.Errorf("open redis: %w", err), client.Close())
	}
	if err != nil {
		db.log.Warn("redis.unreachable", "error", err, "effect", "the product works on and connects when redis is there")
	}
	watchCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	db.stop = stop
	db.done.Go(func() { db.watch(watchCtx, err == nil) })
	return db, nil
}

// Client is the shared connection pool, for every user of Redis in the process. It never repeats a command by itself
// (a repeated counter would count twice), obeys context deadlines, and belongs to the DB: nobody else closes it.
func (db *DB) Client() redis.UniversalClient { return db.client }

// Embedded tells whether Redis runs inside this process, so that nothing in it outlives the process.
func (db *DB) Embedded() bool { return db.embedded != nil }

// Check asks the server now and returns nil when it can serve, an error wrapping ErrUnsuitable when it
// answers but must not be used, and another error when it does not answer. It blocks for at most two seconds
// and is meant for /readyz.
func (db *DB) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if db.Embedded() {
		if err := db.client.Ping(ctx).Err(); err != nil {
			return fmt.Errorf("ping embedded redis: %w", err)
		}
		return nil
	}
	warnings, err := inspect(ctx, db.client)
	for _, w := range warnings {
		db.warnOnce(w)
	}
	return err
}

// Close ends the background check, the connections and the embedded server. Call it last, after everything that uses Client.
func (db *DB) Close() error {
	db.stop()
	db.done.Wait()
	err := db.client.Close()
	if db.embedded != nil {
		db.embedded.close()
	}
	if err != nil {
		return fmt.Errorf("close redis: %w", err)
	}
	return nil
}

// watch logs when the server's state changes, so that an outage is one line and its end another.
func (db *DB) watch(ctx context.Context, healthy bool) {
	for {
		wait := recheckBroken
		if healthy {
			wait = recheckHealthy
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		err := db.Check(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && !healthy:
			db.log.Info("redis.ready")
		case err != nil && healthy:
			db.log.Error("redis.not_ready", "error", err)
		}
		healthy = err == nil
	}
}

func (db *DB) warnOnce(text string) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if !db.warned[text] {
		db.warned[text] = true
		db.log.Warn("redis.warning", "warning", text)
	}
}
