package testenv

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// RedisServer is a redis-server of one test's own, which it may stop, kill, flush and start again on the same port.
// Its methods end the test where they fail. They are not safe for concurrent use.
type RedisServer struct {
	URL string // redis://127.0.0.1:port/0

	t         testing.TB
	folder    string
	port      int
	arguments []string
	engine    *engine // nil while it is stopped
}

// Redis starts a redis-server on a free loopback port and stops it when the test ends. It keeps nothing over a Stop,
// unless further arguments tell it to: Redis(t, "--appendonly", "yes").
func Redis(t testing.TB, arguments ...string) *RedisServer {
	t.Helper()
	folder, err := newFolder("redis", nil)
	if err != nil {
		t.Fatal(err)
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	server := &RedisServer{URL: fmt.Sprintf("redis://127.0.0.1:%d/0", port), t: t, folder: folder, port: port, arguments: arguments}
	t.Cleanup(func() {
		server.Stop()
		_ = os.RemoveAll(folder)
	})
	server.Start()
	return server
}

// FlushAll deletes everything, as an operator's FLUSHALL does.
func (r *RedisServer) FlushAll() {
	r.t.Helper()
	client := redis.NewClient(&redis.Options{Addr: r.address()})
	defer func() { _ = client.Close() }()
	if err := client.FlushAll(r.t.Context()).Err(); err != nil {
		r.t.Fatalf("flush Redis: %v", err)
	}
}

// Kill ends the server as kill -9 does. It does nothing where the server is stopped.
func (r *RedisServer) Kill() {
	if r.engine != nil {
		r.engine.kill()
		r.engine = nil
	}
}

// Start starts the server again, on the same port, and waits until it answers. It does nothing where the server runs.
func (r *RedisServer) Start() {
	r.t.Helper()
	if r.engine != nil {
		return
	}
	program, err := exec.LookPath("redis-server")
	if err != nil {
		r.t.Fatal("Redis is not installed: run 'apt-get install redis-server' (make test does)")
	}
	arguments := append([]string{"--port", strconv.Itoa(r.port), "--bind", "127.0.0.1", "--dir", r.folder, "--save", ""}, r.arguments...)
	r.engine, err = startEngine(r.folder, "TERM", nil, program, arguments...)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.engine.awaitReady(r.ping); err != nil {
		r.t.Fatalf("start Redis: %v", err)
	}
}

// Stop ends the server in order. It does nothing where the server is stopped.
func (r *RedisServer) Stop() {
	if r.engine != nil {
		r.engine.stop()
		r.engine = nil
	}
}

func (r *RedisServer) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(r.port)) }

// ping speaks plain Redis, because go-redis logs every refused connection.
func (r *RedisServer) ping() error {
	connection, err := net.DialTimeout("tcp", r.address(), time.Second) //nolint:noctx // bounded by its timeout
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = connection.Close() }()
	_ = connection.SetDeadline(time.Now().Add(time.Second))
	if _, err := connection.Write([]byte("PING\r\n")); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	answer := make([]byte, 5)
	if _, err := connection.Read(answer); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	if string(answer) != "+PONG" {
		return fmt.Errorf("ping: the answer is %q", answer) // -LOADING while it reads its file
	}
	return nil
}
