package whatsapp

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
	"github.com/switchhook/switchhook/internal/safehttp"
)

// picture is a PNG of 3 by 2 pixels.
func picture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 3, 2))))
	return b.Bytes()
}

// oggPage is the head of an Ogg page with its granule.
func oggPage(granule ...byte) string {
	return "OggS\x00\x02" + string(granule) + strings.Repeat("\x00", 8-len(granule)) + strings.Repeat("\x00", 13)
}

// recording is the beginning and the end of a voice message of 3 seconds, as far as we look.
func recording() []byte {
	return []byte(oggPage() + "\x13OpusHead\x01" + strings.Repeat("\x00", 100) + oggPage(0x80, 0x32, 0x02))
}

// webP is a moving sticker of 512 by 256, as far as its header.
func webP() []byte {
	return []byte("RIFF\x20\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00\xff\x01\x00\xff\x00\x00ANIM")
}

func film() []byte {
	return []byte("\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + strings.Repeat("x", 50))
}

// files serves files by their path.
func files(t *testing.T, content map[string][]byte) string {
	t.Helper()
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := content[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write(body)
	}))
	t.Cleanup(host.Close)
	return host.URL
}

// here is a file that lies on this server. Its address leads nowhere.
type here struct{ *bytes.Reader }

func (here) Close() error { return nil }

func TestAFileOfThisServerIsNotFetched(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(o *outboundOptions) { o.Typing = true })
	file := connectors.OutMedia{URL: "https://127.0.0.1:1/media/x", Open: func() (io.ReadSeekCloser, error) { return here{bytes.NewReader(picture(t))}, nil }}
	got := d.sends(t, connectors.OutMessage{To: d.contact.Number(), Text: "Look", Media: []connectors.OutMedia{file}})
	opened, err := d.server.OpenMedia(got.Message.GetImageMessage())
	require.NoError(t, err)
	require.Equal(t, picture(t), opened)
	file.Open = func() (io.ReadSeekCloser, error) { return nil, errors.New("gone") }
	failed := d.fails(t, connectors.OutMessage{To: d.contact.Number(), Media: []connectors.OutMedia{file}})
	require.Equal(t, connectors.KindRetryable, failed.Kind)
}

func TestFilesAreUploadedAndSentAsWhatTheyAre(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(o *outboundOptions) { o.Typing = true })
	pdf := []byte("%PDF-1.7\n" + strings.Repeat("x", 100<<10)) // encrypted in several pieces
	host := files(t, map[string][]byte{
		"/p.png": picture(t), "/film.mp4": film(), "/voice": recording(), "/song.mp3": []byte("\xff\xfb\x90\x64xxxxxxxx"), "/s.webp": webP(), "/a/offer.pdf": pdf,
	})
	send := func(path, caption string) watest.Message {
		return d.sends(t, connectors.OutMessage{To: d.contact.Number(), Text: caption, Media: []connectors.OutMedia{{URL: host + path}}})
	}
	opens := func(message whatsmeow.DownloadableMessage, want []byte) {
		got, err := d.server.OpenMedia(message)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}

	picked := send("/p.png", "look").Message.GetImageMessage()
	opens(picked, picture(t))
	require.Equal(t, "image/png", picked.GetMimetype())
	require.Equal(t, "look", picked.GetCaption())
	require.EqualValues(t, 3, picked.GetWidth())
	require.EqualValues(t, 2, picked.GetHeight())
	require.EqualValues(t, len(picture(t)), picked.GetFileLength())
	require.NotEmpty(t, picked.GetURL())

	filmed := send("/film.mp4", "").Message.GetVideoMessage()
	opens(filmed, film())
	require.Nil(t, filmed.Caption)

	require.Empty(t, d.sinceStart(), "nobody types a file")
	voice := send("/voice", "").Message.GetAudioMessage()
	opens(voice, recording())
	require.True(t, voice.GetPTT())
	require.EqualValues(t, 3, voice.GetSeconds())
	require.Equal(t, "audio/ogg; codecs=opus", voice.GetMimetype())
	typed, err := d.contact.WaitTyping(soon(t), "composing")
	require.NoError(t, err)
	require.EqualValues(t, "audio", typed.Media)
	require.Len(t, d.sinceStart(), 1)

	song := send("/song.mp3", "").Message.GetAudioMessage()
	require.False(t, song.GetPTT())
	require.Equal(t, "audio/mpeg", song.GetMimetype())

	sticker := send("/s.webp", "").Message.GetStickerMessage()
	opens(sticker, webP())
	require.EqualValues(t, 512, sticker.GetWidth())
	require.EqualValues(t, 256, sticker.GetHeight())
	require.True(t, sticker.GetIsAnimated())

	plain := send("/a/offer.pdf", "").Message.GetDocumentMessage()
	opens(plain, pdf)
	require.Equal(t, "offer.pdf", plain.GetFileName())
	require.Equal(t, "application/pdf", plain.GetMimetype())
	titled := send("/a/offer.pdf", "our offer").Message.GetDocumentWithCaptionMessage().GetMessage().GetDocumentMessage()
	opens(titled, pdf)
	require.Equal(t, "our offer", titled.GetCaption())
}

func TestAFileThatAnswersAMessageQuotesIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	host := files(t, map[string][]byte{"/p.png": picture(t)})
	got := d.sends(t, connectors.OutMessage{To: d.contact.Number(), ReplyTo: "EARLIER", Media: []connectors.OutMedia{{URL: host + "/p.png"}}})
	require.Equal(t, "EARLIER", got.Message.GetImageMessage().GetContextInfo().GetStanzaID())
}

func TestAFileThatCannotGoOutIsNamed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(o *outboundOptions) { o.Info.Limits.MediaBytes = 8 << 10 })
	host := files(t, map[string][]byte{
		"/empty": nil, "/tool.exe": []byte("MZ\x90\x00" + strings.Repeat("x", 100)), "/tool": []byte("\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 100)),
		"/big.pdf": []byte("%PDF-1.7\n" + strings.Repeat("x", 8<<10)), "/voice": recording(), "/song": []byte("\xff\xfb\x90\x64xxxxxxxx"), "/p.png": picture(t),
	})
	rejected := map[string]struct{ path, text, code, field string }{
		"an empty file":      {"/empty", "", connectors.CodeInvalidContent, "media"},
		"a program":          {"/tool.exe", "", connectors.CodeInvalidContent, "media"},
		"another program":    {"/tool", "", connectors.CodeInvalidContent, "media"},
		"too large":          {"/big.pdf", "", connectors.CodeInvalidContent, "media"},
		"voice with text":    {"/voice", "x", connectors.CodeInvalidContent, "text"},
		"song with text":     {"/song", "x", connectors.CodeInvalidContent, "text"},
		"not there":          {"/nowhere", "", codeMedia, "media"},
		"no address of ours": {"@::", "", codeMedia, "media"},
	}
	for name, c := range rejected {
		got := d.fails(t, connectors.OutMessage{To: d.contact.Number(), Text: c.text, Media: []connectors.OutMedia{{URL: host + c.path}}})
		require.Equal(t, connectors.KindRejected, got.Kind, name)
		require.Equal(t, c.code, got.Code, name)
		require.Equal(t, c.field, got.Field, name)
	}

	for status, kind := range map[int]connectors.Kind{500: connectors.KindRetryable, 401: connectors.KindRetryable, 413: connectors.KindRejected} {
		d.server.Switch(func(w *watest.Switches) { w.UploadStatus = status })
		got := d.fails(t, connectors.OutMessage{To: d.contact.Number(), Media: []connectors.OutMedia{{URL: host + "/p.png"}}})
		require.Equal(t, kind, got.Kind, status)
		require.Equal(t, "media", got.Field, status)
	}
}

func TestAFileThatBreaksOffIsTriedAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000000")
		_, _ = w.Write([]byte("%PDF-1.7\n"))
		if r.URL.Path == "/later" {
			_, _ = w.Write(bytes.Repeat([]byte("x"), 10<<10))
		}
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(host.Close)
	for _, path := range []string{"/", "/later"} {
		got := d.fails(t, connectors.OutMessage{To: d.contact.Number(), Media: []connectors.OutMedia{{URL: host.URL + path}}})
		require.Equal(t, connectors.KindRetryable, got.Kind, path)
	}
}

func TestFilesComeThroughTheGuardedDoor(t *testing.T) {
	t.Parallel()
	guarded, err := safehttp.New(safehttp.Options{Timeout: sendLimit, UserAgent: "test"})
	require.NoError(t, err)
	t.Cleanup(guarded.Close)
	d := newDesk(t, func(o *outboundOptions) { o.Public = guarded.PublicHTTP() })
	host := files(t, map[string][]byte{"/p.png": picture(t)})
	for _, address := range []string{host + "/p.png", strings.Replace(host, "http:", "https:", 1) + "/p.png", "file:///etc/passwd"} {
		got := d.fails(t, connectors.OutMessage{To: d.contact.Number(), Media: []connectors.OutMedia{{URL: address}}})
		require.Equal(t, connectors.KindRejected, got.Kind, address)
		require.Equal(t, codeMedia, got.Code, address)
		require.Equal(t, "media", got.Field, address)
	}
}

func TestTheLengthOfARecordingStandsOnItsLastPage(t *testing.T) {
	t.Parallel()
	require.EqualValues(t, 3, opusSeconds(recording()))
	require.EqualValues(t, 1, opusSeconds([]byte(oggPage(1))), "rounded up")
	require.Zero(t, opusSeconds([]byte(oggPage(255, 255, 255, 255, 255, 255, 255, 255))), "no packet ends there")
	require.Zero(t, opusSeconds([]byte(oggPage(0, 0, 0, 0, 0, 0, 1))), "longer than a day")
	require.Zero(t, opusSeconds([]byte("OggS\x00\x04\x01")))
}

func TestFilesAreClassifiedByTheirBytes(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		head           string
		media          connectors.OutMedia
		told           string
		caption        bool
		kind           fileKind
		shownAs, named string
	}{
		"jpeg":                      {"\xff\xd8\xff\xe0\x00\x10JFIF", connectors.OutMedia{}, "", true, kindImage, "image/jpeg", "file"},
		"a webp with text":          {string(webP()), connectors.OutMedia{FileName: "s.webp"}, "", true, kindDocument, "image/webp", "s.webp"},
		"gif":                       {"GIF89a", connectors.OutMedia{URL: "https://h/a/fun.gif?x=1"}, "", false, kindDocument, "image/gif", "fun.gif"},
		"m4a":                       {"\x00\x00\x00\x20ftypM4A \x00\x00\x02\x00", connectors.OutMedia{}, "", false, kindAudio, "audio/x-m4a", "file"},
		"flac":                      {"fLaC\x00\x00\x00\x22", connectors.OutMedia{}, "", false, kindDocument, "audio/flac", "file.flac"},
		"ogg without opus":          {oggPage() + "\x1e\x01vorbis\x00\x00\x00\x00", connectors.OutMedia{}, "", false, kindDocument, "audio/ogg", "file.oga"},
		"csv by its declared type":  {"a;b\n1;2\n", connectors.OutMedia{ContentType: "text/csv; charset=utf-8"}, "", false, kindDocument, "text/csv", "file.csv"},
		"json by its name":          {"hello", connectors.OutMedia{FileName: "x.json"}, "text/html", false, kindDocument, "application/json", "x.json"},
		"by what the host tells":    {"hello", connectors.OutMedia{}, "text/html", false, kindDocument, "text/html", "file.html"},
		"pdf whatever is declared":  {"%PDF-1.7\n", connectors.OutMedia{ContentType: "image/png"}, "", false, kindDocument, "application/pdf", "file.pdf"},
		"a declaration of nonsense": {"\x00\x01\x02", connectors.OutMedia{ContentType: ";;;"}, "", false, kindDocument, "application/octet-stream", "file"},
	}
	for name, c := range cases {
		f := &file{name: fileName(c.media)}
		require.NoError(t, f.classify([]byte(c.head), c.media.ContentType, c.told, c.caption), name)
		require.Equal(t, c.kind, f.kind, name)
		require.Equal(t, c.shownAs, f.contentType, name)
		require.Equal(t, c.named, f.name, name)
	}
}

func TestFileNamesAreHarmless(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 200) + ".pdf"
	cases := map[string]connectors.OutMedia{
		"offer.pdf":          {FileName: `C:\home\offer.pdf`},
		"passwd":             {FileName: "../../etc/passwd"},
		"a b.txt":            {FileName: "a\nb.txt"},
		"file":               {FileName: ".."},
		"x y.pdf":            {URL: "https://host/a/x%20y.pdf?token=1"},
		long[len(long)-200:]: {FileName: long},
	}
	for want, media := range cases {
		require.Equal(t, want, fileName(media))
	}
	require.Equal(t, "file", fileName(connectors.OutMedia{URL: "https://host"}))
}

func TestNoTemporaryFileStays(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	d := newDesk(t, nil)
	host := files(t, map[string][]byte{"/p.png": picture(t), "/big.png": append(picture(t), make([]byte, maxPicture)...)})
	d.sends(t, connectors.OutMessage{To: d.contact.Number(), Media: []connectors.OutMedia{{URL: host + "/p.png"}}})
	d.fails(t, connectors.OutMessage{To: d.contact.Number(), Media: []connectors.OutMedia{{URL: host + "/big.png"}}})
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestAWebPTellsItsSizeInEachOfItsForms(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		head          string
		width, height uint32
	}{
		"lossless": {"RIFF\x00\x00\x00\x00WEBPVP8L\x00\x00\x00\x00\x2f\xff\x81\x7f\x00" + strings.Repeat("\x00", 10), 0x200, 0x1ff},
		"lossy":    {"RIFF\x00\x00\x00\x00WEBPVP8 \x00\x00\x00\x00\x00\x00\x00\x9d\x01\x2a\x00\x02\x00\x01", 0x200, 0x100},
		"other":    {"RIFF\x00\x00\x00\x00WEBPABCD" + strings.Repeat("\x00", 20), 0, 0},
		"short":    {"RIFF", 0, 0},
	}
	for name, c := range cases {
		width, height, animated := webPSize([]byte(c.head))
		require.Equal(t, c.width, width, name)
		require.Equal(t, c.height, height, name)
		require.False(t, animated, name)
	}
}

func FuzzFile(f *testing.F) {
	for _, seed := range [][]byte{webP(), recording(), film(), []byte("OggS\x00"), []byte("%PDF"), []byte("PK\x03\x04"), {}} {
		f.Add(seed, "name.pdf", "text/csv")
	}
	f.Fuzz(func(t *testing.T, head []byte, name, declared string) {
		opusSeconds(head)
		webPSize(head)
		shown := &file{name: fileName(connectors.OutMedia{FileName: name})}
		if err := shown.classify(head, declared, declared, false); err != nil {
			require.Equal(t, connectors.KindRejected, connectors.AsError(err).Kind)
			return
		}
		require.NotEmpty(t, shown.kind)
		require.NotEmpty(t, shown.contentType)
		require.NotEmpty(t, shown.name)
		require.NotContains(t, shown.name, "/")
	})
}

func FuzzVCard(f *testing.F) {
	f.Add("Jane", "+49 170 0000002")
	f.Add("a\r\nEND:VCARD\u2028\\;,", "1")
	f.Fuzz(func(t *testing.T, name, phone string) {
		lines := strings.FieldsFunc(vcard(&connectors.Card{Name: name, Phone: phone}), func(r rune) bool { return strings.ContainsRune("\r\n\u2028\u2029\u0085", r) })
		require.Len(t, lines, 6, "a name adds no line")
	})
}
