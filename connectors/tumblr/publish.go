package tumblr

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// Publish makes one post: of a text alone as Markdown, of a text with files in NPF. The files go with the one request that makes the post, so the
// token is tried before.
func (c *conn) Publish(ctx context.Context, post connectors.OutPost) (connectors.Published, error) {
	if strings.TrimSpace(post.Title) == "" && strings.TrimSpace(post.Text) == "" && len(post.Media) == 0 {
		return connectors.Published{}, connectors.Rejected(connectors.CodeInvalidContent, "The post is empty. Give it a title, a text or a file.", "body")
	}
	if err := c.Check(ctx); err != nil {
		return connectors.Published{}, err
	}
	path, build := "/blog/"+url.PathEscape(c.blog)+"/post", legacy(post)
	var warnings []string
	if len(post.Media) > 0 {
		files, err := openFiles(post.Media)
		defer closeFiles(files)
		if err != nil {
			return connectors.Published{}, err
		}
		var body []byte
		if body, warnings, err = npf(post); err != nil {
			return connectors.Published{}, err
		}
		path, build = path+"s", func() (httpcall.Request, error) { return multi(body, post.Media, files) }
	}
	if err := post.Begin(ctx); err != nil {
		return connectors.Published{}, err
	}
	response, err := c.api.do(ctx, path, build)
	if err != nil {
		return connectors.Published{}, err
	}
	published, err := c.read(response, stateOf(post))
	published.Warnings = warnings
	return published, err
}

// read reads the answer of the one request.
func (c *conn) read(response httpcall.Response, state string) (connectors.Published, error) {
	if response.Status < 200 || response.Status > 299 {
		return connectors.Published{}, c.api.failure(response)
	}
	var made struct {
		ID       json.RawMessage `json:"id"` // a number from the one address and a text from the other
		IDString string          `json:"id_string"`
	}
	if readResponse(response.Body, &made) != nil {
		return connectors.Published{}, connectors.Unconfirmed(errUnexpected())
	}
	id := made.IDString
	if id == "" {
		id = strings.Trim(string(made.ID), `"`)
	}
	if id == "" || strings.Trim(id, "0123456789") != "" {
		return connectors.Published{}, connectors.Unconfirmed(errUnexpected())
	}
	published := connectors.Published{ProviderID: id}
	if state == statePublished {
		published.URL = c.address(id)
	}
	return published, nil
}

// address is where people see a post.
func (c *conn) address(id string) string { return "https://www.tumblr.com/" + c.blog + "/" + id }

func stateOf(post connectors.OutPost) string {
	if state := post.Options[optionState]; state != "" {
		return state
	}
	return statePublished
}

// legacy returns a post of text alone as the older address takes it, which reads Markdown.
func legacy(post connectors.OutPost) func() (httpcall.Request, error) {
	form := url.Values{"type": {"text"}, "format": {"markdown"}, "state": {stateOf(post)}, "body": {post.Text}}
	for name, value := range map[string]string{"title": post.Title, "tags": post.Options[optionTags], "slug": post.Options[optionSlug]} {
		if value != "" {
			form.Set(name, value)
		}
	}
	return func() (httpcall.Request, error) { return httpcall.Request{Method: http.MethodPost, Form: form}, nil }
}

// npf returns a post with files in NPF: title, text, then the files.
func npf(post connectors.OutPost) (body []byte, warnings []string, err error) {
	var content []block
	if title := strings.TrimSpace(post.Title); title != "" {
		content = append(content, split(block{Type: "text", Subtype: "heading1", Text: title})...)
	}
	if post.HTML == "" && post.Text != "" {
		content = append(content, plainBlocks(post.Text)...)
		warnings = append(warnings, "The text had to be made shorter, so it went out without its formatting.")
	} else {
		content = append(content, blocksOf(post.HTML)...)
	}
	for i, file := range post.Media {
		content = append(content, fileBlock(file, identifier(i)))
	}
	encoded, err := json.Marshal(struct {
		Content []block `json:"content"`
		State   string  `json:"state"`
		Tags    string  `json:"tags,omitempty"`
		Slug    string  `json:"slug,omitempty"`
	}{content, stateOf(post), post.Options[optionTags], post.Options[optionSlug]})
	if err != nil {
		return nil, nil, fmt.Errorf("write post: %w", err)
	}
	if len(content) > maxBlocks || len(encoded) > maxBody {
		return nil, nil, connectors.Rejected(connectors.CodeInvalidContent, fmt.Sprintf("Tumblr takes at most %d paragraphs in a post with files. Make the text shorter.", maxBlocks), "body")
	}
	return encoded, warnings, nil
}

func identifier(i int) string { return fmt.Sprintf("file-%d", i) }

func openFiles(media []connectors.PostMedia) ([]io.ReadSeekCloser, error) {
	var files []io.ReadSeekCloser
	for _, m := range media {
		file, err := m.Open()
		if err != nil {
			return files, connectors.Retryable(fmt.Errorf("open file: %w", err))
		}
		files = append(files, file)
	}
	return files, nil
}

func closeFiles(files []io.ReadSeekCloser) {
	for _, file := range files {
		_ = file.Close() // it was only read
	}
}

// multi frames the post and its files. The files are read while they are sent.
func multi(body []byte, media []connectors.PostMedia, files []io.ReadSeekCloser) (httpcall.Request, error) {
	var frame bytes.Buffer
	var failed error
	form := multipart.NewWriter(&frame)
	first, err := form.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="json"`}, "Content-Type": {"application/json"}})
	if err == nil {
		_, err = first.Write(body)
	}
	failed = errors.Join(failed, err)
	var parts []io.Reader
	var size int64
	for i, m := range media {
		_, err := form.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {multipart.FileContentDisposition(identifier(i), m.FileName)}, "Content-Type": {m.ContentType},
		})
		_, seekErr := files[i].Seek(0, io.SeekStart)
		failed = errors.Join(failed, err, seekErr)
		before := bytes.Clone(frame.Bytes())
		frame.Reset()
		parts = append(parts, bytes.NewReader(before), files[i])
		size += int64(len(before)) + m.Size
	}
	if failed = errors.Join(failed, form.Close()); failed != nil {
		return httpcall.Request{}, connectors.Retryable(failed)
	}
	parts, size = append(parts, &frame), size+int64(frame.Len())
	return httpcall.Request{Method: http.MethodPost, Stream: &httpcall.Stream{Body: io.MultiReader(parts...), ContentType: form.FormDataContentType(), Length: size}}, nil
}
