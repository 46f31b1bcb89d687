package media_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/media"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

func TestAFileOfAMessageIsWhatItsBytesShowOrElseItsName(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, c := range map[string]struct{ content, given, contentType, called string }{
		"a picture by another name": {png, "cat.pdf", "image/png", "cat.png"},
		"a document":                {"%PDF-1.7\n", "offer", "application/pdf", "offer.pdf"},
		"a table":                   {"a;b\nc;d\n", "Zahlen ä.csv", "text/csv", "Zahlen ä.csv"},
		"a text":                    {"hello", "notes.log", "text/plain", "notes.log"},
		"bytes":                     {"\x00\x01\x02", "a.bin", "application/octet-stream", "a.bin"},
		"a page":                    {"<!DOCTYPE html><html>", "../../page.html", "text/html", "page.html"},
	} {
		u := upload(c.content)
		u.Any, u.FileName = true, c.given
		m, _, err := f.Store(t.Context(), u)
		require.NoError(t, err, name)
		require.Equal(t, c.contentType, m.ContentType, name)
		require.Equal(t, c.called, m.FileName, name)
	}
	u := upload("")
	u.Any = true
	_, _, err := f.Store(t.Context(), u)
	problemOf(t, err, problem.InvalidField)
}

func TestNamesTellTypes(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.JPG": "image/jpeg", "/x/y.mp4": "video/mp4", "v.opus": "audio/ogg", "r.pdf": "application/pdf", "a": "", "": "", ".": "", "a.exe": "", "a.html": "",
	} {
		require.Equal(t, want, media.TypeByName(name), name)
	}
}

func TestAHostIsAskedWhatItsFileIs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, c := range map[string]struct{ told, content, want string }{
		"its header":            {"image/webp; q=1", "x", "image/webp"},
		"its bytes":             {"application/octet-stream", png, "image/png"},
		"neither":               {"text/plain", "hello", ""},
		"a page":                {"text/html", "<html>", ""},
		"a header that is none": {"///", png, "image/png"},
	} {
		f.provide(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", c.told)
			fmt.Fprint(w, c.content)
		})
		require.Equal(t, c.want, f.TypeAt(t.Context(), f.provider.URL), name)
	}
	f.provide(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	require.Empty(t, f.TypeAt(t.Context(), f.provider.URL))
	require.Empty(t, f.TypeAt(t.Context(), "nonsense"))
}

func TestFilesOfAMessageStayUnlessItHasFailedAndGoWithTheRetention(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	at := time.UnixMilli(f.now.Load())
	kept := func(messageID string, status store.MessageStatus) string {
		m, _, err := f.Store(t.Context(), upload(png))
		require.NoError(t, err)
		require.NoError(t, f.store.InsertMessage(t.Context(), &store.Message{
			ID: messageID, AccountID: "acct_a", ChannelID: f.sandbox, Direction: store.Outbound, Type: "image", Content: `{"files":["` + m.ID + `"]}`, Status: status, CreatedAt: at, UpdatedAt: at,
		}))
		require.NoError(t, f.store.AttachMedia(t.Context(), "acct_a", []string{m.ID}, messageID))
		return m.ID
	}
	sent, failed, doubtful := kept("msg_1", store.MessageSent), kept("msg_2", store.MessageFailed), kept("msg_3", store.MessageUnconfirmed)
	other, _, err := f.Store(t.Context(), upload(png))
	require.NoError(t, err)
	nobodys, _, err := f.Store(t.Context(), upload(png))
	require.NoError(t, err)
	require.NoError(t, f.store.AttachMedia(t.Context(), "acct_a", []string{other.ID}, "msg_1"))
	require.NoError(t, f.store.AttachMedia(t.Context(), "acct_a", []string{nobodys.ID}, "msg_9"))
	require.NoError(t, f.Discard(t.Context(), "acct_a", []string{sent, failed, doubtful, other.ID, nobodys.ID}))
	require.ElementsMatch(t, []string{sent, doubtful}, f.files(t))

	f.advance(48 * time.Hour)
	n, err := f.PurgeAny(t.Context(), time.UnixMilli(f.now.Load()).Add(-72*time.Hour), 10)
	require.NoError(t, err)
	require.Zero(t, n, "a day is for files of nobody")
	n, err = f.PurgeAny(t.Context(), time.UnixMilli(f.now.Load()).Add(-24*time.Hour), 10)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Empty(t, strings.Join(f.files(t), " "))
}
