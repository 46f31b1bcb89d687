package store

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func keyNamed(name, accountID string) *APIKey {
	return &APIKey{
		ID: "key_" + name, AccountID: accountID, Name: name, Hash: "hash of " + name, Sealed: "sealed " + name, Hint: "sk_live_…" + name, CreatedAt: noon,
	}
}

func TestAKeyIsFoundByItsHashUntilItIsReplacedOrDeleted(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		a := makeAccount(t, s, "ann")
		k := keyNamed("k1", a.ID)
		require.NoError(t, s.InsertAPIKey(t.Context(), k, 50))
		found, err := s.APIKeyByHashAny(t.Context(), k.Hash)
		require.NoError(t, err)
		require.Equal(t, k, found)

		old := k.Hash
		k.Hash, k.Sealed, k.Hint = "new hash", "new sealed", "new hint"
		require.NoError(t, s.ReplaceAPIKey(t.Context(), k))
		_, err = s.APIKeyByHashAny(t.Context(), old)
		require.ErrorIs(t, err, ErrNotFound)
		found, err = s.APIKeyByHashAny(t.Context(), "new hash")
		require.NoError(t, err)
		require.Equal(t, k, found)

		require.NoError(t, s.DeleteAPIKey(t.Context(), a.ID, k.ID))
		_, err = s.APIKeyByHashAny(t.Context(), "new hash")
		require.ErrorIs(t, err, ErrNotFound)
		require.ErrorIs(t, s.DeleteAPIKey(t.Context(), a.ID, k.ID), ErrNotFound)
		require.ErrorIs(t, s.ReplaceAPIKey(t.Context(), k), ErrNotFound)
	})
}

func TestKeysOfAnotherAccountAreOutOfReach(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ann, bob := makeAccount(t, s, "ann"), makeAccount(t, s, "bob")
		k := keyNamed("k1", ann.ID)
		require.NoError(t, s.InsertAPIKey(t.Context(), k, 50))

		_, err := s.APIKey(t.Context(), bob.ID, k.ID)
		require.ErrorIs(t, err, ErrNotFound)
		require.ErrorIs(t, s.DeleteAPIKey(t.Context(), bob.ID, k.ID), ErrNotFound)
		theirs := *k
		theirs.AccountID, theirs.Hash = bob.ID, "taken over"
		require.ErrorIs(t, s.ReplaceAPIKey(t.Context(), &theirs), ErrNotFound)
		require.NoError(t, s.TouchAPIKey(t.Context(), bob.ID, k.ID, noon))
		live, err := s.LiveAPIKeys(t.Context(), bob.ID)
		require.NoError(t, err)
		require.Empty(t, live)
		live, err = s.LiveAPIKeys(t.Context(), ann.ID)
		require.NoError(t, err)
		require.Equal(t, []*APIKey{k}, live)
		require.ErrorIs(t, s.InsertAPIKey(t.Context(), keyNamed("k2", "acct_nobody"), 50), ErrNotFound)
	})
}

func TestKeysAreListedNewestFirstInPages(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		a := makeAccount(t, s, "ann")
		for i := range 5 {
			require.NoError(t, s.InsertAPIKey(t.Context(), keyNamed(strconv.Itoa(i), a.ID), 50))
		}
		require.ErrorIs(t, s.InsertAPIKey(t.Context(), keyNamed("3", a.ID), 50), ErrExists)
		var names []string
		page := Page{Limit: 2}
		for {
			keys, err := s.APIKeys(t.Context(), a.ID, page)
			require.NoError(t, err)
			if len(keys) == 0 {
				break
			}
			for _, k := range keys {
				names = append(names, k.Name)
			}
			page.Before = keys[len(keys)-1].ID
		}
		require.Equal(t, []string{"4", "3", "2", "1", "0"}, names)
	})
}

func TestAnAccountNeverGetsMoreKeysThanItMayHave(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		a := makeAccount(t, s, "ann")
		var made, refused atomic.Int64
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() {
				switch err := s.InsertAPIKey(t.Context(), keyNamed(strconv.Itoa(i), a.ID), 3); {
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
		require.EqualValues(t, 3, made.Load())
		require.EqualValues(t, 7, refused.Load())
	})
}

func TestTheLastUseOfAKeyNeverGoesBack(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		a := makeAccount(t, s, "ann")
		require.NoError(t, s.InsertAPIKey(t.Context(), keyNamed("k1", a.ID), 50))
		for _, at := range []time.Time{noon, noon.Add(time.Hour), noon.Add(time.Minute)} {
			require.NoError(t, s.TouchAPIKey(t.Context(), a.ID, "key_k1", at))
		}
		k, err := s.APIKey(t.Context(), a.ID, "key_k1")
		require.NoError(t, err)
		require.Equal(t, noon.Add(time.Hour), k.LastUsedAt)
		require.NoError(t, s.TouchAPIKey(t.Context(), a.ID, "key_gone", noon))
	})
}
