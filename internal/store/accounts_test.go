package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// noon is the time of all rows whose time does not matter.
var noon = time.Date(2026, 6, 29, 12, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // never changed

// makeAccount stores an account with the user usr_<name>.
func makeAccount(t *testing.T, s *Store, name string) *Account {
	t.Helper()
	a, u := accountNamed(name)
	_, err := s.CreateAccount(t.Context(), a, u)
	require.NoError(t, err)
	return a
}

func accountNamed(name string) (*Account, *User) {
	a := &Account{ID: "acct_" + name, Name: name, CreatedAt: noon}
	return a, &User{
		ID: "usr_" + name, AccountID: a.ID, Email: name + "@Example.com", PasswordHash: "phc", Role: "owner", TokenVersion: 3, CreatedAt: noon,
	}
}

func TestAnAccountAndItsFirstUserAreStoredTogether(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		a, u := accountNamed("ann")
		first, err := s.CreateAccount(t.Context(), a, u)
		require.NoError(t, err)
		require.True(t, first)

		stored, err := s.Account(t.Context(), a.ID)
		require.NoError(t, err)
		require.Equal(t, a, stored)
		u.Email = "ann@example.com"
		user, err := s.User(t.Context(), a.ID, u.ID)
		require.NoError(t, err)
		require.Equal(t, u, user)
		user, err = s.UserByEmailAny(t.Context(), "ANN@example.com")
		require.NoError(t, err)
		require.Equal(t, u, user)
	})
}

func TestATakenEmailAddressLeavesNoAccountBehind(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		makeAccount(t, s, "ann")
		a, u := accountNamed("bob")
		u.Email = "aNN@example.com"
		first, err := s.CreateAccount(t.Context(), a, u)
		require.ErrorIs(t, err, ErrExists)
		require.False(t, first)
		_, err = s.Account(t.Context(), a.ID)
		require.ErrorIs(t, err, ErrNotFound)
		n, err := s.CountAccountsAny(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

func TestOfManyAccountsMadeAtOnceOneIsTheFirst(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		notFirst := errors.New("not the first")
		var firsts atomic.Int64
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				a, u := accountNamed(fmt.Sprintf("user%d", i))
				err := s.InTransaction(t.Context(), func(ctx context.Context) error {
					first, err := s.CreateAccount(ctx, a, u)
					if err == nil && !first {
						return notFirst
					}
					return err
				})
				if err == nil {
					firsts.Add(1)
				} else if !errors.Is(err, notFirst) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 1, firsts.Load())
		n, err := s.CountAccountsAny(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

func TestAFirstAccountThatWasRolledBackLeavesThePlaceFree(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		changedMind := errors.New("changed my mind")
		a, u := accountNamed("ann")
		err := s.InTransaction(t.Context(), func(ctx context.Context) error {
			first, err := s.CreateAccount(ctx, a, u)
			require.True(t, first)
			require.NoError(t, err)
			return changedMind
		})
		require.ErrorIs(t, err, changedMind)
		first, err := s.CreateAccount(t.Context(), a, u)
		require.NoError(t, err)
		require.True(t, first)
	})
}

func TestAUserIsSeenFromItsOwnAccountOnly(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		makeAccount(t, s, "ann")
		other := makeAccount(t, s, "bob")
		_, err := s.User(t.Context(), other.ID, "usr_ann")
		require.ErrorIs(t, err, ErrNotFound)
		require.ErrorIs(t, s.RaiseTokenVersion(t.Context(), other.ID, "usr_ann"), ErrNotFound)
		_, err = s.UserByEmailAny(t.Context(), "nobody@example.com")
		require.ErrorIs(t, err, ErrNotFound)

		require.NoError(t, s.RaiseTokenVersion(t.Context(), "acct_ann", "usr_ann"))
		user, err := s.User(t.Context(), "acct_ann", "usr_ann")
		require.NoError(t, err)
		require.EqualValues(t, 4, user.TokenVersion)
	})
}

func TestASettingIsPutOnceAndReplacedOnDemand(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		_, err := s.Setting(t.Context(), "check")
		require.ErrorIs(t, err, ErrNotFound)
		for _, value := range []string{"one", "two"} {
			put, err := s.PutSettingOnce(t.Context(), "check", value)
			require.NoError(t, err)
			require.Equal(t, value == "one", put)
		}
		value, err := s.Setting(t.Context(), "check")
		require.NoError(t, err)
		require.Equal(t, "one", value)
	})
}
