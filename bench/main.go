//go:build linux

// Command bench measures the product as its users meet it: as a process of its own, over HTTP, on real engines. It starts
// everything that it needs on loopback, prints a table, and stops what it has started. README.md says how to read it.
//
//	go run ./bench -engine postgres -fanout 1,10 -rounds 5
//
// It runs on Linux only, because processor time and memory are read from /proc.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const roleReceiver = "receiver"

const (
	scenarioWebhooks  = "webhooks"
	scenarioWhatsApp  = "whatsapp"
	scenarioDashboard = "dashboard"
)

// settings is what the command line asks for.
type settings struct {
	role        string
	scenario    string
	sessions    int // linked devices
	engines     []string
	fanouts     []int
	length      time.Duration // of the load in one round
	rounds      int
	connections int
	profile     string // folder for profiles, or ""
	binary      string // the product, or "" to build it
}

func main() {
	// Children are told of our death through the thread that started them, so the thread has to stay.
	runtime.LockOSThread()
	os.Exit(command(os.Args[1:]))
}

func command(arguments []string) int {
	s, err := parse(arguments)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if s.role == roleReceiver {
		err = receive(os.Stdin, os.Stdout)
	} else {
		err = run(ctx, s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

func parse(arguments []string) (settings, error) {
	var s settings
	var engines, fanouts string
	var seconds int
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&engines, "engine", engineEmbedded+","+enginePostgres, "what the product runs on: embedded, postgres (with Redis), or both")
	flags.StringVar(&fanouts, "fanout", "1,10", "webhooks per event; each number is measured on its own")
	flags.IntVar(&seconds, "seconds", 5, "length of the load in one round")
	flags.IntVar(&s.rounds, "rounds", 3, "rounds per case; the table shows medians")
	flags.IntVar(&s.connections, "connections", 64, "connections that post at a time")
	flags.StringVar(&s.profile, "profile", "", "folder to write the product's pprof profiles into")
	flags.StringVar(&s.scenario, "scenario", scenarioWebhooks, "what to measure: webhooks, whatsapp (linked devices), or dashboard (its pages, with 100,000 deliveries stored)")
	flags.IntVar(&s.sessions, "sessions", mostSessions, "linked devices of the whatsapp scenario")
	flags.StringVar(&s.binary, "binary", "", "a product that is built already (default: build it)")
	flags.StringVar(&s.role, "role", "", "used by bench itself")
	if err := flags.Parse(arguments); err != nil {
		return s, fmt.Errorf("read flags: %w", err)
	}
	for engine := range strings.SplitSeq(engines, ",") {
		if engine != engineEmbedded && engine != enginePostgres {
			return s, fmt.Errorf("-engine: there is no engine %q; use embedded or postgres", engine)
		}
		s.engines = append(s.engines, engine)
	}
	for text := range strings.SplitSeq(fanouts, ",") {
		fanout, err := strconv.Atoi(text)
		if err != nil || fanout < 1 || fanout > maxHooks {
			return s, fmt.Errorf("-fanout: %q is not a number from 1 to %d", text, maxHooks)
		}
		s.fanouts = append(s.fanouts, fanout)
	}
	s.length = time.Duration(seconds) * time.Second
	return s, s.check()
}

// check refuses what cannot be measured.
func (s *settings) check() error {
	if s.length < time.Second || s.length > time.Minute || s.rounds < 1 || s.rounds > 50 || s.connections < 1 || s.connections > 1000 {
		return errors.New("-seconds must be from 1 to 60, -rounds from 1 to 50, -connections from 1 to 1000")
	}
	if !slices.Contains([]string{scenarioWebhooks, scenarioWhatsApp, scenarioDashboard}, s.scenario) {
		return errors.New("-scenario must be webhooks, whatsapp or dashboard")
	}
	if s.sessions < busySessions || s.sessions > mostSessions {
		return fmt.Errorf("-sessions must be from %d to %d", busySessions, mostSessions)
	}
	return nil
}

// run measures every case and prints the tables.
func run(ctx context.Context, s settings) error {
	folder, err := os.MkdirTemp("", "switchhook-bench-")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if s.binary == "" {
		s.binary = filepath.Join(folder, "switchhook")
		if err := build(ctx, s.binary, "github.com/switchhook/switchhook"); err != nil {
			return err
		}
	}
	receiver, err := startReceiver(ctx)
	if err != nil {
		return err
	}
	defer receiver.stop()
	switch s.scenario {
	case scenarioWhatsApp:
		return runWhatsApp(ctx, s, receiver, folder)
	case scenarioDashboard:
		return runDashboard(ctx, s, receiver, folder)
	}
	return runWebhooks(ctx, s, receiver, folder)
}

func runWebhooks(ctx context.Context, s settings, receiver *receiver, folder string) error {
	var rows []row
	for _, engine := range s.engines {
		for _, fanout := range s.fanouts {
			fmt.Fprintf(os.Stderr, "bench: %s, fan-out %d\n", engine, fanout)
			one, err := measure(ctx, s, receiver, folder, engine, fanout)
			if err != nil {
				return fmt.Errorf("measure %s with fan-out %d: %w", engine, fanout, err)
			}
			rows = append(rows, one)
		}
	}
	fmt.Print(report(rows))
	for i := range rows {
		if rows[i].lost > 0 {
			return errors.New("deliveries were lost")
		}
	}
	return nil
}

// build makes the binary of a program as it is released.
func build(ctx context.Context, binary, program string) error {
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", binary, program) //nolint:gosec // both are ours
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build "+program+": %w\n%s", err, output)
	}
	return nil
}
