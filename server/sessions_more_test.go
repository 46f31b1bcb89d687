package server_test

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"

	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
	"github.com/switchhook/switchhook/internal/linkcli"
	"github.com/switchhook/switchhook/internal/secret"
)

func TestALinkedDeviceSendsEveryKindOfContent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	owner, jane := w.phones.AddUser("15559876543"), w.phones.AddUser("15551234567", watest.WithName("Jane Doe"))
	id := a.linked(t, owner)
	inbox := a.sessionInbox(t)
	require.NoError(t, jane.SendText(t.Context(), owner, "3EB0A1B2C3D4E5F6", "Where are you?"))
	eventually(t, "the question is delivered", func() bool { return len(inbox.of("message.received")) == 1 })
	var picture bytes.Buffer
	require.NoError(t, png.Encode(&picture, image.NewGray(image.Rect(0, 0, 3, 2))))
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(picture.Bytes()) }))
	t.Cleanup(host.Close)

	for _, c := range []struct {
		kind, content string
		is            func(*waE2E.Message) bool
	}{
		{"text", `"text":"Here","replyTo":"3EB0A1B2C3D4E5F6"`, func(m *waE2E.Message) bool {
			return m.GetExtendedTextMessage().GetText() == "Here" && m.GetExtendedTextMessage().GetContextInfo().GetStanzaID() == "3EB0A1B2C3D4E5F6"
		}},
		{"location", `"location":{"latitude":0,"longitude":-13.405,"name":"Null Island"}`, func(m *waE2E.Message) bool {
			place := m.GetLocationMessage()
			return place != nil && place.GetDegreesLatitude() == 0 && place.GetDegreesLongitude() == -13.405 && place.GetName() == "Null Island"
		}},
		{"contact", `"contact":{"name":"Joe Bloggs","phone":"+1 555 765 4321"}`, func(m *waE2E.Message) bool {
			return m.GetContactMessage().GetDisplayName() == "Joe Bloggs" && strings.Contains(m.GetContactMessage().GetVcard(), "15557654321")
		}},
		{"reaction", `"reaction":{"messageId":"3EB0A1B2C3D4E5F6","emoji":"👍"}`, func(m *waE2E.Message) bool {
			return m.GetReactionMessage().GetText() == "👍" && m.GetReactionMessage().GetKey().GetID() == "3EB0A1B2C3D4E5F6"
		}},
		{"image", `"text":"Look","media":[{"url":"` + host.URL + `/view.png"}]`, func(m *waE2E.Message) bool {
			return m.GetImageMessage().GetCaption() == "Look" && m.GetImageMessage().GetWidth() == 3
		}},
	} {
		sent := a.send(t, 200, "POST", "/v1/messages", `{"channelId":"`+id+`","to":"15551234567@s.whatsapp.net",`+c.content+`}`)
		require.Equal(t, "sent", sent.text(t, "status"), c.kind)
		arrived, err := jane.WaitMessage(t.Context(), func(m watest.Message) bool { return m.ID == sent.field(t, "waMessageId") })
		require.NoError(t, err, c.kind)
		require.True(t, c.is(arrived.Message), "%s: %v", c.kind, arrived.Message)
	}
	place := a.send(t, 200, "GET", "/v1/messages?direction=outbound", "").field(t, "data").([]any)[3].(map[string]any)
	require.Equal(t, "location", place["type"])
	require.Equal(t, map[string]any{"latitude": 0.0, "longitude": -13.405, "name": "Null Island"}, place["location"])
}

func TestAGroupIsReadAndAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	owner, jane := w.phones.AddUser("15559876543"), w.phones.AddUser("15551234567", watest.WithName("Jane Doe"))
	inbox, plain := a.sessionInbox(t), newReceiver(t, status(200))
	a.send(t, 201, "POST", "/v1/webhooks", `{"url":"`+plain.URL+`","events":["message.received","session.qr","session.status"]}`)
	id := a.linked(t, owner)
	friends, err := w.phones.AddGroup("Friends", owner, jane)
	require.NoError(t, err)
	require.NoError(t, jane.SendToGroup(t.Context(), friends, "3EB0A1B2C3D4E5F6", &waE2E.Message{Conversation: proto.String("Hi all")}))
	eventually(t, "the message is delivered", func() bool { return len(inbox.of("message.received")) == 1 })
	data := inbox.whathooksData(t, "message.received", id)[0]
	require.Equal(t, "15551234567", data["from"])
	require.Equal(t, friends.JID().String(), data["chat"])
	eventually(t, "the other webhook has it too", func() bool { return len(plain.of("message.received")) == 1 })
	for name, schema := range map[string]string{"message.received": "MessageReceivedEvent", "session.qr": "SessionQREvent", "session.status": "SessionStatusEvent"} {
		require.NotEmpty(t, plain.of(name), name)
		require.NoError(t, w.checker.ValidateSchema(schema, plain.of(name)[0].body), name)
	}
	shown := a.send(t, 200, "GET", "/v1/messages/"+data["id"].(string), "")
	require.Equal(t, "15551234567", shown.text(t, "from"))
	require.Equal(t, friends.JID().String(), shown.text(t, "chat"))

	answer := a.send(t, 200, "POST", "/v1/messages", `{"sessionId":"`+id+`","to":"`+friends.JID().String()+`","text":"Hi Jane"}`)
	arrived, err := jane.WaitText(t.Context(), "Hi Jane")
	require.NoError(t, err)
	require.True(t, arrived.Group)
	require.Equal(t, arrived.ID, answer.text(t, "waMessageId"))
}

func TestThePlatformWhatsAppMeansALinkedDevice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	jane := w.phones.AddUser("15551234567")
	id := a.linked(t, w.phones.AddUser("15559876543"))
	spare := a.session(t) // it has no number yet, so it is nobody's choice
	path := "/api/v1/outbound/" + a.id + "/send"
	body := `{"platform":"whatsapp","to":"15551234567","message_text":"Hello"`
	sent := a.send(t, 200, "POST", path, body+"}")
	require.Equal(t, id, sent.text(t, "channel_id"))
	arrived, err := jane.WaitText(t.Context(), "Hello")
	require.NoError(t, err)
	require.Equal(t, arrived.ID, sent.text(t, "provider_message_id"))

	other := a.twilioChannel(t, "twilio_whatsapp")
	listed := a.refused(t, 400, "ambiguous_channel", "POST", path, body+"}").text(t, "message")
	require.Contains(t, listed, id)
	require.Contains(t, listed, other)
	require.NotContains(t, listed, spare)
	for _, named := range []string{`"from":"15559876543"`, `"from":"wa_15559876543"`, `"channel_id":"` + id + `"`} {
		require.Equal(t, id, a.send(t, 200, "POST", path, body+","+named+"}").text(t, "channel_id"))
	}
}

func TestANumberIsLinkedToOneSessionOfAnAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a, b := w.tenant(t, "ann"), w.tenant(t, "bob")
	owner := w.phones.AddUser("15559876543")
	first := a.linked(t, owner)
	second := a.session(t)
	_, err := owner.Scan(t.Context(), a.sessionBecomes(t, second, "QR").text(t, "qr"))
	require.Error(t, err)
	refused := a.sessionBecomes(t, second, "DISCONNECTED")
	require.NotEmpty(t, refused.text(t, "message"))
	require.Equal(t, false, refused.field(t, "retry"))
	require.Equal(t, "CONNECTED", a.send(t, 200, "GET", "/v1/sessions/"+first, "").text(t, "status"))
	b.linked(t, owner) // another account's is no business of this one
	require.Len(t, owner.Devices(), 2)
}

func TestASessionIsMadeOnceHoweverOftenItIsAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	for path, body := range map[string]string{"/v1/sessions": `{"name":"One"}`, "/v1/channels": `{"connector":"whatsapp","name":"Two"}`} {
		key := "Idempotency-Key: " + path
		first := a.send(t, 201, "POST", path, body, key)
		again := a.send(t, 201, "POST", path, body, key)
		require.Equal(t, string(first.body), string(again.body))
		require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
		a.refused(t, 409, "idempotency_conflict", "POST", path, strings.Replace(body, "name", "nam", 1), key)
	}
	require.Len(t, a.send(t, 200, "GET", "/v1/sessions", "").field(t, "data"), 2)
}

func TestASessionIsSwitchedOffAndOnAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	owner := w.phones.AddUser("15559876543")
	jane := w.phones.AddUser("15551234567")
	id := a.linked(t, owner)
	a.send(t, 200, "PATCH", "/v1/sessions/"+id, `{"status":"disabled"}`)
	require.Equal(t, "disabled", a.sessionBecomes(t, id, "DISCONNECTED").text(t, "reason"))
	a.send(t, 400, "POST", "/v1/messages", `{"sessionId":"`+id+`","to":"15551234567","text":"Hello"}`)
	a.refused(t, 409, "conflict", "POST", "/v1/sessions/"+id+"/link", "")
	a.send(t, 200, "PATCH", "/v1/sessions/"+id, `{"status":"active"}`)
	a.sessionBecomes(t, id, "CONNECTED")
	require.Len(t, owner.Devices(), 1, "it is the same device")
	a.send(t, 200, "POST", "/v1/messages", `{"sessionId":"`+id+`","to":"15551234567","text":"Hello"}`)
	_, err := jane.WaitText(t.Context(), "Hello")
	require.NoError(t, err)
}

func TestADeviceThatIsUnlinkedOnThePhoneIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	owner := w.phones.AddUser("15559876543")
	id := a.linked(t, owner)
	inbox := newReceiver(t, status(200))
	a.send(t, 201, "POST", "/v1/webhooks", `{"url":"`+inbox.URL+`","events":["session.status","account.disconnected"]}`)
	require.True(t, owner.Unlink(owner.Devices()[0]))
	gone := a.sessionBecomes(t, id, "LOGGED_OUT")
	require.Equal(t, "logged_out", gone.text(t, "reason"))
	require.NotEmpty(t, gone.text(t, "message"))
	require.Equal(t, "15559876543", gone.text(t, "phone"))
	for _, name := range []string{"session.status", "account.disconnected"} {
		eventually(t, name, func() bool { return len(inbox.of(name)) == 1 })
	}
	require.NoError(t, w.checker.ValidateSchema("SessionStatusEvent", inbox.of("session.status")[0].body))
	require.NoError(t, w.checker.ValidateSchema("ChannelEvent", inbox.of("account.disconnected")[0].body))
	a.refused(t, 400, "session_not_connected", "POST", "/v1/messages", `{"sessionId":"`+id+`","to":"15551234567","text":"Hello"}`)
}

// screen is a terminal that can be read while it is written to.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestACommandLinksAPhone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	owner := w.phones.AddUser("15559876543")
	var terminal screen
	options := linkcli.Options{URL: w.url, Key: secret.String(a.key), Out: &terminal, Every: 20 * time.Millisecond}
	for _, phone := range []string{"", "15559876543"} {
		ended := make(chan error, 1)
		go func() { ended <- linkcli.Link(t.Context(), options, linkcli.Request{Name: "My phone", Phone: phone}) }()
		var step map[string]any
		eventually(t, "there is a code", func() bool {
			rows := a.send(t, 200, "GET", "/v1/sessions", "").field(t, "data").([]any)
			i := slices.IndexFunc(rows, func(row any) bool { return row.(map[string]any)["step"] != nil })
			if i >= 0 {
				step, _ = rows[i].(map[string]any)["step"].(map[string]any)
			}
			return i >= 0 && (step["kind"] == "pairing_code") == (phone != "")
		})
		link := owner.Scan
		if phone != "" {
			link = owner.EnterCode
		}
		_, err := link(t.Context(), step["code"].(string))
		require.NoError(t, err)
		require.NoError(t, <-ended, terminal.String())
		require.Contains(t, terminal.String(), "Connected as 15559876543")
		for _, row := range a.send(t, 200, "GET", "/v1/sessions", "").field(t, "data").([]any) {
			a.send(t, 204, "DELETE", "/v1/sessions/"+row.(map[string]any)["id"].(string), "")
		}
	}
	id := a.session(t)
	var table screen
	options.Out = &table
	require.NoError(t, linkcli.List(t.Context(), options))
	require.Contains(t, table.String(), id)
}
