package server

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/account"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
)

// member lets <name>@example.com join ann's account.
func (g *gate) member(t *testing.T, name string) *account.LoginToken {
	t.Helper()
	ann := account.Principal{Kind: account.KindUser, AccountID: g.token.Account.ID, UserID: g.token.User.ID, Role: account.RoleOwner}
	_, token, err := g.Accounts.CreateInvite(t.Context(), ann, g.Accounts.IDs().New("inv"), "", account.RoleMember)
	require.NoError(t, err)
	joined, err := g.Accounts.AcceptInvite(t.Context(), token, name+"@example.com", secret.String("correct horse battery"), netip.IPv6Loopback())
	require.NoError(t, err)
	return joined
}

func bearerOf(token *account.LoginToken) string {
	return "Authorization: Bearer " + token.Text.Reveal()
}

func TestAMemberMayNotDoWhatOnlyOwnersMay(t *testing.T) {
	t.Parallel()
	g := newAccountGate(t)
	member := bearerOf(g.member(t, "sam"))
	owned := 0
	for _, r := range g.routes() {
		if r.access != ownerOnly {
			continue
		}
		owned++
		response := g.call(t, r.method, strings.Replace(r.path, ":id", "x", 1), `{}`, asJSON, member)
		requireAnswer(t, response, 403, problem.Forbidden)
		require.Contains(t, string(response.Body()), "owner")
	}
	require.Equal(t, 10, owned, "keys, members, invites and the account")
	requireAnswer(t, g.call(t, "GET", "/v1/keys", "", member), 200, "")
	requireAnswer(t, g.call(t, "GET", "/v1/me", "", member), 200, "")
	requireAnswer(t, g.call(t, "GET", "/v1/logins", "", member), 200, "")
}
