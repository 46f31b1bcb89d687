package secret_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/secret"
)

func TestAPasswordVerifiesAgainstItsHashAndNoOther(t *testing.T) {
	t.Parallel()
	passwords := secret.NewPasswords(2)
	phc, err := passwords.Hash(t.Context(), "correct horse")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$"), phc)
	require.NoError(t, passwords.Verify(t.Context(), "correct horse", phc))
	require.ErrorIs(t, passwords.Verify(t.Context(), "correct horsf", phc), secret.ErrPassword)
	require.ErrorIs(t, passwords.Verify(t.Context(), "", phc), secret.ErrPassword)

	again, err := passwords.Hash(t.Context(), "correct horse")
	require.NoError(t, err)
	require.NotEqual(t, phc, again, "the salt is fresh")
}

func TestAnUnknownUserHasNoPassword(t *testing.T) {
	t.Parallel()
	require.ErrorIs(t, secret.NewPasswords(1).Verify(t.Context(), "anything", ""), secret.ErrPassword)
}

func TestAHashThatWasStoredEarlierStillVerifies(t *testing.T) {
	t.Parallel()
	const stored = "$argon2id$v=19$m=19456,t=2,p=1$hCMxwwMwOjZ3vSjhQZ/3eg$1bCcaIaz0AHqqOxIWigm0dUiRYI+zG/XMKLOVa1TKgU"
	require.NoError(t, secret.NewPasswords(1).Verify(t.Context(), "correct horse", stored))
}

func TestHashesOfOtherParametersAreRefusedBeforeAnyWork(t *testing.T) {
	t.Parallel()
	passwords := secret.NewPasswords(1)
	phc, err := passwords.Hash(t.Context(), "x")
	require.NoError(t, err)
	for name, bad := range map[string]string{
		"bcrypt":             "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"argon2i":            strings.Replace(phc, "argon2id", "argon2i", 1),
		"another version":    strings.Replace(phc, "v=19", "v=16", 1),
		"huge memory":        strings.Replace(phc, "m=19456", "m=4194304", 1),
		"many passes":        strings.Replace(phc, "t=2", "t=100000", 1),
		"no threads":         strings.Replace(phc, "p=1", "p=0", 1),
		"words after":        strings.Replace(phc, "p=1", "p=1,x=2", 1),
		"no hash":            phc[:strings.LastIndex(phc, "$")+1],
		"one part too many":  phc + "$",
		"not base64":         phc[:len(phc)-1] + "*",
		"text":               "password",
		"empty parts":        "$$$$$",
		"overflowing memory": strings.Replace(phc, "m=19456", "m=99999999999999999999", 1),
	} {
		require.ErrorIs(t, passwords.Verify(t.Context(), "x", bad), secret.ErrPasswordHash, name)
	}
}

func TestWhoseContextHasEndedGetsNoTurn(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := secret.NewPasswords(1).Hash(ctx, "x")
	require.ErrorIs(t, err, context.Canceled)
}

func TestLoginsBeyondTheBoundWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	passwords := secret.NewPasswords(1)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if err := passwords.Verify(t.Context(), "x", ""); !errors.Is(err, secret.ErrPassword) {
				t.Errorf("got %v", err)
			}
		})
	}
	group.Wait()
}

func FuzzVerifyRefusesForeignHashes(f *testing.F) {
	passwords := secret.NewPasswords(1)
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQxMjM0$MTIzNDU2Nzg5MDEyMzQ1Ng")
	f.Add("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$$$$$")
	f.Fuzz(func(t *testing.T, phc string) {
		require.Error(t, passwords.Verify(t.Context(), "a password that no fuzzer hashes", phc))
	})
}

func BenchmarkHash(b *testing.B) {
	passwords := secret.NewPasswords(1)
	for b.Loop() {
		_, err := passwords.Hash(b.Context(), "correct horse")
		require.NoError(b, err)
	}
}
