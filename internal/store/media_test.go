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

func upload(id string, created time.Time) *Media {
	return &Media{ID: id, AccountID: "acct_a", TokenHash: "hash of " + id, ContentType: "image/png", Status: MediaStored, DueAt: created, CreatedAt: created}
}

func TestUploadsBelongToOnePostOfTheirAccount(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		for _, id := range []string{"med_1", "med_2", "med_3"} {
			require.NoError(t, s.InsertUpload(ctx, upload(id, testTime())))
		}
		require.ErrorIs(t, s.InsertUpload(ctx, upload("med_1", testTime())), ErrExists)
		require.NoError(t, s.InsertMedia(ctx, []*Media{someMedia("med_inbound", testTime())}))
		require.NoError(t, s.MediaStoredAny(ctx, "med_inbound", "image/png", 1))
		require.NoError(t, s.AttachMedia(ctx, "acct_a", nil, "post_a"))
		require.NoError(t, s.AttachMedia(ctx, "acct_a", []string{"med_2", "med_1", "med_2"}, "post_a"))
		require.NoError(t, s.AttachMedia(ctx, "acct_a", []string{"med_1"}, "post_a"), "an edit has them again")
		got, err := s.Media(ctx, "acct_a", "med_1")
		require.NoError(t, err)
		require.Equal(t, "post_a", got.PostID)
		_, err = s.Media(ctx, "acct_b", "med_1")
		require.ErrorIs(t, err, ErrNotFound)
		require.ErrorIs(t, s.AttachMedia(ctx, "acct_b", []string{"med_3"}, "post_b"), ErrNotFound)
		require.ErrorIs(t, s.AttachMedia(ctx, "acct_a", []string{"med_9"}, "post_b"), ErrNotFound)
		require.ErrorIs(t, s.AttachMedia(ctx, "acct_a", []string{"med_inbound"}, "post_b"), ErrNotFound)
		require.ErrorIs(t, s.AttachMedia(ctx, "acct_a", []string{"med_3", "med_1"}, "post_b"), ErrNotFound)
		got, err = s.Media(ctx, "acct_a", "med_3")
		require.NoError(t, err)
		require.Empty(t, got.PostID, "all or none")
		require.NoError(t, s.MediaLostAny(ctx, "med_3", testTime()))
		got, err = s.Media(ctx, "acct_a", "med_3")
		require.NoError(t, err)
		require.Equal(t, MediaStored, got.Status, "nobody else has an upload")
	})
}

func TestOldMediaIsClaimedUnlessAPostMayNeedIt(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		_, err := s.CreateAccount(ctx, &Account{ID: "acct_a", Name: "A", CreatedAt: testTime()}, &User{ID: "usr_a", AccountID: "acct_a", Email: "a@example.com", CreatedAt: testTime()})
		require.NoError(t, err)
		fresh := someMedia("med_fresh", testTime())
		fresh.CreatedAt = testTime().Add(time.Hour)
		require.NoError(t, s.InsertMedia(ctx, []*Media{someMedia("med_inbound", testTime()), fresh}))
		require.NoError(t, s.InsertUpload(ctx, upload("med_loose", testTime().Add(time.Hour))))
		require.NoError(t, s.InsertUpload(ctx, upload("med_younger", testTime().Add(3*time.Hour))))
		want := []string{"med_inbound", "med_loose"}
		for _, status := range []PostStatus{PostDraft, PostQueued, PostScheduled, PostPublishing, PostPublished, PostFailed, PostUnconfirmed, PostCancelled, PostPartial} {
			post := &Post{ID: "post_" + string(status), AccountID: "acct_a", Status: status, Origin: "api", CreatedAt: testTime(), UpdatedAt: testTime()}
			require.NoError(t, s.InsertPost(ctx, post, nil))
			id := "med_" + string(status)
			require.NoError(t, s.InsertUpload(ctx, upload(id, testTime())))
			require.NoError(t, s.AttachMedia(ctx, "acct_a", []string{id}, post.ID))
			if status == PostPublished || status == PostCancelled {
				want = append(want, id)
			}
		}
		claim := func(limit int) (ids []string) {
			old, err := s.ClaimOldMediaAny(ctx, testTime().Add(time.Minute), testTime().Add(2*time.Hour), "It was old.", limit)
			require.NoError(t, err)
			for _, m := range old {
				require.Equal(t, MediaFailed, m.Status)
				ids = append(ids, m.ID)
			}
			return ids
		}
		require.Len(t, claim(1), 1)
		require.ElementsMatch(t, want, claim(100))
		require.ErrorIs(t, s.AttachMedia(ctx, "acct_a", []string{"med_loose"}, "post_late"), ErrNotFound, "it is about to be deleted")
		require.NoError(t, s.DeleteMediaAny(ctx, want))
		require.Empty(t, claim(100))
		_, err = s.MediaByTokenAny(ctx, "hash of med_fresh")
		require.NoError(t, err)
		_, err = s.Media(ctx, "acct_a", "med_draft")
		require.NoError(t, err)
	})
}
