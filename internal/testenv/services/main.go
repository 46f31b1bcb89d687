// Command services runs another command with a PostgreSQL at hand: TEST_DATABASE_URL names it. The server is gone when
// the command has ended, however it ended. Where TEST_DATABASE_URL is set already, that server is used.
//
//	services go test ./...
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/switchhook/switchhook/internal/testenv"
)

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(arguments []string) int {
	if len(arguments) == 0 {
		fmt.Fprintln(os.Stderr, "usage: services <command> [arguments]")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	environment := os.Environ()
	if os.Getenv(testenv.DatabaseVariable) == "" {
		server, err := testenv.StartPostgres()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer server.Stop()
		environment = append(environment, testenv.DatabaseVariable+"="+server.URL)
	}
	return runCommand(ctx, arguments, environment)
}

// runCommand runs the command until it ends, or asks it to end when ctx does, and returns its exit code.
func runCommand(ctx context.Context, arguments, environment []string) int {
	command := exec.CommandContext(ctx, arguments[0], arguments[1:]...) //nolint:gosec // running what is asked for is its purpose
	command.Env = environment
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 30 * time.Second
	err := command.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode()
	default:
		fmt.Fprintln(os.Stderr, "services:", err)
		return 1
	}
}
