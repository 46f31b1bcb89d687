package server

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/sandbox"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/media"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

// newChannelGate is a gate with sandbox channels, contacts and files, and the routes of those.
func newChannelGate(t *testing.T) *gate {
	t.Helper()
	g := newGate(t, func(o *Options) {
		sealer, err := secret.NewSealer("a key of at least thirty-two bytes")
		require.NoError(t, err)
		o.Connectors = map[string]connectors.Connector{sandbox.Kind: sandbox.New()}
		o.BaseURL = "https://hooks.example.com"
		o.Channels, err = channel.New(channel.Options{
			Store: o.Store, Sealer: sealer, Connectors: o.Connectors, HTTP: &http.Client{}, PublicHTTP: &http.Client{}, Dial: (&net.Dialer{}).DialContext, IDs: o.Accounts.IDs(),
			Logger: o.Logger, Now: o.Now, BaseURL: o.BaseURL,
		})
		require.NoError(t, err)
		o.Media, err = media.New(media.Options{
			Store: o.Store, Sealer: sealer, Channels: o.Channels, Dir: filepath.Join(t.TempDir(), "media"), HTTP: &http.Client{},
			IDs: o.Accounts.IDs(), Logger: o.Logger, Now: o.Now, BaseURL: o.BaseURL,
		})
		require.NoError(t, err)
	})
	t.Cleanup(g.Media.Close)
	for _, r := range g.routes() {
		for _, prefix := range []string{"/v1/connectors", "/v1/channels", "/v1/contacts", "/media"} {
			if strings.HasPrefix(r.path, prefix) {
				g.route(r)
			}
		}
	}
	return g
}

// send calls as ann's key and returns the answer's body, which must have the status.
func (g *gate) send(t *testing.T, status int, method, path, body string, headers ...string) map[string]any {
	t.Helper()
	response := g.call(t, method, path, body, append(headers, "X-Api-Key: "+g.keyText, "Content-Type: application/json")...)
	requireAnswer(t, response, status, "")
	var decoded map[string]any
	if len(response.Body()) > 0 {
		require.NoError(t, json.Unmarshal(response.Body(), &decoded), "%s", response.Body())
	}
	return decoded
}

func TestConnectorsAreListedWithTheirFields(t *testing.T) {
	t.Parallel()
	g := newChannelGate(t)
	answer := g.send(t, 200, "GET", "/v1/connectors", "")
	require.Nil(t, answer["nextCursor"])
	kind := answer["data"].([]any)[0].(map[string]any)
	require.Equal(t, "sandbox", kind["kind"])
	require.NotEmpty(t, kind["fields"])
	require.NotEmpty(t, kind["abilities"])
}

func TestAChannelLivesThroughTheAPI(t *testing.T) {
	t.Parallel()
	g := newChannelGate(t)
	made := g.send(t, 201, "POST", "/v1/channels", `{"connector":"sandbox","name":"Try","config":{"number":"+1 555 000 0001","signingSecret":"hush hush"}}`)
	id := made["id"].(string)
	require.Equal(t, "sandbox_15550000001", made["channelKey"])
	require.Equal(t, "https://hooks.example.com/callbacks/sandbox/"+id, made["callbackUrl"])
	require.Equal(t, map[string]any{"number": "15550000001", "signingSecret": connectors.Mask}, made["config"])
	require.Equal(t, "new", made["status"])
	require.Equal(t, made, g.send(t, 200, "GET", "/v1/channels/"+id, ""))
	list := g.send(t, 200, "GET", "/v1/channels", "")
	require.Equal(t, []any{made}, list["data"])

	checked := g.send(t, 200, "POST", "/v1/channels/"+id+"/check", "")
	require.Equal(t, true, checked["ok"])
	changed := g.send(t, 200, "PATCH", "/v1/channels/"+id, `{"name":"Tried","config":{"signingSecret":null}}`)
	require.Equal(t, "Tried", changed["name"])
	require.Equal(t, map[string]any{"number": "15550000001"}, changed["config"])
	require.Equal(t, "disabled", g.send(t, 200, "PATCH", "/v1/channels/"+id, `{"status":"disabled"}`)["status"])
	require.Equal(t, problem.ChannelNotConnected, g.send(t, 400, "POST", "/v1/channels/"+id+"/check", "")["code"])
	require.Equal(t, "new", g.send(t, 200, "PATCH", "/v1/channels/"+id, `{"status":"active"}`)["status"])

	_, _, foreign := g.tenant(t, "bob")
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		response := g.call(t, method, "/v1/channels/"+id, "", "X-Api-Key: "+foreign)
		requireAnswer(t, response, 404, problem.NotFound)
	}
	require.Nil(t, g.send(t, 204, "DELETE", "/v1/channels/"+id, ""))
	g.send(t, 404, "GET", "/v1/channels/"+id, "")
}

func TestWrongChannelsAreRefusedWithTheirFields(t *testing.T) {
	t.Parallel()
	g := newChannelGate(t)
	g.send(t, 201, "POST", "/v1/channels", `{"connector":"sandbox"}`)
	id := g.send(t, 201, "POST", "/v1/channels", `{"connector":"sandbox","config":{"number":"15550000002"}}`)["id"].(string)
	for body, field := range map[string]string{
		`{"connector":"pigeon"}`: "connector", `{}`: "connector", `{"connector":1}`: "connector", `{"conector":"sandbox"}`: "conector",
		`{"connector":"sandbox","config":{"number":15550000003}}`: "config.number",
		`{"connector":"sandbox","config":{"number":"x"}}`:         "config.number",
		`{"connector":"sandbox","config":[]}`:                     "config",
		`{"connector":"sandbox","config":{"colour":"red"}}`:       "config.colour",
	} {
		require.Equal(t, field, g.send(t, 400, "POST", "/v1/channels", body)["field"], body)
	}
	require.Equal(t, problem.ChannelExists, g.send(t, 409, "POST", "/v1/channels", `{"connector":"sandbox"}`)["code"])
	require.Equal(t, "status", g.send(t, 400, "PATCH", "/v1/channels/"+id, `{"status":"connected"}`)["field"])
	require.Equal(t, "name", g.send(t, 400, "PATCH", "/v1/channels/"+id, `{"name":""}`)["field"])
	require.Len(t, g.send(t, 200, "GET", "/v1/channels", "")["data"], 2)
	require.Equal(t, problem.InvalidCursor, g.send(t, 400, "GET", "/v1/channels?cursor=x", "")["code"])
}

func TestAChannelOrContactAskedForTwiceUnderOneKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	g := newChannelGate(t)
	for path, body := range map[string]string{
		"/v1/channels": `{"connector":"sandbox"}`, "/v1/contacts": `{"name":"Emily","phone_number":"16311112222"}`,
	} {
		first := g.send(t, 201, "POST", path, body, "Idempotency-Key: "+path)
		require.Equal(t, first, g.send(t, 201, "POST", path, body, "Idempotency-Key: "+path))
		g.send(t, 409, "POST", path, body)
		require.Len(t, g.send(t, 200, "GET", path, "")["data"], 1)
	}
}

func TestAContactLivesThroughTheAPI(t *testing.T) {
	t.Parallel()
	g := newChannelGate(t)
	made := g.send(t, 201, "POST", "/v1/contacts",
		`{"name":"Emily Johnson","phone_number":"+1 (631) 111-2222","phone_number_cc":"+1","extra_fields":{"city": "Ahmedabad", "n": 1}}`)
	path := fmt.Sprintf("/v1/contacts/%.0f", made["id"])
	require.Equal(t, "16311112222", made["phone_number"])
	require.Equal(t, "1", made["phone_number_cc"])
	require.JSONEq(t, `{"city":"Ahmedabad","n":1}`, made["extra_fields"].(string))
	require.EqualValues(t, 0, made["is_blocked"])
	_, err := time.Parse("2006-01-02T15:04:05.000Z", made["created_at"].(string))
	require.NoError(t, err)
	require.Equal(t, made, g.send(t, 200, "GET", path, ""))
	for body, blocked := range map[string]int{`{"is_blocked":1}`: 1, `{"is_blocked":false}`: 0, `{"is_blocked":true}`: 1, `{"is_blocked":0}`: 0} {
		require.EqualValues(t, blocked, g.send(t, 200, "PATCH", path, body)["is_blocked"])
	}
	changed := g.send(t, 200, "PATCH", path, `{"name":"Emily J.","extra_fields":"{\"city\": \"Pune\"}"}`)
	require.Equal(t, "Emily J.", changed["name"])
	require.JSONEq(t, `{"city":"Pune"}`, changed["extra_fields"].(string))
	require.Equal(t, "16311112222", changed["phone_number"])

	_, _, foreign := g.tenant(t, "bob")
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		requireAnswer(t, g.call(t, method, path, "", "X-Api-Key: "+foreign), 404, problem.NotFound)
	}
	g.send(t, 204, "DELETE", path, "")
	g.send(t, 404, "DELETE", path, "")
	for _, id := range []string{"x", "0", "-1", "99999999999999999999"} {
		g.send(t, 404, "GET", "/v1/contacts/"+id, "")
	}
}

func TestWrongContactsAreRefusedWithTheirFields(t *testing.T) {
	t.Parallel()
	g := newChannelGate(t)
	all := g.send(t, 400, "POST", "/v1/contacts",
		`{"name":"a\u0007","phone_number":"12","phone_number_cc":"x","extra_fields":[1],"is_blocked":2}`)["errors"].([]any)
	require.Len(t, all, 5)
	require.Equal(t, problem.RequiredField, g.send(t, 400, "POST", "/v1/contacts", `{}`)["code"])
	for _, extra := range []string{`"not json"`, `"[]"`, `1`, `{"a":1,"a":2}`, `"{} {}"`, `"{\"a\":\"\\u0000\"}"`, `{"a":"` + strings.Repeat("x", 9000) + `"}`} {
		body := `{"phone_number":"16311112222","extra_fields":` + extra + `}`
		require.Equal(t, "extra_fields", g.send(t, 400, "POST", "/v1/contacts", body)["field"], extra)
	}
	require.Empty(t, g.send(t, 200, "GET", "/v1/contacts", "")["data"])
}

func TestContactsAreSearchedAndPaged(t *testing.T) {
	t.Parallel()
	g := newChannelGate(t)
	for i := range 3 {
		g.send(t, 201, "POST", "/v1/contacts", fmt.Sprintf(`{"name":"Person %d","phone_number":"1631111222%d"}`, i, i))
	}
	first := g.send(t, 200, "GET", "/v1/contacts?limit=2", "")
	require.Len(t, first["data"], 2)
	rest := g.send(t, 200, "GET", "/v1/contacts?limit=2&cursor="+first["nextCursor"].(string), "")
	require.Len(t, rest["data"], 1)
	require.Nil(t, rest["nextCursor"])
	require.Len(t, g.send(t, 200, "GET", "/v1/contacts?q=pERSON%201", "")["data"], 1)
	require.Len(t, g.send(t, 200, "GET", "/v1/contacts?phone_number=%2B16311112222", "")["data"], 1)
	require.Empty(t, g.send(t, 200, "GET", "/v1/contacts?q=%25", "")["data"])
	for query, field := range map[string]string{"limit=0": "limit", "limit=101": "limit", "cursor=x": "cursor", "cursor=-1": "cursor", "phone_number=x": "phone_number", "q=%ff": "q"} {
		require.Equal(t, field, g.send(t, 400, "GET", "/v1/contacts?"+query, "")["field"], query)
	}
}

func TestAFileIsDownloadedAndNeverShown(t *testing.T) {
	t.Parallel()
	g := newChannelGate(t)
	page := "<!DOCTYPE html><script>alert(1)</script>" + strings.Repeat("x", 1<<20)
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page) }))
	t.Cleanup(provider.Close)
	id := g.send(t, 201, "POST", "/v1/channels", `{"connector":"sandbox"}`)["id"].(string)
	row, url, err := g.Media.Reserve(g.token.Account.ID, id, connectors.MediaRef{URL: provider.URL, FileName: "../evil\r\n.html"})
	require.NoError(t, err)
	require.NoError(t, g.Store.InsertEventGroupAny(t.Context(), store.EventGroup{Media: []*store.Media{row}}, time.Now()))

	response, err := g.app.Test(httptest.NewRequest(http.MethodGet, strings.TrimPrefix(url, "https://hooks.example.com"), nil), -1)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, page, string(content))
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.EqualValues(t, len(page), response.ContentLength)
	for name, value := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'",
		"Content-Disposition": `attachment; filename="evil.html"; filename*=UTF-8''evil.html`, "Referrer-Policy": "no-referrer",
	} {
		require.Equal(t, value, response.Header.Get(name), name)
	}
	require.Contains(t, response.Header.Get("Cache-Control"), "private")
	requireAnswer(t, g.call(t, "GET", "/media/"+strings.Repeat("A", 43), ""), 404, problem.NotFound)
}

func TestAFileThatCannotBeFetchedSaysWhenToComeBack(t *testing.T) {
	t.Parallel()
	g := newChannelGate(t)
	provider := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(provider.Close)
	id := g.send(t, 201, "POST", "/v1/channels", `{"connector":"sandbox"}`)["id"].(string)
	row, url, err := g.Media.Reserve(g.token.Account.ID, id, connectors.MediaRef{URL: provider.URL})
	require.NoError(t, err)
	require.NoError(t, g.Store.InsertEventGroupAny(t.Context(), store.EventGroup{Media: []*store.Media{row}}, time.Now()))
	response := g.call(t, "GET", strings.TrimPrefix(url, "https://hooks.example.com"), "")
	requireAnswer(t, response, 502, problem.MediaUnavailable)
	require.NotEmpty(t, response.Header.Peek("Retry-After"))
	require.NotContains(t, string(response.Body()), provider.URL)
}
