package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheOverviewShowsWhatHappensAndWhatNeedsTheUser(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, stranger := w.tenant(t, "ann"), w.tenant(t, "bob")
		empty := a.send(t, 200, "GET", "/v1/overview", "")
		require.Len(t, empty.field(t, "deliveries", "hours"), 24)
		require.Empty(t, empty.field(t, "action"))
		channelID := a.channel(t, "sandbox", `{"number":"15550001111"}`)
		good, bad := newReceiver(t, status(200)), newReceiver(t, status(500))
		works, _ := a.webhook(t, good.URL, "")
		fails, _ := a.webhook(t, bad.URL, "")
		unused, _ := a.webhook(t, good.URL, `,"channelIds":["`+a.channel(t, "sandbox", `{"number":"15550002222"}`)+`"]`)
		a.send(t, 201, "POST", "/v1/channels/"+channelID+"/simulate", `{"from":"15551234567","name":"Ann Lee","text":"Hi"}`)
		counted := func(name string) float64 {
			total, ok := a.send(t, 200, "GET", "/v1/overview", "").field(t, "deliveries", "total", name).(float64)
			require.True(t, ok)
			return total
		}
		eventually(t, "one delivery is over and the other has failed", func() bool { return counted("delivered") == 1 && counted("failed") == 1 })
		got := a.send(t, 200, "GET", "/v1/overview", "")
		require.Equal(t, []any{map[string]any{"connector": "sandbox", "status": "new", "count": 2.0}}, got.field(t, "channels"))
		require.Equal(t, map[string]any{"in24h": 1.0, "out24h": 0.0, "failed24h": 0.0}, got.field(t, "messages"))
		action, ok := got.field(t, "action").([]any)
		require.True(t, ok)
		require.Len(t, action, 1)
		first, ok := action[0].(map[string]any)
		require.True(t, ok)
		require.Equal(t, []any{"deliveries_failed", "delivery", nil, 1.0}, []any{first["code"], first["kind"], first["id"], first["count"]})
		require.Equal(t, 2, strings.Count(string(got.body), `"delivered":1`), "in its hour, and in all")

		stats := a.send(t, 200, "GET", "/v1/webhooks/"+works+"/stats", "")
		require.Equal(t, map[string]any{"delivered": 1.0, "failed": 0.0, "pending": 0.0}, stats.field(t, "total"))
		require.NotNil(t, stats.field(t, "lastDeliveredAt"))
		require.Nil(t, stats.field(t, "lastFailedAt"))
		stats = a.send(t, 200, "GET", "/v1/webhooks/"+fails+"/stats", "")
		require.Equal(t, map[string]any{"delivered": 0.0, "failed": 1.0, "pending": 0.0}, stats.field(t, "total"))
		require.NotNil(t, stats.field(t, "lastFailedAt"))
		rows, ok := a.send(t, 200, "GET", "/v1/webhooks/stats", "").field(t, "data").([]any)
		require.True(t, ok)
		var ids []any
		for _, row := range rows {
			shown, ok := row.(map[string]any)
			require.True(t, ok)
			ids = append(ids, shown["webhookId"])
			require.Len(t, shown["hours"], 24)
		}
		require.Equal(t, []any{unused, fails, works}, ids)

		require.Empty(t, stranger.send(t, 200, "GET", "/v1/webhooks/stats", "").field(t, "data"))
		foreign := stranger.send(t, 200, "GET", "/v1/overview", "")
		require.Empty(t, foreign.field(t, "channels"))
		require.Empty(t, foreign.field(t, "action"))
		require.NotContains(t, string(foreign.body), `"delivered":1`)
	})
}

func TestWhatNeedsTheUserIsNamedWithItsReason(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		session := a.session(t)
		webhookID, _ := a.webhook(t, "https://x.example/hook?token=hidden", "")
		_, err := w.store.EndWebhookAny(t.Context(), webhookID, "disabled", "It failed for five days.", time.Now())
		require.NoError(t, err)
		body := string(a.send(t, 200, "GET", "/v1/overview", "").body)
		require.Contains(t, body, `"code":"webhook_disabled","message":"The webhook to https://x.example/hook is disabled. It failed for five days.`)
		require.Contains(t, body, `"code":"session_not_linked"`)
		require.Contains(t, body, session)
		require.NotContains(t, body, "hidden")
	})
}

func TestConversationsShowWhoWaitsForAnAnswer(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, stranger := w.tenant(t, "ann"), w.tenant(t, "bob")
		channelID := a.channel(t, "sandbox", `{"number":"15550001111"}`)
		for i := range 3 {
			a.send(t, 201, "POST", "/v1/channels/"+channelID+"/simulate", fmt.Sprintf(`{"from":"1555123456%d","name":"Person %d","text":"Hi"}`, i, i))
		}
		a.send(t, 200, "POST", "/v1/messages", `{"channelId":"`+channelID+`","to":"15551234560","text":"Hello"}`, "Idempotency-Key: one")
		page := a.send(t, 200, "GET", "/v1/conversations?limit=2", "")
		rows, ok := page.field(t, "data").([]any)
		require.True(t, ok)
		require.Len(t, rows, 2)
		first, ok := rows[0].(map[string]any)
		require.True(t, ok)
		require.Equal(t, []any{"15551234560", "Person 0", false}, []any{first["contact"], first["contactName"], first["unanswered"]})
		next := a.send(t, 200, "GET", "/v1/conversations?limit=2&channelId="+channelID+"&cursor="+page.text(t, "nextCursor"), "")
		require.Contains(t, string(next.body), `"contact":"15551234561"`)
		require.Contains(t, string(next.body), `"unanswered":true`)
		require.Len(t, next.field(t, "data"), 1)
		require.Len(t, a.send(t, 200, "GET", "/v1/conversations?q=PERSON%202", "").field(t, "data"), 1)
		require.Len(t, a.send(t, 200, "GET", "/v1/conversations?q=%2B15551234562", "").field(t, "data"), 1)
		require.Empty(t, a.send(t, 200, "GET", "/v1/conversations?q=%25", "").field(t, "data"))
		require.Empty(t, stranger.send(t, 200, "GET", "/v1/conversations?channelId="+channelID, "").field(t, "data"))
		for _, wrong := range []string{page.text(t, "nextCursor"), "msg_01kaj5v0x7r5t3v1x9z7b5d3f1", "x"} {
			stranger.refused(t, 400, "invalid_cursor", "GET", "/v1/conversations?cursor="+wrong, "")
		}
	})
}
