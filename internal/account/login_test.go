package account

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
)

func TestALoginTakesTheRightPasswordOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.register(t, "ann")
	here := netip.MustParseAddr("127.0.0.1")

	again, err := w.Login(t.Context(), " ANN@example.com ", goodPassword, here)
	require.NoError(t, err)
	require.Equal(t, token.User.ID, again.User.ID)
	require.Equal(t, token.Account.ID, again.Account.ID)

	var messages []string
	for email, password := range map[string]secret.String{
		"ann@example.com":    goodPassword + " ",
		"nobody@example.com": goodPassword,
	} {
		_, err := w.Login(t.Context(), email, password, here)
		messages = append(messages, requireCode(t, problem.Unauthorized, err).Message)
	}
	require.Equal(t, messages[0], messages[1], "an answer does not tell who has an account")

	_, err = w.Login(t.Context(), "", "", here)
	require.Len(t, requireCode(t, problem.InvalidField, err).Fields, 2)
}

func TestGuessesForOneAddressAreThrottledWhereverTheyComeFrom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(t, "ann")
	w.register(t, "bob")
	for i := range loginPerEmail {
		_, err := w.Login(t.Context(), "ann@example.com", "wrong password", clientNumber(i))
		requireCode(t, problem.Unauthorized, err)
	}
	_, err := w.another(t).Login(t.Context(), "Ann@example.com", goodPassword, clientNumber(99))
	p := requireCode(t, problem.RateLimited, err)
	require.Positive(t, p.RetryAfter)
	require.LessOrEqual(t, p.RetryAfter, throttlePeriod)
	_, err = w.Login(t.Context(), "bob@example.com", goodPassword, clientNumber(0))
	require.NoError(t, err)
}

func clientNumber(n int) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, 113, byte(n)}) }

func TestGuessesFromOneNetworkAreThrottledWhomeverTheyAreFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range loginPerClient {
		_, err := w.Login(t.Context(), fmt.Sprint(i, "@example.com"), "wrong password", netip.MustParseAddr(fmt.Sprintf("2001:db8:1:2::%x", i)))
		requireCode(t, problem.Unauthorized, err)
	}
	_, err := w.Login(t.Context(), "other@example.com", "wrong password", netip.MustParseAddr("2001:db8:1:2:ffff::1"))
	requireCode(t, problem.RateLimited, err)
	_, err = w.Login(t.Context(), "other@example.com", "wrong password", netip.MustParseAddr("2001:db8:1:3::1"))
	requireCode(t, problem.Unauthorized, err)
}

func TestNobodyLogsInWhileAttemptsCannotBeCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(t, "ann")
	w.stopRedis()
	_, err := w.Login(t.Context(), "ann@example.com", goodPassword, clientNumber(1))
	require.Positive(t, requireCode(t, problem.ServiceUnavailable, err).RetryAfter)
	_, err = w.Register(t.Context(), wish("bob"))
	requireCode(t, problem.ServiceUnavailable, err)
}

func TestAnUnknownAddressCostsTheTimeOfAWrongPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(t, "ann")
	fastest := func(email string) time.Duration {
		best := time.Hour
		for i := range 4 {
			started := time.Now()
			_, err := w.Login(t.Context(), email, "wrong password", clientNumber(i))
			best = min(best, time.Since(started))
			requireCode(t, problem.Unauthorized, err)
		}
		return best
	}
	known, unknown := fastest("ann@example.com"), fastest("nobody@example.com")
	require.Greater(t, unknown, known/3, "known %s, unknown %s", known, unknown) // without the hash it is a fiftieth
}
