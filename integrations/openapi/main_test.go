package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

func document(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile("../../openapi.yaml")
	require.NoError(t, err)
	return raw
}

func derived(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := derive(document(t))
	require.NoError(t, err)
	return files
}

func TestTheDerivedFilesAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	for name, content := range derived(t) {
		kept, err := os.ReadFile(filepath.Join("dist", name))
		require.NoError(t, err)
		wanted, found := strings.Split(string(content), "\n"), strings.Split(string(kept), "\n")
		for i := range min(len(wanted), len(found)) { // the whole files would fill the screen
			require.Equal(t, wanted[i], found[i], "line %d of %s is not what openapi.yaml says now. In the repository's root: go run ./integrations/openapi", i+1, name)
		}
		require.Len(t, found, len(wanted), "lines of %s. In the repository's root: go run ./integrations/openapi", name)
	}
}

func TestEverySampleIsWhatItsCallbackDescribes(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(document(t))
	require.NoError(t, err)
	callbacks := doc.Paths.Find(webhooks).Post.Callbacks
	unseen := map[string]bool{}
	for name := range callbacks {
		unseen[name] = true
	}
	for name, sample := range readSamples(t) {
		callback := callbackOf(name)
		require.Contains(t, callbacks, callback, name)
		delete(unseen, callback)
		body := callbacks[callback].Value.Value("{$request.body#/url}").Post.RequestBody.Value
		require.NoError(t, body.Content.Get("application/json").Schema.Value.VisitJSON(sample, openapi3.MultiErrors()), name)
	}
	require.Empty(t, unseen, "callbacks without a sample")
}

// readSamples returns the golden events by their files' names without .json.
func readSamples(t *testing.T) map[string]map[string]any {
	t.Helper()
	paths, err := filepath.Glob("../samples/*.json")
	require.NoError(t, err)
	require.Greater(t, len(paths), 20)
	all := map[string]map[string]any{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		var sample map[string]any
		require.NoError(t, json.Unmarshal(raw, &sample), path)
		all[strings.TrimSuffix(filepath.Base(path), ".json")] = sample
	}
	return all
}

// callbackOf names the callback of a sample: message.received has messageReceived, its form for Whathooks whathooksEvent.
func callbackOf(sample string) string {
	parts := strings.Split(sample, ".")
	if len(parts) == 2 {
		return parts[0] + strings.ToUpper(parts[1][:1]) + parts[1][1:]
	}
	if parts[2] == "sociocs" {
		return map[string]string{"received": "sociocsMessage", "status": "sociocsStatus"}[parts[1]]
	}
	return parts[2] + "Event"
}

func TestPowerAutomateGetsATriggerThatKnowsTheFieldsOfEveryEvent(t *testing.T) {
	t.Parallel()
	var d openapi2.T
	raw := derived(t)["power-automate.swagger.json"]
	require.Less(t, len(raw), 1_000_000, "Power Automate takes less than a megabyte")
	require.NoError(t, json.Unmarshal(raw, &d))
	require.Equal(t, "2.0", d.Swagger)
	require.Len(t, d.SecurityDefinitions, 1)
	path := d.Paths[webhooks]
	require.Equal(t, "single", path.Post.Extensions["x-ms-trigger"])
	var body *openapi2.Schema
	for _, p := range path.Post.Parameters {
		if p.In == "body" {
			body = p.Schema.Value
		}
	}
	require.NotNil(t, body)
	require.Equal(t, true, body.Properties["url"].Value.Extensions["x-ms-notification-url"])
	require.NotContains(t, body.Properties, "format", "the content is described in one format")
	require.Len(t, path.Post.Parameters, 1, "no Idempotency-Key")
	require.NotNil(t, d.Paths[webhooks+"/{id}"].Delete)

	content, ok := path.Extensions["x-ms-notification-content"].(map[string]any)
	require.True(t, ok)
	event := properties(t, content["schema"])
	data := properties(t, event["data"])
	for name, sample := range readSamples(t) {
		if strings.Count(name, ".") > 1 { // of another format
			continue
		}
		for field := range sample {
			require.Contains(t, event, field, name)
		}
		fields, ok := sample["data"].(map[string]any)
		require.True(t, ok, name)
		for field := range fields {
			require.Contains(t, data, field, name)
		}
	}
}

func properties(t *testing.T, schema any) map[string]any {
	t.Helper()
	object, ok := schema.(map[string]any)
	require.True(t, ok)
	fields, ok := object["properties"].(map[string]any)
	require.True(t, ok)
	return fields
}

func TestTheDerivedFilesKeepNothingThatTheirVersionDoesNotKnow(t *testing.T) {
	t.Parallel()
	files := derived(t)
	require.NotContains(t, string(files["openapi-3.1.yaml"]), "nullable:")
	require.NotContains(t, string(files["openapi-3.1.yaml"]), "format: binary")
	for _, unknown := range []string{`"nullable"`, `#/components/`, `"callbacks"`, `"requestBody"`} {
		require.NotContains(t, string(files["power-automate.swagger.json"]), unknown)
	}
	require.Equal(t, files, derived(t), "the same document gives the same files")
}

func TestADocumentThatCannotBeDerivedIsAnError(t *testing.T) {
	t.Parallel()
	for _, broken := range []string{
		"", "a: [", "- a",
		"paths: {}", // no webhooks
		"security: [{apiKey: []}]\npaths: {/a: {get: {parameters: [{$ref: '#/components/parameters/None'}]}}}",
		"security: [{apiKey: []}]\npaths: {/a: {get: {responses: {'400': {$ref: '#/components/responses/None'}}}}}",
		"security: [{apiKey: []}]\npaths: {/a: {post: {requestBody: {}}}}",
		"security: [{apiKey: []}]\npaths: {/v1/webhooks: {post: {}}, '/v1/webhooks/{id}': {delete: {}}}", // no events
	} {
		_, err := derive([]byte(broken))
		require.Error(t, err, "%q", broken)
	}
}

func TestTitlesReadAsWords(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"channelIds": "Channel ids", "phone_number": "Phone number", "Idempotency-Key": "Idempotency key", "userID": "User id", "to": "To", "": ""} {
		require.Equal(t, want, title(name))
	}
}
