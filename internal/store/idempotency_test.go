package store

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func callNamed(key, owner string, at time.Time) *IdempotencyKey {
	return &IdempotencyKey{AccountID: "acct_ann", Key: key, Fingerprint: "f", Seed: "seed of " + owner, Owner: owner, CreatedAt: at}
}

func TestACallIsClaimedByOneOfMany(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		var mine atomic.Int64
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				earlier, err := s.ClaimIdempotencyKey(t.Context(), callNamed("k", fmt.Sprint("worker", i), noon))
				if err != nil {
					t.Error(err)
				} else if earlier == nil {
					mine.Add(1)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 1, mine.Load())
	})
}

func TestAFinishedCallGivesItsAnswerToItsOwnAccountOnly(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		call := callNamed("k", "w1", noon)
		earlier, err := s.ClaimIdempotencyKey(t.Context(), call)
		require.NoError(t, err)
		require.Nil(t, earlier)
		require.ErrorIs(t, s.FinishIdempotencyKey(t.Context(), call.AccountID, "k", "w2", 201, "theirs"), ErrNotFound)
		require.NoError(t, s.FinishIdempotencyKey(t.Context(), call.AccountID, "k", "w1", 201, "answer"))

		again := callNamed("k", "w2", noon.Add(time.Hour))
		earlier, err = s.ClaimIdempotencyKey(t.Context(), again)
		require.NoError(t, err)
		want := *call
		want.Status, want.Body = 201, "answer"
		require.Equal(t, &want, earlier)

		again.AccountID = "acct_bob"
		earlier, err = s.ClaimIdempotencyKey(t.Context(), again)
		require.NoError(t, err)
		require.Nil(t, earlier)
		require.ErrorIs(t, s.DeleteIdempotencyKey(t.Context(), call.AccountID, "k", "w1"), ErrNotFound, "a finished call stays")
	})
}

func TestACallOfADeadOwnerIsTakenOverWithItsSeed(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		require.NoError(t, s.BeatAny(t.Context(), "w1", noon))
		call := callNamed("k", "w1", noon)
		_, err := s.ClaimIdempotencyKey(t.Context(), call)
		require.NoError(t, err)
		take := func(worker string, now time.Time) error {
			return s.TakeOverIdempotencyKey(t.Context(), call.AccountID, "k", worker, now)
		}
		require.ErrorIs(t, take("w2", noon.Add(deadAfter)), ErrNotFound, "the owner lives")
		later := noon.Add(deadAfter + time.Millisecond)
		require.ErrorIs(t, take("w1", later), ErrNotFound, "nobody takes from himself")
		require.NoError(t, take("w2", later))
		require.NoError(t, s.BeatAny(t.Context(), "w2", later))
		require.ErrorIs(t, take("w3", later), ErrNotFound, "it has a living owner again")
		require.ErrorIs(t, s.FinishIdempotencyKey(t.Context(), call.AccountID, "k", "w1", 200, "late"), ErrNotFound)

		stored, err := s.IdempotencyKey(t.Context(), call.AccountID, "k")
		require.NoError(t, err)
		require.Equal(t, "w2", stored.Owner)
		require.Equal(t, call.Seed, stored.Seed)
		require.NoError(t, s.FinishIdempotencyKey(t.Context(), call.AccountID, "k", "w2", 200, "done"))
		require.ErrorIs(t, take("w3", later.Add(time.Hour)), ErrNotFound, "a finished call has no owner to take it from")
	})
}

func TestACallThatItsLivingOwnerCouldNotFinishIsFreeAfterAWhile(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		call := callNamed("k", "w1", noon)
		_, err := s.ClaimIdempotencyKey(t.Context(), call)
		require.NoError(t, err)
		take := func(worker string, now time.Time) error {
			require.NoError(t, s.BeatAny(t.Context(), "w1", now))
			require.NoError(t, s.BeatAny(t.Context(), "w2", now))
			return s.TakeOverIdempotencyKey(t.Context(), call.AccountID, "k", worker, now)
		}
		require.ErrorIs(t, take("w2", noon.Add(idempotencyStuck)), ErrNotFound)
		later := noon.Add(idempotencyStuck + time.Millisecond)
		require.NoError(t, take("w1", later), "its owner may have it back too")
		require.ErrorIs(t, take("w1", later), ErrNotFound, "once")
		require.ErrorIs(t, take("w2", later.Add(idempotencyStuck)), ErrNotFound, "its time began anew")
		require.NoError(t, take("w2", later.Add(idempotencyStuck+time.Millisecond)))
	})
}

func TestAnAbandonedCallIsFreeAtOnceAndADeletedOneGone(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		require.NoError(t, s.BeatAny(t.Context(), "w1", noon))
		call := callNamed("k", "w1", noon)
		_, err := s.ClaimIdempotencyKey(t.Context(), call)
		require.NoError(t, err)
		require.NoError(t, s.AbandonIdempotencyKey(t.Context(), call.AccountID, "k", "w1"))
		require.NoError(t, s.TakeOverIdempotencyKey(t.Context(), call.AccountID, "k", "w1", noon), "its former owner may go on too")
		require.ErrorIs(t, s.DeleteIdempotencyKey(t.Context(), call.AccountID, "k", "w2"), ErrNotFound)
		require.NoError(t, s.DeleteIdempotencyKey(t.Context(), call.AccountID, "k", "w1"))
		_, err = s.IdempotencyKey(t.Context(), call.AccountID, "k")
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestAnOldCallIsReplacedAndPurged(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		for i := range 5 {
			_, err := s.ClaimIdempotencyKey(t.Context(), callNamed(fmt.Sprint("k", i), "w1", noon.Add(time.Duration(i)*time.Hour)))
			require.NoError(t, err)
		}
		nextDay := noon.Add(IdempotencyKeptFor)
		earlier, err := s.ClaimIdempotencyKey(t.Context(), callNamed("k0", "w2", nextDay))
		require.NoError(t, err)
		require.Nil(t, earlier, "its day is over")
		earlier, err = s.ClaimIdempotencyKey(t.Context(), callNamed("k1", "w2", nextDay))
		require.NoError(t, err)
		require.NotNil(t, earlier)

		for _, want := range []int64{2, 1, 0} { // k1, k2 and k3 are old; k4 and the new k0 stay
			n, err := s.PurgeIdempotencyAny(t.Context(), nextDay.Add(3*time.Hour), 2)
			require.NoError(t, err)
			require.Equal(t, want, n)
		}
		for _, key := range []string{"k0", "k4"} {
			_, err = s.IdempotencyKey(t.Context(), "acct_ann", key)
			require.NoError(t, err)
		}
	})
}
