package openapitest_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/integrations/samples"
	"github.com/switchhook/switchhook/internal/openapi/openapitest"
)

func checker(t *testing.T) *openapitest.Checker {
	t.Helper()
	document, err := os.ReadFile("../../../openapi.yaml")
	require.NoError(t, err)
	return openapitest.New(t, document)
}

func answered(contentType string) http.Header {
	h := http.Header{"X-Request-Id": {"req_1"}}
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	return h
}

const key = `{"id":"key_1","name":"n8n","hint":"sk_live_1…","createdAt":"2026-06-29T14:21:07.000Z","lastUsedAt":null}`

func TestAnAnswerThatTheDocumentDescribesPasses(t *testing.T) {
	t.Parallel()
	c := checker(t)
	c.Check(t, "GET", "http://127.0.0.1:1234/v1/keys?limit=1", 200, answered("application/json"), []byte(`{"data":[`+key+`],"nextCursor":null}`))
	c.Check(t, "DELETE", "/v1/keys/key_1", 204, answered(""), nil)
	c.Check(t, "GET", "/v1/keys", 401, answered("application/json; charset=utf-8"), []byte(`{"code":"unauthorized","message":"No.","requestId":"req_1"}`))
	c.Check(t, "GET", "/nowhere", 404, answered("application/json"), []byte(`{"code":"route_not_found","message":"No.","requestId":"req_1"}`))
	c.Check(t, "GET", "/metrics", 200, answered("text/plain; version=0.0.4"), []byte("a 1\n"))
	c.Check(t, "POST", "/callbacks/sandbox/chan_1", 200, answered("text/xml"), []byte("<Response/>"))
	sample, _ := samples.Sample("message.received")
	c.Check(t, "GET", "/v1/events/samples/message.received", 200, answered("application/json"), sample)
}

func TestAnAnswerThatTheDocumentDoesNotDescribeFails(t *testing.T) {
	t.Parallel()
	c := checker(t)
	for name, test := range map[string]struct {
		method, address string
		status          int
		contentType     string
		body            string
	}{
		"a field is missing":        {"GET", "/v1/keys", 200, "application/json", `{"data":[]}`},
		"a field too many":          {"GET", "/v1/keys", 200, "application/json", `{"data":[],"nextCursor":null,"secret":"s"}`},
		"a nested field too many":   {"GET", "/v1/keys", 200, "application/json", `{"data":[` + strings.Replace(key, "{", `{"key":"s",`, 1) + `],"nextCursor":null}`},
		"a wrong type":              {"GET", "/v1/keys", 200, "application/json", `{"data":[],"nextCursor":1}`},
		"a status that is not told": {"GET", "/v1/keys", 418, "application/json", `{}`},
		"a content type":            {"GET", "/v1/keys", 200, "text/html", `<p>`},
		"no content type":           {"GET", "/v1/keys", 200, "", `{}`},
		"a body with 204":           {"DELETE", "/v1/keys/key_1", 204, "application/json", `{}`},
		"an unknown address":        {"GET", "/nowhere", 200, "application/json", `{}`},
		"an unknown address, bare":  {"GET", "/nowhere", 404, "text/plain", `Not Found`},
		"an error without a code":   {"GET", "/v1/me", 401, "application/json", `{"message":"No.","requestId":"req_1"}`},
	} {
		require.Error(t, c.Validate(test.method, test.address, test.status, answered(test.contentType), []byte(test.body)), name)
	}
	require.Error(t, c.Validate("GET", "/v1/keys", 200, http.Header{"Content-Type": {"application/json"}}, []byte(`{"data":[],"nextCursor":null}`)), "no request id")
	require.Error(t, c.ValidateSchema("None", []byte(`{}`)))
}

func TestTheGoldenEventsAreWhatTheDocumentDescribes(t *testing.T) {
	t.Parallel()
	c := checker(t)
	for _, test := range []struct{ event, format, schema string }{
		{"message.received", "", "MessageReceivedEvent"},
		{"message.status", "", "MessageStatusEvent"},
		{"session.status", "", "SessionStatusEvent"},
		{"session.qr", "", "SessionQREvent"},
		{"post.published", "", "PostEvent"},
		{"post.failed", "", "PostEvent"},
		{"post.scheduled", "", "PostEvent"},
		{"account.connected", "", "ChannelEvent"},
		{"account.disconnected", "", "ChannelEvent"},
		{"webhook.disabled", "", "WebhookDisabledEvent"},
		{"message.received", "whathooks", "WhathooksEvent"},
		{"message.status", "whathooks", "WhathooksEvent"},
		{"session.status", "whathooks", "WhathooksEvent"},
		{"session.qr", "whathooks", "WhathooksEvent"},
		{"message.received", "socialsyncer", "SocialSyncerEvent"},
		{"message.status", "socialsyncer", "SocialSyncerEvent"},
		{"post.published", "socialsyncer", "SocialSyncerEvent"},
		{"post.failed", "socialsyncer", "SocialSyncerEvent"},
		{"post.scheduled", "socialsyncer", "SocialSyncerEvent"},
		{"account.connected", "socialsyncer", "SocialSyncerEvent"},
		{"account.disconnected", "socialsyncer", "SocialSyncerEvent"},
		{"message.received", "sociocs", "SociocsMessage"},
		{"message.status", "sociocs", "SociocsStatus"},
	} {
		body, found := samples.SampleOf(test.event, test.format)
		require.True(t, found)
		require.NoError(t, c.ValidateSchema(test.schema, body), "%s %s", test.event, test.format)
	}
}
