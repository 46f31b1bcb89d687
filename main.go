// Switchhook plugs messaging and social networks into n8n, Zapier and Make.
//
// This package reads the configuration, wires the parts, runs and stops them; it holds no logic of its own.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the build: -ldflags "-X main.version=v1.2.3".
var version = "dev"

const usage = `Switchhook, the backend between messaging networks and automation tools.

  switchhook serve          answer HTTP and deliver (settings from the environment, see .env.example)
  switchhook migrate        bring the database's schema up to date, and stop
  switchhook keys create    make an API key: --email of a user, --name of the key
  switchhook sessions link  link a WhatsApp number: shows the QR code in the terminal (sessions list lists all)
  switchhook listen         send what happens to a program on this machine, while you develop it: --to http://localhost:3000/hook
  switchhook healthcheck    ask the server on this machine whether it is ready (for containers)
  switchhook version        print the version
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "switchhook:", err)
		stop()
		os.Exit(exitCode(err))
	}
}

func run(ctx context.Context, args []string) error {
	command := "help"
	if len(args) > 0 {
		command = args[0]
	}
	switch command {
	case "serve":
		return serve(ctx)
	case "migrate":
		return migrate(ctx)
	case "keys":
		return keys(ctx, args[1:])
	case "sessions":
		return sessions(ctx, args[1:])
	case "listen":
		return listenTo(ctx, args[1:])
	case "healthcheck":
		return healthcheck(ctx)
	case "version", "--version", "-v":
		fmt.Println(version)
		return nil
	case "help", "--help", "-h":
		fmt.Print(usage)
		return nil
	}
	return fmt.Errorf("there is no command %q\n\n%s", command, usage)
}
