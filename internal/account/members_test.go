package account

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

func principal(token *LoginToken) Principal {
	return Principal{Kind: KindUser, AccountID: token.Account.ID, UserID: token.User.ID, Role: token.User.Role}
}

// join lets <name>@example.com join an account.
func (w *world) join(t *testing.T, owner *LoginToken, name, role string) *LoginToken {
	t.Helper()
	_, token, err := w.CreateInvite(t.Context(), principal(owner), w.IDs().New("inv"), "", role)
	require.NoError(t, err)
	joined, err := w.AcceptInvite(t.Context(), token, name+"@example.com", goodPassword, clientNumber(2))
	require.NoError(t, err)
	return joined
}

func TestANewPasswordEndsEveryOtherLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.register(t, "ann")
	other := w.another(t)
	_, mine := w.browser(t, "ann@example.com")
	_, theirs := w.browser(t, "ann@example.com")
	p, _ := stays(t, w.Service, mine)
	const fresh = secret.String("staple battery horse")
	token, err := w.ChangePassword(t.Context(), p.Principal, goodPassword, fresh)
	require.NoError(t, err)

	stays(t, other, mine)
	isOut(t, other, theirs)
	_, err = other.Authenticate(t.Context(), ann.Text.Reveal())
	requireCode(t, problem.Unauthorized, err)
	_, err = other.Authenticate(t.Context(), token.Text.Reveal())
	require.NoError(t, err)
	_, err = w.Login(t.Context(), "ann@example.com", goodPassword, clientNumber(1))
	requireCode(t, problem.Unauthorized, err)
	_, err = w.Login(t.Context(), "ann@example.com", fresh, clientNumber(1))
	require.NoError(t, err)

	_, err = w.ChangePassword(t.Context(), principal(ann), fresh, goodPassword) // by a token: no login stays
	require.NoError(t, err)
	isOut(t, other, mine)
}

func TestAWrongOrUnfitPasswordChangesNothingAndIsThrottled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.register(t, "ann")
	_, mine := w.browser(t, "ann@example.com")
	change := func(current, replacement secret.String) error {
		_, err := w.ChangePassword(t.Context(), principal(ann), current, replacement)
		return err
	}
	require.Len(t, requireCode(t, problem.InvalidField, change("", "short")).Fields, 2)
	require.Equal(t, "newPassword", requireCode(t, problem.InvalidField, change(goodPassword, "short")).Field)
	for range loginPerEmail - 1 { // the browser's was the first
		require.Equal(t, "currentPassword", requireCode(t, problem.InvalidField, change("wrong password", "staple battery horse")).Field)
	}
	requireCode(t, problem.RateLimited, change(goodPassword, "staple battery horse"))
	stays(t, w.Service, mine)
	_, err := w.Authenticate(t.Context(), ann.Text.Reveal())
	require.NoError(t, err)
}

func TestAnInviteMakesOneMember(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.Registration = RegistrationFirst })
	ann := w.register(t, "ann")
	i, token, err := w.CreateInvite(t.Context(), principal(ann), "inv_1", " Sam@Example.com", "")
	require.NoError(t, err)
	require.Equal(t, RoleMember, i.Role)
	require.Equal(t, w.clock().Add(7*24*time.Hour), i.ExpiresAt)
	require.NotContains(t, i.TokenHash, token.Reveal())

	shown, err := w.another(t).Invite(t.Context(), token)
	require.NoError(t, err)
	require.Equal(t, "sam@example.com", shown.Invite.Email)
	require.Equal(t, "ann", shown.Account.Name)
	require.Equal(t, "ann@example.com", shown.By.Email)

	accept := func(token secret.String, email string) (*LoginToken, error) {
		return w.AcceptInvite(t.Context(), token, email, goodPassword, clientNumber(1))
	}
	_, err = accept(token, "eve@example.com")
	require.Equal(t, "email", requireCode(t, problem.InvalidField, err).Field)
	_, err = w.AcceptInvite(t.Context(), "", "x", "short", clientNumber(1))
	require.Len(t, requireCode(t, problem.InvalidField, err).Fields, 3)
	_, err = accept(token+"x", "sam@example.com")
	requireCode(t, problem.NotFound, err)
	_, err = accept(secret.String(i.TokenHash), "sam@example.com")
	requireCode(t, problem.NotFound, err)

	sam, err := accept(token, "SAM@example.com ")
	require.NoError(t, err)
	require.Equal(t, ann.Account.ID, sam.Account.ID)
	p, err := w.Authenticate(t.Context(), sam.Text.Reveal())
	require.NoError(t, err)
	require.Equal(t, Principal{Kind: KindUser, AccountID: ann.Account.ID, UserID: sam.User.ID, Role: RoleMember}, p)
	_, browser, err := w.StartLoginFor(t.Context(), sam.User, clientNumber(1), "")
	require.NoError(t, err)
	stays(t, w.Service, browser)
	_, err = w.Invite(t.Context(), token)
	requireCode(t, problem.NotFound, err)
	_, err = accept(token, "sam@example.com")
	requireCode(t, problem.NotFound, err)
}

func TestAnInviteEndsWithItsTimeItsMakerOrByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.register(t, "ann")
	eve := w.join(t, ann, "eve", RoleOwner)
	invite := func(by *LoginToken) (*store.Invite, secret.String) {
		i, token, err := w.CreateInvite(t.Context(), principal(by), w.IDs().New("inv"), "", RoleMember)
		require.NoError(t, err)
		return i, token
	}
	over := func(token secret.String) {
		_, err := w.AcceptInvite(t.Context(), token, "new@example.com", goodPassword, clientNumber(1))
		requireCode(t, problem.NotFound, err)
	}
	i, revoked := invite(ann)
	_, theirs := invite(eve)
	_, late := invite(ann)
	require.ErrorIs(t, w.RevokeInvite(t.Context(), "acct_other", i.ID), store.ErrNotFound)
	require.NoError(t, w.RevokeInvite(t.Context(), ann.Account.ID, i.ID))
	over(revoked)
	_, err := w.ChangeRole(t.Context(), ann.Account.ID, eve.User.ID, RoleMember)
	require.NoError(t, err)
	over(theirs)
	_, _, err = w.CreateInvite(t.Context(), principal(eve), "inv_x", "", RoleOwner)
	requireCode(t, problem.Forbidden, err)
	w.pass(inviteLifetime)
	over(late)
}

func TestAnAddressThatIsTakenLeavesTheInviteOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.register(t, "ann")
	w.register(t, "bob")
	_, token, err := w.CreateInvite(t.Context(), principal(ann), "inv_1", "", RoleMember)
	require.NoError(t, err)
	_, err = w.AcceptInvite(t.Context(), token, "bob@example.com", goodPassword, clientNumber(1))
	require.Equal(t, "email", requireCode(t, problem.EmailTaken, err).Field)
	_, err = w.AcceptInvite(t.Context(), token, "sam@example.com", goodPassword, clientNumber(1))
	require.NoError(t, err)
}

func TestOfSeveralWhoAcceptOneInviteOneJoins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.register(t, "ann")
	_, token, err := w.CreateInvite(t.Context(), principal(ann), "inv_1", "", RoleMember)
	require.NoError(t, err)
	var joined, refused atomic.Int64
	var all sync.WaitGroup
	for i := range 4 {
		other := w.another(t)
		all.Go(func() {
			_, err := other.AcceptInvite(t.Context(), token, string(rune('a'+i))+"@example.com", goodPassword, clientNumber(i))
			if err == nil {
				joined.Add(1)
			} else {
				refused.Add(1)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, joined.Load())
	require.EqualValues(t, 3, refused.Load())
	users, err := w.Members(t.Context(), ann.Account.ID, store.Page{Limit: 10})
	require.NoError(t, err)
	require.Len(t, users, 2)
}

func TestARepeatedInviteWhoseAnswerWasLostGetsAnotherLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.register(t, "ann")
	first, lost, err := w.CreateInvite(t.Context(), principal(ann), "inv_1", "", RoleMember)
	require.NoError(t, err)
	again, token, err := w.CreateInvite(t.Context(), principal(ann), "inv_1", "", RoleMember)
	require.NoError(t, err)
	require.Equal(t, first.ExpiresAt, again.ExpiresAt)
	_, err = w.Invite(t.Context(), lost)
	requireCode(t, problem.NotFound, err)
	_, err = w.Invite(t.Context(), token)
	require.NoError(t, err)
	list, err := w.Invites(t.Context(), ann.Account.ID, store.Page{Limit: 10})
	require.NoError(t, err)
	require.Len(t, list, 1)
}

func TestAttemptsAtInvitesAreThrottled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range acceptPerClient {
		_, err := w.AcceptInvite(t.Context(), "wrong", "eve@example.com", goodPassword, clientNumber(1))
		requireCode(t, problem.NotFound, err)
	}
	_, err := w.AcceptInvite(t.Context(), "wrong", "eve@example.com", goodPassword, clientNumber(1))
	requireCode(t, problem.RateLimited, err)
	w.stopRedis()
	_, err = w.AcceptInvite(t.Context(), "wrong", "eve@example.com", goodPassword, clientNumber(2))
	requireCode(t, problem.ServiceUnavailable, err)
}

func TestWhoIsRemovedIsOutAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.register(t, "ann")
	sam := w.join(t, ann, "sam", RoleMember)
	_, browser := w.browser(t, "sam@example.com")
	other := w.another(t)
	stays(t, other, browser)
	require.ErrorIs(t, w.RemoveMember(t.Context(), "acct_other", sam.User.ID), store.ErrNotFound)
	require.NoError(t, w.RemoveMember(t.Context(), ann.Account.ID, sam.User.ID))
	isOut(t, other, browser)
	_, err := other.Authenticate(t.Context(), sam.Text.Reveal())
	requireCode(t, problem.Unauthorized, err)
	_, err = w.Login(t.Context(), "sam@example.com", goodPassword, clientNumber(1))
	requireCode(t, problem.Unauthorized, err)
	require.Equal(t, "sam@example.com", w.join(t, ann, "sam", RoleOwner).User.Email, "and may come back")
}

func TestARoleCountsFromTheNextRequestAndTheLastOwnerStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.register(t, "ann")
	eve := w.join(t, ann, "eve", RoleMember)
	_, browser := w.browser(t, "eve@example.com")
	requireCode(t, problem.LastOwner, w.RemoveMember(t.Context(), ann.Account.ID, ann.User.ID))
	for _, role := range []string{"", "admin", "Owner"} {
		_, err := w.ChangeRole(t.Context(), ann.Account.ID, eve.User.ID, role)
		require.Equal(t, "role", requireCode(t, map[bool]string{true: problem.RequiredField, false: problem.InvalidField}[role == ""], err).Field)
	}
	_, err := w.ChangeRole(t.Context(), ann.Account.ID, eve.User.ID, RoleOwner)
	require.NoError(t, err)
	p, _ := stays(t, w.Service, browser)
	require.Equal(t, RoleOwner, p.Role)
	require.NoError(t, w.RemoveMember(t.Context(), ann.Account.ID, ann.User.ID))
	_, err = w.ChangeRole(t.Context(), ann.Account.ID, eve.User.ID, RoleMember)
	requireCode(t, problem.LastOwner, err)
}

func TestAnAccountIsRenamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.register(t, "ann")
	a, err := w.Rename(t.Context(), ann.Account.ID, " Ann & Co ")
	require.NoError(t, err)
	require.Equal(t, &store.Account{ID: ann.Account.ID, Name: "Ann & Co", CreatedAt: ann.Account.CreatedAt}, a)
	_, err = w.Rename(t.Context(), ann.Account.ID, "two\nlines")
	requireCode(t, problem.InvalidField, err)
	_, err = w.Rename(t.Context(), "acct_other", "x")
	require.ErrorIs(t, err, store.ErrNotFound)
}
