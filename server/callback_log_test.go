package server_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/meta/metatest"
	"github.com/switchhook/switchhook/internal/store"
)

// callbacks waits until so many callbacks are recorded and returns them, newest first.
func (a *tenant) callbacks(t *testing.T, count int, query string) []map[string]any {
	t.Helper()
	var rows []map[string]any
	eventually(t, "the callbacks are recorded", func() bool {
		rows = nil
		data, ok := a.send(t, 200, "GET", "/v1/callbacks?limit=100"+query, "").field(t, "data").([]any)
		require.True(t, ok)
		for _, one := range data {
			row, ok := one.(map[string]any)
			require.True(t, ok)
			rows = append(rows, row)
		}
		return len(rows) == count
	})
	return rows
}

// callbackBody returns a recorded callback's body.
func (a *tenant) callbackBody(t *testing.T, row map[string]any) (content, encoding string, truncated bool) {
	t.Helper()
	r := a.send(t, 200, "GET", "/v1/callbacks/"+fmt.Sprint(row["id"]), "")
	truncated, ok := r.field(t, "body", "truncated").(bool)
	require.True(t, ok)
	return r.text(t, "body", "content"), r.text(t, "body", "encoding"), truncated
}

func TestWhatAProviderCallsWithIsRecordedWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, stranger := w.tenant(t, "ann"), w.tenant(t, "bob")
		channelID := a.channel(t, "facebook", `{"pageId":"`+pageID+`","pageAccessToken":"x","appSecret":"own secret","verifyToken":"own token"}`)
		address := a.callbackURL(t, channelID)
		path := strings.TrimPrefix(address, w.url)
		require.Equal(t, 200, w.call(t, "GET", path+"?hub.mode=subscribe&hub.challenge=11&hub.verify_token=own+token", "").status)
		good := metaBody("page", messagingEntry(pageID, messenger, textPart("m_1", "Hello")))
		require.Equal(t, 200, w.metaCallback(t, "own secret", address, good).status)
		require.Equal(t, 400, w.metaCallback(t, "own secret", address, "[]").status)
		require.Equal(t, 401, w.metaCallback(t, "guessed", address, good).status)
		require.Equal(t, 401, w.call(t, "GET", path+"?hub.mode=subscribe&hub.challenge=11&hub.verify_token=wr%00ng&x=%00%ff", "", "Authorization: Bearer hidden").status)
		binary := "a\x00\xffb"
		require.Equal(t, 401, w.call(t, "POST", path, binary, "Cookie: hidden").status)
		long := strings.Repeat("ä", 20_000)
		require.Equal(t, 401, w.call(t, "POST", path, "x"+long, "X-Hub-Signature-256: sha256="+strings.Repeat("hidden", 10)).status)
		require.Equal(t, 415, w.call(t, "POST", path, "x", "Content-Encoding: gzip").status)
		require.Equal(t, 404, w.call(t, "POST", "/callbacks/sandbox/"+channelID, "x").status, "which is no channel's")

		rows := a.callbacks(t, 8, "")
		var said []string
		for i := range rows {
			row := rows[len(rows)-1-i]
			code := ""
			if failure, is := row["error"].(map[string]any); is {
				code = fmt.Sprint(failure["code"])
				require.NotEmpty(t, failure["message"])
			}
			said = append(said, fmt.Sprint(row["method"], " ", row["status"], " ", row["signature"], " ", row["messages"], " ", code))
			require.Equal(t, []any{channelID, "facebook", path}, []any{row["channelId"], row["connector"], row["path"]})
			shown := string(a.send(t, 200, "GET", "/v1/callbacks/"+fmt.Sprint(row["id"]), "").body)
			for _, secret := range []string{"own", "hidden", "wr%00ng", metatest.Sign("own secret", []byte(good))} {
				require.NotContains(t, strings.ReplaceAll(shown, "sha256=hidde", ""), secret)
			}
			stranger.refused(t, 404, "not_found", "GET", "/v1/callbacks/"+fmt.Sprint(row["id"]), "")
		}
		require.Equal(t, []string{
			"GET 200 ok 0 ", "POST 200 ok 1 ", "POST 400 ok 0 invalid_field", "POST 401 wrong 0 invalid_signature", "GET 401 wrong 0 invalid_signature",
			"POST 401 none 0 invalid_signature", "POST 401 wrong 0 invalid_signature", "POST 415 none 0 encoded_body",
		}, said)
		require.Equal(t, "hub.challenge=11&hub.mode=subscribe&hub.verify_token=********", rows[7]["query"])
		content, encoding, cut := a.callbackBody(t, rows[6])
		require.Equal(t, []any{good, "text", false}, []any{content, encoding, cut})
		content, encoding, cut = a.callbackBody(t, rows[2])
		require.Equal(t, []any{"YQD/Yg==", "base64", false}, []any{content, encoding, cut})
		content, encoding, cut = a.callbackBody(t, rows[1])
		require.Equal(t, []any{"x" + strings.Repeat("ä", 8191), "text", true}, []any{content, encoding, cut})
		require.InDelta(t, 40_001, rows[1]["size"], 0)
		require.Len(t, a.callbacks(t, 3, "&signature=wrong&channelId="+channelID), 3)
		require.Empty(t, stranger.callbacks(t, 0, "&channelId="+channelID))
		a.refused(t, 400, "invalid_field", "GET", "/v1/callbacks?signature=maybe", "")
		a.refused(t, 400, "invalid_cursor", "GET", "/v1/callbacks?cursor="+url.QueryEscape(channelID), "")
	})
}

func TestOfAnAppsCallbackEachAccountSeesItsOwnShareOnly(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, b, c := w.tenant(t, "ann"), w.tenant(t, "bob"), w.tenant(t, "cat")
		mine, second := a.facebookChannel(t, pageID), a.facebookChannel(t, "3000000000003")
		theirs := b.facebookChannel(t, "2000000000002")
		c.channel(t, "facebook", `{"pageId":"4000000000004","pageAccessToken":"x"}`)
		body := metaBody("page",
			messagingEntry(pageID, messenger, textPart("m_1", "for ann")), messagingEntry(pageID, messenger, textPart("m_2", "for ann")),
			messagingEntry("3000000000003", messenger, textPart("m_3", "for ann")), messagingEntry("2000000000002", messenger, textPart("m_4", "for bob")))
		require.Equal(t, 401, w.metaCallback(t, "guessed", w.url+"/callbacks/meta", body).status)
		w.fromMeta(t, body)
		counts := map[any]any{}
		for _, row := range append(a.callbacks(t, 2, ""), b.callbacks(t, 1, "")...) {
			counts[row["channelId"]] = row["messages"]
			require.Equal(t, []any{"/callbacks/meta", "ok", nil, 0.0}, []any{row["path"], row["signature"], row["error"], row["size"]})
		}
		require.Equal(t, map[any]any{mine: 2.0, second: 1.0, theirs: 1.0}, counts)
		content, encoding, cut := a.callbackBody(t, a.callbacks(t, 2, "")[0])
		require.Equal(t, []any{"", "none", false}, []any{content, encoding, cut})
		require.Empty(t, c.callbacks(t, 0, ""))
	})
}

func TestCallbacksThatWaitAreWrittenWhenTheServerStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	channelID := a.channel(t, "sandbox", `{}`)
	for range 5 {
		require.Equal(t, 401, w.call(t, "POST", "/callbacks/sandbox/"+channelID, "{}").status)
	}
	w.client.CloseIdleConnections()
	require.NoError(t, w.server.Shutdown(t.Context()))
	rows, err := w.store.Callbacks(t.Context(), a.id, store.CallbackFilter{}, store.Page{Limit: 9})
	require.NoError(t, err)
	require.Len(t, rows, 5)
}
