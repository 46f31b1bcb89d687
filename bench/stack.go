//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/switchhook/switchhook/internal/testenv"
)

const (
	engineEmbedded = "embedded"
	enginePostgres = "postgres"

	nameProduct  = "product"
	namePostgres = "PostgreSQL"
	nameRedis    = "Redis"
)

// member is one of the servers of a stack.
type member struct {
	name string
	pid  int
}

// stack is the product on its engines, all of them fresh.
type stack struct {
	members []member
	launch  func(ctx context.Context) (*process, error) // starts the product
	api     *api
	pprof   string // address of the product's net/http/pprof

	database string // address of the PostgreSQL, or empty
	dataDir  string // of the product

	product *process
	stops   []func() error // in the order of the starts
}

// startStack starts the engines, and then the product on them, with further settings.
func startStack(ctx context.Context, binary, folder, engine string, settings ...string) (*stack, error) {
	s := &stack{}
	err := s.start(ctx, binary, folder, engine, settings)
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *stack) start(ctx context.Context, binary, folder, engine string, settings []string) error {
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	pprof, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	s.pprof, s.dataDir = pprof.String(), filepath.Join(folder, "data")
	environment := []string{
		"HOST=127.0.0.1", "PORT=" + strconv.Itoa(address.Port), "DATA_DIR=" + s.dataDir, "PPROF_ADDR=" + s.pprof,
		"ALLOW_PRIVATE_NETWORKS=127.0.0.0/8,::1/128", "REGISTRATION=open", "LOG_LEVEL=warn", "LOG_FORMAT=text",
	}
	if engine == enginePostgres {
		if s.database, err = s.startPostgres(); err != nil { //nolint:contextcheck // it bounds its own start
			return err
		}
		redis, err := s.startRedis(ctx, folder)
		if err != nil {
			return err
		}
		environment = append(environment, "DATABASE_URL="+s.database, "REDIS_URL="+redis)
	}
	environment = append(environment, settings...)
	s.launch = func(ctx context.Context) (*process, error) {
		return startProcess(ctx, folder, nameProduct, environment, binary, "serve")
	}
	if s.product, err = s.launch(ctx); err != nil {
		return err
	}
	s.add(nameProduct, s.product.pid(), func() error { return s.product.stop() })
	s.api = newAPI("http://" + address.String())
	return s.awaitProduct(ctx)
}

func (s *stack) awaitProduct(ctx context.Context) error {
	return s.product.awaitReady(ctx, func(ctx context.Context) error {
		return s.api.call(ctx, http.MethodGet, "/readyz", nil, nil)
	})
}

// restart stops the product in order and starts it again, and does not wait until it is ready. members names the former process still.
func (s *stack) restart(ctx context.Context) error {
	if err := s.product.stop(); err != nil {
		return err
	}
	next, err := s.launch(ctx)
	if err != nil {
		return err
	}
	s.product = next
	return nil
}

func (s *stack) add(name string, pid int, stop func() error) {
	s.members = append(s.members, member{name, pid})
	s.stops = append(s.stops, stop)
}

// startPostgres starts a PostgreSQL that is as careful with the disk as it is by default.
func (s *stack) startPostgres() (string, error) {
	server, err := testenv.StartPostgres("fsync=on", "synchronous_commit=on", "full_page_writes=on", "max_connections=100")
	if err != nil {
		return "", err
	}
	s.add(namePostgres, server.PID(), func() error { server.Stop(); return nil })
	return server.URL, nil
}

// startRedis starts a redis-server with the settings of compose.yaml.
func (s *stack) startRedis(ctx context.Context, folder string) (string, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return "", errors.New("redis is not installed: run 'apt-get install redis-server' (make bench does)")
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return "", err
	}
	server, err := startProcess(ctx, folder, nameRedis, nil, program, "--port", strconv.Itoa(address.Port), "--bind", "127.0.0.1",
		"--dir", folder, "--appendonly", "yes", "--maxmemory-policy", "noeviction")
	if err != nil {
		return "", err
	}
	s.add(nameRedis, server.pid(), server.stop)
	err = server.awaitReady(ctx, func(ctx context.Context) error {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address.String())
		if err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		return connection.Close()
	})
	return fmt.Sprintf("redis://%s/0", address), err
}

// stop stops all in the reverse order of their starts.
func (s *stack) stop() error {
	var failures []error
	for i := len(s.stops) - 1; i >= 0; i-- {
		failures = append(failures, s.stops[i]())
	}
	return errors.Join(failures...)
}

// newFolder makes the folder of one stack.
func newFolder(parent, name string) (string, error) {
	folder := filepath.Join(parent, name)
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", fmt.Errorf("make folder: %w", err)
	}
	return folder, nil
}
