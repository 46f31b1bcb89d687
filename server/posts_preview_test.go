package server_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// previewed is the part of an answer about one channel.
type previewed struct {
	ChannelID string   `json:"channelId"`
	Title     string   `json:"title"`
	Parts     []string `json:"parts"`
	Length    int      `json:"length"`
	Limits    struct {
		TextLength int `json:"textLength"`
	} `json:"limits"`
	Errors []struct {
		Field   string `json:"field"`
		Message string `json:"message"`
	} `json:"errors"`
	Warnings []struct {
		Code string `json:"code"`
	} `json:"warnings"`
}

func (a *tenant) preview(t *testing.T, body string) (targets []previewed) {
	t.Helper()
	raw, err := json.Marshal(a.send(t, 200, "POST", "/v1/posts/preview", body).field(t, "data"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &targets))
	return targets
}

func TestAPreviewSaysWhatMakingThePostWould(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	box := a.channel(t, "sandbox", `{"number":"15550001111"}`)
	phone := a.twilioChannel(t, "twilio_sms")

	shown := a.preview(t, `{"title":"T","body":"<p>We sail at <b>nine</b> 👩‍👩‍👧</p>","channelIds":["`+box+`","`+phone+`"]}`)
	require.Len(t, shown, 2)
	require.Equal(t, []string{"We sail at nine 👩‍👩‍👧"}, shown[0].Parts)
	require.Equal(t, 17, shown[0].Length, "a family is one character, as the network counts")
	require.Equal(t, 500, shown[0].Limits.TextLength)
	require.Empty(t, shown[0].Errors)
	require.Equal(t, "targets."+phone, shown[1].Errors[0].Field)

	long := strings.Repeat("word ", 120)
	shown = a.preview(t, `{"body":"`+long+`","channelIds":["`+box+`"],"media":[{"contentType":"video/mp4","size":999999999},{"contentType":"image/png","size":3}]}`)
	require.Equal(t, 599, shown[0].Length)
	said := map[string]string{}
	for _, e := range shown[0].Errors {
		said[e.Field] = e.Message
	}
	require.Contains(t, said["targets."+box+".body"], "599 characters, 99 more")
	require.Contains(t, said, "targets."+box+".media[0]")
	require.Contains(t, said, "targets."+box+".media")
	refused := a.refused(t, 400, "invalid_field", "POST", "/v1/posts", `{"body":"`+long+`","channelIds":["`+box+`"]}`)
	require.Contains(t, string(refused.body), said["targets."+box+".body"], "the same sentence")

	shown = a.preview(t, `{"body":"`+long+`","channelIds":["`+box+`"],"overflow":"split"}`)
	require.Len(t, shown[0].Parts, 2)
	require.Equal(t, "text_split", shown[0].Warnings[0].Code)
	require.Empty(t, a.send(t, 200, "GET", "/v1/posts", "").field(t, "data"), "nothing was stored")
	empty := a.send(t, 200, "POST", "/v1/posts/preview", `{}`)
	require.Contains(t, string(empty.body), `"field":"channelIds"`)
	require.Equal(t, 404, a.call(t, "POST", "/v1/posts/preview", `{"body":"x","queueId":"que_01kaj5v0x7q2n5p8r1t4v7x0z3"}`, "X-Api-Key: "+a.key).status)
}

func TestAPostOfAQueueMovesToAFreeSlot(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		queueID := a.queue(t, a.channel(t, "sandbox", `{"number":"15550001111"}`))
		first := a.send(t, 202, "POST", "/v1/posts", `{"body":"One","queueId":"`+queueID+`"}`).text(t, "id")
		second := a.send(t, 202, "POST", "/v1/posts", `{"body":"Two","queueId":"`+queueID+`"}`)
		slots, ok := a.send(t, 200, "GET", "/v1/queues/"+queueID+"/preview", "").field(t, "data").([]any)
		require.True(t, ok)
		slot := func(i int) string { return slots[i].(map[string]any)["slotAt"].(string) } //nolint:forcetypeassert // the document says so
		moved := a.send(t, 200, "PATCH", "/v1/posts/"+first, `{"slotAt":"`+slot(4)+`"}`)
		require.Equal(t, slot(4), moved.text(t, "slotAt"))
		require.Equal(t, slot(4), a.send(t, 200, "PATCH", "/v1/posts/"+first, `{"slotAt":"`+slot(4)+`"}`).text(t, "slotAt"), "again is no change")
		a.refused(t, 409, "conflict", "PATCH", "/v1/posts/"+first, `{"slotAt":"`+second.text(t, "slotAt")+`"}`)
		off, err := time.Parse(time.RFC3339, slot(3))
		require.NoError(t, err)
		a.refused(t, 400, "invalid_field", "PATCH", "/v1/posts/"+first, `{"slotAt":"`+off.Add(time.Hour).Format(time.RFC3339)+`"}`)
		a.refused(t, 400, "invalid_field", "PATCH", "/v1/posts/"+first, `{"slotAt":"`+slot(3)+`","body":"x"}`)
		a.refused(t, 400, "invalid_field", "POST", "/v1/posts", `{"slotAt":"`+slot(3)+`","body":"x","queueId":"`+queueID+`"}`)
		loose := a.send(t, 202, "POST", "/v1/posts", `{"body":"x","channelIds":["`+a.channel(t, "sandbox", `{"number":"15550001112"}`)+`"],"draft":true}`).text(t, "id")
		a.refused(t, 400, "invalid_field", "PATCH", "/v1/posts/"+loose, `{"slotAt":"`+slot(3)+`"}`)
		a.send(t, 200, "DELETE", "/v1/posts/"+first, "")
		a.refused(t, 409, "conflict", "PATCH", "/v1/posts/"+first, `{"slotAt":"`+slot(5)+`"}`)
	})
}

func TestAnIncomingWebhookTellsItsPostsAndWhatIsLeftOfItsLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	hook := a.incoming(t, `"channelIds":["`+a.channel(t, "sandbox", `{"number":"15550001111"}`)+`"],"rateLimit":{"limit":5,"period":"1h"}`)
	path := "/v1/incoming-webhooks/" + hook.text(t, "id")
	require.EqualValues(t, 5, a.send(t, 200, "GET", path, "").field(t, "remaining"))
	came := w.call(t, "POST", strings.TrimPrefix(hook.text(t, "url"), w.url), `{"body":"By the hook"}`)
	require.Equal(t, 202, came.status)
	a.send(t, 202, "POST", "/v1/posts", `{"body":"By the API","draft":true,"channelIds":["`+a.channel(t, "sandbox", `{"number":"15550001112"}`)+`"]}`)
	for range 2 {
		now := a.send(t, 200, "GET", path, "")
		require.EqualValues(t, 4, now.field(t, "remaining"), "looking counts nothing")
		reset, err := time.Parse(time.RFC3339, now.text(t, "resetAt"))
		require.NoError(t, err)
		require.True(t, reset.After(time.Now()))
	}
	require.Equal(t, came.text(t, "id"), a.first(t, "/v1/posts?origin="+hook.text(t, "id"), ""))
	require.Contains(t, string(a.send(t, 200, "GET", "/v1/posts?origin=api", "").body), "By the API")
	require.NotContains(t, string(a.send(t, 200, "GET", "/v1/posts?origin=api", "").body), "By the hook")
}
