package store

import (
	"log/slog"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

// eachEngine runs a test on an empty database of each engine, both in parallel.
func eachEngine(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			options := Options{DataDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}
			if engine == "postgres" {
				options.URL = testenv.Postgres(t)
			}
			s, err := Open(t.Context(), options)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			require.NoError(t, s.Migrate(t.Context()))
			require.Equal(t, engine, s.Engine())
			test(t, s)
		})
	}
}
