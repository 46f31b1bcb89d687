package account

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

// browser logs a user in to the dashboard.
func (w *world) browser(t *testing.T, email string) (*store.Login, secret.String) {
	t.Helper()
	l, token, err := w.StartLogin(t.Context(), email, goodPassword, clientNumber(1), "Firefox")
	require.NoError(t, err)
	return l, token
}

// stays requires that a token is taken, and returns what came with it.
func stays(t *testing.T, s *Service, token secret.String) (LoginPrincipal, secret.String) {
	t.Helper()
	p, renewed, err := s.AuthenticateLogin(t.Context(), token)
	require.NoError(t, err)
	return p, renewed
}

// isOut requires that a token is refused.
func isOut(t *testing.T, s *Service, token secret.String) {
	t.Helper()
	p, renewed, err := s.AuthenticateLogin(t.Context(), token)
	requireCode(t, problem.Unauthorized, err)
	require.Zero(t, p)
	require.Empty(t, renewed)
}

func TestALoginActsForItsUserUntilItEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.register(t, "ann")
	other := w.another(t)
	l, token := w.browser(t, " ANN@example.com")
	require.Regexp(t, `^[A-Za-z0-9_-]{43}$`, token.Reveal())
	p, renewed := stays(t, other, token)
	require.Empty(t, renewed)
	require.Equal(t, Principal{Kind: KindUser, AccountID: ann.Account.ID, UserID: ann.User.ID, Role: RoleOwner, LoginID: l.ID}, p.Principal)
	require.Equal(t, "ann@example.com", p.User.Email)
	require.Equal(t, w.clock().Add(30*24*time.Hour), p.ExpiresAt)

	for _, wrong := range []secret.String{"", "x", token + "x", secret.String(l.TokenHash), secret.String(l.ID), token[:42]} {
		isOut(t, other, wrong)
	}
	_, err := w.Authenticate(t.Context(), token.Reveal())
	requireCode(t, problem.Unauthorized, err)
	isOut(t, other, ann.Text)

	require.ErrorIs(t, w.EndLogin(t.Context(), ann.Account.ID, "usr_other", l.ID), store.ErrNotFound)
	require.ErrorIs(t, w.EndLogin(t.Context(), "acct_other", ann.User.ID, l.ID), store.ErrNotFound)
	require.NoError(t, w.EndLogin(t.Context(), ann.Account.ID, ann.User.ID, l.ID))
	isOut(t, other, token)
	_, err = other.Authenticate(t.Context(), ann.Text.Reveal())
	require.NoError(t, err, "one login is one browser")
}

func TestALoginNeedsTheRightPasswordAndSharesTheThrottleOfTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(t, "ann")
	_, _, err := w.StartLogin(t.Context(), "", "", clientNumber(1), "")
	require.Len(t, requireCode(t, problem.InvalidField, err).Fields, 2)
	for i := range loginPerEmail {
		if i%2 == 0 {
			_, _, err = w.StartLogin(t.Context(), "ann@example.com", "wrong password", clientNumber(i), "")
		} else {
			_, err = w.Login(t.Context(), "ann@example.com", "wrong password", clientNumber(i))
		}
		requireCode(t, problem.Unauthorized, err)
	}
	_, _, err = w.StartLogin(t.Context(), "ann@example.com", goodPassword, clientNumber(99), "")
	requireCode(t, problem.RateLimited, err)
}

func TestALoginEndsAWeekAfterItsLastUseAndAMonthAfterItsStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(t, "ann")
	_, idle := w.browser(t, "ann@example.com")
	_, used := w.browser(t, "ann@example.com")
	w.pass(loginIdle - time.Minute)
	_, used = stays(t, w.Service, used)
	w.pass(time.Minute)
	isOut(t, w.Service, idle)
	const day = 24 * time.Hour
	for _, later := range []time.Duration{6 * day, 6 * day, 6 * day, 5*day - time.Second} {
		w.pass(later)
		_, used = stays(t, w.Service, used)
		require.NotEmpty(t, used)
	}
	w.pass(time.Second)
	isOut(t, w.Service, used)
}

func TestATokenIsReplacedEachDayAndTheOneBeforeTakenForAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(t, "ann")
	l, first := w.browser(t, "ann@example.com")
	w.pass(rotateEvery - time.Second)
	_, renewed := stays(t, w.Service, first)
	require.Empty(t, renewed)
	w.pass(time.Second)

	var mu sync.Mutex
	var given []secret.String
	var tabs sync.WaitGroup
	for range 8 {
		other := w.another(t)
		tabs.Go(func() {
			p, renewed, err := other.AuthenticateLogin(t.Context(), first)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || p.LoginID != l.ID {
				t.Errorf("a tab was logged out: %v", err)
			}
			if renewed != "" {
				given = append(given, renewed)
			}
		})
	}
	tabs.Wait()
	require.Len(t, given, 1, "one of several tabs gets the new token")

	before, _ := stays(t, w.Service, first)
	after, renewed := stays(t, w.Service, given[0])
	require.Equal(t, before, after)
	require.Empty(t, renewed)
	w.pass(rotateGrace - time.Second)
	stays(t, w.Service, first)
	w.pass(time.Second)
	isOut(t, w.Service, first)
	stays(t, w.Service, given[0])
}

func TestANewTokenWhoseAnswerWasLostLogsNobodyOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(t, "ann")
	_, first := w.browser(t, "ann@example.com")
	w.pass(rotateEvery)
	_, lost := stays(t, w.Service, first)
	require.NotEmpty(t, lost)
	w.pass(time.Hour)
	_, second := stays(t, w.Service, first)
	require.NotEmpty(t, second, "another one instead")
	isOut(t, w.Service, lost)
	stays(t, w.Service, second)
	w.pass(rotateGrace)
	isOut(t, w.Service, first)
	stays(t, w.Service, second)
}

func TestLoggingOutEverywhereEndsLoginsAndTokensOfThatUserOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.register(t, "ann")
	bob := w.register(t, "bob")
	_, one := w.browser(t, "ann@example.com")
	_, two := w.browser(t, "ann@example.com")
	_, bobs := w.browser(t, "bob@example.com")
	require.ErrorIs(t, w.EndLogins(t.Context(), bob.Account.ID, ann.User.ID), store.ErrNotFound)
	require.NoError(t, w.EndLogins(t.Context(), ann.Account.ID, ann.User.ID))
	other := w.another(t)
	isOut(t, other, one)
	isOut(t, other, two)
	_, err := other.Authenticate(t.Context(), ann.Text.Reveal())
	requireCode(t, problem.Unauthorized, err)
	stays(t, other, bobs)

	// The password of this one was checked before everything ended.
	_, late, err := w.StartLoginFor(t.Context(), ann.User, clientNumber(1), "")
	require.NoError(t, err)
	isOut(t, other, late)
	_, fresh := w.browser(t, "ann@example.com")
	stays(t, other, fresh)
}

func TestLoginsAreListedWithTheirBrowserAndTheOldestOfVeryManyEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.register(t, "ann")
	l, token, err := w.StartLoginFor(t.Context(), ann.User, clientNumber(7), "Fire\x00fox\xff 1 "+strings.Repeat("ü", 300))
	require.NoError(t, err)
	list, err := w.Logins(t.Context(), ann.Account.ID, ann.User.ID, store.Page{Limit: 10})
	require.NoError(t, err)
	require.Equal(t, []*store.Login{l}, list)
	require.Equal(t, "203.0.113.7", l.Address)
	require.LessOrEqual(t, len(l.UserAgent), maxUserAgent)
	require.True(t, strings.HasPrefix(l.UserAgent, "Firefox 1 üüü") && strings.HasSuffix(l.UserAgent, "ü"))

	w.pass(seenEvery)
	stays(t, w.Service, token)
	for range maxLogins {
		_, _, err := w.StartLoginFor(t.Context(), ann.User, clientNumber(7), "")
		require.NoError(t, err)
	}
	isOut(t, w.Service, token)
	list, err = w.Logins(t.Context(), ann.Account.ID, ann.User.ID, store.Page{Limit: 2 * maxLogins})
	require.NoError(t, err)
	require.Len(t, list, maxLogins)
}

func TestTheLastUseIsKnownToFiveMinutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.register(t, "ann")
	_, token := w.browser(t, "ann@example.com")
	started := w.clock()
	seen := func() time.Time {
		list, err := w.Logins(t.Context(), ann.Account.ID, ann.User.ID, store.Page{Limit: 1})
		require.NoError(t, err)
		return list[0].SeenAt
	}
	w.pass(seenEvery - time.Second)
	stays(t, w.Service, token)
	require.Equal(t, started, seen())
	w.pass(time.Second)
	stays(t, w.Service, token)
	require.Equal(t, w.clock(), seen())
}

func TestTheCSRFTokenIsThatOfTheLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(t, "ann")
	_, first := w.browser(t, "ann@example.com")
	_, second := w.browser(t, "ann@example.com")
	one, _ := stays(t, w.Service, first)
	two, _ := stays(t, w.another(t), second)
	require.NotEqual(t, one.CSRF, two.CSRF)
	require.Len(t, one.CSRF, 43)
	require.True(t, w.CheckCSRF(one, one.CSRF))
	for _, wrong := range []string{"", two.CSRF, one.CSRF + "x", one.CSRF[:42], one.LoginID} {
		require.False(t, w.CheckCSRF(one, wrong), wrong)
	}
	require.False(t, w.CheckCSRF(LoginPrincipal{}, w.csrf("")), "who is not logged in has none")
}
