package metrics_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/metrics"
	"github.com/switchhook/switchhook/internal/store"
)

func TestWhatIsDueAndForHowLongIsInTheText(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, err := store.Open(ctx, store.Options{DataDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(ctx))
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	m := metrics.New(metrics.NewState(s, slog.New(slog.DiscardHandler), func() time.Time { return now }))
	require.Contains(t, read(t, m), "switchhook_deliveries_due 0\n")

	due := &store.Delivery{ID: "dlv_1", AccountID: "acct_1", EventID: "evt_1", WebhookID: "wh_1", Status: store.DeliveryPending, DueAt: now.Add(-90 * time.Second), CreatedAt: now, UpdatedAt: now}
	later := *due
	later.ID, later.DueAt = "dlv_2", now.Add(time.Hour)
	require.NoError(t, s.InsertEventGroupAny(ctx, store.EventGroup{Deliveries: []*store.Delivery{due, &later}}, now))
	_, err = s.CreateAccount(ctx, &store.Account{ID: "acct_1", Name: "a", CreatedAt: now}, &store.User{ID: "usr_1", AccountID: "acct_1", Email: "a@b", Role: "owner", CreatedAt: now})
	require.NoError(t, err)
	require.NoError(t, s.InsertChannel(ctx, &store.Channel{ID: "chan_1", AccountID: "acct_1", Connector: "sandbox", ChannelKey: "k", Status: store.ChannelConnected}, 9))
	text := read(t, m)
	require.Contains(t, text, "switchhook_deliveries_due 1\n")
	require.Contains(t, text, "switchhook_deliveries_due_oldest_seconds 90\n")
	require.Contains(t, text, `switchhook_channels{connector="sandbox",status="connected"} 1`)

	require.NoError(t, s.Close())
	require.NotContains(t, read(t, m), "switchhook_deliveries_due 1", "without the database there is nothing to say")
}

func read(t *testing.T, m *metrics.Metrics) string {
	text, _, err := m.Text()
	require.NoError(t, err)
	return string(text)
}
