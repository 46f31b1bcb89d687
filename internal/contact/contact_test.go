package contact

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

func eachEngine(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			options := store.Options{DataDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}
			if engine == "postgres" {
				options.URL = testenv.Postgres(t)
			}
			s, err := store.Open(t.Context(), options)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			require.NoError(t, s.Migrate(t.Context()))
			_, err = s.CreateAccount(t.Context(), &store.Account{ID: "acct_a", Name: "a", CreatedAt: time.Now()}, &store.User{
				ID: "usr_a", AccountID: "acct_a", Email: "a@example.com", PasswordHash: "x", Role: "owner", CreatedAt: time.Now(),
			})
			require.NoError(t, err)
			test(t, s)
		})
	}
}

func begin(t *testing.T, s *store.Store, id, text string) {
	t.Helper()
	i, err := NewImport(id, "acct_a", text, time.Now())
	require.NoError(t, err)
	require.NoError(t, s.InsertContactImport(t.Context(), i, text))
	require.ErrorIs(t, s.InsertContactImport(t.Context(), i, text), store.ErrExists)
}

func numbers(from, to int) string {
	var list strings.Builder
	list.WriteString("phone_number\n")
	for i := from; i < to; i++ {
		_, _ = fmt.Fprintf(&list, "1555%07d\n", i)
	}
	return list.String()
}

func TestWhatAnEndedProcessLeftIsTakenUpWhereItStands(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *store.Store) {
		begin(t, s, "imp_1", numbers(0, 350))
		im, err := NewImporter(ImporterOptions{Store: s, Now: time.Now})
		require.NoError(t, err)
		at, err := s.ContactImport(t.Context(), "acct_a", "imp_1")
		require.NoError(t, err)
		require.NoError(t, im.step(t.Context(), at)) // and then the process ends
		require.NoError(t, im.step(t.Context(), at), "a step that was made is not made again")
		half, err := s.ContactImport(t.Context(), "acct_a", "imp_1")
		require.NoError(t, err)
		require.Equal(t, batchSize, half.Done)
		require.Equal(t, batchSize, half.Created)
		require.Equal(t, store.ImportRunning, half.Status)

		ended, cancel := context.WithCancel(t.Context())
		cancel()
		require.Error(t, im.step(ended, half))
		require.NoError(t, im.Work(t.Context()))
		done, err := s.ContactImport(t.Context(), "acct_a", "imp_1")
		require.NoError(t, err)
		require.Equal(t, []any{store.ImportDone, 350, 350, 0, 0}, []any{done.Status, done.Done, done.Created, done.Updated, done.Failed})
		text, err := s.ContactImportText(t.Context(), "acct_a", "imp_1")
		require.NoError(t, err)
		require.Empty(t, text, "the list goes when it is taken over")
		_, err = s.ContactImport(t.Context(), "acct_b", "imp_1")
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestSeveralProcessesShareImportsAndTakeEachLineOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *store.Store) {
		const imports = 3
		for n := range imports {
			begin(t, s, fmt.Sprintf("imp_%d", n), numbers(n*1000, n*1000+450))
		}
		im, err := NewImporter(ImporterOptions{Store: s, Now: time.Now})
		require.NoError(t, err)
		var processes sync.WaitGroup
		failures := make([]error, 3)
		for p := range failures {
			processes.Go(func() { failures[p] = im.Work(t.Context()) })
		}
		processes.Wait()
		require.NoError(t, errors.Join(failures...))
		for n := range imports {
			i, err := s.ContactImport(t.Context(), "acct_a", fmt.Sprintf("imp_%d", n))
			require.NoError(t, err)
			require.Equal(t, []any{store.ImportDone, 450, 450, 0, 0}, []any{i.Status, i.Done, i.Created, i.Updated, i.Failed})
		}
	})
}

func TestImportsThatAreDoneGoWithTime(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *store.Store) {
		begin(t, s, "imp_done", numbers(0, 1))
		im, err := NewImporter(ImporterOptions{Store: s, Now: time.Now})
		require.NoError(t, err)
		require.NoError(t, im.Work(t.Context()))
		begin(t, s, "imp_open", numbers(0, 1))
		n, err := s.PurgeContactImportsAny(t.Context(), time.Now().Add(-time.Hour), 10)
		require.NoError(t, err)
		require.Zero(t, n)
		n, err = s.PurgeContactImportsAny(t.Context(), time.Now().Add(time.Hour), 10)
		require.NoError(t, err)
		require.Equal(t, int64(1), n)
		_, err = s.ContactImport(t.Context(), "acct_a", "imp_open")
		require.NoError(t, err)
	})
}

func TestAnImporterNamesWhatItMisses(t *testing.T) {
	t.Parallel()
	_, err := NewImporter(ImporterOptions{Now: time.Now})
	require.ErrorContains(t, err, "Store")
	_, err = NewImporter(ImporterOptions{Store: &store.Store{}})
	require.ErrorContains(t, err, "Now")
}

func TestExtraFieldsThatWouldGrowTooLongAreRefused(t *testing.T) {
	t.Parallel()
	c := &store.Contact{ExtraFields: `{"old":"` + strings.Repeat("x", 5000) + `"}`}
	before := c.ExtraFields
	cells := map[string]string{"note": strings.Repeat("y", 5000)}
	require.Contains(t, mergeExtra(c, []string{"note"}, cells).Message, "8192 bytes")
	require.Equal(t, before, c.ExtraFields)
	require.NotNil(t, mergeExtra(c, nil, map[string]string{columnExtra: `{"a":"\u0000"}`}))
	require.NotNil(t, mergeExtra(c, nil, map[string]string{columnExtra: `null`}))
}

func TestAGuardedCellComesBackAsItWas(t *testing.T) {
	t.Parallel()
	for _, cell := range []string{"", "a", "=1", "'=1", "''a", "'a", "'", "''", "＝1", "-", "\t=1"} {
		require.Equal(t, cell, unguard(guard(cell)), "%q", cell)
	}
	require.Equal(t, "'tis", unguard("'tis"), "an apostrophe of somebody's own stays")
}

func FuzzReadTable(f *testing.F) {
	for _, seed := range []string{
		"", "phone_number\n15550000001\n", "\ufeffname;phone_number\nA;1\n", "phone_number,name\n1,\"a\nb\"\n", "phone_number,a\n1\n,,\n", "phone_number\n\"", "'=x,phone_number\n", "a\r\nb",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := readTable(text)
		if err != nil {
			var p *problem.Error
			require.ErrorAs(t, err, &p)
			require.Equal(t, problem.InvalidCSV, p.Code)
			return
		}
		last := 1
		for _, l := range got.lines {
			require.Greater(t, l.number, last)
			last = l.number
			c := &store.Contact{ExtraFields: "{}"}
			if len(l.cells) == len(got.columns) {
				cells := map[string]string{}
				for i, cell := range l.cells {
					cells[got.columns[i]] = cell
				}
				merge(c, got.columns, cells)
				require.LessOrEqual(t, len(c.ExtraFields), MaxExtraFields)
			}
			var out strings.Builder
			w := csv.NewWriter(&out)
			c.ID = 1
			require.NoError(t, w.Write(cellsOf(c)))
		}
	})
}
