//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// startPatience bounds the wait for a process to be ready, stopPatience the one for its end.
const (
	startPatience = 60 * time.Second
	stopPatience  = 40 * time.Second
)

// process is a server that the bench has started.
type process struct {
	name    string
	command *exec.Cmd
	log     string
	ended   chan struct{}
}

// startProcess starts a program whose output goes into a log in the folder. It dies with the bench, in whatever way
// that happens, and has a group of its own so that Ctrl-C reaches only the bench, which stops all in order.
func startProcess(ctx context.Context, folder, name string, environment []string, program string, arguments ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(folder, name+".log"), ended: make(chan struct{})}
	output, err := os.Create(p.log)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer func() { _ = output.Close() }()
	p.command = exec.CommandContext(context.WithoutCancel(ctx), program, arguments...) //nolint:gosec // our own and Redis
	p.command.Dir, p.command.Env, p.command.Stdout, p.command.Stderr = folder, environment, output, output
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.command.Wait() // how it ended is in ProcessState
		close(p.ended)
	}()
	return p, nil
}

func (p *process) pid() int { return p.command.Process.Pid }

// awaitReady calls probe until it succeeds. The error has the end of the log.
func (p *process) awaitReady(ctx context.Context, probe func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for {
		err := probe(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("start %s: it has ended; its log: %s", p.name, p.logEnd())
		case <-ctx.Done():
			return fmt.Errorf("start %s: it is not ready: %w; its log: %s", p.name, err, p.logEnd())
		case <-pause.C:
		}
	}
}

// stop asks the process to end and waits; an end in disorder is an error.
func (p *process) stop() error {
	_ = p.command.Process.Signal(syscall.SIGTERM) // fails only where it has ended
	timer := time.NewTimer(stopPatience)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		_ = p.command.Process.Kill()
		<-p.ended
	}
	if code := p.command.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("stop %s: %s; its log: %s", p.name, p.command.ProcessState, p.logEnd())
	}
	return nil
}

func (p *process) logEnd() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-3000):])
}

// freeAddress returns a loopback address on which nobody listened a moment ago.
func freeAddress(ctx context.Context) (*net.TCPAddr, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return nil, errors.New("find a free port: the listener is not one of TCP")
	}
	return address, nil
}
