package metatest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
)

// upload takes a file of WhatsApp's: a form with messaging_product, type and file.
func (s *Server) upload(r *http.Request, path string, body []byte) (status int, answer []byte) {
	given := Upload{Path: path, Length: r.ContentLength}
	refused := func() (int, []byte) { return http.StatusBadRequest, graphError(Trouble{Code: 100}) }
	contentType, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || contentType != "multipart/form-data" {
		return refused()
	}
	fields := map[string]string{}
	form := multipart.NewReader(bytes.NewReader(body), parameters["boundary"])
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return refused()
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return refused()
		}
		if part.FormName() == "file" && part.FileName() != "" {
			given.Part, given.Content = part.Header.Get("Content-Type"), content
			continue
		}
		fields[part.FormName()] = string(content)
	}
	if given.Type = fields["type"]; fields["messaging_product"] != "whatsapp" || given.Type == "" || given.Part == "" {
		return refused()
	}
	s.uploads = append(s.uploads, given)
	return http.StatusOK, encode(map[string]any{"id": fmt.Sprintf("media%d", len(s.uploads))})
}
