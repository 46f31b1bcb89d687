package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/switchhook/switchhook/internal/account"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/limit"
)

// migrate brings the schema up to date, for operators who do not let the server do it.
func migrate(ctx context.Context) error {
	c, err := loadConfig()
	if err != nil {
		return err
	}
	s, _, err := openStore(ctx, c, c.Logger(os.Stderr))
	if err != nil {
		return err
	}
	fmt.Println("The database's schema is up to date.")
	return s.Close()
}

// keys makes an API key for the account of a user: the way in when the dashboard or a login is out of reach.
func keys(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] != "create" {
		return errors.New("keys takes: create --email you@example.com --name \"my key\"")
	}
	flags := flag.NewFlagSet("keys create", flag.ContinueOnError)
	email := flags.String("email", "", "a user of the account that the key is for")
	name := flags.String("name", "command line", "what the key is for")
	if err := flags.Parse(args[1:]); err != nil {
		return fmt.Errorf("read flags: %w", err)
	}
	c, err := loadConfig()
	if err != nil {
		return err
	}
	logger := c.Logger(os.Stderr)
	s, sealer, err := openStore(ctx, c, logger)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	user, err := s.UserByEmailAny(ctx, *email)
	if err != nil {
		return fmt.Errorf("there is no user %q: give --email of one who has registered (%w)", *email, err)
	}
	ids := id.NewGenerator(time.Now)
	accounts, err := account.New(account.Options{
		Store: s, Sealer: sealer, IDs: ids, Limiter: noLimiter{}, Logger: logger, Now: time.Now, Registration: account.RegistrationClosed,
	})
	if err != nil {
		return err
	}
	_, key, err := accounts.CreateKey(ctx, user.AccountID, ids.New("key"), *name)
	if err != nil {
		return err
	}
	fmt.Println(key.Reveal())
	return nil
}

// healthcheck asks the server of this machine whether it is ready, for container images that have no curl.
func healthcheck(ctx context.Context) error {
	c, err := loadConfig()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	host := c.Host
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	address := "http://" + net.JoinHostPort(host, strconv.Itoa(c.Port)) + "/readyz"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %d", response.StatusCode)
	}
	return nil
}

// noLimiter stands where nobody can guess: at the command line.
type noLimiter struct{}

// Take always allows.
func (noLimiter) Take(context.Context, string, limit.Rate) (limit.Result, error) {
	return limit.Result{Allowed: true}, nil
}
