package store

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPlaceholdersNumberRowsOneAfterTheOther(t *testing.T) {
	t.Parallel()
	require.Equal(t, "($1,$2),($3,$4),($5,$6)", placeholders(2, 3))
	require.Equal(t, "($1)", placeholders(1, 1))
}

func TestRowsGoIntoFewStatementsOfFewSizes(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{1: 1, 2: 2, 3: 3, 5: 4, 7: 6, 15: 8, 16: 16, 31: 16, 32: 32, 63: 32, 64: 64, 1000: maxRows} {
		require.Equal(t, want, statementRows(n), n)
	}
}

func TestAListIsFilledUpWithItsLastValue(t *testing.T) {
	t.Parallel()
	list, args := inList(2, []string{"a", "b", "c"})
	require.Equal(t, "$3,$4,$5,$6", list)
	require.Equal(t, []any{"a", "b", "c", "c"}, args)
	list, args = inList(0, []string{"a"})
	require.Equal(t, "$1", list)
	require.Equal(t, []any{"a"}, args)
	list, args = inList(7, nil)
	require.Equal(t, "NULL", list, "nothing is in an empty list")
	require.Empty(t, args)
}

func TestChunksHoldEveryValueOnceAndInOrder(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, maxRows, maxRows + 1, 3*maxRows + 5} {
		values := strings.Split(strings.Repeat("x", n), "")[:n]
		seen := 0
		require.NoError(t, chunks(values, func(some []string) error {
			require.NotEmpty(t, some)
			require.LessOrEqual(t, len(some), maxRows)
			seen += len(some)
			return nil
		}))
		require.Equal(t, n, seen)
	}
	require.ErrorIs(t, chunks([]string{"a"}, func([]string) error { return ErrNotFound }), ErrNotFound)
}
