package delivery

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/webhook"
)

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := New(Options{})
	require.ErrorContains(t, err, "Options.")
}

func TestRetriesFollowTheScheduleAndAReplayBeginsItAnew(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		r := newReceiver(t, status(500))
		id, _ := w.subscribe(t, r.URL, nil)
		k := w.worker(t, "wrk_1")
		k.publish(t)
		k.settle(t)
		for tries, wait := range waits() {
			d := w.only(t, id)
			require.Equal(t, store.DeliveryPending, d.Status)
			require.EqualValues(t, tries+1, d.Tries)
			require.GreaterOrEqual(t, d.DueAt.Sub(w.clock.now()), wait)
			w.clock.set(d.DueAt.Add(-time.Millisecond))
			k.beat(t)
			k.sweep(t)
			require.Len(t, r.requests(), tries+1, "not before its time")
			w.clock.set(d.DueAt)
			k.sweep(t)
			require.Len(t, r.requests(), tries+2)
		}
		require.Len(t, k.bells.alarms, len(waits()))
		d := w.only(t, id)
		require.Equal(t, store.DeliveryFailed, d.Status)
		require.Contains(t, d.Reason, "500")
		w.clock.advance(24 * time.Hour)
		k.sweep(t)
		require.Len(t, r.requests(), len(waits())+1, "it has ended")

		r.turn(status(200))
		require.NoError(t, k.Replay(t.Context(), d))
		k.sweep(t)
		d = w.only(t, id)
		require.Equal(t, store.DeliveryDelivered, d.Status)
		require.EqualValues(t, 1, d.Tries)
		log := w.attempts(t, d.ID)
		require.Len(t, log, len(waits())+2)
		require.EqualValues(t, len(log), log[len(log)-1].Number)
		first := r.requests()[0].header.Get("webhook-id")
		for _, got := range r.requests() {
			require.Equal(t, first, got.header.Get("webhook-id"), "every attempt has the event's id")
		}
		require.True(t, w.webhook(t, id).FailingSince.IsZero())
	})
}

func TestWhatCannotBeMadeEnds(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		k := w.worker(t, "wrk_1")
		paused, _ := w.subscribe(t, "http://127.0.0.1:1", nil)
		toPause := w.webhook(t, paused)
		toPause.Status = store.WebhookPaused
		require.NoError(t, w.store.UpdateWebhook(t.Context(), toPause))
		active, _ := w.subscribe(t, "http://127.0.0.1:1", nil)
		event := &store.Event{ID: "evt_1", AccountID: tenant, Type: event.MessageReceived, Dedupe: "x", Data: []byte("{}"), CreatedAt: noon()}
		group := store.EventGroup{Events: []*store.Event{event}}
		want := map[string]store.DeliveryStatus{}
		for i, c := range []struct {
			webhook, event string
			want           store.DeliveryStatus
		}{{"wh_gone", "evt_1", store.DeliveryCancelled}, {paused, "evt_1", store.DeliveryHeld}, {active, "evt_gone", store.DeliveryCancelled}} {
			d := &store.Delivery{ID: fmt.Sprintf("dlv_%d", i), AccountID: tenant, EventID: c.event, WebhookID: c.webhook, Status: store.DeliveryPending, DueAt: noon(), CreatedAt: noon()}
			group.Deliveries = append(group.Deliveries, d)
			want[d.ID] = c.want
		}
		require.NoError(t, w.store.InsertEventGroupAny(t.Context(), group, noon()))
		k.sweep(t)
		for id, status := range want {
			d, err := w.store.Delivery(t.Context(), tenant, id)
			require.NoError(t, err)
			require.Equal(t, status, d.Status, id)
			require.NotEmpty(t, d.Reason)
			require.Empty(t, d.Owner)
		}
	})
}

func TestAHungReceiverDelaysNobodyElse(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		const events = 300 // of which the hung one has 64 under way
		answer, _ := hanging(t)
		hung := newReceiver(t, answer)
		arrived := make(chan struct{}, events)
		prompt := newReceiver(t, func(http.ResponseWriter, *http.Request) { arrived <- struct{}{} })
		w.subscribe(t, hung.URL, nil)
		w.subscribe(t, prompt.URL, nil)
		k := w.worker(t, "wrk_1")
		drafts := make([]*event.Draft, events)
		for i := range drafts {
			drafts[i] = &event.Draft{AccountID: tenant, Type: event.MessageReceived, ChannelID: "chan_1", Data: event.MessageData{ID: "msg_1"}}
		}
		require.NoError(t, k.publisher.PublishAll(t.Context(), drafts))
		deadline := time.After(patience)
		for i := range events {
			select {
			case <-arrived:
			case <-deadline:
				t.Fatalf("only %d of %d have arrived", i, events)
			}
		}
		require.LessOrEqual(t, len(hung.requests()), maxWidth)
	})
}

func TestABacklogOfOneWebhookDoesNotHideTheOthers(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		answer, _ := hanging(t)
		hung := newReceiver(t, answer)
		arrived := make(chan struct{}, 1)
		prompt := newReceiver(t, func(http.ResponseWriter, *http.Request) { arrived <- struct{}{} })
		stuck, _ := w.subscribe(t, hung.URL, nil)
		other, _ := w.subscribe(t, prompt.URL, nil)
		group := store.EventGroup{Events: []*store.Event{{ID: "evt_1", AccountID: tenant, Type: event.MessageReceived, Dedupe: "x", Data: []byte("{}"), CreatedAt: noon()}}}
		for i := range 2000 {
			group.Deliveries = append(group.Deliveries, &store.Delivery{
				ID: fmt.Sprintf("dlv_%05d", i), AccountID: tenant, EventID: "evt_1", WebhookID: stuck, Status: store.DeliveryPending, DueAt: noon().Add(-time.Hour), CreatedAt: noon(),
			})
		}
		group.Deliveries = append(group.Deliveries, &store.Delivery{
			ID: "dlv_last", AccountID: tenant, EventID: "evt_1", WebhookID: other, Status: store.DeliveryPending, DueAt: noon(), CreatedAt: noon(),
		})
		require.NoError(t, w.store.InsertEventGroupAny(t.Context(), group, noon()))
		k := w.worker(t, "wrk_1")
		require.NoError(t, k.Sweep(t.Context()))
		select {
		case <-arrived:
		case <-time.After(patience):
			t.Fatal("the backlog hides it")
		}
		due, err := w.store.OwnedAny(t.Context(), "wrk_1", noon(), 5000)
		require.NoError(t, err)
		require.LessOrEqual(t, len(due), maxLane+1, "the rest waits in the database")
	})
}

func TestAWebhooksOwnRateLimitPostponesWithoutCounting(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		w.options.Now = time.Now // the limiter has no other clock
		w.clock.set(time.Now())
		r := newReceiver(t, status(200))
		id, _ := w.subscribe(t, r.URL, func(s *webhook.Settings) { s.RateLimit = &webhook.RateLimit{Limit: 3, Period: "1s"} })
		k := w.worker(t, "wrk_1")
		for range 5 {
			k.publish(t)
		}
		deadline := time.After(patience)
		for len(r.requests()) < 5 {
			select {
			case <-k.More():
				require.NoError(t, k.Sweep(t.Context()))
			case <-deadline:
				t.Fatal("what was postponed does not go on")
			case <-time.After(10 * time.Millisecond): // looks again
			}
		}
		k.settle(t)
		for _, d := range w.deliveries(t, id) {
			require.Equal(t, store.DeliveryDelivered, d.Status)
			require.EqualValues(t, 1, d.Attempts)
		}
	})
}

func TestStopGivesBackWhatHasNotBegunAndWaitsForTheRest(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		answer, release := hanging(t)
		r := newReceiver(t, answer)
		id, _ := w.subscribe(t, r.URL, nil)
		k := w.worker(t, "wrk_1")
		for range maxWidth + 20 {
			k.publish(t)
		}
		require.Eventually(t, func() bool { return len(r.requests()) == maxWidth }, patience, time.Millisecond)
		stopped := make(chan error, 1)
		go func() { stopped <- k.Stop(context.WithoutCancel(t.Context())) }()
		owned := func() int {
			ids, err := w.store.OwnedAny(t.Context(), "wrk_1", noon(), 1000)
			require.NoError(t, err)
			return len(ids)
		}
		require.Eventually(t, func() bool { return owned() == maxWidth }, patience, time.Millisecond)
		require.Empty(t, stopped)
		k.publish(t) // what comes now is nobody's
		release()
		require.NoError(t, <-stopped)
		require.Zero(t, owned())
		counts := map[store.DeliveryStatus]int{}
		for _, d := range w.deliveries(t, id) {
			counts[d.Status]++
		}
		require.Equal(t, map[store.DeliveryStatus]int{store.DeliveryDelivered: maxWidth, store.DeliveryPending: 21}, counts)
		second := w.worker(t, "wrk_2")
		second.sweep(t)
		require.Len(t, r.requests(), maxWidth+21)
	})
}

func TestAStopThatMayNotWaitCutsOffAndFrees(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		answer, _ := hanging(t)
		r := newReceiver(t, answer)
		id, _ := w.subscribe(t, r.URL, nil)
		k := w.worker(t, "wrk_1")
		k.publish(t)
		require.Eventually(t, func() bool { return len(r.requests()) == 1 }, patience, time.Millisecond)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, k.Stop(ctx), context.Canceled)
		d := w.only(t, id)
		require.Equal(t, store.DeliveryPending, d.Status)
		require.Empty(t, d.Owner)
		require.Zero(t, d.Attempts, "it was no fault of the receiver's")
	})
}

func TestADeadWorkersDeliveriesAreTakenOver(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		answer, release := hanging(t)
		r := newReceiver(t, answer)
		id, _ := w.subscribe(t, r.URL, nil)
		dead := w.worker(t, "wrk_dead")
		dead.publish(t)
		require.Eventually(t, func() bool { return len(r.requests()) == 1 }, patience, time.Millisecond)
		r.turn(status(200))
		second := w.worker(t, "wrk_2")
		w.clock.advance(10 * time.Second)
		second.beat(t)
		second.sweep(t)
		require.Len(t, r.requests(), 1, "its owner may still live")
		w.clock.advance(time.Millisecond)
		require.NoError(t, dead.Sweep(t.Context())) // it was only late itself: what it has in hand it does not take again
		second.sweep(t)
		require.Len(t, r.requests(), 2)
		d := w.only(t, id)
		require.Equal(t, store.DeliveryDelivered, d.Status)
		first, repeat := r.requests()[0].header, r.requests()[1].header
		require.Equal(t, first.Get("webhook-id"), repeat.Get("webhook-id"))
		release()
		dead.settle(t)
		require.EqualValues(t, 1, w.only(t, id).Attempts, "what the dead one says later changes nothing")
	})
}

func TestDeliverTakesWhatIsDueAndLeavesTheRest(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		r := newReceiver(t, status(500))
		id, _ := w.subscribe(t, r.URL, nil)
		k := w.worker(t, "wrk_1")
		k.publish(t)
		k.settle(t)
		d := w.only(t, id)
		require.NoError(t, k.Deliver(t.Context(), []string{d.ID, "dlv_none"}))
		k.settle(t)
		require.Len(t, r.requests(), 1, "it is not due")
		w.clock.set(d.DueAt)
		require.NoError(t, k.Deliver(t.Context(), []string{d.ID}))
		k.settle(t)
		require.Len(t, r.requests(), 2)
	})
}

func TestReclaimFreesWhatAnUnheardCommitLeftBehind(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		r := newReceiver(t, status(200))
		id, _ := w.subscribe(t, r.URL, nil)
		k := w.worker(t, "wrk_1")
		k.publish(t)
		k.settle(t)
		lost := &store.Delivery{
			ID: "dlv_lost", AccountID: tenant, EventID: w.only(t, id).EventID, WebhookID: id, Status: store.DeliveryPending, Owner: "wrk_1", DueAt: noon(), CreatedAt: noon(),
		}
		require.NoError(t, w.store.InsertEventGroupAny(t.Context(), store.EventGroup{Deliveries: []*store.Delivery{lost}}, noon()))
		for range 3 {
			require.NoError(t, k.Reclaim(t.Context()))
		}
		k.sweep(t)
		require.Len(t, r.requests(), 1, "nobody looks while the database is well")
		require.True(t, k.Reserve(id))
		k.Unreserve(id) // as a publisher does whose commit failed
		require.NoError(t, k.Reclaim(t.Context()))
		k.sweep(t)
		require.Len(t, r.requests(), 1, "it may be on its way")
		require.NoError(t, k.Reclaim(t.Context()))
		k.sweep(t)
		require.Len(t, r.requests(), 2)
	})
}

func TestATestIsSentOnceAndStoredNowhere(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		r := newReceiver(t, says(200, "ok"))
		id, shown := w.subscribe(t, r.URL, nil)
		k := w.worker(t, "wrk_1")
		result, err := k.SendTest(t.Context(), w.webhook(t, id), event.MessageReceived)
		require.NoError(t, err)
		require.Equal(t, 200, result.StatusCode)
		require.Equal(t, signature(t, r.requests()[0], shown), r.requests()[0].header.Get("webhook-signature"))
		r.turn(status(302))
		result, err = k.SendTest(t.Context(), w.webhook(t, id), event.MessageReceived)
		require.NoError(t, err)
		require.Contains(t, result.Message, "redirect")
		r.Close()
		result, err = k.SendTest(t.Context(), w.webhook(t, id), event.MessageReceived)
		require.NoError(t, err)
		require.Zero(t, result.StatusCode)
		require.NotEmpty(t, result.ErrorCode)
		_, err = k.SendTest(t.Context(), w.webhook(t, id), "message.eaten")
		var refused *problem.Error
		require.ErrorAs(t, err, &refused)
		require.Empty(t, w.deliveries(t, id))
	})
}
