package gupshup_test

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/gupshup/gupshuptest"
)

func number(code int) string { return strconv.Itoa(code) }

func callback(query, body string) connectors.CallbackRequest {
	values, _ := url.ParseQuery(query) // as the server does
	return connectors.CallbackRequest{Method: http.MethodPost, URL: callbackURL + "?" + query, Query: values, Header: http.Header{}, Body: []byte(body)}
}

const shown = "token=" + gupshuptest.CallbackToken

func receive(t *testing.T, body string) connectors.CallbackResult {
	t.Helper()
	result, err := open(t, "", nil).(connectors.Receiver).Receive(callback(shown, body))
	require.NoError(t, err, body)
	return result
}

func TestOnlyTheChannelsOwnTokenIsAccepted(t *testing.T) {
	t.Parallel()
	body := gupshuptest.Text("m1", "919876511111", "Emily", "Hi")
	for query, ok := range map[string]bool{
		shown: true, shown + "&a=b": true, "a=b&" + shown: true,
		"": false, "token=": false, "token": false, shown + "x": false, shown[:len(shown)-1]: false, "Token=" + gupshuptest.CallbackToken: false,
		"token=&" + shown: false, "token=" + url.QueryEscape(" "+gupshuptest.CallbackToken): false,
	} {
		_, err := open(t, "", nil).(connectors.Receiver).Receive(callback(query, body))
		require.Equal(t, ok, err == nil, query)
		if !ok {
			require.ErrorIs(t, err, connectors.ErrSignature)
		}
	}
	unset := open(t, "", connectors.Config{"callbackToken": ""}).(connectors.Receiver)
	for _, query := range []string{"", "token=", "token", shown} {
		_, err := unset.Receive(callback(query, body))
		require.ErrorIs(t, err, connectors.ErrSignature, "a channel without a token takes nothing")
	}
}

func TestAnotherAppsMessagesAreRefused(t *testing.T) {
	t.Parallel()
	body := gupshuptest.Text("m1", "919876511111", "Emily", "Hi")
	_, err := open(t, "", connectors.Config{"appName": "Other"}).(connectors.Receiver).Receive(callback(shown, body))
	require.ErrorIs(t, err, connectors.ErrSignature)
	result, err := open(t, "", connectors.Config{"appName": "testapp"}).(connectors.Receiver).Receive(callback(shown, body))
	require.NoError(t, err)
	require.Len(t, result.Messages, 1)
}

func TestWhatCarriesNothingForUsIsAnswered(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"", "\n", `{}`, `null`, `[]`, `{"type":7}`,
		`{"app":"TestApp","type":"platform-event","payload":{"type":"connectivity-check"}}`,
		`{"app":"Other","type":"platform-event"}`,
		`{"app":"TestApp","type":"user-event","payload":{"phone":"callbackSetPhone","type":"sandbox-start"}}`,
		`{"app":"TestApp","type":"billing-event","payload":{"deductions":{},"references":{}}}`,
		`{"app":"TestApp","type":"from-the-future","payload":[]}`,
		`{"app":"TestApp","type":"message"}`, `{"app":"TestApp","type":"message","payload":[]}`, `{"app":"TestApp","type":"message-event","payload":null}`,
		gupshuptest.Reported(gupshuptest.Sent{ID: "g"}, "enqueued", 0), gupshuptest.Reported(gupshuptest.Sent{ID: "g"}, "deleted", 0),
		`{"app":"TestApp","type":"message-event","payload":{"type":"sent"}}`,
	} {
		require.Empty(t, receive(t, body), body)
	}
}

func TestCallbacksOfTheOtherVersionAreRefusedAloud(t *testing.T) {
	t.Parallel()
	_, err := open(t, "", nil).(connectors.Receiver).Receive(callback(shown, `{"entry":[{"changes":[]}],"gs_app_id":"x","object":"whatsapp_business_account"}`))
	require.Equal(t, connectors.KindRejected, connectors.AsError(err).Kind)
	require.Contains(t, connectors.AsError(err).Message, "version 2")
}

// Gupshup's own id of a message is gsId, but id where that is missing.
func TestAStatusBelongsToGupshupsIdOfTheMessage(t *testing.T) {
	t.Parallel()
	status := func(fields string) connectors.StatusUpdate {
		return receive(t, `{"app":"TestApp","timestamp":1795251600123,"type":"message-event","payload":{`+fields+`}}`).Statuses[0]
	}
	at := time.UnixMilli(1795251600123).UTC()
	require.Equal(t, connectors.StatusUpdate{ProviderID: "g", Status: connectors.StatusDelivered, At: at}, status(`"id":"w","gsId":"g","type":"delivered"`))
	require.Equal(t, "i", status(`"id":"i","type":"failed"`).ProviderID)
	require.Equal(t, "i", status(`"id":"i","gsId":"","type":"read"`).ProviderID)
	for _, ts := range []string{`1795251601`, `"1795251601"`, `1795251601000`} {
		require.Equal(t, time.Unix(1795251601, 0).UTC(), status(`"gsId":"g","type":"sent","payload":{"ts":`+ts+`}`).At)
	}
	for _, none := range []string{`null`, `-1`, `0`, `"soon"`, `{}`, `99999999999999999`} {
		require.Equal(t, at, status(`"gsId":"g","type":"sent","payload":{"ts":`+none+`}`).At, none)
	}
}

func TestAFailedDeliveryIsPutIntoWords(t *testing.T) {
	t.Parallel()
	failed := func(details string) *connectors.ProviderError {
		return receive(t, `{"app":"TestApp","type":"message-event","payload":{"gsId":"g","type":"failed","payload":`+details+`}}`).Statuses[0].Error
	}
	told := failed(`{"code":1002,"reason":"Number Does Not Exists On WhatsApp"}`)
	require.Equal(t, 1002, told.Code)
	require.Equal(t, "Number Does Not Exists On WhatsApp", told.Message)
	require.JSONEq(t, `{"code":1002,"reason":"Number Does Not Exists On WhatsApp"}`, string(told.Raw))
	require.Contains(t, failed(`{"code":"131047"}`).Message, "24-hour window")
	require.Equal(t, "Gupshup or WhatsApp could not deliver the message.", failed(`null`).Message)
}

func TestOddMessagesAreReadAsFarAsTheyGo(t *testing.T) {
	t.Parallel()
	message := func(fields string) []connectors.InMessage {
		return receive(t, `{"app":"TestApp","type":"message","payload":{"id":"m1","source":"919876511111"`+fields+`}}`).Messages
	}
	for fields, want := range map[string]string{
		``: "other", `,"type":"text"`: "text", `,"type":"text","payload":[]`: "text", `,"type":"text","payload":null,"sender":null,"context":null`: "text",
		`,"type":"image","payload":{"url":7}`: "image", `,"type":"reaction","payload":{"emoji":"x"}`: "other",
		`,"type":"location","payload":{"latitude":"91","longitude":0}`: "location", `,"type":"location","payload":{"latitude":"NaN","longitude":"1"}`: "location",
		`,"type":"location","payload":{"latitude":1}`: "location", `,"type":"contact","payload":{"contacts":7}`: "contact",
	} {
		got := message(fields)
		require.Len(t, got, 1, fields)
		require.Equal(t, connectors.InMessage{ProviderID: "m1", From: "919876511111", To: "919876543210", Type: want}, got[0], fields)
	}
	require.Equal(t, "ab", message(`,"type":"text","payload":{"text":"a\u0000b"}`)[0].Text)
	require.Equal(t, "16311112222", message(`,"source":"","sender":{"phone":"+16311112222"}`)[0].From)
	require.Equal(t, "g", message(`,"context":{"id":"w","gsId":"g"}`)[0].ReplyTo)
	require.Equal(t, "w", message(`,"context":{"id":"w"}`)[0].ReplyTo)
	require.Empty(t, message(`,"id":""`), "a message without an id")
	require.Empty(t, message(`,"source":""`), "a message of nobody")
}

func FuzzReceive(f *testing.F) {
	f.Add(gupshuptest.Text("m1", "919876511111", "Emily", "Hi"))
	f.Add(gupshuptest.Reported(gupshuptest.Sent{ID: "g"}, "failed", 1002))
	f.Add(`{"app":"testapp","timestamp":"1795251600","type":"message","payload":{"id":"m","source":"x","type":"contact","payload":{"contacts":[{"phones":[{}]}]}}}`)
	f.Add(`{"type":"message","payload":{"id":"m","source":"1\u0000","type":"location","payload":{"latitude":"1","longitude":2}}}`)
	f.Add(`{"entry":[]}`)
	f.Add(`[1,`)
	channel := open(f, "", nil).(connectors.Receiver)
	f.Fuzz(func(t *testing.T, body string) {
		forged, err := channel.Receive(callback("token=fake", body))
		require.ErrorIs(t, err, connectors.ErrSignature)
		require.Zero(t, forged)
		result, err := channel.Receive(callback(shown, body))
		if err != nil {
			require.Zero(t, result)
			return
		}
		require.LessOrEqual(t, len(result.Messages)+len(result.Statuses), 1)
		for _, message := range result.Messages {
			require.NotEmpty(t, message.ProviderID)
			require.NotEmpty(t, message.From)
			require.NotContains(t, message.Text+message.From, "\x00")
			require.Less(t, message.Timestamp.Year(), 10000)
		}
		for _, update := range result.Statuses {
			require.NotEmpty(t, update.ProviderID)
			require.NotEmpty(t, update.Status)
		}
	})
}
