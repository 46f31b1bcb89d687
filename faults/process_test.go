//go:build linux

package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// node is a place where the product runs: an address and settings, and one process after another.
type node struct {
	t           *testing.T
	url         string
	environment []string
	log         *journal
	command     *exec.Cmd     // of the process that was started last
	ended       chan struct{} // closed when it has ended
}

// newNode takes a free port for a node and starts nothing.
func newNode(t *testing.T, log *journal, environment ...string) *node {
	t.Helper()
	port := freePort(t)
	n := &node{t: t, url: "http://127.0.0.1:" + strconv.Itoa(port), log: log}
	n.environment = append([]string{
		"PORT=" + strconv.Itoa(port), "BASE_URL=" + n.url, "ALLOW_PRIVATE_NETWORKS=127.0.0.0/8,::1/128", "REGISTRATION=open",
		"API_RATE_LIMIT=1000000", "LOG_LEVEL=info", "LOG_FORMAT=json", "GOTRACEBACK=all",
	}, environment...)
	t.Cleanup(n.end)
	return n
}

// freePort returns a port on which nobody listens, below those that the system gives to outgoing connections: it must
// still be free when a killed process is started again.
func freePort(t *testing.T) int {
	t.Helper()
	for range 1000 {
		port := 10000 + rand.IntN(22000)
		listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			require.NoError(t, listener.Close())
			return port
		}
	}
	require.FailNow(t, "no port is free")
	return 0
}

// start starts a process and waits until it answers that it lives.
func (n *node) start() {
	n.t.Helper()
	n.launch()
	n.awaitAnswer("/healthz", http.StatusOK, patience)
}

// launch starts a process and does not wait for it. It dies with the test's process.
func (n *node) launch() {
	n.t.Helper()
	n.command = exec.Command(os.Getenv(binaryVariable), "serve")
	n.command.Env, n.command.Stdout, n.command.Stderr = n.environment, n.log, n.log
	n.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	require.NoError(n.t, n.command.Start())
	n.ended = make(chan struct{})
	go func() {
		_ = n.command.Wait() // how it ended is in ProcessState
		close(n.ended)
	}()
}

// awaitAnswer waits until a GET of the path is answered with a status.
func (n *node) awaitAnswer(path string, status int, within time.Duration) {
	n.t.Helper()
	await(n.t, within, fmt.Sprintf("%s to answer %d", path, status), func() bool {
		require.True(n.t, n.alive(), "the process has ended: %s", n.log.tail())
		return n.get(path) == status
	})
}

// get returns the status of the answer to a GET, or 0 where there is none.
func (n *node) get(path string) int {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, n.url+path, nil)
	require.NoError(n.t, err)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func (n *node) pid() int { return n.command.Process.Pid }

func (n *node) alive() bool {
	select {
	case <-n.ended:
		return false
	default:
		return true
	}
}

func (n *node) signal(signal syscall.Signal) {
	n.t.Helper()
	require.NoError(n.t, n.command.Process.Signal(signal))
}

// kill ends the process as kill -9 does and waits until it is gone.
func (n *node) kill() {
	n.t.Helper()
	n.signal(syscall.SIGKILL)
	<-n.ended
}

// stop ends the process in order, and requires that it says that all went well.
func (n *node) stop(within time.Duration) {
	n.t.Helper()
	n.signal(syscall.SIGTERM)
	n.awaitExit(within)
}

// awaitExit requires that the process ends by itself, without complaint.
func (n *node) awaitExit(within time.Duration) {
	n.t.Helper()
	await(n.t, within, "the process to end", func() bool { return !n.alive() })
	require.Zero(n.t, n.command.ProcessState.ExitCode(), "it ended with %s: %s", n.command.ProcessState, n.log.tail())
}

// end kills what still runs when the test is over.
func (n *node) end() {
	if n.command == nil || n.command.Process == nil {
		return
	}
	_ = n.command.Process.Signal(syscall.SIGCONT)
	_ = n.command.Process.Kill()
	<-n.ended
}

// journal is what processes have written, of all of a site's.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write takes a piece of output.
func (j *journal) Write(piece []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(piece)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// tail returns the end of it.
func (j *journal) tail() string {
	all := j.String()
	return all[max(0, len(all)-4000):]
}
