package server_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// hostile is what strangers write to break pages.
const hostile = `<script>alert(1)</script>` + "\u202e" + `"><img src=x onerror=alert(1)>`

// harmless requires of a page that nothing of hostile is markup in it.
func harmless(t *testing.T, page shown) {
	t.Helper()
	require.NotContains(t, page.body, "<script>alert")
	require.NotContains(t, page.body, "<img src=x")
	require.NotContains(t, page.body, "\u202e")
}

// hears makes a sandbox channel of the account and has somebody write to it.
func hears(t *testing.T, w *world, key, text string) (channelID string) {
	t.Helper()
	a := &tenant{world: w, key: key}
	channelID = a.channel(t, "sandbox", `{}`)
	a.send(t, 201, "POST", "/v1/channels/"+channelID+"/simulate", `{"from":"15551234567","text":`+quote(text)+`}`)
	return channelID
}

func quote(text string) string { return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"` }

func TestAWebhookIsMadeTestedPausedRotatedAndDeletedOnItsPages(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		owner, _ := w.newBrowser(t, "acme")
		inbox := newReceiver(t, status(http.StatusOK))
		require.Contains(t, owner.get(t, "/app/webhooks").body, "No webhook yet")

		owner.get(t, "/app/webhooks/new")
		refused := owner.post(t, "/app/webhooks", "url", "nonsense", "description", "<i>Orders", "events", "message.status", "format", "whathooks", "limit", "many", "headers", "no colon")
		require.Equal(t, http.StatusUnprocessableEntity, refused.status)
		require.Contains(t, refused.body, `value="nonsense"`)
		require.Contains(t, refused.body, "&lt;i&gt;Orders")
		require.Regexp(t, `value="message\.status" checked`, refused.body)
		require.Regexp(t, `value="whathooks" checked`, refused.body)
		require.Contains(t, refused.body, "must be a whole number")
		refused = owner.post(t, "/app/webhooks", "url", "nonsense", "format", "switchhook", "period", "1s", "headers", "X-Team: orders")
		require.Equal(t, http.StatusUnprocessableEntity, refused.status)
		require.Contains(t, refused.body, `id="f-url-fault"`, "what is wrong stands beside the field")
		require.Contains(t, refused.body, "X-Team: orders")

		fields := []string{
			"url", inbox.URL + "/hook", "description", "Orders " + hostile, "events", "message.received", "format", "switchhook",
			"period", "1m", "limit", "30", "headers", "X-Team: top secret", "once", "one",
		}
		made := owner.post(t, "/app/webhooks", fields...)
		require.Equal(t, http.StatusOK, made.status, made.body)
		secret := regexp.MustCompile(`whsec_[A-Za-z0-9+/=]+`).FindString(made.body)
		require.NotEmpty(t, secret)
		harmless(t, made)
		require.Contains(t, owner.post(t, "/app/webhooks", fields...).body, "whsec_", "a second sending makes no second one")
		list := owner.get(t, "/app/webhooks")
		harmless(t, list)
		require.Equal(t, 1, strings.Count(list.body, `<td class="lead">`))
		path := regexp.MustCompile(`/app/webhooks/wh_[0-9a-z]+`).FindString(list.body)

		page := owner.get(t, path)
		harmless(t, page)
		require.NotContains(t, page.body, secret)
		require.NotContains(t, page.body, "top secret")
		require.Contains(t, page.body, "30 per minute")
		require.Contains(t, owner.post(t, path+"/secret").body, secret)
		tested := owner.post(t, path+"/test", "event", "message.received")
		require.Equal(t, http.StatusOK, tested.status)
		require.Contains(t, tested.body, "The receiver took it.")
		require.Contains(t, tested.body, "Answer 200")
		require.Len(t, inbox.of("message.received"), 1)
		inbox.answerWith(status(http.StatusNotFound))
		require.Contains(t, owner.post(t, path+"/test", "event", "message.received").body, "In n8n", "what to do")

		require.Contains(t, owner.follow(t, owner.post(t, path+"/status", "status", "paused")).body, "The webhook is paused.")
		require.Contains(t, owner.follow(t, owner.post(t, path+"/status", "status", "active")).body, "on its way")
		rotated := owner.post(t, path+"/rotate", "once", "two")
		require.Contains(t, rotated.body, "whsec_")
		require.NotContains(t, rotated.body, secret)
		require.Contains(t, rotated.body, "of the old secret too, until")

		edit := owner.get(t, path+"/edit")
		require.NotContains(t, edit.body, "top secret")
		require.Contains(t, edit.body, "X-Team")
		owner.follow(t, owner.post(t, path, "url", inbox.URL+"/other", "description", "", "events", "message.status", "format", "switchhook", "period", "1s"))
		page = owner.get(t, path)
		require.Contains(t, page.body, "X-Team", "an empty field keeps the headers")
		require.Contains(t, page.body, "/other")
		require.NotContains(t, page.body, "30 per minute")

		stranger, _ := w.newBrowser(t, "stranger")
		require.Contains(t, stranger.get(t, "/app/webhooks").body, "No webhook yet")
		for _, below := range []string{"", "/edit", "/state", "/deliveries"} {
			require.Equal(t, http.StatusNotFound, stranger.get(t, path+below).status, below)
		}
		for _, below := range []string{"", "/secret", "/rotate", "/test", "/status", "/replay", "/delete"} {
			require.Equal(t, http.StatusNotFound, stranger.post(t, path+below, "status", "paused", "event", "message.received").status, below)
		}

		require.Contains(t, owner.follow(t, owner.post(t, path+"/delete")).body, "The webhook is deleted.")
		require.Equal(t, http.StatusNotFound, owner.get(t, path).status)
	})
}

func TestADeliveryShowsWhatWasSentWhatCameBackAndWhatToDo(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		owner, key := w.newBrowser(t, "acme")
		a := &tenant{world: w, key: key}
		require.Contains(t, owner.get(t, "/app/deliveries").body, "No delivery yet")
		inbox := newReceiver(t, func(rw http.ResponseWriter) {
			rw.WriteHeader(http.StatusBadGateway)
			_, _ = rw.Write([]byte(hostile))
		})
		hook := a.send(t, 201, "POST", "/v1/webhooks", `{"url":"`+inbox.URL+`/it's","events":["message.received"],"headers":{"X-Team":"top secret"}}`).text(t, "id")
		hears(t, w, key, hostile)
		eventually(t, "the delivery fails", func() bool {
			return strings.Contains(owner.get(t, "/app/deliveries/rows?status=failed", "HX-Request: true").body, `<tr data-variant="danger">`)
		})

		list := owner.get(t, "/app/deliveries?status=failed&webhookId="+hook+"&event=message.received&since=2020-01-01T10:00&zone=Europe/Berlin")
		require.Equal(t, http.StatusOK, list.status)
		require.Contains(t, list.body, `value="2020-01-01T10:00"`)
		require.Contains(t, list.body, `<option value="failed" selected>`)
		require.Contains(t, list.body, "Replay all failed of")
		path := regexp.MustCompile(`/app/deliveries/dlv_[0-9a-z]+`).FindString(list.body)
		require.Contains(t, owner.get(t, "/app/deliveries?until=2020-01-01T10:00").body, "No delivery matches")
		wrong := owner.get(t, "/app/deliveries?since=yesterday&status=odd")
		require.Equal(t, http.StatusUnprocessableEntity, wrong.status)
		require.Contains(t, wrong.body, `role="alert"`)

		page := owner.get(t, path)
		require.Equal(t, http.StatusOK, page.status)
		harmless(t, page)
		require.Contains(t, page.body, "Attempt 3")
		require.Contains(t, page.body, "502 Bad Gateway")
		require.Contains(t, page.body, "A proxy before the receiver does not reach it.")
		require.Contains(t, page.body, `\u202e`, "what hides is made visible")
		require.Contains(t, page.body, "webhook-signature")
		require.Contains(t, page.body, `it&#39;\&#39;&#39;s`, "quoted for a shell")
		require.NotContains(t, page.body, "top secret")

		stranger, _ := w.newBrowser(t, "stranger")
		require.Equal(t, http.StatusNotFound, stranger.get(t, path).status)
		require.Equal(t, http.StatusNotFound, stranger.get(t, path+"/state").status)
		require.Equal(t, http.StatusNotFound, stranger.post(t, path+"/replay").status)
		require.NotContains(t, stranger.get(t, "/app/deliveries?webhookId="+hook).body, "dlv_")

		inbox.answerWith(status(http.StatusOK))
		owner.get(t, path)
		require.Contains(t, owner.follow(t, owner.post(t, path+"/replay")).body, "The delivery is due again.")
		eventually(t, "it is delivered", func() bool {
			return strings.Contains(owner.get(t, path+"/state", "HX-Request: true").body, "Delivered</span>")
		})
		owner.get(t, "/app/webhooks/"+hook)
		again := owner.follow(t, owner.post(t, "/app/webhooks/"+hook+"/replay", "since", "2020-01-01T10:00", "zone", "Europe/Berlin", "status", "delivered"))
		require.Contains(t, again.body, "One delivery is due again.")
		require.Contains(t, owner.follow(t, owner.post(t, "/app/webhooks/"+hook+"/replay", "status", "both")).body, "There was nothing to replay.")
		refused := owner.post(t, "/app/webhooks/"+hook+"/replay", "since", "yesterday")
		require.Equal(t, http.StatusUnprocessableEntity, refused.status)
		require.Contains(t, refused.body, `value="yesterday"`)
	})
}

func TestEventsAreListedAsTextAndNoneIsLostWhileTheListIsOpen(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		owner, key := w.newBrowser(t, "acme")
		a := &tenant{world: w, key: key}
		require.Contains(t, owner.get(t, "/app/events").body, "Nothing has happened yet")
		channelID := hears(t, w, key, hostile)
		list := owner.get(t, "/app/events")
		harmless(t, list)
		rest := regexp.MustCompile(`/app/events/rows\?from=evt_[0-9a-z]+`).FindString(list.body)
		require.NotEmpty(t, rest)
		for range 60 {
			a.send(t, 201, "POST", "/v1/channels/"+channelID+"/simulate", `{"from":"15551234567","text":"more"}`)
		}
		grown := owner.get(t, rest, "HX-Request: true")
		require.Equal(t, 61, strings.Count(grown.body, `<tr id="evt_`), "all since the list was opened")
		require.Contains(t, grown.body, `hx-swap-oob="innerHTML"`, "the newest is announced")
		fresh := owner.get(t, "/app/events?event=message.received&channelId="+channelID)
		require.Equal(t, 50, strings.Count(fresh.body, `<tr id="evt_`))
		older := strings.ReplaceAll(regexp.MustCompile(`/app/events\?[^"]*cursor=[^"]+`).FindString(fresh.body), "&amp;", "&")
		require.Equal(t, 11, strings.Count(owner.get(t, older).body, `<tr id="evt_`))
		require.Contains(t, owner.get(t, "/app/events?event=session.qr").body, "No event matches")
		require.Equal(t, http.StatusBadRequest, owner.get(t, "/app/events?event=odd").status)

		path := strings.Replace(regexp.MustCompile(`from=evt_[0-9a-z]+`).FindString(rest), "from=", "/app/events/", 1)
		page := owner.get(t, path)
		require.Equal(t, http.StatusOK, page.status)
		harmless(t, page)
		require.Contains(t, page.body, "No webhook got it")

		stranger, _ := w.newBrowser(t, "stranger")
		require.Equal(t, http.StatusNotFound, stranger.get(t, path).status)
		require.NotContains(t, stranger.get(t, rest, "HX-Request: true").body, "evt_")
		require.NotContains(t, stranger.get(t, path+"/deliveries", "HX-Request: true").body, "dlv_")
	})
}

func TestCallbacksShowWhyTheyWereRefused(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		owner, key := w.newBrowser(t, "acme")
		a := &tenant{world: w, key: key}
		require.Contains(t, owner.get(t, "/app/callbacks").body, "No callback yet")
		channelID := a.channel(t, "sandbox", `{}`)
		require.Equal(t, http.StatusUnauthorized, w.call(t, "POST", "/callbacks/sandbox/"+channelID+"?token=hush", hostile, "X-Switchhook-Event: "+"<b>").status)
		path := ""
		eventually(t, "it is recorded", func() bool {
			path = regexp.MustCompile(`/app/callbacks/cb_[0-9a-z]+`).FindString(owner.get(t, "/app/callbacks/rows?channelId="+channelID, "HX-Request: true").body)
			return path != ""
		})
		list := owner.get(t, "/app/callbacks")
		harmless(t, list)
		require.Contains(t, list.body, "not signed by the provider")
		page := owner.get(t, path)
		require.Equal(t, http.StatusOK, page.status)
		harmless(t, page)
		require.Contains(t, page.body, "This callback was refused.")
		require.NotContains(t, page.body, "hush")
		require.Contains(t, owner.get(t, "/app/callbacks?signature=ok").body, "No callback matches")

		stranger, _ := w.newBrowser(t, "stranger")
		require.Equal(t, http.StatusNotFound, stranger.get(t, path).status)
		require.NotContains(t, stranger.get(t, "/app/callbacks?channelId="+channelID).body, "cb_")
	})
}
