package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/integrations/samples"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/openapi/openapitest"
	"github.com/switchhook/switchhook/internal/webhook"
)

func readDocument(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile("../openapi.yaml")
	require.NoError(t, err)
	return raw
}

func loadDocument(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(readDocument(t))
	require.NoError(t, err)
	return doc
}

// eachOperation visits the operations of the document and those of callbacks, which have no route.
func eachOperation(doc *openapi3.T, visit func(name string, o *openapi3.Operation, callback bool)) {
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			visit(method+" "+path, o, false)
			for name, callback := range o.Callbacks {
				for _, inner := range callback.Value.Map() {
					for _, o := range inner.Operations() {
						visit("callback "+name, o, true)
					}
				}
			}
		}
	}
}

// described is a route's path as the document writes it.
func described(path string) string {
	return regexp.MustCompile(`:(\w+)`).ReplaceAllString(path, "{$1}")
}

func TestTheDocumentIsValidOpenAPI303(t *testing.T) {
	t.Parallel()
	doc := loadDocument(t)
	require.Equal(t, "3.0.3", doc.OpenAPI)
	require.NoError(t, doc.Validate(t.Context()), "examples are checked against their schemas too")
	require.NotNil(t, doc.Info.License)
	require.Len(t, doc.Servers, 1)
	require.Len(t, doc.Servers[0].Variables, 1)
}

func TestEveryRouteIsInTheDocumentAndTheReverse(t *testing.T) {
	t.Parallel()
	doc := loadDocument(t)
	var routed, documented []string
	for _, r := range (&Server{}).routes() {
		routed = append(routed, r.method+" "+described(r.path))
	}
	eachOperation(doc, func(name string, _ *openapi3.Operation, callback bool) {
		if !callback {
			documented = append(documented, name)
		}
	})
	require.ElementsMatch(t, routed, documented)
}

func TestTheDocumentSaysOfEachRouteWhatTheTableDoes(t *testing.T) {
	t.Parallel()
	doc := loadDocument(t)
	credentials := map[access][]string{
		public: {}, userOrKey: {"apiKey", "bearer"}, userOnly: {"bearer"}, ownerOnly: {"bearer"}, keyOnly: {"apiKey", "bearer"},
		keyOrSigned: {"apiKey", "bearer", "signature"}, metricsToken: {"bearer"}, hookToken: {},
	}
	for _, r := range (&Server{}).routes() {
		name := r.method + " " + r.path
		o := doc.Paths.Find(described(r.path)).GetOperation(r.method)
		security := doc.Security
		if o.Security != nil {
			security = *o.Security
		}
		schemes := []string{}
		for _, alternative := range security {
			for scheme := range alternative {
				schemes = append(schemes, scheme)
				require.Contains(t, doc.Components.SecuritySchemes, scheme)
			}
		}
		require.ElementsMatch(t, credentials[r.access], schemes, name)
		require.Equal(t, r.idempotent, o.Parameters.GetByInAndName("header", idempotencyHeader) != nil, "%s: %s", name, idempotencyHeader)
		for status, answer := range o.Responses.Map() {
			if strings.HasPrefix(status, "2") {
				require.Equal(t, r.limited, answer.Value.Headers[limitHeader] != nil, "%s: %s", name, limitHeader)
			}
		}
		require.True(t, r.access == public || r.access == hookToken || o.Responses.Status(401) != nil, "%s: 401", name)
		require.True(t, (r.access != userOnly && r.access != ownerOnly) || o.Responses.Status(403) != nil, "%s: an API key is refused with 403", name)
		require.Equal(t, r.access == ownerOnly, strings.HasSuffix(o.Description, "For owners."), "%s: for owners", name)
		if r.limited {
			require.NotNil(t, o.Responses.Status(429).Value.Headers["Retry-After"], "%s: 429", name)
		}
	}
}

func TestOperationsKeepToWhatImportersUnderstand(t *testing.T) {
	t.Parallel()
	doc := loadDocument(t)
	var tags []string
	for _, tag := range doc.Tags {
		require.NotEmpty(t, tag.Description, tag.Name)
		tags = append(tags, tag.Name)
	}
	ids := map[string]string{}
	eachOperation(doc, func(name string, o *openapi3.Operation, callback bool) {
		require.Regexp(t, `^[a-z][a-zA-Z0-9]+$`, o.OperationID, name)
		require.Empty(t, ids[o.OperationID], "%s and %s have the same operationId", name, ids[o.OperationID])
		ids[o.OperationID] = name
		require.Len(t, o.Tags, 1, name)
		require.Contains(t, tags, o.Tags[0], name)
		require.NotEmpty(t, o.Summary, name)
		require.LessOrEqual(t, len(o.Summary), 50, name)
		require.NotEmpty(t, o.Description, name)
		for _, p := range o.Parameters {
			require.NotEmpty(t, p.Value.Description, "%s: %s", name, p.Value.Name)
			require.NotNil(t, p.Value.Example, "%s: %s", name, p.Value.Name)
		}
		if o.RequestBody != nil && !callback {
			if body := o.RequestBody.Value.Content["application/json"]; body != nil {
				requireFlat(t, name, body.Schema.Value)
			}
		}
		refused := false
		for status, answer := range o.Responses.Map() {
			refused = refused || strings.HasPrefix(status, "4")
			if status >= "400" && !callback {
				require.Equal(t, "#/components/schemas/Error", answer.Value.Content.Get("application/json").Schema.Ref, "%s: %s", name, status)
			}
		}
		require.True(t, refused, "%s has no 4xx", name)
	})
}

// requireFlat refuses a request body that is a choice of schemas, and one that lets unknown fields pass: the server does not.
func requireFlat(t *testing.T, name string, s *openapi3.Schema) {
	t.Helper()
	require.True(t, s.Type.Is("object"), name)
	require.NotNil(t, s.AdditionalProperties.Has, name)
	require.False(t, *s.AdditionalProperties.Has, name)
	for field, property := range s.Properties {
		require.Empty(t, property.Value.OneOf, "%s: %s", name, field)
		require.Empty(t, property.Value.AnyOf, "%s: %s", name, field)
		require.Empty(t, property.Value.AllOf, "%s: %s", name, field)
		require.LessOrEqual(t, len(property.Value.Type.Slice()), 1, "%s: %s", name, field)
	}
}

func TestEveryFieldHasADescriptionAndAnExample(t *testing.T) {
	t.Parallel()
	doc := loadDocument(t)
	for name, schema := range doc.Components.Schemas {
		require.NotEmpty(t, schema.Value.Description, name)
		requireExplained(t, name, schema.Value)
	}
	eachOperation(doc, func(name string, o *openapi3.Operation, _ bool) {
		if o.RequestBody == nil {
			return
		}
		for _, content := range o.RequestBody.Value.Content {
			requireExplained(t, name, content.Schema.Value)
		}
	})
}

func requireExplained(t *testing.T, name string, s *openapi3.Schema) {
	t.Helper()
	for field, ref := range s.Properties {
		at := name + "." + field
		require.NotEmpty(t, ref.Value.Description, at)
		require.True(t, hasExample(ref.Value), at)
		requireExplained(t, at, ref.Value)
	}
	if s.Items != nil {
		requireExplained(t, name+"[]", s.Items.Value)
	}
}

// hasExample: an object has the examples of its fields, and a list those of its rows.
func hasExample(s *openapi3.Schema) bool {
	return s.Example != nil || len(s.Properties) > 0 || (s.Items != nil && len(s.Items.Value.Properties) > 0)
}

func TestTheDocumentNamesEveryEventAndFormat(t *testing.T) {
	t.Parallel()
	doc := loadDocument(t)
	create := doc.Paths.Find("/v1/webhooks").Post
	body := create.RequestBody.Value.Content.Get("application/json").Schema.Value
	var known, delivered, formats []string
	for _, e := range event.Types() {
		known = append(known, e.Event)
	}
	for name := range webhook.Formats() {
		formats = append(formats, name)
	}
	require.ElementsMatch(t, known, texts(body.Properties["events"].Value.Items.Value.Enum))
	require.ElementsMatch(t, known, texts(doc.Components.Schemas["Event"].Value.Properties["event"].Value.Enum))
	require.ElementsMatch(t, formats, texts(body.Properties["format"].Value.Enum))
	for _, callback := range create.Callbacks {
		o := callback.Value.Value("{$request.body#/url}").Post
		if header := o.Parameters.GetByInAndName("header", "X-Switchhook-Event"); header != nil {
			delivered = append(delivered, texts(header.Schema.Value.Enum)...)
		}
	}
	require.ElementsMatch(t, known, delivered, "each event has its callback")
}

func TestTheCallbacksShowTheGoldenEvents(t *testing.T) {
	t.Parallel()
	create := loadDocument(t).Paths.Find("/v1/webhooks").Post
	shown := map[string][2]string{
		"messageReceived": {event.MessageReceived}, "messageStatus": {event.MessageStatus}, "sessionStatus": {event.SessionStatus},
		"sessionQr": {event.SessionQR}, "postPublished": {event.PostPublished}, "postFailed": {event.PostFailed},
		"postScheduled": {event.PostScheduled}, "accountConnected": {event.AccountLinked},
		"accountDisconnected": {event.AccountUnlinked}, "webhookDisabled": {event.WebhookDisabled},
		"whathooksEvent":    {event.MessageReceived, webhook.FormatWhathooks},
		"socialsyncerEvent": {event.PostPublished, webhook.FormatSocialSyncer},
		"sociocsMessage":    {event.MessageReceived, webhook.FormatSociocs},
		"sociocsStatus":     {event.MessageStatus, webhook.FormatSociocs},
	}
	require.Len(t, create.Callbacks, len(shown))
	for name, of := range shown {
		require.Contains(t, create.Callbacks, name)
		o := create.Callbacks[name].Value.Value("{$request.body#/url}").Post
		example, err := json.Marshal(o.RequestBody.Value.Content.Get("application/json").Example)
		require.NoError(t, err)
		golden, found := samples.SampleOf(of[0], of[1])
		require.True(t, found, name)
		require.JSONEq(t, string(golden), string(example), name)
	}
}

func texts(values []any) []string {
	var all []string
	for _, value := range values {
		all = append(all, fmt.Sprint(value))
	}
	return all
}

func TestAStrangerIsRefusedEverywhereAsTheDocumentSays(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	g.install()
	check := openapitest.New(t, readDocument(t))
	for _, r := range g.routes() {
		if r.access == public || r.access == hookToken {
			continue
		}
		path := regexp.MustCompile(`:\w+`).ReplaceAllString(r.path, "x")
		response := g.call(t, r.method, path, "")
		require.Contains(t, []int{401, 403}, response.StatusCode(), "%s %s", r.method, path)
		header := http.Header{}
		for name, value := range response.Header.All() {
			header.Add(string(name), string(value))
		}
		check.Check(t, r.method, path, response.StatusCode(), header, slices.Clone(response.Body()))
	}
}
