package store

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// addDeliveries stores pending deliveries of wh_1 in acct_1, dlv_00000 and on, due at noon, after change has changed each.
func addDeliveries(t testing.TB, s *Store, n int, change func(*Delivery)) []*Delivery {
	t.Helper()
	all := make([]*Delivery, n)
	for i := range all {
		d := &Delivery{
			ID: fmt.Sprintf("dlv_%05d", i), AccountID: "acct_1", EventID: fmt.Sprintf("evt_%05d", i), WebhookID: "wh_1", Status: DeliveryPending,
			DueAt: noon, CreatedAt: noon, UpdatedAt: noon,
		}
		if change != nil {
			change(d)
		}
		all[i] = d
	}
	require.NoError(t, s.InsertDeliveries(t.Context(), all))
	return all
}

func idsOf(deliveries []*Delivery) []string {
	ids := make([]string, len(deliveries))
	for i, d := range deliveries {
		ids[i] = d.ID
	}
	return ids
}

func mustDelivery(t testing.TB, s *Store, id string) *Delivery {
	t.Helper()
	d, err := s.Delivery(t.Context(), "acct_1", id)
	require.NoError(t, err)
	return d
}

func TestDeliveriesOfAnyNumberAreStoredWhole(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		for _, n := range []int{1, 3, 64, 65, 200} {
			webhook := fmt.Sprintf("wh_%d", n)
			added := addDeliveries(t, s, n, func(d *Delivery) {
				d.ID, d.WebhookID, d.Owner, d.Reason, d.Attempts, d.Tries = d.ID+"_"+webhook, webhook, "wrk_1", "why", 3, 2
			})
			found, err := s.Deliveries(t.Context(), "acct_1", DeliveryFilter{WebhookID: webhook}, Page{Limit: 1000})
			require.NoError(t, err)
			require.ElementsMatch(t, added, found)
		}
	})
}

func TestDeliveriesOfAnotherAccountAreNotFound(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		addDeliveries(t, s, 1, func(d *Delivery) { d.Status = DeliveryFailed })
		_, err := s.Delivery(t.Context(), "acct_2", "dlv_00000")
		require.ErrorIs(t, err, ErrNotFound)
		_, err = s.Attempts(t.Context(), "acct_2", "dlv_00000")
		require.ErrorIs(t, err, ErrNotFound)
		require.ErrorIs(t, s.ReplayDelivery(t.Context(), "acct_2", "dlv_00000", noon), ErrNotFound)
		n, err := s.ReplayDeliveries(t.Context(), "acct_2", "wh_1", []DeliveryStatus{DeliveryFailed}, time.Time{}, noon)
		require.NoError(t, err)
		require.Zero(t, n)
		for _, status := range []DeliveryStatus{"", DeliveryFailed} {
			list, err := s.Deliveries(t.Context(), "acct_2", DeliveryFilter{Status: status, WebhookID: "wh_1"}, Page{Limit: 9})
			require.NoError(t, err)
			require.Empty(t, list)
		}
		require.Equal(t, DeliveryFailed, mustDelivery(t, s, "dlv_00000").Status)
	})
}

func TestWorkersThatClaimAtOnceNeverGetTheSameDelivery(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		const workers, rows = 4, 600
		addDeliveries(t, s, rows, nil)
		var mu sync.Mutex
		owner := map[string]string{}
		var all sync.WaitGroup
		for w := range workers {
			worker := fmt.Sprintf("wrk_%d", w)
			require.NoError(t, s.BeatAny(t.Context(), worker, noon))
			all.Go(func() {
				for claimedAll := false; !claimedAll; {
					claimed, err := s.ClaimDueAny(t.Context(), worker, noon, 32, nil)
					mu.Lock()
					require.NoError(t, err)
					for _, d := range claimed {
						require.Empty(t, owner[d.ID], "claimed by two")
						require.Equal(t, worker, d.Owner)
						owner[d.ID] = worker
					}
					claimedAll = len(owner) == rows
					mu.Unlock()
				}
			})
		}
		all.Wait()
		require.Len(t, owner, rows)
	})
}

func TestAClaimTakesWhatIsDueAndNobodysOrOfADeadWorker(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		require.NoError(t, s.BeatAny(t.Context(), "alive", noon.Add(-deadAfter)))
		require.NoError(t, s.BeatAny(t.Context(), "dead", noon.Add(-deadAfter-time.Millisecond)))
		rows := []func(*Delivery){
			func(*Delivery) {},
			func(d *Delivery) { d.Owner = "alive" },
			func(d *Delivery) { d.Owner = "dead" },
			func(d *Delivery) { d.Owner = "unheard of" },
			func(d *Delivery) { d.Owner = "me" }, // whose beat is late
			func(d *Delivery) { d.DueAt = noon.Add(time.Millisecond) },
			func(d *Delivery) { d.Status = DeliveryHeld },
			func(d *Delivery) { d.WebhookID = "wh_full" },
			func(d *Delivery) { d.DueAt = noon.Add(-time.Hour) },
		}
		next := func() func(*Delivery) {
			i := -1
			return func(d *Delivery) { i++; rows[i](d) }
		}
		added := addDeliveries(t, s, len(rows), next())
		oldest, err := s.ClaimDueAny(t.Context(), "me", noon, 1, []string{"wh_full"})
		require.NoError(t, err)
		require.Equal(t, []string{added[8].ID}, idsOf(oldest), "the longest due comes first")
		rest, err := s.ClaimDueAny(t.Context(), "me", noon, 100, []string{"wh_full", "wh_other", "wh_third"})
		require.NoError(t, err)
		require.ElementsMatch(t, []string{added[0].ID, added[2].ID, added[3].ID}, idsOf(rest))
		byID, err := s.ClaimAny(t.Context(), "me", noon, idsOf(added))
		require.NoError(t, err)
		require.Equal(t, []string{added[7].ID}, idsOf(byID))

		owned, err := s.OwnedAny(t.Context(), "me", noon, 100)
		require.NoError(t, err)
		require.Len(t, owned, 6)
		require.Equal(t, added[8].ID, owned[0])
		require.NoError(t, s.RemoveWorkerAny(t.Context(), "alive"))
		freed, err := s.ClaimDueAny(t.Context(), "me", noon, 100, nil)
		require.NoError(t, err)
		require.Equal(t, []string{added[1].ID}, idsOf(freed))
	})
}

func TestOnlyItsOwnerReleasesOrEndsADelivery(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		added := addDeliveries(t, s, 130, func(d *Delivery) { d.Owner = "wrk_1" })
		later := noon.Add(time.Minute)
		require.NoError(t, s.ReleaseAny(t.Context(), "wrk_2", later, idsOf(added)))
		require.NoError(t, s.EndDeliveryAny(t.Context(), added[0].ID, "wrk_2", DeliveryCancelled, "no", noon))
		require.Equal(t, added[0], mustDelivery(t, s, added[0].ID))

		require.NoError(t, s.EndDeliveryAny(t.Context(), added[0].ID, "wrk_1", DeliveryCancelled, "why", noon))
		require.NoError(t, s.ReleaseAny(t.Context(), "wrk_1", later, idsOf(added)))
		ended := mustDelivery(t, s, added[0].ID)
		require.Equal(t, DeliveryCancelled, ended.Status)
		require.Equal(t, "why", ended.Reason)
		require.Empty(t, ended.Owner)
		last := mustDelivery(t, s, added[129].ID)
		require.Empty(t, last.Owner)
		require.Equal(t, later, last.DueAt)
	})
}

func TestAReplayMakesADeliveryDueWithANewSchedule(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		i := 0
		addDeliveries(t, s, 4, func(d *Delivery) {
			d.Tries, d.Attempts, d.Reason = 9, 9, "why"
			d.Status = []DeliveryStatus{DeliveryFailed, DeliveryDelivered, DeliveryPending, DeliveryPending}[i]
			d.Owner = []string{"", "", "", "wrk_1"}[i]
			i++
		})
		later := noon.Add(time.Hour)
		for _, id := range []string{"dlv_00000", "dlv_00001", "dlv_00002"} {
			require.NoError(t, s.ReplayDelivery(t.Context(), "acct_1", id, later))
			d := mustDelivery(t, s, id)
			require.Equal(t, DeliveryPending, d.Status)
			require.Equal(t, later, d.DueAt)
			require.Zero(t, d.Tries)
			require.EqualValues(t, 9, d.Attempts, "the log goes on")
			require.Empty(t, d.Reason)
		}
		require.ErrorIs(t, s.ReplayDelivery(t.Context(), "acct_1", "dlv_00003", later), ErrExists)
		require.ErrorIs(t, s.ReplayDelivery(t.Context(), "acct_1", "dlv_99999", later), ErrNotFound)
	})
}

func TestAReplayOfManyTakesTheStatusesSinceATime(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		i := 0
		addDeliveries(t, s, 6, func(d *Delivery) {
			d.Status = []DeliveryStatus{DeliveryFailed, DeliveryFailed, DeliveryHeld, DeliveryDelivered, DeliveryCancelled, DeliveryFailed}[i]
			d.CreatedAt = noon.Add(time.Duration(i) * time.Minute)
			if i == 5 {
				d.WebhookID = "wh_2"
			}
			i++
		})
		n, err := s.ReplayDeliveries(t.Context(), "acct_1", "wh_1", nil, time.Time{}, noon)
		require.NoError(t, err)
		require.Zero(t, n, "no status asks for nothing")
		n, err = s.ReplayDeliveries(t.Context(), "acct_1", "wh_1", []DeliveryStatus{DeliveryFailed, DeliveryHeld, DeliveryCancelled}, noon.Add(time.Minute), noon)
		require.NoError(t, err)
		require.EqualValues(t, 3, n)
		due, err := s.CountDueAny(t.Context(), noon)
		require.NoError(t, err)
		require.Equal(t, DueCount{Count: 3, Oldest: noon}, due)
		due, err = s.CountDueAny(t.Context(), noon.Add(-time.Millisecond))
		require.NoError(t, err)
		require.Equal(t, DueCount{}, due)
		require.Equal(t, DeliveryFailed, mustDelivery(t, s, "dlv_00000").Status)
	})
}

func TestWhatAPauseHoldsIsReleasedAndWhatADisableHoldsWaits(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		a := makeAccount(t, s, "1")
		makeWebhook(t, s, a.ID, "wh_1", nil)
		makeWebhook(t, s, a.ID, "wh_2", func(w *Webhook) { w.Status = WebhookPaused })
		added := addDeliveries(t, s, 2, func(d *Delivery) { d.Owner, d.Tries = "wrk_1", 4 })
		require.NoError(t, s.HoldDeliveries(t.Context(), "wh_1", noon))
		held := mustDelivery(t, s, added[0].ID)
		require.Equal(t, DeliveryHeld, held.Status)
		require.Empty(t, held.Owner)
		require.Equal(t, HeldByPause, held.Reason)
		require.NoError(t, s.ReleaseHeld(t.Context(), "wh_1", noon.Add(time.Hour)))
		free := mustDelivery(t, s, added[0].ID)
		require.Equal(t, DeliveryPending, free.Status)
		require.Equal(t, noon.Add(time.Hour), free.DueAt)
		require.Zero(t, free.Tries)
		require.Empty(t, free.Reason)

		i := 0
		addDeliveries(t, s, 3, func(d *Delivery) { // as a publisher stores them that still saw the webhook paused
			d.ID, d.Status, d.WebhookID, d.Reason = d.ID+"_late", DeliveryHeld, []string{"wh_1", "wh_1", "wh_2"}[i], []string{HeldByPause, HeldByDisable, HeldByPause}[i]
			i++
		})
		require.NoError(t, s.ReleaseMissedAny(t.Context(), noon))
		require.Equal(t, DeliveryPending, mustDelivery(t, s, "dlv_00000_late").Status)
		require.Equal(t, DeliveryHeld, mustDelivery(t, s, "dlv_00001_late").Status, "a disabled webhook's wait for a replay")
		require.Equal(t, DeliveryHeld, mustDelivery(t, s, "dlv_00002_late").Status, "the webhook is paused still")
	})
}
