package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/mastodon/mastodontest"
	"github.com/switchhook/switchhook/server"
)

// property is one of everything that an account can have.
type property struct{ channel, contact, webhook, event, delivery, message, key, imported, session, post, queue, incoming, connection, member, invite, login, called string }

func (a *tenant) property(t *testing.T) property {
	t.Helper()
	var p property
	p.session = a.session(t)
	p.channel = a.channel(t, "sandbox", `{"number":"15550001111"}`)
	p.contact = fmt.Sprint(a.send(t, 201, "POST", "/v1/contacts", `{"name":"Eve","phone_number":"15551234567"}`).field(t, "id"))
	inbox := newReceiver(t, status(200))
	p.webhook, _ = a.webhook(t, inbox.URL, "")
	p.message = a.send(t, 201, "POST", "/v1/channels/"+p.channel+"/simulate", `{"from":"15551234567","text":"Hi"}`).text(t, "id")
	p.event = a.first(t, "/v1/events?event=message.received", "")
	p.delivery = a.first(t, "/v1/deliveries", "")
	p.key = a.first(t, "/v1/keys", a.token)
	p.member = a.first(t, "/v1/members", a.token)
	p.invite = a.call(t, "POST", "/v1/invites", `{}`, a.token).text(t, "id")
	p.login = a.dashboard(t)
	p.queue = a.queue(t, p.channel)
	p.post = a.send(t, 202, "POST", "/v1/posts", `{"body":"Hello","queueId":"`+p.queue+`"}`).text(t, "id")
	p.incoming = a.incoming(t, `"queueId":"`+p.queue+`"`).text(t, "id")
	require.Equal(t, 401, a.call(t, "POST", "/callbacks/sandbox/"+p.channel, `{"private":"call"}`).status)
	eventually(t, "the callback is recorded", func() bool { return len(a.send(t, 200, "GET", "/v1/callbacks", "").field(t, "data").([]any)) == 1 })
	p.called = a.first(t, "/v1/callbacks", "")
	p.connection = a.connect(t, mastodontest.New(t, time.Now()), "").text(t, "id")
	p.imported = a.send(t, 202, "POST", "/v1/contacts/import", "phone_number\n15551234567\n", "Content-Type: text/csv").text(t, "id")
	eventually(t, "the delivery is over", func() bool { return len(inbox.of("message.received")) == 1 })
	return p
}

// first returns the id of the newest row of a list.
func (a *tenant) first(t *testing.T, path, credential string) string {
	t.Helper()
	if credential == "" {
		credential = "X-Api-Key: " + a.key
	}
	rows, ok := a.call(t, "GET", path, "", credential).field(t, "data").([]any)
	require.True(t, ok && len(rows) > 0, path)
	row, ok := rows[0].(map[string]any)
	require.True(t, ok)
	return fmt.Sprint(row["id"])
}

// id returns which of the properties a path of the route table means; "" where its parameter is no id of an account's.
func (p property) id(path string) string {
	for prefix, id := range map[string]string{
		"/v1/connections/:id": p.connection, "/v1/callbacks/:id": p.called,
		"/v1/channels/:id": p.channel, "/v1/contacts/:id": p.contact, "/v1/contacts/imports/:id": p.imported, "/v1/webhooks/:id": p.webhook, "/v1/events/:id": p.event,
		"/v1/deliveries/:id": p.delivery, "/v1/messages/:id": p.message, "/v1/keys/:id": p.key,
		"/v1/members/:id": p.member, "/v1/invites/:id": p.invite, "/v1/logins/:id": p.login,
		"/v1/sessions/:id": p.session, "/v1/posts/:id": p.post, "/v1/queues/:id": p.queue, "/v1/incoming-webhooks/:id": p.incoming,
	} {
		if strings.HasPrefix(path, prefix) {
			return id
		}
	}
	return ""
}

// body returns a body that a route takes from its owner.
func bodyFor(r server.RouteForTest) string {
	switch r.Method + " " + r.Path {
	case "PATCH /v1/channels/:id", "PATCH /v1/contacts/:id", "PATCH /v1/sessions/:id", "PATCH /v1/queues/:id", "PATCH /v1/incoming-webhooks/:id":
		return `{"name":"taken over"}`
	case "PATCH /v1/members/:id":
		return `{"role":"member"}`
	case "PATCH /v1/webhooks/:id":
		return `{"description":"taken over"}`
	case "PATCH /v1/posts/:id":
		return `{"body":"taken over"}`
	case "POST /v1/posts/:id/retry":
		return `{"unconfirmed":true}`
	case "POST /v1/queues/:id/reorder":
		return `{"postIds":["post_01kaj5v0x7p3k6m8q1s4u7w9y2"]}`
	case "POST /v1/sessions/:id/pair":
		return `{"phoneNumber":"15559876543"}`
	case "POST /v1/sessions/:id/passkey":
		return `{"response":{}}`
	case "POST /v1/sessions/:id/check-numbers":
		return `{"numbers":["15551234567"]}`
	case "POST /v1/sessions/:id/read":
		return `{"messageIds":["msg_01kaj5v0x7r5t3v1x9z7b5d3f1"]}`
	case "POST /v1/channels/:id/simulate":
		return `{"from":"15551234567","text":"taken over"}`
	}
	return ""
}

func TestAnotherAccountsThingsAreNotFoundOnAnyRoute(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		owner, intruder := w.tenant(t, "ann"), w.tenant(t, "bob")
		mine := owner.property(t)
		walked := 0
		for _, r := range w.server.RoutesForTest() {
			if !strings.Contains(r.Path, ":id") {
				continue
			}
			walked++
			id := mine.id(r.Path)
			require.NotEmpty(t, id, "%s: a new route needs its property here", r.Path)
			credential := "X-Api-Key: " + intruder.key
			if r.UserOnly {
				credential = intruder.token
			}
			for _, foreign := range []string{id, strings.ToUpper(id), id + "x", "%00", strings.Repeat("9", 300)} {
				answer := w.call(t, r.Method, strings.Replace(r.Path, ":id", foreign, 1), bodyFor(r), credential)
				require.Equal(t, 404, answer.status, "%s %s: %s", r.Method, r.Path, answer.body)
				require.Equal(t, "not_found", answer.text(t, "code"))
			}
		}
		require.GreaterOrEqual(t, walked, 20)
		for path, code := range map[string]string{
			"/v1/messages": `{"channelId":"` + mine.channel + `","to":"15551234567","text":"x"}`,
			"/v1/posts":    `{"channelIds":["` + mine.channel + `"],"body":"x"}`,
			"/api/v1/outbound/" + intruder.id + "/send": `{"platform":"sandbox","channel_id":"` + mine.channel + `","to":"15551234567","message_text":"x"}`,
		} {
			intruder.refused(t, 404, "not_found", "POST", path, code)
		}
		intruder.refused(t, 404, "not_found", "POST", "/v1/messages", `{"sessionId":"`+mine.session+`","to":"15551234567","text":"x"}`)
		intruder.refused(t, 400, "invalid_field", "POST", "/v1/webhooks", `{"url":"https://x.example/","events":["message.received"],"channelIds":["`+mine.channel+`"]}`)
		intruder.refused(t, 404, "not_found", "POST", "/v1/posts", `{"queueId":"`+mine.queue+`","body":"x"}`)
		intruder.refused(t, 400, "invalid_field", "POST", "/v1/incoming-webhooks", `{"name":"x","queueId":"`+mine.queue+`"}`)
		intruder.refused(t, 400, "invalid_field", "POST", "/v1/incoming-webhooks", `{"name":"x","channelIds":["`+mine.channel+`"]}`)
		intruder.refused(t, 400, "invalid_field", "POST", "/v1/queues", `{"name":"x","timeZone":"UTC","slots":[{"weekday":"mon","time":"09:00"}],"channelIds":["`+mine.channel+`"]}`)
		intruder.refused(t, 401, "unauthorized", "POST", "/api/v1/outbound/"+owner.id+"/send", `{"platform":"sandbox","to":"15551234567","message_text":"x"}`)
		for _, list := range []string{
			"channels", "channels?cursor=" + mine.channel, "posts?cursor=" + mine.post, "posts?queueId=" + mine.queue, "queues?cursor=" + mine.queue,
			"incoming-webhooks", "sessions", "sessions?cursor=" + mine.session, "contacts", "webhooks", "events", "deliveries", "messages", "events?channelId=" + mine.channel, "deliveries?webhookId=" + mine.webhook,
			"deliveries?eventId=" + mine.event, "messages?channelId=" + mine.channel, "messages?cursor=" + mine.message, "events?cursor=" + mine.event,
			"conversations", "conversations?channelId=" + mine.channel, "webhooks/stats", "callbacks", "callbacks?channelId=" + mine.channel, "callbacks?cursor=" + mine.called,
		} {
			require.Empty(t, intruder.send(t, 200, "GET", "/v1/"+list, "").field(t, "data"), list)
		}
		for _, list := range []string{"members?cursor=" + mine.member, "invites", "invites?cursor=" + mine.invite, "logins", "logins?cursor=" + mine.login} {
			shown := string(w.ask(t, 200, intruder.token, "GET", "/v1/"+list, "").body)
			for _, id := range []string{mine.member, mine.invite, mine.login} {
				require.NotContains(t, shown, id, list)
			}
		}
		left := property{
			owner.first(t, "/v1/channels", ""), owner.first(t, "/v1/contacts", ""), owner.first(t, "/v1/webhooks", ""), owner.first(t, "/v1/events?event=message.received", ""),
			owner.first(t, "/v1/deliveries", ""), owner.first(t, "/v1/messages", ""), owner.first(t, "/v1/keys", owner.token),
			owner.send(t, 200, "GET", "/v1/contacts/imports/"+mine.imported, "").text(t, "id"), owner.first(t, "/v1/sessions", ""),
			owner.first(t, "/v1/posts?status=queued", ""), owner.first(t, "/v1/queues", ""), owner.first(t, "/v1/incoming-webhooks", ""),
			owner.send(t, 200, "GET", "/v1/connections/"+mine.connection, "").text(t, "id"),
			owner.first(t, "/v1/members", owner.token), owner.first(t, "/v1/invites", owner.token), owner.first(t, "/v1/logins", owner.token),
			owner.first(t, "/v1/callbacks", ""),
		}
		require.Equal(t, mine, left, "nothing of the owner's has changed")
		for _, path := range []string{
			"/v1/channels/" + mine.channel, "/v1/sessions/" + mine.session, "/v1/posts/" + mine.post, "/v1/queues/" + mine.queue, "/v1/incoming-webhooks/" + mine.incoming,
		} {
			require.NotContains(t, string(owner.send(t, 200, "GET", path, "").body), "taken over")
		}
		own := intruder.channel(t, "sandbox", `{"number":"15550002222"}`)
		theirs := intruder.queue(t, own)
		intruder.refused(t, 400, "invalid_field", "POST", "/v1/queues/"+theirs+"/reorder", `{"postIds":["`+mine.post+`"]}`)
		intruder.refused(t, 409, "conflict", "POST", "/v1/posts/"+intruder.send(t, 202, "POST", "/v1/posts", `{"queueId":"`+theirs+`","body":"x"}`).text(t, "id")+"/retry", `{}`)
	})
}

func TestEachRouteAsksForItsCredential(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	asked := 0
	for _, r := range w.server.RoutesForTest() {
		if r.Public {
			continue
		}
		if asked++; asked%30 == 0 { // so many wrong credentials are throttled
			w = newWorld(t, "sqlite")
			a = w.tenant(t, "ann")
		}
		path := strings.NewReplacer(":userID", a.id, ":event", "message.received", ":id", "x").Replace(r.Path)
		key := "X-Api-Key: " + a.key
		for _, credential := range []string{
			"", "X-Api-Key: ", "X-Api-Key: sk_live_" + strings.Repeat("0", 64), "X-Api-Key: ' OR 1=1", "Authorization: Bearer x.y.z", "Authorization: " + a.key,
			a.token + "x", "X-Api-Key: " + a.key[:len(a.key)-1], "Cookie: token=" + a.key,
		} {
			answer := w.call(t, r.Method, path, "", credential)
			require.Equal(t, 401, answer.status, "%s %s with %q: %s", r.Method, path, credential, answer.body)
			require.NotEmpty(t, answer.header.Get("WWW-Authenticate"))
			require.NotContains(t, string(answer.body), a.key)
		}
		switch {
		case r.UserOnly:
			require.Equal(t, 403, w.call(t, r.Method, path, "", key).status, path)
		case r.KeyOnly:
			answer := w.call(t, r.Method, path, "", a.token)
			require.Equal(t, 401, answer.status, path)
			require.Equal(t, "key_required", answer.text(t, "code"))
		default:
			for _, credential := range []string{key, a.token, "Authorization: Bearer " + a.key} {
				answer := w.call(t, r.Method, path, "", credential)
				require.NotContains(t, []int{401, 403}, answer.status, path)
				require.NotEmpty(t, answer.header.Get("X-RateLimit-Remaining"), path)
			}
		}
	}
}

func TestWhatIsNotInTheTableIsNotFoundOrNotAllowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	allowed := map[string][]string{}
	for _, r := range w.server.RoutesForTest() {
		allowed[r.Path] = append(allowed[r.Path], r.Method)
		if r.Method == "GET" {
			allowed[r.Path] = append(allowed[r.Path], "HEAD")
		}
	}
	for path, methods := range allowed {
		plain := strings.NewReplacer(":userID", "u", ":event", "e", ":id", "x", ":connector", "c", ":channelID", "x", ":token", "t", ":file", "f").Replace(path)
		for _, method := range []string{"PUT", "OPTIONS", "TRACE"} {
			answer := w.call(t, method, plain, "")
			require.Equal(t, 405, answer.status, "%s %s", method, plain)
			require.Equal(t, strings.Join(methods, ", "), answer.header.Get("Allow"), plain)
			require.Equal(t, "method_not_allowed", answer.text(t, "code"))
		}
		if slices.Contains(methods, "GET") {
			require.NotEqual(t, 405, w.head(t, plain).StatusCode, plain)
		}
	}
	require.Equal(t, 405, w.call(t, "PUT", "/v1/webhooks/settings", "").status)
	for _, path := range []string{"/v2/messages", "/v1", "/v1/", "/v1/messages/x/y", "/V1/me", "/api/v1/outbound/send", "/callbacks", "/v1/../metrics/x", "//v1/me"} {
		answer := w.call(t, "GET", path, "")
		require.Equal(t, 404, answer.status, path)
		require.Equal(t, "route_not_found", answer.text(t, "code"))
	}
	require.Equal(t, 401, w.call(t, "GET", "/v1/me/", "").status, "a slash at the end changes nothing")
	require.Equal(t, 200, w.head(t, "/healthz").StatusCode)
}

// head makes a HEAD request, whose answers openapi.yaml does not describe.
func (w *world) head(t *testing.T, path string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodHead, w.url+path, nil)
	require.NoError(t, err)
	response, err := w.client.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.NotEmpty(t, response.Header.Get("X-Request-Id"))
	return response
}
