package server_test

import (
	"encoding/base64"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/discord/discordtest"
	"github.com/switchhook/switchhook/connectors/mastodon/mastodontest"
)

// picture returns a PNG of one pixel.
func picture(t *testing.T) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
	require.NoError(t, err)
	return raw
}

// curl runs the real curl, as PHP's does with CURLOPT_POSTFIELDS, and returns the status and the body of the answer.
func curl(t *testing.T, arguments ...string) (status, body string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "curl", append([]string{"-sS", "--max-time", "30", "-w", "\n%{http_code}"}, arguments...)...)
	output, err := command.Output()
	require.NoError(t, err)
	end := strings.LastIndex(string(output), "\n")
	return string(output[end+1:]), string(output[:end])
}

// path is the part of an incoming webhook's address behind the server's.
func (a *tenant) path(t *testing.T, incoming reply) string {
	t.Helper()
	path, found := strings.CutPrefix(incoming.text(t, "url"), a.url)
	require.True(t, found)
	require.Regexp(t, `^/hooks/[A-Za-z0-9_-]{43}$`, path)
	return path
}

func TestTheContractsRequestsArePublishedAtOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, fediverse := w.tenant(t, "ann"), mastodontest.New(t, w.parts.Now())
		masto := a.mastodonChannel(t, fediverse)
		discord := a.channel(t, "discord", `{"webhookUrl":"`+discordtest.WebhookURL+`"}`)
		inbox, shown := a.subscribed(t)
		hook := a.incoming(t, `"channelIds":["`+masto+`","`+discord+`"]`)
		require.Equal(t, "1h", hook.text(t, "rateLimit", "period"))
		path := a.path(t, hook)

		text := w.call(t, "POST", path, `{
  "title": "Nam auctor porta nisi, ut rutrum enim dignissim et.",
  "body": "Lorem ipsum dolor sit amet, consectetur adipiscing elit. Sed non nisl sit amet ligula faucibus placerat."
}`)
		require.Equal(t, 202, text.status, "%s", text.body)
		require.Equal(t, []string{"60", "59"}, []string{text.header.Get("X-RateLimit-Limit"), text.header.Get("X-RateLimit-Remaining")})
		a.settled(t, text.text(t, "id"), "published")

		file := filepath.Join(t.TempDir(), "file_name.png")
		require.NoError(t, os.WriteFile(file, picture(t), 0o600))
		code, body := curl(t, hook.text(t, "url"), "-F", "media_file=@"+file, "-F", `json_payload={"title":"The post title", "body":"The <b>post</b> body"}`)
		require.Equal(t, "202", code, "the file stands before the text, as in the contract's example: %s", body)
		p := a.settled(t, reply{body: []byte(body)}.text(t, "id"), "published")
		require.Equal(t, hook.text(t, "id"), p.text(t, "origin"))

		statuses := fediverse.Statuses()
		require.Len(t, statuses, 2)
		require.True(t, strings.HasPrefix(statuses[0].Text, "Lorem ipsum dolor sit amet"))
		require.Equal(t, "The post body", statuses[1].Text)
		require.Len(t, statuses[1].MediaIDs, 1)
		require.Equal(t, "image/png", fediverse.Uploads()[0].ContentType)
		require.Len(t, w.discord.Messages(), 2)
		require.Len(t, w.discord.Messages()[1].Files, 1)

		eventually(t, "all four are told", func() bool { return len(inbox.bodies("post.published")) == 4 })
		for _, told := range inbox.bodies("post.published") {
			if strings.Contains(string(told.body), statuses[1].ID) {
				url, _ := p.target(t, masto)["url"].(string)
				requireContractVerifies(t, told, shown, url)
			}
		}
		require.NotNil(t, a.send(t, 200, "GET", "/v1/incoming-webhooks/"+hook.text(t, "id"), "").field(t, "lastUsedAt"))
	})
}

func TestAnIncomingWebhookFillsTheEndOfItsQueue(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		channelID := a.channel(t, "sandbox", `{}`)
		queue := a.queue(t, channelID)
		path := a.path(t, a.incoming(t, `"queueId":"`+queue+`"`))
		var ids []string
		var last string
		for range 3 {
			r := w.call(t, "POST", path, `{"body":"Later"}`)
			require.Equal(t, 202, r.status, "%s", r.body)
			require.Equal(t, "queued", r.text(t, "status"))
			require.Greater(t, r.text(t, "slotAt"), last)
			last, ids = r.text(t, "slotAt"), append(ids, r.text(t, "id"))
		}
		waiting := func(r reply) (ids []string) {
			for _, turn := range r.field(t, "data").([]any) {
				for _, post := range turn.(map[string]any)["posts"].([]any) {
					ids = append(ids, post.(map[string]any)["id"].(string))
				}
			}
			return ids
		}
		preview := "/v1/queues/" + queue + "/preview"
		require.Equal(t, ids, waiting(a.send(t, 200, "GET", preview+"?limit=5", "")))
		reordered := a.send(t, 200, "POST", "/v1/queues/"+queue+"/reorder", `{"postIds":["`+ids[2]+`","`+ids[0]+`"]}`)
		require.Equal(t, []string{ids[2], ids[1], ids[0]}, waiting(reordered))
		a.refused(t, 400, "invalid_field", "GET", preview+"?limit=0", "")
		require.Equal(t, "paused", a.send(t, 200, "PATCH", "/v1/queues/"+queue, `{"status":"paused"}`).text(t, "status"))
		require.Len(t, a.send(t, 200, "GET", "/v1/posts?queueId="+queue, "").field(t, "data"), 3)
		before := a.send(t, 200, "GET", "/v1/posts/"+ids[1], "").text(t, "slotAt")
		require.Equal(t, before, a.send(t, 200, "PATCH", "/v1/posts/"+ids[1], `{"body":"Better"}`).text(t, "slotAt"), "an edit keeps its place")
		other := a.send(t, 202, "POST", "/v1/posts", `{"body":"x","channelIds":["`+channelID+`"],"draft":true}`).text(t, "id")
		require.NotEmpty(t, a.send(t, 200, "PATCH", "/v1/posts/"+other, `{"queueId":"`+queue+`","draft":false}`).text(t, "slotAt"))
		require.Nil(t, a.send(t, 200, "PATCH", "/v1/posts/"+other, `{"channelIds":["`+channelID+`"]}`).field(t, "queueId"))
		a.settled(t, other, "published")
		a.send(t, 200, "DELETE", "/v1/posts/"+ids[1], "")
		require.Equal(t, []string{ids[2], ids[0]}, waiting(a.send(t, 200, "GET", preview, "")))
		a.refused(t, 409, "conflict", "DELETE", "/v1/queues/"+queue, "")
		a.send(t, 204, "DELETE", "/v1/queues/"+queue+"?force=true", "")
		require.Equal(t, "cancelled", a.send(t, 200, "GET", "/v1/posts/"+ids[0], "").text(t, "status"))
		gone := w.call(t, "POST", path, `{"body":"Nowhere"}`)
		require.Equal(t, 400, gone.status)
		require.Equal(t, "channel_not_connected", gone.text(t, "code"), "the address is right, what it leads to is gone")
	})
}

func TestEveryAnswerOfAnIncomingWebhookTellsItsOwnLimit(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		channelID := a.channel(t, "sandbox", `{}`)
		path := a.path(t, a.incoming(t, `"channelIds":["`+channelID+`"],"rateLimit":{"limit":4,"period":"1h"}`))
		other := a.path(t, a.incoming(t, `"channelIds":["`+channelID+`"]`))
		for i, c := range []struct {
			body, header string
			status       int
		}{{`{"body":"x"}`, "", 202}, {`{"body":""}`, "", 400}, {`{"body":"x"}`, "Content-Type: text/plain", 415}, {`x`, "Content-Type: multipart/form-data", 400}, {`{"body":"x"}`, "", 429}} {
			r := w.call(t, "POST", path, c.body, c.header)
			require.Equal(t, c.status, r.status, "%s", r.body)
			require.Equal(t, "4", r.header.Get("X-RateLimit-Limit"))
			require.Equal(t, strconv.Itoa(max(0, 3-i)), r.header.Get("X-RateLimit-Remaining"))
			reset, err := strconv.ParseInt(r.header.Get("X-RateLimit-Reset"), 10, 64)
			require.NoError(t, err)
			require.InDelta(t, time.Now().Add(time.Hour).Unix(), reset, 60)
			if c.status == 429 {
				require.Equal(t, "You are being rate limited.", r.text(t, "message"))
				require.InDelta(t, 3600, r.field(t, "retry_after"), 60)
				require.NotEmpty(t, r.header.Get("Retry-After"))
			}
		}
		require.Equal(t, 202, w.call(t, "POST", other, `{"body":"x"}`).status, "each has a limit of its own")
	})
}

func TestABodyThatIsNotReadToItsEndCountsAndIsToldTheLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	path := a.path(t, a.incoming(t, `"channelIds":["`+a.channel(t, "sandbox", `{}`)+`"],"rateLimit":{"limit":1,"period":"1h"}`))
	// Less than 8 MiB: of more, the server leaves a rest unread, and the client may find its line cut before it has read the answer.
	huge := `{"body":"` + strings.Repeat("x", 3<<20) + `"}`
	for _, status := range []int{413, 429} {
		r := w.call(t, "POST", path, huge)
		require.Equal(t, status, r.status, "%s", r.body)
		require.Equal(t, []string{"1", "0"}, []string{r.header.Get("X-RateLimit-Limit"), r.header.Get("X-RateLimit-Remaining")})
	}
	require.Equal(t, 404, w.call(t, "POST", "/hooks/x", huge).status)
}

func TestADeletedIncomingWebhookIsNotFoundAtOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		hook := a.incoming(t, `"channelIds":["`+a.channel(t, "sandbox", `{}`)+`"]`)
		id, old := "/v1/incoming-webhooks/"+hook.text(t, "id"), a.path(t, hook)
		require.Equal(t, hook.text(t, "url"), a.send(t, 200, "GET", id, "").text(t, "url"), "its address can be seen again")
		renewed := a.path(t, a.send(t, 200, "POST", id+"/rotate", ""))
		require.NotEqual(t, old, renewed)
		require.Equal(t, 202, w.call(t, "POST", renewed, `{"body":"x"}`).status)
		changed := a.send(t, 200, "PATCH", id, `{"name":"Another","rateLimit":{"limit":5,"period":"90m"}}`)
		require.Equal(t, "1h30m", changed.text(t, "rateLimit", "period"))
		require.Equal(t, renewed, a.path(t, changed))
		a.send(t, 204, "DELETE", id, "")
		for _, path := range []string{old, renewed, "/hooks/x", "/hooks/" + strings.Repeat("A", 43), "/hooks/%ff"} {
			r := w.call(t, "POST", path, `{"body":"x"}`)
			require.Equal(t, 404, r.status, path)
		}
		for _, body := range []string{
			`{}`, `{"name":"x"}`, `{"name":"x","channelIds":[]}`, `{"name":"","channelIds":["x"]}`, `{"name":"x","channelIds":["x"],"queueId":"y"}`,
			`{"name":"x","queueId":"que_x"}`, `{"name":"x","channelIds":["` + a.twilioChannel(t, "twilio_sms") + `"]}`,
			`{"name":"x","queueId":"que_x","rateLimit":{"limit":0,"period":"1h"}}`, `{"name":"x","queueId":"que_x","rateLimit":{"limit":1,"period":"hour"}}`,
		} {
			require.Equal(t, 400, a.call(t, "POST", "/v1/incoming-webhooks", body, "X-Api-Key: "+a.key).status, body)
		}
		require.Empty(t, a.send(t, 200, "GET", "/v1/incoming-webhooks", "").field(t, "data"))
	})
}

func TestPlainHTTPIsRefusedWhereTheServerIsReachedByHTTPS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	path := a.path(t, a.incoming(t, `"channelIds":["`+a.channel(t, "sandbox", `{}`)+`"]`))
	w.server.BaseURL = "https://hooks.example.com"
	for header, status := range map[string]int{
		"": 403, "X-Forwarded-Proto: http": 403, "X-Forwarded-Proto: http, https": 403, "X-Forwarded-Proto: https": 202, "X-Forwarded-Proto: HTTPS, http": 202,
	} {
		r := w.call(t, "POST", path, `{"body":"x"}`, header)
		require.Equal(t, status, r.status, "%q: %s", header, r.body)
		require.NotEmpty(t, r.header.Get("X-RateLimit-Limit"))
		if status == http.StatusForbidden {
			require.Equal(t, "https_required", r.text(t, "code"))
			require.Contains(t, r.text(t, "message"), "https://hooks.example.com")
		}
	}
}
