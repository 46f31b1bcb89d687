package delivery

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/webhook"
)

func TestA410UnsubscribesOnceAndTellsIt(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		gone := newReceiver(t, status(503))
		watch := newReceiver(t, status(200))
		id, _ := w.subscribe(t, gone.URL+"?key=secret", nil)
		watcher, _ := w.subscribe(t, watch.URL, func(s *webhook.Settings) { s.Events = []string{event.WebhookDisabled} })
		k := w.worker(t, "wrk_1")
		for range 3 {
			k.publish(t)
		}
		k.settle(t)
		gone.turn(status(410))
		w.clock.advance(time.Minute)
		k.sweep(t) // three at once, perhaps
		k.settle(t)
		ended := w.webhook(t, id)
		require.Equal(t, store.WebhookUnsubscribed, ended.Status)
		for _, d := range w.deliveries(t, id) {
			require.Equal(t, store.DeliveryCancelled, d.Status)
		}
		require.Len(t, w.deliveries(t, watcher), 1, "one event")
		require.Contains(t, watch.requests()[0].body, "410")
		require.NotContains(t, watch.requests()[0].body, "secret")
		before := len(gone.requests())
		k.publish(t)
		k.settle(t)
		require.Len(t, gone.requests(), before)
	})
}

func TestAReceiverThatAsksToWaitIsWaitedForWithoutCounting(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		r := newReceiver(t, status(429, "Retry-After", "90"))
		id, _ := w.subscribe(t, r.URL, nil)
		k := w.worker(t, "wrk_1")
		k.publish(t)
		k.settle(t)
		for i := range 12 { // more often than the schedule has steps
			d := w.only(t, id)
			require.Equal(t, store.DeliveryPending, d.Status)
			require.Zero(t, d.Tries)
			require.EqualValues(t, i+1, d.Attempts)
			require.Equal(t, w.clock.now().Add(90*time.Second), d.DueAt)
			w.clock.advance(90 * time.Second)
			k.beat(t)
			k.sweep(t)
		}
		require.True(t, w.webhook(t, id).FailingSince.IsZero(), "it answers")
	})
}

func TestFiveDaysOfFailuresDisableAndAReplayBringsWhatWasMissed(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		r := newReceiver(t, status(500))
		watch := newReceiver(t, status(200))
		id, _ := w.subscribe(t, r.URL, nil)
		watcher, _ := w.subscribe(t, watch.URL, func(s *webhook.Settings) { s.Events = []string{event.WebhookDisabled} })
		k := w.worker(t, "wrk_1")
		k.publish(t)
		k.settle(t)
		require.Equal(t, noon(), w.webhook(t, id).FailingSince)
		w.clock.set(noon().Add(5*24*time.Hour - time.Millisecond))
		k.publish(t)
		k.settle(t)
		require.Equal(t, store.WebhookActive, w.webhook(t, id).Status)
		w.clock.advance(time.Millisecond)
		k.publish(t)
		k.settle(t)
		ended := w.webhook(t, id)
		require.Equal(t, store.WebhookDisabled, ended.Status)
		require.Contains(t, ended.StatusReason, "5 days")
		k.publish(t)
		k.settle(t)
		require.Len(t, w.deliveries(t, watcher), 1)
		require.Contains(t, watch.requests()[0].body, "5 days")
		for _, d := range w.deliveries(t, id) {
			require.Equal(t, store.DeliveryHeld, d.Status)
			require.Equal(t, store.HeldByDisable, d.Reason)
		}

		r.turn(status(200))
		active := "active"
		mended, err := w.webhooks.Change(t.Context(), tenant, id, webhook.Settings{Status: &active})
		require.NoError(t, err)
		require.NoError(t, k.Reclaim(t.Context()))
		k.sweep(t)
		require.Equal(t, store.DeliveryHeld, w.deliveries(t, id)[0].Status, "they wait for a replay")
		n, err := k.ReplaySince(t.Context(), mended, []store.DeliveryStatus{store.DeliveryHeld}, noon())
		require.NoError(t, err)
		require.EqualValues(t, 4, n)
		k.sweep(t)
		for _, d := range w.deliveries(t, id) {
			require.Equal(t, store.DeliveryDelivered, d.Status)
		}
	})
}

func TestOneSuccessEndsTheCountOfFailures(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		r := newReceiver(t, status(500))
		id, _ := w.subscribe(t, r.URL, nil)
		k := w.worker(t, "wrk_1")
		k.publish(t)
		k.settle(t)
		require.False(t, w.webhook(t, id).FailingSince.IsZero())
		r.turn(status(200))
		w.clock.advance(4 * 24 * time.Hour)
		k.publish(t)
		k.settle(t)
		require.True(t, w.webhook(t, id).FailingSince.IsZero())
	})
}

func TestAPauseHoldsAndAResumeDelivers(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		r := newReceiver(t, status(500))
		id, _ := w.subscribe(t, r.URL, nil)
		k := w.worker(t, "wrk_1")
		k.publish(t) // fails, and waits for its next try
		k.settle(t)
		turn := func(status string) {
			_, err := w.webhooks.Change(t.Context(), tenant, id, webhook.Settings{Status: &status})
			require.NoError(t, err)
		}
		turn("paused")
		k.publish(t)
		w.clock.advance(time.Hour)
		k.beat(t)
		k.sweep(t)
		require.Len(t, r.requests(), 1)
		for _, d := range w.deliveries(t, id) {
			require.Equal(t, store.DeliveryHeld, d.Status)
		}
		r.turn(status(200))
		turn("active")
		k.sweep(t)
		require.Len(t, r.requests(), 3)

		late := &store.Delivery{ // as a publisher stores it that read the webhook during the pause
			ID: w.ids.New("dlv"), AccountID: tenant, EventID: w.deliveries(t, id)[0].EventID, WebhookID: id, Status: store.DeliveryHeld,
			Reason: store.HeldByPause, DueAt: w.clock.now(), CreatedAt: w.clock.now(), UpdatedAt: w.clock.now(),
		}
		require.NoError(t, w.store.InsertEventGroupAny(t.Context(), store.EventGroup{Deliveries: []*store.Delivery{late}}, w.clock.now()))
		w.clock.advance(missedEvery)
		require.NoError(t, k.Reclaim(t.Context()))
		k.sweep(t)
		require.Len(t, r.requests(), 4)
	})
}
