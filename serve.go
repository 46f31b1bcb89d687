package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"time"

	"github.com/switchhook/switchhook/connectors/all"
	"github.com/switchhook/switchhook/internal/config"
)

//go:embed openapi.yaml
var openAPI []byte

// loadConfig reads the settings; what is wrong with them is reported all at once.
func loadConfig() (*config.Config, error) {
	c, err := config.Load(config.Environment(), all.Settings()...)
	if err != nil {
		return nil, fmt.Errorf("the settings cannot be used:\n%w", err)
	}
	return c, nil
}

// serve runs the product until ctx ends, which a signal does, and then stops it without losing what is in flight.
func serve(ctx context.Context) error {
	c, err := loadConfig()
	if err != nil {
		return err
	}
	logger := c.Logger(os.Stderr)
	all.Prepare()
	// Listening comes first: where the address is taken by another process of ours, nothing of it may be touched.
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Address())
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w. Is it running already? PORT and HOST choose another address", c.Address(), err)
	}
	p, err := build(ctx, c, logger)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if c.PprofAddr != "" {
		go profile(c.PprofAddr, logger)
	}
	p.start(ctx)
	failed := make(chan error, 1)
	go func() { failed <- p.server.Serve(listener) }()
	p.greet(c)
	select {
	case err = <-failed:
	case <-ctx.Done():
		logger.Info("server.stopping", "within", c.ShutdownTimeout.String())
	}
	stopCtx, cancel := context.WithTimeout(context.Background(), c.ShutdownTimeout)
	defer cancel()
	err = errors.Join(err, p.stop(stopCtx)) //nolint:contextcheck // ctx has ended; what is in flight gets the time that is left
	logger.Info("server.stopped")
	return err
}

// profile serves Go's profiler, for benchmarks, on an address of its own.
func profile(address string, logger *slog.Logger) {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	if err := server.ListenAndServe(); err != nil {
		logger.Error("pprof.failed", "error", err)
	}
}

// greet prints where the server is and what to do next, for people; the log is for machines.
func (p *product) greet(c *config.Config) {
	if !c.Role.Serves() {
		return
	}
	fmt.Printf("\nSwitchhook %s is at %s\n", version, c.BaseURL)
	if p.setupCode == "" {
		fmt.Printf("  The API's documentation: %s/docs\n\n", c.BaseURL)
		return
	}
	fmt.Printf(`  There is no account yet. Open %s and make the first one: the dashboard leads on from there.
  From another machine it asks for this setup code: %s

  Without a browser:

    curl -X POST %s/v1/auth/register -H 'Content-Type: application/json' \
      -d '{"email": "you@example.com", "password": "choose a long one", "organization": "My company"}'

  and from another machine the field "setupCode" beside these. The README goes on; the API's documentation is at %s/docs

`, c.BaseURL, p.setupCode, c.BaseURL, c.BaseURL)
}
