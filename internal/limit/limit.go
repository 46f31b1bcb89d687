// Package limit counts what a caller may do in a period, exactly and for all processes together, in Redis. It
// adds to ulule/limiter what an outage needs: a limiter that starts without Redis, errors that come quickly, and a pause
// after a failure so that not every request waits for a dead server.
package limit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/ulule/limiter/v3"
	store "github.com/ulule/limiter/v3/drivers/store/redis"
)

const (
	// takeTimeout is the longest that Take keeps a request waiting.
	takeTimeout = time.Second
	// pause is how long Redis is left alone after a failure; then one caller tries it and the others go on failing at once.
	pause = time.Second
)

// ErrUnavailable means that Redis did not count. The caller decides: API calls go on without a limit, a login is refused.
var ErrUnavailable = errors.New("the rate limiter's redis is not available")

// Rate allows Limit takes in each Period. Both must be positive, and Period at least a millisecond.
type Rate struct {
	Limit  int64
	Period time.Duration
}

// Result says where a key stands after a take.
type Result struct {
	Limit     int64     // the rate's limit
	Remaining int64     // takes left in this period
	Reset     time.Time // when a new period begins, rounded up to a whole second
	Allowed   bool      // whether this take was within the limit
}

// Options configures a Limiter; each field is required.
type Options struct {
	Client redis.UniversalClient // must obey context deadlines (ContextTimeoutEnabled)
	Prefix string                // of every key, so that several limiters can share a Redis
	Logger *slog.Logger
}

// Limiter counts takes. It may be used by any number of goroutines and processes.
type Limiter struct {
	client redis.UniversalClient
	prefix string
	log    *slog.Logger
	now    func() time.Time

	retryAt atomic.Int64 // Unix nanoseconds; while later than now, Redis is left alone
	down    atomic.Bool

	mu    sync.Mutex
	store limiter.Store // nil until Redis has been there once
}

// New makes a Limiter. It does not need Redis to be there.
func New(o Options) (*Limiter, error) {
	switch {
	case o.Client == nil:
		return nil, errors.New("make limiter: Options.Client is missing")
	case o.Prefix == "":
		return nil, errors.New("make limiter: Options.Prefix is missing")
	case o.Logger == nil:
		return nil, errors.New("make limiter: Options.Logger is missing")
	}
	return &Limiter{client: o.Client, prefix: o.Prefix, log: o.Logger, now: time.Now}, nil
}

// Take counts one use of key in the rate's current period (a fixed window that begins with the first take). It blocks for at most
// a second; an error wraps ErrUnavailable, or ctx's own error when the caller gave up.
func (l *Limiter) Take(ctx context.Context, key string, rate Rate) (Result, error) {
	if rate.Limit < 1 || rate.Period < time.Millisecond {
		return Result{}, fmt.Errorf("take from limit: rate %d per %s must be positive", rate.Limit, rate.Period)
	}
	if !l.mayTry() {
		return Result{}, fmt.Errorf("take from limit: %w", ErrUnavailable)
	}
	return l.ask(ctx, key, rate, limiter.Store.Get)
}

// Peek says where a key stands without counting a use; Allowed tells whether a take would be within the limit now. It blocks and fails as Take does.
func (l *Limiter) Peek(ctx context.Context, key string, rate Rate) (Result, error) {
	if rate.Limit < 1 || rate.Period < time.Millisecond {
		return Result{}, fmt.Errorf("look at limit: rate %d per %s must be positive", rate.Limit, rate.Period)
	}
	if !l.mayTry() {
		return Result{}, fmt.Errorf("look at limit: %w", ErrUnavailable)
	}
	result, err := l.ask(ctx, key, rate, limiter.Store.Peek)
	result.Allowed = result.Remaining > 0
	return result, err
}

// question is one of the methods of a limiter.Store.
type question func(s limiter.Store, ctx context.Context, key string, rate limiter.Rate) (limiter.Context, error)

// ask asks Redis, and notes whether it is there.
func (l *Limiter) ask(ctx context.Context, key string, rate Rate, how question) (Result, error) {
	bounded, cancel := context.WithTimeout(ctx, takeTimeout)
	defer cancel()
	state, err := l.get(bounded, key, limiter.Rate{Limit: rate.Limit, Period: rate.Period}, how)
	if err != nil {
		return Result{}, l.failed(ctx, err)
	}
	if l.down.CompareAndSwap(true, false) {
		l.retryAt.Store(0)
		l.log.Info("limiter.recovered")
	}
	return Result{
		Limit:     state.Limit,
		Remaining: state.Remaining,
		Reset:     time.Unix(state.Reset+1, 0).UTC(),
		Allowed:   !state.Reached,
	}, nil
}

// mayTry is true while Redis answers. After a failure it is true for one caller in each pause.
func (l *Limiter) mayTry() bool {
	at := l.retryAt.Load()
	if at == 0 {
		return true
	}
	now := l.now()
	return now.UnixNano() >= at && l.retryAt.CompareAndSwap(at, now.Add(pause).UnixNano())
}

func (l *Limiter) get(ctx context.Context, key string, rate limiter.Rate, how question) (limiter.Context, error) {
	s, err := l.ready(ctx)
	if err != nil {
		return limiter.Context{}, err
	}
	state, err := how(s, ctx, key, rate)
	if err != nil {
		return limiter.Context{}, fmt.Errorf("count: %w", err)
	}
	return state, nil
}

// ready returns the store, and makes it at the first call that finds Redis there: making it loads scripts.
func (l *Limiter) ready(ctx context.Context) (limiter.Store, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.store != nil {
		return l.store, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("wait for limiter scripts: %w", err)
	}
	client := &boundedClient{UniversalClient: l.client, timeout: takeTimeout / 2}
	s, err := store.NewStoreWithOptions(client, limiter.StoreOptions{Prefix: l.prefix})
	if err != nil {
		return nil, fmt.Errorf("load limiter scripts: %w", err)
	}
	l.store = s
	return s, nil
}

// failed opens the pause, unless it was the caller who gave up.
func (l *Limiter) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("take from limit: %w", ctx.Err())
	}
	l.retryAt.Store(l.now().Add(pause).UnixNano())
	if l.down.CompareAndSwap(false, true) {
		l.log.Warn("limiter.unavailable", "error", err, "effect", "calls are not limited and logins are refused until redis is back")
	}
	return fmt.Errorf("take from limit: %w: %w", ErrUnavailable, err)
}

// boundedClient bounds the loading of scripts, for which the store has no context of its own.
type boundedClient struct {
	redis.UniversalClient
	timeout time.Duration
}

// ScriptLoad loads a script within the timeout.
func (c *boundedClient) ScriptLoad(ctx context.Context, script string) *redis.StringCmd {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.UniversalClient.ScriptLoad(ctx, script)
}

// ClientKey is the key under which a client's address is limited. IPv6 is cut to its /64, because one host
// usually owns all of it; IPv4 mapped into IPv6 is IPv4.
func ClientKey(ip netip.Addr) string {
	ip = ip.Unmap().WithZone("")
	if !ip.Is6() {
		return ip.String()
	}
	network, err := ip.Prefix(64)
	if err != nil {
		return ip.String()
	}
	return network.String()
}
