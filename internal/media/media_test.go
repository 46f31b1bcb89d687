package media_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/media"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

func TestAFileIsFetchedStoredAndHandedOut(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	m, token := f.add(t, f.sandbox, connectors.MediaRef{ContentType: "text/html", FileName: "cat.png"})
	require.True(t, id.Valid("med", m.ID))
	require.GreaterOrEqual(t, len(token), 43)
	require.NotContains(t, m.Source, "secret-path")
	require.NotContains(t, m.TokenHash, token)
	require.Equal(t, 1, f.fetchDue(t))
	row := f.row(t, m)
	require.Equal(t, store.MediaStored, row.Status)
	require.Equal(t, "image/png", row.ContentType, "what the bytes show, not what the provider says")
	require.Equal(t, png, f.read(t, token))
	require.Equal(t, []string{m.ID}, f.files(t))
	require.Zero(t, f.fetchDue(t))
	require.EqualValues(t, 1, f.calls.Load())
}

func TestAFileThatWantsCredentialsIsFetchedThroughItsChannel(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.provide(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer let-me-in" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, "a text")
	})
	_, token := f.add(t, f.private, connectors.MediaRef{})
	require.Equal(t, "a text", f.read(t, token))
	open, openToken := f.add(t, f.sandbox, connectors.MediaRef{})
	f.fetchDue(t)
	require.Equal(t, store.MediaRemote, f.row(t, open).Status)
	_, err := f.Open(t.Context(), openToken)
	require.Contains(t, problemOf(t, err, problem.MediaUnavailable).Message, "credentials")
	require.NotContains(t, f.logs.String(), "secret-path")
	require.NotContains(t, f.logs.String(), "let-me-in")
	require.NotContains(t, f.logs.String(), openToken)
}

func TestATryThatFailsIsRepeatedOnItsScheduleAndThenGivenUp(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.provide(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	m, token := f.add(t, f.sandbox, connectors.MediaRef{})
	for i, wait := range []time.Duration{10 * time.Second, time.Minute, 10 * time.Minute, time.Hour} {
		require.Equal(t, 1, f.fetchDue(t), i)
		row := f.row(t, m)
		require.Equal(t, store.MediaRemote, row.Status)
		require.NotEmpty(t, row.Reason)
		_, err := f.Open(t.Context(), token)
		require.Equal(t, wait, problemOf(t, err, problem.MediaUnavailable).RetryAfter)
		f.advance(wait - time.Second)
		require.Zero(t, f.fetchDue(t), i)
		f.advance(time.Second)
	}
	require.Equal(t, 1, f.fetchDue(t))
	require.Equal(t, store.MediaFailed, f.row(t, m).Status)
	_, err := f.Open(t.Context(), token)
	require.Zero(t, problemOf(t, err, problem.MediaUnavailable).RetryAfter)
	f.advance(100 * time.Hour)
	require.Zero(t, f.fetchDue(t))
	require.EqualValues(t, 5, f.calls.Load())
	require.Empty(t, f.files(t))
}

func TestAProviderThatComesBackIsReadAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.provide(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	m, token := f.add(t, f.sandbox, connectors.MediaRef{})
	f.fetchDue(t)
	f.provide(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, png) })
	f.advance(10 * time.Second)
	require.Equal(t, png, f.read(t, token))
	row := f.row(t, m)
	require.Empty(t, row.Reason)
	require.EqualValues(t, 2, row.Tries)
}

func TestBodiesThatAreTooLargeOrCutLeaveNothing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		provider http.HandlerFunc
		status   store.MediaStatus
		reason   string
	}{
		"a file one byte too large is given up": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, strings.Repeat("x", maxBytes+1))
		}, store.MediaFailed, "larger"},
		"an endless file is given up": {func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := fmt.Fprint(w, strings.Repeat("x", 4096)); err != nil {
					return
				}
			}
		}, store.MediaFailed, "larger"},
		"a file cut in its middle is tried again": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, "half")
		}, store.MediaRemote, "completely"},
		"a line cut in a chunk is tried again": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, store.MediaRemote, "completely"},
		"a redirect in circles is tried again": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/again", http.StatusFound)
		}, store.MediaRemote, "redirects"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.provide(test.provider)
			m, token := f.add(t, f.sandbox, connectors.MediaRef{})
			f.fetchDue(t)
			row := f.row(t, m)
			require.Equal(t, test.status, row.Status)
			require.Contains(t, row.Reason, test.reason)
			_, err := f.Open(t.Context(), token)
			require.Contains(t, problemOf(t, err, problem.MediaUnavailable).Message, test.reason)
			require.Empty(t, f.files(t))
		})
	}
}

func TestAFileOfExactlyTheBoundIsTaken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.provide(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", maxBytes)) })
	_, token := f.add(t, f.sandbox, connectors.MediaRef{})
	require.Len(t, f.read(t, token), maxBytes)
}

func TestManyWhoAskAtOnceShareOneFetch(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	release := make(chan struct{})
	f.provide(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		fmt.Fprint(w, png)
	})
	_, token := f.add(t, f.sandbox, connectors.MediaRef{})
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			file, err := f.Open(t.Context(), token)
			if err != nil {
				t.Error(err)
				return
			}
			_ = file.Close()
		})
	}
	close(release)
	all.Wait()
	require.EqualValues(t, 1, f.calls.Load())
}

func TestACallerWhoLeavesDoesNotBreakTheFetchOff(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	asked, release := make(chan struct{}), make(chan struct{})
	f.provide(func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-release
		fmt.Fprint(w, png)
	})
	_, token := f.add(t, f.sandbox, connectors.MediaRef{})
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := f.Open(ctx, token)
		left <- err
	}()
	<-asked
	cancel()
	require.Error(t, <-left)
	close(release)
	require.Equal(t, png, f.read(t, token))
	require.EqualValues(t, 1, f.calls.Load())
}

func TestASlowProviderIsAnsweredForAfterTheWait(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	asked, release := make(chan struct{}), make(chan struct{})
	f.provide(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-release
	})
	defer close(release)
	m, token := f.add(t, f.sandbox, connectors.MediaRef{})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := f.Open(ctx, token)
	require.Equal(t, 5*time.Second, problemOf(t, err, problem.MediaUnavailable).RetryAfter)
	<-asked
	f.Close()
	row := f.row(t, m)
	require.Equal(t, store.MediaRemote, row.Status)
	require.False(t, row.DueAt.After(time.UnixMilli(f.now.Load())), "what Close breaks off is due again at once")
	require.Empty(t, f.files(t))
}

func TestTriesAtATimeAreBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	release := make(chan struct{})
	f.provide(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		fmt.Fprint(w, png)
	})
	for range 11 {
		f.add(t, f.sandbox, connectors.MediaRef{})
	}
	first, err := f.FetchDueAny(t.Context())
	require.NoError(t, err)
	require.Equal(t, 8, first)
	second, err := f.FetchDueAny(t.Context())
	require.NoError(t, err)
	require.Zero(t, second)
	close(release)
	f.Wait()
	require.Equal(t, 3, f.fetchDue(t))
	require.Len(t, f.files(t), 11)
}

func TestAFileOfADeletedChannelIsGivenUp(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	m, _ := f.add(t, f.private, connectors.MediaRef{})
	require.NoError(t, f.channels.Delete(t.Context(), "acct_a", f.private))
	f.fetchDue(t)
	require.Equal(t, store.MediaFailed, f.row(t, m).Status)
	require.Zero(t, f.calls.Load())
}

func TestAFileThatDisappearedFromDiskIsFetchedAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	m, token := f.add(t, f.sandbox, connectors.MediaRef{})
	f.fetchDue(t)
	require.NoError(t, os.Remove(filepath.Join(f.dir, m.ID[len(m.ID)-2:], m.ID)))
	require.Equal(t, png, f.read(t, token))
	require.EqualValues(t, 2, f.calls.Load())
}

func TestADiskThatFailsIsNoLoss(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	m, token := f.add(t, f.sandbox, connectors.MediaRef{})
	folder := filepath.Join(f.dir, m.ID[len(m.ID)-2:])
	require.NoError(t, os.WriteFile(folder, nil, 0o600), "a file where the folder should be")
	f.fetchDue(t)
	require.Contains(t, f.row(t, m).Reason, "stored")
	require.Equal(t, []string{filepath.Base(folder)}, f.files(t))
	require.NoError(t, os.Remove(folder))
	f.advance(10 * time.Second)
	require.Equal(t, png, f.read(t, token))
}

func TestATokenOfNothingIsNotFound(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, token := range []string{"", "x", "../../etc/passwd", strings.Repeat("A", 43)} {
		_, err := f.Open(t.Context(), token)
		problemOf(t, err, problem.NotFound)
	}
}

func TestAnIdThatIsNoneOfOursNeverBecomesAPath(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	m, _, err := f.Reserve("acct_a", f.sandbox, connectors.MediaRef{URL: f.provider.URL})
	require.NoError(t, err)
	m.ID, m.Status = "../../../../etc/passwd", store.MediaStored
	require.NoError(t, f.store.InsertEventGroupAny(t.Context(), store.EventGroup{Media: []*store.Media{m}}, time.Now()))
	f.advance(time.Hour)
	_, err = f.PurgeAny(t.Context(), time.UnixMilli(f.now.Load()), 10)
	require.ErrorContains(t, err, "malformed")
}

func TestPurgingDeletesOldFilesRowsAndLeftovers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, oldToken := f.add(t, f.sandbox, connectors.MediaRef{})
	f.add(t, f.sandbox, connectors.MediaRef{})
	f.fetchDue(t)
	never, _ := f.add(t, f.sandbox, connectors.MediaRef{}) // never fetched: it has no file
	f.advance(time.Hour)
	fresh, freshToken := f.add(t, f.sandbox, connectors.MediaRef{})
	require.Equal(t, png, f.read(t, freshToken))
	for name, age := range map[string]time.Duration{"fetch-dead": 2 * time.Hour, "fetch-living": time.Minute} {
		path := filepath.Join(f.dir, name)
		require.NoError(t, os.WriteFile(path, []byte("half"), 0o600))
		at := time.UnixMilli(f.now.Load()).Add(-age)
		require.NoError(t, os.Chtimes(path, at, at))
	}
	before := never.CreatedAt.Add(time.Minute)
	for _, want := range []int{2, 1, 0} {
		n, err := f.PurgeAny(t.Context(), before, 2)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	require.ElementsMatch(t, []string{fresh.ID, "fetch-living"}, f.files(t))
	_, err := f.Open(t.Context(), oldToken)
	problemOf(t, err, problem.NotFound)
	require.Equal(t, png, f.read(t, freshToken))
}

func TestWhatAProviderTellsIsBoundedAndStorable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	m, _, err := f.Reserve("acct_a", f.sandbox, connectors.MediaRef{URL: "https://x.example", FileName: strings.Repeat("ä", 1000), ContentType: "a\x00b\xff"})
	require.NoError(t, err)
	require.LessOrEqual(t, len(m.FileName), 500)
	require.Equal(t, "ab", m.ContentType)
}

func TestAMissingPartIsNamed(t *testing.T) {
	t.Parallel()
	_, err := media.New(media.Options{Now: time.Now})
	require.ErrorContains(t, err, "Options.")
}
