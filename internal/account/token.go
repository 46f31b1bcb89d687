package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	tokenLifetime = 24 * time.Hour
	tokenIssuer   = "switchhook"
)

// LoginToken is what a login gives: a JWT, and whose it is.
type LoginToken struct {
	Text      secret.String
	ExpiresAt time.Time // to the second
	User      *store.User
	Account   *store.Account
}

type claims struct {
	jwt.RegisteredClaims
	AccountID string `json:"acc"`
	Version   int64  `json:"ver"` // of the user's tokens
}

// issue makes a token for a user, signed with a key of its own that is derived from SECRET_KEY.
func (s *Service) issue(a *store.Account, u *store.User) (*LoginToken, error) {
	now := s.o.Now().Truncate(time.Second) // a JWT counts seconds
	expires := now.Add(tokenLifetime).UTC()
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: tokenIssuer, Subject: u.ID, IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
		},
		AccountID: a.ID, Version: u.TokenVersion,
	}).SignedString(s.tokenKey)
	if err != nil {
		return nil, fmt.Errorf("sign token: %w", err)
	}
	return &LoginToken{Text: secret.String(text), ExpiresAt: expires, User: u, Account: a}, nil
}

// readToken checks a token's signature and time. Only HS256 is taken, whatever the token says.
func (s *Service) readToken(text string) (*claims, error) {
	var c claims
	_, err := jwt.ParseWithClaims(text, &c, func(*jwt.Token) (any, error) { return s.tokenKey, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(tokenIssuer),
		jwt.WithExpirationRequired(), jwt.WithStrictDecoding(), jwt.WithTimeFunc(s.o.Now))
	if err != nil {
		return nil, fmt.Errorf("read token: %w", err)
	}
	return &c, nil
}

func (s *Service) authenticateToken(ctx context.Context, text string) (Principal, error) {
	refused := problem.New(problem.Unauthorized, "The login token is wrong or has expired. Log in again with POST /v1/auth/login.")
	c, err := s.readToken(text)
	if err != nil {
		refused.Err = err
		return Principal{}, refused
	}
	u, err := s.o.Store.User(ctx, c.AccountID, c.Subject)
	if err == nil && u.TokenVersion != c.Version {
		err = store.ErrNotFound
	}
	if errors.Is(err, store.ErrNotFound) {
		return Principal{}, refused
	}
	if err != nil {
		return Principal{}, problem.Unavailable(fmt.Errorf("find user: %w", err))
	}
	return Principal{Kind: KindUser, AccountID: u.AccountID, UserID: u.ID, Role: u.Role}, nil
}
