package account

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

func TestAKeyActsForItsAccountUntilItIsRevokedOrRotated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.register(t, "ann")
	other := w.another(t) // what one process revokes, the others refuse at once
	k, text := w.key(t, token.Account.ID)
	p, err := other.Authenticate(t.Context(), text.Reveal())
	require.NoError(t, err)
	require.Equal(t, Principal{Kind: KindKey, AccountID: token.Account.ID, KeyID: k.ID}, p)

	rotated, fresh, err := w.RotateKey(t.Context(), token.Account.ID, k.ID)
	require.NoError(t, err)
	require.Equal(t, k.ID, rotated.ID)
	_, err = other.Authenticate(t.Context(), text.Reveal())
	requireCode(t, problem.Unauthorized, err)
	_, err = other.Authenticate(t.Context(), fresh.Reveal())
	require.NoError(t, err)

	require.NoError(t, w.RevokeKey(t.Context(), token.Account.ID, k.ID))
	_, err = other.Authenticate(t.Context(), fresh.Reveal())
	requireCode(t, problem.Unauthorized, err)
	require.ErrorIs(t, w.RevokeKey(t.Context(), token.Account.ID, k.ID), store.ErrNotFound)
	_, _, err = w.RotateKey(t.Context(), token.Account.ID, k.ID)
	require.ErrorIs(t, err, store.ErrNotFound)
}

func TestAKeyIsStoredAsHashAndSealedAndListedAsHint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.register(t, "ann")
	k, text := w.key(t, token.Account.ID)
	keys, err := w.Keys(t.Context(), token.Account.ID, store.Page{Limit: 10})
	require.NoError(t, err)
	require.Len(t, keys, 1)
	require.Equal(t, k.ID, keys[0].ID)
	require.Equal(t, "sk_live_…"+text.Reveal()[68:], keys[0].Hint)
	for _, stored := range []string{keys[0].Hash, keys[0].Sealed} {
		require.NotContains(t, stored, text.Reveal()[8:40])
	}
}

func TestKeysOfAnotherAccountCannotBeTouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.register(t, "ann"), w.register(t, "bob")
	k, text := w.key(t, ann.Account.ID)
	require.ErrorIs(t, w.RevokeKey(t.Context(), bob.Account.ID, k.ID), store.ErrNotFound)
	_, _, err := w.RotateKey(t.Context(), bob.Account.ID, k.ID)
	require.ErrorIs(t, err, store.ErrNotFound)
	keys, err := w.Keys(t.Context(), bob.Account.ID, store.Page{Limit: 10})
	require.NoError(t, err)
	require.Empty(t, keys)
	_, err = w.Authenticate(t.Context(), text.Reveal())
	require.NoError(t, err)
}

func TestWhatIsNotAKeyIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, text := w.key(t, w.register(t, "ann").Account.ID)
	key := text.Reveal()
	for _, wrong := range []string{
		"sk_live_", "sk_test_" + key[8:], key[:71], key + "0", strings.ToUpper(key), key[:71] + "g", "sk_live_" + strings.Repeat("0", 64), "sk_live_" + key[8:70] + "%'",
	} {
		_, err := w.Authenticate(t.Context(), wrong)
		requireCode(t, problem.Unauthorized, err)
	}
}

func TestARepeatedCreationGivesTheSameKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.register(t, "ann")
	k, text, err := w.CreateKey(t.Context(), token.Account.ID, "key_1", "n8n")
	require.NoError(t, err)
	again, same, err := w.another(t).CreateKey(t.Context(), token.Account.ID, "key_1", "n8n")
	require.NoError(t, err)
	require.Equal(t, text.Reveal(), same.Reveal())
	require.Equal(t, k, again)
}

func TestTheNameAndTheNumberOfKeysAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.register(t, "ann")
	for name, code := range map[string]string{
		" ": problem.RequiredField, "two\nlines": problem.InvalidField, strings.Repeat("ä", 101): problem.InvalidField, "\xff": problem.InvalidField,
	} {
		_, _, err := w.CreateKey(t.Context(), token.Account.ID, "key_1", name)
		require.Equal(t, "name", requireCode(t, code, err).Field)
	}
	for range maxKeys {
		w.key(t, token.Account.ID)
	}
	_, _, err := w.CreateKey(t.Context(), token.Account.ID, "key_1", "one more")
	requireCode(t, problem.TooMany, err)
}

func TestTheLastUseIsStoredOnceAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.register(t, "ann")
	k, text := w.key(t, token.Account.ID)
	lastUse := func(text secret.String) time.Time {
		_, err := w.Authenticate(t.Context(), text.Reveal())
		require.NoError(t, err)
		w.Close() // waits until it is stored
		stored, err := w.options.Store.APIKey(t.Context(), token.Account.ID, k.ID)
		require.NoError(t, err)
		return stored.LastUsedAt
	}
	begin := w.clock()
	require.Equal(t, begin, lastUse(text))
	w.pass(59 * time.Second)
	require.Equal(t, begin, lastUse(text))
	w.pass(time.Second)
	require.Equal(t, begin.Add(time.Minute), lastUse(text))
}

func TestAnOutageOfTheDatabaseIsNotAWrongKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.register(t, "ann")
	_, text := w.key(t, token.Account.ID)
	require.NoError(t, w.options.Store.Close())
	for _, credential := range []secret.String{text, token.Text} {
		_, err := w.Authenticate(t.Context(), credential.Reveal())
		requireCode(t, problem.ServiceUnavailable, err)
	}
}
