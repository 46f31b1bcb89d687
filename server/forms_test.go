package server_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/mastodon/mastodontest"
)

// formPart is a part of a form; one with a file name is a file.
type formPart struct{ name, fileName, content string }

// formOf makes a form with its Content-Type as a header line.
func formOf(t *testing.T, parts ...formPart) (body, contentType string) {
	t.Helper()
	var out bytes.Buffer
	form := multipart.NewWriter(&out)
	for _, p := range parts {
		header := textproto.MIMEHeader{}
		disposition := `form-data; name="` + p.name + `"`
		if p.fileName != "" {
			disposition += `; filename="` + p.fileName + `"`
		}
		header.Set("Content-Disposition", disposition)
		part, err := form.CreatePart(header)
		require.NoError(t, err)
		_, err = io.WriteString(part, p.content)
		require.NoError(t, err)
	}
	require.NoError(t, form.Close())
	return out.String(), "Content-Type: " + form.FormDataContentType()
}

// files returns the files that lie in the media folder, finished or not.
func (w *world) files(t *testing.T) []string {
	t.Helper()
	var files []string
	require.NoError(t, filepath.WalkDir(w.mediaDir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	}))
	return files
}

// nothingStored requires that neither posts nor files nor their rows are there.
func (a *tenant) nothingStored(t *testing.T) {
	t.Helper()
	require.Empty(t, a.send(t, 200, "GET", "/v1/posts", "").field(t, "data"))
	require.Empty(t, a.files(t))
	later := time.Now().Add(time.Hour)
	rows, err := a.store.ClaimOldMediaAny(t.Context(), later, later, "counted", 100)
	require.NoError(t, err)
	require.Empty(t, rows)
}

func TestBadFormsAreRefusedWithASentenceAndLeaveNothing(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, fediverse := w.tenant(t, "ann"), mastodontest.New(t, w.parts.Now())
		path := a.path(t, a.incoming(t, `"channelIds":["`+a.mastodonChannel(t, fediverse)+`"],"rateLimit":{"limit":1000,"period":"1h"}`))
		payload, file := formPart{"json_payload", "", `{"title":"T","body":"B"}`}, formPart{"media_file", "a.png", string(picture(t))}
		many := func(count int, part formPart) (parts []formPart) {
			for range count {
				parts = append(parts, part)
			}
			return append(parts, payload)
		}
		with := func(content string) formPart { return formPart{"json_payload", "", content} }
		for _, c := range []struct {
			name, code string
			status     int
			parts      []formPart
		}{
			{"no payload", "required_field", 400, []formPart{file}},
			{"nothing", "invalid_form", 400, nil},
			{"the payload twice", "invalid_field", 400, []formPart{payload, file, payload}},
			{"a payload that is not JSON", "invalid_json", 400, []formPart{file, with(`{"title"::The post title", "body":"The post body"}`)}},
			{"a payload that is a list", "invalid_json", 400, []formPart{with(`["a"]`), file}},
			{"an unknown field in the payload", "unknown_field", 400, []formPart{file, with(`{"text":"x"}`)}},
			{"a mistyped field in the payload", "invalid_field", 400, []formPart{file, with(`{"body":5}`)}},
			{"a payload that is not UTF-8", "invalid_field", 400, []formPart{file, with("{\"body\":\"\xff\"}")}},
			{"half a character", "invalid_json", 400, []formPart{file, with(`{"body":"\ud800"}`)}},
			{"a field twice in the payload", "invalid_json", 400, []formPart{file, with(`{"body":"a","body":"b"}`)}},
			{"another field", "unknown_field", 400, []formPart{payload, {"publishAt", "", "now"}}},
			{"a part without a name", "invalid_form", 400, []formPart{payload, {"", "", "x"}}},
			{"a path", "invalid_field", 400, []formPart{payload, {"media_file", "../../etc/passwd", file.content}}},
			{"a path of Windows", "invalid_field", 400, []formPart{payload, {"media_file", `C:\\x\\a.png`, file.content}}},
			{"dots", "invalid_field", 400, []formPart{payload, {"media_file", "..", file.content}}},
			{"a name that is not UTF-8", "invalid_field", 400, []formPart{payload, {"media_file", "a\xff.png", file.content}}},
			{"an endless name", "invalid_field", 400, []formPart{payload, {"media_file", strings.Repeat("a", 300) + ".png", file.content}}},
			{"a file that is text", "invalid_field", 400, []formPart{payload, {"media_file", "", "hello"}}},
			{"an empty file", "invalid_field", 400, []formPart{payload, {"media_file", "a.png", ""}}},
			{"a program", "invalid_field", 400, []formPart{payload, file, {"media_file", "a.png", "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 100)}}},
			{"a page that is called a picture", "invalid_field", 400, []formPart{payload, file, {"media_file", "a.png", "<!DOCTYPE html><script>alert(1)</script>"}}},
			{"five pictures", "media_rejected", 400, many(5, file)},
			{"31 files", "invalid_field", 400, many(31, file)},
			{"too large", "body_too_large", 413, []formPart{payload, file, {"media_file", "a.png", file.content + strings.Repeat("x", 5<<20)}}},
			{"a payload that is too large", "body_too_large", 413, []formPart{file, with(`{"body":"` + strings.Repeat("x", 1<<20) + `"}`)}},
		} {
			body, contentType := formOf(t, c.parts...)
			r := w.call(t, "POST", path, body, contentType)
			require.Equal(t, c.status, r.status, "%s: %.300s", c.name, r.body)
			require.Equal(t, c.code, r.text(t, "code"), "%s: %s", c.name, r.body)
			require.NotEmpty(t, r.text(t, "message"), c.name)
			require.NotEmpty(t, r.header.Get("X-RateLimit-Remaining"), c.name)
		}
		whole, contentType := formOf(t, payload, file)
		crowd, crowdType := formOf(t, many(1500, formPart{"media_file[]", "a.png", file.content})...)
		for _, c := range []struct {
			name, body, header, code string
			status                   int
		}{
			{"1,500 parts", crowd, crowdType, "invalid_field", 400},
			{"JSON that calls itself a form", payload.content, contentType, "invalid_form", 400},
			{"a form without a boundary", whole, "Content-Type: multipart/form-data", "invalid_form", 400},
			{"another boundary", whole, "Content-Type: multipart/form-data; boundary=other", "invalid_form", 400},
			{"a boundary that is none", whole, `Content-Type: multipart/form-data; boundary="`, "invalid_form", 400},
			{"a form that is cut off", whole[:len(whole)-60], contentType, "invalid_field", 400},
			{"a form without its end", whole[:len(whole)-10], contentType, "invalid_field", 400},
			{"a form that calls itself JSON", whole, "", "invalid_json", 400},
			{"a compressed form", gzipped(t, whole), contentType + "|Content-Encoding: gzip", "encoded_body", 415},
		} {
			r := w.call(t, "POST", path, c.body, strings.Split(c.header, "|")...)
			require.Equal(t, c.status, r.status, "%s: %s", c.name, r.body)
			require.Equal(t, c.code, r.text(t, "code"), "%s: %s", c.name, r.body)
		}
		for _, body := range []string{`{}`, `{"title":"x"}`, `{"body":""}`, `{"body":" \n\t"}`, `{"body":"<p> </p><!-- x -->"}`, `{"body":"&nbsp;"}`, `{"body":"` + strings.Repeat("x", 501) + `"}`} {
			r := w.call(t, "POST", path, body)
			require.Equal(t, 400, r.status, "%s: %s", body, r.body)
			require.Equal(t, "body", r.text(t, "field"), "%s: %s", body, r.body)
		}
		a.nothingStored(t)
		require.Empty(t, fediverse.Statuses())
		good := w.call(t, "POST", path, whole, contentType)
		require.Equal(t, 202, good.status, "%s", good.body)
	})
}

func TestPostsTakeFilesWithDescriptionsAndKeepTheirs(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, fediverse := w.tenant(t, "ann"), mastodontest.New(t, w.parts.Now())
		channelID := a.mastodonChannel(t, fediverse)
		key := "X-Api-Key: " + a.key
		payload := formPart{"payload", "", `{"body":"Two pictures","channelIds":["` + channelID + `"],"draft":true}`}
		first, second := formPart{"media_file", "first.png", string(picture(t))}, formPart{"media_file[]", "zwei ä.png", string(picture(t))}
		body, contentType := formOf(t, first, payload, formPart{"alt", "", "A dot"}, second, formPart{"alt[]", "", "Ein Punkt"})
		made := w.call(t, "POST", "/v1/posts", body, contentType, key, "Idempotency-Key: form")
		require.Equal(t, 202, made.status, "%s", made.body)
		path := "/v1/posts/" + made.text(t, "id")
		files := made.field(t, "media").([]any)
		require.Len(t, files, 2)
		require.Equal(t, "Ein Punkt", files[1].(map[string]any)["alt"])
		require.Len(t, w.files(t), 2)

		again, otherType := formOf(t, first, payload, formPart{"alt", "", "A dot"}, second, formPart{"alt[]", "", "Ein Punkt"})
		repeated := w.call(t, "POST", "/v1/posts", again, otherType, key, "Idempotency-Key: form")
		require.Equal(t, string(made.body), string(repeated.body), "the same form with another boundary is the same request")
		changed, changedType := formOf(t, second, payload)
		require.Equal(t, 409, w.call(t, "POST", "/v1/posts", changed, changedType, key, "Idempotency-Key: form").status)
		require.Len(t, w.files(t), 2, "the files of repeats are not kept")

		kept := files[1].(map[string]any)["id"].(string)
		less := a.send(t, 200, "PATCH", path, `{"media":[{"id":"`+kept+`","alt":"A point"}],"draft":false}`)
		require.Len(t, less.field(t, "media"), 1)
		a.settled(t, made.text(t, "id"), "published")
		require.Len(t, w.files(t), 1, "what the post does without is deleted")
		require.Len(t, fediverse.Uploads(), 1)
		require.Equal(t, "A point", fediverse.Uploads()[0].Alt)
		for _, parts := range [][]formPart{{payload, {"alt", "", "of nothing"}}, {payload, first, {"alt", "", "a\x00b"}}, {first}} {
			body, contentType := formOf(t, parts...)
			require.Equal(t, 400, w.call(t, "POST", "/v1/posts", body, contentType, key).status)
		}
		crowd, crowdType := formOf(t, append(slices.Repeat([]formPart{{"alt", "", "x"}}, 100), payload)...)
		require.Equal(t, "invalid_form", w.call(t, "POST", "/v1/posts", crowd, crowdType, key).text(t, "code"))
		require.Equal(t, 401, w.call(t, "POST", "/v1/posts", body, contentType).status)
		require.Len(t, w.files(t), 1)
	})
}

func TestAPostFetchesItsFiles(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a, fediverse := w.tenant(t, "ann"), mastodontest.New(t, w.parts.Now())
		host := newReceiver(t, func(rw http.ResponseWriter) { _, _ = rw.Write(picture(t)) })
		id := a.send(t, 202, "POST", "/v1/posts", `{"body":"x","channelIds":["`+a.mastodonChannel(t, fediverse)+`"],"media":[{"url":"`+host.URL+`/a.png","alt":"A dot"}]}`).text(t, "id")
		a.settled(t, id, "published")
		require.Equal(t, "A dot", fediverse.Uploads()[0].Alt)
		host.answerWith(status(404))
		r := a.refused(t, 400, "invalid_field", "POST", "/v1/posts", `{"body":"x","channelIds":["x"],"media":[{"url":"`+host.URL+`"}]}`)
		require.Equal(t, "media[0].url", r.text(t, "field"))
		require.Len(t, w.files(t), 1)
	})
}

func TestAFormThatStopsOnTheWayIsCutAndLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	path := a.path(t, a.incoming(t, `"channelIds":["`+a.channel(t, "sandbox", `{}`)+`"]`))
	body, contentType := formOf(t, formPart{"json_payload", "", `{"body":"x"}`}, formPart{"media_file", "a.png", string(picture(t)) + strings.Repeat("x", 1<<20)})
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Length: %d\r\n\r\n", path, contentType, len(body))

	conn := w.dial(t)
	_, err := io.WriteString(conn, head+body[:len(body)/2]) // and then nothing
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusRequestTimeout, response.StatusCode)
	require.True(t, response.Close)

	gone := w.dial(t)
	_, err = io.WriteString(gone, head+body[:len(body)/2])
	require.NoError(t, err)
	eventually(t, "it begins to come in", func() bool { return len(w.files(t)) == 1 })
	require.NoError(t, gone.Close())
	eventually(t, "what came is deleted", func() bool { return len(w.files(t)) == 0 })
	a.nothingStored(t)
}

func TestWhatIsLeftOfABodyIsNeverTheNextRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	rest := strings.Repeat("x", 64<<10)
	for name, head := range map[string]string{
		"an address that is not there":      "POST /hooks/nobody HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n",
		"a credential that is missing":      "POST /v1/posts HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n",
		"a method that nobody knows":        "BREW /v1/posts HTTP/1.1\r\nHost: x\r\n",
		"a method that the address has not": "PUT /hooks/nobody HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n",
		"another address":                   "POST /nowhere HTTP/1.1\r\nHost: x\r\n",
	} {
		body := rest + smuggled
		answer := w.raw(t, fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(body), body)+strings.Replace(smuggled, "smuggled", "x", 1))
		require.LessOrEqual(t, strings.Count(answer, `"status":"ok"`), 1, "%s:\n%s", name, answer)
		require.LessOrEqual(t, strings.Count(answer, "HTTP/1.1 "), 2, "%s:\n%s", name, answer)
		answer = w.raw(t, head+"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"+fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body))
		require.NotContains(t, answer, `"status":"ok"`, "%s:\n%s", name, answer)
	}
}
