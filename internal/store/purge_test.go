package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAPurgeDeletesWhatIsOldAndDoneInBatches(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		const rows = 3*purgeSize + 10 // the last 5 are young
		statuses := []DeliveryStatus{DeliveryDelivered, DeliveryFailed, DeliveryCancelled, DeliveryHeld, DeliveryPending}
		messageStatuses := []MessageStatus{MessageReceived, MessageFailed, MessageRead, MessageSending, MessageQueued}
		age := func(i int) time.Time {
			if i >= rows-5 {
				return noon
			}
			return noon.Add(-time.Hour)
		}
		i := 0
		added := addDeliveries(t, s, rows, func(d *Delivery) { d.Status, d.CreatedAt, i = statuses[i%5], age(i), i+1 })
		var events []*Event
		var messages []*Message
		var results []*AttemptResult
		for i, d := range added {
			e := eventNamed("acct_1", d.EventID, d.EventID)
			e.CreatedAt = age(i)
			events = append(events, e)
			// Some ids of messages tell no time: the young have small ones here.
			m := messageNamed(fmt.Sprintf("msg_%05d", rows-i), messageStatuses[i%5])
			m.CreatedAt = age(i)
			messages = append(messages, m)
			results = append(results, resultOf(d, "", d.Status))
		}
		lone := eventNamed("acct_1", "evt_00000_lone", "lone")
		lone.CreatedAt = age(0)
		_, err := s.InsertEvents(t.Context(), append(events, lone))
		require.NoError(t, err)
		require.NoError(t, s.InsertMessages(t.Context(), messages))
		require.NoError(t, s.recordAttempts(t.Context(), results))

		require.NoError(t, s.PurgeAny(t.Context(), noon.Add(-time.Minute)))
		left, err := s.Deliveries(t.Context(), "acct_1", DeliveryFilter{}, Page{Limit: rows})
		require.NoError(t, err)
		require.Len(t, left, (rows-5)/5+5)
		for _, d := range left {
			require.True(t, d.Status == DeliveryPending || d.CreatedAt.Equal(noon), "%+v", d)
			attempts, err := s.Attempts(t.Context(), "acct_1", d.ID)
			require.NoError(t, err)
			require.Len(t, attempts, 1)
			_, err = s.Event(t.Context(), "acct_1", d.EventID)
			require.NoError(t, err, "an open delivery's event stays")
		}
		orphans, err := queryStrings(t.Context(), s.reader(t.Context()), `SELECT delivery_id FROM attempts WHERE delivery_id NOT IN (SELECT id FROM deliveries)`)
		require.NoError(t, err)
		require.Empty(t, orphans)
		remaining, err := s.Events(t.Context(), "acct_1", EventFilter{}, Page{Limit: rows})
		require.NoError(t, err)
		require.Len(t, remaining, len(left))
		kept, err := s.Messages(t.Context(), "acct_1", MessageFilter{}, Page{Limit: rows})
		require.NoError(t, err)
		require.Len(t, kept, 2*(rows-5)/5+5)
		require.NoError(t, s.PurgeAny(t.Context(), noon.Add(-time.Minute)), "again, with nothing to do")
	})
}

func TestAPurgeLeavesADeliveryThatAReplayHasOpened(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		added := addDeliveries(t, s, 1, func(d *Delivery) { d.Status = DeliveryFailed })
		require.NoError(t, s.recordAttempts(t.Context(), []*AttemptResult{resultOf(added[0], "", DeliveryFailed)}))
		require.NoError(t, s.ReplayDelivery(t.Context(), "acct_1", added[0].ID, noon))
		require.NoError(t, s.deleteDeliveries(t.Context(), idsOf(added))) // read before the replay
		log, err := s.Attempts(t.Context(), "acct_1", added[0].ID)
		require.NoError(t, err)
		require.Len(t, log, 1)
	})
}
