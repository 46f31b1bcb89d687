package whatsapp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // image.DecodeConfig reads a picture's size from its header
	_ "image/png"  // the same
	"io"
	"mime"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
	"github.com/switchhook/switchhook/internal/safehttp"
)

// fileKind is how WhatsApp shows a file.
type fileKind string

const (
	kindImage    fileKind = "image"
	kindVideo    fileKind = "video"
	kindAudio    fileKind = "audio"
	kindVoice    fileKind = "voice"
	kindSticker  fileKind = "sticker"
	kindDocument fileKind = "document"
)

// Largest files, in bytes. WhatsApp's apps take documents of up to 2 GB, and films of some 64 MB without cutting their quality; what it
// allows has changed often. 100 MiB is what its business platform takes as a document, and what one message may cost a server of ours.
const (
	maxDocument = 100 << 20
	maxFilm     = 64 << 20
	maxPicture  = 16 << 20
	maxSticker  = 1 << 20 // the apps make them of at most half that

	headBytes   = 4 << 10  // at a file's beginning, that tell its type; the mimetype package looks at 3 KiB
	headerBytes = 64 << 10 // within which a picture must tell its size
	tailBytes   = 64 << 10 // at a recording's end, within which an Ogg page begins (at most 65307 bytes, RFC 3533)
	maxFileName = 200      // bytes
	opusRate    = 48000    // granules of Opus in Ogg per second (RFC 7845)
)

// file is one to send, in a temporary file on disk.
type file struct {
	disk        *os.File
	size        int64
	kind        fileKind
	contentType string
	name        string

	width, height, seconds uint32 // where the file tells
	animated               bool   // a sticker that moves
}

// close removes the file from disk.
func (f *file) close() {
	_ = f.disk.Close() // an upload closes it too
	_ = os.Remove(f.disk.Name())
}

// fetch downloads a file that a user names, decides how WhatsApp shall show it and measures it. The caller closes it. Nothing is sent by that,
// so no error is Unconfirmed.
func (o *outbound) fetch(ctx context.Context, media connectors.OutMedia, caption bool) (*file, error) {
	body, told, err := o.open(ctx, media)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	head := make([]byte, headBytes)
	n, err := io.ReadFull(body, head)
	if head = head[:n]; err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, broken(err)
	}
	f := &file{name: fileName(media)}
	if err := f.classify(head, media.ContentType, told, caption); err != nil {
		return nil, err
	}
	if f.disk, err = os.CreateTemp("", "switchhook-*"); err != nil {
		return nil, connectors.Retryable(fmt.Errorf("make temporary file: %w", err))
	}
	most := maxBytes(f.kind)
	if limit := o.info.Limits.MediaBytes; limit > 0 {
		most = min(most, limit)
	}
	if err := f.fill(io.MultiReader(bytes.NewReader(head), body), most); err != nil {
		f.close()
		return nil, err
	}
	f.measure(head)
	return f, nil
}

// open begins to read a file, from this server where it lies here.
func (o *outbound) open(ctx context.Context, media connectors.OutMedia) (body io.ReadCloser, told string, err error) {
	if media.Open != nil {
		if body, err = media.Open(); err != nil {
			return nil, "", broken(err)
		}
		return body, "", nil
	}
	// Plain http is refused by the client itself, except into networks that the operator has opened.
	body, told, err = httpcall.Fetch(ctx, o.public, httpcall.Request{URL: media.URL}, httpcall.FetchOptions{AllowHTTP: true, Now: o.now()})
	if err != nil {
		return nil, "", unfetched(err)
	}
	return body, told, nil
}

func (f *file) fill(content io.Reader, most int64) error {
	size, err := io.Copy(f.disk, io.LimitReader(content, most+1))
	f.size = size
	var onDisk *os.PathError
	switch {
	case size > most:
		return badFile(fmt.Sprintf("The file is too large: as %s it may have at most %d bytes. Send a smaller one.", f.kind, most))
	case errors.As(err, &onDisk):
		return connectors.Retryable(fmt.Errorf("write temporary file: %w", err))
	case err != nil:
		return broken(err)
	}
	return nil
}

// classify decides by a file's first bytes what it is. What the caller or the host declare only counts for documents.
func (f *file) classify(head []byte, declared, told string, caption bool) error {
	found := mimetype.Detect(head)
	if len(head) == 0 {
		return badFile("The file is empty.")
	}
	if isProgram(found) {
		return badFile("WhatsApp does not take programs (" + bareType(found.String()) + "). Send a link to it instead.")
	}
	f.contentType = bareType(found.String())
	f.kind = kindOf(f.contentType, head, caption)
	switch f.kind {
	case kindVoice:
		f.contentType = "audio/ogg; codecs=opus" // WhatsApp plays nothing else as a voice message
	case kindDocument:
		f.contentType = documentType(f.contentType, declared, told, f.name)
		f.name = withExtension(f.name, f.contentType, found.Extension())
	case kindAudio:
		if caption {
			return connectors.Rejected(connectors.CodeInvalidContent, "WhatsApp shows no text with a recording. Send the text in a message of its own.", fieldText)
		}
	}
	if f.kind == kindVoice && caption {
		return connectors.Rejected(connectors.CodeInvalidContent, "WhatsApp shows no text with a voice message. Send the text in a message of its own.", fieldText)
	}
	return nil
}

// kindOf is how files of a type are shown. Those that not every WhatsApp app can show go as documents.
func kindOf(contentType string, head []byte, caption bool) fileKind {
	switch contentType {
	case "image/jpeg", "image/png":
		return kindImage
	case "image/webp":
		if !caption { // stickers have none
			return kindSticker
		}
	case "video/mp4", "video/3gpp", "video/x-m4v":
		return kindVideo
	case "audio/ogg", "application/ogg":
		if bytes.Contains(head, []byte("OpusHead")) {
			return kindVoice
		}
	case "audio/mpeg", "audio/mp4", "audio/x-m4a", "audio/aac", "audio/amr":
		return kindAudio
	}
	return kindDocument
}

func isProgram(found *mimetype.MIME) bool {
	for at := found; at != nil; at = at.Parent() {
		switch bareType(at.String()) {
		case "application/vnd.microsoft.portable-executable", "application/x-elf", "application/x-mach-binary", "application/x-ms-installer",
			"application/vnd.android.package-archive":
			return true
		}
	}
	return false
}

// documentType prefers what is declared where the bytes tell little: a table in CSV looks like text, and some packages like a zip.
func documentType(found, declared, told, name string) string {
	vague := found == "application/octet-stream" || found == "text/plain" || found == "application/zip"
	for _, claim := range []string{declared, mime.TypeByExtension(path.Ext(name)), told} {
		if claim = bareType(claim); vague && claim != "" && claim != "application/octet-stream" {
			return claim
		}
	}
	return found
}

func maxBytes(kind fileKind) int64 {
	switch kind {
	case kindImage:
		return maxPicture
	case kindVideo, kindAudio, kindVoice:
		return maxFilm
	case kindSticker:
		return maxSticker
	default:
		return maxDocument
	}
}

// measure finds what the other side's app shows before it has the file. It may find nothing.
func (f *file) measure(head []byte) {
	switch f.kind {
	case kindImage:
		// The size stands in the header; of a file that hides it nothing more is read.
		config, _, err := image.DecodeConfig(io.NewSectionReader(f.disk, 0, headerBytes))
		if err == nil && config.Width > 0 && config.Height > 0 {
			f.width, f.height = uint32(config.Width), uint32(config.Height) //nolint:gosec // the formats have at most 32 bits
		}
	case kindSticker:
		f.width, f.height, f.animated = webPSize(head)
	case kindVoice:
		tail := make([]byte, min(f.size, tailBytes))
		if _, err := f.disk.ReadAt(tail, f.size-int64(len(tail))); err == nil {
			f.seconds = opusSeconds(tail)
		}
	}
}

// webPSize reads a WebP's header (RFC 9649). Sizes are 0 where it is none.
func webPSize(head []byte) (width, height uint32, animated bool) {
	if len(head) < 30 || string(head[:4]) != "RIFF" || string(head[8:12]) != "WEBP" {
		return 0, 0, false
	}
	little := binary.LittleEndian
	switch string(head[12:16]) {
	case "VP8X": // flags, then width and height less one, in 24 bits each
		return little.Uint32(head[24:])&0xffffff + 1, little.Uint32(head[26:])>>8 + 1, head[20]&2 != 0
	case "VP8L": // a signature, then width and height less one, in 14 bits each
		size := little.Uint32(head[21:])
		return size&0x3fff + 1, size>>14&0x3fff + 1, false
	case "VP8 ": // a frame's tag and start code, then width and height in 14 bits of 16 each
		return uint32(little.Uint16(head[26:]) & 0x3fff), uint32(little.Uint16(head[28:]) & 0x3fff), false
	}
	return 0, 0, false
}

// opusSeconds reads the length of a recording from the last page of its Ogg file; 0 where there is none.
func opusSeconds(tail []byte) uint32 {
	at := bytes.LastIndex(tail, []byte("OggS\x00"))
	if at < 0 || len(tail) < at+14 {
		return 0
	}
	seconds := (binary.LittleEndian.Uint64(tail[at+6:]) + opusRate - 1) / opusRate
	if seconds > 24*60*60 { // all bits set means that no packet ends on the page
		return 0
	}
	return uint32(seconds)
}

// fileName is the name under which a file is shown: as given, else the last part of its address.
func fileName(media connectors.OutMedia) string {
	name := media.FileName
	if name == "" {
		if address, err := url.Parse(media.URL); err == nil {
			name = path.Base(address.Path)
		}
	}
	name = oneLine(path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, ""), `\`, "/")))
	if slices.Contains([]string{"", ".", "..", "/"}, name) {
		return "file"
	}
	if len(name) > maxFileName { // cut in front, so that the extension stays
		name = strings.ToValidUTF8(name[len(name)-maxFileName:], "")
	}
	return name
}

// withExtension gives a name an extension where it has none: phones open files by it.
func withExtension(name, contentType, found string) string {
	if path.Ext(name) != "" {
		return name
	}
	if known := mimetype.Lookup(contentType); known != nil {
		found = known.Extension()
	}
	return name + found
}

// bareType drops the parameters of a content type; "" where it is none.
func bareType(contentType string) string {
	bare, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	return bare
}

func badFile(message string) *connectors.Error {
	return connectors.Rejected(connectors.CodeInvalidContent, message, fieldMedia)
}

// unfetched is the meaning of a file that cannot be had: for good where its host refuses it or the door does. What that host answers says
// nothing of the session.
func unfetched(err error) *connectors.Error {
	failed := connectors.AsError(err)
	var door *safehttp.Error
	switch {
	case failed.Code == codeMedia:
		return failed
	case errors.As(err, &door) && slices.Contains([]string{safehttp.CodePrivateAddress, safehttp.CodeHTTPSRequired, safehttp.CodeInvalidURL}, door.Code):
		failed = connectors.Rejected(codeMedia, "The file's address leads into a private network, or does not begin with https://. Give a public link.", fieldMedia)
	case failed.Kind == connectors.KindRetryable || failed.Kind == connectors.KindRateLimited:
		return broken(err)
	default:
		failed = connectors.Rejected(codeMedia, "The file's host does not give the file to this server. Give a link that works without logging in.", fieldMedia)
	}
	failed.Err = err
	return failed
}

// broken says that a file did not arrive.
func broken(err error) *connectors.Error {
	failed := connectors.Retryable(withoutAddress(err))
	failed.Message = "The file could not be fetched from its link. Try again in a moment."
	return failed
}
