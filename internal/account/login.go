package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/switchhook/switchhook/internal/limit"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

// How many attempts are taken in throttlePeriod. OWASP's cheat sheet on authentication asks for a limit by account as well as by
// client; a person who mistypes stays far below these.
const (
	throttlePeriod    = 5 * time.Minute
	loginPerEmail     = 10
	loginPerClient    = 30 // an address, or an IPv6 /64
	registerPerClient = 30
)

// throttle is a kind of attempt and how many of it are taken.
type throttle struct {
	name  string
	limit int64
}

// Login checks an e-mail address and a password and issues a token. An address that nobody has costs the same time as a
// wrong password. The errors for users are required_field, unauthorized, rate_limited, and service_unavailable while
// attempts cannot be counted.
func (s *Service) Login(ctx context.Context, email string, password secret.String, client netip.Addr) (*LoginToken, error) {
	u, err := s.userByPassword(ctx, email, password, client)
	if err != nil {
		return nil, err
	}
	a, err := s.o.Store.Account(ctx, u.AccountID)
	if err != nil {
		return nil, fmt.Errorf("find account: %w", err)
	}
	return s.issue(a, u)
}

// userByPassword returns the user whom an e-mail address and a password belong to. Every way to log in goes through here and is
// throttled together.
func (s *Service) userByPassword(ctx context.Context, email string, password secret.String, client netip.Addr) (*store.User, error) {
	email = cleanEmail(email)
	if err := checkLogin(email, password); err != nil {
		return nil, err
	}
	if err := s.throttle(ctx, throttle{"login:client:", loginPerClient}, limit.ClientKey(client)); err != nil {
		return nil, err
	}
	if err := s.throttleEmail(ctx, email); err != nil {
		return nil, err
	}
	u, err := s.o.Store.UserByEmailAny(ctx, email)
	if errors.Is(err, store.ErrNotFound) {
		u, err = &store.User{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find user: %w", err)
	}
	err = s.passwords.Verify(ctx, password, u.PasswordHash)
	if errors.Is(err, secret.ErrPassword) {
		return nil, problem.New(problem.Unauthorized, "The e-mail address or the password is wrong. Correct it and try again.")
	}
	if err != nil {
		return nil, err
	}
	return u, nil
}

// throttleEmail counts an attempt at the password of one user.
func (s *Service) throttleEmail(ctx context.Context, email string) error {
	sum := sha256.Sum256([]byte(email)) // people's addresses are not for Redis
	return s.throttle(ctx, throttle{"login:email:", loginPerEmail}, hex.EncodeToString(sum[:]))
}

func checkLogin(email string, password secret.String) error {
	var faults []*problem.Field
	if email == "" {
		faults = append(faults, missing("email"))
	}
	if password == "" {
		faults = append(faults, missing("password"))
	}
	return report(faults...)
}

// throttle counts an attempt. When it cannot be counted it is refused, else an outage of Redis would be the time to guess.
func (s *Service) throttle(ctx context.Context, t throttle, key string) error {
	result, err := s.o.Limiter.Take(ctx, t.name+key, limit.Rate{Limit: t.limit, Period: throttlePeriod})
	if err != nil {
		return problem.Unavailable(err)
	}
	if !result.Allowed {
		return limited(result, s.o.Now())
	}
	return nil
}

// limited is the answer to one attempt too many.
func limited(result limit.Result, now time.Time) error {
	wait := min(max(result.Reset.Sub(now), time.Second), throttlePeriod)
	return &problem.Error{Code: problem.RateLimited, Message: "You are being rate limited.", RetryAfter: wait}
}
