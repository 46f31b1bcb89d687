package store

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// resultOf is an attempt of a delivery by a worker that ended with a status.
func resultOf(d *Delivery, worker string, status DeliveryStatus, replies ...string) *AttemptResult {
	next := *d
	next.Status, next.Attempts, next.Tries, next.DueAt, next.Reason = status, d.Attempts+1, d.Tries+1, noon.Add(time.Minute), "why"
	r := &AttemptResult{
		Attempt: Attempt{
			DeliveryID: d.ID, Number: next.Attempts, StartedAt: noon, Duration: 1500 * time.Microsecond, URL: "https://example.com",
			RequestHeaders: `{}`, Format: "switchhook", StatusCode: 200, ErrorCode: "c", ErrorMessage: "m", ResponseType: "text/plain", ResponseBody: worker,
		},
		Delivery: &next, Worker: worker,
	}
	for i, text := range replies {
		r.Replies = append(r.Replies, &Message{
			ID: fmt.Sprintf("msg_%s_%s_%d", d.ID, worker, i), AccountID: d.AccountID, ChannelID: "chan_1", Direction: Outbound, Peer: "1", Type: "text", Text: text,
			Status: MessageQueued, Origin: d.ID, OriginSeq: int64(i), DueAt: noon, CreatedAt: noon, UpdatedAt: noon,
		})
	}
	return r
}

func TestAttemptsOfAnyNumberAreRecordedWithTheirOutcomes(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		for _, n := range []int{1, 2, 65, 200} {
			added := addDeliveries(t, s, n, func(d *Delivery) { d.ID, d.Owner, d.Attempts, d.Tries = fmt.Sprintf("%s_%d", d.ID, n), "wrk_1", 2, 1 })
			results := make([]*AttemptResult, n)
			for i, d := range added {
				results[i] = resultOf(d, "wrk_1", []DeliveryStatus{DeliveryDelivered, DeliveryPending, DeliveryFailed, DeliveryCancelled}[i%4])
			}
			require.NoError(t, s.RecordAttemptsAny(t.Context(), results, noon.Add(time.Second)))
			for i, d := range added {
				want := *results[i].Delivery
				want.Owner, want.UpdatedAt = "", noon.Add(time.Second)
				if want.Status == DeliveryDelivered {
					want.DueAt, want.Reason = d.DueAt, ""
				}
				require.Equal(t, &want, mustDelivery(t, s, d.ID))
			}
			log, err := s.Attempts(t.Context(), "acct_1", added[n-1].ID)
			require.NoError(t, err)
			require.Equal(t, []*Attempt{&results[n-1].Attempt}, log)
		}
	})
}

func TestAnAttemptChangesNothingOfADeliveryThatIsAnothersByNow(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		i := 0
		added := addDeliveries(t, s, 3, func(d *Delivery) {
			d.Owner = []string{"wrk_2", "", ""}[i]
			d.Status = []DeliveryStatus{DeliveryPending, DeliveryPending, DeliveryCancelled}[i]
			i++
		})
		for _, status := range []DeliveryStatus{DeliveryDelivered, DeliveryPending} {
			var results []*AttemptResult
			for _, d := range added {
				results = append(results, resultOf(d, "wrk_1", status))
			}
			require.NoError(t, s.RecordAttemptsAny(t.Context(), results, noon))
			for _, d := range added {
				require.Equal(t, d, mustDelivery(t, s, d.ID))
			}
		}
		require.NoError(t, s.RecordAttemptsAny(t.Context(), []*AttemptResult{resultOf(added[0], "wrk_2", DeliveryDelivered)}, noon))
		log, err := s.Attempts(t.Context(), "acct_1", added[0].ID)
		require.NoError(t, err)
		require.Len(t, log, 1, "an attempt is recorded once")
		require.Equal(t, "wrk_1", log[0].ResponseBody, "the first record stays")
		require.Equal(t, DeliveryDelivered, mustDelivery(t, s, added[0].ID).Status)
	})
}

func TestRepliesAreThoseOfTheFirstAnswerThatAsksForSome(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		added := addDeliveries(t, s, 2, func(d *Delivery) { d.Owner = "wrk_1" })
		texts := func() []string {
			all, err := s.Messages(t.Context(), "acct_1", MessageFilter{}, Page{Limit: 99})
			require.NoError(t, err)
			var texts []string
			for _, m := range all {
				texts = append(texts, m.Text)
			}
			return texts
		}
		require.NoError(t, s.RecordAttemptsAny(t.Context(), []*AttemptResult{resultOf(added[0], "wrk_1", DeliveryDelivered, "one", "two")}, noon))
		require.ElementsMatch(t, []string{"one", "two"}, texts())
		require.NoError(t, s.RecordAttemptsAny(t.Context(), []*AttemptResult{
			resultOf(added[0], "wrk_2", DeliveryDelivered, "other", "words", "and more"), resultOf(added[1], "wrk_1", DeliveryDelivered, "three"),
		}, noon))
		require.ElementsMatch(t, []string{"one", "two", "three"}, texts())
	})
}

func TestRecordingAndCancellingAtOnceNeverFails(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		a := makeAccount(t, s, "1")
		for round := range 4 {
			added := addDeliveries(t, s, 128, func(d *Delivery) { d.ID, d.Owner = fmt.Sprintf("%s_%d", d.ID, round), "wrk_1" })
			makeWebhook(t, s, a.ID, "wh_1", nil)
			var all sync.WaitGroup
			var failures [3]error
			for part := range 2 {
				all.Go(func() {
					var results []*AttemptResult
					for i := range added {
						d := added[len(added)-1-i] // the other way round than the table
						if i%2 == part {
							results = append(results, resultOf(d, "wrk_1", []DeliveryStatus{DeliveryDelivered, DeliveryPending}[i/2%2]))
						}
					}
					failures[part] = s.RecordAttemptsAny(t.Context(), results, noon)
				})
			}
			all.Go(func() { failures[2] = s.DeleteWebhook(t.Context(), a.ID, "wh_1", noon) })
			all.Wait()
			require.Equal(t, [3]error{}, failures)
		}
	})
}
