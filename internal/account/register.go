package account

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/switchhook/switchhook/internal/limit"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

// Registration is a wish for an account.
type Registration struct {
	Email        string
	Password     secret.String
	Organization string // the account's name
	SetupCode    secret.String
	Client       netip.Addr // who asks
	Local        bool       // it is certainly somebody on this machine
}

// Register makes an account with its first user and logs the user in. It takes some 50 ms of CPU for the password. Of several
// that ask at once for the first account, one gets it.
//
// The errors for users are those of wrong fields, registration_closed, setup_code_required, email_taken, rate_limited, and
// service_unavailable while attempts cannot be counted.
func (s *Service) Register(ctx context.Context, r Registration) (*LoginToken, error) {
	r.Email, r.Organization = cleanEmail(r.Email), strings.TrimSpace(r.Organization)
	if err := report(checkEmail(r.Email), checkPassword("password", r.Password), checkName("organization", r.Organization)); err != nil {
		return nil, err
	}
	if err := s.throttle(ctx, throttle{"register:client:", registerPerClient}, limit.ClientKey(r.Client)); err != nil {
		return nil, err
	}
	accounts, err := s.o.Store.CountAccountsAny(ctx)
	if err != nil {
		return nil, fmt.Errorf("count accounts: %w", err)
	}
	if err := s.admit(&r, accounts == 0); err != nil { // before the password costs anything
		return nil, err
	}
	hash, err := s.passwords.Hash(ctx, r.Password)
	if err != nil {
		return nil, err
	}
	now := s.o.Now()
	a := &store.Account{ID: s.o.IDs.New("acct"), Name: r.Organization, CreatedAt: now}
	u := &store.User{ID: s.o.IDs.New("usr"), AccountID: a.ID, Email: r.Email, PasswordHash: hash, Role: RoleOwner, CreatedAt: now}
	err = s.o.Store.InTransaction(ctx, func(ctx context.Context) error {
		first, err := s.o.Store.CreateAccount(ctx, a, u)
		if err != nil {
			return err
		}
		return s.admit(&r, first)
	})
	if errors.Is(err, store.ErrExists) {
		return nil, emailTaken()
	}
	if err != nil {
		return nil, fmt.Errorf("create account: %w", err)
	}
	s.o.Logger.InfoContext(ctx, "account.created", "account_id", a.ID, "user_id", u.ID)
	return s.issue(a, u)
}

func emailTaken() error {
	return &problem.Error{Code: problem.EmailTaken, Field: "email", Message: "A user with this e-mail address exists already. Log in, or use another address."}
}

// admit decides whether an account may be made, being the first one or a later one.
func (s *Service) admit(r *Registration, first bool) error {
	if !first && s.o.Registration != RegistrationOpen {
		return problem.New(problem.RegistrationClosed, "This server does not take new accounts. Ask its operator, who can set REGISTRATION=open.")
	}
	if first && !r.Local && !sameText(r.SetupCode, s.o.SetupCode) {
		return &problem.Error{
			Code: problem.SetupCodeRequired, Field: "setupCode",
			Message: "From another machine, the first account needs the setup code. Send it as setupCode; the server printed it at its start.",
		}
	}
	return nil
}

// sameText compares in constant time. What is not set equals nothing.
func sameText(given, want secret.String) bool {
	a, b := sha256.Sum256([]byte(given.Reveal())), sha256.Sum256([]byte(want.Reveal()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && want != ""
}
