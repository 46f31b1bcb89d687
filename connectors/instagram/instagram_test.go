package instagram_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest"
	"github.com/switchhook/switchhook/connectors/instagram"
	"github.com/switchhook/switchhook/connectors/meta"
	"github.com/switchhook/switchhook/connectors/meta/metatest"
)

const (
	account = "17841400000000001"
	page    = "1000000000001"
	person  = "987654321098765"
)

func config() connectors.Config {
	return connectors.Config{
		"igUserId": account, "pageId": page, "accessToken": metatest.Token, "appSecret": metatest.AppSecret, "verifyToken": metatest.VerifyToken,
	}
}

func linked(id string) map[string]any {
	return map[string]any{"id": page, "instagram_business_account": map[string]any{"id": id}}
}

func TestConformance(t *testing.T) {
	connectortest.Run(t, connectortest.Suite{
		New:    func(address string) connectors.Connector { return instagram.New(meta.Options{BaseURL: address}) },
		Config: config(), Address: account, Message: connectors.OutMessage{ID: "msg_1", To: person, Text: "Hello"},
		BadConfigs: []connectortest.BadConfig{
			{Name: "a user name", Change: connectors.Config{"igUserId": "@me"}, Field: "igUserId"},
			{Name: "the Page's id", Change: connectors.Config{"igUserId": page}, Field: "igUserId"},
			{Name: "a Page's name", Change: connectors.Config{"pageId": "my page"}, Field: "pageId"},
		},
		Network: func(t *testing.T) connectortest.Network {
			fake := metatest.New(t)
			fake.SetObject("/me", linked(account))
			return fake.Network()
		},
		CallbackURL: "https://hooks.example/callbacks/instagram/chan_suite",
		VerifyField: "appSecret", SignatureHeader: meta.SignatureHeader, Sign: metatest.SignCallback,
	})
}

func open(tb testing.TB, address string) connectors.Conn {
	tb.Helper()
	client := &http.Client{Transport: &http.Transport{}}
	tb.Cleanup(client.CloseIdleConnections)
	channel := connectors.Channel{ID: "chan_1", Address: account, Config: config()}
	conn, err := instagram.New(meta.Options{BaseURL: address}).Open(channel, connectors.Host{HTTP: client, Now: time.Now})
	require.NoError(tb, err)
	return conn
}

func TestAMessageGoesOutThroughTheLinkedPage(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	sender := open(t, fake.URL).(connectors.Sender)
	_, err := sender.Send(t.Context(), connectors.OutMessage{ID: "msg_1", To: person, Text: "Hi"})
	require.NoError(t, err)
	_, err = sender.Send(t.Context(), connectors.OutMessage{ID: "msg_2", To: person, Media: []connectors.OutMedia{{URL: "https://f.example/1", ContentType: "application/pdf"}}, Template: &connectors.Template{Name: "HUMAN_AGENT"}})
	require.NoError(t, err)
	recipient := map[string]any{"id": person}
	require.Equal(t, []map[string]any{
		{"recipient": recipient, "messaging_type": "RESPONSE", "message": map[string]any{"text": "Hi"}},
		{"recipient": recipient, "messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT", "message": map[string]any{"attachment": map[string]any{"type": "file", "payload": map[string]any{"url": "https://f.example/1"}}}},
	}, fake.Posted("/"+page+"/messages"))
}

func TestWhatInstagramCannotTakeIsRefusedWithoutCallingIt(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	sender := open(t, fake.URL).(connectors.Sender)
	for name, test := range map[string]struct {
		message connectors.OutMessage
		field   string
	}{
		"a picture over 8 MB":     {connectors.OutMessage{Media: []connectors.OutMedia{{URL: "https://f.example/1", ContentType: "image/png", Size: 8<<20 + 1}}}, "media"},
		"a tag of Messenger's":    {connectors.OutMessage{Text: "Hi", Template: &connectors.Template{Name: "ACCOUNT_UPDATE"}}, "template.name"},
		"a format of Microsoft's": {connectors.OutMessage{Media: []connectors.OutMedia{{URL: "https://f.example/1", ContentType: "application/msword"}}}, "media"},
	} {
		test.message.To = person
		_, err := sender.Send(t.Context(), test.message)
		require.Error(t, err, name)
		require.Equal(t, test.field, connectors.AsError(err).Field, name)
	}
	require.Zero(t, fake.Count())
	_, err := sender.Send(t.Context(), connectors.OutMessage{To: person, Media: []connectors.OutMedia{{URL: "https://f.example/1", ContentType: "video/mp4", Size: 8<<20 + 1}}})
	require.NoError(t, err, "a film may be larger")
}

func TestACheckFindsAPageThatIsLinkedWithAnotherAccount(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	checker := open(t, fake.URL).(connectors.Checker)
	for _, me := range []map[string]any{linked("17841499999999999"), {"id": page}, {"id": "2", "instagram_business_account": map[string]any{"id": account}}} {
		fake.SetObject("/me", me)
		require.Equal(t, connectors.KindUnlinked, connectors.AsError(checker.Check(t.Context())).Kind)
	}
	fake.SetObject("/me", linked(account))
	require.NoError(t, checker.Check(t.Context()))
}

func TestTheClosedWindowIsKnownByItsCodes(t *testing.T) {
	t.Parallel()
	fake := metatest.New(t)
	sender := open(t, fake.URL).(connectors.Sender)
	for _, subcode := range []int{2018278, 2534022} {
		fake.FailNext(10, subcode)
		_, err := sender.Send(t.Context(), connectors.OutMessage{To: person, Text: "Hi"})
		require.Equal(t, connectors.CodeWindowExpired, connectors.AsError(err).Code)
	}
}

func FuzzParseEntry(f *testing.F) {
	for _, seed := range []string{
		`{"id":"1","messaging":[{"sender":{"id":"2"},"read":{"mid":"a"}}]}`,
		`{"id":"1","messaging":[{"sender":{"id":"2"},"message":{"mid":"m","attachments":[{"type":"story_mention","payload":{"url":"::"}}],"reply_to":{"story":1}}}]}`,
		`{"id":"1","messaging":{}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, entry []byte) {
		items, err := instagram.ParseEntry(entry)
		if err != nil && connectors.AsError(err).Kind != connectors.KindRejected {
			t.Fatalf("%q: %v", entry, err)
		}
		for _, item := range items {
			if item.Kind != "instagram" || item.Address == "" || len(item.Messages)+len(item.Statuses) == 0 {
				t.Fatalf("%q: %+v", entry, item)
			}
		}
	})
}
