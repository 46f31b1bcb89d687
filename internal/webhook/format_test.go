package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/webhook"
)

// nasty holds what writers of JSON write in different ways.
const nasty = "<b>&amp;</b> \u2028\u2029 \\u2028 \"quoted\" \b\f\n\r\t\x01\x1f\x7f / 😀 ä \uFFFD"

func noon() time.Time { return time.Date(2026, 6, 29, 14, 21, 7, 412e6, time.UTC) }

// received is an event with everything that an inbound message can have.
func received(t *testing.T) *store.Event {
	t.Helper()
	data, err := event.Marshal(event.MessageData{
		ID: "msg_1", ChannelID: "chan_1", From: "15551234567", PushName: nasty, Type: "text", Text: nasty, Timestamp: event.Time(noon()),
		ProviderMessageID: "SM1", Media: []event.Media{{URL: "https://x.example/media/a?b=c&d", Kind: "image", ContentType: "image/png", FileName: nasty}},
		Extra: map[string]any{"location": map[string]any{"latitude": 1e-7, "longitude": -122.40641700000001, "name": nasty}, "forwarded": true, "big": 1e21, "whole": 9007199254740991},
	})
	require.NoError(t, err)
	return &store.Event{ID: "evt_1", Type: event.MessageReceived, ChannelID: "chan_1", Data: data, CreatedAt: noon()}
}

// written is one attempt of a delivery as a receiver gets it.
type written struct {
	Headers map[string]string `json:"headers"` // by lower-case name, as Node has them
	Body    string            `json:"body"`
	Secret  string            `json:"secret"`
}

func write(t *testing.T, format string, e *store.Event, secrets ...string) written {
	t.Helper()
	f := webhook.Formats()[format]
	body, err := f.Body(e)
	require.NoError(t, err)
	require.True(t, json.Valid(body))
	w := written{Headers: map[string]string{}, Body: string(body), Secret: secrets[0]}
	for _, h := range f.Headers(webhook.Signing{Event: e, DeliveryID: "dlv_1", Attempt: 3, At: noon(), Body: body, Secrets: secrets}) {
		w.Headers[strings.ToLower(h.Name)] = h.Value
	}
	return w
}

// standardVerify is verification as the Standard Webhooks specification describes it.
func standardVerify(t *testing.T, w written, shown string, now time.Time) bool {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(shown, "whsec_"))
	require.NoError(t, err)
	seconds, err := strconv.ParseInt(w.Headers["webhook-timestamp"], 10, 64)
	require.NoError(t, err)
	if at := time.Unix(seconds, 0); at.Before(now.Add(-5*time.Minute)) || at.After(now.Add(5*time.Minute)) {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(w.Headers["webhook-id"] + "." + w.Headers["webhook-timestamp"] + "." + w.Body))
	want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for one := range strings.SplitSeq(w.Headers["webhook-signature"], " ") {
		if version, signature, _ := strings.Cut(one, ","); version == "v1" && hmac.Equal([]byte(signature), []byte(want)) {
			return true
		}
	}
	return false
}

func TestTheDefaultFormatIsStandardWebhooks(t *testing.T) {
	t.Parallel()
	present, before := secret.NewWebhookSecret().Reveal(), secret.NewWebhookSecret().Reveal()
	e := received(t)
	w := write(t, webhook.FormatSwitchhook, e, present, before)
	require.Equal(t, "evt_1", w.Headers["webhook-id"])
	require.Equal(t, event.MessageReceived, w.Headers["x-switchhook-event"])
	require.Equal(t, "dlv_1", w.Headers["x-switchhook-delivery"])
	require.Equal(t, "sha256="+webhook.HexOf([]byte(w.Body), present), w.Headers["x-switchhook-signature"])
	require.True(t, standardVerify(t, w, present, noon()))
	require.True(t, standardVerify(t, w, before, noon()), "both secrets sign while one replaces the other")
	require.False(t, standardVerify(t, w, secret.NewWebhookSecret().Reveal(), noon()))
	require.False(t, standardVerify(t, w, present, noon().Add(6*time.Minute)))
	w.Body = strings.Replace(w.Body, "evt_1", "evt_2", 1)
	require.False(t, standardVerify(t, w, present, noon()))

	w = write(t, webhook.FormatSwitchhook, e, present)
	require.JSONEq(t, `{"id":"evt_1","event":"message.received","channelId":"chan_1","data":`+string(e.Data)+`,"timestamp":"2026-06-29T14:21:07.412Z"}`, w.Body)
	require.True(t, strings.HasPrefix(w.Body, `{"id":"evt_1","event":"message.received","channelId":"chan_1","data":{`))
	e.ChannelID = "sess_1"
	require.Contains(t, write(t, webhook.FormatSwitchhook, e, present).Body, `"channelId":"sess_1","sessionId":"sess_1"`)
	e.ChannelID = ""
	require.Contains(t, write(t, webhook.FormatSwitchhook, e, present).Body, `"channelId":null,"data"`)
}

// whathooksVerify and socialSyncerVerify are the functions of those contracts, as their documents print them.
const (
	whathooksVerify = `
function verifySignature(rawBody, header, secret) {
  const expected = crypto.createHmac("sha256", secret).update(rawBody).digest("hex");
  const received = (header || "").replace(/^sha256=/, "");
  const a = Buffer.from(received, "hex");
  const b = Buffer.from(expected, "hex");
  return a.length === b.length && crypto.timingSafeEqual(a, b);
}
const verified = verifySignature(Buffer.from(given.body), given.headers["x-whathooks-signature"], given.secret);`

	socialSyncerVerify = `
function verifyWebhook(payload, signature, secret) {
  const expected = crypto.createHmac("sha256", secret).update(payload).digest("hex");
  return crypto.timingSafeEqual(Buffer.from(signature), Buffer.from(expected));
}
const req = { headers: given.headers, body: JSON.parse(given.body) };
const verified = verifyWebhook(JSON.stringify(req.body), req.headers["x-socialapi-signature"], given.secret);`

	socialSyncerPython = `
import hmac, hashlib, json, sys
given = json.load(sys.stdin)
def verify_webhook(payload, signature, secret):
    expected = hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(signature, expected)
print(str(verify_webhook(given["body"], given["headers"]["x-socialsyncerapi-signature"], given["secret"])).lower())`
)

// verifiedBy runs a receiver's own program on what it would get.
func verifiedBy(t *testing.T, w written, program string, arguments ...string) string {
	t.Helper()
	input, err := json.Marshal(w)
	require.NoError(t, err)
	command := exec.CommandContext(t.Context(), program, arguments...)
	command.Stdin = strings.NewReader(string(input))
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s: %s", program, output)
	return strings.TrimSpace(string(output))
}

func verifiedByNode(t *testing.T, w written, verify string) string {
	t.Helper()
	script := `const crypto = require("crypto"); const given = JSON.parse(require("fs").readFileSync(0, "utf8"));` + verify + `; console.log(verified)`
	return verifiedBy(t, w, "node", "-e", script)
}

func TestWhathooksOwnVerifierTakesTheDelivery(t *testing.T) {
	t.Parallel()
	shown := secret.NewWebhookSecret().Reveal()
	w := write(t, webhook.FormatWhathooks, received(t), shown)
	require.Len(t, w.Headers, 3)
	require.Equal(t, "message.received", w.Headers["x-whathooks-event"])
	require.Equal(t, "dlv_1_3", w.Headers["x-whathooks-delivery"], "it names the attempt")
	require.Equal(t, "true", verifiedByNode(t, w, whathooksVerify))
	w.Body = strings.Replace(w.Body, "msg_1", "msg_2", 1)
	require.Equal(t, "false", verifiedByNode(t, w, whathooksVerify))
}

func TestSocialSyncersOwnVerifiersTakeTheDelivery(t *testing.T) {
	t.Parallel()
	shown := secret.NewWebhookSecret().Reveal()
	w := write(t, webhook.FormatSocialSyncer, received(t), shown)
	require.Contains(t, w.Body, `"timestamp":"2026-06-29T14:21:07Z"`)
	require.Equal(t, "true", verifiedByNode(t, w, socialSyncerVerify), "signing the re-serialised body gives the same bytes")
	python, err := exec.LookPath("python3")
	if err == nil {
		require.Equal(t, "true", verifiedBy(t, w, python, "-c", socialSyncerPython))
	}
	require.Equal(t, webhook.HexOf([]byte(w.Body), shown), w.Headers["x-socialsyncerapi-signature"], "what the Python verifier computes")
	w.Body = strings.Replace(w.Body, "msg_1", "msg_2", 1)
	require.Equal(t, "false", verifiedByNode(t, w, socialSyncerVerify))
}

// TestTheEnvelopesAreThoseOfTheContracts compares names and their order with the contracts' examples.
func TestTheEnvelopesAreThoseOfTheContracts(t *testing.T) {
	t.Parallel()
	data, err := event.Marshal(event.MessageData{
		ID: "msg_3c91...", SessionID: "sess_8f2a...", ChannelID: "sess_8f2a...", From: "15551234567", PushName: "Jane Doe", Type: "text",
		Text: "Hi there!", WaMessageID: "3EB0A1B2C3D4E5F6", Timestamp: "2026-06-29T14:21:07.000Z", Media: []event.Media{},
	})
	require.NoError(t, err)
	e := &store.Event{ID: "evt_1", Type: event.MessageReceived, ChannelID: "sess_8f2a...", Data: data, CreatedAt: noon()}
	requireHolds(t, `{"event": "message.received", "sessionId": "sess_8f2a...", "data": {"id": "msg_3c91...", "sessionId": "sess_8f2a...",
		"from": "15551234567", "pushName": "Jane Doe", "type": "text", "text": "Hi there!", "waMessageId": "3EB0A1B2C3D4E5F6",
		"timestamp": "2026-06-29T14:21:07.000Z"}, "timestamp": "2026-06-29T14:21:07.412Z"}`, write(t, webhook.FormatWhathooks, e, "whsec_").Body)

	posted := &store.Event{ID: "evt_1", Type: "post.published", CreatedAt: time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC), Data: []byte(
		`{"postId":"post_abc123","platform":"instagram","platformPostId":"17841400123456789","platformPostUrl":"https://instagram.com/p/ABC123","status":"published"}`)}
	require.Equal(t, `{"event":"post.published","timestamp":"2026-01-15T10:00:00Z","data":`+string(posted.Data)+`}`, write(t, webhook.FormatSocialSyncer, posted, "whsec_").Body)
}

// requireHolds requires that a body has every member of an example, with its value; it may have more.
func requireHolds(t *testing.T, example, body string) {
	t.Helper()
	var want, got map[string]any
	require.NoError(t, json.Unmarshal([]byte(example), &want))
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	requireMembers(t, want, got)
}

func requireMembers(t *testing.T, want, got map[string]any) {
	t.Helper()
	for name, value := range want {
		require.Contains(t, got, name)
		if inner, ok := value.(map[string]any); ok {
			have, ok := got[name].(map[string]any)
			require.True(t, ok, name)
			requireMembers(t, inner, have)
			continue
		}
		require.Equal(t, value, got[name], name)
	}
}

func TestSociocsBodiesAreThoseOfItsDocument(t *testing.T) {
	t.Parallel()
	contact := `{"id": 123, "name": "Emily Johnson", "phone_number": "16311112222", "phone_number_cc": "",
		"extra_fields": "{\"city\": \"Ahmedabad\", \"country\": \"India\"}", "created_at": "2025-07-11T11:29:46.000Z",
		"updated_at": "2025-08-04T12:29:21.000Z", "is_blocked": 0}`
	message := event.MessageData{
		ProviderMessageID: "MM2aa0db1b276eaeaa5d730d5aa34167f2", Provider: "twlo", ChannelKey: "twlo_16311113333", From: "16311112222",
		To: "16311113333", Text: "Hello World!", Contact: json.RawMessage(contact), Timestamp: "2025-08-06T04:51:45.897Z", Media: []event.Media{},
	}
	body := sociocs(t, event.MessageReceived, message)
	require.JSONEq(t, `{"message_id": "MM2aa0db1b276eaeaa5d730d5aa34167f2", "event": "message", "provider": "twlo", "channel_key": "twlo_16311113333",
		"direction": "incoming", "from": "16311112222", "to": "16311113333", "text": "Hello World!", "video_urls": [], "image_urls": [],
		"file_urls": [], "contact": `+contact+`, "timestamp": 1754455905897}`, body)

	message.PushName, message.Contact = "Emily", nil
	for _, kind := range []string{"image", "video", "audio", "file"} {
		message.Media = append(message.Media, event.Media{URL: "https://x.example/" + kind, Kind: kind})
	}
	body = sociocs(t, event.MessageReceived, message)
	requireHolds(t, `{"name": "Emily", "image_urls": ["https://x.example/image"], "video_urls": ["https://x.example/video"],
		"file_urls": ["https://x.example/audio", "https://x.example/file"]}`, body)
	require.NotContains(t, body, "contact")

	for _, status := range []string{"sent", "delivered", "read"} {
		requireHolds(t, `{"message_id": "MM2aa0db1b276eaeaa5d730d5aa34167f2", "event": "status_update", "event_data": {"status": "`+status+`"}}`,
			sociocs(t, event.MessageStatus, event.StatusData{ID: "msg_1", ProviderMessageID: message.ProviderMessageID, Status: status}))
	}
	landline := "You have attempted to send a message to a number that is either a landline number or is an invalid number. (code: 21614)"
	raw := `{"status": 400, "code": 21614, "moreInfo": "https://www.twilio.com/docs/errors/21614", "error": true}`
	body = sociocs(t, event.MessageStatus, event.StatusData{
		ID: "msg_1", ProviderMessageID: message.ProviderMessageID, Status: "failed", ProviderError: json.RawMessage(raw),
		Error: &event.Failure{Code: 21614, Message: landline, Reason: "invalid_recipient"},
	})
	requireHolds(t, `{"message_id": "MM2aa0db1b276eaeaa5d730d5aa34167f2", "event": "status_update", "event_data": {"status": "failed",
		"event": "status_update", "error": {"code": 21614, "message": "`+landline+`"}, "provider_err_obj": `+raw+`}}`, body)
	requireHolds(t, `{"message_id": "msg_1"}`, sociocs(t, event.MessageStatus, event.StatusData{ID: "msg_1", Status: "unconfirmed"}))
}

func sociocs(t *testing.T, eventType string, data any) string {
	t.Helper()
	raw, err := event.Marshal(data)
	require.NoError(t, err)
	w := write(t, webhook.FormatSociocs, &store.Event{Type: eventType, Data: raw, CreatedAt: noon()}, "whsec_")
	require.Empty(t, w.Headers, "the contract has no headers of its own")
	return w.Body
}

func TestTheSameEventGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	for name, format := range webhook.Formats() {
		require.Equal(t, name, format.Name)
		first, err := format.Body(received(t))
		require.NoError(t, err)
		again, err := format.Body(received(t))
		require.NoError(t, err)
		require.Equal(t, first, again, name)
	}
}

func FuzzBodies(f *testing.F) {
	f.Add([]byte(`{"text":"Hi","media":[{"url":"u","kind":"image"}],"timestamp":"2026-06-29T14:21:07.000Z","contact":{"id":1}}`), true)
	f.Add([]byte(`{"status":"failed","error":{"code":1,"message":"m"},"providerError":{"a":1}}`), false)
	f.Add([]byte(`null`), true)
	f.Fuzz(func(t *testing.T, data []byte, inbound bool) {
		e := &store.Event{ID: "evt_1", Type: event.MessageStatus, Data: data, CreatedAt: noon()}
		if inbound {
			e.Type = event.MessageReceived
		}
		for _, format := range webhook.Formats() {
			body, err := format.Body(e)
			require.Equal(t, err == nil, json.Valid(body), "a body is JSON, or there is none")
		}
	})
}
