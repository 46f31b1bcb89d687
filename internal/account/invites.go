package account

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/switchhook/switchhook/internal/limit"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	inviteLifetime  = 7 * 24 * time.Hour
	inviteBytes     = 32 // of a token
	maxInvites      = 100
	acceptPerClient = 30 // in throttlePeriod
)

// Invitation is an open invite as whoever has its link may see it.
type Invitation struct {
	Invite  *store.Invite
	Account *store.Account // that one is invited to
	By      *store.User    // who invites
}

// CreateInvite makes an invite of an owner under the id and returns its token, which is never shown again. Without an e-mail address, anybody who has
// the token may join; without a role it is for a member. Where the account has an invite with this id already, the call is a repeat of one whose
// answer was lost, and gives that invite another token.
//
// The errors for users are those of wrong fields, too_many, and forbidden where the principal is no owner any more.
func (s *Service) CreateInvite(ctx context.Context, p Principal, inviteID, email, role string) (*store.Invite, secret.String, error) {
	email = cleanEmail(email)
	if role == "" {
		role = RoleMember
	}
	var faults []*problem.Field
	if email != "" {
		faults = append(faults, checkEmail(email))
	}
	if err := report(append(faults, checkRole(role))...); err != nil {
		return nil, "", err
	}
	now, token := s.o.Now(), secret.NewToken(inviteBytes)
	i := &store.Invite{
		ID: inviteID, AccountID: p.AccountID, Email: email, Role: role, TokenHash: secret.HashAPIKey(token), CreatedBy: p.UserID,
		CreatedAt: now, ExpiresAt: now.Add(inviteLifetime),
	}
	err := s.o.Store.InsertInvite(ctx, i, maxInvites)
	switch {
	case errors.Is(err, store.ErrExists):
		if i, err = s.o.Store.RenewInvite(ctx, p.AccountID, inviteID, i.TokenHash); err != nil {
			return nil, "", fmt.Errorf("renew invite: %w", err)
		}
	case errors.Is(err, store.ErrNotFound):
		return nil, "", problem.New(problem.Forbidden, "Only an owner of the account may invite. Ask one of them.")
	case errors.Is(err, store.ErrTooMany):
		return nil, "", problem.New(problem.TooMany, fmt.Sprintf("The account has %d open invites already. Delete one that is not needed any more.", maxInvites))
	case err != nil:
		return nil, "", fmt.Errorf("store invite: %w", err)
	}
	s.o.Logger.InfoContext(ctx, "invite.created", "account_id", p.AccountID, "invite_id", i.ID, "user_id", p.UserID, "role", role)
	return i, token, nil
}

// Invites lists an account's invites of the last week, accepted ones too.
func (s *Service) Invites(ctx context.Context, accountID string, page store.Page) ([]*store.Invite, error) {
	invites, err := s.o.Store.Invites(ctx, accountID, page)
	if err != nil {
		return nil, fmt.Errorf("list invites: %w", err)
	}
	return invites, nil
}

// RevokeInvite makes an invite void, for every process at once. Who has joined by it stays. The error is store.ErrNotFound where the account has no
// such invite.
func (s *Service) RevokeInvite(ctx context.Context, accountID, inviteID string) error {
	if err := s.o.Store.DeleteInvite(ctx, accountID, inviteID); err != nil {
		return fmt.Errorf("delete invite: %w", err)
	}
	s.o.Logger.InfoContext(ctx, "invite.revoked", "account_id", accountID, "invite_id", inviteID)
	return nil
}

// Invite tells what a token invites to. The error for users is not_found, for a token that is wrong, used, revoked or expired alike.
func (s *Service) Invite(ctx context.Context, token secret.String) (*Invitation, error) {
	i, err := s.o.Store.InviteByTokenAny(ctx, secret.HashAPIKey(token), s.o.Now())
	if err != nil {
		return nil, noInvite(err)
	}
	a, err := s.o.Store.Account(ctx, i.AccountID)
	if err != nil {
		return nil, fmt.Errorf("find account: %w", err)
	}
	by, err := s.o.Store.User(ctx, i.AccountID, i.CreatedBy)
	if err != nil { // removed a moment ago, and the invite with them
		return nil, noInvite(err)
	}
	return &Invitation{Invite: i, Account: a, By: by}, nil
}

func noInvite(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return problem.New(problem.NotFound, "The invite is used up, revoked or older than 7 days. Ask who invited you for another one.")
	}
	return fmt.Errorf("find invite: %w", err)
}

// AcceptInvite makes the user who was invited and logs them in by a token; StartLoginFor logs them in to the dashboard. Of several that ask at once
// with one token, one joins. It takes some 50 ms of CPU for the password.
//
// The errors for users are those of wrong fields, not_found as of Invite, email_taken, after which the invite is still open, rate_limited, and
// service_unavailable while attempts cannot be counted.
func (s *Service) AcceptInvite(ctx context.Context, token secret.String, email string, password secret.String, client netip.Addr) (*LoginToken, error) {
	email = cleanEmail(email)
	if err := report(checkToken(token), checkEmail(email), checkPassword("password", password)); err != nil {
		return nil, err
	}
	if err := s.throttle(ctx, throttle{"invite:client:", acceptPerClient}, limit.ClientKey(client)); err != nil {
		return nil, err
	}
	invitation, err := s.Invite(ctx, token)
	if err != nil {
		return nil, err
	}
	i := invitation.Invite
	if i.Email != "" && i.Email != email {
		return nil, problem.InvalidOne("email", "email must be the address that the invite was made for.")
	}
	hash, err := s.passwords.Hash(ctx, password)
	if err != nil {
		return nil, err
	}
	u := &store.User{ID: s.o.IDs.New("usr"), AccountID: i.AccountID, Email: email, PasswordHash: hash, Role: i.Role, CreatedAt: s.o.Now()}
	err = s.o.Store.AcceptInvite(ctx, i, u)
	if errors.Is(err, store.ErrExists) {
		return nil, emailTaken()
	}
	if err != nil {
		return nil, noInvite(err)
	}
	s.o.Logger.InfoContext(ctx, "invite.accepted", "account_id", i.AccountID, "invite_id", i.ID, "user_id", u.ID)
	return s.issue(invitation.Account, u)
}

func checkToken(token secret.String) *problem.Field {
	if token == "" {
		return missing("token")
	}
	return nil
}
