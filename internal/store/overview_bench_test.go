package store

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/testenv"
)

const (
	benchRows     = 100_000
	benchWebhooks = 20
	benchPeers    = 5000
)

// benchEngine opens an empty database.
func benchEngine(b *testing.B, engine string) *Store {
	b.Helper()
	options := Options{DataDir: b.TempDir(), Logger: slog.New(slog.DiscardHandler)}
	if engine == "postgres" {
		options.URL = testenv.Postgres(b)
	}
	s, err := Open(b.Context(), options)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	require.NoError(b, s.Migrate(b.Context()))
	return s
}

// fill stores benchRows deliveries and as many messages of acct_1 over the last day; open tells of a delivery whether it is still pending.
func fill(b *testing.B, s *Store, now time.Time, open func(i int) bool) {
	b.Helper()
	for i := range benchWebhooks {
		w := &Webhook{ID: fmt.Sprintf("wh_%d", i), AccountID: "acct_1", Events: []string{"message.received"}, Status: WebhookActive, CreatedAt: now, UpdatedAt: now}
		require.NoError(b, s.InsertWebhook(b.Context(), w))
	}
	const step = 2000
	for from := 0; from < benchRows; from += step {
		at := now.Add(-time.Duration(benchRows-from) * 24 * time.Hour / benchRows)
		var g EventGroup
		count := tally{}
		for i := from; i < from+step; i++ {
			d := &Delivery{
				ID: fmt.Sprintf("dlv_%06d", i), AccountID: "acct_1", EventID: fmt.Sprintf("evt_%06d", i), WebhookID: fmt.Sprintf("wh_%d", i%benchWebhooks),
				Status: DeliveryDelivered, DueAt: at, CreatedAt: at, UpdatedAt: at,
			}
			m := messageNamed(fmt.Sprintf("msg_%06d", i), MessageReceived)
			m.Peer, m.PeerName, m.CreatedAt, m.ChannelID = fmt.Sprintf("1555%07d", i%benchPeers), "Peer", at, fmt.Sprintf("chan_%d", i%3)
			switch {
			case open(i):
				d.Status = DeliveryPending
			case i%50 == 0:
				d.Status = DeliveryFailed
				m.Status, m.Direction = MessageFailed, Outbound
			}
			g.Deliveries, g.Messages = append(g.Deliveries, d), append(g.Messages, m)
			count.attempts([]*AttemptResult{{Delivery: d}}, at)
		}
		require.NoError(b, s.InsertEventGroupAny(b.Context(), g, at))
		hours := &batch{}
		s.addTally(hours, count, at)
		require.NoError(b, s.send(b.Context(), hours))
	}
	_, err := s.db.Exec(b.Context(), "ANALYZE")
	require.NoError(b, err)
}

// BenchmarkDashboardQueries measures what the dashboard asks of an account that has stored very much, once with few open deliveries and once with
// nothing but open ones.
func BenchmarkDashboardQueries(b *testing.B) {
	now := time.Now()
	for _, engine := range []string{"sqlite", "postgres"} {
		for name, open := range map[string]func(i int) bool{"few_open": func(i int) bool { return i%100 == 1 }, "all_open": func(int) bool { return true }} {
			s := benchEngine(b, engine)
			account, user := accountNamed("1")
			_, err := s.CreateAccount(b.Context(), account, user)
			require.NoError(b, err)
			fill(b, s, now, open)
			for query, run := range map[string]func() error{
				"overview":  func() error { _, err := s.Overview(b.Context(), "acct_1", now); return err },
				"sparkline": func() error { _, err := s.WebhookHours(b.Context(), "acct_1", "", now); return err },
				"webhook": func() error {
					if _, err := s.WebhookHours(b.Context(), "acct_1", "wh_7", now); err != nil {
						return err
					}
					_, _, err := s.LastOutcomes(b.Context(), "acct_1", "wh_7", now)
					return err
				},
				"conversations":            conversations(b, s, ConversationFilter{}, ""),
				"conversations_deep":       conversations(b, s, ConversationFilter{}, "msg_096000"),
				"conversations_of_channel": conversations(b, s, ConversationFilter{ChannelID: "chan_1"}, ""),
				"conversations_searched":   conversations(b, s, ConversationFilter{Search: "nobody"}, ""),
			} {
				b.Run(engine+"/"+name+"/"+query, func(b *testing.B) {
					for b.Loop() {
						require.NoError(b, run())
					}
				})
			}
		}
	}
}

func conversations(b *testing.B, s *Store, filter ConversationFilter, before string) func() error {
	return func() error {
		_, _, err := s.Conversations(b.Context(), "acct_1", filter, Page{Before: before, Limit: 25})
		return err
	}
}
