package queue_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/problem"
)

func TestAPostMovesToAFreePlaceOfAnotherSlot(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.make(t, 2, "09:00")
		f.addAll(t, "a", "b", "c")
		move := func(postID string, day int, clock string) error {
			at, err := time.Parse("2006-01-02 15:04", "2026-07-01 "+clock)
			require.NoError(t, err)
			return f.Move(t.Context(), "acct_a", "que_1", postID, at.AddDate(0, 0, day-1))
		}
		require.NoError(t, move("a", 1, "09:00"))
		require.Equal(t, []string{"30 09:00 b", "01 09:00 c a", "02 09:00"}, f.waiting(t, 3), "b keeps its place")
		require.Equal(t, map[string]int{"a": 2}, f.told(t))
		require.NoError(t, move("a", 1, "09:00"), "it is there")
		problemOf(t, move("b", 1, "09:00"), problem.Conflict)
		require.Equal(t, []string{"slotAt"}, fields(problemOf(t, move("b", 1, "10:00"), problem.InvalidField)))
		require.Equal(t, []string{"slotAt"}, fields(problemOf(t, move("b", -10, "09:00"), problem.InvalidField)))
		require.Equal(t, []string{"slotAt"}, fields(problemOf(t, move("b", 900, "09:00"), problem.InvalidField)))
		problemOf(t, move("nobody", 3, "09:00"), problem.Conflict)
		require.NoError(t, move("a", 0, "09:00"), "back")
		f.at(30, "09:01")
		_, err := f.store.ClaimTargetsAny(t.Context(), "wrk_1", f.now, 1)
		require.NoError(t, err)
		problemOf(t, move("a", 3, "09:00"), problem.Conflict)
	})
}
