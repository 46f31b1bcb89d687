package group

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

var errPoison = errors.New("poison")

// disk is where a committer of the tests stores numbers; negative ones are refused with their whole group.
type disk struct {
	mu     sync.Mutex
	stored []int
	calls  [][]int
	gate   chan struct{} // where not nil, the first commit waits for it
}

func (d *disk) commit(_ context.Context, items []int) error {
	d.mu.Lock()
	gate := d.gate
	d.gate = nil
	d.mu.Unlock()
	if gate != nil {
		<-gate
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, slices.Clone(items))
	if slices.Min(items) == -99 {
		panic("cannot stand it")
	}
	if slices.Min(items) < 0 {
		return errPoison
	}
	d.stored = append(d.stored, items...)
	return nil
}

func TestItemsThatWaitTogetherAreCommittedTogetherAndInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &disk{gate: make(chan struct{})}
		gate := d.gate
		c := New(4, 1, d.commit)
		results := make(chan error, 10)
		for i := range 10 {
			go func() { results <- c.Do(t.Context(), i) }()
			synctest.Wait() // so that the next comes after it
		}
		close(gate)
		for range 10 {
			require.NoError(t, <-results)
		}
		c.Close()
		require.Equal(t, [][]int{{0}, {1, 2, 3, 4}, {5, 6, 7, 8}, {9}}, d.calls)
	})
}

func TestSeveralItemsAreCommittedInTheirOrder(t *testing.T) {
	t.Parallel()
	d := &disk{}
	c := New(8, 1, d.commit)
	items := make([]int, 100) // more than can wait at a time
	for i := range items {
		items[i] = i
	}
	require.NoError(t, c.DoAll(t.Context(), items))
	require.NoError(t, c.DoAll(t.Context(), nil))
	require.Equal(t, items, d.stored)
	require.ErrorIs(t, c.DoAll(t.Context(), []int{100, -1, 101}), errPoison)
	c.Close()
	require.Equal(t, []int{100, 101}, d.stored[100:])
	require.ErrorIs(t, c.DoAll(t.Context(), []int{1, 2}), ErrClosed)
}

func TestPoisonedItemsFailAloneAlsoSideBySide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &disk{gate: make(chan struct{})}
		gate := d.gate
		c := New(16, 1, d.commit)
		first := make(chan error, 1)
		go func() { first <- c.Do(t.Context(), 0) }()
		synctest.Wait()
		items := []int{1, -1, -2, -99, -3, 2, -4, 3}
		results := make([]error, len(items))
		var all sync.WaitGroup
		for i, item := range items {
			all.Go(func() { results[i] = c.Do(t.Context(), item) })
			synctest.Wait()
		}
		close(gate)
		all.Wait()
		require.NoError(t, <-first)
		c.Close()
		require.Equal(t, []int{0, 1, 2, 3}, d.stored)
		for i, item := range items {
			switch {
			case item == -99:
				require.ErrorContains(t, results[i], "panic: cannot stand it")
			case item < 0:
				require.ErrorIs(t, results[i], errPoison)
			default:
				require.NoError(t, results[i])
			}
		}
	})
}

func TestADatabaseThatIsDownEndsTheTriesOfAGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		c := New(64, 1, func(context.Context, []int) error {
			calls++
			<-time.After(20 * time.Second) // of the bubble's clock
			return errPoison
		})
		began := time.Now()
		results := make(chan error, 40)
		for range 40 {
			go func() { results <- c.Do(context.Background(), 1) }()
		}
		for range 40 {
			require.ErrorIs(t, <-results, errPoison)
		}
		c.Close()
		require.LessOrEqual(t, calls, 4, "alone, together, and one more by itself")
		require.LessOrEqual(t, time.Since(began), 80*time.Second)
	})
}

func TestDoEndsWithItsContextAlsoWhenThereIsNoRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &disk{gate: make(chan struct{})}
		gate := d.gate
		c := New(1, 1, d.commit)
		ctx, cancel := context.WithCancel(t.Context())
		const calls = 10 // one is being committed, four wait, the others find no room
		results := make(chan error, calls)
		for range calls {
			go func() { results <- c.Do(ctx, 1) }()
		}
		synctest.Wait()
		cancel()
		for range calls {
			require.ErrorIs(t, <-results, context.Canceled)
		}
		close(gate)
		c.Close()
		require.Len(t, d.stored, 5, "what was taken is stored all the same")
	})
}

func TestCloseCommitsWhatWaitsAndRefusesWhatComesLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &disk{gate: make(chan struct{})}
		gate := d.gate
		c := New(2, 1, d.commit)
		results := make(chan error, 20)
		for i := range 20 { // some of them wait for room
			go func() { results <- c.Do(t.Context(), i) }()
		}
		synctest.Wait()
		closed := make(chan struct{})
		go func() {
			c.Close()
			c.Close()
			close(closed)
		}()
		close(gate)
		<-closed
		stored, refused := 0, 0
		for range 20 {
			if err := <-results; err == nil {
				stored++
			} else {
				require.ErrorIs(t, err, ErrClosed)
				refused++
			}
		}
		require.Len(t, d.stored, stored)
		require.Equal(t, 20, stored+refused)
		require.ErrorIs(t, c.Do(t.Context(), 1), ErrClosed)
	})
}

func TestParallelCommittersStoreEachItemOnce(t *testing.T) {
	t.Parallel()
	d := &disk{}
	c := New(8, 4, d.commit)
	var all sync.WaitGroup
	for i := range 500 {
		all.Go(func() { require.NoError(t, c.Do(t.Context(), i)) })
	}
	all.Wait()
	c.Close()
	slices.Sort(d.stored)
	require.Len(t, d.stored, 500)
	require.Equal(t, d.stored, slices.Compact(slices.Clone(d.stored)))
}

func BenchmarkDo(b *testing.B) {
	c := New(256, 1, func(context.Context, []int) error { return nil })
	defer c.Close()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_ = c.Do(context.Background(), 1)
		}
	})
}

func TestItemsThatBelongTogetherAreOneGroupInTheirOrderHoweverManyCommit(t *testing.T) {
	t.Parallel()
	const bundles, size = 200, 5
	var mu sync.Mutex
	var groups [][]int
	c := New(8, 4, func(_ context.Context, items []int) error {
		mu.Lock()
		defer mu.Unlock()
		groups = append(groups, slices.Clone(items))
		return nil
	})
	var all sync.WaitGroup
	for b := range bundles {
		all.Go(func() {
			items := make([]int, size)
			for i := range items {
				items[i] = b*size + i
			}
			require.NoError(t, c.DoAll(t.Context(), items))
		})
	}
	all.Wait()
	c.Close()
	seen := 0
	for _, items := range groups {
		require.LessOrEqual(t, len(items), 8)
		require.Zero(t, len(items)%size, "a part of what belongs together: %v", items)
		for i, item := range items {
			require.Equal(t, i%size, item%size, "out of order: %v", items)
		}
		seen += len(items)
	}
	require.Equal(t, bundles*size, seen)
}

func TestMoreThanAGroupHoldsIsCommittedInSeveral(t *testing.T) {
	t.Parallel()
	var got []int
	c := New(4, 1, func(_ context.Context, items []int) error {
		require.LessOrEqual(t, len(items), 4)
		got = append(got, items...)
		return nil
	})
	require.NoError(t, c.DoAll(t.Context(), []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}))
	c.Close()
	require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, got)
}
