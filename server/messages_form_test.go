package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/meta/metatest"
	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
)

// messageForm posts a message with files as a form.
func (a *tenant) messageForm(t *testing.T, payload string, files []formPart, headers ...string) reply {
	t.Helper()
	body, contentType := formOf(t, append([]formPart{{"payload", "", payload}}, files...)...)
	return a.call(t, "POST", "/v1/messages", body, append(headers, contentType, "X-Api-Key: "+a.key)...)
}

// firstMedia is the first file of a message as an answer shows it.
func (r reply) firstMedia(t *testing.T) map[string]any {
	t.Helper()
	files := r.field(t, "media").([]any)
	require.NotEmpty(t, files, "%s", r.body)
	return files[0].(map[string]any)
}

func TestAMessageWithFilesOfAFormIsKeptOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		payload := `{"channelId":"` + a.channel(t, "sandbox", `{}`) + `","to":"15551230000","text":"Look"}`
		image, report := formPart{"media_file", "view.bin", string(picture(t))}, formPart{"media_file[]", "report ä.csv", "a,b\n1,2\n"}
		sent := a.messageForm(t, payload, []formPart{image, report}, "Idempotency-Key: form")
		require.Equal(t, 200, sent.status, "%s", sent.body)
		require.Equal(t, "sent", sent.text(t, "status"))
		files := sent.field(t, "media").([]any)
		require.Len(t, files, 2)
		first, second := files[0].(map[string]any), files[1].(map[string]any)
		require.Equal(t, "image", first["kind"])
		require.Equal(t, "image/png", first["contentType"], "the bytes decide")
		require.Equal(t, "view.png", first["fileName"])
		require.Equal(t, "file", second["kind"])
		require.Equal(t, "text/csv", second["contentType"])
		require.Equal(t, "report ä.csv", second["fileName"])
		require.Len(t, w.files(t), 2)
		served := w.call(t, "GET", strings.TrimPrefix(first["url"].(string), w.url), "")
		require.Equal(t, picture(t), served.body)
		require.Equal(t, sent.firstMedia(t), a.send(t, 200, "GET", "/v1/messages/"+sent.text(t, "id"), "").firstMedia(t))

		again := a.messageForm(t, payload, []formPart{image, report}, "Idempotency-Key: form")
		require.Equal(t, string(sent.body), string(again.body), "with another boundary it is the same request")
		require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
		require.Equal(t, 409, a.messageForm(t, payload, []formPart{report}, "Idempotency-Key: form").status)
		require.Len(t, w.files(t), 2, "the files of repeats are not kept")
		require.Len(t, a.send(t, 200, "GET", "/v1/messages", "").field(t, "data"), 1)

		alone := a.messageForm(t, strings.Replace(payload, `,"text":"Look"`, "", 1), []formPart{image})
		require.Equal(t, 200, alone.status, "%s", alone.body)
		require.Equal(t, "image", alone.text(t, "type"))
		require.Equal(t, 200, a.messageForm(t, payload, nil).status, "a form without files")
	})
}

func TestFilesOfAMessageThatIsRefusedAreDeleted(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		sandbox, file := a.channel(t, "sandbox", `{}`), formPart{"media_file", "a.png", string(picture(t))}
		to := func(number string) string { return `{"channelId":"` + sandbox + `","to":"` + number + `","text":"x"}` }
		for name, c := range map[string]struct {
			status  int
			code    string
			payload string
			files   []formPart
		}{
			"nobody to send to":        {400, "required_field", `{"channelId":"` + sandbox + `"}`, []formPart{file}},
			"no channel":               {404, "not_found", `{"channelId":"chan_of_nobody","to":"1"}`, []formPart{file}},
			"another kind beside it":   {400, "invalid_field", `{"channelId":"` + sandbox + `","to":"1","location":{"latitude":1,"longitude":1}}`, []formPart{file}},
			"an unknown field":         {400, "unknown_field", `{"channel":"x"}`, []formPart{file}},
			"no object":                {400, "invalid_json", `[]`, []formPart{file}},
			"an address that is wrong": {400, "invalid_url", strings.Replace(to("15551230000"), `"text":"x"`, `"media":[{"url":"ftp://x"}]`, 1), []formPart{file}},
			"no text and no file":      {400, "required_field", `{"channelId":"` + sandbox + `","to":"15551230000"}`, nil},
			"an empty file":            {400, "invalid_field", to("15551230000"), []formPart{file, {"media_file", "b.png", ""}}},
			"more than a form takes":   {413, "body_too_large", to("15551230000"), []formPart{file, {"media_file", "b.bin", strings.Repeat("x", 5<<20)}}},
			"11 files":                 {400, "invalid_field", to("15551230000"), []formPart{file, file, file, file, file, file, file, file, file, file, file}},
			"a field of posts":         {400, "unknown_field", to("15551230000"), []formPart{file, {"alt", "", "A dot"}}},
			"the network's refusal":    {400, "invalid_field", to("15551230001"), []formPart{file}},
			"the network's absence":    {503, "provider_unavailable", to("15551230006"), []formPart{file}},
		} {
			r := a.messageForm(t, c.payload, c.files)
			require.Equal(t, c.status, r.status, "%s: %s", name, r.body)
			require.Equal(t, c.code, r.text(t, "code"), "%s: %s", name, r.body)
			require.Empty(t, w.files(t), name)
		}
		body, contentType := formOf(t, formPart{"payload", "", to("15551230000")}, file)
		require.Equal(t, 401, w.call(t, "POST", "/v1/messages", body, contentType).status)
		require.Equal(t, 401, w.call(t, "POST", "/v1/messages", body, contentType, a.token).status, "a login token sends nothing")
		require.Empty(t, w.files(t))

		doubtful := a.messageForm(t, to("15551230003"), []formPart{file}, "Idempotency-Key: doubtful")
		require.Equal(t, 504, doubtful.status, "%s", doubtful.body)
		require.Len(t, w.files(t), 1, "the network may still fetch it")
		require.Equal(t, string(doubtful.body), string(a.messageForm(t, to("15551230003"), []formPart{file}, "Idempotency-Key: doubtful").body))
		require.Len(t, w.files(t), 1)
	})
}

func TestFilesOfAFormReachTheNetworks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	image := []formPart{{"media_file", "view.png", string(picture(t))}}

	jane := w.phones.AddUser("15551234567")
	linked := a.linked(t, w.phones.AddUser("15559876543"))
	sent := a.messageForm(t, `{"sessionId":"`+linked+`","to":"15551234567","text":"Look"}`, image)
	require.Equal(t, 200, sent.status, "%s", sent.body)
	arrived, err := jane.WaitMessage(t.Context(), func(m watest.Message) bool { return m.ID == sent.field(t, "waMessageId") })
	require.NoError(t, err)
	require.Equal(t, "Look", arrived.Message.GetImageMessage().GetCaption())
	opened, err := w.phones.OpenMedia(arrived.Message.GetImageMessage())
	require.NoError(t, err)
	require.Equal(t, picture(t), opened)
	report := a.messageForm(t, `{"sessionId":"`+linked+`","to":"15551234567"}`, []formPart{{"media_file", "report.pdf", "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"}})
	require.Equal(t, 200, report.status, "%s", report.body)
	require.Equal(t, "application/pdf", report.firstMedia(t)["contentType"])
	arrived, err = jane.WaitMessage(t.Context(), func(m watest.Message) bool { return m.ID == report.field(t, "waMessageId") })
	require.NoError(t, err)
	require.Equal(t, "report.pdf", arrived.Message.GetDocumentMessage().GetFileName())

	w.meta.SetObject("/"+waNumberID, map[string]any{"display_phone_number": "+1 631-111-3333"})
	cloud := a.channel(t, "whatsapp_cloud", `{"phoneNumberId":"`+waNumberID+`","phoneNumber":"+1 631 111 3333","accessToken":"`+metatest.Token+`","appSecret":"mine","verifyToken":"word"}`)
	request, err := metatest.Callback(t.Context(), "mine", a.callbackURL(t, cloud), []byte(whatsAppNews(`"messages":[{"from":"16311112222","id":"wamid.1","timestamp":"1795251600","type":"text","text":{"body":"Hi"}}]`)))
	require.NoError(t, err)
	require.Equal(t, 200, w.do(t, request).status)
	eventually(t, "the window is open", func() bool { return len(a.messages(t, "&channelId="+cloud)) == 1 })
	sent = a.messageForm(t, `{"channelId":"`+cloud+`","to":"16311112222"}`, image)
	require.Equal(t, 200, sent.status, "%s", sent.body)
	require.Len(t, w.meta.Uploads(), 1)
	require.Equal(t, picture(t), w.meta.Uploads()[0].Content)

	mms := a.twilioChannel(t, "twilio_sms")
	sent = a.messageForm(t, `{"channelId":"`+mms+`","to":"16311112222","text":"Look"}`, image)
	require.Equal(t, 200, sent.status, "%s", sent.body)
	links := w.twilio.Sent()[0].MediaURLs
	require.Equal(t, []string{sent.firstMedia(t)["url"].(string)}, links)
	fetched := w.call(t, "GET", strings.TrimPrefix(links[0], w.url), "")
	require.Equal(t, picture(t), fetched.body)
	require.Equal(t, "image/png", fetched.header.Get("Content-Type"))
}

func TestAFileByAddressIsWhatItsNameOrItsHostTells(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	sandbox := a.channel(t, "sandbox", `{}`)
	host := newReceiver(t, status(404))
	for name, c := range map[string]struct {
		media  string
		answer func(http.ResponseWriter)
		kind   string
		is     string
	}{
		"the end of its address": {`{"url":"` + host.URL + `/a.JPG?size=1"}`, status(404), "image", "image/jpeg"},
		"its name":               {`{"url":"` + host.URL + `/a","fileName":"b.mp4"}`, status(404), "video", "video/mp4"},
		"its host": {`{"url":"` + host.URL + `/a"}`, func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "audio/ogg; codecs=opus")
			_, _ = w.Write([]byte("OggS"))
		}, "audio", "audio/ogg"},
		"its bytes": {`{"url":"` + host.URL + `/a"}`, func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/octet-stream")
			_, _ = w.Write(picture(t))
		}, "image", "image/png"},
		"the client": {`{"url":"` + host.URL + `/a.jpg","contentType":"image/webp"}`, status(404), "image", "image/webp"},
		"nobody":     {`{"url":"` + host.URL + `/a"}`, status(404), "file", ""},
		"a page of error": {`{"url":"` + host.URL + `/a"}`, func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html>"))
		}, "file", ""},
	} {
		host.answerWith(c.answer)
		sent := a.send(t, 200, "POST", "/v1/messages", `{"channelId":"`+sandbox+`","to":"15551230000","media":[`+c.media+`]}`)
		require.Equal(t, c.kind, sent.firstMedia(t)["kind"], name)
		require.Equal(t, c.is, sent.firstMedia(t)["contentType"], name)
		require.Equal(t, c.kind, sent.text(t, "type"), name)
	}
	sent := a.send(t, 200, "POST", "/api/v1/outbound/"+a.id+"/send", `{"platform":"sandbox","to":"15551230000","media_url":"`+host.URL+`/a.png"}`)
	require.Equal(t, "image", a.send(t, 200, "GET", "/v1/messages/"+sent.text(t, "id"), "").text(t, "type"))
}
