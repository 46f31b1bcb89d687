package account

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

func checkRole(role string) *problem.Field {
	switch role {
	case RoleOwner, RoleMember:
		return nil
	case "":
		return missing("role")
	}
	return invalid("role", "role must be owner or member.")
}

// Members lists the users of an account.
func (s *Service) Members(ctx context.Context, accountID string, page store.Page) ([]*store.User, error) {
	users, err := s.o.Store.Users(ctx, accountID, page)
	if err != nil {
		return nil, fmt.Errorf("list members: %w", err)
	}
	return users, nil
}

// ChangeRole gives a user another role, which counts from their next request on. Who stops being an owner loses their open invites. The errors for
// users are those of a wrong role, and last_owner; store.ErrNotFound where the account has no such user.
func (s *Service) ChangeRole(ctx context.Context, accountID, userID, role string) (*store.User, error) {
	if err := report(checkRole(role)); err != nil {
		return nil, err
	}
	u, err := s.o.Store.SetUserRole(ctx, accountID, userID, role)
	if err != nil {
		return nil, lastOwner(fmt.Errorf("change role: %w", err))
	}
	s.o.Logger.InfoContext(ctx, "member.role_changed", "account_id", accountID, "user_id", userID, "role", role)
	return u, nil
}

// RemoveMember takes a user out of an account. Their logins, login tokens and invites are void at once, for every process. The error for users is
// last_owner; store.ErrNotFound where the account has no such user.
func (s *Service) RemoveMember(ctx context.Context, accountID, userID string) error {
	if err := s.o.Store.DeleteUser(ctx, accountID, userID); err != nil {
		return lastOwner(fmt.Errorf("remove member: %w", err))
	}
	s.o.Logger.InfoContext(ctx, "member.removed", "account_id", accountID, "user_id", userID)
	return nil
}

func lastOwner(err error) error {
	if errors.Is(err, store.ErrLastOwner) {
		return problem.New(problem.LastOwner, "This is the account's only owner. Make somebody else an owner first.")
	}
	return err
}

// Rename gives an account another name. The errors for users are those of a wrong name.
func (s *Service) Rename(ctx context.Context, accountID, name string) (*store.Account, error) {
	name = strings.TrimSpace(name)
	if err := report(checkName("name", name)); err != nil {
		return nil, err
	}
	a, err := s.o.Store.RenameAccount(ctx, accountID, name)
	if err != nil {
		return nil, fmt.Errorf("rename account: %w", err)
	}
	s.o.Logger.InfoContext(ctx, "account.renamed", "account_id", accountID)
	return a, nil
}

// ChangePassword gives the principal, a user, another password, and a new login token. All their other login tokens and logins to the dashboard are
// void at once, for every process; the login that the principal came by stays. Tries at the current password count as logins do.
//
// The errors for users are those of wrong fields, among them a wrong current password, rate_limited, conflict, and service_unavailable while
// attempts cannot be counted.
func (s *Service) ChangePassword(ctx context.Context, p Principal, current, replacement secret.String) (*LoginToken, error) {
	var faults []*problem.Field
	if current == "" {
		faults = append(faults, missing("currentPassword"))
	}
	if err := report(append(faults, checkPassword("newPassword", replacement))...); err != nil {
		return nil, err
	}
	u, err := s.o.Store.User(ctx, p.AccountID, p.UserID)
	if err != nil {
		return nil, fmt.Errorf("find user: %w", err)
	}
	if err := s.throttleEmail(ctx, u.Email); err != nil {
		return nil, err
	}
	err = s.passwords.Verify(ctx, current, u.PasswordHash)
	if errors.Is(err, secret.ErrPassword) {
		return nil, problem.InvalidOne("currentPassword", "currentPassword is wrong. Correct it and try again.")
	}
	if err != nil {
		return nil, err
	}
	hash, err := s.passwords.Hash(ctx, replacement)
	if err != nil {
		return nil, err
	}
	a, err := s.o.Store.Account(ctx, u.AccountID)
	if err != nil {
		return nil, fmt.Errorf("find account: %w", err)
	}
	err = s.o.Store.SetPassword(ctx, u, hash, p.LoginID)
	if errors.Is(err, store.ErrOutdated) {
		return nil, problem.New(problem.Conflict, "The password was changed, or you were logged out everywhere, at the same time. Log in again.")
	}
	if err != nil {
		return nil, fmt.Errorf("store password: %w", err)
	}
	u.PasswordHash, u.TokenVersion = hash, u.TokenVersion+1
	s.o.Logger.InfoContext(ctx, "user.password_changed", "account_id", u.AccountID, "user_id", u.ID)
	return s.issue(a, u)
}
