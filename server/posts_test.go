package server_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/mastodon/mastodontest"
)

// queue makes a queue with a slot on every day.
func (a *tenant) queue(t *testing.T, channelIDs ...string) string {
	t.Helper()
	var slots []string
	for _, day := range []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} {
		slots = append(slots, `{"weekday":"`+day+`","time":"09:00"}`)
	}
	return a.send(t, 201, "POST", "/v1/queues", `{"name":"Daily","timeZone":"Europe/Berlin","slots":[`+strings.Join(slots, ",")+`],"channelIds":["`+
		strings.Join(channelIDs, `","`)+`"]}`).text(t, "id")
}

// incoming makes an incoming webhook.
func (a *tenant) incoming(t *testing.T, more string) reply {
	t.Helper()
	return a.send(t, 201, "POST", "/v1/incoming-webhooks", `{"name":"A tool",`+more+`}`)
}

func (a *tenant) mastodonChannel(t *testing.T, s *mastodontest.Server) string {
	t.Helper()
	return a.channel(t, "mastodon", `{"instanceUrl":"`+s.URL+`","username":"alice","accessToken":"`+mastodontest.Token+`"}`)
}

// settled waits until a post has a status and returns it.
func (a *tenant) settled(t *testing.T, postID, status string) reply {
	t.Helper()
	var r reply
	eventually(t, "the post is "+status, func() bool {
		r = a.send(t, 200, "GET", "/v1/posts/"+postID, "")
		return r.text(t, "status") == status
	})
	return r
}

// target returns a post's target on a channel.
func (r reply) target(t *testing.T, channelID string) map[string]any {
	t.Helper()
	targets, ok := r.field(t, "targets").([]any)
	require.True(t, ok)
	for _, one := range targets {
		if target, ok := one.(map[string]any); ok && target["channelId"] == channelID {
			return target
		}
	}
	require.Fail(t, "no target", "%s: %s", channelID, r.body)
	return nil
}

// subscribed makes a webhook of the SocialSyncer format for the events of posts.
func (a *tenant) subscribed(t *testing.T) (inbox *receiver, shown string) {
	t.Helper()
	inbox = newReceiver(t, status(200))
	shown = a.send(t, 201, "POST", "/v1/webhooks", `{"url":"`+inbox.URL+`","format":"socialsyncer","events":["post.scheduled","post.published","post.failed"]}`).text(t, "secret")
	return inbox, shown
}

// bodies returns what came in of an event in the SocialSyncer format.
func (r *receiver) bodies(eventType string) []delivered {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.got), func(d delivered) bool { return !strings.HasPrefix(string(d.body), `{"event":"`+eventType+`"`) })
}

// The verifiers of the SocialSyncer contract, as its document prints them, around the bytes that came in.
const (
	contractNode = `
const crypto = require("crypto");
function verifyWebhook(payload, signature, secret) {
const expected = crypto
.createHmac("sha256", secret)
.update(payload)
.digest("hex");
return crypto.timingSafeEqual(
Buffer.from(signature),
Buffer.from(expected)
);
}
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
const req = { headers: given.headers, body: JSON.parse(given.body) };
const signature = req.headers["x-socialapi-signature"];
if (!verifyWebhook(JSON.stringify(req.body), signature, given.secret)) { process.exit(1) }
const { event, data } = req.body;
if (event === "post.published") { console.log("Post published:", data.platformPostUrl); }`

	contractPython = `
import hmac
import hashlib
import json, sys
def verify_webhook(payload, signature, secret):
    expected = hmac.new(
        secret.encode(),
        payload.encode(),
        hashlib.sha256
    ).hexdigest()
    return hmac.compare_digest(signature, expected)
given = json.load(sys.stdin)
if not verify_webhook(given["body"], given["headers"]["x-socialsyncerapi-signature"], given["secret"]): sys.exit(1)
data = json.loads(given["body"])
if data["event"] == "post.published": print("Post published:", data["data"]["platformPostUrl"])`
)

// requireContractVerifies runs the contract's own receivers on a delivery of post.published.
func requireContractVerifies(t *testing.T, d delivered, shown, url string) {
	t.Helper()
	headers := map[string]string{}
	for name := range d.header {
		headers[strings.ToLower(name)] = d.header.Get(name)
	}
	input, err := json.Marshal(map[string]any{"body": string(d.body), "headers": headers, "secret": shown})
	require.NoError(t, err)
	for program, arguments := range map[string][]string{"node": {"-e", contractNode}, "python3": {"-c", contractPython}} {
		path, err := exec.LookPath(program)
		require.NoError(t, err, "the contract's verifiers need %s: scripts/services.sh installs it", program)
		command := exec.CommandContext(t.Context(), path, arguments...)
		command.Stdin = strings.NewReader(string(input))
		output, err := command.CombinedOutput()
		require.NoError(t, err, "%s: %s", program, output)
		require.Equal(t, "Post published: "+url, strings.TrimSpace(string(output)), program)
	}
}

func TestAPostIsPublishedAndToldInTheContractsFormat(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, fediverse := w.tenant(t, "ann"), mastodontest.New(t, w.parts.Now())
		channelID := a.mastodonChannel(t, fediverse)
		inbox, shown := a.subscribed(t)

		taken := a.send(t, 202, "POST", "/v1/posts", `{"title":"Not there","body":"<p>Hello <b>fediverse</b></p>","channelIds":["`+channelID+`"]}`)
		require.Contains(t, []any{"queued", "publishing", "published"}, taken.field(t, "status"))
		require.Equal(t, "title_left_out", taken.field(t, "warnings").([]any)[0].(map[string]any)["code"])
		p := a.settled(t, taken.text(t, "id"), "published")
		target := p.target(t, channelID)
		published := fediverse.Statuses()
		require.Len(t, published, 1)
		require.Equal(t, "Hello fediverse", published[0].Text)
		require.Equal(t, published[0].ID, target["platformPostId"])
		require.Equal(t, "mastodon", target["platform"])

		eventually(t, "the event arrives", func() bool { return len(inbox.bodies("post.published")) == 1 })
		told := inbox.bodies("post.published")[0]
		url, ok := target["url"].(string)
		require.True(t, ok)
		var body struct {
			Event, Timestamp string
			Data             map[string]any
		}
		require.NoError(t, json.Unmarshal(told.body, &body))
		require.True(t, strings.HasPrefix(string(told.body), fmt.Sprintf(`{"event":"post.published","timestamp":%q,"data":{"postId":%q,"platform":"mastodon","platformPostId":%q,"platformPostUrl":%q,"status":"published",`,
			body.Timestamp, p.text(t, "id"), published[0].ID, url)), "the contract's fields in the contract's order: %s", told.body)
		requireContractVerifies(t, told, shown, url)
		require.Empty(t, a.send(t, 200, "GET", "/v1/posts?status=failed", "").field(t, "data"))
		require.Len(t, a.send(t, 200, "GET", "/v1/posts?status=published", "").field(t, "data"), 1)
	})
}

func TestAllProblemsOfAllChannelsAreToldAtOnceAndNothingIsStored(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, fediverse := w.tenant(t, "ann"), mastodontest.New(t, w.parts.Now())
		masto, twilio := a.mastodonChannel(t, fediverse), a.twilioChannel(t, "twilio_sms")
		r := a.refused(t, 400, "invalid_field", "POST", "/v1/posts", `{"body":"`+strings.Repeat("x", 600)+`","overflow":"shorten","channelIds":["`+masto+`","`+twilio+`","chan_nobody"]}`)
		fields := map[string]bool{}
		for _, one := range r.field(t, "errors").([]any) {
			fields[one.(map[string]any)["field"].(string)] = true
		}
		for _, field := range []string{"overflow", "targets." + masto + ".body", "targets." + twilio, "targets.chan_nobody"} {
			require.True(t, fields[field], "%s: %s", field, r.body)
		}
		for body, code := range map[string]string{
			`{}`:           "invalid_field",
			`{"body":"x"}`: "required_field", `{"body":" \n","channelIds":["` + masto + `"]}`: "invalid_field",
			`{"body":"<p> </p>","channelIds":["` + masto + `"]}`:                                              "invalid_field",
			`{"body":"x","channelId":"` + masto + `"}`:                                                        "unknown_field",
			`{"body":"x","channelIds":["` + masto + `"],"publishAt":"tomorrow"}`:                              "invalid_field",
			`{"body":"x","channelIds":["` + masto + `"],"publishAt":"2099-01-01T00:00:00Z"}`:                  "invalid_field",
			`{"body":"x","channelIds":["` + masto + `","` + masto + `"]}`:                                     "invalid_field",
			`{"body":"x","channelIds":["` + masto + `"],"queueId":"que_x"}`:                                   "",
			`{"body":"x","channelIds":["` + masto + `"],"media":[{"url":"https://10.0.0.1/x"}]}`:              "invalid_url",
			`{"body":"x","channelIds":["` + masto + `"],"media":[{"id":"med_x"}]}`:                            "invalid_field",
			`{"body":"x","channelIds":["` + masto + `"],"media":[{}]}`:                                        "invalid_field",
			`{"body":"x","channelIds":["` + masto + `"],"overrides":{"chan_x":{"body":"y"}}}`:                 "invalid_field",
			`{"body":"x","channelIds":["` + masto + `"],"overrides":{"` + masto + `":{"text":"y"}}}`:          "unknown_field",
			`{"body":"x","channelIds":["` + masto + `"],"overrides":{"` + masto + `":{"options":{"a":"b"}}}}`: "invalid_field",
		} {
			r := a.call(t, "POST", "/v1/posts", body, "X-Api-Key: "+a.key)
			require.GreaterOrEqual(t, r.status, 400, "%s: %s", body, r.body)
			require.Less(t, r.status, 500, "%s: %s", body, r.body)
			if code != "" {
				require.Equal(t, code, r.text(t, "code"), "%s: %s", body, r.body)
			}
		}
		require.Empty(t, a.send(t, 200, "GET", "/v1/posts", "").field(t, "data"))
		require.Empty(t, a.send(t, 200, "GET", "/v1/events?event=post.failed", "").field(t, "data"))
		require.Empty(t, fediverse.Statuses())
	})
}

func TestAPostIsChangedAndCancelledUntilItGoesOut(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, fediverse := w.tenant(t, "ann"), mastodontest.New(t, w.parts.Now())
		masto, sandbox := a.mastodonChannel(t, fediverse), a.channel(t, "sandbox", `{}`)
		inbox, _ := a.subscribed(t)
		draft := a.send(t, 202, "POST", "/v1/posts", `{"body":"One","channelIds":["`+masto+`"],"draft":true}`)
		require.Equal(t, "draft", draft.text(t, "status"))
		path := "/v1/posts/" + draft.text(t, "id")
		at := w.parts.Now().UTC().AddDate(0, 1, 0).Format("2006-01-02T15:04:05.000Z")
		changed := a.send(t, 200, "PATCH", path, `{"body":"Two","channelIds":["`+masto+`","`+sandbox+`"],"publishAt":"`+at+`","draft":false,"overrides":{"`+masto+`":{"body":"Zwei","options":{"visibility":"unlisted"}}}}`)
		require.Equal(t, "scheduled", changed.text(t, "status"))
		require.Equal(t, at, changed.text(t, "publishAt"))
		eventually(t, "both are told as scheduled", func() bool { return len(inbox.bodies("post.scheduled")) == 2 })
		require.Contains(t, string(inbox.bodies("post.scheduled")[0].body), `"scheduledAt":"`+at+`"`)

		again := a.send(t, 200, "PATCH", path, `{"title":"Title"}`)
		require.Equal(t, "Two", again.text(t, "body"), "what is not named stays")
		require.Equal(t, at, again.text(t, "publishAt"))
		require.Equal(t, map[string]any{"body": "Zwei", "options": map[string]any{"visibility": "unlisted"}}, again.target(t, masto)["override"])
		fewer := a.send(t, 200, "PATCH", path, `{"channelIds":["`+sandbox+`"]}`)
		require.Len(t, fewer.field(t, "targets"), 1, "its override went with the channel")
		require.Equal(t, "cancelled", a.send(t, 200, "DELETE", path, "").text(t, "status"))
		require.Equal(t, "cancelled", a.send(t, 200, "DELETE", path, "").text(t, "status"), "again changes nothing")
		a.refused(t, 409, "conflict", "PATCH", path, `{"body":"Three"}`)
		a.refused(t, 409, "conflict", "POST", path+"/retry", `{}`)

		now := a.send(t, 202, "POST", "/v1/posts", `{"body":"Now","channelIds":["`+masto+`"]}`).text(t, "id")
		a.settled(t, now, "published")
		a.refused(t, 409, "conflict", "DELETE", "/v1/posts/"+now, "")
		a.refused(t, 409, "conflict", "PATCH", "/v1/posts/"+now, `{"body":"Later"}`)
		require.Len(t, fediverse.Statuses(), 1)
	})
}

func TestWhatFailsIsToldAndTriedAgainByRequestOnly(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, fediverse := w.tenant(t, "ann"), mastodontest.New(t, w.parts.Now())
		masto, sandbox := a.mastodonChannel(t, fediverse), a.channel(t, "sandbox", `{}`)
		inbox, _ := a.subscribed(t)
		fediverse.Refuse("/api/v1/statuses", 422, "Validation failed: Text is not welcome")
		id := a.send(t, 202, "POST", "/v1/posts", `{"body":"Hello","channelIds":["`+masto+`","`+sandbox+`"]}`).text(t, "id")
		p := a.settled(t, id, "partial")
		require.Equal(t, "failed", p.target(t, masto)["status"])
		require.Contains(t, p.target(t, masto)["error"].(map[string]any)["message"], "refuses")
		require.Equal(t, "published", p.target(t, sandbox)["status"])
		eventually(t, "the failure is told", func() bool { return len(inbox.bodies("post.failed")) == 1 })
		require.Contains(t, string(inbox.bodies("post.failed")[0].body), `"error":{`)

		headers := "Idempotency-Key: again"
		a.send(t, 202, "POST", "/v1/posts/"+id+"/retry", `{}`, headers)
		a.settled(t, id, "published")
		require.Equal(t, "true", a.send(t, 202, "POST", "/v1/posts/"+id+"/retry", `{}`, headers).header.Get("Idempotency-Replayed"))
		a.refused(t, 409, "conflict", "POST", "/v1/posts/"+id+"/retry", `{}`)
		require.Len(t, fediverse.Statuses(), 1)
	})
}

func TestTheSameIdempotencyKeyMakesOnePost(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, fediverse := w.tenant(t, "ann"), mastodontest.New(t, w.parts.Now())
		body := `{"body":"Once","channelIds":["` + a.mastodonChannel(t, fediverse) + `"]}`
		first := a.send(t, 202, "POST", "/v1/posts", body, "Idempotency-Key: one")
		again := a.send(t, 202, "POST", "/v1/posts", body, "Idempotency-Key: one")
		require.Equal(t, string(first.body), string(again.body))
		a.refused(t, 409, "idempotency_conflict", "POST", "/v1/posts", strings.Replace(body, "Once", "Twice", 1), "Idempotency-Key: one")
		a.settled(t, first.text(t, "id"), "published")
		require.Len(t, fediverse.Statuses(), 1)
	})
}

func TestADeletedChannelBreaksNoPost(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		kept, gone := a.channel(t, "sandbox", `{"number":"15550001111"}`), a.channel(t, "sandbox", `{"number":"15550002222"}`)
		at := w.parts.Now().UTC().AddDate(0, 1, 0).Format("2006-01-02T15:04:05.000Z")
		id := a.send(t, 202, "POST", "/v1/posts", `{"body":"Hello","channelIds":["`+kept+`","`+gone+`"],"publishAt":"`+at+`"}`).text(t, "id")
		a.send(t, 204, "DELETE", "/v1/channels/"+gone, "")
		p := a.send(t, 200, "GET", "/v1/posts/"+id, "")
		require.Empty(t, p.target(t, gone)["platform"])
		require.Len(t, a.send(t, 200, "GET", "/v1/posts", "").field(t, "data"), 1)
		a.send(t, 200, "PATCH", "/v1/posts/"+id, `{"channelIds":["`+kept+`"],"publishAt":"2026-01-01T00:00:00Z"}`)
		a.settled(t, id, "published")
	})
}
