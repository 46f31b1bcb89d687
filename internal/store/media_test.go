package store

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func someMedia(id string, due time.Time) *Media {
	return &Media{
		ID: id, AccountID: "acct_a", ChannelID: "chan_a", TokenHash: "hash of " + id, Source: "sealed", ContentType: "image/png",
		FileName: "a.png", Status: MediaRemote, DueAt: due, CreatedAt: testTime(),
	}
}

func TestMediaIsFoundByItsTokenAndKeepsItsFate(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		m := someMedia("med_1", testTime())
		require.NoError(t, s.InsertMedia(ctx, []*Media{m, someMedia("med_2", testTime()), someMedia("med_3", testTime())}))
		require.ErrorIs(t, s.InsertMedia(ctx, []*Media{m}), ErrExists)
		got, err := s.MediaByTokenAny(ctx, "hash of med_1")
		require.NoError(t, err)
		require.Equal(t, m, got)
		_, err = s.MediaByTokenAny(ctx, "another")
		require.ErrorIs(t, err, ErrNotFound)

		require.NoError(t, s.MediaStoredAny(ctx, "med_1", "image/gif", 42))
		require.NoError(t, s.MediaMissedAny(ctx, "med_1", MediaFailed, "Too late.", testTime()))
		got, err = s.MediaByTokenAny(ctx, "hash of med_1")
		require.NoError(t, err)
		require.Equal(t, MediaStored, got.Status)
		require.Equal(t, "image/gif", got.ContentType)
		require.EqualValues(t, 42, got.Size)
		require.Empty(t, got.Reason)
		require.ErrorIs(t, s.MediaStoredAny(ctx, "med_9", "", 0), ErrNotFound)

		require.NoError(t, s.MediaLostAny(ctx, "med_1", testTime()))
		again, err := s.ClaimOneMediaAny(ctx, "med_1", testTime(), testTime().Add(time.Minute))
		require.NoError(t, err)
		require.EqualValues(t, 1, again.Tries)
		_, err = s.ClaimOneMediaAny(ctx, "med_1", testTime(), testTime().Add(time.Minute))
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestMediaIsClaimedOnceWhenDueAndAgainAfterItsClaimantDied(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		var rows []*Media
		for i := range 20 {
			rows = append(rows, someMedia("med_"+strconv.Itoa(i), testTime()))
		}
		rows = append(rows, someMedia("med_later", testTime().Add(time.Hour)))
		require.NoError(t, s.InsertMedia(ctx, rows))
		until := testTime().Add(time.Minute)
		var mu sync.Mutex
		var all sync.WaitGroup
		seen := map[string]int{}
		for range 4 {
			all.Go(func() {
				for range 10 {
					claimed, err := s.ClaimMediaAny(ctx, testTime(), until, 3)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					for _, m := range claimed {
						seen[m.ID]++
					}
					mu.Unlock()
				}
			})
		}
		all.Wait()
		require.Len(t, seen, 20)
		for id, times := range seen {
			require.Equal(t, 1, times, id)
		}
		claimed, err := s.ClaimMediaAny(ctx, until, until.Add(time.Minute), 100)
		require.NoError(t, err)
		require.Len(t, claimed, 20)
		require.EqualValues(t, 2, claimed[0].Tries)
	})
}

func TestOldMediaIsListedAndDeleted(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		fresh := someMedia("med_fresh", testTime())
		fresh.CreatedAt = testTime().Add(time.Hour)
		require.NoError(t, s.InsertMedia(ctx, []*Media{someMedia("med_1", testTime()), someMedia("med_2", testTime()), fresh}))
		old, err := s.OldMediaAny(ctx, testTime().Add(time.Minute), 1)
		require.NoError(t, err)
		require.Len(t, old, 1)
		require.NoError(t, s.DeleteMediaAny(ctx, []string{"med_1", "med_2"}))
		old, err = s.OldMediaAny(ctx, testTime().Add(time.Minute), 10)
		require.NoError(t, err)
		require.Empty(t, old)
		_, err = s.MediaByTokenAny(ctx, "hash of med_fresh")
		require.NoError(t, err)
	})
}
