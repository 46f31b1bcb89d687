package redisdb_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/redisdb"
	"github.com/switchhook/switchhook/internal/testenv"
)

// logBuffer is a log that may be read while others write to it.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func open(t *testing.T, url string) (*redisdb.DB, *logBuffer) {
	t.Helper()
	logs := &logBuffer{}
	db, err := redisdb.Open(t.Context(), redisdb.Options{URL: url, Logger: slog.New(slog.NewTextHandler(logs, nil))})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db, logs
}

func openError(t *testing.T, url string) error {
	t.Helper()
	db, err := redisdb.Open(t.Context(), redisdb.Options{URL: url, Logger: slog.New(slog.DiscardHandler)})
	require.Error(t, err)
	require.Nil(t, db)
	return err
}

func TestOpenNeedsALogger(t *testing.T) {
	t.Parallel()
	_, err := redisdb.Open(t.Context(), redisdb.Options{})
	require.ErrorContains(t, err, "Options.Logger")
}

func TestWithoutAURLTheServerIsInTheProcess(t *testing.T) {
	t.Parallel()
	db, _ := open(t, "")
	require.True(t, db.Embedded())
	require.NoError(t, db.Check(t.Context()))
	require.NoError(t, db.Client().Set(t.Context(), "a", "b", 0).Err())
	require.Equal(t, "b", db.Client().Get(t.Context(), "a").Val())
}

func TestTheEmbeddedServerIsClosedToStrangers(t *testing.T) {
	t.Parallel()
	db, _ := open(t, "")
	addr := db.Client().(*redis.Client).Options().Addr
	host, _, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1", host)
	for _, password := range []string{"", "wrong"} {
		stranger := redis.NewClient(&redis.Options{Addr: addr, Password: password, MaxRetries: -1})
		require.Error(t, stranger.Get(t.Context(), "a").Err())
		require.Error(t, stranger.FlushAll(t.Context()).Err())
		require.NoError(t, stranger.Close())
	}
}

func TestExpiriesHappenInTheEmbeddedServer(t *testing.T) {
	t.Parallel()
	db, _ := open(t, "")
	ctx, c := t.Context(), db.Client()
	require.NoError(t, c.Set(ctx, "soon", "x", 300*time.Millisecond).Err())
	require.NoError(t, c.Set(ctx, "later", "x", time.Hour).Err())
	require.NoError(t, c.Set(ctx, "at", "x", 0).Err())
	require.NoError(t, c.PExpireAt(ctx, "at", time.Now().Add(300*time.Millisecond)).Err())
	require.EqualValues(t, 3, c.Exists(ctx, "soon", "later", "at").Val())
	require.Eventually(t, func() bool { return c.Exists(ctx, "soon", "at").Val() == 0 }, 10*time.Second, 10*time.Millisecond)
	require.Less(t, c.PTTL(ctx, "later").Val(), time.Hour)
	require.Greater(t, c.PTTL(ctx, "later").Val(), 59*time.Minute)
}

func TestTheEmbeddedServerEndsWithClose(t *testing.T) {
	t.Parallel()
	db, err := redisdb.Open(t.Context(), redisdb.Options{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	addr := db.Client().(*redis.Client).Options().Addr
	require.NoError(t, db.Close())
	_, err = (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	require.Error(t, err)
}

func TestARealServerIsUsed(t *testing.T) {
	t.Parallel()
	db, logs := open(t, testenv.Redis(t).URL)
	require.False(t, db.Embedded())
	require.NoError(t, db.Check(t.Context()))
	require.Empty(t, logs.String())
}

func TestARealServerIsUsedThroughCluster(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t, "--cluster-enabled", "yes")
	node := redis.NewClient(&redis.Options{Addr: address(t, server.URL)})
	require.NoError(t, node.Do(t.Context(), "CLUSTER", "ADDSLOTSRANGE", 0, 16383).Err())
	require.Eventually(t, func() bool {
		return strings.Contains(node.ClusterInfo(t.Context()).Val(), "cluster_state:ok")
	}, 20*time.Second, 50*time.Millisecond)
	require.NoError(t, node.Close())

	db, _ := open(t, "redis-cluster://"+address(t, server.URL))
	require.IsType(t, &redis.ClusterClient{}, db.Client())
	require.NoError(t, db.Check(t.Context()))
	require.NoError(t, db.Client().Set(t.Context(), "a", "b", 0).Err())
}

func TestAServerThatEvictsKeysIsRefused(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t, "--maxmemory-policy", "allkeys-lru")
	err := openError(t, server.URL)
	require.ErrorIs(t, err, redisdb.ErrUnsuitable)
	require.ErrorContains(t, err, "allkeys-lru")
	require.ErrorContains(t, err, "set \"maxmemory-policy noeviction\"")
}

func TestAWrongPasswordIsRefusedAndNotShown(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	admin := redis.NewClient(&redis.Options{Addr: address(t, server.URL)})
	require.NoError(t, admin.ConfigSet(t.Context(), "requirepass", "right").Err())
	require.NoError(t, admin.Close())
	for _, user := range []string{":wr0ng-passw0rd@", ""} {
		err := openError(t, "redis://"+user+address(t, server.URL))
		require.ErrorIs(t, err, redisdb.ErrUnsuitable)
		require.NotContains(t, err.Error(), "wr0ng")
	}
	db, _ := open(t, "redis://:right@"+address(t, server.URL))
	require.NoError(t, db.Check(t.Context()))
}

func TestAServerThatHidesInfoIsUsedWithAWarning(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	admin := redis.NewClient(&redis.Options{Addr: address(t, server.URL)})
	require.NoError(t, admin.Do(t.Context(), "ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all", "-info").Err())
	require.NoError(t, admin.Close())
	db, logs := open(t, "redis://app:pw@"+address(t, server.URL))
	require.NoError(t, db.Check(t.Context()))
	require.Equal(t, 1, strings.Count(logs.String(), "does not allow INFO"))
}

func TestAServerThatIsAwayAtStartIsCheckedWhenItAppears(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	server.Stop()
	begin := time.Now()
	db, logs := open(t, server.URL)
	require.Less(t, time.Since(begin), 4*time.Second)
	require.Error(t, db.Check(t.Context()))
	require.Contains(t, logs.String(), "redis.unreachable")

	server.Start()
	require.Eventually(t, func() bool { return strings.Contains(logs.String(), "redis.ready") }, 20*time.Second, 50*time.Millisecond)
	require.NoError(t, db.Check(t.Context()))
}

func TestAnUnsuitableServerThatAppearsLaterIsReported(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t, "--maxmemory-policy", "volatile-lru")
	server.Stop()
	db, logs := open(t, server.URL)
	server.Start()
	require.Eventually(t, func() bool {
		return isUnsuitable(t.Context(), db)
	}, 20*time.Second, 50*time.Millisecond)

	require.NoError(t, db.Client().ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err())
	require.NoError(t, db.Check(t.Context()))
	require.Eventually(t, func() bool { return strings.Contains(logs.String(), "redis.ready") }, 20*time.Second, 50*time.Millisecond)
}

func TestADeadServerCostsACallerLittle(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	db, _ := open(t, "redis://:s3cret@"+listener.Addr().String())

	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begin := time.Now()
	err = db.Client().Get(ctx, "a").Err()
	require.Error(t, err)
	require.NotContains(t, err.Error(), "s3cret")
	require.Less(t, time.Since(begin), 900*time.Millisecond)
}

func isUnsuitable(ctx context.Context, db *redisdb.DB) bool {
	err := db.Check(ctx)
	return err != nil && strings.Contains(err.Error(), redisdb.ErrUnsuitable.Error())
}

func address(t *testing.T, url string) string {
	t.Helper()
	o, err := redis.ParseURL(url)
	require.NoError(t, err)
	return o.Addr
}
