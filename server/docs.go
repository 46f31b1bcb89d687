package server

import (
	"bytes"
	"sync"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/openapi"
	"github.com/switchhook/switchhook/internal/problem"
)

// docsCache is how long a client may keep the description: short, because an update of the server changes it.
const docsCache = "public, max-age=300"

// describedAt is the address in openapi.yaml.
const describedAt = "'http://localhost:8080'"

// describe puts this server's own address into the description, so that what imports it need not be told.
func describe(document []byte, baseURL string) []byte {
	return bytes.Replace(document, []byte(describedAt), []byte("'"+baseURL+"'"), 1)
}

// documents are the forms of openapi.yaml that are made from it, once, when somebody first asks for one.
type documents struct {
	once       sync.Once
	json, page []byte
	err        error
}

func (d *documents) make(document []byte) error {
	d.once.Do(func() {
		if d.json, d.err = openapi.JSON(document); d.err == nil {
			d.page, d.err = openapi.Page(document)
		}
	})
	return d.err
}

func (s *Server) openAPIYAML(r *request) (answer, error) {
	return document(r, s.OpenAPI, "application/yaml")
}

func (s *Server) openAPIJSON(r *request) (answer, error) {
	if err := s.documents.make(s.OpenAPI); err != nil {
		return answer{}, err
	}
	return document(r, s.documents.json, fiber.MIMEApplicationJSON)
}

func (s *Server) docs(r *request) (answer, error) {
	if err := s.documents.make(s.OpenAPI); err != nil {
		return answer{}, err
	}
	r.Set(fiber.HeaderContentSecurityPolicy, openapi.ContentSecurityPolicy)
	r.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	return document(r, s.documents.page, fiber.MIMETextHTMLCharsetUTF8)
}

func (s *Server) docsFile(r *request) (answer, error) {
	body, contentType, found := openapi.Asset(r.Params("file"))
	if !found {
		return answer{}, problem.New(problem.NotFound, "There is no such file. The documentation is at /docs.")
	}
	return document(r, body, contentType)
}

func document(r *request, body []byte, contentType string) (answer, error) {
	r.Set(fiber.HeaderCacheControl, docsCache)
	return answer{status: fiber.StatusOK, raw: body, contentType: contentType}, nil
}
