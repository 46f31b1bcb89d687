package server_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// files is a host of files that no message should be sent with.
func files(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/program":
			_, _ = w.Write([]byte("\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 64)))
		case "/large.jpg":
			_, _ = w.Write([]byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00"))
			_, _ = w.Write(bytes.Repeat([]byte{0}, 17<<20))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestWhatWhatsAppCannotTakeIsRefusedAndNothingIsSent(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		w.phones.AddUser("15551234567")
		id := a.linked(t, w.phones.AddUser("15559876543"))
		host := files(t)
		for _, c := range []struct{ name, to, content, code, field string }{
			{"a number without WhatsApp", "15550000000", `"text":"Hello"`, "invalid_field", "to"},
			{"no number", "Jane", `"text":"Hello"`, "invalid_field", "to"},
			{"a device", "15551234567:3@s.whatsapp.net", `"text":"Hello"`, "invalid_field", "to"},
			{"a status", "status@broadcast", `"text":"Hello"`, "invalid_field", "to"},
			{"a channel of WhatsApp", "120363000000000000@newsletter", `"text":"Hello"`, "invalid_field", "to"},
			{"a group that is none", "120363000000000000@g.us", `"text":"Hello"`, "invalid_field", "to"},
			{"another network's address", "jane@example.com", `"text":"Hello"`, "invalid_field", "to"},
			{"a file that is too large", "15551234567", `"media":[{"url":"` + host + `/large.jpg"}]`, "message_rejected", ""},
			{"a program", "15551234567", `"media":[{"url":"` + host + `/program"}]`, "message_rejected", ""},
			{"a file that is not there", "15551234567", `"media":[{"url":"` + host + `/nothing"}]`, "message_rejected", ""},
			{"two files", "15551234567", `"media":[{"url":"` + host + `/1"},{"url":"` + host + `/2"}]`, "invalid_field", "media"},
			{"a template", "15551234567", `"template":{"name":"hello"}`, "unsupported", ""},
			{"a text that is too long", "15551234567", `"text":"` + strings.Repeat("x", 65537) + `"`, "invalid_field", "text"},
		} {
			r := a.refused(t, 400, c.code, "POST", "/v1/messages", `{"sessionId":"`+id+`","to":"`+c.to+`",`+c.content+`}`)
			if c.field != "" {
				require.Equal(t, c.field, r.text(t, "field"), "%s: %s", c.name, r.body)
			}
		}
		require.Zero(t, w.phones.Counters().Messages)
		require.Empty(t, a.send(t, 200, "GET", "/v1/messages?status=sent", "").field(t, "data"))
	})
}

func TestAContentThatIsNoneIsRefusedWithEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	id := a.session(t)
	for _, c := range []struct{ content, fields string }{
		{`"text":""`, "text"},
		{`"text":"x","location":{"latitude":1,"longitude":2}`, "location"},
		{`"contact":{"name":"Jane","phone":"15551234567"},"reaction":{"messageId":"3EB0"}`, "reaction"},
		{`"media":[{"url":"https://example.com/x"}],"template":{"name":"x"}`, "template"},
		{`"location":{}`, "location.latitude location.longitude"},
		{`"location":{"latitude":90.5,"longitude":-181}`, "location.latitude location.longitude"},
		{`"location":{"latitude":"north","longitude":1}`, "location.latitude"},
		{`"contact":{"name":" ","phone":"Jane"}`, "contact.name contact.phone"},
		{`"reaction":{"emoji":"x"}`, "reaction.messageId"},
		{`"text":"x","channelId":"chan_1"`, "sessionId"},
		{`"location":{"latitude":95,"longitude":0},"contact":{"name":"","phone":""}`, "contact location.latitude contact.name contact.phone"},
	} {
		r := a.send(t, 400, "POST", "/v1/messages", `{"sessionId":"`+id+`","to":"15551234567",`+c.content+`}`)
		var wrong []string
		for _, field := range r.field(t, "errors").([]any) {
			wrong = append(wrong, field.(map[string]any)["field"].(string))
		}
		require.Equal(t, strings.Fields(c.fields), wrong, "%s: %s", c.content, r.body)
	}
	sandbox := a.channel(t, "sandbox", `{}`)
	a.refused(t, 400, "unsupported", "POST", "/v1/messages", `{"channelId":"`+sandbox+`","to":"15551234567","location":{"latitude":0,"longitude":0}}`)
}

func TestASessionThatIsNotConnectedDoesNothing(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		id := a.session(t)
		a.sessionBecomes(t, id, "QR")
		path := "/v1/sessions/" + id
		a.refused(t, 409, "link_in_progress", "POST", path+"/link", "")
		for _, c := range []struct {
			path, body, code string
			status           int
		}{
			{"/v1/messages", `{"sessionId":"` + id + `","to":"15551234567","text":"Hello"}`, "session_not_connected", 400},
			{"/api/v1/outbound/" + a.id + "/send", `{"platform":"whatsapp","to":"15551234567","message_text":"Hello"}`, "session_not_connected", 400},
			{path + "/check-numbers", `{"numbers":["15551234567"]}`, "session_not_connected", 400},
			{path + "/read", `{"messageIds":["msg_01kaj5v0x7r5t3v1x9z7b5d3f1"]}`, "session_not_connected", 400},
			{path + "/check-numbers", `{"numbers":[]}`, "required_field", 400},
			{path + "/check-numbers", `{"numbers":["15551234567","x"]}`, "invalid_field", 400},
			{path + "/check-numbers", `{"numbers":["15551234567"` + strings.Repeat(`,"15551234567"`, 50) + `]}`, "invalid_field", 400},
			{path + "/read", `{}`, "required_field", 400},
			{path + "/read", `{"messageIds":["3EB0A1B2C3D4E5F6"]}`, "invalid_field", 400},
			{path + "/pair", `{"phoneNumber":"not a number"}`, "invalid_field", 400},
			{path + "/pair", `{"phone":"15559876543"}`, "unknown_field", 400},
			{path + "/passkey", `{"response":"text"}`, "invalid_field", 400},
			{path + "/passkey", `{}`, "invalid_field", 400},
			{path + "/passkey", `{"response":{"id":"x"}}`, "conflict", 409},
			{path + "/passkey/confirm", "", "conflict", 409},
		} {
			a.refused(t, c.status, c.code, "POST", c.path, c.body)
		}
		require.Empty(t, a.send(t, 200, "GET", "/v1/messages", "").field(t, "data"))
		for body, field := range map[string]string{
			`{"name":"` + strings.Repeat("x", 101) + `"}`: "name", `{"config":{"proxy":"ftp://x"}}`: "config.proxy", `{"config":{"sendGap":"61"}}`: "config.sendGap",
			`{"config":{"x":"y"}}`: "config.x", `{"label":"x"}`: "label",
		} {
			require.Equal(t, field, a.send(t, 400, "POST", "/v1/sessions", body).text(t, "field"))
		}
		require.Len(t, a.send(t, 200, "GET", "/v1/sessions", "").field(t, "data"), 1)
	})
}
