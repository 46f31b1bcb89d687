package discord

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"sync/atomic"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// request is the one request of a post, with its files opened.
type request struct {
	httpcall.Request
	sources []*source
}

// source is a file that is read while it is sent. It gives exactly as many bytes as were announced, or fails.
type source struct {
	io.ReadCloser
	left  int64
	cause atomic.Pointer[error] // set by the goroutine that sends
}

// Read reads on.
func (s *source) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n, err := s.ReadCloser.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	if errors.Is(err, io.EOF) && s.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("read file: %w", err)
		s.cause.Store(&err)
		return n, err
	}
	return n, nil
}

// failed returns why a file could not be read to its end, or nil.
func (r *request) failed() error {
	for _, s := range r.sources {
		if cause := s.cause.Load(); cause != nil {
			return *cause
		}
	}
	return nil
}

func (r *request) close() {
	for _, s := range r.sources {
		_ = s.Close() // it was only read
	}
}

// request makes the one request of a post. The files are opened here, so that one that is missing ends the post before it begins.
func (c *conn) request(post connectors.OutPost, body message) (*request, error) {
	made := &request{Request: httpcall.Request{Method: http.MethodPost}}
	thread := post.Options[optionThread]
	if c.webhook != nil {
		query := url.Values{"wait": {"true"}} // without it Discord tells neither an id nor whether the message was kept
		if thread == "" {
			thread = c.webhook.thread
		}
		if thread != "" {
			query.Set("thread_id", thread)
		}
		made.URL = c.apiURL + c.webhookPath() + "?" + query.Encode()
	} else {
		channel := c.channel
		if thread != "" { // which is a channel of its own for bots
			channel = thread
		}
		made.URL, made.Header = c.apiURL+"/channels/"+channel+"/messages", c.botHeader()
	}
	if len(post.Media) == 0 {
		made.JSON = body
		return made, nil
	}
	if err := made.attach(body, post.Media); err != nil {
		made.close()
		return nil, connectors.Retryable(err)
	}
	return made, nil
}

// attach makes the body a form: the message, and behind it the files.
func (r *request) attach(body message, files []connectors.PostMedia) error {
	payload, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write message: %w", err)
	}
	var frame bytes.Buffer
	var parts []io.Reader
	length := int64(0)
	form := multipart.NewWriter(&frame)
	cut := func() { // what stands in the frame so far becomes a part
		length += int64(frame.Len())
		parts = append(parts, bytes.NewReader(bytes.Clone(frame.Bytes())))
		frame.Reset()
	}
	part, err := form.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="payload_json"`}, "Content-Type": {"application/json"}})
	if err != nil {
		return fmt.Errorf("write form: %w", err)
	}
	if _, err := part.Write(payload); err != nil {
		return fmt.Errorf("write form: %w", err)
	}
	for i, file := range files {
		_, err := form.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {multipart.FileContentDisposition(fmt.Sprintf("files[%d]", i), file.FileName)}, "Content-Type": {file.ContentType},
		})
		if err != nil {
			return fmt.Errorf("write form: %w", err)
		}
		content, err := file.Open()
		if err != nil {
			return fmt.Errorf("open file: %w", err)
		}
		s := &source{ReadCloser: content, left: file.Size}
		r.sources = append(r.sources, s)
		cut()
		parts, length = append(parts, s), length+file.Size
	}
	if err := form.Close(); err != nil {
		return fmt.Errorf("write form: %w", err)
	}
	cut()
	r.Stream = &httpcall.Stream{Body: io.MultiReader(parts...), ContentType: form.FormDataContentType(), Length: length}
	return nil
}
