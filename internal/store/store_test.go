package store

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/testenv"
)

func TestOpenNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), Options{DataDir: t.TempDir()})
	require.ErrorContains(t, err, "Options.Logger")
}

func TestTheDataFolderMayHaveAnyName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"with space", "100%", "a%20b", "q?x=1", "hash#tag", "plus+and&", "quote'\"", "täst-日本", "semi;colon", filepath.Join("deep", "er")} {
		dir := filepath.Join(t.TempDir(), name)
		s, err := Open(t.Context(), Options{DataDir: dir, Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err, name)
		require.NoError(t, s.Migrate(t.Context()), name)
		makeAccount(t, s, "ann")
		_, err = s.Account(t.Context(), "acct_ann")
		require.NoError(t, err, "the read connections open the same file")
		require.NoError(t, s.Close())
		require.FileExists(t, filepath.Join(dir, "switchhook.db"))
		info, err := os.Stat(dir)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	}
}

func TestADataFolderThatCannotBeIsAnError(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := Open(t.Context(), Options{DataDir: filepath.Join(file, "data"), Logger: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "make data folder")
}

func TestNoErrorOfOpenHoldsThePassword(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, address := range []string{
		"postgres://user:s3cret-word@127.0.0.1:1/db",
		"postgres://user:s3cret-word@127.0.0.1:notaport/db",
		"postgres://user:s3cret-word@127.0.0.1:1/db?sslmode=nonsense",
		"postgres://user:s3cret-word%zz@127.0.0.1:1/db",
		"postgres://user:s3cret-word%40x@127.0.0.1:1/db?connect_timeout=x",
		"postgres://user@127.0.0.1:1/db?password=s3cret-word&sslmode=nonsense",
		"host=127.0.0.1 port=x password=s3cret-word",
		"host=127.0.0.1 port=1 user=u password=s3cret-word",
		"postgres://user:s3cret-word@[::1/db",
		"postgres://us er:s3cret-word @127.0.0.1/db",
	} {
		_, err := Open(ctx, Options{URL: address, Logger: slog.New(slog.DiscardHandler)})
		require.Error(t, err, address)
		require.NotContains(t, err.Error(), "s3cret-word", address)
	}
	wrong, err := url.Parse(testenv.Postgres(t))
	require.NoError(t, err)
	wrong.User = url.UserPassword(wrong.User.Username(), "s3cret-word")
	_, err = Open(ctx, Options{URL: wrong.String(), Logger: slog.New(slog.DiscardHandler)})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "s3cret-word")
}

func TestMigratingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		makeAccount(t, s, "ann")
		require.NoError(t, s.Migrate(t.Context()))
		_, err := s.Account(t.Context(), "acct_ann")
		require.NoError(t, err)
	})
}

func TestProcessesThatMigrateAtOnceWaitForEachOther(t *testing.T) {
	t.Parallel()
	databaseURL := testenv.Postgres(t)
	var all sync.WaitGroup
	failures := make([]error, 6)
	for i := range failures {
		all.Go(func() {
			s, err := Open(t.Context(), Options{URL: databaseURL, Logger: slog.New(slog.DiscardHandler)})
			if err == nil {
				err = errors.Join(s.Migrate(t.Context()), s.Ping(t.Context()), s.Close())
			}
			failures[i] = err
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(failures...))
}

func TestATransactionReadsWhatItHasWrittenAndOthersDoNot(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		undo := errors.New("undo")
		err := s.InTransaction(t.Context(), func(ctx context.Context) error {
			_, err := s.InsertEvents(ctx, []*Event{eventNamed("acct_1", "evt_1", "x")})
			require.NoError(t, err)
			_, err = s.Event(ctx, "acct_1", "evt_1")
			require.NoError(t, err, "inside")
			_, err = s.Event(t.Context(), "acct_1", "evt_1")
			require.ErrorIs(t, err, ErrNotFound, "outside")
			require.NoError(t, s.InTransaction(ctx, func(ctx context.Context) error { // joins the outer one
				_, err := s.InsertEvents(ctx, []*Event{eventNamed("acct_1", "evt_2", "y")})
				return err
			}))
			return undo
		})
		require.ErrorIs(t, err, undo)
		for _, id := range []string{"evt_1", "evt_2"} {
			_, err = s.Event(t.Context(), "acct_1", id)
			require.ErrorIs(t, err, ErrNotFound)
		}
	})
}

func TestATransactionWhoseContextEndsLeavesNothingAndFreesItsConnection(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx, cancel := context.WithCancel(t.Context())
		err := s.InTransaction(ctx, func(ctx context.Context) error {
			_, err := s.InsertEvents(ctx, []*Event{eventNamed("acct_1", "evt_1", "x")})
			require.NoError(t, err)
			cancel()
			_, err = s.InsertEvents(ctx, []*Event{eventNamed("acct_1", "evt_2", "y")})
			return err
		})
		require.ErrorIs(t, err, context.Canceled)
		fresh, err := s.InsertEvents(t.Context(), []*Event{eventNamed("acct_1", "evt_3", "x")})
		require.NoError(t, err)
		require.Len(t, fresh, 1)
	})
}

func TestReadsDoNotWaitForALongTransaction(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		makeAccount(t, s, "ann")
		require.NoError(t, s.InTransaction(t.Context(), func(ctx context.Context) error {
			_, err := s.InsertEvents(ctx, []*Event{eventNamed("acct_ann", "evt_1", "x")})
			require.NoError(t, err)
			for i := range 20 { // more than there are read connections
				_, err := s.Account(t.Context(), "acct_ann")
				require.NoError(t, err, i)
			}
			return nil
		}))
	})
}
