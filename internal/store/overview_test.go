package store

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEachAttemptIsCountedInItsHour(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		added := addDeliveries(t, s, 6, func(d *Delivery) {
			d.Owner = "wrk_1"
			if d.ID == "dlv_00005" {
				d.WebhookID = "wh_2"
			}
		})
		record := func(at time.Time, i int, status DeliveryStatus) {
			require.NoError(t, s.RecordAttemptsAny(ctx, []*AttemptResult{resultOf(added[i], "wrk_1", status)}, at))
		}
		record(noon.Add(time.Minute), 0, DeliveryDelivered)
		record(noon.Add(59*time.Minute), 1, DeliveryDelivered)
		record(noon.Add(time.Hour), 2, DeliveryFailed)
		record(noon.Add(90*time.Minute), 3, DeliveryPending)
		record(noon.Add(2*time.Hour), 5, DeliveryDelivered)

		now := noon.Add(2*time.Hour + 30*time.Minute)
		hours, err := s.WebhookHours(ctx, "acct_1", "", now)
		require.NoError(t, err)
		require.Len(t, hours, 2)
		require.Len(t, hours["wh_1"], DayHours)
		require.Equal(t, noon.Add(-21*time.Hour), hours["wh_1"][0].At)
		require.Equal(t, []Hour{
			{At: noon, Delivered: 2, Pending: 2}, {At: noon.Add(time.Hour), Failed: 1}, {At: noon.Add(2 * time.Hour)},
		}, hours["wh_1"][DayHours-3:])
		require.Equal(t, Hour{At: noon.Add(2 * time.Hour), Delivered: 1}, hours["wh_2"][DayHours-1])
		only, err := s.WebhookHours(ctx, "acct_1", "wh_2", now)
		require.NoError(t, err)
		require.Len(t, only, 1)
		require.Equal(t, hours["wh_2"], only["wh_2"])

		delivered, failed, err := s.LastOutcomes(ctx, "acct_1", "wh_1", now)
		require.NoError(t, err)
		require.Equal(t, []time.Time{noon.Add(59 * time.Minute), noon.Add(90 * time.Minute)}, []time.Time{delivered, failed})
		for _, query := range []struct{ account, webhook string }{{"acct_2", "wh_1"}, {"acct_1", "wh_9"}} {
			delivered, failed, err := s.LastOutcomes(ctx, query.account, query.webhook, now)
			require.NoError(t, err)
			require.True(t, delivered.IsZero() && failed.IsZero())
		}
		foreign, err := s.WebhookHours(ctx, "acct_2", "", now)
		require.NoError(t, err)
		require.Empty(t, foreign)

		later, err := s.WebhookHours(ctx, "acct_1", "", noon.Add(25*time.Hour))
		require.NoError(t, err)
		require.Equal(t, int64(1), later["wh_2"][0].Delivered)
		require.NotContains(t, later, "wh_1", "a day is over")
		require.NoError(t, s.PurgeAny(ctx, noon.Add(48*time.Hour)))
		delivered, _, err = s.LastOutcomes(ctx, "acct_1", "wh_1", now)
		require.NoError(t, err)
		require.True(t, delivered.IsZero())
	})
}

func TestWritersAtOnceLoseNoCount(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		const writers, times = 8, 20
		added := addDeliveries(t, s, writers*times, func(d *Delivery) { d.Owner = "wrk_1" })
		for i, d := range added {
			d.WebhookID = fmt.Sprintf("wh_%d", i%3)
		}
		var all sync.WaitGroup
		errs := make(chan error, writers*times)
		for w := range writers {
			all.Go(func() {
				for i := range times {
					errs <- s.RecordAttemptsAny(t.Context(), []*AttemptResult{
						resultOf(added[w*times+i], "wrk_1", DeliveryDelivered), resultOf(added[(w*times+i+1)%len(added)], "wrk_1", DeliveryFailed),
					}, noon)
				}
			})
		}
		all.Wait()
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
		o, err := s.Overview(t.Context(), "acct_1", noon)
		require.NoError(t, err)
		require.Equal(t, int64(writers*times), o.Hours[DayHours-1].Delivered)
		require.Equal(t, int64(writers*times), o.Hours[DayHours-1].Failed)
	})
}

func TestAnOverviewShowsTheAccountsStateAndWhatIsInTrouble(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		account := makeAccount(t, s, "1")
		makeAccount(t, s, "2")
		statuses := []ChannelStatus{ChannelConnected, ChannelConnected, ChannelNeedsLink, ChannelDisabled}
		for i, status := range statuses {
			c := &Channel{ID: fmt.Sprintf("chan_%d", i), AccountID: account.ID, Connector: "sandbox", Name: "Shop", ChannelKey: strconv.Itoa(i), Status: status, StatusMessage: "Why.", CreatedAt: noon}
			require.NoError(t, s.InsertChannel(ctx, c, 10))
		}
		for id, status := range map[string]WebhookStatus{"wh_1": WebhookActive, "wh_2": WebhookDisabled} {
			require.NoError(t, s.InsertWebhook(ctx, &Webhook{ID: id, AccountID: account.ID, URL: "https://x.example/", Status: status, StatusReason: "Days of failures."}))
		}
		i := -1
		addDeliveries(t, s, 7, func(d *Delivery) {
			i++
			d.Status = []DeliveryStatus{DeliveryPending, DeliveryPending, DeliveryPending, DeliveryHeld, DeliveryFailed, DeliveryFailed, DeliveryDelivered}[i]
			d.DueAt = noon.Add(time.Duration(i-1) * time.Minute)
			if i == 5 {
				d.UpdatedAt = noon.Add(-25 * time.Hour)
			}
		})
		failed, unconfirmed, old := messageNamed("msg_1", MessageFailed), messageNamed("msg_2", MessageUnconfirmed), messageNamed("msg_3", MessageFailed)
		old.CreatedAt = noon.Add(-25 * time.Hour)
		require.NoError(t, s.InsertEventGroupAny(ctx, EventGroup{Messages: []*Message{failed, unconfirmed, old, messageNamed("msg_4", MessageReceived)}}, noon))
		require.NoError(t, s.InsertMessage(ctx, messageNamed("msg_5", MessageQueued)))
		for i, status := range []PostStatus{PostFailed, PostUnconfirmed, PostScheduled, PostPublished, PostFailed} {
			p := &Post{ID: fmt.Sprintf("post_%d", i), AccountID: account.ID, Status: status, Title: "News", Origin: "api", CreatedAt: noon, UpdatedAt: noon}
			if i == 4 {
				p.UpdatedAt = noon.Add(-25 * time.Hour)
			}
			target := &Target{ID: fmt.Sprintf("tgt_%d", i), PostID: p.ID, AccountID: account.ID, ChannelID: "chan_0", Status: status, ErrorMessage: "Refused."}
			require.NoError(t, s.InsertPost(ctx, p, []*Target{target}))
		}
		o, err := s.Overview(ctx, account.ID, noon)
		require.NoError(t, err)
		require.Equal(t, []ChannelCount{{"sandbox", ChannelConnected, 2}, {"sandbox", ChannelDisabled, 1}, {"sandbox", ChannelNeedsLink, 1}}, o.Channels)
		require.Equal(t, QueueDepth{Due: 2, Waiting: 1, Held: 1, Oldest: noon.Add(-time.Minute)}, o.Queue)
		require.Equal(t, []int64{1, 4, 1, 1}, []int64{o.Inbound, o.Outbound, o.FailedMessages, o.Unconfirmed})
		require.Equal(t, []int64{1, 1, 1}, []int64{o.WaitingPosts, o.FailedPosts, o.FailedDeliveries})
		require.ElementsMatch(t, []Trouble{
			{"channel", "chan_2", "Shop", "needs_link", "Why."},
			{"webhook", "wh_2", "https://x.example/", "disabled", "Days of failures."},
			{"post", "post_0", "News", "failed", "Refused."},
			{"post", "post_1", "News", "unconfirmed", "Refused."},
		}, o.Troubles)
		other, err := s.Overview(ctx, "acct_2", noon)
		require.NoError(t, err)
		require.Equal(t, &Overview{Since: DayStart(noon), Hours: EmptyHours(noon)}, other)
	})
}
