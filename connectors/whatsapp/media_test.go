package whatsapp

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/util/cbcutil"
	"google.golang.org/protobuf/proto"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
)

// sealedFile is a file as a phone encrypts it, and the answer of a server that holds it.
type sealedFile struct {
	reference reference
	blob      []byte
}

func sealFile(t testing.TB, plain []byte) sealedFile {
	t.Helper()
	server, err := watest.New(watest.Options{})
	require.NoError(t, err)
	defer server.Close()
	media, err := server.MakeMedia(whatsmeow.MediaDocument, plain)
	require.NoError(t, err)
	answer, err := server.HTTPClient().Get(media.URL)
	require.NoError(t, err)
	defer answer.Body.Close()
	blob, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return sealedFile{reference{Path: media.DirectPath, Key: media.MediaKey, EncHash: media.FileEncSHA256, Hash: media.FileSHA256, Kind: "document"}, blob}
}

func (s sealedFile) read(t testing.TB, body io.Reader) ([]byte, error) {
	t.Helper()
	plain, err := s.reference.open(body)
	require.NoError(t, err)
	return io.ReadAll(plain)
}

func TestFilesOfEverySizeAreDecryptedWhileTheyAreRead(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 15, 16, 17, 31, 32, 100, chunkLength - 1, chunkLength, chunkLength + 1, chunkLength + tailLength, 3*chunkLength + 5, 1 << 20} {
		plain := bytes.Repeat([]byte("0123456789abcdefghi"), size/19+1)[:size]
		sealed := sealFile(t, plain)
		for name, body := range map[string]io.Reader{
			"at once": bytes.NewReader(sealed.blob), "with the end": iotest.DataErrReader(bytes.NewReader(sealed.blob)),
			"by halves": iotest.HalfReader(bytes.NewReader(sealed.blob)),
		} {
			got, err := sealed.read(t, body)
			require.NoError(t, err, "%d bytes %s", size, name)
			require.True(t, bytes.Equal(plain, got), "%d bytes %s", size, name)
		}
		reader, err := sealed.reference.open(bytes.NewReader(sealed.blob))
		require.NoError(t, err)
		n, err := reader.Read(nil)
		require.NoError(t, err)
		require.Zero(t, n)
		if size <= 100 {
			got, err := io.ReadAll(iotest.OneByteReader(reader))
			require.NoError(t, err)
			require.True(t, bytes.Equal(plain, got))
		}
	}
}

func TestAFileThatIsNotAsItsSenderSaidEndsInAnError(t *testing.T) {
	t.Parallel()
	plain := bytes.Repeat([]byte("x"), chunkLength+100)
	for name, spoil := range map[string]func(*sealedFile){
		"first byte":    func(s *sealedFile) { s.blob[0] ^= 1 },
		"padding":       func(s *sealedFile) { s.blob[len(s.blob)-macLength-1] ^= 1 },
		"code":          func(s *sealedFile) { s.blob[len(s.blob)-1] ^= 1 },
		"cut by a byte": func(s *sealedFile) { s.blob = s.blob[:len(s.blob)-1] },
		"cut by a block": func(s *sealedFile) {
			s.blob = append(s.blob[:len(s.blob)-macLength-16], s.blob[len(s.blob)-macLength:]...)
		},
		"longer":   func(s *sealedFile) { s.blob = append(s.blob, make([]byte, 16)...) },
		"no block": func(s *sealedFile) { s.blob = s.blob[:macLength] },
		"nothing":  func(s *sealedFile) { s.blob = nil },
		"hash":     func(s *sealedFile) { s.reference.Hash = sumOf("another") },
		"length":   func(s *sealedFile) { s.reference.Hash, s.reference.Length = nil, 3 },
		"key":      func(s *sealedFile) { s.reference.Key = bytes.Repeat([]byte{1}, keyLength) },
		"kind":     func(s *sealedFile) { s.reference.Kind = "image" },
	} {
		sealed := sealFile(t, plain)
		spoil(&sealed)
		_, err := sealed.read(t, bytes.NewReader(sealed.blob))
		var refused *connectors.Error
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, "media_unavailable", refused.Code, name)
	}
}

func TestALineThatBreaksIsNotTheEndOfAFile(t *testing.T) {
	t.Parallel()
	sealed := sealFile(t, bytes.Repeat([]byte("x"), 100))
	for _, cause := range []error{io.ErrUnexpectedEOF, errors.New("connection reset"), io.ErrNoProgress} {
		body := io.MultiReader(bytes.NewReader(sealed.blob), iotest.ErrReader(cause))
		_, err := sealed.read(t, body)
		require.ErrorIs(t, err, cause)
	}
	_, err := sealed.read(t, idle{})
	require.ErrorIs(t, err, io.ErrNoProgress)
}

// idle is a body from which nothing ever comes.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestAFileThatIsNotEncryptedIsVerifiedByItsHash(t *testing.T) {
	t.Parallel()
	post := sealedFile{reference: reference{Path: "/m1/v/t24/1", Hash: sumOf("the post"), Kind: "image"}}
	got, err := post.read(t, strings.NewReader("the post"))
	require.NoError(t, err)
	require.Equal(t, "the post", string(got))
	_, err = post.read(t, strings.NewReader("another post"))
	require.ErrorContains(t, err, "damaged")
}

func TestAFileIsFetchedFromWhatsAppsOwnServer(t *testing.T) {
	t.Parallel()
	server, err := watest.New(watest.Options{})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	media, err := server.MakeMedia(whatsmeow.MediaImage, []byte("a picture"))
	require.NoError(t, err)
	seen := make(chan string, 9)
	c := &conn{http: &http.Client{Transport: spy{server.HTTPClient().Transport, seen}}}
	picture := imagePart()
	picture.DirectPath, picture.MediaKey, picture.FileSHA256, picture.FileEncSHA256 = &media.DirectPath, media.MediaKey, media.FileSHA256, media.FileEncSHA256
	ref := inEverything().message(t.Context(), fromJane(&waE2E.Message{ImageMessage: picture})).Messages[0].Media[0]

	body, contentType, err := c.FetchMedia(t.Context(), ref)
	require.NoError(t, err)
	got, err := io.ReadAll(body)
	require.NoError(t, err)
	require.NoError(t, body.Close())
	require.Equal(t, "a picture", string(got))
	require.Equal(t, "image/jpeg", contentType)
	require.Equal(t, "https://"+mediaHost+media.DirectPath+"&hash="+base64.URLEncoding.EncodeToString(media.FileEncSHA256)+"&mms-type=image&__wa-mms=", <-seen)

	for status, kind := range map[int]connectors.Kind{
		http.StatusForbidden: connectors.KindRejected, http.StatusNotFound: connectors.KindRejected, http.StatusGone: connectors.KindRejected,
		http.StatusTooManyRequests: connectors.KindRateLimited, http.StatusServiceUnavailable: connectors.KindRetryable,
	} {
		server.Switch(func(w *watest.Switches) { w.DownloadStatus = status })
		_, _, err = c.FetchMedia(t.Context(), ref)
		var refused *connectors.Error
		require.ErrorAs(t, err, &refused)
		require.Equal(t, kind, refused.Kind, status)
		require.Equal(t, kind == connectors.KindRejected, refused.Code == "media_unavailable", status)
		require.NotContains(t, err.Error(), media.DirectPath, "the path lets anybody fetch the file")
	}
}

// spy notes the addresses that are asked for.
type spy struct {
	next http.RoundTripper
	seen chan<- string
}

func (s spy) RoundTrip(request *http.Request) (*http.Response, error) {
	select {
	case s.seen <- request.URL.String():
	default:
	}
	return s.next.RoundTrip(request)
}

func TestAPathLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"", "/", "v/1", "//evil.example/1", "/\\evil.example/1", "\\\\evil.example", "https://evil.example/1", "@evil.example/1", "/v/1@evil.example",
		"/v/../1", "/v/1#x", "/v/1 2", "/v/1\r\nHost: evil.example", "/v/é", "/v/%zz", "/v/" + strings.Repeat("1", mostLink), "/v/\x00",
	} {
		part := imagePart()
		part.DirectPath, part.URL = &path, proto.String("")
		require.Empty(t, inEverything().message(t.Context(), fromJane(&waE2E.Message{ImageMessage: part})).Messages[0].Media, "%q", path)
		raw, err := json.Marshal(reference{Path: path, Key: part.GetMediaKey(), Kind: "image"})
		require.NoError(t, err)
		_, _, err = (&conn{}).FetchMedia(t.Context(), connectors.MediaRef{URL: mediaScheme + base64.RawURLEncoding.EncodeToString(raw)})
		require.ErrorContains(t, err, "media_unavailable", "%q", path)
	}
}

func TestWhatIsNoReferenceOfOursIsRefused(t *testing.T) {
	t.Parallel()
	encode := func(r reference) string {
		raw, err := json.Marshal(r)
		require.NoError(t, err)
		return mediaScheme + base64.RawURLEncoding.EncodeToString(raw)
	}
	good := reference{Path: "/v/1", Key: make([]byte, keyLength), Kind: "image"}
	_, err := parseReference(encode(good))
	require.NoError(t, err)
	for name, change := range map[string]func(*reference){
		"short key":      func(r *reference) { r.Key = r.Key[1:] },
		"short hash":     func(r *reference) { r.Hash = []byte("x") },
		"long enc hash":  func(r *reference) { r.EncHash = make([]byte, keyLength+1) },
		"no key or hash": func(r *reference) { r.Key = nil },
		"no kind":        func(r *reference) { r.Kind = "" },
	} {
		bad := good
		change(&bad)
		_, err := parseReference(encode(bad))
		require.Error(t, err, name)
	}
	for _, text := range []string{"", "https://mmg.whatsapp.net/v/1", mediaScheme, mediaScheme + "!", mediaScheme + "e30", mediaScheme + strings.Repeat("A", maxReference+1)} {
		_, err := parseReference(text)
		require.Error(t, err, text)
	}
}

func FuzzParseReference(f *testing.F) {
	for _, name := range []string{"image", "voice note", "document", "sticker"} {
		f.Add(inEverything().message(f.Context(), inboundRows()[name]).Messages[0].Media[0].URL)
	}
	f.Add(mediaScheme + base64.RawURLEncoding.EncodeToString([]byte(`{"p":"//evil.example/1","h":"","t":"image"}`)))
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseReference(text)
		if err != nil {
			return
		}
		address, err := r.address()
		require.NoError(t, err)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		require.NoError(t, err)
		require.Equal(t, "https://"+mediaHost, request.URL.Scheme+"://"+request.URL.Host)
		require.Nil(t, request.URL.User)
	})
}

func FuzzMediaPath(f *testing.F) {
	for _, seed := range []string{"/v/1?x=1", "//evil.example", "/\\evil.example", "/v/%2e%2e/1", "/v/1?@evil.example"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		address, err := reference{Path: path, Kind: "image"}.address()
		if err != nil {
			return
		}
		require.True(t, strings.HasPrefix(address, "https://"+mediaHost+"/"), address)
	})
}

// FuzzDecrypt reads what a server could answer, and what a sender, who knows the key, could have made.
func FuzzDecrypt(f *testing.F) {
	r := reference{Path: "/v/1", Key: make([]byte, keyLength), Kind: "image"}
	keys, err := hkdf.Key(sha256.New, r.Key, nil, string(whatsmeow.MediaImage), expandedLength)
	require.NoError(f, err)
	file := []byte("a file of a few blocks, so that there is something to change")
	ciphertext, err := cbcutil.Encrypt(keys[cipherKeyAt:macKeyAt], keys[:cipherKeyAt], file)
	require.NoError(f, err)
	for _, seed := range [][]byte{nil, ciphertext, ciphertext[:20], make([]byte, 16)} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, blob []byte, authentic bool) {
		content := blob
		if authentic {
			mac := hmac.New(sha256.New, keys[macKeyAt:macKeyEnd])
			mac.Write(keys[:cipherKeyAt])
			mac.Write(blob)
			blob = append(bytes.Clone(blob), mac.Sum(nil)[:macLength]...)
		}
		plain, err := sealedFile{reference: r}.read(t, bytes.NewReader(blob))
		if err != nil {
			return
		}
		require.True(t, authentic, "nobody without the key can make a file")
		require.Less(t, len(plain), len(content))
		require.GreaterOrEqual(t, len(plain), len(content)-16)
		if bytes.Equal(content, ciphertext) {
			require.Equal(t, file, plain)
		}
	})
}

func BenchmarkDecrypt(b *testing.B) {
	sealed := sealFile(b, make([]byte, 1<<20))
	b.SetBytes(1 << 20)
	b.ReportAllocs()
	for b.Loop() {
		plain, err := sealed.reference.open(bytes.NewReader(sealed.blob))
		require.NoError(b, err)
		_, err = io.Copy(io.Discard, plain)
		require.NoError(b, err)
	}
}
