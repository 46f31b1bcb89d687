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

// loginOf stores a login of usr_<name> in acct_<name>, which expires in a day.
func loginOf(t *testing.T, s *Store, name, id string) *Login {
	t.Helper()
	l := &Login{
		ID: id, AccountID: "acct_" + name, UserID: "usr_" + name, Version: 3, TokenHash: "hash of " + id, UserAgent: "Firefox", Address: "203.0.113.7",
		CreatedAt: noon, SeenAt: noon, RotatedAt: noon, ConfirmedAt: noon, ExpiresAt: noon.Add(24 * time.Hour),
	}
	require.NoError(t, s.InsertLogin(t.Context(), l, 3))
	return l
}

func TestALoginIsFoundByItsTokenUntilItEnds(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		makeAccount(t, s, "ann")
		makeAccount(t, s, "bob")
		l := loginOf(t, s, "ann", "login_1")
		read, u, err := s.LoginByTokenAny(t.Context(), l.TokenHash, noon)
		require.NoError(t, err)
		require.Equal(t, l, read)
		want, err := s.User(t.Context(), "acct_ann", "usr_ann")
		require.NoError(t, err)
		require.Equal(t, want, u)
		for _, wrong := range []string{"", "hash", l.ID} {
			_, _, err = s.LoginByTokenAny(t.Context(), wrong, noon)
			require.ErrorIs(t, err, ErrNotFound)
		}
		_, _, err = s.LoginByTokenAny(t.Context(), l.TokenHash, l.ExpiresAt)
		require.ErrorIs(t, err, ErrNotFound, "expired")
		require.ErrorIs(t, s.DeleteLogin(t.Context(), "acct_bob", "usr_bob", l.ID), ErrNotFound)
		require.ErrorIs(t, s.DeleteLogin(t.Context(), "acct_ann", "usr_bob", l.ID), ErrNotFound)
		require.NoError(t, s.DeleteLogin(t.Context(), "acct_ann", "usr_ann", l.ID))
		_, _, err = s.LoginByTokenAny(t.Context(), l.TokenHash, noon)
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestOfManyWhoRotateALoginAtOnceOneDoes(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		makeAccount(t, s, "ann")
		l := loginOf(t, s, "ann", "login_1")
		later := noon.Add(time.Hour)
		var won atomic.Int64
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				err := s.RotateLogin(t.Context(), l, fmt.Sprint("new ", i), l.TokenHash, later, later.Add(time.Hour))
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, ErrNotFound) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 1, won.Load())
		read, _, err := s.LoginByTokenAny(t.Context(), l.TokenHash, noon)
		require.NoError(t, err, "by the token before")
		require.Equal(t, l.TokenHash, read.PreviousHash)
		require.Equal(t, later, read.RotatedAt)
		require.Zero(t, read.ConfirmedAt)

		require.NoError(t, s.TouchLogin(t.Context(), "acct_ann", l.ID, l.TokenHash, later, later.Add(2*time.Hour)))
		read, _, err = s.LoginByTokenAny(t.Context(), read.TokenHash, noon)
		require.NoError(t, err)
		require.Zero(t, read.ConfirmedAt, "it was the token before")
		require.Equal(t, later.Add(2*time.Hour), read.ExpiresAt)
		require.NoError(t, s.TouchLogin(t.Context(), "acct_ann", l.ID, read.TokenHash, later.Add(time.Second), later.Add(2*time.Hour)))
		require.ErrorIs(t, s.RotateLogin(t.Context(), read, "another", "x", later, later), ErrNotFound, "its token was shown in the meantime")
		read, _, err = s.LoginByTokenAny(t.Context(), read.TokenHash, noon)
		require.NoError(t, err)
		require.Equal(t, later.Add(time.Second), read.ConfirmedAt)
	})
}

func TestAPasswordOrARaisedVersionEndsLogins(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		makeAccount(t, s, "ann")
		makeAccount(t, s, "bob")
		other, mine, theirs := loginOf(t, s, "ann", "login_1"), loginOf(t, s, "ann", "login_2"), loginOf(t, s, "bob", "login_3")
		ids := func() (ids []string) {
			list, err := s.Logins(t.Context(), "acct_ann", "usr_ann", noon, Page{Limit: 10})
			require.NoError(t, err)
			for _, l := range list {
				ids = append(ids, l.ID)
			}
			return ids
		}
		require.Equal(t, []string{mine.ID, other.ID}, ids())
		u, err := s.User(t.Context(), "acct_ann", "usr_ann")
		require.NoError(t, err)
		require.NoError(t, s.SetPassword(t.Context(), u, "phc2", mine.ID))
		require.ErrorIs(t, s.SetPassword(t.Context(), u, "phc3", mine.ID), ErrOutdated)
		require.Equal(t, []string{mine.ID}, ids())
		now, err := s.User(t.Context(), "acct_ann", "usr_ann")
		require.NoError(t, err)
		require.Equal(t, "phc2", now.PasswordHash)
		require.EqualValues(t, 4, now.TokenVersion)

		late := loginOf(t, s, "ann", "login_4") // of the version before
		_, _, err = s.LoginByTokenAny(t.Context(), late.TokenHash, noon)
		require.ErrorIs(t, err, ErrNotFound)
		require.Equal(t, []string{mine.ID}, ids())
		require.NoError(t, s.EndLogins(t.Context(), "acct_ann", "usr_ann"))
		require.Empty(t, ids())
		_, _, err = s.LoginByTokenAny(t.Context(), theirs.TokenHash, noon)
		require.NoError(t, err)
	})
}

func TestOldLoginsAndInvitesArePurgedAndOnlyTheNewestOfAUserStay(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		makeAccount(t, s, "ann")
		for i := range 5 {
			loginOf(t, s, "ann", fmt.Sprint("login_", i))
			inviteOf(t, s, "ann", fmt.Sprint("inv_", i))
		}
		end := noon.Add(24 * time.Hour)
		for _, before := range []time.Time{end.Add(-time.Second), end, end} {
			logins, err := s.PurgeLoginsAny(t.Context(), before, 2)
			require.NoError(t, err)
			invites, err := s.PurgeInvitesAny(t.Context(), before, 2)
			require.NoError(t, err)
			if before.Before(end) {
				require.Zero(t, logins+invites)
			}
		}
		left, err := s.Logins(t.Context(), "acct_ann", "usr_ann", noon, Page{Limit: 10})
		require.NoError(t, err)
		require.Empty(t, left, "three stayed, and two and one were purged")
		invites, err := s.Invites(t.Context(), "acct_ann", Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, invites, 1)
	})
}
