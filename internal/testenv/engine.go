package testenv

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// guard runs an engine ("$@") and sends it a signal as soon as its own standard input says a word or closes: when we ask
// for it, and also when our process dies in whatever way. In the latter case it removes the engine's folder too.
// It prints the engine's process id, and ends when the engine has ended.
const guard = `
folder=$1 signal=$2; shift 2
exec 4<&0
"$@" </dev/null >>"$folder/log" 2>&1 4<&- &
engine=$!
echo $engine
{ read -r word <&4 || : >"$folder/abandoned"; kill -s "$signal" $engine; } 2>/dev/null &
leash=$!
wait $engine
kill $leash 2>/dev/null
if [ -e "$folder/abandoned" ]; then rm -rf "$folder"; fi
`

// engine is a server process under guard.
type engine struct {
	folder string // holds the log, and whatever the engine keeps
	leash  io.WriteCloser
	pid    int
	ended  chan struct{} // closed when the engine has ended
}

// startEngine starts a program, as another user where as is not nil. The signal is what stops it.
func startEngine(folder, signal string, as *syscall.Credential, program string, arguments ...string) (*engine, error) {
	command := exec.Command("/bin/sh", append([]string{"-c", guard, "guard", folder, signal, program}, arguments...)...) //nolint:noctx,gosec // it outlives any context, and the program is ours
	// A group of its own, so that Ctrl-C reaches only us, and we stop the engine in order.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: as}
	command.Dir = folder
	leash, err := command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	started := &engine{folder: folder, leash: leash, ended: make(chan struct{})}
	if _, err := fmt.Fscanln(output, &started.pid); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", program, err), leash.Close(), command.Wait())
	}
	go func() {
		_ = command.Wait() // how it ended is in its log
		close(started.ended)
	}()
	return started, nil
}

// awaitReady calls probe until it succeeds. It gives up when the engine has ended or patience is over.
func (e *engine) awaitReady(probe func() error) error {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := probe()
		if err == nil {
			return nil
		}
		select {
		case <-e.ended:
			return fmt.Errorf("it ended at once: %w; its log: %s", err, e.log())
		case <-deadline.C:
			return fmt.Errorf("it was not ready in %s: %w; its log: %s", patience, err, e.log())
		case <-tick.C:
		}
	}
}

// kill ends the engine as kill -9 does and waits until it is gone.
func (e *engine) kill() {
	_ = syscall.Kill(e.pid, syscall.SIGKILL)
	e.awaitEnd()
}

func (e *engine) log() string {
	text, err := os.ReadFile(filepath.Join(e.folder, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// stop ends the engine in order and waits until it is gone.
func (e *engine) stop() {
	_, _ = io.WriteString(e.leash, "stop\n") // fails only where it has ended already
	e.awaitEnd()
}

func (e *engine) awaitEnd() {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	select {
	case <-e.ended:
	case <-deadline.C:
		_ = syscall.Kill(e.pid, syscall.SIGKILL)
		<-e.ended
	}
	_ = e.leash.Close()
}

// newFolder makes a temporary folder that belongs to the given user. Unlike t.TempDir its path is short, which sockets
// need, and every folder above it can be entered by others.
func newFolder(name string, as *syscall.Credential) (string, error) {
	folder, err := os.MkdirTemp("/tmp", "switchhook-"+name+"-")
	if err != nil {
		return "", fmt.Errorf("make folder: %w", err)
	}
	if as != nil {
		if err := os.Chown(folder, int(as.Uid), int(as.Gid)); err != nil {
			return "", fmt.Errorf("give folder away: %w", err)
		}
	}
	return folder, nil
}

// freePort returns a loopback port that nobody listened on a moment ago.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("find a free port: the address %s is not one of TCP", listener.Addr())
	}
	return address.Port, nil
}
