package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const hostileText = `<script>alert(1)</script> \u202eevil`

func TestPostsStandInTheCalendarAndTheList(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		b, a := w.member(t, "acme")
		require.Contains(t, b.get(t, "/app/posts").body, "There is no channel that publishes posts yet")
		require.Contains(t, b.get(t, "/app/posts/list").body, "No posts yet")
		box := a.channel(t, "sandbox", `{"number":"15550001111"}`)
		at := time.Now().UTC().AddDate(0, 0, 3).Format("2006-01-02")
		planned := a.send(t, 202, "POST", "/v1/posts", `{"body":"`+hostileText+`","channelIds":["`+box+`"],"publishAt":"`+at+`T10:30:00Z"}`).text(t, "id")
		queueID := a.queue(t, box)
		queued := a.send(t, 202, "POST", "/v1/posts", `{"body":"In turn","queueId":"`+queueID+`"}`).text(t, "id")
		draft := a.send(t, 202, "POST", "/v1/posts", `{"title":"Not yet","body":"x","channelIds":["`+box+`"],"draft":true}`).text(t, "id")

		for _, address := range []string{"/app/posts?view=week&date=" + at, "/app/posts?date=" + at, "/app/posts/calendar?date=" + at + "&channelId=" + box} {
			page := b.get(t, address, "Cookie: zone=Asia%2FTokyo")
			require.Equal(t, http.StatusOK, page.status, address)
			require.Contains(t, page.body, `data-id="`+planned+`"`, address)
			require.Contains(t, page.body, `\u202eevil`, "as text")
			require.NotContains(t, page.body, "<script>alert")
			require.NotContains(t, page.body, draft, "a draft without a time has no day")
		}
		week := b.get(t, "/app/posts?view=week&date="+at).body
		require.Contains(t, week, "Daily, free")
		require.NotContains(t, b.get(t, "/app/posts?date=2001-01-01").body, planned)
		require.Equal(t, http.StatusOK, b.get(t, "/app/posts?date=nonsense&view=x").status)

		rows := b.get(t, "/app/posts/rows?status=queued", "HX-Request: true")
		require.Contains(t, rows.body, queued)
		require.NotContains(t, rows.body, planned)
		require.NotContains(t, rows.body, "<html")
		require.Contains(t, b.get(t, "/app/posts/list?q=nowhere").body, "No post matches")
		require.Contains(t, b.get(t, "/app/posts/list").body, draft)
	})
}

func TestAPostIsWrittenOnAPage(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		b, a := w.member(t, "acme")
		require.Contains(t, b.get(t, "/app/posts/new").body, "Connect a channel")
		box, other := a.channel(t, "sandbox", `{"number":"15550001111"}`), a.channel(t, "sandbox", `{"number":"15550001112"}`)
		b.get(t, "/app/posts/new")
		long := strings.Repeat("word ", 120)
		refused := b.post(t, "/app/posts/new", "body", long+"<b>", "title", "A & B", "channels", box, "when", "go", "overflow", "error")
		require.Equal(t, http.StatusUnprocessableEntity, refused.status)
		require.Contains(t, refused.body, "99 more than the 500 that fit")
		require.Contains(t, refused.body, `value="A &amp; B"`, "what was typed stays")
		require.Contains(t, refused.body, "word word")
		require.Contains(t, b.post(t, "/app/posts/new", "body", "x", "channels", box, "when", "at", "at", "soon").body, "Give the day and the time.")
		require.Contains(t, b.post(t, "/app/posts/new", "body", "x", "when", "go").body, "Say where the post goes")

		preview := b.post(t, "/app/posts/preview", "body", long, "channels", box, "when", "go", "file", `{"contentType":"video/mp4","size":999999999}`)
		require.Contains(t, preview.body, "599 / 500")
		require.Contains(t, preview.body, "this one has 999999999")
		require.NotContains(t, b.post(t, "/app/posts/preview", "body", "<script>alert(1)</script>&lt;script>", "channels", box).body, "<script>")

		form := []string{
			"body", "Hello", "channels", box, "channels", other, "when", "at", "at", "2027-03-01T09:00", "o." + other + ".body", "Another text",
			"o." + other + ".options.outcome", "rejected", "once", "one form",
		}
		first, again := b.post(t, "/app/posts/new", form...), b.post(t, "/app/posts/new", form...)
		require.Equal(t, first.header.Get("Location"), again.header.Get("Location"), "a form counts once")
		id := strings.TrimPrefix(first.header.Get("Location"), "/app/posts/")
		require.Contains(t, b.follow(t, first).body, "The post is planned.")
		made := a.send(t, 200, "GET", "/v1/posts/"+id, "")
		require.Equal(t, "2027-03-01T09:00:00.000Z", made.text(t, "publishAt"))
		require.Contains(t, string(made.body), `"override":{"body":"Another text","options":{"outcome":"rejected"}}`)

		edit := b.get(t, "/app/posts/"+id+"/edit", "Cookie: zone=America%2FNew_York").body
		require.Contains(t, edit, `value="2027-03-01T04:00"`, "times are those of the reader")
		require.Contains(t, edit, "Another text")
		require.Equal(t, http.StatusSeeOther, b.post(t, "/app/posts/"+id+"/edit", "body", "Better", "channels", box, "when", "draft").status)
		changed := a.send(t, 200, "GET", "/v1/posts/"+id, "")
		require.Equal(t, "draft", changed.text(t, "status"))
		require.Equal(t, "Better", changed.text(t, "body"))
		require.Len(t, changed.field(t, "targets"), 1)
		b.get(t, "/app/posts/"+id)
		require.Contains(t, b.follow(t, b.post(t, "/app/posts/"+id+"/release")).body, "Better")
		a.settled(t, id, "published")
		require.Equal(t, http.StatusConflict, b.get(t, "/app/posts/"+id+"/edit").status)
		require.Contains(t, b.get(t, "/app/posts/"+id+"/state", "HX-Request: true").body, "https://sandbox.invalid/")
	})
}

func TestAScriptSendsTheFilesOfAPost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	b, a := w.member(t, "acme")
	box := a.channel(t, "sandbox", `{"number":"15550001111"}`)
	b.get(t, "/app/posts/new")
	payload := b.post(t, "/app/posts/payload", "body", "With a file", "channels", box, "when", "draft")
	require.JSONEq(t, `{"title":"","body":"With a file","channelIds":["`+box+`"],"media":[],"overrides":{},"firstComment":"","draft":true}`, payload.body)
	require.Equal(t, http.StatusBadRequest, b.post(t, "/app/posts/payload", "body", "x", "channels", box, "when", "at").status)
	form := url.Values{"boundary": {"x"}}
	parts := "--" + form.Get("boundary") + "\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\n" + payload.body + "\r\n--x--\r\n"
	sent := b.send(t, "POST", "/app/api/v1/posts", strings.NewReader(parts), "Content-Type: multipart/form-data; boundary=x", "X-Csrf-Token: "+b.csrf)
	require.Equal(t, http.StatusAccepted, sent.status, sent.body)
	require.Equal(t, http.StatusForbidden, b.send(t, "POST", "/app/api/v1/posts", strings.NewReader(parts), "Content-Type: multipart/form-data; boundary=x").status)
}

func TestAPostThatNobodyKnowsOfIsPublishedAgainOnAnExplicitWord(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	b, a := w.member(t, "acme")
	box := a.channel(t, "sandbox", `{"number":"15550001111"}`)
	id := a.send(t, 202, "POST", "/v1/posts", `{"body":"Where is it","channelIds":["`+box+`"],"overrides":{"`+box+`":{"options":{"outcome":"unconfirmed"}}}}`).text(t, "id")
	a.settled(t, id, "unconfirmed")
	page := b.get(t, "/app/posts/"+id).body
	require.Contains(t, page, "Was it published?")
	require.Contains(t, page, "It was not published")
	require.Equal(t, http.StatusConflict, b.post(t, "/app/posts/"+id+"/retry").status, "not by the plain button")
	require.Equal(t, http.StatusSeeOther, b.post(t, "/app/posts/"+id+"/retry", "unconfirmed", "true").status)
}

func TestAPostMovesByTheKeyboard(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		b, a := w.member(t, "acme")
		box := a.channel(t, "sandbox", `{"number":"15550001111"}`)
		queueID := a.queue(t, box)
		one := a.send(t, 202, "POST", "/v1/posts", `{"body":"One","queueId":"`+queueID+`"}`)
		two := a.send(t, 202, "POST", "/v1/posts", `{"body":"Two","queueId":"`+queueID+`"}`)
		path := "/app/posts/" + one.text(t, "id")
		page := b.get(t, path+"/move").body
		require.Contains(t, page, `value="post `+two.text(t, "id")+`"`)
		free := page[strings.Index(page, `value="slot `)+len(`value="`):]
		free = free[:strings.Index(free, `"`)]
		require.Equal(t, http.StatusSeeOther, b.post(t, path+"/move", "to", "post "+two.text(t, "id")).status)
		slotOf := func(id string) string { return a.send(t, 200, "GET", "/v1/posts/"+id, "").text(t, "slotAt") }
		require.Equal(t, two.text(t, "slotAt"), slotOf(one.text(t, "id")))
		require.Equal(t, one.text(t, "slotAt"), slotOf(two.text(t, "id")))
		b.get(t, path)
		require.Equal(t, http.StatusSeeOther, b.post(t, path+"/move", "to", free).status)
		require.Equal(t, strings.TrimPrefix(free, "slot "), slotOf(one.text(t, "id")))
		require.Equal(t, http.StatusUnprocessableEntity, b.post(t, path+"/move", "to", "slot 2001-01-01T00:00:00Z").status)
		require.Equal(t, http.StatusUnprocessableEntity, b.post(t, path+"/move", "to", "elsewhere").status)

		planned := a.send(t, 202, "POST", "/v1/posts", `{"body":"At a time","channelIds":["`+box+`"],"publishAt":"2027-03-01T09:15:00Z"}`).text(t, "id")
		require.Contains(t, b.get(t, "/app/posts/"+planned+"/move").body, `value="2027-03-01T09:15"`)
		past := b.post(t, "/app/posts/"+planned+"/move", "to", "at", "at", "2020-01-01T10:00")
		require.Equal(t, http.StatusUnprocessableEntity, past.status)
		require.Contains(t, past.body, "This time has passed.")
		require.Equal(t, http.StatusSeeOther, b.post(t, "/app/posts/"+planned+"/move", "to", "day 2027-03-05").status)
		require.Equal(t, "2027-03-05T09:15:00.000Z", a.send(t, 200, "GET", "/v1/posts/"+planned, "").text(t, "publishAt"))
		require.Equal(t, http.StatusSeeOther, b.post(t, "/app/posts/"+planned+"/cancel").status)
		require.Contains(t, b.get(t, "/app/posts/"+planned+"/move").body, "This post has no time that can be changed")
	})
}
