package account

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

// How long a login to the dashboard lives. OWASP's cheat sheet on session management asks for an idle and an absolute timeout and for
// tokens that are renewed in between.
const (
	loginIdle    = 7 * 24 * time.Hour  // without a request
	loginAtMost  = 30 * 24 * time.Hour // in all
	rotateEvery  = 24 * time.Hour      // when the token is replaced
	rotateGrace  = time.Minute         // how long the one before is taken after that, for requests that were under way
	seenEvery    = 5 * time.Minute     // how exactly the last use is known
	loginBytes   = 32                  // of a token
	maxLogins    = 100                 // of one user; the oldest end
	maxUserAgent = 200                 // bytes of it that are kept
)

// LoginPrincipal is who a request of the dashboard acts for. Its LoginID is that of the login.
type LoginPrincipal struct {
	Principal
	User      *store.User
	CSRF      string    // what forms of this login must bring: see CheckCSRF
	ExpiresAt time.Time // when the login ends at the latest; without requests it ends earlier
}

// StartLogin checks an e-mail address and a password as Login does, in the same time and with the same throttles and errors, and logs the user in
// to the dashboard. The token is for the browser's cookie and is not stored here.
func (s *Service) StartLogin(
	ctx context.Context, email string, password secret.String, client netip.Addr, userAgent string,
) (*store.Login, secret.String, error) {
	u, err := s.userByPassword(ctx, email, password, client)
	if err != nil {
		return nil, "", err
	}
	return s.StartLoginFor(ctx, u, client, userAgent)
}

// StartLoginFor logs a user in to the dashboard who has just proved who they are: by Register, AcceptInvite or ChangePassword. The user is as those
// returned it: where their password was changed in the meantime, the login is void.
func (s *Service) StartLoginFor(ctx context.Context, u *store.User, client netip.Addr, userAgent string) (*store.Login, secret.String, error) {
	now, token := s.o.Now(), secret.NewToken(loginBytes)
	l := &store.Login{
		ID: s.o.IDs.New("login"), AccountID: u.AccountID, UserID: u.ID, Version: u.TokenVersion, TokenHash: secret.HashAPIKey(token),
		UserAgent: cleanUserAgent(userAgent), CreatedAt: now, SeenAt: now, RotatedAt: now, ConfirmedAt: now, ExpiresAt: now.Add(loginIdle),
	}
	if client.IsValid() {
		l.Address = client.String()
	}
	if err := s.o.Store.InsertLogin(ctx, l, maxLogins); err != nil {
		return nil, "", fmt.Errorf("store login: %w", err)
	}
	s.o.Logger.InfoContext(ctx, "login.started", "account_id", u.AccountID, "user_id", u.ID, "login_id", l.ID)
	return l, token, nil
}

// cleanUserAgent makes of what a client says of itself a text that can be stored and shown.
func cleanUserAgent(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unprintable(r) {
			continue
		}
		if b.Len()+utf8.RuneLen(r) > maxUserAgent {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// AuthenticateLogin tells whom a token of the dashboard belongs to. It asks the database each time, so that what has ended anywhere is
// refused at once. Where it returns another token, the browser must get that one as its cookie: the one before is taken for a minute more,
// so that requests at the same time do not log a user out, and longer while the new one has not been shown, so that a lost answer does not
// either. The errors for users are unauthorized, and service_unavailable when the database is down.
func (s *Service) AuthenticateLogin(ctx context.Context, token secret.String) (LoginPrincipal, secret.String, error) {
	refused := problem.New(problem.Unauthorized, "You are not logged in any more. Log in again.")
	if token == "" {
		return LoginPrincipal{}, "", refused
	}
	now, hash := s.o.Now(), secret.HashAPIKey(token)
	l, u, err := s.o.Store.LoginByTokenAny(ctx, hash, now)
	if errors.Is(err, store.ErrNotFound) {
		return LoginPrincipal{}, "", refused
	}
	if err != nil {
		return LoginPrincipal{}, "", problem.Unavailable(fmt.Errorf("find login: %w", err))
	}
	age, stale := now.Sub(l.RotatedAt), hash != l.TokenHash
	if stale && age >= rotateGrace && !l.ConfirmedAt.IsZero() {
		return LoginPrincipal{}, "", refused
	}
	var renewed secret.String
	if age >= rotateEvery || stale && age >= rotateGrace {
		renewed = s.rotate(ctx, l, hash, now)
	} else {
		s.seen(ctx, l, hash, now)
	}
	return LoginPrincipal{
		Principal: Principal{Kind: KindUser, AccountID: u.AccountID, UserID: u.ID, Role: u.Role, LoginID: l.ID},
		User:      u, CSRF: s.csrf(l.ID), ExpiresAt: l.CreatedAt.Add(loginAtMost),
	}, renewed, nil
}

// rotate gives a login another token and returns it. Where that fails, or another request was faster, the shown token goes on being taken.
func (s *Service) rotate(ctx context.Context, l *store.Login, shown string, now time.Time) secret.String {
	token := secret.NewToken(loginBytes)
	err := s.o.Store.RotateLogin(ctx, l, secret.HashAPIKey(token), shown, now, idleEnd(l, now))
	if err == nil {
		return token
	}
	if !errors.Is(err, store.ErrNotFound) {
		s.o.Logger.WarnContext(ctx, "login.rotate_failed", "login_id", l.ID, "error", err)
	}
	return ""
}

// seen notes that a login was used, every few minutes, and when its token was first shown. That it could not be noted is no reason to refuse.
func (s *Service) seen(ctx context.Context, l *store.Login, shown string, now time.Time) {
	confirms := l.ConfirmedAt.IsZero() && shown == l.TokenHash
	if !confirms && now.Sub(l.SeenAt) < seenEvery {
		return
	}
	if err := s.o.Store.TouchLogin(ctx, l.AccountID, l.ID, shown, now, idleEnd(l, now)); err != nil {
		s.o.Logger.WarnContext(ctx, "login.touch_failed", "login_id", l.ID, "error", err)
	}
}

func idleEnd(l *store.Login, now time.Time) time.Time {
	end := now.Add(loginIdle)
	if last := l.CreatedAt.Add(loginAtMost); last.Before(end) {
		return last
	}
	return end
}

// csrf returns what forms of a login must bring. It is bound to the login and cannot be told from its id without SECRET_KEY.
func (s *Service) csrf(loginID string) string {
	mac := hmac.New(sha256.New, s.csrfKey)
	mac.Write([]byte(loginID))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// CheckCSRF reports in constant time whether a request brought the login's own CSRF token.
func (s *Service) CheckCSRF(login LoginPrincipal, given string) bool {
	return login.LoginID != "" && hmac.Equal([]byte(s.csrf(login.LoginID)), []byte(given))
}

// EndLogin logs one of a user's browsers out, for every process at once. The error is store.ErrNotFound where the user has no such login.
func (s *Service) EndLogin(ctx context.Context, accountID, userID, loginID string) error {
	if err := s.o.Store.DeleteLogin(ctx, accountID, userID, loginID); err != nil {
		return fmt.Errorf("delete login: %w", err)
	}
	s.o.Logger.InfoContext(ctx, "login.ended", "account_id", accountID, "user_id", userID, "login_id", loginID)
	return nil
}

// EndLogins logs a user out everywhere: their logins to the dashboard end and their login tokens are void, for every process at once.
// The error is store.ErrNotFound where the account has no such user.
func (s *Service) EndLogins(ctx context.Context, accountID, userID string) error {
	if err := s.o.Store.EndLogins(ctx, accountID, userID); err != nil {
		return fmt.Errorf("end logins: %w", err)
	}
	s.o.Logger.InfoContext(ctx, "login.all_ended", "account_id", accountID, "user_id", userID)
	return nil
}

// Logins lists the browsers in which a user is logged in.
func (s *Service) Logins(ctx context.Context, accountID, userID string, page store.Page) ([]*store.Login, error) {
	logins, err := s.o.Store.Logins(ctx, accountID, userID, s.o.Now(), page)
	if err != nil {
		return nil, fmt.Errorf("list logins: %w", err)
	}
	return logins, nil
}
