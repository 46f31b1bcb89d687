package whatsappcloud

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
	"github.com/switchhook/switchhook/internal/safehttp"
)

// How a channel sends files.
const (
	mediaByLink   = "link"
	mediaByUpload = "upload"
)

const (
	shownBy = 512                        // bytes at a file's beginning that tell its type, as http.DetectContentType has it
	opaque  = "application/octet-stream" // what it says of bytes that tell nothing

	codeMedia = "media_unavailable" // as httpcall.Fetch has it
)

// prepare makes the body of a message and uploads its file, where it has one that does not go by its link. Until the body is sent nothing
// reaches the recipient, so no error is Unconfirmed.
func (c *conn) prepare(ctx context.Context, message connectors.OutMessage) (request, error) {
	body, err := newRequest(message)
	if err != nil {
		return request{}, err
	}
	kind, file := body.file()
	var here func() (io.ReadSeekCloser, error) // where the file lies on this server
	if message.Template == nil && len(message.Media) > 0 {
		here = message.Media[0].Open
	}
	if file == nil || here == nil && !c.uploads(file.Link) {
		return body, nil
	}
	source, err := c.openSource(ctx, file.Link, here)
	if err != nil {
		return request{}, err
	}
	defer source.body.Close()
	declared := ""
	if message.Template == nil {
		// What the file's host tells counts where neither the caller nor the file's name has told anything.
		given := message.Media[0]
		given.Size = max(source.size, 0)
		if given.ContentType == "" {
			given.ContentType = cmp.Or(byExtension(given), source.contentType)
		}
		message.Media, declared = []connectors.OutMedia{given}, given.ContentType
		if body, err = newRequest(message); err != nil {
			return request{}, err
		}
		kind, file = body.file()
	}
	contentType, err := source.typeAs(kind, declared)
	if err != nil {
		return request{}, err
	}
	source.left, source.tooMuch = maxBytes(kind), tooLarge(kind)
	if source.size > source.left {
		return request{}, source.tooMuch
	}
	file.ID, err = c.upload(ctx, source, contentType)
	file.Link = ""
	return body, err
}

// uploads tells whether a file does not go by its link: the channel wants so, or WhatsApp, which takes https alone, could not follow it.
func (c *conn) uploads(link string) bool {
	address, err := url.Parse(link)
	return c.uploading || err == nil && address.Scheme == "http"
}

// source is a file at an address that a user gave.
type source struct {
	body        io.Closer
	content     *bufio.Reader
	size        int64 // -1 where the host does not say
	contentType string
	shown       string // type that its first bytes show, or opaque

	left    int64                            // bytes that may still come
	tooMuch *connectors.Error                // where more come
	failed  atomic.Pointer[connectors.Error] // why reading ended early; set by the goroutine that sends
}

// openSource opens a file on this server, or else through the door for users' addresses. Whatever its host answers says nothing of the channel's credentials.
func (c *conn) openSource(ctx context.Context, address string, here func() (io.ReadSeekCloser, error)) (*source, error) {
	file, err := c.openFile(ctx, address, here)
	if err != nil {
		return nil, err
	}
	s := &source{body: file.Body, content: bufio.NewReaderSize(file.Body, shownBy), size: file.Size}
	head, err := s.content.Peek(shownBy)
	if err != nil && !errors.Is(err, io.EOF) {
		_ = file.Body.Close()
		return nil, broken(err)
	}
	s.shown = bare(http.DetectContentType(head))
	if bytes.HasPrefix(head, []byte("#!AMR")) {
		s.shown = "audio/amr"
	}
	if s.contentType = bare(file.ContentType); s.contentType == "" || s.contentType == opaque {
		s.contentType = s.shown
	}
	return s, nil
}

func (c *conn) openFile(ctx context.Context, address string, here func() (io.ReadSeekCloser, error)) (httpcall.File, error) {
	if here != nil {
		body, err := here()
		if err != nil {
			return httpcall.File{}, broken(err)
		}
		size, err := body.Seek(0, io.SeekEnd)
		if err == nil {
			_, err = body.Seek(0, io.SeekStart)
		}
		if err != nil {
			_ = body.Close()
			return httpcall.File{}, broken(err)
		}
		return httpcall.File{Body: body, Size: size}, nil
	}
	// Plain http is refused by the client itself, except into networks that the operator has opened.
	file, err := httpcall.FetchFile(ctx, c.public, httpcall.Request{URL: address}, httpcall.FetchOptions{AllowHTTP: true, Now: c.now()})
	if err != nil {
		return httpcall.File{}, unfetched(err)
	}
	return file, nil
}

// unfetched is the meaning of a file that cannot be had: for good where its host refuses it or the door does.
func unfetched(err error) *connectors.Error {
	failed := connectors.AsError(err)
	var door *safehttp.Error
	switch {
	case failed.Code == codeMedia:
		return failed
	case errors.As(err, &door) && slices.Contains([]string{safehttp.CodePrivateAddress, safehttp.CodeHTTPSRequired, safehttp.CodeInvalidURL}, door.Code):
		failed = connectors.Rejected(codeMedia, "The file's address leads into a private network, or does not begin with https://. Give a public link.", "media")
	case failed.Kind == connectors.KindRetryable || failed.Kind == connectors.KindRateLimited:
		return broken(err)
	default:
		failed = connectors.Rejected(codeMedia, "The file's host does not give the file to this server. Give a link that works without logging in.", "media")
	}
	failed.Err = err
	return failed
}

// broken says that a file did not arrive.
func broken(err error) *connectors.Error {
	failed := connectors.Retryable(err)
	failed.Message = "The file could not be fetched from its link. Try again in a moment."
	return failed
}

func tooLarge(kind string) *connectors.Error {
	return connectors.Rejected(connectors.CodeInvalidContent, fmt.Sprintf("The file is too large: WhatsApp takes at most %d bytes in a file of this type (%s). Send a smaller one.", maxBytes(kind), kind), "media")
}

// typeAs returns the type under which a file is uploaded as a kind. A file whose bytes show something else, such as the page of an error, is
// Rejected.
func (s *source) typeAs(kind, declared string) (string, error) {
	claimed := bare(declared)
	if claimed == "" || claimed == opaque {
		claimed = s.contentType
	}
	if kind == kindImage || kind == kindSticker {
		claimed = s.shown
	}
	if !s.fits(kind, claimed) {
		return "", connectors.Rejected(connectors.CodeInvalidContent, "The bytes at the file's link do not look like what is to be sent ("+kind+"), but like "+s.shown+". Check where the link leads.", "media")
	}
	if kindOf(connectors.OutMedia{ContentType: claimed}) == kind {
		return claimed, nil
	}
	switch kind { // which a template has told
	case kindVideo:
		return "video/mp4", nil
	case kindAudio:
		return "audio/mpeg", nil
	}
	return claimed, nil
}

// fits tells whether a file's bytes may be those of a kind and a type.
func (s *source) fits(kind, claimed string) bool {
	family, _, _ := strings.Cut(s.shown, "/")
	switch kind {
	case kindImage, kindSticker:
		return kindOf(connectors.OutMedia{ContentType: s.shown}) == kind
	case kindVideo:
		return family == "video" || s.shown == opaque
	case kindAudio: // recordings in mp4 and ogg look like films
		return family == "audio" || s.shown == "video/mp4" || s.shown == "application/ogg" || s.shown == opaque
	}
	return (s.shown != "text/html" || claimed == "text/html") && (claimed != "application/pdf" || s.shown == claimed)
}

// bare drops the parameters of a content type; "" where it is none.
func bare(contentType string) string {
	parsed, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	return parsed
}

// Read reads on, as far as the kind of file allows.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.content.Read(p)
	if s.left -= int64(n); s.left < 0 {
		s.failed.Store(s.tooMuch)
		return 0, s.tooMuch
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.failed.Store(broken(err))
	}
	return n, err //nolint:wrapcheck // an io.Reader must return io.EOF as it is
}

// upload gives WhatsApp a file and returns its id. Nobody gets it by that, so that a failure is never Unconfirmed.
func (c *conn) upload(ctx context.Context, file *source, contentType string) (id string, err error) {
	var frame bytes.Buffer
	form := multipart.NewWriter(&frame)
	err = errors.Join(form.WriteField("messaging_product", "whatsapp"), form.WriteField("type", contentType))
	_, partErr := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="file"`}, "Content-Type": {contentType},
	})
	before := frame.Len()
	if err = errors.Join(err, partErr, form.Close()); err != nil {
		return "", connectors.Retryable(err) // a buffer takes everything
	}
	head, tail := frame.Bytes()[:before], frame.Bytes()[before:]
	body := httpcall.Stream{Body: io.MultiReader(bytes.NewReader(head), file, bytes.NewReader(tail)), ContentType: form.FormDataContentType()}
	if file.size >= 0 {
		body.Length = int64(frame.Len()) + file.size
	}
	var answer struct {
		ID string `json:"id"`
	}
	err = c.graph.Upload(ctx, "/"+url.PathEscape(c.numberID)+"/media", body, &answer)
	if err == nil && answer.ID == "" {
		err = errors.New("the answer of Meta names no file")
	}
	if err == nil {
		return answer.ID, nil
	}
	failed := connectors.AsError(err)
	if reason := file.failed.Load(); reason != nil {
		failed = reason
	}
	if failed.Kind == connectors.KindUnconfirmed {
		failed = connectors.Retryable(err)
		failed.Message = "The file could not be uploaded to WhatsApp in time, and the message was not sent. Try again in a moment."
	}
	return "", failed
}
