package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAnAuthorizationIsUsedOnceAndFinishedByItsAccount(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
		for _, account := range []string{"acct_a", "acct_b"} {
			_, err := s.CreateAccount(t.Context(), &Account{ID: account, Name: account, CreatedAt: now}, &User{ID: "usr_" + account, AccountID: account, Email: account, CreatedAt: now})
			require.NoError(t, err)
		}
		made := &Authorization{
			ID: "auth_1", AccountID: "acct_a", Connector: "mastodon", ChannelID: "chan_1", StateHash: "hash", Sealed: "sealed", Status: AuthorizationPending,
			CreatedAt: now, ExpiresAt: now.Add(time.Minute),
		}
		require.NoError(t, s.InsertAuthorization(t.Context(), made, 1))
		again := *made
		require.ErrorIs(t, s.InsertAuthorization(t.Context(), &again, 1), ErrTooMany)
		require.ErrorIs(t, s.InsertAuthorization(t.Context(), &again, 2), ErrExists)
		again.ID = "auth_2"
		require.ErrorIs(t, s.InsertAuthorization(t.Context(), &again, 2), ErrExists, "a state is one's own")
		read, err := s.Authorization(t.Context(), "acct_a", made.ID)
		require.NoError(t, err)
		require.Equal(t, made, read)
		_, err = s.Authorization(t.Context(), "acct_b", made.ID)
		require.ErrorIs(t, err, ErrNotFound)

		_, err = s.UseAuthorizationAny(t.Context(), "another", now)
		require.ErrorIs(t, err, ErrNotFound)
		_, err = s.UseAuthorizationAny(t.Context(), "hash", made.ExpiresAt)
		require.ErrorIs(t, err, ErrNotFound, "expired")
		used, err := s.UseAuthorizationAny(t.Context(), "hash", now)
		require.NoError(t, err)
		require.Equal(t, now, used.UsedAt)
		require.Equal(t, "sealed", used.Sealed)
		_, err = s.UseAuthorizationAny(t.Context(), "hash", now)
		require.ErrorIs(t, err, ErrNotFound, "used")

		require.ErrorIs(t, s.FinishAuthorization(t.Context(), "acct_b", made.ID, AuthorizationFailed, "{}"), ErrNotFound)
		require.NoError(t, s.FinishAuthorization(t.Context(), "acct_a", made.ID, AuthorizationDone, "{}"))
		require.ErrorIs(t, s.FinishAuthorization(t.Context(), "acct_a", made.ID, AuthorizationFailed, "{}"), ErrNotFound)
		over, err := s.AuthorizationByStateAny(t.Context(), "hash")
		require.NoError(t, err)
		require.Equal(t, AuthorizationDone, over.Status)
		require.Empty(t, over.Sealed)
	})
}
