package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAQueueIsMadeChangedAndPausedOnPages(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		b, a := w.member(t, "acme")
		require.Contains(t, b.get(t, "/app/queues").body, "No queues yet")
		box := a.channel(t, "sandbox", `{"number":"15550001111"}`)
		require.Contains(t, b.get(t, "/app/queues/new", "Cookie: zone=Asia%2FTokyo").body, `value="Asia/Tokyo"`)

		form := []string{"name", "<b>Mornings", "timeZone", "Mars/Olympus", "postsPerSlot", "1", "slot", "mon 09:00", "slot", "tue 18:30", "times", "12:00"}
		refused := b.post(t, "/app/queues/new", form...)
		require.Equal(t, http.StatusUnprocessableEntity, refused.status)
		require.Contains(t, refused.body, `value="&lt;b&gt;Mornings"`)
		require.Contains(t, refused.body, `value="tue 18:30" checked`)
		require.Contains(t, refused.body, `id="f-timeZone-fault"`)
		added := b.post(t, "/app/queues/new", append(form, "addTime", "21:15", "add", "yes")...)
		require.Equal(t, http.StatusOK, added.status)
		require.Contains(t, added.body, `value="sun 21:15"`)
		require.Contains(t, b.get(t, "/app/queues").body, "No queues yet", "another row stores nothing")

		form[3] = "Europe/Berlin"
		made := b.post(t, "/app/queues/new", append(form, "channelIds", box)...)
		page := b.follow(t, made)
		path := made.header.Get("Location")
		require.Contains(t, page.body, "Mon 09:00")
		require.Contains(t, b.get(t, "/app/queues").body, "&lt;b&gt;Mornings")
		require.Contains(t, b.follow(t, b.post(t, path+"/status", "status", "paused")).body, "slots pass, and nothing of it is published")
		require.Contains(t, b.follow(t, b.post(t, path+"/status", "status", "active", "reshuffle", "yes")).body, "The queue goes on.")
		require.Contains(t, b.get(t, path+"/edit").body, `value="mon 09:00" checked`)
		require.Equal(t, http.StatusSeeOther, b.post(t, path+"/edit", "name", "Evenings", "timeZone", "UTC", "postsPerSlot", "2", "slot", "fri 20:00", "channelIds", box).status)
		require.Contains(t, b.get(t, path).body, "Fri 20:00")
		require.Equal(t, http.StatusUnprocessableEntity, b.post(t, path+"/edit", "name", "Evenings", "timeZone", "UTC", "postsPerSlot", "many", "slot", "fri 20:00", "channelIds", box).status)
		require.Equal(t, "/app/queues", b.post(t, path+"/delete").header.Get("Location"))
		require.Equal(t, http.StatusNotFound, b.get(t, path).status)
	})
}

func TestPostsOfAQueueChangePlacesWithButtons(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	b, a := w.member(t, "acme")
	queueID := a.queue(t, a.channel(t, "sandbox", `{"number":"15550001111"}`))
	var ids []string
	for _, body := range []string{"One", "Two", "Three"} {
		ids = append(ids, a.send(t, 202, "POST", "/v1/posts", `{"body":"`+body+`","queueId":"`+queueID+`"}`).text(t, "id"))
	}
	path := "/app/queues/" + queueID
	order := func() string {
		body := b.get(t, path+"/slots", "HX-Request: true").body
		var order strings.Builder
		for _, name := range []string{"<bdi>One<", "<bdi>Two<", "<bdi>Three<"} {
			require.Contains(t, body, name)
		}
		for len(body) > 0 {
			_, rest, found := strings.Cut(body, "<bdi>")
			if !found {
				break
			}
			name, _, _ := strings.Cut(rest, "<")
			order.WriteString(name + " ")
			body = rest
		}
		return order.String()
	}
	require.Equal(t, "One Two Three ", order())
	b.get(t, path)
	require.Equal(t, http.StatusSeeOther, b.post(t, path+"/reorder", "post", ids[0], "by", "down").status)
	require.Equal(t, "Two One Three ", order())
	require.Equal(t, http.StatusSeeOther, b.post(t, path+"/reorder", "post", ids[2], "by", "up").status)
	require.Equal(t, "Two Three One ", order())
	require.Equal(t, http.StatusConflict, b.post(t, path+"/reorder", "post", ids[1], "by", "up").status, "it is the first")
	require.Equal(t, http.StatusSeeOther, b.post(t, path+"/reorder", "order", strings.Join(ids, " ")).status)
	require.Equal(t, "One Two Three ", order())
	require.Equal(t, http.StatusConflict, b.post(t, path+"/delete").status, "posts wait in it")
	require.Equal(t, http.StatusSeeOther, b.post(t, path+"/delete", "force", "yes").status)
}

func TestAnIncomingWebhookIsMadeOnAPageAndShowsWhatCame(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		b, a := w.member(t, "acme")
		require.Contains(t, b.get(t, "/app/incoming").body, "No incoming webhooks yet")
		box := a.channel(t, "sandbox", `{"number":"15550001111"}`)
		b.get(t, "/app/incoming/new")
		refused := b.post(t, "/app/incoming/new", "name", "A 'tool'", "limit", "many", "period", "1h")
		require.Equal(t, http.StatusUnprocessableEntity, refused.status)
		require.Contains(t, refused.body, `value="A &#39;tool&#39;"`)
		made := b.post(t, "/app/incoming/new", "name", "A 'tool'", "channelIds", box, "limit", "5", "period", "1h")
		page := b.follow(t, made).body
		path := made.header.Get("Location")
		address := a.send(t, 200, "GET", "/v1/incoming-webhooks/"+strings.TrimPrefix(path, "/app/incoming/"), "").text(t, "url")
		require.Contains(t, page, "curl &#39;"+address+"&#39;")
		require.Contains(t, page, "5 left")
		require.Equal(t, 202, w.call(t, "POST", strings.TrimPrefix(address, w.url), `{"title":"`+hostileText+`","body":"x"}`).status)
		state := b.get(t, path+"/state", "HX-Request: true").body
		require.Contains(t, state, `\u202eevil`, "as text")
		require.NotContains(t, state, "<script>")
		require.Contains(t, state, "4 left")
		b.get(t, path)
		require.NotContains(t, b.follow(t, b.post(t, path+"/rotate")).body, address)
		require.Equal(t, 404, w.call(t, "POST", strings.TrimPrefix(address, w.url), `{"body":"x"}`).status)
		queueID := a.queue(t, box)
		require.Contains(t, b.follow(t, b.post(t, path+"/edit", "name", "Another", "queueId", queueID, "limit", "7", "period", "24h")).body, "Daily")
		require.Contains(t, b.get(t, "/app/queues/"+queueID).body, "Another")
		require.Equal(t, http.StatusSeeOther, b.post(t, path+"/delete").status)
		require.Equal(t, http.StatusNotFound, b.get(t, path).status)
	})
}

func TestNoPageShowsAnotherAccountsPosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	_, owner := w.member(t, "acme")
	intruder, _ := w.member(t, "other")
	box := owner.channel(t, "sandbox", `{"number":"15550001111"}`)
	queueID := owner.queue(t, box)
	postID := owner.send(t, 202, "POST", "/v1/posts", `{"title":"Ours alone","body":"x","queueId":"`+queueID+`"}`).text(t, "id")
	hookID := owner.incoming(t, `"queueId":"`+queueID+`"`).text(t, "id")
	for _, path := range []string{
		"/app/posts/" + postID, "/app/posts/" + postID + "/state", "/app/posts/" + postID + "/edit", "/app/posts/" + postID + "/move", "/app/queues/" + queueID,
		"/app/queues/" + queueID + "/slots", "/app/queues/" + queueID + "/edit", "/app/incoming/" + hookID, "/app/incoming/" + hookID + "/state", "/app/incoming/" + hookID + "/edit",
	} {
		page := intruder.get(t, path)
		require.Equal(t, http.StatusNotFound, page.status, path)
		require.NotContains(t, page.body, "Ours alone")
	}
	for _, path := range []string{
		"/app/posts", "/app/posts?view=week", "/app/posts/list", "/app/posts/rows?queueId=" + queueID, "/app/posts/rows?origin=" + hookID, "/app/posts/new?queue=" + queueID,
		"/app/queues", "/app/incoming", "/app/incoming/new",
	} {
		page := intruder.get(t, path)
		require.Equal(t, http.StatusOK, page.status, path)
		for _, theirs := range []string{"Ours alone", postID, ">Daily<", "A tool", box} {
			require.NotContains(t, page.body, theirs, path)
		}
	}
	for _, path := range []string{
		"/app/posts/" + postID + "/cancel", "/app/posts/" + postID + "/retry", "/app/posts/" + postID + "/release", "/app/posts/" + postID + "/edit", "/app/posts/" + postID + "/move",
		"/app/queues/" + queueID + "/status", "/app/queues/" + queueID + "/reshuffle", "/app/queues/" + queueID + "/reorder", "/app/queues/" + queueID + "/edit", "/app/queues/" + queueID + "/delete",
		"/app/incoming/" + hookID + "/edit", "/app/incoming/" + hookID + "/rotate", "/app/incoming/" + hookID + "/delete",
	} {
		require.Equal(t, http.StatusNotFound, intruder.post(t, path, "status", "paused", "to", "day 2027-01-01", "post", postID).status, path)
	}
	require.Equal(t, "queued", owner.send(t, 200, "GET", "/v1/posts/"+postID, "").text(t, "status"))
}
