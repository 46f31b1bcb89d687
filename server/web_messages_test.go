package server_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/meta/metatest"
)

func TestConversationsAreListedReadAndAnsweredWithoutScripts(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		b, key := w.newBrowser(t, "ann")
		require.Contains(t, b.get(t, "/app/messages").body, "No conversation yet")
		box := b.box(t, key)
		b.writes(t, key, box, "15551230000", "Is it ready?")
		talk := "/app/messages/" + box + "/15551230000"

		list := b.get(t, "/app/messages").body
		require.Contains(t, list, `href="`+talk+`"`)
		require.Contains(t, list, "Is it ready?")
		require.Contains(t, list, "Unanswered")
		part := b.get(t, "/app/messages/list?q=1230&open="+url.QueryEscape(talk), "HX-Request: true")
		require.Equal(t, talk+"?q=1230", part.header.Get("HX-Replace-Url"))
		require.Contains(t, part.body, `aria-current="true"`)
		require.NotContains(t, part.body, "<html")
		require.Contains(t, b.get(t, "/app/messages?q=nobody").body, "No conversation matches")
		require.Contains(t, b.get(t, "/app/messages?cursor=nonsense").body, "could not be loaded")

		page := b.get(t, talk)
		require.Equal(t, http.StatusOK, page.status)
		require.Contains(t, page.body, `data-listen="message:15551230000"`)
		require.Contains(t, page.body, `<p class="text">Is it ready?</p>`)
		sent := b.post(t, talk, "text", "It is.\r\nCome by.", "once", "first")
		require.Equal(t, talk+"#reply", sent.header.Get("Location"))
		require.Equal(t, http.StatusSeeOther, b.post(t, talk, "text", "It is.\r\nCome by.", "once", "first").status, "sent twice")
		lines := b.get(t, talk+"/lines", "HX-Request: true").body
		require.Equal(t, 1, strings.Count(lines, "It is.\nCome by.</p>"), "acts once")
		require.Regexp(t, `data-state="sent">.*Sent`, lines)
		require.NotContains(t, b.get(t, "/app/messages").body, "Unanswered")
	})
}

func TestAnAnswerThatIsRefusedKeepsWhatWasTypedAndSaysWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	b, key := w.newBrowser(t, "ann")
	talk := "/app/messages/" + b.box(t, key) + "/1555123"
	b.get(t, talk+"0005")
	shut := b.post(t, talk+"0005", "text", "Hello </textarea>?")
	require.Equal(t, http.StatusUnprocessableEntity, shut.status)
	require.Contains(t, shut.body, "Hello &lt;/textarea&gt;?</textarea>")
	require.Regexp(t, `id="reply-message">The sandbox pretends that the 24-hour window`, shut.body)
	require.Contains(t, shut.body, `<code id="reply-code">window_expired</code>`)
	require.Contains(t, shut.body, `data-state="failed"`, "it stands among the messages too")

	empty := b.post(t, talk+"0000", "text", "  ")
	require.Equal(t, http.StatusUnprocessableEntity, empty.status)
	require.Contains(t, empty.body, "No message yet")

	doubtful := b.post(t, talk+"0003", "text", "Did it go out?")
	require.Equal(t, http.StatusUnprocessableEntity, doubtful.status)
	require.NotContains(t, doubtful.body, "Did it go out?</textarea>", "a second click must not send it again")
	require.Contains(t, doubtful.body, "it may or may not have gone out")
}

func TestAConversationIsStarted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	b, key := w.newBrowser(t, "ann")
	require.Contains(t, b.get(t, "/app/messages/new").body, "No channel can send yet")
	box := b.box(t, key)
	require.Contains(t, b.get(t, "/app/messages/new?to=15551230000").body, `value="15551230000"`)
	refused := b.post(t, "/app/messages/new", "channelId", box, "to", "", "text", "Hello <b>")
	require.Equal(t, http.StatusUnprocessableEntity, refused.status)
	require.Contains(t, refused.body, `id="f-to-fault"`)
	require.Contains(t, refused.body, "Hello &lt;b&gt;</textarea>")
	begun := b.follow(t, b.post(t, "/app/messages/new", "channelId", box, "to", "+1 555 123-0000", "text", "Hello"))
	require.Contains(t, begun.body, `<p class="text">Hello</p>`)
	require.Contains(t, begun.body, "/app/contacts/new?phone=15551230000")
}

func TestOlderMessagesComeByPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	b, key := w.newBrowser(t, "ann")
	box := b.box(t, key)
	for range 51 {
		b.writes(t, key, box, "15551230000", "line")
	}
	talk := "/app/messages/" + box + "/15551230000"
	page := b.get(t, talk).body
	require.Equal(t, 50, strings.Count(page, `<li class="line`))
	older := regexp.MustCompile(`href="([^"]*before=[^"]*)"`).FindStringSubmatch(page)
	require.Len(t, older, 2)
	before := b.get(t, older[1]).body
	require.Equal(t, 1, strings.Count(before, `<li class="line`))
	require.NotContains(t, before, `id="reply-text"`, "an answer goes below the newest")
	require.NotContains(t, before, `data-listen="message:`)
	require.Contains(t, before, `href="`+talk+`"`)
}

func TestTextsOfStrangersAreTextInConversations(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	b, key := w.newBrowser(t, "ann")
	a := &tenant{world: w, key: key}
	box := b.box(t, key)
	a.send(t, 201, "POST", "/v1/channels/"+box+"/simulate", `{"from":"x/../\"><b>`+"é"+`?#","name":`+quote(hostile)+`,"text":`+quote(hostile+strings.Repeat("y", 5000))+`}`)
	list := b.get(t, "/app/messages")
	harmless(t, list)
	address := regexp.MustCompile(`<a href="(/app/messages/chan[^"]*)"`).FindStringSubmatch(list.body)
	require.Len(t, address, 2)
	talk := b.get(t, address[1])
	require.Equal(t, http.StatusOK, talk.status, talk.body)
	harmless(t, talk)
	require.Contains(t, talk.body, "&lt;script&gt;alert(1)&lt;/script&gt;")
	harmless(t, b.get(t, address[1]+"/lines"))
	require.Equal(t, http.StatusNotFound, b.get(t, "/app/messages/"+box+"/%00").status)
}

func TestConversationsOfOtherAccountsAreNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	ann, key := w.newBrowser(t, "ann")
	box := ann.box(t, key)
	ann.writes(t, key, box, "15551230000", "for Ann alone")
	other := w.guest(t)
	w.tenant(t, "ben")
	other.get(t, "/app/login")
	require.Equal(t, http.StatusSeeOther, other.post(t, "/app/login", "email", "ben@example.com", "password", "correct horse battery").status)
	other.get(t, "/app")
	require.NotContains(t, other.get(t, "/app/messages?channelId="+box).body, "15551230000")
	talk := "/app/messages/" + box + "/15551230000"
	require.Equal(t, http.StatusNotFound, other.get(t, talk).status)
	require.NotContains(t, other.get(t, talk+"/lines").body, "for Ann alone")
	require.NotContains(t, other.get(t, "/app/messages/new").body, box)
	require.Equal(t, http.StatusNotFound, other.post(t, talk, "text", "from Ben").status)
	require.Equal(t, http.StatusUnprocessableEntity, other.post(t, "/app/messages/new", "channelId", box, "to", "15551230000", "text", "from Ben").status)
	require.NotContains(t, ann.get(t, talk).body, "from Ben")
}

func TestANetworkThatTakesTextsForADayOnlySaysSoBeforeOneIsWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	b, key := w.newBrowser(t, "ann")
	w.meta.SetObject("/"+waNumberID, map[string]any{"display_phone_number": "+1 631-111-3333"})
	cloud := (&tenant{world: w, key: key}).channel(t, "whatsapp_cloud",
		`{"phoneNumberId":"`+waNumberID+`","phoneNumber":"+1 631 111 3333","accessToken":"`+metatest.Token+`","appSecret":"mine","verifyToken":"word"}`)
	talk := "/app/messages/" + cloud + "/15551230000"
	require.Contains(t, b.get(t, talk).body, "WhatsApp takes free texts for 24 hours")
	refused := b.post(t, talk, "text", "Hello")
	require.Equal(t, http.StatusUnprocessableEntity, refused.status)
	require.Contains(t, refused.body, `<code id="reply-code">window_expired</code>`)
	require.NotContains(t, b.get(t, "/app/messages/"+b.box(t, key)+"/15551230000").body, "24 hours")
}

func TestAConversationOutlivesItsChannel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	b, key := w.newBrowser(t, "ann")
	box := b.box(t, key)
	b.writes(t, key, box, "15551230000", "still here")
	(&tenant{world: w, key: key}).send(t, 204, "DELETE", "/v1/channels/"+box, "")
	page := b.get(t, "/app/messages/"+box+"/15551230000")
	require.Equal(t, http.StatusOK, page.status)
	require.Contains(t, page.body, "still here")
	require.Contains(t, page.body, "The channel was deleted")
	require.NotContains(t, page.body, `id="reply-text"`)
	require.Equal(t, http.StatusNotFound, b.get(t, "/app/messages/"+box+"/15559999999").status)
}

func TestAFileIsSentByTheScriptOfAPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	b, key := w.newBrowser(t, "ann")
	box := b.box(t, key)
	talk := "/app/messages/" + box + "/15551230000"
	b.get(t, talk)
	send := func(headers ...string) shown {
		body, contentType := formOf(t, formPart{"payload", "", `{"channelId":"` + box + `","to":"15551230000","text":"Look"}`}, formPart{"media_file", "view.png", string(picture(t))})
		return b.send(t, "POST", "/app/api/v1/messages", strings.NewReader(body), append(headers, contentType)...)
	}
	require.Equal(t, http.StatusForbidden, send().status, "a page of somebody else has no token")
	for range 2 {
		sent := send("X-Csrf-Token: "+b.csrf, "Idempotency-Key: dashboard-one")
		require.Equal(t, http.StatusOK, sent.status, sent.body)
	}
	page := b.get(t, talk).body
	require.Equal(t, 1, strings.Count(page, `<li class="line`))
	require.Regexp(t, `<img src="/media/[^"]+" alt="view.png"`, page)
}
