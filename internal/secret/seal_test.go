package secret_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/secret"
)

const (
	oldKey = secret.String("old key, 32 bytes or more of text")
	newKey = secret.String("new key, 32 bytes or more of text")
)

func sealer(t testing.TB, keys ...secret.String) *secret.Sealer {
	t.Helper()
	made, err := secret.NewSealer(keys...)
	require.NoError(t, err)
	return made
}

func TestWhatWasSealedOpensOnlyInItsPlace(t *testing.T) {
	t.Parallel()
	s := sealer(t, oldKey)
	record, err := s.Seal([]byte("credentials"), "channels/config/chan_1")
	require.NoError(t, err)
	require.NotContains(t, record, "credentials")

	plain, err := s.Open(record, "channels/config/chan_1")
	require.NoError(t, err)
	require.Equal(t, "credentials", string(plain))

	_, err = s.Open(record, "channels/config/chan_2")
	require.ErrorIs(t, err, secret.ErrUnsealable)
	_, err = sealer(t, newKey).Open(record, "channels/config/chan_1")
	require.ErrorIs(t, err, secret.ErrUnsealable)
	_, err = s.Seal([]byte("x"), "")
	require.ErrorContains(t, err, "AAD")
}

func TestTheSameTextIsNeverSealedTheSameWay(t *testing.T) {
	t.Parallel()
	s := sealer(t, oldKey)
	seen := map[string]bool{}
	for range 1000 {
		record, err := s.Seal([]byte("same"), "row")
		require.NoError(t, err)
		seen[record] = true
	}
	require.Len(t, seen, 1000)
}

func TestARecordAlteredByOneByteDoesNotOpen(t *testing.T) {
	t.Parallel()
	s := sealer(t, oldKey)
	record, err := s.Seal([]byte("credentials"), "row")
	require.NoError(t, err)
	for i := range record {
		altered := []byte(record)
		altered[i] ^= 1
		_, err := s.Open(string(altered), "row")
		require.ErrorIs(t, err, secret.ErrUnsealable, "byte %d", i)
	}
	for _, bad := range []string{"", ".", "..", "v1", "v1.", record[:len(record)-1], record + "A", "v2" + record[2:]} {
		_, err := s.Open(bad, "row")
		require.ErrorIs(t, err, secret.ErrUnsealable, bad)
	}
}

func TestWhileRotatingBothKeysOpenAndTheFirstSeals(t *testing.T) {
	t.Parallel()
	before, err := sealer(t, oldKey).Seal([]byte("x"), "row")
	require.NoError(t, err)
	both := sealer(t, newKey, oldKey)
	plain, err := both.Open(before, "row")
	require.NoError(t, err)
	require.Equal(t, "x", string(plain))
	require.True(t, both.NeedsReseal(before))

	after, err := both.Seal(plain, "row")
	require.NoError(t, err)
	require.False(t, both.NeedsReseal(after))
	_, err = sealer(t, newKey).Open(after, "row")
	require.NoError(t, err)
	_, err = sealer(t, oldKey).Open(after, "row")
	require.ErrorIs(t, err, secret.ErrUnsealable)
}

func TestTheCheckRecordTellsAWrongKey(t *testing.T) {
	t.Parallel()
	record, err := sealer(t, oldKey).Check()
	require.NoError(t, err)
	require.NoError(t, sealer(t, oldKey).CheckKey(record))
	require.NoError(t, sealer(t, newKey, oldKey).CheckKey(record))
	require.ErrorIs(t, sealer(t, newKey).CheckKey(record), secret.ErrUnsealable)
	require.ErrorIs(t, sealer(t, oldKey).CheckKey(""), secret.ErrUnsealable)
}

func TestDerivedKeysBelongToTheirPurposeAndTheFirstKey(t *testing.T) {
	t.Parallel()
	require.Len(t, sealer(t, oldKey).Derive("jwt"), 32)
	require.Equal(t, sealer(t, oldKey).Derive("jwt"), sealer(t, oldKey, newKey).Derive("jwt"))
	require.NotEqual(t, sealer(t, oldKey).Derive("jwt"), sealer(t, oldKey).Derive("media"))
	require.NotEqual(t, sealer(t, oldKey).Derive("jwt"), sealer(t, newKey).Derive("jwt"))
}

func TestASealerNeedsOneOrTwoLongKeys(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]secret.String{{}, {"short"}, {oldKey, ""}, {oldKey, newKey, oldKey}} {
		_, err := secret.NewSealer(keys...)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "short")
	}
}

func TestTheKeyFileIsMadeOnceForAllProcessesWithMode0600(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data", "secret.key")
	keys := make([]secret.String, 8)
	errs := make([]error, len(keys))
	var group sync.WaitGroup
	for i := range keys {
		group.Go(func() { keys[i], errs[i] = secret.LoadOrCreateKey(path) })
	}
	group.Wait()
	for i := range keys {
		require.NoError(t, errs[i])
		require.Equal(t, keys[0].Reveal(), keys[i].Reveal())
	}
	require.Len(t, keys[0].Reveal(), 64)
	sealer(t, keys[0])

	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1, "temporary files are removed")
}

func TestADamagedKeyFileIsRefusedAndKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret.key")
	require.NoError(t, os.WriteFile(path, []byte("cut off\n"), 0o600))
	_, err := secret.LoadOrCreateKey(path)
	require.ErrorContains(t, err, "backup")
	require.NotContains(t, err.Error(), "cut off")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "cut off\n", string(text))
}

func TestAFolderThatCannotBeMadeIsAnError(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := secret.LoadOrCreateKey(filepath.Join(file, "secret.key"))
	require.ErrorContains(t, err, "secret key")
}

// storedRecord was sealed by an earlier run: what is in databases must open with later versions.
const storedRecord = "v1.362c1141abb8.njlUYRN0ELe2lBrv6j7N5KVkt5H50xeQl0jfiEQ"

func TestARecordThatWasStoredEarlierStillOpens(t *testing.T) {
	t.Parallel()
	plain, err := sealer(t, oldKey).Open(storedRecord, "row")
	require.NoError(t, err)
	require.Equal(t, "x", string(plain))
}

func FuzzOpenTakesNothingButTheRecord(f *testing.F) {
	s := sealer(f, oldKey)
	f.Add(storedRecord)
	f.Add("v1." + strings.Repeat("A", 12) + ".")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := s.Open(text, "row"); err == nil {
			require.Equal(t, storedRecord, text)
		}
	})
}
