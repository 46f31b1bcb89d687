//go:build linux

package faults

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/switchhook/switchhook/internal/testenv"
)

// newSiteOnOwnPostgres makes an installation on a PostgreSQL server of its own, which may be broken. What it has
// committed outlives a crash.
func newSiteOnOwnPostgres(t *testing.T) (*site, *testenv.PostgresServer) {
	t.Helper()
	server, err := testenv.StartPostgres("synchronous_commit=on")
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	return newSiteOn(t, server.URL, testenv.Redis(t)), server
}

func TestPostgresConnectionsThatAreCutLoseNothing(t *testing.T) {
	t.Parallel()
	s := newSiteOnEngines(t)
	api, worker := s.up(), s.up("ROLE=worker")
	l := s.load(4, 5*time.Millisecond, api)
	a := s.admin()
	for range 10 {
		l.awaitMore(50)
		a.cutAll()
	}
	s.requireWhole(l, api, worker)
}

// requireWhole requires that the processes have gone through everything that came, and that nothing is lost.
func (s *site) requireWhole(l *load, nodes ...*node) {
	s.t.Helper()
	s.requireWholeWith(nil, l, nodes...)
}

// requireWholeWith is requireWhole with messages that were accepted before the load.
func (s *site) requireWholeWith(before []string, l *load, nodes ...*node) {
	s.t.Helper()
	l.awaitMore(50)
	ids := append(before, l.stop()...)
	found := s.check(nodes[0], ids, patience)
	require.Empty(s.t, found.failures())
	for status := range l.answers {
		require.Contains(s.t, []int{http.StatusOK, http.StatusServiceUnavailable}, status, "answers by status: %v", l.answers)
	}
	for _, n := range nodes {
		require.True(s.t, n.alive())
		n.awaitAnswer("/readyz", http.StatusOK, soon)
	}
	s.t.Logf("%d messages, %d repeats, answers by status: %v", len(ids), found.repeated(), l.answers)
}

// A backend that is killed makes PostgreSQL cut everybody and recover from its log.
func TestAPostgresThatCrashesLosesNothing(t *testing.T) {
	t.Parallel()
	s, _ := newSiteOnOwnPostgres(t)
	n := s.up()
	l := s.load(4, 5*time.Millisecond, n)
	for range 4 {
		l.awaitMore(100)
		victim := s.admin().count("SELECT MIN(pid) FROM pg_stat_activity WHERE " + ofProduct)
		require.NoError(t, syscall.Kill(victim, syscall.SIGKILL))
	}
	s.requireWhole(l, n)
}

// PostgreSQL waits for a replica that is not there after each commit, and is cut off then: everything that was under way is
// committed, and the product hears that it has failed.
func TestCommitsWhoseAnswersAreLostAreDeliveredAllTheSame(t *testing.T) {
	t.Parallel()
	s, _ := newSiteOnOwnPostgres(t)
	n, worker := s.up(), s.up("ROLE=worker")
	s.receiver.answers(slow(20 * time.Millisecond))
	l := s.load(8, 5*time.Millisecond, n)
	a := s.admin()
	for range 5 {
		l.awaitMore(100)
		a.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
		a.execute("SELECT pg_reload_conf()")
		await(t, patience, "commits to wait for the replica", func() bool {
			return a.count("SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") > 1
		})
		a.execute("ALTER SYSTEM RESET synchronous_standby_names")
		a.cutAll()
		a.execute("SELECT pg_reload_conf()")
	}
	s.requireWhole(l, n, worker)
}

// All of PostgreSQL is frozen for longer than a commit may take, so that the product gives up commits that come through later.
func TestAPostgresThatHangsLosesNothing(t *testing.T) {
	t.Parallel()
	s, server := newSiteOnOwnPostgres(t)
	n := s.up()
	s.receiver.answers(slow(20 * time.Millisecond))
	l := s.load(6, 2*time.Millisecond, n)
	l.awaitMore(200)
	frozen := family(t, server.PID())
	sendAll(t, syscall.SIGSTOP, frozen)
	t.Cleanup(func() { sendAll(t, syscall.SIGCONT, frozen) }) // a frozen server does not stop
	l.awaitRefusals(1)
	require.Equal(t, http.StatusOK, n.get("/healthz"))
	require.Equal(t, http.StatusServiceUnavailable, n.get("/readyz"))
	sendAll(t, syscall.SIGCONT, frozen)
	s.requireWhole(l, n)
}

// family returns a process and its children.
func family(t *testing.T, parent int) []int {
	t.Helper()
	family := []int{parent}
	tasks, err := filepath.Glob("/proc/" + strconv.Itoa(parent) + "/task/*/children")
	require.NoError(t, err)
	require.NotEmpty(t, tasks)
	for _, task := range tasks {
		children, err := os.ReadFile(task)
		require.NoError(t, err)
		for child := range strings.FieldsSeq(string(children)) {
			pid, err := strconv.Atoi(child)
			require.NoError(t, err)
			family = append(family, pid)
		}
	}
	return family
}

// sendAll sends a signal to processes, which may have ended.
func sendAll(t *testing.T, signal syscall.Signal, pids []int) {
	t.Helper()
	for _, pid := range pids {
		if err := syscall.Kill(pid, signal); !errors.Is(err, syscall.ESRCH) {
			require.NoError(t, err)
		}
	}
}

// Somebody else holds SQLite's one right to write for longer than the product waits for it.
func TestALockedSQLiteRefusesMessagesAndLosesNone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	n := s.up()
	release := s.receiver.hold()
	ids := s.accept(n, "before", 100)
	s.receiver.awaitCount(t, 64, patience)
	unlock := s.lockSQLite()
	release()
	l := s.load(4, 5*time.Millisecond, n)
	l.awaitRefusals(4)
	require.Zero(t, l.count(), "nothing may be accepted that cannot be stored")
	require.Equal(t, http.StatusOK, n.get("/healthz"))
	unlock()
	s.requireWholeWith(ids, l, n)
}

// A limit on the size of files stands in for a full disk: SQLite cannot write a byte more.
func TestAFullDiskRefusesMessagesAndLosesNone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	n := s.up()
	release := s.receiver.hold()
	ids := s.accept(n, "before", 100)
	s.receiver.awaitCount(t, 64, patience)
	limitFiles(t, n.pid(), 0)
	release() // the outcomes of these cannot be stored either
	l := s.load(4, 5*time.Millisecond, n)
	l.awaitRefusals(100)
	require.Zero(t, l.count(), "nothing may be accepted that cannot be stored")
	require.Equal(t, http.StatusOK, n.get("/healthz"))
	limitFiles(t, n.pid(), unix.RLIM_INFINITY)
	s.requireWholeWith(ids, l, n)
}

// limitFiles sets how large a file may be that a process writes, in bytes. The hard limit stays, so that the other can be
// lifted again.
func limitFiles(t *testing.T, pid int, bytes uint64) {
	t.Helper()
	var now unix.Rlimit
	require.NoError(t, unix.Prlimit(pid, unix.RLIMIT_FSIZE, nil, &now))
	now.Cur = min(bytes, now.Max)
	require.NoError(t, unix.Prlimit(pid, unix.RLIMIT_FSIZE, &now, nil))
}
