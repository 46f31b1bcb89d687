package server_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/gupshup/gupshuptest"
	"github.com/switchhook/switchhook/connectors/telnyx/telnyxtest"
)

// told returns the bodies that a receiver of the Sociocs format got of one event.
func (r *receiver) told(t *testing.T, name string) []map[string]any {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var some []map[string]any
	for _, d := range r.got {
		var body map[string]any
		require.NoError(t, json.Unmarshal(d.body, &body))
		if body["event"] == name {
			some = append(some, body)
		}
	}
	return some
}

// sociocs subscribes to what the Sociocs contract knows, and adds the person of its examples.
func (a *tenant) sociocs(t *testing.T, phone string) *receiver {
	t.Helper()
	a.send(t, 201, "POST", "/v1/contacts", `{"name":"Emily Johnson","phone_number":"`+phone+`","extra_fields":{"city":"Ahmedabad","country":"India"}}`)
	inbox := newReceiver(t, status(200))
	a.webhook(t, inbox.URL, `,"format":"sociocs"`)
	return inbox
}

// requireExample requires one message as the contract shows it, with its contact.
func (r *receiver) requireExample(t *testing.T, phone, want string) {
	t.Helper()
	eventually(t, "the message is delivered", func() bool { return len(r.told(t, "message")) == 1 })
	message := r.told(t, "message")[0]
	contact, ok := message["contact"].(map[string]any)
	require.True(t, ok)
	require.Equal(t, "Emily Johnson", contact["name"])
	require.Equal(t, phone, contact["phone_number"])
	delete(message, "contact")
	rest, err := json.Marshal(message)
	require.NoError(t, err)
	require.JSONEq(t, want, string(rest))
}

// requireStatuses requires that these and no other statuses were told of a message, each once.
func (r *receiver) requireStatuses(t *testing.T, messageID string, want ...string) (last map[string]any) {
	t.Helper()
	var got []string
	eventually(t, "the statuses are delivered", func() bool {
		got = nil
		for _, body := range r.told(t, "status_update") {
			if body["message_id"] == messageID {
				last = body["event_data"].(map[string]any)
				got = append(got, last["status"].(string))
			}
		}
		return len(got) >= len(want)
	})
	require.ElementsMatch(t, want, got)
	return last
}

func TestTheSociocsExamplesThroughTelnyx(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		inbox := a.sociocs(t, "16311112222")
		channelID := a.channel(t, "telnyx_sms", `{"apiKey":"`+telnyxtest.APIKey+`","publicKey":"`+telnyxtest.PublicKey+`","phoneNumber":"+1 631 111 3333"}`)
		require.Equal(t, "tlnx_16311113333", a.send(t, 200, "GET", "/v1/channels/"+channelID, "").text(t, "channelKey"))
		address := a.callbackURL(t, channelID)
		call := func(body string, change func(*http.Request)) int {
			request, err := telnyxtest.Callback(t.Context(), address, body)
			require.NoError(t, err)
			change(request)
			return w.do(t, request).status
		}
		asItIs := func(*http.Request) {}
		hello := telnyxtest.Received("84cca175-9755-4859-b67f-4730d7f58aa3", "+16311112222", "+16311113333", "Hello World!")
		require.Equal(t, 401, call(hello, func(r *http.Request) { r.Header.Del("Telnyx-Signature-Ed25519") }))
		require.Equal(t, 401, call(hello, func(r *http.Request) { telnyxtest.Sign(r.Header, "another", time.Now(), []byte(hello)) }))
		require.Equal(t, 401, call(hello, func(r *http.Request) {
			telnyxtest.Sign(r.Header, telnyxtest.PublicKey, time.Now().Add(-6*time.Minute), []byte(hello))
		}))
		a.nothingHappened(t)
		a.send(t, 200, "POST", "/v1/channels/"+channelID+"/check", "")
		for range 3 {
			require.Equal(t, 200, call(hello, asItIs))
		}
		inbox.requireExample(t, "16311112222", `{"message_id":"84cca175-9755-4859-b67f-4730d7f58aa3","event":"message","provider":"tlnx",
			"channel_key":"tlnx_16311113333","direction":"incoming","from":"16311112222","to":"16311113333","text":"Hello World!",
			"video_urls":[],"image_urls":[],"file_urls":[],"timestamp":1795251600123}`)

		for range 2 {
			a.send(t, 200, "POST", "/v1/messages", `{"channelId":"`+channelID+`","to":"+16311112222","text":"Hi"}`)
		}
		sent := w.telnyx.Sent()
		require.Len(t, sent, 2)
		require.Equal(t, "+16311113333", sent[0].From)
		require.Contains(t, sent[0].WebhookURL, address+"?message=msg_")
		for _, report := range []string{
			telnyxtest.Reported(sent[0], "message.finalized", "delivered", 0), telnyxtest.Reported(sent[0], "message.sent", "sent", 0),
			telnyxtest.Reported(sent[0], "message.finalized", "delivered", 0), telnyxtest.Reported(sent[1], "message.finalized", "delivery_failed", 40001),
			`{"data":{"event_type":"message.from_the_future"}}`,
		} {
			require.Equal(t, 200, call(report, asItIs))
		}
		inbox.requireStatuses(t, sent[0].ID, "sent", "delivered")
		failed := inbox.requireStatuses(t, sent[1].ID, "sent", "failed")
		require.Equal(t, map[string]any{"code": 40001.0, "message": "As the test wants it.", "reason": "invalid_recipient"}, failed["error"])
		require.Equal(t, "40001", failed["provider_err_obj"].(map[string]any)["code"])
	})
}

func TestTheSociocsExamplesThroughGupshup(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		inbox := a.sociocs(t, "16311112222")
		channelID := a.channel(t, "gupshup_whatsapp", `{"apiKey":"`+gupshuptest.APIKey+`","appName":"`+gupshuptest.App+`","phoneNumber":"+16311113333","callbackToken":"`+gupshuptest.CallbackToken+`"}`)
		require.Equal(t, "gswa_16311113333", a.send(t, 200, "GET", "/v1/channels/"+channelID, "").text(t, "channelKey"))
		a.send(t, 200, "POST", "/v1/channels/"+channelID+"/check", "")
		address := a.callbackURL(t, channelID)
		call := func(token, body string) int {
			request, err := gupshuptest.Callback(t.Context(), token, address, body)
			require.NoError(t, err)
			return w.do(t, request).status
		}
		hello := gupshuptest.Text("ABEGkZUTIXZ0Ago69N5XB9zTUbl-", "16311112222", "Emily", "Hello World!")
		require.Equal(t, 401, call("", hello))
		require.Equal(t, 401, call(gupshuptest.CallbackToken[1:], hello))
		message := `{"channelId":"` + channelID + `","to":"+16311112222","text":"Hi"}`
		a.refused(t, 403, "window_expired", "POST", "/v1/messages", message)
		require.Empty(t, w.gupshup.Sent())
		require.Empty(t, inbox.told(t, "message"))
		for range 3 {
			require.Equal(t, 200, call(gupshuptest.CallbackToken, hello))
		}
		inbox.requireExample(t, "16311112222", `{"message_id":"ABEGkZUTIXZ0Ago69N5XB9zTUbl-","event":"message","provider":"gswa",
			"channel_key":"gswa_16311113333","direction":"incoming","from":"16311112222","to":"16311113333","name":"Emily","text":"Hello World!",
			"video_urls":[],"image_urls":[],"file_urls":[],"timestamp":1795251600123}`)

		for range 2 {
			a.send(t, 200, "POST", "/v1/messages", message)
		}
		sent := w.gupshup.Sent()
		require.Len(t, sent, 2)
		require.JSONEq(t, `{"type":"text","text":"Hi"}`, sent[0].Form.Get("message"))
		for _, report := range []string{
			"", `{"app":"TestApp","type":"platform-event","payload":{"type":"connectivity-check"}}`,
			gupshuptest.Reported(sent[0], "enqueued", 0), gupshuptest.Reported(sent[0], "read", 0), gupshuptest.Reported(sent[0], "delivered", 0),
			gupshuptest.Reported(sent[0], "sent", 0), gupshuptest.Reported(sent[0], "read", 0), gupshuptest.Reported(sent[1], "failed", 1002),
		} {
			require.Equal(t, 200, call(gupshuptest.CallbackToken, report), report)
		}
		inbox.requireStatuses(t, sent[0].ID, "sent", "read")
		failed := inbox.requireStatuses(t, sent[1].ID, "sent", "failed")
		require.Equal(t, map[string]any{"code": 1002.0, "message": "As the test wants it.", "reason": "invalid_recipient"}, failed["error"])
		require.Equal(t, map[string]any{"code": 1002.0, "reason": "As the test wants it."}, failed["provider_err_obj"])
	})
}
