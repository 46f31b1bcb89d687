package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWorkersLongDeadAreForgotten(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		known := func() []string {
			ids, err := queryStrings(t.Context(), s.reader(t.Context()), `SELECT id FROM workers ORDER BY id`)
			require.NoError(t, err)
			return ids
		}
		require.NoError(t, s.BeatAny(t.Context(), "a", noon))
		require.NoError(t, s.BeatAny(t.Context(), "b", noon.Add(30*time.Minute)))
		require.Equal(t, []string{"a", "b"}, known())
		require.NoError(t, s.BeatAny(t.Context(), "b", noon.Add(time.Hour+time.Millisecond)))
		require.Equal(t, []string{"b"}, known())
		require.NoError(t, s.BeatAny(t.Context(), "c", noon.Add(time.Hour)))
		require.NoError(t, s.RemoveWorkerAny(t.Context(), "b"))
		require.Equal(t, []string{"c"}, known())
		require.NoError(t, s.RemoveWorkersAny(t.Context()))
		require.Empty(t, known())
	})
}
