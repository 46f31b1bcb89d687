package facebook_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/facebook"
	"github.com/switchhook/switchhook/connectors/meta"
	"github.com/switchhook/switchhook/connectors/meta/metatest"
)

func open(tb testing.TB, options meta.Options, change connectors.Config) connectors.Conn {
	tb.Helper()
	settings := config()
	for key, value := range change {
		settings[key] = value
	}
	client := &http.Client{Transport: &http.Transport{}}
	tb.Cleanup(client.CloseIdleConnections)
	conn, err := facebook.New(options).Open(connectors.Channel{ID: "chan_1", Address: page, Config: settings}, connectors.Host{HTTP: client, Now: time.Now})
	require.NoError(tb, err)
	return conn
}

func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	text := func(more map[string]any) map[string]any {
		body := map[string]any{
			"recipient": map[string]any{"id": person}, "messaging_type": "RESPONSE", "message": map[string]any{"text": "Hi", "metadata": "msg_1"},
		}
		for key, value := range more {
			body[key] = value
		}
		return body
	}
	file := func(kind, address string) map[string]any {
		attachment := map[string]any{"type": kind, "payload": map[string]any{"url": address}}
		return text(map[string]any{"message": map[string]any{"attachment": attachment, "metadata": "msg_1"}})
	}
	media := func(address, contentType string) connectors.OutMessage {
		return connectors.OutMessage{Media: []connectors.OutMedia{{URL: address, ContentType: contentType}}}
	}
	for name, test := range map[string]struct {
		message connectors.OutMessage
		want    map[string]any
	}{
		"a text":               {connectors.OutMessage{Text: "Hi"}, text(nil)},
		"a reply":              {connectors.OutMessage{Text: "Hi", ReplyTo: "m_7"}, text(map[string]any{"reply_to": map[string]any{"mid": "m_7"}})},
		"after the window":     {connectors.OutMessage{Text: "Hi", Template: &connectors.Template{Name: "HUMAN_AGENT"}}, text(map[string]any{"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"})},
		"a picture":            {media("https://f.example/1", "image/png"), file("image", "https://f.example/1")},
		"a voice message":      {media("https://f.example/1", "audio/mpeg"), file("audio", "https://f.example/1")},
		"a document":           {media("https://f.example/1.png", "application/pdf"), file("file", "https://f.example/1.png")},
		"a film by its name":   {media("https://f.example/1.MP4?x=.png", ""), file("video", "https://f.example/1.MP4?x=.png")},
		"a picture by name":    {media("https://f.example/1.jpg", ""), file("image", "https://f.example/1.jpg")},
		"a song by its name":   {media("https://f.example/1.mp3", ""), file("audio", "https://f.example/1.mp3")},
		"anything without one": {media("https://f.example/1", ""), file("file", "https://f.example/1")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := metatest.New(t)
			test.message.ID, test.message.To = "msg_1", " "+person+" "
			receipt, err := open(t, meta.Options{BaseURL: fake.URL}, nil).(connectors.Sender).Send(t.Context(), test.message)
			require.NoError(t, err)
			require.Equal(t, connectors.Receipt{ProviderID: "m_1", Status: connectors.StatusSent}, receipt)
			require.Equal(t, []map[string]any{test.want}, fake.Posted("/"+page+"/messages"))
		})
	}
}

func TestWhatMessengerCannotTakeIsRefusedWithoutCallingIt(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	sender := open(t, meta.Options{BaseURL: fake.URL}, nil).(connectors.Sender)
	tag := func(name string, variables map[string]string) *connectors.Template {
		return &connectors.Template{Name: name, Variables: variables}
	}
	for name, test := range map[string]struct {
		message connectors.OutMessage
		field   string
	}{
		"a name":                {connectors.OutMessage{To: "Emily", Text: "Hi"}, "to"},
		"a phone number":        {connectors.OutMessage{To: "+1 631 111 2222", Text: "Hi"}, "to"},
		"a path":                {connectors.OutMessage{To: "1/../2", Text: "Hi"}, "to"},
		"text beside a file":    {connectors.OutMessage{To: person, Text: "Hi", Media: []connectors.OutMedia{{URL: "https://f.example/1.png"}}}, "text"},
		"a template's name":     {connectors.OutMessage{To: person, Text: "Hi", Template: tag("hello_world", nil)}, "template.name"},
		"a tag with variables":  {connectors.OutMessage{To: person, Text: "Hi", Template: tag("HUMAN_AGENT", map[string]string{"1": "x"})}, "template.variables"},
		"a tag without message": {connectors.OutMessage{To: person, Template: tag("HUMAN_AGENT", nil)}, "text"},
	} {
		_, err := sender.Send(t.Context(), test.message)
		require.Error(t, err, name)
		require.Equal(t, connectors.KindRejected, connectors.AsError(err).Kind, name)
		require.Equal(t, test.field, connectors.AsError(err).Field, name)
	}
	require.Zero(t, fake.Count())
}

type meaning struct {
	kind  connectors.Kind
	code  string
	field string
	after time.Duration
}

func TestEveryErrorOfTheSendAPIHasItsMeaning(t *testing.T) {
	t.Parallel()
	rejected := func(code, field string) meaning { return meaning{connectors.KindRejected, code, field, 0} }
	person, auth := rejected(connectors.CodeInvalidRecipient, "to"), meaning{connectors.KindUnlinked, connectors.CodeAuthFailed, "", 0}
	limited := meaning{connectors.KindRateLimited, "provider_rate_limited", "", 0}
	down := meaning{connectors.KindRetryable, "provider_unavailable", "", 0}
	fake := metatest.New(t)
	sender := open(t, meta.Options{BaseURL: fake.URL}, nil).(connectors.Sender)
	for code, want := range map[[2]int]meaning{
		{10, 2018278}: rejected(connectors.CodeWindowExpired, "to"), {10, 2534022}: rejected(connectors.CodeWindowExpired, "to"),
		{10, 2018065}: person, {10, 2018108}: person, {100, 2018001}: person, {200, 1545041}: person, {551, 0}: person, {551, 1545041}: person,
		{10, 1893063}:  {connectors.KindRateLimited, "provider_rate_limited", "", time.Hour},
		{100, 2018109}: rejected(connectors.CodeInvalidContent, "media"), {100, 0}: rejected("provider_rejected", ""),
		{200, 2018021}: auth, {200, 2018027}: auth, {200, 2018028}: auth, {230, 0}: auth, {230, 33}: auth, {190, 0}: auth, {190, 460}: auth,
		{4, 2018022}: limited, {613, 0}: limited, {80006, 0}: limited, {2, 0}: down, {1200, 0}: down,
		{2, 2018344}: rejected(meta.CodePermissionMissing, ""), {10, 0}: rejected(meta.CodePermissionMissing, ""),
		{10303, 0}: rejected("account_linking", ""),
	} {
		fake.FailNext(code[0], code[1])
		_, err := sender.Send(t.Context(), connectors.OutMessage{ID: "msg_1", To: "1", Text: "Hi"})
		failed := connectors.AsError(err)
		require.Equal(t, want, meaning{failed.Kind, failed.Code, failed.Field, failed.After}, code)
	}
}

func TestAMessageThatWasTakenButWhoseAnswerIsLostIsUnconfirmed(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	sender := open(t, meta.Options{BaseURL: fake.URL}, nil).(connectors.Sender)
	for _, trouble := range []metatest.Trouble{{Cut: true}, {BrokenBody: true}} {
		fake.TroubleNext(trouble)
		_, err := sender.Send(t.Context(), connectors.OutMessage{To: person, Text: "Hi"})
		require.Equal(t, connectors.KindUnconfirmed, connectors.AsError(err).Kind)
	}
	require.Len(t, fake.Posted("/"+page+"/messages"), 2)
}

func TestACheckFindsTheTokenOfAnotherPage(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	checker := open(t, meta.Options{BaseURL: fake.URL}, nil).(connectors.Checker)
	fake.SetObject("/me", map[string]any{"id": "2"})
	require.Equal(t, connectors.KindUnlinked, connectors.AsError(checker.Check(t.Context())).Kind)
	fake.SetObject("/me", map[string]any{"id": page})
	require.NoError(t, checker.Check(t.Context()))
	wrong := open(t, meta.Options{BaseURL: fake.URL}, connectors.Config{"pageAccessToken": "other"}).(connectors.Checker)
	require.Equal(t, connectors.CodeAuthFailed, connectors.AsError(wrong.Check(t.Context())).Code)
}

func TestAChannelsOwnAddressIsVerifiedByItsOwnTokenOrTheApps(t *testing.T) {
	t.Parallel()
	ask := func(token string) connectors.CallbackRequest {
		return connectors.CallbackRequest{Method: http.MethodGet, Query: url.Values{"hub.mode": {"subscribe"}, "hub.verify_token": {token}, "hub.challenge": {"42"}}}
	}
	app := meta.Options{AppSecret: "app secret", VerifyToken: "app token"}
	own, shared := open(t, app, nil).(connectors.Receiver), open(t, app, connectors.Config{"appSecret": "", "verifyToken": ""}).(connectors.Receiver)
	for token, receivers := range map[string][2]connectors.Receiver{metatest.VerifyToken: {own, shared}, "app token": {shared, own}} {
		result, err := receivers[0].Receive(ask(token))
		require.NoError(t, err)
		require.Equal(t, "42", result.Response.Body)
		_, err = receivers[1].Receive(ask(token))
		require.ErrorIs(t, err, connectors.ErrSignature)
	}
	signed := connectors.CallbackRequest{Method: http.MethodPost, Header: http.Header{}, Body: []byte(`{"object":"page","entry":[]}`)}
	metatest.SignCallback("app secret", &signed)
	_, err := shared.Receive(signed)
	require.NoError(t, err)
	_, err = own.Receive(signed)
	require.ErrorIs(t, err, connectors.ErrSignature)
}

func FuzzParseEntry(f *testing.F) {
	for _, seed := range []string{
		`{"id":"1","messaging":[{"sender":{"id":"2"},"timestamp":1795248001234,"message":{"mid":"m","text":"x","attachments":[{"type":"image","payload":{"url":"https://x"}}]}}]}`,
		`{"id":"1","messaging":[{"sender":{"id":"2"},"read":{"watermark":"1"}},{"sender":{"id":"2"},"delivery":{"mids":[""]}},{"sender":{"id":"2"},"postback":{}}]}`,
		`{"id":"1","messaging":[null,1,"",[]]}`, `null`, `[`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, entry []byte) {
		items, err := facebook.ParseEntry(entry)
		if err != nil && connectors.AsError(err).Kind != connectors.KindRejected {
			t.Fatalf("%q: %v", entry, err)
		}
		for _, item := range items {
			for _, m := range item.Messages {
				if m.ProviderID == "" || m.From == "" || m.Type == "" || m.To != item.Address {
					t.Fatalf("%q: %+v", entry, m)
				}
			}
			for _, s := range item.Statuses {
				if s.MessageID+s.ProviderID == "" && (s.To == "" || s.Until.IsZero()) {
					t.Fatalf("%q: %+v", entry, s)
				}
			}
		}
	})
}
