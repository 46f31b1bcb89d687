package server_test

import (
	"bytes"
	"compress/gzip"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return out.String()
}

// parts makes a form with files; its Content-Type is a header line.
func parts(t *testing.T, count int) (body, contentType string) {
	t.Helper()
	var out bytes.Buffer
	form := multipart.NewWriter(&out)
	for range count {
		part, err := form.CreateFormFile("media_file", "../../etc/passwd")
		require.NoError(t, err)
		_, err = part.Write([]byte("x"))
		require.NoError(t, err)
	}
	require.NoError(t, form.Close())
	return out.String(), "Content-Type: " + form.FormDataContentType()
}

func TestBadBodiesAreRefusedWithASentenceAndDoNothing(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		channelID := a.channel(t, "sandbox", `{}`)
		message := func(more string) string {
			return `{"channelId":"` + channelID + `","to":"15551234567","text":"Hello"` + more + `}`
		}
		form, multipartType := parts(t, 1500)
		for _, c := range []struct {
			name, body, header string
			status             int
			code               string
		}{
			{"no body", "", "", 400, "invalid_field"},
			{"a list", "[" + message("") + "]", "", 400, "invalid_json"},
			{"a text", `"hello"`, "", 400, "invalid_json"},
			{"cut off", strings.TrimSuffix(message(""), "}"), "", 400, "invalid_json"},
			{"something behind it", message("") + "{}", "", 400, "invalid_json"},
			{"a byte order mark", "\ufeff" + message(""), "", 400, "invalid_json"},
			{"an unknown field", message(`,"txt":"x"`), "", 400, "unknown_field"},
			{"a field of other letters", message(`,"Media":[]`), "", 400, "unknown_field"},
			{"a field twice", message(`,"text":"x"`), "", 400, "invalid_json"},
			{"a mistyped field", message(`,"media":"https://x.example/"`), "", 400, "invalid_field"},
			{"an unknown field within", message(`,"media":[{"uri":"https://x.example/"}]`), "", 400, "unknown_field"},
			{"a private address", message(`,"media":[{"url":"https://10.0.0.1/x"}]`), "", 400, "invalid_url"},
			{"a path on this machine", message(`,"media":[{"url":"file:///etc/passwd"}]`), "", 400, "invalid_url"},
			{"files like n8n's", message(`,"files":{"a":{"filepath":"/etc/passwd"}}`), "", 400, "unknown_field"},
			{"invalid UTF-8", strings.Replace(message(""), "Hello", "\xff", 1), "", 400, "invalid_json"},
			{"half a character", strings.Replace(message(""), "Hello", `\ud800`, 1), "", 400, "invalid_json"},
			{"NUL", strings.Replace(message(""), "Hello", `a\u0000b`, 1), "", 400, "invalid_json"},
			{"NUL in the recipient", strings.Replace(message(""), "15551234567", `1555\u00001234567`, 1), "", 400, "invalid_json"},
			{"an endless recipient", strings.Replace(message(""), "15551234567", strings.Repeat("1234567890", 1000), 1), "", 400, "invalid_field"},
			{"an empty recipient", strings.Replace(message(""), "15551234567", "  ", 1), "", 400, "required_field"},
			{"a text that is too long", strings.Replace(message(""), "Hello", strings.Repeat("x", 4097), 1), "", 400, "invalid_field"},
			{"depth", `{"media":` + strings.Repeat("[", 100_000), "", 400, "invalid_json"},
			{"many fields", "{" + strings.Repeat(`"a":1,`, 100_000) + `"b":1}`, "", 400, "invalid_json"},
			{"more than a megabyte", strings.Replace(message(""), "Hello", strings.Repeat("x", 1<<20), 1), "", 413, "body_too_large"},
			{"seven megabytes of objects", `{"media":[` + strings.Repeat("{},", 2_500_000) + "{}]}", "", 413, "body_too_large"},
			{"a compressed body", gzipped(t, message("")), "Content-Encoding: gzip", 415, "encoded_body"},
			{"a bomb", gzipped(t, strings.Repeat("{", 64<<20)), "Content-Encoding: gzip", 415, "encoded_body"},
			{"a broken compressed body", "\x1f\x8b\x08broken", "Content-Encoding: gzip", 415, "encoded_body"},
			{"text/plain", message(""), "Content-Type: text/plain", 415, "unsupported_media_type"},
			{"a form", "channelId=" + channelID, "Content-Type: application/x-www-form-urlencoded", 415, "unsupported_media_type"},
			{"UTF-16", message(""), "Content-Type: application/json; charset=utf-16", 415, "unsupported_media_type"},
			{"1500 files", form, multipartType, 400, "invalid_field"},
			{"a form without boundary", form, "Content-Type: multipart/form-data", 400, "invalid_form"},
			{"JSON that calls itself a form", message(""), multipartType, 400, "invalid_form"},
			{"a session that is not there", strings.Replace(message(""), channelID, "chan_nobody", 1), "", 404, "not_found"},
		} {
			r := a.send(t, c.status, "POST", "/v1/messages", c.body, c.header)
			require.Equal(t, c.code, r.text(t, "code"), "%s: %s", c.name, r.body)
			require.NotEmpty(t, r.text(t, "message"), c.name)
		}
		a.nothingHappened(t)
	})
}

func TestBadRequestsOfOtherRoutesAreRefusedAndDoNothing(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		channelID := a.channel(t, "sandbox", `{}`)
		outbound := "/api/v1/outbound/" + a.id + "/send"
		for _, c := range []struct{ method, path, body, code string }{
			{"POST", outbound, `{}`, "invalid_field"},
			{"POST", outbound, `{"platform":"telegram","to":"1","message_text":"x"}`, "invalid_field"},
			{"POST", outbound, `{"platform":"facebook","to":"1","message_text":"x"}`, "required_field"},
			{"POST", outbound, `{"platform":"whatsapp","message_text":"x"}`, "required_field"},
			{"POST", outbound, `{"platform":"whatsapp","to":"447911123456","text":"x"}`, "unknown_field"},
			{"POST", outbound, `{"platform":"whatsapp","to":"447911123456","message_text":"x","from":"15559999999"}`, "no_channel"},
			{"POST", outbound, `{"platform":"whatsapp","to":"447911123456","media_url":"https://169.254.169.254/"}`, "invalid_url"},
			{"POST", "/v1/webhooks", `{"url":"https://user:pw@x.example/","events":["message.received"]}`, "invalid_url"},
			{"POST", "/v1/webhooks", `{"url":"https://192.168.0.1/","events":["message.received"]}`, "invalid_url"},
			{"POST", "/v1/webhooks", `{"url":"http://x.example:0/","events":["message.received"]}`, "invalid_url"},
			{"POST", "/v1/webhooks", `{"url":"https://x.example/\r\nX-Evil: 1","events":["message.received"]}`, "invalid_url"},
			{"POST", "/v1/webhooks", `{"url":"https://x.example/","events":["message.recieved"]}`, "invalid_field"},
			{"POST", "/v1/webhooks", `{"url":"https://x.example/","events":"message.received"}`, "invalid_field"},
			{"POST", "/v1/webhooks", `{"url":"https://x.example/","events":["message.received"],"headers":{"Host":"x"}}`, "invalid_field"},
			{"POST", "/v1/webhooks", `{"url":"https://x.example/","events":["message.received"],"headers":{"X-A":"b\r\nX-Evil: 1"}}`, "invalid_field"},
			{"POST", "/v1/webhooks", `{"url":"https://x.example/","events":["message.received"],"rateLimit":{"limit":1,"perod":"1s"}}`, "unknown_field"},
			{"POST", "/v1/webhooks", `{"url":"https://x.example/","events":["message.received"],"expiresAt":"2020-01-01T00:00:00Z"}`, "invalid_field"},
			{"POST", "/v1/webhooks", `{"target-url":"https://x.example/","event":"message.received"}`, "unknown_field"},
			{"POST", "/v1/webhooks/settings", `{"events":["message.received"]}`, "required_field"},
			{"POST", "/v1/channels/" + channelID + "/simulate", `{"from":"` + strings.Repeat("x", 10_000) + `","text":"Hi"}`, "invalid_field"},
			{"POST", "/v1/channels/" + channelID + "/simulate", `{"text":"Hi"}`, "invalid_field"},
			{"GET", "/v1/messages?limit=0", "", "invalid_field"},
			{"GET", "/v1/messages?cursor=%00", "", "invalid_field"},
			{"GET", "/v1/messages?cursor=abc", "", "invalid_cursor"},
			{"GET", "/v1/messages?contact=%ff", "", "invalid_field"},
			{"GET", "/v1/messages?channelId=a%00b", "", "invalid_field"},
			{"GET", "/v1/messages?status=lost", "", "invalid_field"},
			{"GET", "/v1/events?since=yesterday", "", "invalid_field"},
			{"GET", "/v1/events?event=no.such", "", "invalid_field"},
			{"GET", "/v1/deliveries?status=x", "", "invalid_field"},
		} {
			a.refused(t, 400, c.code, c.method, c.path, c.body)
		}
		long := a.refused(t, 400, "invalid_field", "POST", outbound, `{"platform":"whatsapp","to":"447911123456","message_text":"`+strings.Repeat("x", 4097)+`"}`)
		require.Equal(t, "message_text", long.text(t, "field"), "errors name the contract's fields")
		a.nothingHappened(t)
		require.Empty(t, a.send(t, 200, "GET", "/v1/webhooks", "").field(t, "data"))
	})
}

func TestTextsComeBackAsTheyWereSent(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		channelID := a.channel(t, "sandbox", `{}`)
		for sent, want := range map[string]string{
			`<b>&\u2028\u2029\/</b>`: "<b>&\u2028\u2029/</b>", `\ud83d\ude00 😀 ä`: "😀 😀 ä", `\u0001\t\"\\u0000`: "\x01\t\"\\u0000", `\ufffd`: "\uFFFD",
		} {
			id := a.send(t, 200, "POST", "/v1/messages", `{"channelId":"`+channelID+`","to":"15551234567","text":"`+sent+`"}`).text(t, "id")
			require.Equal(t, want, a.send(t, 200, "GET", "/v1/messages/"+id, "").text(t, "text"))
		}
	})
}
