package queue_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/queue"
	"github.com/switchhook/switchhook/internal/store"
)

func TestPostsAreAddedAtTheEndOfTheQueue(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.make(t, 2, "12:00", "18:00")
		f.addAll(t, "a", "b", "c", "d", "e")
		require.Equal(t, []string{"29 18:00 a b", "30 12:00 c d", "30 18:00 e", "01 12:00"}, f.waiting(t, 4))
		require.NoError(t, f.store.CancelPost(t.Context(), "acct_a", "b", f.now))
		require.NoError(t, f.store.CancelPost(t.Context(), "acct_a", "c", f.now))
		f.addAll(t, "f", "g")
		require.Equal(t, []string{"29 18:00 a", "30 12:00 d", "30 18:00 e f", "01 12:00 g"}, f.waiting(t, 4), "what was given back stays free")
		require.NoError(t, f.store.CancelPost(t.Context(), "acct_a", "g", f.now))
		f.addAll(t, "h")
		require.Equal(t, "01 12:00 h", f.waiting(t, 4)[3], "the end is where the last post is")
	})
}

func TestASlotThatIsAboutToComeIsNotGivenAway(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.make(t, 1, "12:00", "18:00")
		f.now = f.now.Add(6*time.Hour - 30*time.Second)
		f.addAll(t, "a")
		require.Equal(t, []string{"29 18:00 a"}, f.waiting(t, 1))
		require.NoError(t, f.store.CancelPost(t.Context(), "acct_a", "a", f.now))
		f.now = f.now.Add(time.Second)
		f.addAll(t, "b")
		require.Equal(t, []string{"29 18:00", "30 12:00 b"}, f.waiting(t, 2))
	})
}

func TestPostsAddedAtOnceNeverShareAPlace(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.make(t, 3, "12:00", "18:00")
		const n = 32
		var wait sync.WaitGroup
		for i := range n {
			wait.Go(func() {
				if err := f.add(t.Context(), fmt.Sprintf("p%02d", i)); err != nil {
					t.Errorf("add: %v", err)
				}
			})
		}
		wait.Wait()
		turns, err := f.Preview(t.Context(), "acct_a", "que_1", 20)
		require.NoError(t, err)
		total := 0
		for i, turn := range turns {
			require.Len(t, turn.Posts, min(3, n-total), "slot %d: full until all have a place", i)
			for seat, c := range turn.Posts {
				require.EqualValues(t, seat, c.Seat)
			}
			total += len(turn.Posts)
		}
		require.Equal(t, n, total)
	})
}

func TestAddingReorderingAndReshufflingAtOnceLosesNoPost(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.make(t, 2, "09:00")
		f.addAll(t, "a", "b", "c", "d")
		var wait sync.WaitGroup
		do := func(what string, fn func() error) {
			wait.Go(func() {
				if err := fn(); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			})
		}
		for i := range 8 {
			do("add", func() error { return f.add(t.Context(), fmt.Sprintf("p%d", i)) })
			do("reorder", func() error { return f.Reorder(t.Context(), "acct_a", "que_1", []string{"d", "c", "b", "a"}) })
			do("change", func() error {
				_, err := f.Change(t.Context(), "acct_a", "que_1", queue.Settings{Slots: ptr(daily(fmt.Sprintf("%02d:00", i), "22:00")), Reshuffle: i%2 == 0})
				return err
			})
		}
		wait.Wait()
		_, err := f.Change(t.Context(), "acct_a", "que_1", queue.Settings{Slots: ptr(daily("09:00")), Reshuffle: true})
		require.NoError(t, err)
		turns, err := f.Preview(t.Context(), "acct_a", "que_1", 7)
		require.NoError(t, err)
		for i, turn := range turns {
			require.Len(t, turn.Posts, []int{2, 2, 2, 2, 2, 2, 0}[i])
		}
		f.waiting(t, 7)
	})
}

func TestAQueueThatIsFullForTwoYearsTakesNoMore(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		q, err := f.Create(t.Context(), "acct_a", "que_1", queue.Settings{
			Name: ptr("Weekly"), TimeZone: ptr("UTC"), Slots: &[]queue.Slot{{"mon", "12:00"}}, ChannelIDs: &[]string{"chan_1"},
		})
		require.NoError(t, err)
		f.addAll(t, "a", "b")
		require.NoError(t, f.store.MoveClaims(t.Context(), q, []*store.Claim{{Place: store.Place{At: f.now.AddDate(0, 0, 7*104)}, PostID: "b"}}, "post.scheduled", f.now))
		problemOf(t, f.add(t.Context(), "c"), problem.TooMany)
	})
}

func TestPostsTakeEachOthersPlaces(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.make(t, 2, "09:00")
		f.addAll(t, "a", "b", "c", "d", "e")
		require.Equal(t, []string{"30 09:00 a b", "01 09:00 c d", "02 09:00 e"}, f.waiting(t, 3))
		require.NoError(t, f.Reorder(t.Context(), "acct_a", "que_1", []string{"e", "b", "a"}))
		require.Equal(t, []string{"30 09:00 e b", "01 09:00 c d", "02 09:00 a"}, f.waiting(t, 3), "those that are not named stay")
		require.Equal(t, map[string]int{"a": 2, "e": 2}, f.told(t), "once for each channel of those that moved")
		require.NoError(t, f.Reorder(t.Context(), "acct_a", "que_1", []string{"b", "e"}))
		require.Equal(t, []string{"30 09:00 b e"}, f.waiting(t, 1), "also in one slot")

		p := problemOf(t, f.Reorder(t.Context(), "acct_a", "que_1", []string{"a", "x", "a"}), problem.InvalidField)
		require.Equal(t, []string{"postIds.1", "postIds.2"}, fields(p))
		problemOf(t, f.Reorder(t.Context(), "acct_a", "que_1", nil), problem.InvalidField)
		problemOf(t, f.Reorder(t.Context(), "acct_b", "que_1", []string{"a"}), problem.NotFound)
		f.at(30, "09:01")
		_, err := f.store.ClaimTargetsAny(t.Context(), "wrk_1", f.now, 1)
		require.NoError(t, err)
		problemOf(t, f.Reorder(t.Context(), "acct_a", "que_1", []string{"c", "b", "a"}), problem.Conflict)
		begun, err := f.store.Post(t.Context(), "acct_a", "b")
		require.NoError(t, err)
		require.Equal(t, store.PostPublishing, begun.Status)
		require.NoError(t, f.Reorder(t.Context(), "acct_a", "que_1", []string{"d", "c", "e"}))
		require.Equal(t, []string{"30 09:00 d !", "01 09:00 c e", "02 09:00 a"}, f.waiting(t, 3), "one that was due this moment may give way")
	})
}

func TestAPausedQueueGivesWhatItMissedNewSlots(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.make(t, 1, "09:00")
		f.addAll(t, "a", "b", "c", "d")
		pause := func(status string) {
			_, err := f.Change(t.Context(), "acct_a", "que_1", queue.Settings{Status: &status})
			require.NoError(t, err)
		}
		pause("paused")
		f.at(1, "09:05") // a and b are missed, and b is not late yet
		require.NoError(t, f.Realign(t.Context()))
		begun, err := f.store.ClaimTargetsAny(t.Context(), "wrk_1", f.now, 10)
		require.NoError(t, err)
		require.Empty(t, begun)
		require.Equal(t, []string{"30 09:00 a !", "01 09:00 b !", "02 09:00 c", "03 09:00 d", "04 09:00"}, f.waiting(t, 5))
		pause("active")
		require.Equal(t, []string{"02 09:00 c", "03 09:00 d", "04 09:00 a", "05 09:00 b", "06 09:00"}, f.waiting(t, 5))
		require.Equal(t, map[string]int{"a": 2, "b": 2}, f.told(t))
		pause("active")
		require.Equal(t, []string{"02 09:00 c"}, f.waiting(t, 1))
	})
}

func TestAQueueGoesOnInItsOrderWhereItIsReshuffled(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.make(t, 1, "09:00")
		f.addAll(t, "a", "b", "c", "d")
		_, err := f.Change(t.Context(), "acct_a", "que_1", queue.Settings{Status: ptr("paused")})
		require.NoError(t, err)
		f.at(1, "09:05")
		_, err = f.Change(t.Context(), "acct_a", "que_1", queue.Settings{Status: ptr("active"), Reshuffle: true})
		require.NoError(t, err)
		require.Equal(t, []string{"02 09:00 a", "03 09:00 b", "04 09:00 c", "05 09:00 d"}, f.waiting(t, 4))
	})
}

func TestNewSlotsMoveWhatWaitsOnAnExplicitWordOnly(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.make(t, 1, "09:00")
		f.addAll(t, "a", "b", "c")
		require.NoError(t, f.store.CancelPost(t.Context(), "acct_a", "b", f.now))
		change := queue.Settings{Slots: ptr(daily("10:00")), PostsPerSlot: ptr(2)}
		_, err := f.Change(t.Context(), "acct_a", "que_1", change)
		require.NoError(t, err)
		f.addAll(t, "d")
		require.Equal(t, []string{"30 09:00 a !", "30 10:00", "01 10:00", "02 09:00 c !", "02 10:00 d"}, f.waiting(t, 5))
		require.Empty(t, f.told(t))
		f.at(30, "09:00")
		begun, err := f.store.ClaimTargetsAny(t.Context(), "wrk_1", f.now, 1)
		require.NoError(t, err)
		require.Equal(t, "a", begun[0].PostID)
		_, err = f.Change(t.Context(), "acct_a", "que_1", queue.Settings{Reshuffle: true})
		require.NoError(t, err)
		require.Equal(t, []string{"30 10:00 c d", "01 10:00"}, f.waiting(t, 2))
		require.Equal(t, map[string]int{"c": 2, "d": 2}, f.told(t))
		require.Equal(t, time.Date(2026, 6, 30, 9, 0, 0, 0, time.UTC), f.targets(t, "a")[1].DueAt, "half of it may be public")
	})
}

func TestWhatAServerMissedIsNotPublishedAllAtOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.make(t, 1, "09:00", "09:06", "15:00")
		f.addAll(t, "a", "b", "c", "d", "e", "f", "g") // f and g: the 1st, 09:06 and 15:00
		require.NoError(t, f.store.CancelPost(t.Context(), "acct_a", "e", f.now))
		require.Equal(t, []string{"29 15:00 a", "30 09:00 b", "30 09:06 c", "30 15:00 d", "01 09:00", "01 09:06 f", "01 15:00 g"}, f.waiting(t, 7))
		begun, err := f.store.ClaimTargetsAny(t.Context(), "wrk_1", f.now.Add(3*time.Hour), 1)
		require.NoError(t, err)
		require.Equal(t, "a", begun[0].PostID)
		f.at(30, "09:11") // since the 29th, 15:00, nothing was done
		require.NoError(t, f.Realign(t.Context()))
		require.Equal(t, []string{"30 09:06 c !", "30 15:00 d", "01 09:00 b", "01 09:06 f", "01 15:00 g"}, f.waiting(t, 5),
			"a has begun; b is late and takes the next free place; c is late by less than ten minutes and goes out now")
		require.Equal(t, map[string]int{"b": 2}, f.told(t))
		require.NoError(t, f.Realign(t.Context()))
		f.at(5, "00:00")
		require.NoError(t, f.Realign(t.Context()))
		require.Equal(t, []string{"05 09:00 c", "05 09:06 d", "05 15:00 b", "06 09:00 f", "06 09:06 g"}, f.waiting(t, 5), "in their order")
		require.Equal(t, map[string]int{"b": 2, "c": 2, "d": 2, "f": 2, "g": 2}, f.told(t))
	})
}

func TestRealigningAndPublishingAtOnceLosesNoPost(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.make(t, 10, "09:00")
		for i := range 10 {
			f.addAll(t, fmt.Sprintf("p%d", i))
		}
		f.at(2, "12:00")
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				if err := f.Realign(t.Context()); err != nil {
					t.Errorf("realign: %v", err)
				}
			})
			wait.Go(func() {
				if _, err := f.store.ClaimTargetsAny(t.Context(), "wrk_1", f.now, 1); err != nil {
					t.Errorf("claim: %v", err)
				}
			})
		}
		wait.Wait()
		begun := map[string]bool{}
		for i := range 10 {
			for _, target := range f.targets(t, fmt.Sprintf("p%d", i)) {
				begun[target.PostID] = begun[target.PostID] || target.Status == store.PostPublishing
			}
		}
		require.LessOrEqual(t, len(f.waiting(t, 1)), 1)
		turns, err := f.Preview(t.Context(), "acct_a", "que_1", 1)
		require.NoError(t, err)
		n := 0
		for _, is := range begun {
			if is {
				n++
			}
		}
		require.Len(t, turns[0].Posts, 10-n, "each is begun or waits at the next slot")
		require.True(t, turns[0].Planned)
	})
}
