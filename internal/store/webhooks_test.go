package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// makeWebhook stores an active webhook of an account that exists.
func makeWebhook(t *testing.T, s *Store, accountID, id string, change func(*Webhook)) *Webhook {
	t.Helper()
	w := &Webhook{
		ID: id, AccountID: accountID, URL: "https://example.com/hook?x=1", Events: []string{"message.received"}, Format: "switchhook",
		Secret: "sealed", Status: WebhookActive, CreatedAt: noon, UpdatedAt: noon,
	}
	if change != nil {
		change(w)
	}
	require.NoError(t, s.InsertWebhook(t.Context(), w))
	return w
}

func TestAWebhookIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		a := makeAccount(t, s, "ann")
		w := makeWebhook(t, s, a.ID, "wh_1", func(w *Webhook) {
			w.Kind, w.Events, w.ChannelIDs = KindSettings, []string{"message.received", "message.status"}, []string{"chan_1", "chan_2"}
			w.Description, w.Headers, w.PreviousSecret, w.PreviousExpiresAt = "d", "h", "p", noon.Add(time.Hour)
			w.RateLimit, w.RatePeriod, w.FailingSince, w.ExpiresAt = 5, 1500*time.Millisecond, noon.Add(-time.Hour), noon.Add(2*time.Hour)
		})
		read, err := s.Webhook(t.Context(), a.ID, "wh_1")
		require.NoError(t, err)
		require.Equal(t, w, read)
		read, err = s.SettingsWebhook(t.Context(), a.ID)
		require.NoError(t, err)
		require.Equal(t, w, read)

		second := *w
		second.ID = "wh_2"
		require.ErrorIs(t, s.InsertWebhook(t.Context(), &second), ErrExists, "one settings webhook an account")

		w.URL, w.Events, w.ChannelIDs, w.Status, w.UpdatedAt = "https://example.org", []string{"message.status"}, nil, WebhookPaused, noon.Add(time.Minute)
		require.NoError(t, s.UpdateWebhook(t.Context(), w))
		read, err = s.Webhook(t.Context(), a.ID, "wh_1")
		require.NoError(t, err)
		require.Equal(t, w, read)
	})
}

func TestWebhooksOfAnotherAccountAreNotFound(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		a, b := makeAccount(t, s, "ann"), makeAccount(t, s, "bob")
		w := makeWebhook(t, s, a.ID, "wh_1", func(w *Webhook) { w.Kind = KindSettings })
		_, err := s.Webhook(t.Context(), b.ID, w.ID)
		require.ErrorIs(t, err, ErrNotFound)
		_, err = s.SettingsWebhook(t.Context(), b.ID)
		require.ErrorIs(t, err, ErrNotFound)
		foreign := *w
		foreign.AccountID, foreign.URL = b.ID, "https://evil.example"
		require.ErrorIs(t, s.UpdateWebhook(t.Context(), &foreign), ErrNotFound)
		require.ErrorIs(t, s.DeleteWebhook(t.Context(), b.ID, w.ID, noon), ErrNotFound)
		list, err := s.Webhooks(t.Context(), b.ID, Page{Limit: 10})
		require.NoError(t, err)
		require.Empty(t, list)
		n, err := s.CountWebhooks(t.Context(), b.ID)
		require.NoError(t, err)
		require.Zero(t, n)
		read, err := s.Webhook(t.Context(), a.ID, w.ID)
		require.NoError(t, err)
		require.Equal(t, w, read)
	})
}

func TestWebhooksAreListedInPages(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		a := makeAccount(t, s, "ann")
		for i := range 5 {
			makeWebhook(t, s, a.ID, fmt.Sprintf("wh_%d", i), nil)
		}
		first, err := s.Webhooks(t.Context(), a.ID, Page{Limit: 3})
		require.NoError(t, err)
		require.Len(t, first, 3)
		require.Equal(t, "wh_4", first[0].ID)
		rest, err := s.Webhooks(t.Context(), a.ID, Page{Limit: 3, Before: first[2].ID})
		require.NoError(t, err)
		require.Len(t, rest, 2)
		require.Equal(t, "wh_0", rest[1].ID)
	})
}

func TestAWebhookTakesItsEventsOnItsChannels(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		channels      []string
		event, chanID string
		takes         bool
	}{
		{nil, "message.received", "chan_1", true},
		{nil, "message.received", "", true},
		{nil, "message.status", "chan_1", false},
		{[]string{"chan_1"}, "message.received", "chan_1", true},
		{[]string{"chan_1"}, "message.received", "chan_2", false},
		{[]string{"chan_1"}, "message.received", "", false},
		{[]string{"chan_2", "chan_1"}, "message.received", "chan_1", true},
	} {
		w := &Webhook{Events: []string{"message.received"}, ChannelIDs: c.channels}
		require.Equal(t, c.takes, w.Takes(c.event, c.chanID), "%+v", c)
	}
}

func TestSubscribersAreTheWebhooksThatMayGetEvents(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		a, b, c := makeAccount(t, s, "ann"), makeAccount(t, s, "bob"), makeAccount(t, s, "cid")
		for _, status := range []WebhookStatus{WebhookActive, WebhookPaused, WebhookDisabled, WebhookUnsubscribed, WebhookExpired} {
			makeWebhook(t, s, a.ID, "wh_a_"+string(status), func(w *Webhook) { w.Status = status })
		}
		makeWebhook(t, s, b.ID, "wh_b_over", func(w *Webhook) { w.ExpiresAt = noon })
		makeWebhook(t, s, b.ID, "wh_b_still", func(w *Webhook) { w.ExpiresAt = noon.Add(time.Millisecond) })
		makeWebhook(t, s, c.ID, "wh_c", nil)
		found, err := s.SubscribersAny(t.Context(), []string{a.ID, b.ID}, noon)
		require.NoError(t, err)
		var ids []string
		for _, w := range found {
			ids = append(ids, w.ID)
		}
		require.ElementsMatch(t, []string{"wh_a_active", "wh_a_paused", "wh_a_disabled", "wh_b_still"}, ids)
		none, err := s.SubscribersAny(t.Context(), nil, noon)
		require.NoError(t, err)
		require.Empty(t, none)
	})
}

func TestAWebhookEndsOnceAndItsDeliveriesWithIt(t *testing.T) {
	t.Parallel()
	for status, want := range map[WebhookStatus]DeliveryStatus{WebhookDisabled: DeliveryHeld, WebhookUnsubscribed: DeliveryCancelled} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			eachEngine(t, func(t *testing.T, s *Store) {
				a := makeAccount(t, s, "ann")
				w := makeWebhook(t, s, a.ID, "wh_1", nil)
				addDeliveries(t, s, 2, func(d *Delivery) { d.AccountID, d.WebhookID = a.ID, w.ID })
				ended, err := s.EndWebhookAny(t.Context(), w.ID, status, "why", noon)
				require.NoError(t, err)
				require.True(t, ended)
				ended, err = s.EndWebhookAny(t.Context(), w.ID, WebhookDisabled, "again", noon)
				require.NoError(t, err)
				require.False(t, ended)
				read, err := s.Webhook(t.Context(), a.ID, w.ID)
				require.NoError(t, err)
				require.Equal(t, status, read.Status)
				require.Equal(t, "why", read.StatusReason)
				all, err := s.Deliveries(t.Context(), a.ID, DeliveryFilter{Status: want}, Page{Limit: 9})
				require.NoError(t, err)
				require.Len(t, all, 2)
				require.NotEmpty(t, all[0].Reason)
			})
		})
	}
}

func TestDeletingAWebhookCancelsWhatIsOpen(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		a := makeAccount(t, s, "ann")
		w := makeWebhook(t, s, a.ID, "wh_1", nil)
		statuses := []DeliveryStatus{DeliveryPending, DeliveryHeld, DeliveryDelivered, DeliveryFailed}
		i := 0
		addDeliveries(t, s, 4, func(d *Delivery) { d.AccountID, d.WebhookID, d.Status, i = a.ID, w.ID, statuses[i], i+1 })
		require.NoError(t, s.DeleteWebhook(t.Context(), a.ID, w.ID, noon))
		require.ErrorIs(t, s.DeleteWebhook(t.Context(), a.ID, w.ID, noon), ErrNotFound)
		left, err := s.Deliveries(t.Context(), a.ID, DeliveryFilter{WebhookID: w.ID}, Page{Limit: 10})
		require.NoError(t, err)
		counts := map[DeliveryStatus]int64{}
		for _, d := range left {
			counts[d.Status]++
		}
		require.Equal(t, map[DeliveryStatus]int64{DeliveryCancelled: 2, DeliveryDelivered: 1, DeliveryFailed: 1}, counts)
	})
}

func TestFailuresAreNotedFromTheFirstToTheNextSuccess(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		a := makeAccount(t, s, "ann")
		w := makeWebhook(t, s, a.ID, "wh_1", nil)
		since := func() time.Time {
			found, err := s.WebhooksAny(t.Context(), []string{w.ID, "wh_gone"})
			require.NoError(t, err)
			require.Len(t, found, 1)
			return found[w.ID].FailingSince
		}
		require.NoError(t, s.MarkWebhookAny(t.Context(), w.ID, true, noon))
		require.NoError(t, s.MarkWebhookAny(t.Context(), w.ID, true, noon.Add(time.Hour)))
		require.Equal(t, noon, since())
		require.NoError(t, s.MarkWebhookAny(t.Context(), w.ID, false, noon))
		require.True(t, since().IsZero())
	})
}

func TestExpiredWebhooksEndWithTheirOpenDeliveries(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		a := makeAccount(t, s, "ann")
		makeWebhook(t, s, a.ID, "wh_over", func(w *Webhook) { w.ExpiresAt = noon })
		makeWebhook(t, s, a.ID, "wh_still", func(w *Webhook) { w.ExpiresAt = noon.Add(time.Second) })
		makeWebhook(t, s, a.ID, "wh_always", nil)
		webhooks := []string{"wh_over", "wh_still", "wh_always"}
		i := 0
		addDeliveries(t, s, 3, func(d *Delivery) { d.AccountID, d.WebhookID, i = a.ID, webhooks[i], i+1 })
		require.NoError(t, s.ExpireWebhooksAny(t.Context(), noon))
		over, err := s.Webhook(t.Context(), a.ID, "wh_over")
		require.NoError(t, err)
		require.Equal(t, WebhookExpired, over.Status)
		cancelled, err := s.Deliveries(t.Context(), a.ID, DeliveryFilter{Status: DeliveryCancelled}, Page{Limit: 9})
		require.NoError(t, err)
		require.Len(t, cancelled, 1)
		require.Equal(t, "wh_over", cancelled[0].WebhookID)
	})
}
