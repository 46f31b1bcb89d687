// Command wasim runs the WhatsApp server of package watest as a process, for tests of the built binary. It prints one line of JSON, with the
// address of the server, its root key in hexadecimal digits and the address of its control, and runs until it is told to stop.
package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
)

const headerTimeout = 10 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := watest.NewRoot()
	watest.Prepare(root) // libsignal would write to standard output, too
	if err := run(ctx, root, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		slog.Error("wasim failed", "error", err)
		os.Exit(1)
	}
}

// ready is the line that says that the server runs.
type ready struct {
	Address string `json:"address"`
	RootKey string `json:"rootKey"`
	Control string `json:"control"`
}

func run(ctx context.Context, root *watest.Root, args []string, out, log io.Writer) error {
	flags := flag.NewFlagSet("wasim", flag.ContinueOnError)
	flags.SetOutput(log)
	listen := flags.String("listen", "127.0.0.1:0", "where WhatsApp listens: a loopback address")
	steer := flags.String("control", "127.0.0.1:0", "where the control listens: a loopback address")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("read flags: %w", err)
	}
	server, err := watest.New(watest.Options{Listen: *listen, Root: root, Log: slog.New(slog.NewTextHandler(log, nil)), Forget: true})
	if err != nil {
		return fmt.Errorf("start server: %w", err)
	}
	defer server.Close()
	listener, err := watest.ListenLoopback(*steer)
	if err != nil {
		return fmt.Errorf("start control: %w", err)
	}
	key := server.RootKey()
	line := ready{Address: server.Address(), RootKey: hex.EncodeToString(key[:]), Control: listener.Addr().String()}
	if err := json.NewEncoder(out).Encode(line); err != nil {
		return fmt.Errorf("say that it runs: %w", err)
	}
	control := &http.Server{Handler: server.Control(), ReadHeaderTimeout: headerTimeout}
	defer context.AfterFunc(ctx, func() { control.Close() })()
	if err := control.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve control: %w", err)
	}
	return nil
}
