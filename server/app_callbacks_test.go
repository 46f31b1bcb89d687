package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/meta/metatest"
)

const (
	pageID    = "1000000000001"
	igID      = "17841400000000001"
	messenger = "6543210987654321" // a person on Messenger
)

func (a *tenant) facebookChannel(t *testing.T, page string) string {
	t.Helper()
	return a.verified(t, a.channel(t, "facebook", `{"pageId":"`+page+`","pageAccessToken":"`+metatest.Token+`"}`))
}

func (a *tenant) instagramChannel(t *testing.T) string {
	t.Helper()
	return a.verified(t, a.channel(t, "instagram", `{"igUserId":"`+igID+`","pageId":"`+pageID+`","accessToken":"`+metatest.Token+`"}`))
}

// verified makes a new channel one that the network has confirmed.
func (a *tenant) verified(t *testing.T, channelID string) string {
	t.Helper()
	require.NoError(t, a.parts.Store.VerifyChannelAny(t.Context(), channelID, 1))
	return channelID
}

// metaCallback posts a body as Meta does.
func (w *world) metaCallback(t *testing.T, secret, address, body string) reply {
	t.Helper()
	request, err := metatest.Callback(t.Context(), secret, address, []byte(body))
	require.NoError(t, err)
	return w.do(t, request)
}

// fromMeta posts a body to the app's address and requires that it is taken.
func (w *world) fromMeta(t *testing.T, body string) {
	t.Helper()
	r := w.metaCallback(t, metatest.AppSecret, w.url+"/callbacks/meta", body)
	require.Equal(t, 200, r.status, "%s", r.body)
	require.Empty(t, r.body)
}

func messagingEntry(address, from, part string) string {
	return fmt.Sprintf(`{"id":"%s","messaging":[{"sender":{"id":"%s"},"recipient":{"id":"%s"},"timestamp":%d,%s}]}`, address, from, address, time.Now().UnixMilli(), part)
}

func metaBody(object string, entries ...string) string {
	return `{"object":"` + object + `","entry":[` + strings.Join(entries, ",") + `]}`
}

func textPart(mid, text string) string {
	return `"message":{"mid":"` + mid + `","text":"` + text + `"}`
}

func (a *tenant) messages(t *testing.T, query string) []any {
	t.Helper()
	return a.send(t, 200, "GET", "/v1/messages?limit=100"+query, "").field(t, "data").([]any)
}

func TestOneCallbackOfMetasReachesEveryChannelThatItConcerns(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, b, c := w.tenant(t, "ann"), w.tenant(t, "bob"), w.tenant(t, "cat")
		mine := a.facebookChannel(t, pageID)
		b.facebookChannel(t, pageID)
		c.facebookChannel(t, "2000000000002")
		instagram := a.instagramChannel(t)
		body := metaBody("page", messagingEntry(pageID, messenger, textPart("m_1", "Hello")), messagingEntry("9999999999999", messenger, textPart("m_2", "to nobody")))
		for range 2 {
			w.fromMeta(t, body)
		}
		for _, tenant := range []*tenant{a, b} {
			got := tenant.messages(t, "")
			require.Len(t, got, 1)
			require.Equal(t, "Hello", got[0].(map[string]any)["text"])
		}
		require.Equal(t, mine, a.messages(t, "")[0].(map[string]any)["channelId"])
		c.nothingHappened(t)

		w.fromMeta(t, metaBody("instagram", messagingEntry(igID, "987654321098765", textPart("aWd_1", "Hi"))))
		require.Len(t, a.messages(t, "&channelId="+instagram), 1)
		for _, ignored := range []string{metaBody("user", `{"id":"1"}`), metaBody("page", `{"id":"`+pageID+`","changes":[{"field":"feed"}]}`), metaBody("page")} {
			w.fromMeta(t, ignored)
		}
		require.Len(t, a.messages(t, ""), 2)
	})
}

func TestABatchOfAThousandEntriesIsStoredWholeAndOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, b := w.tenant(t, "ann"), w.tenant(t, "bob")
		first, second := a.facebookChannel(t, pageID), a.facebookChannel(t, "2000000000002")
		b.facebookChannel(t, pageID)
		entries := make([]string, 1000)
		for i := range entries {
			page := []string{pageID, "2000000000002"}[i%2]
			entries[i] = messagingEntry(page, messenger, textPart(fmt.Sprintf("m_%d", i), strings.Repeat("x", 1500)))
		}
		body := metaBody("page", entries...)
		require.Greater(t, len(body), 1<<20)
		for range 2 {
			w.fromMeta(t, body)
		}
		for channelID, tenant := range map[string]*tenant{first: a, second: a, "": b} {
			var n int
			cursor := ""
			for {
				page := tenant.send(t, 200, "GET", "/v1/messages?limit=100&channelId="+channelID+cursor, "")
				n += len(page.field(t, "data").([]any))
				next, more := page.field(t, "nextCursor").(string)
				if !more {
					break
				}
				cursor = "&cursor=" + next
			}
			require.Equal(t, 500, n)
		}
	})
}

func TestWhatIsNotSignedByMetasAppStoresNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	a.facebookChannel(t, pageID)
	body := metaBody("page", messagingEntry(pageID, messenger, textPart("m_1", "Hello")))
	signature := "X-Hub-Signature-256: " + metatest.Sign(metatest.AppSecret, []byte(body))
	for name, test := range map[string]struct {
		body, signature string
	}{
		"forged":        {body, "X-Hub-Signature-256: " + metatest.Sign("guessed", []byte(body))},
		"empty secret":  {body, "X-Hub-Signature-256: " + metatest.Sign("", []byte(body))},
		"unsigned":      {body, ""},
		"old signature": {body, "X-Hub-Signature: " + strings.TrimPrefix(signature, "X-Hub-Signature-256: ")},
		"truncated":     {body[:len(body)-2], signature},
		"altered":       {strings.Replace(body, "Hello", "Hallo", 1), signature},
	} {
		r := w.call(t, "POST", "/callbacks/meta", test.body, test.signature)
		require.Equal(t, 401, r.status, name)
		require.Equal(t, "invalid_signature", r.text(t, "code"), name)
	}
	for _, signed := range []string{body[:len(body)-2], "", "[]", `{"object":"page","entry":[1]}`} {
		r := w.metaCallback(t, metatest.AppSecret, w.url+"/callbacks/meta", signed)
		require.Equal(t, 400, r.status, "%s", signed)
	}
	a.nothingHappened(t)
	require.Equal(t, 413, w.metaCallback(t, metatest.AppSecret, w.url+"/callbacks/meta", strings.Repeat(" ", 4<<20)+"{}").status)
}

func TestMetaVerifiesTheAppsAddressAndThatOfAChannel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	channelID := a.channel(t, "facebook", `{"pageId":"`+pageID+`","pageAccessToken":"x","appSecret":"own secret","verifyToken":"own token"}`)
	own := strings.TrimPrefix(a.callbackURL(t, channelID), w.url)
	for address, token := range map[string]string{"/callbacks/meta": metatest.VerifyToken, own: "own+token"} {
		r := w.call(t, "GET", address+"?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="+token, "")
		require.Equal(t, 200, r.status, "%s", r.body)
		require.Equal(t, "1158201444", string(r.body))
		require.Contains(t, r.header.Get("Content-Type"), "text/plain")
		require.Equal(t, 401, w.call(t, "GET", address+"?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=wrong", "").status)
	}
	body := metaBody("page", messagingEntry(pageID, messenger, textPart("m_1", "Hello")))
	require.Equal(t, 401, w.metaCallback(t, metatest.AppSecret, w.url+own, body).status, "the channel has a secret of its own")
	require.Equal(t, 200, w.metaCallback(t, "own secret", w.url+own, body).status)
	require.Len(t, a.messages(t, ""), 1)
}

func TestAPageIDFindsThePagesChannelAndThatOfTheLinkedInstagramAccount(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		facebook := a.facebookChannel(t, pageID)
		a.facebookChannel(t, "2000000000002")
		instagram := a.instagramChannel(t)
		path := "/api/v1/outbound/" + a.id + "/send"
		body := func(platform, to, page string) string {
			return `{"platform":"` + platform + `","to":"` + to + `","page_id":"` + page + `","message_text":"Hi from SocialHook"}`
		}
		a.refused(t, 403, "window_expired", "POST", path, body("facebook", messenger, pageID))
		a.refused(t, 403, "window_expired", "POST", path, body("instagram", "987654321098765", pageID))
		require.Empty(t, w.meta.Requests(), "our own record says that the window is closed")
		w.fromMeta(t, metaBody("page", messagingEntry(pageID, messenger, textPart("m_in1", "Hello"))))
		w.fromMeta(t, metaBody("instagram", messagingEntry(igID, "987654321098765", textPart("m_in2", "Hello"))))

		require.Equal(t, facebook, a.send(t, 200, "POST", path, body("facebook", messenger, pageID)).text(t, "channel_id"))
		require.Equal(t, instagram, a.send(t, 200, "POST", path, body("instagram", "987654321098765", pageID)).text(t, "channel_id"))
		require.Len(t, w.meta.Posted("/"+pageID+"/messages"), 2)
		w.meta.FailNext(10, 2018278)
		a.refused(t, 403, "window_expired", "POST", path, body("facebook", messenger, pageID))
		a.send(t, 400, "POST", path, body("facebook", messenger, "3000000000003"))
		a.send(t, 400, "POST", path, body("instagram", messenger, igID))
	})
}

func TestDeliveryAndReadingAreToldOfEachMessageUpToTheWatermark(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		channelID := a.facebookChannel(t, pageID)
		w.fromMeta(t, metaBody("page", messagingEntry(pageID, messenger, textPart("m_in", "Hello"))))
		w.fromMeta(t, metaBody("page", messagingEntry(pageID, "111222333444", textPart("m_in2", "Hello"))))
		send := func(to string) string {
			return a.send(t, 200, "POST", "/v1/messages", `{"channelId":"`+channelID+`","to":"`+to+`","text":"Hi"}`).text(t, "id")
		}
		first, second, other := send(messenger), send(messenger), send("111222333444")
		statusOf := func(id string) string { return a.send(t, 200, "GET", "/v1/messages/"+id, "").text(t, "status") }
		until := time.Now().UnixMilli()
		w.fromMeta(t, metaBody("page", messagingEntry(pageID, messenger, `"delivery":{"mids":["m_1"]}`)))
		require.Equal(t, []string{"delivered", "sent", "sent"}, []string{statusOf(first), statusOf(second), statusOf(other)})
		w.fromMeta(t, metaBody("page", messagingEntry(pageID, messenger, fmt.Sprintf(`"delivery":{"mids":["m_1","m_2"],"watermark":%d}`, until))))
		require.Equal(t, []string{"delivered", "delivered", "sent"}, []string{statusOf(first), statusOf(second), statusOf(other)})
		told := a.send(t, 200, "GET", "/v1/events?event=message.status", "").field(t, "data").([]any)
		require.Len(t, told, 5, "three were sent, two delivered, each told once")
		for range 2 {
			w.fromMeta(t, metaBody("page", messagingEntry(pageID, messenger, fmt.Sprintf(`"read":{"watermark":%d}`, until))))
		}
		w.fromMeta(t, metaBody("page", messagingEntry(pageID, messenger, fmt.Sprintf(`"delivery":{"watermark":%d}`, until))))
		w.fromMeta(t, metaBody("page", messagingEntry(pageID, "111222333444", `"read":{"watermark":1000000000000}`)))
		require.Equal(t, []string{"read", "read", "sent"}, []string{statusOf(first), statusOf(second), statusOf(other)})

		w.meta.TroubleNext(metatest.Trouble{Cut: true})
		lost := a.refused(t, 504, "unconfirmed", "POST", "/v1/messages", `{"channelId":"`+channelID+`","to":"`+messenger+`","text":"lost"}`)
		require.NotEmpty(t, lost.body)
		posted := w.meta.Posted("/" + pageID + "/messages")
		id := posted[len(posted)-1]["message"].(map[string]any)["metadata"].(string)
		require.Equal(t, "unconfirmed", statusOf(id))
		w.fromMeta(t, metaBody("page", messagingEntry(pageID, pageID, `"message":{"mid":"m_4","is_echo":true,"text":"lost","metadata":"`+id+`"}`)))
		require.Equal(t, "sent", statusOf(id), "its echo says that Meta took it")
	})
}

func TestWhatCannotBeStoredOfOneChannelDoesNotKeepOthersFromIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a, b := w.tenant(t, "ann"), w.tenant(t, "bob")
	a.facebookChannel(t, pageID)
	b.facebookChannel(t, "2000000000002")
	body := metaBody("page",
		messagingEntry(pageID, messenger, textPart(strings.Repeat("m", 256), "an id that nobody can keep")),
		messagingEntry("2000000000002", messenger, textPart("m_1", "Hello")))
	require.Equal(t, 400, w.metaCallback(t, metatest.AppSecret, w.url+"/callbacks/meta", body).status)
	a.nothingHappened(t)
	require.Len(t, b.messages(t, ""), 1)
}

func TestADeadTokenIsToldOnceAndInboundMessagesAreTakenAllTheSame(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		channelID := a.facebookChannel(t, pageID)
		events := func(kind string) []any {
			return a.send(t, 200, "GET", "/v1/events?event="+kind, "").field(t, "data").([]any)
		}
		status := func() string { return a.send(t, 200, "GET", "/v1/channels/"+channelID, "").text(t, "status") }
		body := `{"channelId":"` + channelID + `","to":"` + messenger + `","text":"Hi"}`
		w.fromMeta(t, metaBody("page", messagingEntry(pageID, messenger, textPart("m_in1", "Hello"))))
		for range 2 {
			w.meta.TroubleNext(metatest.Trouble{Status: 400, Code: 190, Subcode: 460})
			require.GreaterOrEqual(t, a.call(t, "POST", "/v1/messages", body, "X-Api-Key: "+a.key).status, 400)
		}
		require.Equal(t, "needs_link", status())
		require.Len(t, events("account.disconnected"), 1)
		w.fromMeta(t, metaBody("page", messagingEntry(pageID, messenger, textPart("m_in2", "Anybody there?"))))
		require.Len(t, a.messages(t, "&direction=inbound"), 2)

		w.meta.SetObject("/me", map[string]any{"id": pageID})
		a.send(t, 200, "POST", "/v1/channels/"+channelID+"/check", "")
		require.Equal(t, "connected", status())
		require.Len(t, events("account.connected"), 1)
		a.send(t, 200, "POST", "/v1/messages", body)
	})
}

func TestAPageThatSomebodyOnlyClaimsIsNotTheirs(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		owner, thief := w.tenant(t, "ann"), w.tenant(t, "mal")
		config := `{"pageId":"` + pageID + `","pageAccessToken":"` + metatest.Token + `"}`
		claimed := thief.channel(t, "facebook", config)
		w.meta.SetObject("/me", map[string]any{"id": "2000000000002"}) // their token is that of another Page
		owner.facebookChannel(t, pageID)
		for n := range 2 {
			w.fromMeta(t, metaBody("page", messagingEntry(pageID, messenger, textPart(fmt.Sprint("m_", n), "private"))))
		}
		require.Len(t, owner.messages(t, ""), 2)
		thief.nothingHappened(t)
		require.Equal(t, 1, w.meta.Count(), "a refusal is remembered for a while")

		w.meta.SetObject("/me", map[string]any{"id": pageID}) // the Page lets them in, too
		thief.send(t, 200, "POST", "/v1/channels/"+claimed+"/check", "")
		w.fromMeta(t, metaBody("page", messagingEntry(pageID, messenger, textPart("m_3", "for both"))))
		require.Len(t, owner.messages(t, ""), 3)
		require.Len(t, thief.messages(t, ""), 1)

		thief.send(t, 200, "PATCH", "/v1/channels/"+claimed, `{"config":{"pageAccessToken":"another"}}`)
		w.fromMeta(t, metaBody("page", messagingEntry(pageID, messenger, textPart("m_4", "not for a token that nobody has confirmed"))))
		require.Len(t, thief.messages(t, ""), 1)
	})
}
