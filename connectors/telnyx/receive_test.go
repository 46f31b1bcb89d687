package telnyx_test

import (
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/telnyx/telnyxtest"
)

// callback is a callback signed at a time.
func callback(address, body string, at time.Time) connectors.CallbackRequest {
	request := connectors.CallbackRequest{Method: http.MethodPost, URL: address, Header: http.Header{}, Body: []byte(body), ReceivedAt: clock()}
	telnyxtest.Sign(request.Header, telnyxtest.PublicKey, at, request.Body)
	return request
}

func receive(t *testing.T, address, body string) connectors.CallbackResult {
	t.Helper()
	result, err := open(t, "", nil).(connectors.Receiver).Receive(callback(address, body, clock()))
	require.NoError(t, err, body)
	return result
}

// The vector is of an independent implementation; the stand-in's signature must agree with it as well.
func TestTheKnownSignatureIsAccepted(t *testing.T) {
	t.Parallel()
	const signature = "EKc3VX+QS1tFm6MjBws6bFg6H0VCDDtkbW+xZOxa5Y4JHCx9WUsMIAu3fR7P5RFsgkvbwlW0wZirTW9q55exDQ=="
	at := time.Unix(1795248189, 0)
	request := connectors.CallbackRequest{
		Method: http.MethodPost, URL: callbackURL, Body: []byte(`{"data":{"event_type":"message.received"}}`), ReceivedAt: at.Add(time.Second),
		Header: http.Header{"Telnyx-Signature-Ed25519": {signature}, "Telnyx-Timestamp": {"1795248189"}},
	}
	result, err := open(t, "", nil).(connectors.Receiver).Receive(request)
	require.NoError(t, err)
	require.Zero(t, result, "a message without an id is none")

	header := http.Header{}
	telnyxtest.Sign(header, telnyxtest.PublicKey, at, request.Body)
	require.Equal(t, signature, header.Get("Telnyx-Signature-Ed25519"))
}

func TestACallbackThatIsStaleOrOfTheFutureIsRefused(t *testing.T) {
	t.Parallel()
	receiver := open(t, "", nil).(connectors.Receiver)
	body := telnyxtest.Received("m1", "+16311112222", "+16311113333", "Hi")
	for age, ok := range map[time.Duration]bool{
		0: true, 5 * time.Minute: true, -5 * time.Minute: true,
		5*time.Minute + time.Second: false, -5*time.Minute - time.Second: false, 24 * time.Hour: false, 1000000 * time.Hour: false,
	} {
		_, err := receiver.Receive(callback(callbackURL, body, clock().Add(-age)))
		require.Equal(t, ok, err == nil, age)
	}
	for _, stamp := range []string{"", "soon", "1e9", "99999999999999999999", "9223372036854775807", "-9223372036854775808"} {
		request := callback(callbackURL, body, clock())
		request.Header.Set("Telnyx-Timestamp", stamp)
		_, err := receiver.Receive(request)
		require.ErrorIs(t, err, connectors.ErrSignature, stamp)
	}
	moved := callback(callbackURL, body, clock())
	moved.Header.Set("Telnyx-Timestamp", "1795251601")
	_, err := receiver.Receive(moved)
	require.ErrorIs(t, err, connectors.ErrSignature, "the signature covers the timestamp")
}

func TestASignatureHasOneSpelling(t *testing.T) {
	t.Parallel()
	request := callback(callbackURL, "{}", clock())
	good := request.Header.Get("Telnyx-Signature-Ed25519")
	raw, err := base64.StdEncoding.DecodeString(good)
	require.NoError(t, err)
	for _, other := range []string{base64.RawStdEncoding.EncodeToString(raw), good + "\n", "\n" + good, good[:40] + "\r\n" + good[40:], good[:84]} {
		request.Header.Set("Telnyx-Signature-Ed25519", other)
		_, err := open(t, "", nil).(connectors.Receiver).Receive(request)
		require.ErrorIs(t, err, connectors.ErrSignature, "%q", other)
	}
}

func TestAStatusIsReadFromTheRecipient(t *testing.T) {
	t.Parallel()
	sent := telnyxtest.Sent{ID: "m1", From: "+16311113333", To: "+16311112222", Text: "Hi"}
	for status, want := range map[string]connectors.Status{
		"queued": "", "sending": "", "sent": connectors.StatusSent, "delivery_unconfirmed": connectors.StatusSent, "delivered": connectors.StatusDelivered,
		"sending_failed": connectors.StatusFailed, "delivery_failed": connectors.StatusFailed, "expired": connectors.StatusFailed, "from_the_future": "",
	} {
		for _, eventType := range []string{"message.sent", "message.finalized"} {
			result := receive(t, callbackURL+"?message=msg_1", telnyxtest.Reported(sent, eventType, status, 0))
			if want == "" {
				require.Empty(t, result.Statuses, status)
				continue
			}
			require.Len(t, result.Statuses, 1, status)
			update := result.Statuses[0]
			require.Equal(t, want, update.Status)
			require.Equal(t, [2]string{"msg_1", "m1"}, [2]string{update.MessageID, update.ProviderID})
			require.Equal(t, "2026-11-21T09:00:01.456Z", update.At.Format(time.RFC3339Nano))
		}
	}
	require.Empty(t, receive(t, callbackURL, telnyxtest.Reported(sent, "message.updated", "delivered", 0)), "an event that nobody knows")
}

func TestAFailedDeliveryIsPutIntoWords(t *testing.T) {
	t.Parallel()
	report := func(list string) *connectors.ProviderError {
		return receive(t, callbackURL, `{"data":{"event_type":"message.finalized","payload":{"id":"m1","to":[{"status":"delivery_failed"}],"errors":`+list+`}}}`).Statuses[0].Error
	}
	known := report(`[{"code":"40008","title":"Undeliverable","detail":"No answer."}]`)
	require.Equal(t, 40008, known.Code)
	require.Equal(t, "No answer.", known.Message)
	require.JSONEq(t, `{"code":"40008","title":"Undeliverable","detail":"No answer."}`, string(known.Raw))
	require.Equal(t, "Undeliverable", report(`[{"code":"40008","title":"Undeliverable"}]`).Message)
	require.Contains(t, report(`[{"code":"40300"}]`).Message, "STOP")
	for _, none := range []string{`[]`, `null`, `{}`, `[1]`} {
		require.Equal(t, &connectors.ProviderError{Message: "Telnyx could not deliver the message."}, report(none))
	}
}

func TestOddMessagesAreReadAsFarAsTheyGo(t *testing.T) {
	t.Parallel()
	message := func(fields string) []connectors.InMessage {
		return receive(t, callbackURL, `{"data":{"event_type":"message.received","payload":{"id":"m1","from":{"phone_number":"+16311112222"}`+fields+`}}}`).Messages
	}
	for name, fields := range map[string]string{
		"nothing more":             ``,
		"a recipient of old":       `,"to":"+16311113333"`,
		"media that are none":      `,"media":"x"`,
		"a file without address":   `,"media":[{"content_type":"image/png"}]`,
		"a text that is none":      `,"text":{"a":1}`,
		"a time that is none":      `,"received_at":"yesterday"`,
		"null in all places":       `,"text":null,"media":null,"to":null,"cc":null,"received_at":null`,
		"another message's errors": `,"errors":[{"code":"40001"}]`,
	} {
		got := message(fields)
		require.Len(t, got, 1, name)
		require.Equal(t, connectors.InMessage{ProviderID: "m1", From: "16311112222", To: "16311113333", Type: "text"}, got[0], name)
	}
	require.Equal(t, "ab", message(`,"text":"a\u0000b"`)[0].Text)
	require.Empty(t, message(`,"direction":"outbound"`), "our own message")
	require.Empty(t, message(`,"id":""`), "a message without an id")
	require.Empty(t, message(`,"from":{}`+`,"from":{"phone_number":""}`), "a message of nobody")
	require.Equal(t, map[string]any{"addressedTo": []string{"16311114444"}}, message(`,"to":[{"phone_number":"+16311114444"}]`)[0].Extra)
	require.Len(t, message(`,"media":[{"url":"a"},{"url":"b"},{"url":"c"},{"url":"d"},{"url":"e"},{"url":"f"},{"url":"g"},{"url":"h"},{"url":"i"},{"url":"j"},{"url":"k"}]`)[0].Media, 10)
}
