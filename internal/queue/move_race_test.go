package queue_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/problem"
)

func TestOfPostsThatMoveToOnePlaceAtOnceOneGetsIt(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.make(t, 2, "09:00")
		const posts = 10
		for i := range posts {
			f.addAll(t, fmt.Sprintf("post_%d", i))
		}
		at := time.Date(2026, 7, 20, 9, 0, 0, 0, time.UTC) // with two free places, after all that is claimed
		failures := make([]error, posts)
		var all sync.WaitGroup
		for i := range posts {
			all.Go(func() {
				failures[i] = f.Move(t.Context(), "acct_a", "que_1", fmt.Sprintf("post_%d", i), at)
			})
		}
		all.Wait()
		moved := 0
		for i, err := range failures {
			if err == nil {
				moved++
				continue
			}
			problemOf(t, err, problem.Conflict)
			require.NotEmpty(t, f.targets(t, fmt.Sprintf("post_%d", i)))
		}
		require.Equal(t, 2, moved)
		waiting := map[string]bool{}
		turns, err := f.Preview(t.Context(), "acct_a", "que_1", 40)
		require.NoError(t, err)
		for _, turn := range turns {
			require.LessOrEqual(t, len(turn.Posts), 2)
			for i, c := range turn.Posts {
				if turn.At.Equal(at) {
					require.EqualValues(t, i, c.Seat)
				}
				waiting[c.PostID] = true
			}
		}
		require.Len(t, waiting, posts, "each has one place")
		f.waiting(t, 40)
	})
}
