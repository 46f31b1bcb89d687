package server

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/problem"
)

func docsGate(t *testing.T, document []byte) *gate {
	t.Helper()
	g := newGate(t, func(o *Options) { o.OpenAPI = document })
	g.route(route{method: "GET", path: "/openapi.yaml", handle: g.openAPIYAML})
	g.route(route{method: "GET", path: "/openapi.json", handle: g.openAPIJSON})
	g.route(route{method: "GET", path: "/docs", handle: g.docs})
	g.route(route{method: "GET", path: "/docs/:file", handle: g.docsFile})
	return g
}

func TestTheDescriptionIsServedAsYAMLAndJSON(t *testing.T) {
	t.Parallel()
	document := readDocument(t)
	g := docsGate(t, document)
	response := g.call(t, "GET", "/openapi.yaml", "")
	requireAnswer(t, response, 200, "")
	require.Equal(t, "application/yaml", string(response.Header.ContentType()))
	require.Equal(t, string(document), string(response.Body()))
	for range 2 {
		response = g.call(t, "GET", "/openapi.json", "")
		requireAnswer(t, response, 200, "")
		require.Equal(t, "application/json", string(response.Header.ContentType()))
		require.True(t, json.Valid(response.Body()))
		require.Contains(t, string(response.Body()), `"openapi":"3.0.3"`)
	}
}

func TestThePageIsServedWithAPolicyThatAllowsItsOwnFilesOnly(t *testing.T) {
	t.Parallel()
	g := docsGate(t, readDocument(t))
	response := g.call(t, "GET", "/docs", "")
	requireAnswer(t, response, 200, "")
	require.Equal(t, "text/html; charset=utf-8", string(response.Header.ContentType()))
	require.Equal(t, "nosniff", string(response.Header.Peek("X-Content-Type-Options")))
	policy := string(response.Header.Peek("Content-Security-Policy"))
	require.Contains(t, policy, "default-src 'none'")
	require.Contains(t, policy, "style-src 'self'")
	require.Contains(t, policy, "script-src 'self'")
	require.NotContains(t, policy, "unsafe")
	require.Contains(t, string(response.Body()), `<link rel="stylesheet" href="/docs/docs.css">`)
	response = g.call(t, "GET", "/docs/docs.css", "")
	requireAnswer(t, response, 200, "")
	require.Equal(t, "text/css; charset=utf-8", string(response.Header.ContentType()))
	response = g.call(t, "GET", "/docs/docs.js", "")
	requireAnswer(t, response, 200, "")
	require.Equal(t, "text/javascript; charset=utf-8", string(response.Header.ContentType()))
	requireAnswer(t, g.call(t, "GET", "/docs/page.html", ""), 404, problem.NotFound)
	requireAnswer(t, g.call(t, "GET", "/docs/..%2fserver.go", ""), 404, "")
}

func TestADescriptionThatCannotBeReadIsAnErrorOfTheServer(t *testing.T) {
	t.Parallel()
	g := docsGate(t, []byte("paths: ["))
	requireAnswer(t, g.call(t, "GET", "/docs", ""), 500, problem.InternalError)
	requireAnswer(t, g.call(t, "GET", "/openapi.json", ""), 500, problem.InternalError)
}

func TestTheDescriptionNamesThisServersAddress(t *testing.T) {
	t.Parallel()
	document := readDocument(t)
	require.Equal(t, 1, bytes.Count(document, []byte(describedAt)))
	require.Contains(t, string(describe(document, "https://hooks.example")), "baseUrl: {default: 'https://hooks.example'")
}
