package testenv_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/testenv"
)

// childVariable makes the test binary start engines and wait to be killed, see TestMain.
const childVariable = "TESTENV_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(testenv.Main(m))
	}
	server, err := testenv.StartPostgres()
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString(server.URL + "\n")
	select {}
}

func TestEachCallGivesAnEmptyDatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	first, second := connect(t, testenv.Postgres(t)), connect(t, testenv.Postgres(t))
	_, err := first.Exec(t.Context(), "CREATE TABLE things (name TEXT)")
	require.NoError(t, err)
	_, err = second.Exec(t.Context(), "SELECT name FROM things")
	require.ErrorContains(t, err, "does not exist")
}

func TestADatabaseIsDroppedWithItsTest(t *testing.T) {
	t.Parallel()
	address := make(chan string, 1)
	t.Cleanup(func() { // after the cleanup that drops the database, which is registered later
		_, err := pgx.Connect(context.Background(), <-address)
		require.ErrorContains(t, err, "does not exist")
	})
	address <- testenv.Postgres(t)
}

func TestAServerStopsAlsoWhenItsProcessIsKilled(t *testing.T) {
	t.Parallel()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childVariable+"=1")
	output, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	address, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	address = strings.TrimSpace(address)
	var folder string
	connection := connect(t, address)
	require.NoError(t, connection.QueryRow(t.Context(), "SHOW data_directory").Scan(&folder))

	require.NoError(t, child.Process.Kill())
	_ = child.Wait()
	require.Eventually(t, func() bool {
		_, err := os.Stat(folder)
		return os.IsNotExist(err)
	}, 30*time.Second, 20*time.Millisecond)
	_, err = pgx.Connect(t.Context(), address)
	require.Error(t, err)
}

func TestARedisIsStoppedKilledFlushedAndStartedAgain(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t)
	client := newClient(t, server.URL)
	require.NoError(t, client.Set(t.Context(), "key", "value", 0).Err())

	server.FlushAll()
	require.ErrorIs(t, client.Get(t.Context(), "key").Err(), redis.Nil)

	require.NoError(t, client.Set(t.Context(), "key", "value", 0).Err())
	server.Stop()
	require.Error(t, client.Ping(t.Context()).Err())
	server.Start()
	require.ErrorIs(t, client.Get(t.Context(), "key").Err(), redis.Nil)

	server.Kill()
	require.Error(t, client.Ping(t.Context()).Err())
	server.Start()
	require.NoError(t, client.Ping(t.Context()).Err())
}

func TestARedisWithAFileKeepsItsDataOverAKill(t *testing.T) {
	t.Parallel()
	server := testenv.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	client := newClient(t, server.URL)
	require.NoError(t, client.Set(t.Context(), "key", "value", 0).Err())
	server.Kill()
	server.Start()
	require.Equal(t, "value", client.Get(t.Context(), "key").Val())
}

func connect(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = connection.Close(context.Background()) })
	return connection
}

func newClient(t *testing.T, address string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(address)
	require.NoError(t, err)
	options.MaxRetries = -1
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}
