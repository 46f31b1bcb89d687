package whatsappcloud_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/meta"
	"github.com/switchhook/switchhook/connectors/meta/metatest"
	"github.com/switchhook/switchhook/connectors/whatsappcloud"
	"github.com/switchhook/switchhook/internal/safehttp"
)

// The first bytes of files.
const (
	jpeg = "\xff\xd8\xff\xe0picture"
	webp = "RIFF\x10\x00\x00\x00WEBPVP8 sticker"
	mp4  = "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isomfilm"
	m4a  = "\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00M4A isomsound"
	amr  = "#!AMR\n\x3csound"
	pdf  = "%PDF-1.7 offer"
	page = "<!doctype html><html>Log in first</html>"
)

// fileHost serves files: the path's first part is the status, the second the Content-Type with "+" for "/", and the third a name.
func fileHost(t *testing.T, content string) *httptest.Server {
	t.Helper()
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Empty(t, r.Header.Get("Authorization"), "the token is Meta's alone")
		parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
		status, _ := strconv.Atoi(parts[0])
		if len(parts) > 1 && parts[1] != "-" {
			w.Header().Set("Content-Type", strings.ReplaceAll(parts[1], "+", "/"))
		}
		if r.URL.Query().Has("cut") {
			w.Header().Set("Content-Length", strconv.Itoa(len(content)+1000))
			_, _ = w.Write([]byte(content))
			panic(http.ErrAbortHandler)
		}
		if !r.URL.Query().Has("unsized") {
			w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		}
		w.WriteHeader(status)
		for rest := []byte(content); len(rest) > 0; { // in pieces: net/http itself counts what is short
			n := min(len(rest), 64<<10)
			if _, err := w.Write(rest[:n]); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			rest = rest[n:]
		}
	}))
	t.Cleanup(host.Close)
	return host
}

func uploading() connectors.Config { return connectors.Config{"mediaUpload": "upload"} }

func fileMessage(file connectors.OutMedia, text string) connectors.OutMessage {
	return connectors.OutMessage{ID: "msg_1", To: "16311112222", Text: text, Media: []connectors.OutMedia{file}}
}

// here is a file that lies on this server. Its address leads nowhere.
type here struct{ *strings.Reader }

func (here) Close() error { return nil }

func TestAFileOfThisServerIsUploadedOnAnyChannel(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	file := connectors.OutMedia{
		URL: "https://127.0.0.1:1/media/x", ContentType: "image/jpeg", FileName: "a.jpg",
		Open: func() (io.ReadSeekCloser, error) { return here{strings.NewReader(jpeg)}, nil },
	}
	sender := open(t, meta.Options{BaseURL: fake.URL}, connectors.Config{"mediaUpload": "link"}).(connectors.Sender)
	_, err := sender.Send(t.Context(), fileMessage(file, "Cat"))
	require.NoError(t, err)
	require.Len(t, fake.Uploads(), 1)
	require.Equal(t, jpeg, string(fake.Uploads()[0].Content))
	require.Positive(t, fake.Uploads()[0].Length, "its size is known")
	file.Open = func() (io.ReadSeekCloser, error) { return nil, errors.New("gone") }
	_, err = sender.Send(t.Context(), fileMessage(file, "Cat"))
	require.Equal(t, connectors.KindRetryable, connectors.AsError(err).Kind)
	require.Len(t, fake.Uploads(), 1)
}

func TestFilesAreUploadedWhereTheChannelWantsItOrTheLinkIsNone(t *testing.T) {
	t.Parallel()
	header := func(kind, link string) connectors.OutMessage {
		return connectors.OutMessage{ID: "msg_1", To: "16311112222", Template: &connectors.Template{
			Name: "order_sent", Variables: map[string]string{"header." + kind: link, "1": "Ann"},
		}}
	}
	for name, test := range map[string]struct {
		content, path, declared, fileName, text string
		template                                string
		change                                  connectors.Config
		as, want                                string
	}{
		"a picture with a caption":   {content: jpeg, path: "/200/-/a", declared: "image/jpeg", text: "Cat", as: "image/jpeg", want: `"image":{"id":"media1","caption":"Cat"}`},
		"a picture said to be a png": {content: jpeg, path: "/200/image+png/a.png", as: "image/jpeg", want: `"image":{"id":"media1"}`},
		"a picture of no known type": {content: jpeg, path: "/200/image+jpeg/a", as: "image/jpeg", want: `"image":{"id":"media1"}`},
		"a picture of no told type":  {content: jpeg, path: "/200/application+octet-stream/a", as: "image/jpeg", want: `"image":{"id":"media1"}`},
		"a picture of unknown size":  {content: jpeg, path: "/200/-/a.jpg?unsized", as: "image/jpeg", want: `"image":{"id":"media1"}`},
		"a film":                     {content: mp4, path: "/200/-/a.mp4", as: "video/mp4", want: `"video":{"id":"media1"}`},
		"a long film":                {content: mp4 + strings.Repeat("x", 12<<20), path: "/200/-/a.mp4?unsized", as: "video/mp4", want: `"video":{"id":"media1"}`},
		"a sound in mp4":             {content: m4a, path: "/200/-/a", declared: "audio/mp4", as: "audio/mp4", want: `"audio":{"id":"media1"}`},
		"a sound in amr":             {content: amr, path: "/200/-/a.amr", as: "audio/amr", want: `"audio":{"id":"media1"}`},
		"a sticker":                  {content: webp, path: "/200/-/a.webp", as: "image/webp", want: `"sticker":{"id":"media1"}`},
		"a document":                 {content: pdf, path: "/200/-/1", declared: "application/pdf", fileName: "Offer.pdf", as: "application/pdf", want: `"document":{"id":"media1","filename":"Offer.pdf"}`},
		"a table":                    {content: "a;b\n", path: "/200/-/a.csv", declared: "text/csv; charset=utf-8", as: "text/csv", want: `"document":{"id":"media1","filename":"a.csv"}`},
		"a template's picture":       {content: jpeg, path: "/200/-/a", template: "image", as: "image/jpeg", want: `"image":{"id":"media1"}`},
		"a template's film":          {content: mp4, path: "/200/binary+octet-stream/a", template: "video", as: "video/mp4", want: `"video":{"id":"media1"}`},
		"a template's document":      {content: pdf, path: "/200/application+pdf/a", template: "document", as: "application/pdf", want: `"document":{"id":"media1"}`},
		"plain http on any channel":  {content: jpeg, path: "/200/-/a.jpg", change: connectors.Config{"mediaUpload": "link"}, as: "image/jpeg", want: `"image":{"id":"media1"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, host := newFake(t), fileHost(t, test.content)
			change := test.change
			if change == nil {
				change = uploading()
			}
			message := fileMessage(connectors.OutMedia{URL: host.URL + test.path, ContentType: test.declared, FileName: test.fileName}, test.text)
			if test.template != "" {
				message = header(test.template, host.URL+test.path)
			}
			receipt, err := open(t, meta.Options{BaseURL: fake.URL}, change).(connectors.Sender).Send(t.Context(), message)
			require.NoError(t, err)
			require.Equal(t, connectors.Receipt{ProviderID: "wamid.1", Status: connectors.StatusSent}, receipt)
			require.Len(t, fake.Uploads(), 1)
			upload := fake.Uploads()[0]
			require.Equal(t, "/"+numberID+"/media", upload.Path)
			require.Equal(t, test.as, upload.Type)
			require.Equal(t, test.as, upload.Part)
			require.True(t, bytes.Equal([]byte(test.content), upload.Content), "%d bytes", len(upload.Content))
			require.Equal(t, strings.Contains(test.path, "unsized"), upload.Length == -1, "a size that is known is told")
			require.Len(t, fake.Posted("/"+numberID+"/messages"), 1)
			sent, err := json.Marshal(fake.Posted("/" + numberID + "/messages")[0])
			require.NoError(t, err)
			require.NotContains(t, string(sent), host.URL)
			if test.template == "" {
				var want map[string]any
				require.NoError(t, json.Unmarshal([]byte("{"+test.want+"}"), &want))
				require.Subset(t, fake.Posted("/" + numberID + "/messages")[0], want)
			} else {
				require.Contains(t, string(sent), test.want)
			}
		})
	}
}

func TestAFileThatCannotBeHadIsNotSent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		content, path, declared, text string
		kind                          connectors.Kind
		code, field                   string
	}{
		"nothing is there":         {"", "/404/-/a.jpg", "", "", connectors.KindRejected, "media_unavailable", "media"},
		"its host wants a login":   {"", "/401/-/a.jpg", "", "", connectors.KindRejected, "media_unavailable", "media"},
		"its host refuses":         {"", "/403/-/a.jpg", "", "", connectors.KindRejected, "media_unavailable", "media"},
		"its host is down":         {"", "/503/-/a.jpg", "", "", connectors.KindRetryable, "provider_unavailable", ""},
		"its host is busy":         {"", "/429/-/a.jpg", "", "", connectors.KindRetryable, "provider_unavailable", ""},
		"its host breaks off":      {mp4 + strings.Repeat("x", 1<<20), "/200/-/a.mp4?cut", "", "", connectors.KindRetryable, "provider_unavailable", ""},
		"its host breaks off soon": {mp4, "/200/-/a.mp4?cut", "", "", connectors.KindRetryable, "provider_unavailable", ""},
		"a page in place of a jpg": {page, "/200/-/a.jpg", "", "", connectors.KindRejected, connectors.CodeInvalidContent, "media"},
		"a page in place of a pdf": {page, "/200/-/a", "application/pdf", "", connectors.KindRejected, connectors.CodeInvalidContent, "media"},
		"a page in place of a doc": {page, "/200/-/a.docx", "application/msword", "", connectors.KindRejected, connectors.CodeInvalidContent, "media"},
		"a page in place of a mp4": {page, "/200/-/a.mp4", "", "", connectors.KindRejected, connectors.CodeInvalidContent, "media"},
		"a jpg in place of an mp3": {jpeg, "/200/-/a.mp3", "", "", connectors.KindRejected, connectors.CodeInvalidContent, "media"},
		"a text that is no pdf":    {"hello", "/200/-/a", "application/pdf", "", connectors.KindRejected, connectors.CodeInvalidContent, "media"},
		"a picture too large":      {jpeg + strings.Repeat("x", 5<<20), "/200/-/a.jpg", "", "", connectors.KindRejected, connectors.CodeInvalidContent, "media"},
		"too large, size not told": {jpeg + strings.Repeat("x", 5<<20), "/200/-/a.jpg?unsized", "", "", connectors.KindRejected, connectors.CodeInvalidContent, "media"},
		"a sound with a text":      {m4a, "/200/audio+mp4/a", "", "Listen", connectors.KindRejected, connectors.CodeInvalidContent, "text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, host := newFake(t), fileHost(t, test.content)
			sender := open(t, meta.Options{BaseURL: fake.URL}, uploading()).(connectors.Sender)
			_, err := sender.Send(t.Context(), fileMessage(connectors.OutMedia{URL: host.URL + test.path + "#hidden", ContentType: test.declared}, test.text))
			failed := connectors.AsError(err)
			require.Equal(t, []any{test.kind, test.code, test.field}, []any{failed.Kind, failed.Code, failed.Field}, err.Error())
			require.NotContains(t, err.Error(), host.URL)
			require.Empty(t, fake.Uploads())
			require.Empty(t, fake.Posted("/"+numberID+"/messages"))
		})
	}
}

func TestAnUploadThatFailsSendsNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		trouble metatest.Trouble
		kind    connectors.Kind
	}{
		"a file that Meta refuses":         {metatest.Trouble{Status: 400, Code: 100}, connectors.KindRejected},
		"a token that does not work":       {metatest.Trouble{Status: 401, Code: 190}, connectors.KindUnlinked},
		"too many":                         {metatest.Trouble{Status: 400, Code: 80007}, connectors.KindRateLimited},
		"media trouble of Meta's":          {metatest.Trouble{Status: 500, Code: 131053}, connectors.KindRetryable},
		"a gateway":                        {metatest.Trouble{Status: 502}, connectors.KindRetryable},
		"a line that is cut":               {metatest.Trouble{Cut: true}, connectors.KindRetryable},
		"an answer that cannot be read":    {metatest.Trouble{BrokenBody: true}, connectors.KindRetryable},
		"no answer within the time for it": {metatest.Trouble{Delay: time.Hour}, connectors.KindRetryable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, host := newFake(t), fileHost(t, jpeg)
			sender := open(t, meta.Options{BaseURL: fake.URL}, uploading()).(connectors.Sender)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			arrived := fake.TroubleNext(test.trouble)
			if test.trouble.Delay > 0 {
				go func() { <-arrived; cancel() }()
			}
			_, err := sender.Send(ctx, fileMessage(connectors.OutMedia{URL: host.URL + "/200/-/a.jpg"}, ""))
			require.Equal(t, test.kind, connectors.AsError(err).Kind, err)
			require.Equal(t, 1, fake.Count(), "nothing but the upload")

			_, err = sender.Send(t.Context(), fileMessage(connectors.OutMedia{URL: host.URL + "/200/-/a.jpg"}, ""))
			require.NoError(t, err)
			require.Len(t, fake.Posted("/"+numberID+"/messages"), 1)
		})
	}
}

func TestAFilesLinkReachesNoHostOnlyBecauseTheOperatorTrustsIt(t *testing.T) {
	t.Parallel()
	fake, inside := newFake(t), fileHost(t, jpeg)
	door, err := safehttp.New(safehttp.Options{Trusted: []string{fake.URL, inside.URL}, Timeout: 10 * time.Second, UserAgent: "test"})
	require.NoError(t, err)
	t.Cleanup(door.Close)
	settings := config()
	settings["mediaUpload"] = "upload"
	conn, err := whatsappcloud.New(meta.Options{BaseURL: fake.URL}).Open(
		connectors.Channel{ID: "chan_1", Address: address, Config: settings},
		connectors.Host{HTTP: door.HTTP(), Public: door.PublicHTTP(), Now: time.Now},
	)
	require.NoError(t, err)
	_, err = conn.(connectors.Sender).Send(t.Context(), connectors.OutMessage{ID: "msg_1", To: "16311112222", Text: "Hi"})
	require.NoError(t, err, "the API itself is trusted")
	for _, link := range []string{inside.URL + "/200/-/a.jpg", fake.URL + "/v25.0/me", strings.Replace(inside.URL, "http:", "https:", 1) + "/a.jpg", "http://localhost/a.jpg"} {
		_, err = conn.(connectors.Sender).Send(t.Context(), fileMessage(connectors.OutMedia{URL: link, ContentType: "image/jpeg"}, ""))
		failed := connectors.AsError(err)
		require.Equal(t, []any{connectors.KindRejected, "media_unavailable", "media"}, []any{failed.Kind, failed.Code, failed.Field}, link)
	}
	require.Equal(t, 1, fake.Count())
	opened, err := safehttp.New(safehttp.Options{
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Trusted: []string{fake.URL}, Timeout: 10 * time.Second, UserAgent: "test",
	})
	require.NoError(t, err)
	t.Cleanup(opened.Close)
	conn, err = whatsappcloud.New(meta.Options{BaseURL: fake.URL}).Open(
		connectors.Channel{ID: "chan_1", Address: address, Config: settings},
		connectors.Host{HTTP: opened.HTTP(), Public: opened.PublicHTTP(), Now: time.Now},
	)
	require.NoError(t, err)
	_, err = conn.(connectors.Sender).Send(t.Context(), fileMessage(connectors.OutMedia{URL: inside.URL + "/200/-/a.jpg"}, ""))
	require.NoError(t, err, "the operator has opened the network")
	require.Len(t, fake.Uploads(), 1)
}
