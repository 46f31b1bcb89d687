package server_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/twilio/twiliotest"
	"github.com/switchhook/switchhook/internal/webhook"
)

// callback posts a form as Twilio does, signed for the address.
func (w *world) callback(t *testing.T, token, address string, form url.Values) reply {
	t.Helper()
	request, err := twiliotest.Callback(t.Context(), token, address, form)
	require.NoError(t, err)
	return w.do(t, request)
}

func (a *tenant) callbackURL(t *testing.T, channelID string) string {
	t.Helper()
	return a.send(t, 200, "GET", "/v1/channels/"+channelID, "").text(t, "callbackUrl")
}

func TestAMessageThatComesInStartsAWorkflowAndAWorkflowAnswers(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		channelID := a.twilioChannel(t, "twilio_sms")
		inbox := newReceiver(t, answering(`{"replies": ["one", "two"]}`))
		_, shown := a.webhook(t, inbox.URL, "")

		form := twiliotest.Inbound("SM1", "+16311112222", "+16311113333", "Hello <World> & you")
		r := w.callback(t, twiliotest.AuthToken, a.callbackURL(t, channelID), form)
		require.Equal(t, 200, r.status, "%s", r.body)
		require.Contains(t, r.header.Get("Content-Type"), "text/xml")

		sent, err := w.twilio.WaitSent(t.Context(), 2)
		require.NoError(t, err)
		require.Equal(t, []string{"one", "two"}, []string{sent[0].Body, sent[1].Body})
		require.Equal(t, "+16311112222", sent[0].To)
		require.Equal(t, "+16311113333", sent[0].From)

		arrived := inbox.of("message.received")
		require.Len(t, arrived, 1)
		require.Equal(t, "sha256="+webhook.HexOf(arrived[0].body, shown), arrived[0].header.Get("X-Switchhook-Signature"))
		require.NoError(t, w.checker.ValidateSchema("MessageReceivedEvent", arrived[0].body))
		eventID := arrived[0].header.Get("Webhook-Id")
		require.JSONEq(t, string(arrived[0].body), string(a.send(t, 200, "GET", "/v1/events/"+eventID, "").body))

		eventually(t, "both are recorded as sent", func() bool {
			return len(a.send(t, 200, "GET", "/v1/messages?status=sent", "").field(t, "data").([]any)) == 2
		})
		for _, told := range []string{"delivered", "sent", "delivered"} { // out of order, and one twice
			code, err := w.twilio.Report(t.Context(), sent[1], told, 0)
			require.NoError(t, err)
			require.Equal(t, 200, code)
		}
		eventually(t, "three status events arrive", func() bool { return len(inbox.of("message.status")) == 3 })
		list := a.send(t, 200, "GET", "/v1/messages?direction=outbound&contact=%2B16311112222", "").field(t, "data").([]any)
		require.Equal(t, "delivered", list[0].(map[string]any)["status"])
		require.Equal(t, "sent", list[1].(map[string]any)["status"])
		require.Len(t, a.send(t, 200, "GET", "/v1/deliveries?status=delivered&eventId="+eventID, "").field(t, "data"), 1)
	})
}

func TestACallbackThatRepeatsIsOneEventAndOneThatIsNotSignedIsNone(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		address := a.callbackURL(t, a.twilioChannel(t, "twilio_sms"))
		form := twiliotest.Inbound("SM1", "+16311112222", "+16311113333", "Hello")
		for name, forged := range map[string]func(*http.Request){
			"a missing signature": func(r *http.Request) { r.Header.Del("X-Twilio-Signature") },
			"an empty signature":  func(r *http.Request) { r.Header.Set("X-Twilio-Signature", "") },
			"an altered signature": func(r *http.Request) {
				signature := r.Header.Get("X-Twilio-Signature")
				r.Header.Set("X-Twilio-Signature", strings.ToLower(signature[:1])+"x"+signature[2:])
			},
			"another address": func(r *http.Request) { r.URL.RawQuery = "a=b" },
		} {
			request, err := twiliotest.Callback(t.Context(), twiliotest.AuthToken, address, form)
			require.NoError(t, err)
			forged(request)
			r := w.do(t, request)
			require.Equal(t, 401, r.status, name)
			require.Equal(t, "invalid_signature", r.text(t, "code"))
		}
		altered, err := http.NewRequestWithContext(t.Context(), "POST", address, strings.NewReader(strings.Replace(form.Encode(), "Hello", "Hallo", 1)))
		require.NoError(t, err)
		altered.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		altered.Header.Set("X-Twilio-Signature", twiliotest.Sign(twiliotest.AuthToken, address, form))
		require.Equal(t, 401, w.do(t, altered).status, "a body altered by a byte")
		require.Equal(t, 401, w.callback(t, "", address, form).status, "signed with an empty token")
		require.Equal(t, 404, w.callback(t, twiliotest.AuthToken, strings.Replace(address, "twilio_sms", "twilio_whatsapp", 1), form).status)
		require.Equal(t, 404, w.callback(t, twiliotest.AuthToken, w.url+"/callbacks/twilio_sms/chan_nobody", form).status)
		a.nothingHappened(t)

		codes := make(chan int, 100)
		for range cap(codes) {
			request, err := twiliotest.Callback(t.Context(), twiliotest.AuthToken, address, form)
			require.NoError(t, err)
			go func() {
				response, err := w.client.Do(request)
				if err != nil {
					codes <- 0
					return
				}
				_ = response.Body.Close()
				codes <- response.StatusCode
			}()
		}
		for range cap(codes) {
			require.Equal(t, 200, <-codes)
		}
		require.Len(t, a.send(t, 200, "GET", "/v1/events", "").field(t, "data"), 1)
		require.Len(t, a.send(t, 200, "GET", "/v1/messages", "").field(t, "data"), 1)
	})
}

// Providers sign the address byte for byte, whatever stands in its query.
func TestACallbacksSignatureCoversTheAddressAsItWasCalled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	address := a.callbackURL(t, a.twilioChannel(t, "twilio_sms"))
	for i, query := range []string{"", "?a=b%20c", "?a=b+c", "?b=%2f&a=%2F&A", "?a=%c3%a4&=&&x==y", "?a=b&a=b"} {
		form := twiliotest.Inbound(fmt.Sprintf("SM%d", i), "+16311112222", "+16311113333", "Hello")
		require.Equal(t, 200, w.callback(t, twiliotest.AuthToken, address+query, form).status, query)
	}
	require.Len(t, a.send(t, 200, "GET", "/v1/messages", "").field(t, "data"), 6)

	signed := address + "?MessageSid=SMget&From=%2B16311112222&To=%2B16311113333&Body=Hello%20there&NumMedia=0"
	r := w.call(t, "GET", strings.TrimPrefix(signed, w.url), "", "X-Twilio-Signature: "+twiliotest.Sign(twiliotest.AuthToken, signed, nil))
	require.Equal(t, 200, r.status, "%s", r.body)
	require.Len(t, a.send(t, 200, "GET", "/v1/messages", "").field(t, "data"), 7)
}

func TestAMessageIsSentByKeyBearerAndSignature(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		channelID := a.twilioChannel(t, "twilio_whatsapp")
		sandbox := a.channel(t, "sandbox", `{}`)
		made := a.send(t, 200, "POST", "/v1/messages", `{"sessionId":"`+sandbox+`","to":"15551234567","text":"Hello"}`)
		require.Equal(t, "sent", made.text(t, "status"))
		require.Equal(t, "15551234567", made.text(t, "to"))
		r := w.call(t, "POST", "/v1/messages", `{"channelId":"`+sandbox+`","to":"15551234567","text":"Hello"}`, "Authorization: Bearer "+a.key)
		require.Equal(t, 200, r.status)

		path := "/api/v1/outbound/" + a.id + "/send"
		const body = `{"platform":"whatsapp","to":"447911123456","message_text":"Hello from n8n!"}`
		a.refused(t, 403, "window_expired", "POST", path, body)
		require.Empty(t, w.twilio.Sent())
		form := twiliotest.Inbound("SM1", "whatsapp:+447911123456", "whatsapp:+16311113333", "Hi")
		require.Equal(t, 200, w.callback(t, twiliotest.AuthToken, a.callbackURL(t, channelID), form).status)
		sent := a.send(t, 200, "POST", path, body)
		require.Equal(t, channelID, sent.text(t, "channel_id"))
		require.Equal(t, "whatsapp:+447911123456", w.twilio.Sent()[0].To)

		at := strconv.FormatInt(time.Now().Unix(), 10)
		for _, brand := range []string{"Socialhook", "Switchhook"} {
			r := w.call(t, "POST", path, body, "X-"+brand+"-Timestamp: "+at, "X-"+brand+"-Signature: "+sign(a.key, at, body))
			require.Equal(t, 200, r.status, "%s", r.body)
		}
		require.Len(t, w.twilio.Sent(), 3)
	})
}

func sign(key, at, body string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(at + "." + body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func TestWhatIsNotRightlySignedSendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a, b := w.tenant(t, "ann"), w.tenant(t, "bob")
	a.channel(t, "sandbox", `{}`)
	path := "/api/v1/outbound/" + a.id + "/send"
	const body = `{"platform":"whatsapp","to":"447911123456","message_text":"Hello!"}`
	at := func(shift time.Duration) string { return strconv.FormatInt(time.Now().Add(shift).Unix(), 10) }
	now := at(0)
	for name, c := range map[string]struct {
		at, signature, body, path string
		status                    int
		code                      string
	}{
		"altered by a byte":     {now, sign(a.key, now, body), strings.Replace(body, "Hello!", "Hello?", 1), path, 401, "invalid_signature"},
		"re-serialised":         {now, sign(a.key, now, body), strings.Replace(body, ":", ": ", 1), path, 401, "invalid_signature"},
		"another key":           {now, sign(b.key, now, body), body, path, 401, "invalid_signature"},
		"an empty key":          {now, sign("", now, body), body, path, 401, "invalid_signature"},
		"another account":       {now, sign(a.key, now, body), body, "/api/v1/outbound/" + b.id + "/send", 401, "invalid_signature"},
		"an unknown account":    {now, sign(a.key, now, body), body, "/api/v1/outbound/acct_x/send", 401, "invalid_signature"},
		"no prefix":             {now, strings.TrimPrefix(sign(a.key, now, body), "sha256="), body, path, 401, "invalid_signature"},
		"an empty signature":    {now, "sha256=", body, path, 401, "invalid_signature"},
		"no signature":          {now, "", body, path, 401, "invalid_signature"},
		"no timestamp":          {"", sign(a.key, "", body), body, path, 401, "invalid_signature"},
		"too old":               {at(-6 * time.Minute), sign(a.key, at(-6*time.Minute), body), body, path, 408, "timestamp_expired"},
		"too far in the future": {at(6 * time.Minute), sign(a.key, at(6*time.Minute), body), body, path, 408, "timestamp_expired"},
		"milliseconds":          {now + "000", sign(a.key, now+"000", body), body, path, 408, "timestamp_expired"},
	} {
		r := w.call(t, "POST", c.path, c.body, "X-Socialhook-Timestamp: "+c.at, "X-Socialhook-Signature: "+c.signature)
		require.Equal(t, c.status, r.status, "%s: %s", name, r.body)
		require.Equal(t, c.code, r.text(t, "code"), name)
	}
	a.nothingHappened(t)
}

func TestAReceiverThatIsAwayIsTriedOnScheduleAndReplayedLater(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		channelID := a.channel(t, "sandbox", `{}`)
		inbox := newReceiver(t, status(500))
		webhookID, _ := a.webhook(t, inbox.URL, "")
		a.send(t, 201, "POST", "/v1/channels/"+channelID+"/simulate", `{"from":"+1 555 123 4567","name":"Eve","text":"Hi"}`)
		find := func(status string) []any {
			return a.send(t, 200, "GET", "/v1/deliveries?webhookId="+webhookID+"&status="+status, "").field(t, "data").([]any)
		}
		eventually(t, "the schedule ends", func() bool { return len(find("failed")) == 1 })
		deliveryID := find("failed")[0].(map[string]any)["id"].(string)
		log := a.send(t, 200, "GET", "/v1/deliveries/"+deliveryID, "").field(t, "attemptLog").([]any)
		require.Len(t, log, 3)
		require.NotEqual(t, log[0], log[1])
		first := inbox.of("message.received")
		require.Len(t, first, 3)
		require.Equal(t, first[0].header.Get("Webhook-Id"), first[2].header.Get("Webhook-Id"))
		require.Equal(t, first[0].body, first[2].body)

		inbox.answerWith(status(204))
		a.send(t, 200, "POST", "/v1/deliveries/"+deliveryID+"/replay", "")
		eventually(t, "the replay is delivered", func() bool { return len(find("delivered")) == 1 })

		inbox.answerWith(status(500))
		a.send(t, 201, "POST", "/v1/channels/"+channelID+"/simulate", `{"from":"15551234567","text":"Hi again"}`)
		eventually(t, "the schedule ends again", func() bool { return len(find("failed")) == 1 })
		inbox.answerWith(status(200))
		replayed := a.send(t, 200, "POST", "/v1/webhooks/"+webhookID+"/replay", `{"since":"2026-01-01T00:00:00Z","status":"failed"}`)
		require.EqualValues(t, 1, replayed.field(t, "replayed"))
		eventually(t, "both are delivered", func() bool { return len(find("delivered")) == 2 })
	})
}

func TestAnIdempotencyKeyMakesARequestActOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		channelID := a.twilioChannel(t, "twilio_sms")
		body := `{"channelId":"` + channelID + `","to":"15551234567","text":"Hello"}`
		first := a.send(t, 200, "POST", "/v1/messages", body, "Idempotency-Key: one")
		again := a.send(t, 200, "POST", "/v1/messages", body, "Idempotency-Key: one")
		require.Equal(t, string(first.body), string(again.body))
		a.refused(t, 409, "idempotency_conflict", "POST", "/v1/messages", strings.Replace(body, "Hello", "Hallo", 1), "Idempotency-Key: one")
		require.Len(t, w.twilio.Sent(), 1)

		w.twilio.TroubleNext(twiliotest.Trouble{Cut: true})
		for range 2 {
			a.refused(t, 504, "unconfirmed", "POST", "/v1/messages", body, "Idempotency-Key: two")
		}
		require.Len(t, w.twilio.Sent(), 2, "what may have gone out is not sent again")
		w.twilio.FailNext(429, 20429)
		a.refused(t, 429, "provider_rate_limited", "POST", "/v1/messages", body, "Idempotency-Key: three")
		a.send(t, 200, "POST", "/v1/messages", body, "Idempotency-Key: three")
		require.Len(t, w.twilio.Sent(), 3, "what surely was not sent may be")

		hook := `{"url":"https://receiver.example/","events":["message.received"]}`
		made := a.send(t, 201, "POST", "/v1/webhooks", hook, "Idempotency-Key: four")
		same := a.send(t, 201, "POST", "/v1/webhooks", hook, "Idempotency-Key: four")
		require.Equal(t, made.text(t, "secret"), same.text(t, "secret"))
		require.Equal(t, w.url+"/v1/webhooks/"+made.text(t, "id"), made.header.Get("Location"))
		require.Len(t, a.send(t, 200, "GET", "/v1/webhooks", "").field(t, "data"), 1)
	})
}

func TestTheSettingsWebhookAndItsTest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	a.refused(t, 404, "not_found", "POST", "/v1/webhooks/test", `{"event":"account.connected"}`)
	inbox := newReceiver(t, answering(`{"secret":"only this server can reach"}`))
	made := a.send(t, 201, "POST", "/v1/webhooks/settings", `{"url":"`+inbox.URL+`?token=x","events":["account.connected"]}`)
	same := a.send(t, 200, "POST", "/v1/webhooks/settings", `{"url":"`+inbox.URL+`?token=y","events":["account.disconnected"]}`)
	require.Equal(t, made.text(t, "id"), same.text(t, "id"))
	require.Equal(t, made.text(t, "secret"), same.text(t, "secret"))
	r := a.send(t, 200, "POST", "/v1/webhooks/test", `{"event":"account.connected"}`)
	require.Equal(t, true, r.field(t, "delivered"))
	require.NotContains(t, string(r.body), "only this server")
	require.NotContains(t, string(r.body), "token=")
	require.Len(t, inbox.got, 1)
	var body struct{ Event string }
	require.NoError(t, json.Unmarshal(inbox.got[0].body, &body))
	require.Equal(t, "account.connected", body.Event)
	require.Equal(t, webhook.HexOf(inbox.got[0].body, made.text(t, "secret")), inbox.got[0].header.Get("X-SocialSyncerAPI-Signature"))
	a.refused(t, 400, "invalid_field", "POST", "/v1/webhooks/test", `{"event":"no.such"}`)
	inbox.answerWith(status(302))
	require.Equal(t, false, a.send(t, 200, "POST", "/v1/webhooks/test", "").field(t, "delivered"))
}

// The requests are the SocialSyncer contract's own, to the letter.
func TestTheSocialSyncerContractsRequestsWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	bearer := []string{"Authorization: Bearer " + a.key, "Content-Type: application/json"}
	const settings = `{
"url": "https://yourapp.com/webhooks/socialapi",
"events": ["post.published", "post.failed", "account.disconnected"]
}`
	made := w.call(t, "POST", "/v1/webhooks/settings", settings, bearer...)
	require.Equal(t, 201, made.status, "%s", made.body)
	require.ElementsMatch(t, []any{"post.published", "post.failed", "account.disconnected"}, made.field(t, "events"))

	inbox := newReceiver(t, answering(`{"ok":true}`))
	moved := w.call(t, "POST", "/v1/webhooks/settings", strings.Replace(settings, "https://yourapp.com/webhooks/socialapi", inbox.URL, 1), bearer...)
	require.Equal(t, 200, moved.status, "%s", moved.body)
	tested := w.call(t, "POST", "/v1/webhooks/test", `{"event": "post.published"}`, bearer...)
	require.Equal(t, true, tested.field(t, "delivered"), "%s", tested.body)
	require.Len(t, inbox.got, 1)
	require.Regexp(t, `^\{"event":"post\.published","timestamp":"[0-9-]{10}T[0-9:]{8}Z","data":\{"postId":"post_abc123","platform":"instagram",`+
		`"platformPostId":"17841400123456789","platformPostUrl":"https://instagram\.com/p/ABC123","status":"published",`, string(inbox.got[0].body))
	require.Equal(t, webhook.HexOf(inbox.got[0].body, made.text(t, "secret")), inbox.got[0].header.Get("X-SocialSyncerAPI-Signature"))
}

func TestAWhathooksClientSubscribesToItsSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	inbox := newReceiver(t, answering(`{}`))
	made := a.send(t, 201, "POST", "/v1/webhooks", `{"url":"`+inbox.URL+`","format":"whathooks","events":["message.received","session.status","session.qr"]}`)
	for i, eventType := range []string{"session.status", "session.qr"} {
		r := a.send(t, 200, "POST", "/v1/webhooks/"+made.text(t, "id")+"/test", `{"event":"`+eventType+`"}`)
		require.Equal(t, true, r.field(t, "delivered"), "%s", r.body)
		require.Equal(t, eventType, inbox.got[i].header.Get("X-Whathooks-Event"))
		require.Contains(t, string(inbox.got[i].body), `"data":{"sessionId":"sess_`)
		sample := a.send(t, 200, "GET", "/v1/events/samples/"+eventType, "")
		require.Equal(t, eventType, sample.text(t, "event"))
	}
	const refused = `{"url":"https://receiver.example/","format":"sociocs","events":["session.status"]}`
	a.refused(t, 400, "invalid_field", "POST", "/v1/webhooks", refused)
}
