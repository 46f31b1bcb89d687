package store

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func inviteNamed(name, id string) *Invite {
	return &Invite{
		ID: id, AccountID: "acct_" + name, Email: "sam@example.com", Role: "member", TokenHash: "hash of " + id, CreatedBy: "usr_" + name,
		CreatedAt: noon, ExpiresAt: noon.Add(24 * time.Hour),
	}
}

// inviteOf stores an invite by usr_<name>, which expires in a day.
func inviteOf(t *testing.T, s *Store, name, id string) *Invite {
	t.Helper()
	i := inviteNamed(name, id)
	require.NoError(t, s.InsertInvite(t.Context(), i, 10))
	return i
}

func joiner(i *Invite, name string) *User {
	return &User{ID: "usr_" + name, AccountID: i.AccountID, Email: name + "@example.com", PasswordHash: "phc", Role: i.Role, CreatedAt: noon}
}

func TestAnInviteIsAcceptedOnceEvenByManyAtOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		makeAccount(t, s, "ann")
		makeAccount(t, s, "bob")
		i := inviteOf(t, s, "ann", "inv_1")
		read, err := s.InviteByTokenAny(t.Context(), i.TokenHash, noon)
		require.NoError(t, err)
		require.Equal(t, i, read)
		_, err = s.InviteByTokenAny(t.Context(), i.TokenHash, i.ExpiresAt)
		require.ErrorIs(t, err, ErrNotFound, "expired")
		late := joiner(i, "late")
		late.CreatedAt = i.ExpiresAt
		require.ErrorIs(t, s.AcceptInvite(t.Context(), i, late), ErrNotFound, "expired")
		require.ErrorIs(t, s.AcceptInvite(t.Context(), i, joiner(i, "bob")), ErrExists, "the address is taken, and the invite stays open")

		var joined atomic.Int64
		var all sync.WaitGroup
		for n := range 8 {
			all.Go(func() {
				err := s.AcceptInvite(t.Context(), i, joiner(i, fmt.Sprint("sam", n)))
				if err == nil {
					joined.Add(1)
				} else if !errors.Is(err, ErrNotFound) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 1, joined.Load())
		users, err := s.Users(t.Context(), "acct_ann", Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, users, 2)
		_, err = s.InviteByTokenAny(t.Context(), i.TokenHash, noon)
		require.ErrorIs(t, err, ErrNotFound)
		_, err = s.RenewInvite(t.Context(), "acct_ann", i.ID, "another")
		require.ErrorIs(t, err, ErrNotFound, "accepted")
	})
}

func TestInvitesAreBoundedAndMadeByOwnersOnly(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		makeAccount(t, s, "ann")
		makeAccount(t, s, "bob")
		var made, refused atomic.Int64
		var all sync.WaitGroup
		for n := range 6 {
			all.Go(func() {
				switch err := s.InsertInvite(t.Context(), inviteNamed("ann", fmt.Sprint("inv_", n)), 2); {
				case err == nil:
					made.Add(1)
				case errors.Is(err, ErrTooMany):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 2, made.Load())
		require.EqualValues(t, 4, refused.Load())
		list, err := s.Invites(t.Context(), "acct_ann", Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, list, 2)
		require.ErrorIs(t, s.InsertInvite(t.Context(), inviteNamed("ann", list[0].ID), 10), ErrExists)

		renewed, err := s.RenewInvite(t.Context(), "acct_ann", list[0].ID, "another")
		require.NoError(t, err)
		require.Equal(t, "another", renewed.TokenHash)
		_, err = s.InviteByTokenAny(t.Context(), list[0].TokenHash, noon)
		require.ErrorIs(t, err, ErrNotFound)
		_, err = s.RenewInvite(t.Context(), "acct_bob", list[0].ID, "theirs")
		require.ErrorIs(t, err, ErrNotFound)

		foreign := inviteNamed("ann", "inv_x")
		foreign.CreatedBy = "usr_bob"
		require.ErrorIs(t, s.InsertInvite(t.Context(), foreign, 10), ErrNotFound)
		require.ErrorIs(t, s.DeleteInvite(t.Context(), "acct_bob", list[0].ID), ErrNotFound)
		require.NoError(t, s.DeleteInvite(t.Context(), "acct_ann", list[0].ID))
		_, err = s.InviteByTokenAny(t.Context(), "another", noon)
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestAnAccountKeepsAnOwnerEvenWhenSeveralLeaveAtOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		makeAccount(t, s, "ann")
		owners := []string{"usr_ann"}
		for _, name := range []string{"eve", "joe", "sam"} {
			i := inviteNamed("ann", "inv_"+name)
			i.Role = "owner"
			require.NoError(t, s.InsertInvite(t.Context(), i, 10))
			require.NoError(t, s.AcceptInvite(t.Context(), i, joiner(i, name)))
			owners = append(owners, "usr_"+name)
		}
		var stayed atomic.Int64
		var all sync.WaitGroup
		for n, id := range owners {
			all.Go(func() {
				var err error
				if n%2 == 0 {
					_, err = s.SetUserRole(t.Context(), "acct_ann", id, "member")
				} else {
					err = s.DeleteUser(t.Context(), "acct_ann", id)
				}
				if errors.Is(err, ErrLastOwner) {
					stayed.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 1, stayed.Load())
		left, err := s.countOwners(t.Context(), "acct_ann", "")
		require.NoError(t, err)
		require.Equal(t, 1, left)
	})
}

func TestWhoIsRemovedOrDemotedLeavesNoLoginsOrInvitesBehind(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		makeAccount(t, s, "ann")
		makeAccount(t, s, "bob")
		i := inviteNamed("ann", "inv_eve")
		i.Role = "owner"
		require.NoError(t, s.InsertInvite(t.Context(), i, 10))
		require.NoError(t, s.AcceptInvite(t.Context(), i, joiner(i, "eve")))
		byEve := func(id string) error {
			i := inviteNamed("ann", id)
			i.CreatedBy = "usr_eve"
			return s.InsertInvite(t.Context(), i, 10)
		}
		require.NoError(t, byEve("inv_1"))
		u, err := s.SetUserRole(t.Context(), "acct_ann", "usr_eve", "member")
		require.NoError(t, err)
		require.Equal(t, "member", u.Role)
		_, err = s.InviteByTokenAny(t.Context(), "hash of inv_1", noon)
		require.ErrorIs(t, err, ErrNotFound)
		require.ErrorIs(t, byEve("inv_2"), ErrNotFound, "a member invites nobody")

		_, err = s.SetUserRole(t.Context(), "acct_ann", "usr_eve", "owner")
		require.NoError(t, err)
		require.NoError(t, byEve("inv_3"))
		login := &Login{ID: "login_1", AccountID: "acct_ann", UserID: "usr_eve", TokenHash: "token", CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}
		require.NoError(t, s.InsertLogin(t.Context(), login, 10))
		_, _, err = s.LoginByTokenAny(t.Context(), "token", noon)
		require.NoError(t, err)

		require.ErrorIs(t, s.DeleteUser(t.Context(), "acct_bob", "usr_eve"), ErrNotFound)
		_, err = s.SetUserRole(t.Context(), "acct_bob", "usr_eve", "member")
		require.ErrorIs(t, err, ErrNotFound)
		require.NoError(t, s.DeleteUser(t.Context(), "acct_ann", "usr_eve"))
		_, _, err = s.LoginByTokenAny(t.Context(), "token", noon)
		require.ErrorIs(t, err, ErrNotFound)
		_, err = s.InviteByTokenAny(t.Context(), "hash of inv_3", noon)
		require.ErrorIs(t, err, ErrNotFound)
		require.ErrorIs(t, s.DeleteUser(t.Context(), "acct_ann", "usr_ann"), ErrLastOwner)
		list, err := s.Users(t.Context(), "acct_ann", Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, list, 1)
	})
}
