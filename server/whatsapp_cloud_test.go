package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/meta/metatest"
)

const waNumberID = "106540352242922"

// whatsAppNews is a callback with messages or statuses of the number.
func whatsAppNews(news ...string) string {
	return `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp",
		"metadata":{"display_phone_number":"16311113333","phone_number_id":"` + waNumberID + `"},
		"contacts":[{"profile":{"name":"Emily"},"wa_id":"16311112222"}],` + strings.Join(news, ",") + `}}]}]}`
}

func TestTheSociocsExamplesThroughTheWhatsAppCloudAPI(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		w.meta.SetObject("/"+waNumberID, map[string]any{"display_phone_number": "+1 631-111-3333"})
		a := w.tenant(t, "ann")
		inbox := a.sociocs(t, "16311112222")
		channelID := a.channel(t, "whatsapp_cloud", `{"phoneNumberId":"`+waNumberID+`","phoneNumber":"+1 631 111 3333","accessToken":"`+metatest.Token+`",
			"appSecret":"of my own app","verifyToken":"my word"}`)
		require.Equal(t, "wacloud_16311113333", a.send(t, 200, "GET", "/v1/channels/"+channelID, "").text(t, "channelKey"))
		a.send(t, 200, "POST", "/v1/channels/"+channelID+"/check", "")
		address := a.callbackURL(t, channelID)
		call := func(secret, address, body string) int {
			request, err := metatest.Callback(t.Context(), secret, address, []byte(body))
			require.NoError(t, err)
			return w.do(t, request).status
		}
		asked := w.call(t, "GET", strings.TrimPrefix(address, w.url)+"?"+url.Values{
			"hub.mode": {"subscribe"}, "hub.verify_token": {"my word"}, "hub.challenge": {"1158201444"},
		}.Encode(), "")
		require.Equal(t, "1158201444", string(asked.body))

		hello := whatsAppNews(`"messages":[{"from":"16311112222","id":"wamid.HBgL","timestamp":"1795251600","type":"text","text":{"body":"Hello World!"}}]`)
		message := `{"channelId":"` + channelID + `","to":"+16311112222","text":"Hi"}`
		a.refused(t, 403, "window_expired", "POST", "/v1/messages", message)
		require.Equal(t, 401, call("another app's", address, hello))
		require.Empty(t, a.messages(t, ""))
		for _, way := range [][2]string{{"of my own app", address}, {metatest.AppSecret, w.url + "/callbacks/meta"}, {"of my own app", address}} {
			require.Equal(t, 200, call(way[0], way[1], hello))
		}
		inbox.requireExample(t, "16311112222", `{"message_id":"wamid.HBgL","event":"message","provider":"wacloud",
			"channel_key":"wacloud_16311113333","direction":"incoming","from":"16311112222","to":"16311113333","name":"Emily","text":"Hello World!",
			"video_urls":[],"image_urls":[],"file_urls":[],"timestamp":1795251600000}`)

		for range 2 {
			a.send(t, 200, "POST", "/v1/messages", message)
		}
		sent := w.meta.Posted("/" + waNumberID + "/messages")
		require.Len(t, sent, 2)
		require.Equal(t, "16311112222", sent[0]["to"])
		news := func(id, status, more string) string {
			return fmt.Sprintf(`{"id":%q,"status":%q,"timestamp":"1795251601","recipient_id":"16311112222"%s}`, id, status, more)
		}
		late := `,"errors":[{"code":131047,"title":"Re-engagement message","error_data":{"details":"More than 24 hours have passed."}}]`
		for _, report := range []string{
			news("wamid.1", "read", ""), news("wamid.1", "delivered", ""), news("wamid.1", "sent", ""), news("wamid.1", "read", ""),
			news("wamid.2", "failed", late) + "," + news("wamid.unknown", "read", "") + "," + news("wamid.1", "from the future", ""),
		} {
			require.Equal(t, 200, call("of my own app", address, whatsAppNews(`"statuses":[`+report+`]`)))
		}
		inbox.requireStatuses(t, "wamid.1", "sent", "read")
		failed := inbox.requireStatuses(t, "wamid.2", "sent", "failed")
		require.Equal(t, map[string]any{"code": 131047.0, "message": "More than 24 hours have passed.", "reason": "window_expired"}, failed["error"])
		require.EqualValues(t, 131047, failed["provider_err_obj"].(map[string]any)["code"])

		a.send(t, 200, "POST", "/api/v1/outbound/"+a.id+"/send", `{"platform":"whatsapp","to":"+16311112222","message_text":"Hi"}`)
		require.Len(t, w.meta.Posted("/"+waNumberID+"/messages"), 3)
	})
}

func TestAFileFromTheWhatsAppCloudAPIIsKeptUnderALinkOfOurs(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		w.meta.SetObject("/1479537139650973", map[string]any{"url": w.meta.AddFile("image/png", []byte("\x89PNG\r\n\x1a\npicture")), "mime_type": "image/png"})
		inbox := a.sociocs(t, "16311112222")
		a.verified(t, a.channel(t, "whatsapp_cloud", `{"phoneNumberId":"`+waNumberID+`","phoneNumber":"+16311113333","accessToken":"`+metatest.Token+`"}`))
		body := whatsAppNews(`"messages":[{"from":"16311112222","id":"wamid.P","timestamp":"1795251600","type":"image","image":{"id":"1479537139650973","mime_type":"image/png"}}]`)
		request, err := metatest.Callback(t.Context(), metatest.AppSecret, w.url+"/callbacks/meta", []byte(body))
		require.NoError(t, err)
		require.Equal(t, 200, w.do(t, request).status)
		eventually(t, "the message is delivered", func() bool { return len(inbox.told(t, "message")) == 1 })
		link := inbox.told(t, "message")[0]["image_urls"].([]any)[0].(string)
		eventually(t, "the file is there", func() bool {
			_, _ = w.parts.Media.FetchDueAny(t.Context()) // an error shows in what is waited for
			return w.call(t, http.MethodGet, strings.TrimPrefix(link, w.url), "").status == 200
		})
		require.Equal(t, "\x89PNG\r\n\x1a\npicture", string(w.call(t, http.MethodGet, strings.TrimPrefix(link, w.url), "").body))
	})
}

func TestAnAccountThatWhatsAppLocksAfterTakingAMessageIsToldOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		w.meta.SetObject("/"+waNumberID, map[string]any{"display_phone_number": "+1 631-111-3333"})
		a := w.tenant(t, "ann")
		channelID := a.verified(t, a.channel(t, "whatsapp_cloud", `{"phoneNumberId":"`+waNumberID+`","phoneNumber":"+16311113333","accessToken":"`+metatest.Token+`"}`))
		call := func(news string) {
			request, err := metatest.Callback(t.Context(), metatest.AppSecret, w.url+"/callbacks/meta", []byte(whatsAppNews(news)))
			require.NoError(t, err)
			require.Equal(t, 200, w.do(t, request).status)
		}
		events := func(kind string) []any {
			return a.send(t, 200, "GET", "/v1/events?event="+kind, "").field(t, "data").([]any)
		}
		hello := `"messages":[{"from":"16311112222","id":"wamid.%s","timestamp":"1795251600","type":"text","text":{"body":"Hello"}}]`
		call(fmt.Sprintf(hello, "A"))
		send := func() {
			a.send(t, 200, "POST", "/v1/messages", `{"channelId":"`+channelID+`","to":"+16311112222","text":"Hi"}`)
		}
		news := func(id, status, more string) string {
			return fmt.Sprintf(`"statuses":[{"id":%q,"status":%q,"timestamp":"1795251601","recipient_id":"16311112222"%s}]`, id, status, more)
		}
		locked := `,"errors":[{"code":131031,"title":"Account has been locked"}]`
		send()
		send()
		linked := len(events("account.connected"))
		for _, id := range []string{"wamid.1", "wamid.1", "wamid.2"} {
			call(news(id, "failed", locked))
		}
		call(news("wamid.2", "failed", locked) + "," + fmt.Sprintf(hello, "B"))
		require.Len(t, a.messages(t, "&direction=inbound"), 2, "what comes in is taken all the same")
		gone := events("account.disconnected")
		require.Len(t, gone, 1)
		data := gone[0].(map[string]any)["data"].(map[string]any)
		require.Equal(t, "account_suspended", data["code"])
		require.Contains(t, data["message"], "suspended or locked")
		require.Equal(t, "needs_link", a.send(t, 200, "GET", "/v1/channels/"+channelID, "").text(t, "status"))

		send()
		call(news("wamid.3", "failed", locked))
		require.Len(t, events("account.disconnected"), 1)
		require.Len(t, events("account.connected"), linked, "that Meta takes a message proves nothing")
		send()
		call(news("wamid.4", "delivered", ""))
		require.Len(t, events("account.connected"), linked+1)
		require.Equal(t, "connected", a.send(t, 200, "GET", "/v1/channels/"+channelID, "").text(t, "status"))
	})
}
