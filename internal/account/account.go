// Package account knows who may do what: it registers accounts, logs users in, makes API keys, and tells from a
// credential which account a request acts for.
package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/limit"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

// The values of Options.Registration: who may make an account.
const (
	RegistrationFirst  = "first"  // only the first account
	RegistrationOpen   = "open"   // anybody
	RegistrationClosed = "closed" // the same
)

// The roles of a user.
const (
	RoleOwner  = "owner"  // may do everything; who registered the account is one
	RoleMember = "member" // may do everything but make API keys, change who belongs to the account, and change the account itself
)

// Limiter counts attempts, for all processes together.
type Limiter interface {
	// Take counts one use of key. It blocks for a fraction of a second at most, and fails when it cannot count.
	Take(ctx context.Context, key string, rate limit.Rate) (limit.Result, error)
}

// Options wires a Service. Every field but those said to be optional is required.
type Options struct {
	Store        *store.Store
	Sealer       *secret.Sealer
	IDs          *id.Generator
	Limiter      Limiter
	Logger       *slog.Logger
	Now          func() time.Time
	Registration string        // one of the constants
	SetupCode    secret.String // optional: lets the first account be made from another machine; empty: from this one only
}

// Kind says what a principal showed.
type Kind string

// The kinds of a principal.
const (
	KindUser Kind = "user" // a login token, or a login to the dashboard
	KindKey  Kind = "key"  // an API key, or a signature made with one
)

// Principal is who a request acts for.
type Principal struct {
	Kind      Kind
	AccountID string
	UserID    string // of KindUser
	KeyID     string // of KindKey
	Role      string // of KindUser
	LoginID   string // of KindUser who is logged in to the dashboard; empty: by a token
}

// Service registers and authenticates. It is safe for concurrent use, and keeps no state that another process would miss:
// what is revoked in the database is void everywhere at once.
type Service struct {
	o         Options
	passwords *secret.Passwords
	tokenKey  []byte
	csrfKey   []byte

	touching sync.WaitGroup
	mu       sync.Mutex
	touched  map[string]bool // keys whose last use is being stored
}

// New makes a Service. A required option that is missing is an error that names it.
func New(o Options) (*Service, error) {
	for name, missing := range map[string]bool{
		"Store": o.Store == nil, "Sealer": o.Sealer == nil, "IDs": o.IDs == nil, "Limiter": o.Limiter == nil, "Logger": o.Logger == nil, "Now": o.Now == nil,
	} {
		if missing {
			return nil, fmt.Errorf("make account service: Options.%s is missing", name)
		}
	}
	switch o.Registration {
	case RegistrationFirst, RegistrationOpen, RegistrationClosed:
	default:
		return nil, errors.New("make account service: Options.Registration must be first, open or closed")
	}
	return &Service{
		o: o, passwords: secret.NewPasswords(runtime.NumCPU()), tokenKey: o.Sealer.Derive("jwt"), csrfKey: o.Sealer.Derive("csrf"),
		touched: map[string]bool{},
	}, nil
}

// IDs returns the generator of all ids that the process makes.
func (s *Service) IDs() *id.Generator { return s.o.IDs }

// Close waits until the last uses of keys are stored, a few seconds at most. Call it when no more requests come and before the
// store is closed.
func (s *Service) Close() { s.touching.Wait() }

// SealAnswer seals what was answered to a call with an Idempotency-Key, because it may hold a secret that is shown once.
func (s *Service) SealAnswer(accountID, key string, body []byte) (string, error) {
	sealed, err := s.o.Sealer.Seal(body, answerAAD(accountID, key))
	if err != nil {
		return "", fmt.Errorf("seal answer: %w", err)
	}
	return sealed, nil
}

// OpenAnswer is SealAnswer reversed.
func (s *Service) OpenAnswer(accountID, key, sealed string) ([]byte, error) {
	body, err := s.o.Sealer.Open(sealed, answerAAD(accountID, key))
	if err != nil {
		return nil, fmt.Errorf("open answer: %w", err)
	}
	return body, nil
}

func answerAAD(accountID, key string) string { return "idempotency_keys/body/" + accountID + "/" + key }
