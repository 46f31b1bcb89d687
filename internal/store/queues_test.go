package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func someQueue(id, account string) *Queue {
	return &Queue{
		ID: id, AccountID: account, Name: "Mornings", TimeZone: "Europe/Berlin", Slots: `[{"weekday":"mon","time":"09:00"}]`, ChannelIDs: []string{"chan_1", "chan_2"},
		PostsPerSlot: 1, Status: QueueActive, CreatedAt: noon, UpdatedAt: noon,
	}
}

// addPost stores a post of acct_a with one target, and its place in a queue.
func addPost(t testing.TB, s *Store, q *Queue, postID string, place Place) {
	t.Helper()
	p := &Post{
		ID: postID, AccountID: "acct_a", Status: PostQueued, Title: "Title of " + postID, Body: "body", QueueID: q.ID, SlotAt: place.Time(), Origin: "api", CreatedAt: noon, UpdatedAt: noon,
	}
	target := &Target{
		ID: "tgt_" + postID, PostID: postID, AccountID: "acct_a", ChannelID: "chan_" + postID, Status: PostQueued, DueAt: place.Time(), CreatedAt: noon, UpdatedAt: noon,
	}
	require.NoError(t, s.InTransaction(t.Context(), func(ctx context.Context) error {
		if err := s.InsertPost(ctx, p, []*Target{target}); err != nil {
			return err
		}
		return s.InsertClaim(ctx, q, postID, place)
	}))
}

// queueWith is a queue of acct_a with posts post_0, post_1 … an hour after each other from noon on.
func queueWith(t testing.TB, s *Store, posts int) *Queue {
	t.Helper()
	_, err := s.db.Exec(t.Context(), `INSERT INTO accounts (id, name, created_at) VALUES ('acct_a', 'Test', 0)`)
	require.NoError(t, err)
	q := someQueue("que_1", "acct_a")
	require.NoError(t, s.InsertQueue(t.Context(), q, 10))
	for i := range posts {
		addPost(t, s, q, fmt.Sprintf("post_%d", i), placeAt(i, 0))
	}
	return q
}

func placeAt(hours int, seat int64) Place {
	return Place{At: noon.Add(time.Duration(hours) * time.Hour), Seat: seat}
}

func order(t testing.TB, s *Store, q *Queue) []string {
	t.Helper()
	claims, err := s.Claims(t.Context(), q, noon.Add(-time.Hour))
	require.NoError(t, err)
	list := make([]string, len(claims))
	for i, c := range claims {
		list[i] = fmt.Sprintf("%s@%d.%d", c.PostID, int(c.At.Sub(noon).Hours()), c.Seat)
	}
	return list
}

func TestQueuesAreStoredChangedAndDeleted(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		addAccounts(t, s, "acct_a", "acct_b")
		q := someQueue("que_1", "acct_a")
		require.NoError(t, s.InsertQueue(ctx, q, 2))
		got, err := s.Queue(ctx, "acct_a", "que_1")
		require.NoError(t, err)
		require.Equal(t, q, got)
		require.ErrorIs(t, s.InsertQueue(ctx, someQueue("que_1", "acct_a"), 2), ErrExists)
		require.NoError(t, s.InsertQueue(ctx, someQueue("que_2", "acct_a"), 2))
		require.ErrorIs(t, s.InsertQueue(ctx, someQueue("que_3", "acct_a"), 2), ErrTooMany)
		list, err := s.Queues(ctx, "acct_a", Page{Limit: 10})
		require.NoError(t, err)
		require.Equal(t, []string{"que_2", "que_1"}, []string{list[0].ID, list[1].ID})
		list, err = s.Queues(ctx, "acct_a", Page{Before: "que_2", Limit: 10})
		require.NoError(t, err)
		require.Len(t, list, 1)

		q.Name, q.TimeZone, q.Slots, q.ChannelIDs, q.PostsPerSlot, q.Status, q.UpdatedAt = "Evenings", "UTC", "[]", []string{"chan_3"}, 3, QueuePaused, noon.Add(time.Hour)
		require.NoError(t, s.UpdateQueue(ctx, q))
		require.EqualValues(t, 2, q.Version)
		again, err := s.Queue(ctx, "acct_a", "que_1")
		require.NoError(t, err)
		require.Equal(t, q, again)
		require.ErrorIs(t, s.UpdateQueue(ctx, got), ErrOutdated, "it was read before the change")

		foreign := *q
		foreign.AccountID = "acct_b"
		require.ErrorIs(t, s.UpdateQueue(ctx, &foreign), ErrOutdated)
		_, err = s.Queue(ctx, "acct_b", "que_1")
		require.ErrorIs(t, err, ErrNotFound)
		require.ErrorIs(t, s.InTransaction(ctx, func(ctx context.Context) error {
			_, err := s.LockQueue(ctx, "acct_b", "que_1")
			return err
		}), ErrNotFound)
		require.ErrorIs(t, s.DeleteQueue(ctx, "acct_b", "que_1"), ErrNotFound)
		require.NoError(t, s.DeleteQueue(ctx, "acct_a", "que_1"))
		require.ErrorIs(t, s.DeleteQueue(ctx, "acct_a", "que_1"), ErrNotFound)
	})
}

func TestAPlaceHasOnePostAndAPostOnePlace(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		q := queueWith(t, s, 2)
		require.ErrorIs(t, s.InsertClaim(ctx, q, "post_0", placeAt(5, 0)), ErrExists)
		require.NoError(t, s.FreeSlot(ctx, "post_1"))
		require.ErrorIs(t, s.InsertClaim(ctx, q, "post_1", placeAt(0, 0)), ErrExists)
		last, err := s.LastPlace(ctx, q)
		require.NoError(t, err)
		require.Equal(t, placeAt(0, 0), last)
		require.NoError(t, s.InsertClaim(ctx, q, "post_1", placeAt(0, 1)))
		last, err = s.LastPlace(ctx, q)
		require.NoError(t, err)
		require.Equal(t, placeAt(0, 1), last)
		n, err := s.CountClaims(ctx, q, noon)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		last, err = s.LastPlace(ctx, &Queue{ID: "que_0"})
		require.NoError(t, err)
		require.Zero(t, last)
	})
}

func TestClaimsExchangeTheirPlaces(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		const n = 150 // more than one statement takes
		q := queueWith(t, s, n)
		claims, err := s.Claims(ctx, q, noon)
		require.NoError(t, err)
		require.Len(t, claims, n)
		require.Equal(t, "Title of post_0", claims[0].Title)
		moved := make([]*Claim, n)
		for i, c := range claims {
			moved[i] = &Claim{Place: claims[n-1-i].Place, PostID: c.PostID}
		}
		require.NoError(t, s.MoveClaims(ctx, q, moved, "post.scheduled", noon))
		now := order(t, s, q)
		require.Equal(t, fmt.Sprintf("post_%d@0.0", n-1), now[0])
		require.Equal(t, fmt.Sprintf("post_0@%d.0", n-1), now[n-1])

		p, err := s.Post(ctx, "acct_a", "post_0")
		require.NoError(t, err)
		require.Equal(t, placeAt(n-1, 0).At, p.SlotAt)
		require.EqualValues(t, 2, p.Version, "an edit that was begun before must not bring the old place back")
		targets, err := s.Targets(ctx, "acct_a", []string{"post_0"})
		require.NoError(t, err)
		target := targets["post_0"][0]
		require.Equal(t, placeAt(n-1, 0).At, target.DueAt)
		require.Equal(t, "post.scheduled", target.Event)
		require.Equal(t, noon.Add(time.Millisecond), target.UpdatedAt, "each event about a target has a time of its own")

		taken := []*Claim{{Place: placeAt(1, 0), PostID: "post_0"}}
		require.ErrorIs(t, s.MoveClaims(ctx, q, taken, "post.scheduled", noon), ErrExists)
		require.Equal(t, now, order(t, s, q))
	})
}

func TestPostsWhosePublishingHasBegunCannotBeMoved(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		q := queueWith(t, s, 3)
		begun, err := s.ClaimTargetsAny(ctx, "wrk_1", noon, 10)
		require.NoError(t, err)
		require.Len(t, begun, 1)
		require.NoError(t, s.InTransaction(ctx, func(ctx context.Context) error {
			claims, err := s.LockClaims(ctx, q, noon.Add(90*time.Minute))
			require.NoError(t, err)
			require.Len(t, claims, 3)
			require.Equal(t, []bool{false, true, true}, []bool{claims[0].Movable, claims[1].Movable, claims[2].Movable})
			return nil
		}))
		begun[0].Status = PostQueued // waits for its next try
		require.NoError(t, s.FinishTargetAny(ctx, begun[0], PostPublishing, "wrk_1", noon))
		claims, err := s.Claims(ctx, q, noon.Add(90*time.Minute))
		require.NoError(t, err)
		require.Len(t, claims, 3)
		require.False(t, claims[0].Movable)

		late, err := s.LateQueuesAny(ctx, noon.Add(time.Hour))
		require.NoError(t, err)
		require.Empty(t, late)
		late, err = s.LateQueuesAny(ctx, noon.Add(time.Hour+time.Millisecond))
		require.NoError(t, err)
		require.Len(t, late, 1)
		q.Status = QueuePaused
		require.NoError(t, s.UpdateQueue(ctx, q))
		late, err = s.LateQueuesAny(ctx, noon.Add(time.Hour+time.Millisecond))
		require.NoError(t, err)
		require.Empty(t, late)
	})
}

func TestClaimsOfPostsThatHaveEndedArePurged(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		q := queueWith(t, s, 4)
		_, err := s.db.Exec(ctx, `UPDATE posts SET status = 'published' WHERE id IN ('post_0', 'post_1', 'post_3')`)
		require.NoError(t, err)
		n, err := s.PurgeClaimsAny(ctx, noon.Add(150*time.Minute), 1)
		require.NoError(t, err)
		require.EqualValues(t, 1, n)
		n, err = s.PurgeClaimsAny(ctx, noon.Add(150*time.Minute), 100)
		require.NoError(t, err)
		require.EqualValues(t, 1, n)
		require.Equal(t, []string{"post_2@2.0", "post_3@3.0"}, order(t, s, q), "one waits and one is of a later slot")
	})
}

func TestALockedQueueLetsOneTransactionThroughAtATime(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		q := queueWith(t, s, 0)
		const n = 32
		var wait sync.WaitGroup
		for i := range n {
			wait.Go(func() {
				err := s.InTransaction(t.Context(), func(ctx context.Context) error {
					p := &Post{ID: fmt.Sprintf("post_%d", i), AccountID: "acct_a", Status: PostQueued, Origin: "api", CreatedAt: noon, UpdatedAt: noon}
					if err := s.InsertPost(ctx, p, nil); err != nil {
						return err
					}
					locked, err := s.LockQueue(ctx, q.AccountID, q.ID)
					if err != nil {
						return err
					}
					last, err := s.LastPlace(ctx, locked)
					if err != nil {
						return err
					}
					return s.InsertClaim(ctx, locked, p.ID, Place{At: noon, Seat: last.Seat + 1})
				})
				if err != nil {
					t.Errorf("claim: %v", err)
				}
			})
		}
		wait.Wait()
		claims, err := s.Claims(t.Context(), q, noon)
		require.NoError(t, err)
		require.Len(t, claims, n)
		require.True(t, slices.IsSortedFunc(claims, func(a, b *Claim) int { return int(a.Seat - b.Seat) }))
		require.EqualValues(t, n, claims[n-1].Seat, "no place is left out")
	})
}

func TestIncomingWebhooksOfAQueueAreCounted(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		q := queueWith(t, s, 0)
		_, err := s.db.Exec(t.Context(), `INSERT INTO incoming_webhooks (id, account_id, name, token_hash, token, channel_ids, queue_id, rate_limit, rate_period, created_at, updated_at)
			VALUES ('iwh_1', 'acct_a', 'Blog', 'h', 't', '', $1, 60, 1, 0, 0)`, q.ID)
		require.NoError(t, err)
		n, err := s.CountQueueHooks(t.Context(), "acct_a", q.ID)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		n, err = s.CountQueueHooks(t.Context(), "acct_b", q.ID)
		require.NoError(t, err)
		require.Zero(t, n)
	})
}
