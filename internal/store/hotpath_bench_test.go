package store

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/testenv"
)

// BenchmarkMessageToDelivered measures what the database does for a message from its arrival to the end of its delivery, in groups as a busy
// server makes them. One operation is one message.
func BenchmarkMessageToDelivered(b *testing.B) {
	const size = 64
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			options := Options{DataDir: b.TempDir(), Logger: slog.New(slog.DiscardHandler)}
			if engine == "postgres" {
				options.URL = testenv.Postgres(b)
			}
			s, err := Open(b.Context(), options)
			require.NoError(b, err)
			defer func() { require.NoError(b, s.Close()) }()
			require.NoError(b, s.Migrate(b.Context()))
			n := 0
			for b.Loop() {
				if n++; n%size != 0 {
					continue
				}
				now := noon.Add(time.Duration(n) * time.Millisecond)
				var g EventGroup
				var results []*AttemptResult
				for i := range size {
					name := fmt.Sprintf("%012d_%02d", n, i)
					e := eventNamed("acct_1", "evt_"+name, name)
					d := &Delivery{
						ID: "dlv_" + name, AccountID: "acct_1", EventID: e.ID, WebhookID: fmt.Sprintf("wh_%d", i%4), Status: DeliveryPending, Owner: "wrk_1",
						DueAt: now, CreatedAt: now, UpdatedAt: now,
					}
					m := messageNamed("msg_"+name, MessageReceived)
					m.Peer, m.ProviderID, m.CreatedAt = fmt.Sprintf("1555%d", (n+i)%5000), name, now
					g.Events, g.Messages, g.Deliveries = append(g.Events, e), append(g.Messages, m), append(g.Deliveries, d)
					over := *d
					over.Status = DeliveryDelivered
					results = append(results, &AttemptResult{Attempt: Attempt{DeliveryID: d.ID, Number: 1, StartedAt: now, URL: "https://example.com/", StatusCode: 200}, Delivery: &over, Worker: "wrk_1"})
				}
				require.NoError(b, s.InsertEventGroupAny(b.Context(), g, now))
				require.NoError(b, s.RecordAttemptsAny(b.Context(), results, now))
			}
		})
	}
}
