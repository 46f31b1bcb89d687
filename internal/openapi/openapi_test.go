package openapi_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/openapi"
)

func document(tb testing.TB) []byte {
	tb.Helper()
	raw, err := os.ReadFile("../../openapi.yaml")
	require.NoError(tb, err)
	return raw
}

func TestJSONSaysTheSameInTheSameOrder(t *testing.T) {
	t.Parallel()
	const want = `{"zebra":1,"apple":{"b":true,"a":null,"n":1.5},"codes":["200",200,"<&>"],"at":"2026-06-29"}`
	raw, err := openapi.JSON([]byte("zebra: 1\napple: {b: true, a: null, n: 1.5}\ncodes: ['200', 200, \"<&>\"]\nat: 2026-06-29\n"))
	require.NoError(t, err)
	require.True(t, bytes.Equal([]byte(want), raw), "%s", raw)
}

func TestTheWholeDocumentBecomesJSON(t *testing.T) {
	t.Parallel()
	raw, err := openapi.JSON(document(t))
	require.NoError(t, err)
	var d map[string]any
	require.NoError(t, json.Unmarshal(raw, &d))
	require.Equal(t, "3.0.3", d["openapi"])
	require.NotContains(t, string(raw), "\n")
}

func TestWhatIsNoDocumentIsAnError(t *testing.T) {
	t.Parallel()
	for _, broken := range []string{"", "a", "- a", "a: [", "a: &x 1\nb: *x\n", "? [a]\n: b\n"} {
		_, err := openapi.JSON([]byte(broken))
		require.Error(t, err, "%q", broken)
	}
	for _, broken := range []string{
		"a: [", "paths: 1", "paths: {/a: {get: {tags: [T]}}}",
		"tags: [{name: T}]\npaths: {/a: {get: {tags: [T], parameters: [{$ref: '#/components/parameters/None'}]}}}",
		"tags: [{name: T}]\npaths: {/a: {get: {tags: [T], responses: {'400': {$ref: '#/components/responses/None'}}}}}",
		"tags: [{name: T}]\npaths: {/a: {get: {tags: [T], responses: {'200': {content: {application/json: {schema: {$ref: '#/components/schemas/None'}}}}}}}}",
	} {
		_, err := openapi.Page([]byte(broken))
		require.Error(t, err, "%q", broken)
	}
}

func TestThePageShowsEveryOperation(t *testing.T) {
	t.Parallel()
	raw, err := openapi.Page(document(t))
	require.NoError(t, err)
	page := string(raw)
	ids := regexp.MustCompile(`(?m)^ +operationId: (\w+)$`).FindAllStringSubmatch(string(document(t)), -1)
	require.Greater(t, len(ids), 50)
	for _, id := range ids {
		require.Equal(t, 1, strings.Count(page, `id="`+id[1]+`"`), id[1])
	}
	require.Contains(t, page, `curl -X POST &#39;http://localhost:8080/v1/messages&#39;`)
	require.Contains(t, page, `-H &#34;X-Api-Key: $API_KEY&#34;`)
	require.Contains(t, page, `What is posted to the webhook`)
	require.Contains(t, page, `<code>attemptLog[].request.url</code>`)
	require.Contains(t, page, `3EB0A1B2C3D4E5F6`, "the golden sample is the callback's example")
}

func TestEveryLinkOnThePageLeadsSomewhere(t *testing.T) {
	t.Parallel()
	raw, err := openapi.Page(document(t))
	require.NoError(t, err)
	page := string(raw)
	for _, link := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(page, -1) {
		require.Contains(t, page, `id="`+link[1]+`"`)
	}
}

func TestThePageNeedsNothingThatItsPolicyForbids(t *testing.T) {
	t.Parallel()
	raw, err := openapi.Page(document(t))
	require.NoError(t, err)
	page := string(raw)
	for _, forbidden := range []string{"style=", "<style", "<img", "onclick", "javascript:"} {
		require.NotContains(t, page, forbidden)
	}
	require.Equal(t, []string{`<script src="/docs/docs.js" defer></script>`}, regexp.MustCompile(`<script[^>]*>[^<]*</script>`).FindAllString(page, -1))
	for _, link := range regexp.MustCompile(`(?:href)="([^"#][^"]*)"`).FindAllStringSubmatch(page, -1) {
		require.Contains(t, []string{"/docs/docs.css", "/openapi.yaml", "/openapi.json"}, link[1])
	}
	style, contentType, found := openapi.Asset("docs.css")
	require.True(t, found)
	require.Equal(t, "text/css; charset=utf-8", contentType)
	require.NotContains(t, string(style), "url(")
	_, contentType, found = openapi.Asset("docs.js")
	require.True(t, found)
	require.Equal(t, "text/javascript; charset=utf-8", contentType)
	require.Contains(t, string(style), "prefers-color-scheme: dark")
	require.Contains(t, openapi.ContentSecurityPolicy, "default-src 'none'")
	for _, other := range []string{"page.html", "", "../openapi.go"} {
		_, _, found := openapi.Asset(other)
		require.False(t, found, other)
	}
}

func TestADescriptionCannotBecomeHTML(t *testing.T) {
	t.Parallel()
	raw, err := openapi.Page([]byte(`
info: {title: "<b>T</b>", version: '1', description: "a **strong** word, <script>alert(1)</script> and ` + "`<i>`, an open ` mark" + `"}
servers: [{url: '{u}', variables: {u: {default: 'https://a.example'}}}]
tags: [{name: T}]
paths:
  /x/{id}:
    get:
      tags: [T]
      operationId: getX
      security: []
      parameters: [{name: id, in: path, required: true, schema: {type: string, enum: ["it's"]}, example: "it's"}]
      responses: {'200': {description: ok, content: {application/json: {schema: {type: object, properties: {a: {type: array, items: {type: integer, example: 1}}, b: {type: string, enum: [x]}, c: {type: number}}}}}}}
`))
	require.NoError(t, err)
	page := string(raw)
	require.Equal(t, 1, strings.Count(page, "<script"), "its own")
	require.NotContains(t, page, "<b>")
	require.Contains(t, page, "<strong>strong</strong>")
	require.Contains(t, page, "<code>&lt;i&gt;</code>, an open ` mark")
	require.Contains(t, page, `curl &#39;https://a.example/x/it&#39;\&#39;&#39;s&#39;`, "an apostrophe is quoted for the shell")
	require.Contains(t, page, "&#34;a&#34;: [\n    1\n  ]")
}

func FuzzPage(f *testing.F) {
	f.Add([]byte("tags: [{name: T}]\npaths: {/a: {get: {tags: [T]}}}"))
	f.Add([]byte("components: {schemas: {A: {type: object, properties: {a: {$ref: '#/components/schemas/A'}}}}}"))
	f.Add([]byte("tags: [{name: T}]\npaths: {/a: {get: {tags: [T], parameters: [{name: a}]}}}"))
	f.Fuzz(func(t *testing.T, document []byte) {
		if raw, err := openapi.JSON(document); err == nil {
			require.True(t, json.Valid(raw))
		}
		page, err := openapi.Page(document)
		if err == nil {
			require.Equal(t, 1, strings.Count(string(page), "<script"))
		}
	})
}

func BenchmarkPage(b *testing.B) {
	raw := document(b)
	for b.Loop() {
		if _, err := openapi.Page(raw); err != nil {
			b.Fatal(err)
		}
	}
}
