package server_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/mastodon/mastodontest"
)

// ids are the ids of a list's rows.
func (r reply) ids(t *testing.T) []string {
	t.Helper()
	ids := []string{}
	for _, row := range r.field(t, "data").([]any) {
		ids = append(ids, row.(map[string]any)["id"].(string))
	}
	return ids
}

func TestListsAreSearchedAndFiltered(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, b := w.tenant(t, "ann"), w.tenant(t, "bob")
		list := func(path string, query ...string) []string {
			values := url.Values{}
			for i := 0; i < len(query); i += 2 {
				values.Set(query[i], query[i+1])
			}
			return a.send(t, 200, "GET", path+"?"+values.Encode(), "").ids(t)
		}
		sandbox := a.channel(t, "sandbox", `{}`)
		b.channel(t, "sandbox", `{}`)
		blog := a.mastodonChannel(t, mastodontest.New(t, w.parts.Now()))
		a.send(t, 200, "PATCH", "/v1/channels/"+sandbox, `{"name":"Support 100%"}`)
		session := a.send(t, 201, "POST", "/v1/sessions", `{"name":"Support phone"}`).text(t, "id")
		require.Equal(t, []string{session, sandbox}, list("/v1/channels", "q", " suPPort "))
		require.Equal(t, []string{sandbox}, list("/v1/channels", "q", "0%"))
		require.Equal(t, []string{session}, list("/v1/sessions", "q", "PHONE"))
		require.Equal(t, []string{blog}, list("/v1/channels", "ability", "publish", "connector", "mastodon"))
		require.Contains(t, list("/v1/channels", "ability", "publish"), blog)
		require.NotContains(t, list("/v1/channels", "ability", "publish"), session)
		require.Contains(t, list("/v1/channels", "ability", "send"), session)
		require.NotContains(t, list("/v1/channels", "ability", "send"), blog)
		require.Equal(t, []string{session}, list("/v1/channels", "ability", "link"))
		require.Empty(t, list("/v1/channels", "ability", "link", "connector", "sandbox"))
		require.Equal(t, []string{sandbox}, list("/v1/channels", "connector", "sandbox"))
		require.Empty(t, list("/v1/channels", "connector", "sandbox", "status", "disabled"))

		for _, c := range []struct{ path, body string }{
			{"/v1/queues", `{"name":"%s","timeZone":"UTC","slots":[{"weekday":"mon","time":"09:00"}],"channelIds":["` + blog + `"]}`},
			{"/v1/incoming-webhooks", `{"name":"%s","channelIds":["` + blog + `"]}`},
			{"/v1/webhooks", `{"url":"https://example.com/x","events":["message.received"],"description":"%s"}`},
		} {
			a.send(t, 201, "POST", c.path, fmt.Sprintf(c.body, "Evenings"))
			first := a.send(t, 201, "POST", c.path, fmt.Sprintf(c.body, "Morning_s")).text(t, "id")
			require.Equal(t, []string{first}, list(c.path, "q", "morning_"), c.path)
			require.Empty(t, list(c.path, "q", "morning%"), c.path)
		}
		for _, text := range []string{"The Invoice", "hello", "your invoice"} {
			a.send(t, 200, "POST", "/v1/messages", `{"channelId":"`+sandbox+`","to":"15551230000","text":"`+text+`"}`)
		}
		found := a.send(t, 200, "GET", "/v1/messages?q=invoice&limit=1", "")
		require.Equal(t, "your invoice", found.field(t, "data").([]any)[0].(map[string]any)["text"])
		found = a.send(t, 200, "GET", "/v1/messages?q=invoice&limit=100&cursor="+found.text(t, "nextCursor"), "")
		require.Equal(t, "The Invoice", found.field(t, "data").([]any)[0].(map[string]any)["text"])
		require.Nil(t, found.field(t, "nextCursor"))

		for _, path := range []string{"/v1/channels", "/v1/sessions", "/v1/queues", "/v1/incoming-webhooks", "/v1/webhooks", "/v1/messages", "/v1/posts"} {
			require.Empty(t, list(path, "q", strings.Repeat("ä", 100)), path)
			require.Equal(t, "q", a.refused(t, 400, "invalid_field", "GET", path+"?q="+strings.Repeat("x", 101), "").text(t, "field"), path)
		}
		for _, query := range []string{"channels?ability=fly", "channels?status=fine", "posts?from=monday", "posts?from=2026-07-02T00:00:00Z&to=2026-07-01T00:00:00Z", "deliveries?event=nothing", "events?until=1", "deliveries?since=x"} {
			a.refused(t, 400, "invalid_field", "GET", "/v1/"+query, "")
		}
	})
}

func TestPostsEventsAndDeliveriesAreFilteredByTime(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, host := w.tenant(t, "ann"), newReceiver(t, status(200))
		blog := a.mastodonChannel(t, mastodontest.New(t, w.parts.Now()))
		a.send(t, 201, "POST", "/v1/webhooks", `{"url":"`+host.URL+`","events":["post.scheduled","message.status"]}`)
		day := time.Now().UTC().Add(240 * time.Hour).Truncate(time.Hour)
		plan := func(at time.Time) string {
			return a.send(t, 202, "POST", "/v1/posts", `{"body":"x","channelIds":["`+blog+`"],"publishAt":"`+at.Format(time.RFC3339)+`"}`).text(t, "id")
		}
		_, second, third := plan(day), plan(day.Add(time.Hour)), plan(day.Add(2*time.Hour))
		a.send(t, 202, "POST", "/v1/posts", `{"body":"x","channelIds":["`+blog+`"],"draft":true}`)
		calendar := a.send(t, 200, "GET", "/v1/posts?channelId="+blog+"&from="+day.Add(time.Hour).Format(time.RFC3339)+"&to="+day.Add(3*time.Hour).Format(time.RFC3339), "")
		require.Equal(t, []string{third, second}, calendar.ids(t))
		require.Empty(t, a.send(t, 200, "GET", "/v1/posts?channelId=chan_of_nobody", "").ids(t))

		eventually(t, "all are told of", func() bool { return len(a.send(t, 200, "GET", "/v1/deliveries?event=post.scheduled", "").ids(t)) == 3 })
		require.Empty(t, a.send(t, 200, "GET", "/v1/deliveries?event=message.status", "").ids(t))
		events := a.send(t, 200, "GET", "/v1/events?event=post.scheduled", "")
		newest := events.field(t, "data").([]any)[0].(map[string]any)["timestamp"].(string)
		at, err := time.Parse(time.RFC3339, newest)
		require.NoError(t, err)
		after, before := url.QueryEscape(at.Add(time.Millisecond).Format(time.RFC3339Nano)), url.QueryEscape(at.Add(-time.Hour).Format(time.RFC3339Nano))
		require.Equal(t, events.ids(t), a.send(t, 200, "GET", "/v1/events?event=post.scheduled&since="+before+"&until="+after, "").ids(t))
		require.Empty(t, a.send(t, 200, "GET", "/v1/events?event=post.scheduled&since="+after, "").ids(t))
		require.Empty(t, a.send(t, 200, "GET", "/v1/deliveries?until="+before, "").ids(t))
		require.Len(t, a.send(t, 200, "GET", "/v1/deliveries?since="+before, "").ids(t), 3)
	})
}
