package whatsappcloud_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/meta"
	"github.com/switchhook/switchhook/connectors/meta/metatest"
)

func TestMessagesAreWrittenAsTheCloudAPIWantsThem(t *testing.T) {
	t.Parallel()
	file := func(url, contentType, name string) []connectors.OutMedia {
		return []connectors.OutMedia{{URL: url, ContentType: contentType, FileName: name}}
	}
	template := func(variables map[string]string) connectors.OutMessage {
		return connectors.OutMessage{Template: &connectors.Template{Name: "order_sent", Language: "de", Variables: variables}}
	}
	const intro = `"messaging_product":"whatsapp","recipient_type":"individual","biz_opaque_callback_data":"msg_1",`
	const to = intro + `"to":"16311112222",`
	for name, test := range map[string]struct {
		message connectors.OutMessage
		want    string
	}{
		"a text":                   {connectors.OutMessage{Text: "Hi"}, to + `"type":"text","text":{"body":"Hi","preview_url":false}`},
		"a text with a link":       {connectors.OutMessage{Text: "See https://x.example"}, to + `"type":"text","text":{"body":"See https://x.example","preview_url":true}`},
		"an answer":                {connectors.OutMessage{Text: "Hi", ReplyTo: "wamid.1"}, to + `"context":{"message_id":"wamid.1"},"type":"text","text":{"body":"Hi","preview_url":false}`},
		"to a person's user id":    {connectors.OutMessage{To: "US.1349", Text: "Hi"}, intro + `"recipient":"US.1349","type":"text","text":{"body":"Hi","preview_url":false}`},
		"a picture with a caption": {connectors.OutMessage{Text: "Cat", Media: file("https://x.example/a", "image/png", "")}, to + `"type":"image","image":{"link":"https://x.example/a","caption":"Cat"}`},
		"a picture by its name":    {connectors.OutMessage{Media: file("https://x.example/a.JPG?b=1", "", "")}, to + `"type":"image","image":{"link":"https://x.example/a.JPG?b=1"}`},
		"a film":                   {connectors.OutMessage{Media: file("https://x.example/a.mp4", "video/mp4", "")}, to + `"type":"video","video":{"link":"https://x.example/a.mp4"}`},
		"a recording":              {connectors.OutMessage{Media: file("https://x.example/a", "audio/ogg; codecs=opus", "")}, to + `"type":"audio","audio":{"link":"https://x.example/a"}`},
		"a sticker":                {connectors.OutMessage{Media: file("https://x.example/a.webp", "", "")}, to + `"type":"sticker","sticker":{"link":"https://x.example/a.webp"}`},
		"a document":               {connectors.OutMessage{Media: file("https://x.example/1", "application/pdf", "Offer.pdf")}, to + `"type":"document","document":{"link":"https://x.example/1","filename":"Offer.pdf"}`},
		"a picture WhatsApp does not show": {
			connectors.OutMessage{Media: file("https://x.example/a.gif", "image/gif", "")}, to + `"type":"document","document":{"link":"https://x.example/a.gif","filename":"a.gif"}`,
		},
		"a template":                {template(nil), to + `"type":"template","template":{"name":"order_sent","language":{"code":"de"}}`},
		"a template in no language": {connectors.OutMessage{Template: &connectors.Template{Name: "a"}}, to + `"type":"template","template":{"name":"a","language":{"code":"en_US"}}`},
		"numbered variables": {
			template(map[string]string{"2": "b", "1": "a"}),
			to + `"type":"template","template":{"name":"order_sent","language":{"code":"de"},"components":[{"type":"body","parameters":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}`,
		},
		"named variables, a file and a button": {
			template(map[string]string{"name": "Ann", "header.image": "https://x.example/a.png", "button.0": "track/7"}),
			to + `"type":"template","template":{"name":"order_sent","language":{"code":"de"},"components":[
				{"type":"header","parameters":[{"type":"image","image":{"link":"https://x.example/a.png"}}]},
				{"type":"body","parameters":[{"type":"text","parameter_name":"name","text":"Ann"}]},
				{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"track/7"}]}]}`,
		},
		"a text in the header": {
			template(map[string]string{"header.1": "Hello"}),
			to + `"type":"template","template":{"name":"order_sent","language":{"code":"de"},"components":[{"type":"header","parameters":[{"type":"text","text":"Hello"}]}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := newFake(t)
			test.message.ID = "msg_1"
			if test.message.To == "" {
				test.message.To = "+1 (631) 111-2222"
			}
			receipt, err := open(t, meta.Options{BaseURL: fake.URL}, nil).(connectors.Sender).Send(t.Context(), test.message)
			require.NoError(t, err)
			require.Equal(t, connectors.Receipt{ProviderID: "wamid.1", Status: connectors.StatusSent}, receipt)
			sent, err := json.Marshal(fake.Posted("/" + numberID + "/messages")[0])
			require.NoError(t, err)
			require.JSONEq(t, "{"+test.want+"}", string(sent))
		})
	}
}

func TestWhatTheCloudAPIWouldRefuseIsRefusedBefore(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	sender := open(t, meta.Options{BaseURL: fake.URL}, nil).(connectors.Sender)
	file := func(contentType string, size int64, text string) connectors.OutMessage {
		return connectors.OutMessage{Text: text, Media: []connectors.OutMedia{{URL: "https://x.example/a", ContentType: contentType, Size: size}}}
	}
	template := func(name string, variables map[string]string) connectors.OutMessage {
		return connectors.OutMessage{Template: &connectors.Template{Name: name, Variables: variables}}
	}
	for name, test := range map[string]struct {
		message connectors.OutMessage
		field   string
	}{
		"nobody's address":           {connectors.OutMessage{To: "emily", Text: "Hi"}, "to"},
		"a user id of small letters": {connectors.OutMessage{To: "us.1", Text: "Hi"}, "to"},
		"a picture too large":        {file("image/png", 5<<20+1, ""), "media"},
		"a film too large":           {file("video/mp4", 16<<20+1, ""), "media"},
		"a recording too large":      {file("audio/aac", 16<<20+1, ""), "media"},
		"a sticker too large":        {file("image/webp", 500<<10+1, ""), "media"},
		"a recording with a text":    {file("audio/aac", 0, "Listen"), "text"},
		"a sticker with a text":      {file("image/webp", 0, "Look"), "text"},
		"a caption too long":         {file("image/png", 0, strings.Repeat("ä", 1025)), "text"},
		"a template's title":         {template("Order sent", nil), "template.name"},
		"a gap in the numbers":       {template("a", map[string]string{"1": "a", "3": "c"}), "template.variables"},
		"numbers and names":          {template("a", map[string]string{"1": "a", "name": "c"}), "template.variables"},
		"numbers from 2":             {template("a", map[string]string{"2": "a"}), "template.variables"},
		"a button far away":          {template("a", map[string]string{"button.12": "a"}), "template.variables"},
		"a header of two kinds":      {template("a", map[string]string{"header.image": "a", "header.1": "b"}), "template.variables"},
	} {
		test.message.ID = "msg_1"
		if test.message.To == "" {
			test.message.To = "16311112222"
		}
		_, err := sender.Send(t.Context(), test.message)
		failed := connectors.AsError(err)
		require.Equal(t, connectors.KindRejected, failed.Kind, name)
		require.Equal(t, test.field, failed.Field, name)
	}
	require.Zero(t, fake.Count())
}

func TestAFileThatCameInIsFetchedInTwoSteps(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	channel := open(t, meta.Options{BaseURL: fake.URL}, nil)
	news := receive(t, channel, `"messages":[{"id":"wamid.1","from":"16311112222","type":"image","image":{"id":"1479537139650973","mime_type":"image/jpeg"}}]`)
	ref := news.Messages[0].Media[0]
	fetcher := channel.(connectors.MediaFetcher)
	_, _, err := fetcher.FetchMedia(t.Context(), ref)
	require.Equal(t, connectors.KindRejected, connectors.AsError(err).Kind, "Meta has it no more")

	fake.SetObject("/1479537139650973", map[string]any{"url": fake.AddFile("application/octet-stream", []byte("picture")), "mime_type": "image/jpeg"})
	body, contentType, err := fetcher.FetchMedia(t.Context(), ref)
	require.NoError(t, err)
	content, err := io.ReadAll(body)
	require.NoError(t, err)
	require.NoError(t, body.Close())
	require.Equal(t, "picture", string(content))
	require.Equal(t, "image/jpeg", contentType)
	for _, r := range fake.Requests() {
		require.Equal(t, "Bearer "+metatest.Token, r.Header.Get("Authorization"))
		require.NotEmpty(t, r.Header.Get("User-Agent"))
		require.NotContains(t, r.Path+r.Query, metatest.Token)
	}
	before := fake.Count()
	for _, address := range []string{"https://evil.example/x", "whatsapp-media:", "whatsapp-media:../me", "whatsapp-media:1?x=1"} {
		_, _, err = fetcher.FetchMedia(t.Context(), connectors.MediaRef{URL: address})
		require.Equal(t, connectors.KindRejected, connectors.AsError(err).Kind, address)
	}
	require.Equal(t, before, fake.Count())
	fake.SetObject("/2", map[string]any{"id": "2"})
	_, _, err = fetcher.FetchMedia(t.Context(), connectors.MediaRef{URL: "whatsapp-media:2"})
	require.Equal(t, connectors.KindRetryable, connectors.AsError(err).Kind)
}
