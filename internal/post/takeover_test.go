package post_test

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/post"
	"github.com/switchhook/switchhook/internal/store"
)

func TestAChannelThatCannotLookPostsUpSaysAtOnceThatTheOutcomeIsUnknown(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.network.unable = true
		f.network.moods = []mood{{took: true, err: connectors.Unconfirmed(errors.New("timeout"))}}
		p := f.create(t, f.draft("Hello", f.channel(t, "wall", "a")))
		f.work(t)
		for range 3 {
			f.clock.advance(time.Hour)
			require.NoError(t, f.LookUp(t.Context()))
		}
		require.Equal(t, store.PostUnconfirmed, f.get(t, p.ID).Status)
		require.Equal(t, 1, f.network.looks)
		require.Len(t, f.told(t, event.PostFailed), 1)
	})
}

// A computer that slept finds its own beat late. It must not take its own work for that of a dead process and do it beside itself.
func TestAProcessWhoseBeatIsLateKeepsWhatItIsPublishing(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		p := f.create(t, f.draft("Hello", f.channel(t, "blind", "a")))
		claimed, err := f.store.ClaimTargetsAny(t.Context(), worker, f.clock.now(), 1)
		require.NoError(t, err)
		require.Len(t, claimed, 1)
		f.clock.advance(time.Hour)
		require.NoError(t, f.SettleLost(t.Context()))
		require.Equal(t, store.PostPublishing, f.get(t, p.ID).Status)
		require.NoError(t, f.store.BeginTargetAny(t.Context(), worker, claimed[0], f.clock.now()))
	})
}

func TestAClaimThatWasTakenAwayBeginsNothingAlsoWhereTheSameProcessHasAnother(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		other := f.process(t, "wrk_2")
		f.create(t, f.draft("Hello", f.channel(t, "blind", "a")))
		first, err := f.store.ClaimTargetsAny(t.Context(), worker, f.clock.now(), 1)
		require.NoError(t, err)
		require.Len(t, first, 1)
		f.clock.advance(time.Minute)
		require.NoError(t, f.store.BeatAny(t.Context(), "wrk_2", f.clock.now()))
		require.NoError(t, other.SettleLost(t.Context()))
		second, err := f.store.ClaimTargetsAny(t.Context(), worker, f.clock.now(), 1)
		require.NoError(t, err)
		require.Len(t, second, 1)
		require.ErrorIs(t, f.store.BeginTargetAny(t.Context(), worker, first[0], f.clock.now()), store.ErrOutdated)
		require.ErrorIs(t, f.store.ProgressTargetAny(t.Context(), worker, first[0], f.clock.now()), store.ErrOutdated)
		require.ErrorIs(t, f.store.FinishTargetAny(t.Context(), first[0], store.PostPublishing, worker, f.clock.now()), store.ErrOutdated)
		require.NoError(t, f.store.BeginTargetAny(t.Context(), worker, second[0], f.clock.now()))
	})
}

func TestAnOutcomeIsBelievedThoughItsProcessWasTakenForDead(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		other := f.process(t, "wrk_2")
		f.network.moods = []mood{{took: true, then: func() {
			f.clock.advance(time.Minute)
			require.NoError(t, f.store.BeatAny(t.Context(), "wrk_2", f.clock.now()))
			require.NoError(t, other.SettleLost(t.Context()))
		}}}
		p := f.create(t, f.draft("Hello", f.channel(t, "blind", "a")))
		require.NoError(t, f.PublishDue(t.Context()))
		require.Eventually(t, func() bool {
			now, err := f.Get(t.Context(), tenant, p.ID)
			return err == nil && now.Status == store.PostPublished
		}, time.Minute, 10*time.Millisecond)
		require.NoError(t, f.Close(t.Context()), "until it is told")
		p = f.get(t, p.ID)
		require.Equal(t, "https://network.example/1", p.Targets[0].URL)
		require.Len(t, f.told(t, event.PostPublished), 1)
		require.Len(t, f.network.public(), 1)
	})
}

func TestTheStatusOfAPostFollowsChannelsThatEndAtTheSameMoment(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		var channels []string
		for i := range 4 {
			channels = append(channels, f.channel(t, "blind", strconv.Itoa(i)))
		}
		for range 10 {
			p := f.create(t, f.draft("Hello", channels...))
			claimed, err := f.store.ClaimTargetsAny(t.Context(), worker, f.clock.now(), len(channels))
			require.NoError(t, err)
			require.Len(t, claimed, len(channels))
			failures := make([]error, len(claimed))
			var wait sync.WaitGroup
			for i, target := range claimed {
				target.Status = store.PostPublished
				wait.Go(func() {
					failures[i] = f.store.FinishTargetAny(t.Context(), target, store.PostPublishing, worker, f.clock.now())
				})
			}
			wait.Wait()
			for _, err := range failures {
				require.NoError(t, err)
			}
			require.Equal(t, store.PostPublished, f.get(t, p.ID).Status)
		}
	})
}

// failing tells when something could not be recorded.
type failing struct {
	slog.Handler
	told func()
}

func (h failing) Enabled(context.Context, slog.Level) bool { return true }
func (h failing) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "post.record_failed" {
		h.told()
	}
	return nil
}

// While an outcome is not stored, the channel's next post waits. So it must be stored when the database is back, and not when the process ends.
func TestAnOutcomeIsStoredWhenTheDatabaseIsBack(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		change := func(statement string) {
			_, err := f.store.Database().Exec(t.Context(), statement)
			require.NoError(t, err)
		}
		f.network.moods = []mood{{took: true, then: func() { change(`ALTER TABLE targets RENAME TO away`) }}}
		back := sync.OnceFunc(func() { change(`ALTER TABLE away RENAME TO targets`) })
		s, err := post.New(post.Options{
			Store: f.store, IDs: f.ids, Channels: f.channels, Media: disk{}, Slots: noQueues{}, Publisher: f.events, Now: f.clock.now, WorkerID: worker,
			Logger: slog.New(failing{slog.DiscardHandler, back}),
		})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) })
		a := f.channel(t, "blind", "a")
		p, next := f.create(t, f.draft("one", a)), f.create(t, f.draft("two", a))
		require.NoError(t, s.PublishDue(t.Context()))
		require.Eventually(t, func() bool {
			found, err := s.Get(t.Context(), tenant, p.ID)
			return err == nil && found.Status == store.PostPublished
		}, time.Minute, 10*time.Millisecond)
		f.workOf(t, s)
		require.Equal(t, store.PostPublished, f.get(t, next.ID).Status)
		require.Equal(t, []string{"one", "two"}, f.network.public())
	})
}
