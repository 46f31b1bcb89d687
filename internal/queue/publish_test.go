package queue_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/queue"
	"github.com/switchhook/switchhook/internal/store"
)

func TestAPlaceIsTakenBeforeItsPostIsStored(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.make(t, 1, "09:00")
		var wait sync.WaitGroup
		for i := range 200 {
			wait.Go(func() {
				postID := fmt.Sprintf("post_%d", i)
				err := f.store.InTransaction(t.Context(), func(ctx context.Context) error {
					at, err := f.Claim(ctx, "acct_a", "que_1", postID, f.now)
					if err != nil {
						return err
					}
					return f.store.InsertPost(ctx, &store.Post{
						ID: postID, AccountID: "acct_a", Status: store.PostQueued, QueueID: "que_1", SlotAt: at, Origin: "api", CreatedAt: f.now, UpdatedAt: f.now,
					}, nil)
				})
				if err != nil {
					t.Errorf("add: %v", err)
				}
			})
		}
		wait.Wait()
		turns, err := f.Preview(t.Context(), "acct_a", "que_1", 200)
		require.NoError(t, err)
		for _, turn := range turns {
			require.Len(t, turn.Posts, 1)
		}
		_, err = f.Claim(t.Context(), "acct_a", "que_1", "post_none", f.now)
		require.Error(t, err, "no place without a post")
	})
}

func TestAPausedQueueHoldsUpNoOtherPostsOfItsChannels(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.make(t, 1, "09:00")
		f.addAll(t, "a")
		_, err := f.Change(t.Context(), "acct_a", "que_1", queue.Settings{Status: ptr("paused")})
		require.NoError(t, err)
		f.at(30, "09:05")
		direct := &store.Target{
			ID: "tgt_direct", PostID: "direct", AccountID: "acct_a", ChannelID: "chan_1", Status: store.PostQueued, DueAt: f.now, CreatedAt: f.now, UpdatedAt: f.now,
		}
		require.NoError(t, f.store.InsertPost(t.Context(), &store.Post{
			ID: "direct", AccountID: "acct_a", Status: store.PostQueued, Origin: "api", CreatedAt: f.now, UpdatedAt: f.now,
		}, []*store.Target{direct}))
		begun, err := f.store.ClaimTargetsAny(t.Context(), "wrk_1", f.now, 10)
		require.NoError(t, err)
		require.Len(t, begun, 1)
		require.Equal(t, "direct", begun[0].PostID)
	})
}

func TestAPostThatIsTooLateWaitsForAnotherSlot(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.make(t, 1, "09:00")
		f.addAll(t, "a", "b")
		f.at(30, "09:11")
		begun, err := f.store.ClaimTargetsAny(t.Context(), "wrk_1", f.now, 10)
		require.NoError(t, err)
		require.Empty(t, begun)
		f.at(30, "09:10")
		begun, err = f.store.ClaimTargetsAny(t.Context(), "wrk_1", f.now, 1)
		require.NoError(t, err)
		require.Len(t, begun, 1)
		f.at(30, "11:00")
		begun, err = f.store.ClaimTargetsAny(t.Context(), "wrk_1", f.now, 10)
		require.NoError(t, err)
		require.Len(t, begun, 1, "the other channel's, because a post that is half out is not moved any more")
		require.NoError(t, f.Realign(t.Context()))
		require.Equal(t, []string{"01 09:00 b"}, f.waiting(t, 1))
	})
}
