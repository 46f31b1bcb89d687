package gupshup_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest/standin"
	"github.com/switchhook/switchhook/connectors/gupshup/gupshuptest"
)

func file(address, contentType, name string) []connectors.OutMedia {
	return []connectors.OutMedia{{URL: address, ContentType: contentType, FileName: name}}
}

func TestSendWritesTheFormThatGupshupReads(t *testing.T) {
	t.Parallel()
	variables := map[string]string{"2": "Friday", "1": "Emily"}
	for name, test := range map[string]struct {
		message           connectors.OutMessage
		content, template string
	}{
		"a text":              {connectors.OutMessage{Text: "Hi <b> & bye", ReplyTo: "x"}, `{"type":"text","text":"Hi <b> & bye"}`, ""},
		"an image":            {connectors.OutMessage{Media: file("https://a.example/1", "image/PNG; a=b", "")}, `{"type":"image","originalUrl":"https://a.example/1","previewUrl":"https://a.example/1","caption":""}`, ""},
		"an image with words": {connectors.OutMessage{Text: "Look", Media: file("https://a.example/1.JPG?x=1", "", "")}, `{"type":"image","originalUrl":"https://a.example/1.JPG?x=1","previewUrl":"https://a.example/1.JPG?x=1","caption":"Look"}`, ""},
		"a video":             {connectors.OutMessage{Text: "Look", Media: file("https://a.example/1", "video/mp4", "")}, `{"type":"video","url":"https://a.example/1","caption":"Look"}`, ""},
		"audio":               {connectors.OutMessage{Media: file("https://a.example/1.mp3", "", "")}, `{"type":"audio","url":"https://a.example/1.mp3"}`, ""},
		"a sticker":           {connectors.OutMessage{Media: file("https://a.example/1.webp", "", "")}, `{"type":"sticker","url":"https://a.example/1.webp"}`, ""},
		"a document":          {connectors.OutMessage{Text: "Look", Media: file("https://a.example/1", "application/pdf", "bill.pdf")}, `{"type":"file","url":"https://a.example/1","filename":"bill.pdf","caption":"Look"}`, ""},
		"an odd picture":      {connectors.OutMessage{Media: file("https://a.example/a%20b.gif", "image/gif", "")}, `{"type":"file","url":"https://a.example/a%20b.gif","filename":"a b.gif"}`, ""},
		"a film without type": {connectors.OutMessage{Media: file("https://a.example/1.mp4", "", "")}, `{"type":"video","url":"https://a.example/1.mp4","caption":""}`, ""},
		"who knows what":      {connectors.OutMessage{Media: file("https://a.example", "", "")}, `{"type":"file","url":"https://a.example","filename":"file"}`, ""},
		"a template":          {connectors.OutMessage{Text: "instead of this", Template: &connectors.Template{Name: "tpl-1"}}, "", `{"id":"tpl-1","params":[]}`},
		"with variables":      {connectors.OutMessage{Template: &connectors.Template{Name: "tpl-1", Variables: variables}}, "", `{"id":"tpl-1","params":["Emily","Friday"]}`},
		"with an image":       {connectors.OutMessage{Media: file("https://a.example/1.png", "", ""), Template: &connectors.Template{Name: "tpl-1"}}, `{"type":"image","image":{"link":"https://a.example/1.png"}}`, `{"id":"tpl-1","params":[]}`},
		"with a document":     {connectors.OutMessage{Media: file("https://a.example/1.pdf", "", ""), Template: &connectors.Template{Name: "tpl-1"}}, `{"type":"document","document":{"link":"https://a.example/1.pdf","filename":"1.pdf"}}`, `{"id":"tpl-1","params":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := gupshuptest.New(t)
			test.message.To = "+91 98765-11111"
			receipt, err := open(t, fake.URL, nil).(connectors.Sender).Send(t.Context(), test.message)
			require.NoError(t, err)
			sent := fake.Sent()
			require.Len(t, sent, 1)
			require.Equal(t, connectors.Receipt{ProviderID: sent[0].ID, Status: connectors.StatusSent}, receipt)
			require.Equal(t, map[bool]string{true: "/wa/api/v1/msg", false: "/wa/api/v1/template/msg"}[test.template == ""], sent[0].Path)
			for field, want := range map[string]string{"message": test.content, "template": test.template} {
				require.Equal(t, want != "", sent[0].Form.Has(field))
				if want != "" {
					require.JSONEq(t, want, sent[0].Form.Get(field))
				}
				sent[0].Form.Del(field)
			}
			require.Equal(t, url.Values{"channel": {"whatsapp"}, "source": {"919876543210"}, "destination": {"919876511111"}, "src.name": {"TestApp"}}, sent[0].Form)
		})
	}
}

func TestSendRefusesWhatWhatsAppCannotTakeWithoutCallingGupshup(t *testing.T) {
	t.Parallel()
	fake := gupshuptest.New(t)
	large := func(contentType string, size int64) []connectors.OutMedia {
		return []connectors.OutMedia{{URL: "https://a.example/1", ContentType: contentType, Size: size}}
	}
	for name, test := range map[string]struct {
		message connectors.OutMessage
		field   string
	}{
		"a name as the recipient":     {connectors.OutMessage{To: "Emily", Text: "Hi"}, "to"},
		"two files":                   {connectors.OutMessage{Media: append(file("https://a.example/1", "", ""), file("https://a.example/2", "", "")...)}, "media"},
		"an image that is too large":  {connectors.OutMessage{Media: large("image/png", 5<<20+1)}, "media"},
		"a video that is too large":   {connectors.OutMessage{Media: large("video/mp4", 16<<20+1)}, "media"},
		"words with audio":            {connectors.OutMessage{Text: "Hi", Media: large("audio/mpeg", 0)}, "text"},
		"words with a sticker":        {connectors.OutMessage{Text: "Hi", Media: large("image/webp", 0)}, "text"},
		"a caption that is too long":  {connectors.OutMessage{Text: strings.Repeat("ä", 1025), Media: large("image/png", 0)}, "text"},
		"a template without a name":   {connectors.OutMessage{Template: &connectors.Template{}}, "template.name"},
		"variables with a gap":        {connectors.OutMessage{Template: &connectors.Template{Name: "x", Variables: map[string]string{"1": "a", "3": "b"}}}, "template.variables"},
		"variables with names":        {connectors.OutMessage{Template: &connectors.Template{Name: "x", Variables: map[string]string{"name": "a"}}}, "template.variables"},
		"a template's audio":          {connectors.OutMessage{Template: &connectors.Template{Name: "x"}, Media: large("audio/mpeg", 0)}, "media"},
		"a template's too large file": {connectors.OutMessage{Template: &connectors.Template{Name: "x"}, Media: large("image/png", 5<<20+1)}, "media"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.message.To == "" {
				test.message.To = "919876511111"
			}
			_, err := open(t, fake.URL, nil).(connectors.Sender).Send(t.Context(), test.message)
			require.Error(t, err)
			require.Equal(t, connectors.KindRejected, connectors.AsError(err).Kind)
			require.Equal(t, test.field, connectors.AsError(err).Field)
			require.Zero(t, fake.Requests())
		})
	}
}

func TestAnAcceptedMessageWhoseAnswerIsLostIsUnconfirmed(t *testing.T) {
	t.Parallel()
	fake := gupshuptest.New(t)
	sender := open(t, fake.URL, nil).(connectors.Sender)
	fake.Fail(standin.Trouble{Cut: true})
	_, err := sender.Send(t.Context(), hello())
	require.Equal(t, connectors.KindUnconfirmed, connectors.AsError(err).Kind)
	require.Len(t, fake.Sent(), 1)
	for _, body := range []string{`{}`, `{"status":"submitted"}`, `{"messageId":7}`, `[]`, `{"messageId":"x"`} {
		fake.Fail(standin.Trouble{Status: 202, Body: body})
		_, err := sender.Send(t.Context(), hello())
		require.Equal(t, connectors.KindUnconfirmed, connectors.AsError(err).Kind, body)
	}
}

func TestCheckTellsWhetherTheKeyWorks(t *testing.T) {
	t.Parallel()
	fake := gupshuptest.New(t)
	check := func(change connectors.Config) error {
		return open(t, fake.URL, change).(connectors.Checker).Check(t.Context())
	}
	auth := meaning{connectors.KindUnlinked, connectors.CodeAuthFailed, ""}
	require.NoError(t, check(nil))
	require.Equal(t, auth, meaningOf(check(connectors.Config{"apiKey": "wrong"})))
	for _, status := range []int{200, 400, 403} {
		fake.Fail(standin.Trouble{Status: status, Body: gupshuptest.Refusal(0, "no")})
		require.Equal(t, auth, meaningOf(check(nil)), status)
	}
	require.Empty(t, fake.Sent())
}
