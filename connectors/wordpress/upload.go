package wordpress

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// FormField is a field of a form that stands before the file.
type FormField struct{ Name, Value string }

// Form frames an opened file as multipart/form-data, in the part of the given name behind the fields. The file is read while it is sent.
func Form(file connectors.PostMedia, content io.Reader, name string, fields ...FormField) (*httpcall.Stream, error) {
	var frame bytes.Buffer
	form := multipart.NewWriter(&frame)
	var failed error
	for _, field := range fields {
		failed = errors.Join(failed, form.WriteField(field.Name, field.Value))
	}
	_, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition(name, file.FileName)}, "Content-Type": {file.ContentType},
	})
	before := frame.Len()
	if failed = errors.Join(failed, err, form.Close()); failed != nil {
		return nil, fmt.Errorf("frame file: %w", failed)
	}
	return &httpcall.Stream{
		Body:        io.MultiReader(bytes.NewReader(frame.Bytes()[:before]), content, bytes.NewReader(frame.Bytes()[before:])),
		ContentType: form.FormDataContentType(), Length: int64(frame.Len()) + file.Size,
	}, nil
}
