package store

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDeliveriesOfAKindAreListedAlikeWhetherFewOrMany(t *testing.T) {
	t.Parallel()
	const count = 2*fewAmong + 500
	eachEngine(t, func(t *testing.T, s *Store) {
		kinds := []string{"message.received", "message.status", "post.failed"}
		kindOf := map[string]string{}
		for _, account := range []string{"acct_1", "acct_2"} {
			var events []*Event
			for i := range count {
				e := eventNamed(account, fmt.Sprintf("evt_%s_%05d", account, i), strconv.Itoa(i))
				e.Type = kinds[i%2] // many of each
				if i%500 == 7 {
					e.Type = kinds[2]
				}
				kindOf[e.ID] = e.Type
				events = append(events, e)
			}
			_, err := s.InsertEvents(t.Context(), events)
			require.NoError(t, err)
		}
		all := map[string][]*Delivery{}
		for account, statuses := range map[string][]DeliveryStatus{
			"acct_1": {DeliveryPending, DeliveryDelivered},                                    // many are pending
			"acct_2": {DeliveryDelivered, DeliveryHeld, DeliveryCancelled, DeliveryDelivered}, // few are
		} {
			n := 0
			all[account] = addDeliveries(t, s, count, func(d *Delivery) {
				d.ID, d.AccountID, d.EventID = fmt.Sprintf("dlv_%s_%05d", account, n), account, fmt.Sprintf("evt_%s_%05d", account, n)
				d.WebhookID, d.Status = fmt.Sprint("wh_", n%3), statuses[n%len(statuses)]
				if n%400 == 3 {
					d.Status = DeliveryPending
				}
				n++
			})
		}
		for account, rows := range all {
			for _, kind := range append(kinds, "", "session.qr") {
				for _, status := range []DeliveryStatus{"", DeliveryPending, DeliveryHeld, DeliveryDelivered, DeliveryFailed, DeliveryCancelled} {
					for _, webhook := range []string{"", "wh_1"} {
						filter := DeliveryFilter{Event: kind, Status: status, WebhookID: webhook}
						want := []string{}
						for _, d := range slices.Backward(rows) {
							if (kind == "" || kindOf[d.EventID] == kind) && (status == "" || d.Status == status) && (webhook == "" || d.WebhookID == webhook) {
								want = append(want, d.ID)
							}
						}
						require.Equal(t, want, deliveryPages(t, s, account, filter), "%s: %+v", account, filter)
					}
				}
			}
		}
	})
}

// deliveryPages are the ids of a whole list, the first two and then the rest.
func deliveryPages(t *testing.T, s *Store, account string, filter DeliveryFilter) []string {
	t.Helper()
	found := []string{}
	page := Page{Limit: 2}
	for {
		rows, err := s.Deliveries(t.Context(), account, filter, page)
		require.NoError(t, err)
		found = append(found, idsOf(rows)...)
		if len(rows) < page.Limit {
			return found
		}
		page = Page{Before: rows[len(rows)-1].ID, Limit: 5000}
	}
}
