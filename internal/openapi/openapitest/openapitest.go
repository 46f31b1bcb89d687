// Package openapitest holds answers against openapi.yaml, in tests only.
package openapitest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/stretchr/testify/require"
)

// Checker validates answers. It is stricter than the document: an answer may have no field that the document does not
// describe, although clients must expect new ones. It is safe for concurrent use.
type Checker struct {
	doc    *openapi3.T
	router routers.Router
}

// New reads the document.
func New(t testing.TB, document []byte) *Checker {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(document)
	require.NoError(t, err, "read openapi.yaml")
	doc.Servers = nil // a test's server has an address of its own
	router, err := legacy.NewRouter(doc)
	require.NoError(t, err, "openapi.yaml is not valid")
	closeSchemas(doc)
	return &Checker{doc: doc, router: router}
}

// Check fails the test unless the answer to a request is one that the document describes. address may be a whole URL or a path.
func (c *Checker) Check(t testing.TB, method, address string, status int, header http.Header, body []byte) {
	t.Helper()
	require.NoError(t, c.Validate(method, address, status, header, body), "%s %s answered %d: %s", method, address, status, body)
}

// Validate is Check that returns what is wrong. An address that the document does not have must answer 404 or 405 with an error.
func (c *Checker) Validate(method, address string, status int, header http.Header, body []byte) error {
	parsed, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("read address: %w", err)
	}
	request, err := http.NewRequestWithContext(context.Background(), method, (&url.URL{Path: parsed.Path, RawQuery: parsed.RawQuery}).String(), nil)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	if header.Get("X-Request-Id") == "" {
		return fmt.Errorf("the answer has no X-Request-Id")
	}
	route, params, err := c.router.FindRoute(request)
	if err != nil {
		return c.validateUnknown(status, body)
	}
	answer := route.Operation.Responses.Status(status)
	if answer == nil {
		return fmt.Errorf("%s does not describe the status %d", route.Operation.OperationID, status)
	}
	if err := checkType(answer.Value, header, body); err != nil {
		return err
	}
	options := &openapi3filter.Options{
		IncludeResponseStatus: true, MultiError: true, ExcludeResponseBody: !isJSON(header),
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, PathParams: params, Route: route, Options: options},
		Status:                 status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Options: options,
	}
	if err := openapi3filter.ValidateResponse(context.Background(), input); err != nil {
		return fmt.Errorf("validate answer of %s: %w", route.Operation.OperationID, err)
	}
	return nil
}

// validateUnknown checks the answer at an address that the document does not have.
func (c *Checker) validateUnknown(status int, body []byte) error {
	if status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
		return fmt.Errorf("openapi.yaml does not describe this address, and the answer is %d", status)
	}
	var value any
	if err := decode(body, &value); err != nil {
		return err
	}
	if err := c.doc.Components.Schemas["Error"].Value.VisitJSON(value); err != nil {
		return fmt.Errorf("validate error: %w", err)
	}
	return nil
}

// checkType refuses a content type, or a body at all, that the document does not have.
func checkType(described *openapi3.Response, header http.Header, body []byte) error {
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	switch {
	case len(described.Content) == 0 && len(body) > 0:
		return fmt.Errorf("the answer should have no body")
	case len(described.Content) == 0:
		return nil
	case err != nil:
		return fmt.Errorf("read Content-Type %q: %w", header.Get("Content-Type"), err)
	case described.Content.Get(kind) == nil:
		return fmt.Errorf("the answer's Content-Type %s is not described", kind)
	}
	return nil
}

func isJSON(header http.Header) bool {
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}
