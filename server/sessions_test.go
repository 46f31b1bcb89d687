package server_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
	"github.com/switchhook/switchhook/internal/qrcode"
)

// atOnce are settings with which messages do not wait as people do.
const atOnce = `{"sendGap":"0","typing":"false"}`

// session makes a session, whose first code is on its way then.
func (a *tenant) session(t *testing.T) string {
	t.Helper()
	made := a.send(t, 201, "POST", "/v1/sessions", `{"name":"Support phone","config":`+atOnce+`}`)
	require.True(t, strings.HasPrefix(made.text(t, "id"), "sess_"))
	return made.text(t, "id")
}

// sessionBecomes waits for a status and returns the session with it.
func (a *tenant) sessionBecomes(t *testing.T, id, status string) reply {
	t.Helper()
	var now reply
	eventually(t, "the session is "+status, func() bool {
		now = a.send(t, 200, "GET", "/v1/sessions/"+id, "")
		return now.text(t, "status") == status
	})
	return now
}

// linked makes a session and scans its code with a phone.
func (a *tenant) linked(t *testing.T, phone *watest.User) string {
	t.Helper()
	id := a.session(t)
	a.scan(t, id, phone)
	return id
}

func (a *tenant) scan(t *testing.T, id string, phone *watest.User) {
	t.Helper()
	_, err := phone.Scan(t.Context(), a.sessionBecomes(t, id, "QR").text(t, "qr"))
	require.NoError(t, err)
	a.sessionBecomes(t, id, "CONNECTED")
}

// sessionInbox subscribes to all that happens on sessions, as the whathooks contract tells it.
func (a *tenant) sessionInbox(t *testing.T) *receiver {
	t.Helper()
	inbox := newReceiver(t, status(200))
	a.send(t, 201, "POST", "/v1/webhooks", `{"url":"`+inbox.URL+`","format":"whathooks","events":["message.received","message.status","session.status","session.qr"]}`)
	return inbox
}

// whathooksData returns the data of what came in for an event, and requires the contract's envelope around it.
func (r *receiver) whathooksData(t *testing.T, name, sessionID string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for _, d := range r.of(name) {
		var envelope map[string]any
		require.NoError(t, json.Unmarshal(d.body, &envelope))
		require.Len(t, envelope, 4)
		require.Equal(t, name, envelope["event"])
		require.Equal(t, sessionID, envelope["sessionId"])
		require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`, envelope["timestamp"])
		data, ok := envelope["data"].(map[string]any)
		require.True(t, ok)
		all = append(all, data)
	}
	return all
}

// statuses returns which statuses of a kind were told, the oldest first.
func (a *tenant) statuses(t *testing.T, event string) []string {
	t.Helper()
	var told []string
	for _, row := range a.send(t, 200, "GET", "/v1/events?limit=100&event="+event, "").field(t, "data").([]any) {
		told = append(told, row.(map[string]any)["data"].(map[string]any)["status"].(string))
	}
	slices.Reverse(told)
	return told
}

func TestAPhoneIsLinkedAndMessagesComeInAndGoOut(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		inbox := a.sessionInbox(t)
		owner := w.phones.AddUser("15559876543", watest.WithName("Support"))
		jane := w.phones.AddUser("15551234567", watest.WithName("Jane Doe"))

		id := a.session(t)
		code := a.sessionBecomes(t, id, "QR").text(t, "qr")
		eventually(t, "the code is told", func() bool {
			return slices.ContainsFunc(inbox.whathooksData(t, "session.qr", id), func(data map[string]any) bool { return data["qr"] == code })
		})
		a.scan(t, id, owner)
		shown := a.send(t, 200, "GET", "/v1/sessions/"+id, "")
		require.Equal(t, "15559876543", shown.text(t, "phone"))
		require.Nil(t, shown.field(t, "qr"))
		require.Nil(t, shown.field(t, "step"))
		eventually(t, "each status is told", func() bool {
			return slices.Equal(a.statuses(t, "session.status"), []string{"QR", "CONNECTING", "CONNECTED"})
		})
		eventually(t, "the channel is connected", func() bool {
			return a.send(t, 200, "GET", "/v1/channels/"+id, "").text(t, "status") == "connected"
		})
		require.Equal(t, "wa_15559876543", a.send(t, 200, "GET", "/v1/channels/"+id, "").text(t, "channelKey"))

		require.NoError(t, jane.SendText(t.Context(), owner, "3EB0A1B2C3D4E5F6", "Hi there!"))
		eventually(t, "the message is delivered", func() bool { return len(inbox.of("message.received")) == 1 })
		came := inbox.whathooksData(t, "message.received", id)[0]
		messageID, _ := came["id"].(string)
		require.True(t, strings.HasPrefix(messageID, "msg_"))
		for field, want := range map[string]string{
			"sessionId": id, "from": "15551234567", "pushName": "Jane Doe", "type": "text", "text": "Hi there!", "waMessageId": "3EB0A1B2C3D4E5F6",
		} {
			require.Equal(t, want, came[field], field)
		}
		require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`, came["timestamp"])

		a.answersJane(t, inbox, id, jane, owner)

		a.send(t, 204, "POST", "/v1/sessions/"+id+"/read", `{"messageIds":["`+messageID+`"]}`)
		_, err := jane.WaitReceipt(t.Context(), "3EB0A1B2C3D4E5F6", watest.Read)
		require.NoError(t, err)
	})
}

// answersJane sends a message through a session and follows it to its last status.
func (a *tenant) answersJane(t *testing.T, inbox *receiver, id string, jane, owner *watest.User) {
	t.Helper()
	answer := a.send(t, 200, "POST", "/v1/messages", `{"sessionId":"`+id+`","to":"15551234567","text":"Hello"}`)
	for field, want := range map[string]string{"sessionId": id, "to": "15551234567", "status": "sent"} {
		require.Equal(t, want, answer.text(t, field), field)
	}
	arrived, err := jane.WaitText(t.Context(), "Hello")
	require.NoError(t, err)
	require.Equal(t, arrived.ID, answer.text(t, "waMessageId"))
	for _, kind := range []watest.ReceiptKind{watest.Delivered, watest.Read} {
		require.NoError(t, jane.Receipt(owner, kind, arrived.ID))
	}
	eventually(t, "the receipts are told", func() bool { return len(inbox.of("message.status")) == 3 })
	for _, data := range inbox.whathooksData(t, "message.status", id) {
		require.Equal(t, answer.text(t, "id"), data["id"])
		require.Equal(t, arrived.ID, data["waMessageId"])
	}
	require.Equal(t, []string{"sent", "delivered", "read"}, a.statuses(t, "message.status"))
}

func TestACodeIsShownAsTextAndAsPictures(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	id := a.session(t)
	a.sessionBecomes(t, id, "QR")
	path := "/v1/sessions/" + id + "/qr"
	code := a.send(t, 200, "GET", path, "", "Accept: */*") // it stands for a minute
	drawing, err := qrcode.New(code.text(t, "qr"))
	require.NoError(t, err)
	picture, err := drawing.PNG()
	require.NoError(t, err)
	require.Equal(t, "data:image/png;base64,"+base64.StdEncoding.EncodeToString(picture), code.text(t, "image"))
	expires, err := time.Parse(time.RFC3339, code.text(t, "expiresAt"))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), expires, 2*time.Minute)
	for _, c := range []struct {
		accept, query, kind string
		body                []byte
	}{
		{"image/png", "", "image/png", picture},
		{"image/svg+xml", "", "image/svg+xml", drawing.SVG()},
		{"text/html,image/avif,image/png;q=0.9,application/json;q=0.1", "", "image/png", picture},
		{"text/plain", "", "application/json", code.body},
		{"application/json", "?format=png", "image/png", picture},
		{"", "?format=svg", "image/svg+xml", drawing.SVG()},
		{"image/png", "?format=json", "application/json", code.body},
	} {
		shown := a.send(t, 200, "GET", path+c.query, "", "Accept: "+c.accept)
		require.Equal(t, c.kind, shown.header.Get("Content-Type"), "%v", c)
		require.True(t, bytes.Equal(c.body, shown.body), "%v", c)
		require.Equal(t, "no-store", shown.header.Get("Cache-Control"))
	}
	a.refused(t, 400, "invalid_field", "GET", path+"?format=gif", "")
}

func TestASessionIsLinkedByACodeToTypeIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	owner := w.phones.AddUser("15559876543", watest.WithName("Support"))
	id := a.session(t)
	a.sessionBecomes(t, id, "QR")
	given := a.send(t, 200, "POST", "/v1/sessions/"+id+"/pair", `{"phoneNumber":"+1 (555) 987-6543"}`)
	require.Regexp(t, `^[A-Z0-9]{4}-[A-Z0-9]{4}$`, given.text(t, "code"))
	eventually(t, "the code is shown", func() bool {
		return a.sessionBecomes(t, id, "QR").field(t, "step", "code") == given.text(t, "code")
	})
	step := a.send(t, 200, "GET", "/v1/sessions/"+id, "")
	require.Equal(t, "pairing_code", step.text(t, "step", "kind"))
	require.Nil(t, step.field(t, "qr"))
	require.Contains(t, a.refused(t, 409, "conflict", "GET", "/v1/sessions/"+id+"/qr", "").text(t, "message"), given.text(t, "message"))
	_, err := owner.EnterCode(t.Context(), given.text(t, "code"))
	require.NoError(t, err)
	require.Equal(t, "15559876543", a.sessionBecomes(t, id, "CONNECTED").text(t, "phone"))
}

func TestASessionIsLoggedOutLinkedAgainAndDeleted(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		owner := w.phones.AddUser("15559876543")
		w.phones.AddUser("15551234567")
		id := a.linked(t, owner)
		path := "/v1/sessions/" + id
		a.refused(t, 409, "conflict", "POST", path+"/link", "")
		a.refused(t, 409, "conflict", "GET", path+"/qr", "")

		require.Equal(t, "LOGGED_OUT", a.send(t, 200, "POST", path+"/logout", "").text(t, "status"))
		require.Empty(t, owner.Devices())
		eventually(t, "the channel needs a link", func() bool {
			return a.send(t, 200, "GET", "/v1/channels/"+id, "").text(t, "status") == "needs_link"
		})
		a.refused(t, 400, "session_not_connected", "POST", "/v1/messages", `{"sessionId":"`+id+`","to":"15551234567","text":"Hello"}`)
		require.Contains(t, a.refused(t, 409, "conflict", "GET", path+"/qr", "").text(t, "message"), "/link")

		a.send(t, 200, "POST", path+"/link", "")
		a.refused(t, 409, "link_in_progress", "POST", path+"/link", "")
		a.scan(t, id, owner)
		require.Len(t, owner.Devices(), 1)

		a.send(t, 204, "DELETE", "/v1/channels/"+id, "")
		require.Empty(t, owner.Devices())
		for _, gone := range []string{path, "/v1/channels/" + id, path + "/qr"} {
			a.refused(t, 404, "not_found", "GET", gone, "")
		}
	})
}

func TestASessionIsAChannelToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	first := a.session(t)
	sandbox := a.channel(t, "sandbox", `{}`)
	made := a.send(t, 201, "POST", "/v1/channels", `{"connector":"whatsapp","name":"Second","config":`+atOnce+`}`)
	second := made.text(t, "id")
	require.True(t, strings.HasPrefix(second, "sess_"))
	require.Equal(t, "whatsapp", made.text(t, "connector"))

	changed := a.send(t, 200, "PATCH", "/v1/sessions/"+second, `{"name":"Renamed","config":{"proxy":"socks5://u:secret@127.0.0.1:1"}}`)
	require.Equal(t, "Renamed", changed.text(t, "name"))
	require.NotContains(t, string(changed.body), "secret")
	a.refused(t, 404, "not_found", "PATCH", "/v1/sessions/"+sandbox, `{"name":"x"}`)

	listed := func(path string) []string {
		var ids []string
		for cursor := ""; ; {
			page := a.send(t, 200, "GET", path+"?limit=1&cursor="+cursor, "")
			for _, row := range page.field(t, "data").([]any) {
				ids = append(ids, row.(map[string]any)["id"].(string))
			}
			if page.field(t, "nextCursor") == nil {
				return ids
			}
			cursor = page.text(t, "nextCursor")
		}
	}
	require.Equal(t, []string{second, first}, listed("/v1/sessions"))
	require.ElementsMatch(t, []string{second, sandbox, first}, listed("/v1/channels"))
	eventually(t, "it is deleted, once its new settings hold", func() bool {
		return a.call(t, "DELETE", "/v1/sessions/"+second, "", "X-Api-Key: "+a.key).status == 204
	})
	require.Equal(t, []string{first}, listed("/v1/sessions"))
}

func TestNumbersAreLookedUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	w.phones.AddUser("15551234567")
	id := a.linked(t, w.phones.AddUser("15559876543"))
	found := a.send(t, 200, "POST", "/v1/sessions/"+id+"/check-numbers", `{"numbers":["+1 555 123 4567","15550000000"]}`)
	require.JSONEq(t, `{"data":[{"number":"+1 555 123 4567","exists":true,"address":"15551234567","name":""},
		{"number":"15550000000","exists":false,"address":"","name":""}],"nextCursor":null}`, string(found.body))
}
