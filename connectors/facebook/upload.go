package facebook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
	"github.com/switchhook/switchhook/connectors/meta/posting"
)

// uploadPhoto gives Facebook a picture that nobody sees yet, and returns its id. Facebook forgets it after a day.
func (c *conn) uploadPhoto(ctx context.Context, file connectors.PostMedia) (string, error) {
	content, err := open(file)
	if err != nil {
		return "", err
	}
	defer content.Close()
	fields := []field{{"published", "false"}}
	if file.Alt != "" {
		fields = append(fields, field{"alt_text_custom", file.Alt})
	}
	body, err := form(fields, part{name: "source", fileName: file.FileName, contentType: file.ContentType, content: content, size: file.Size})
	if err != nil {
		return "", err
	}
	var answer struct {
		ID string `json:"id"`
	}
	if err := c.graph.Upload(ctx, c.edge("photos"), body, &answer); err != nil {
		return "", connectors.Harmless(err)
	}
	if answer.ID == "" {
		return "", posting.Unexpected("picture's id")
	}
	return answer.ID, nil
}

func open(file connectors.PostMedia) (io.ReadSeekCloser, error) {
	content, err := file.Open()
	if err != nil {
		return nil, connectors.Retryable(fmt.Errorf("open file: %w", err))
	}
	return content, nil
}

type field struct{ name, value string }

// part is the file of a form.
type part struct {
	name        string
	fileName    string
	contentType string
	content     io.Reader
	size        int64
}

// form frames a file as multipart/form-data. The file is read while the form is sent.
func form(fields []field, file part) (httpcall.Stream, error) {
	var frame bytes.Buffer
	writer := multipart.NewWriter(&frame)
	var err error
	for _, f := range fields {
		err = errors.Join(err, writer.WriteField(f.name, f.value))
	}
	_, partErr := writer.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition(file.name, file.fileName)}, "Content-Type": {file.contentType},
	})
	before := frame.Len()
	if err = errors.Join(err, partErr, writer.Close()); err != nil {
		return httpcall.Stream{}, connectors.Retryable(err) // a buffer takes everything
	}
	framed := frame.Bytes()
	return httpcall.Stream{
		Body:        io.MultiReader(bytes.NewReader(framed[:before]), io.LimitReader(file.content, file.size), bytes.NewReader(framed[before:])),
		ContentType: writer.FormDataContentType(), Length: int64(len(framed)) + file.size,
	}, nil
}
