package server

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"github.com/switchhook/switchhook/internal/problem"
)

// newAccountGate has the rows of the route table that this file is about.
func newAccountGate(t *testing.T) *gate {
	t.Helper()
	g := newGate(t)
	for _, r := range g.accountRoutes() {
		g.route(r)
	}
	return g
}

const asJSON = "Content-Type: application/json"

// read decodes an answer and checks its status.
func read[T any](t *testing.T, response *fasthttp.Response, status int) T {
	t.Helper()
	requireAnswer(t, response, status, "")
	var value T
	require.NoError(t, json.Unmarshal(response.Body(), &value))
	return value
}

type loginAnswer struct {
	Token, ExpiresAt string
	User             struct{ ID, Email, Role string }
	Account          struct{ ID, Name string }
}

type shownKey struct{ ID, Name, Key, Hint, CreatedAt string }

func TestAnAccountIsRegisteredLoggedInAndSeen(t *testing.T) {
	t.Parallel()
	g := newAccountGate(t)
	registered := read[loginAnswer](t, g.call(t, "POST", "/v1/auth/register", `{"email":"Eve@example.com","password":"correct horse battery","organization":"Eve's"}`, asJSON), 201)
	require.Equal(t, "eve@example.com", registered.User.Email)
	require.Equal(t, "Eve's", registered.Account.Name)
	require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$`, registered.ExpiresAt)

	in := read[loginAnswer](t, g.call(t, "POST", "/v1/auth/login", `{"email":"eve@example.com","password":"correct horse battery"}`, asJSON), 200)
	require.Equal(t, registered.Account, in.Account)
	for _, token := range []string{registered.Token, in.Token} {
		me := read[map[string]any](t, g.call(t, "GET", "/v1/me", "", "Authorization: Bearer "+token), 200)
		require.Equal(t, "loginToken", me["authenticatedWith"])
		require.Nil(t, me["key"])
		require.Contains(t, me["account"], "name")
	}
	requireAnswer(t, g.call(t, "POST", "/v1/auth/login", `{"email":"eve@example.com","password":"wrong password"}`, asJSON), 401, problem.Unauthorized)
	requireAnswer(t, g.call(t, "POST", "/v1/auth/login", `{"email":"eve@example.com","pasword":"x"}`, asJSON), 400, problem.UnknownField)
	requireAnswer(t, g.call(t, "POST", "/v1/auth/login", `email=eve`, "Content-Type: application/x-www-form-urlencoded"), 415, problem.UnsupportedMediaType)
	requireAnswer(t, g.call(t, "POST", "/v1/auth/register", `{"email":"eve@example.com","password":"correct horse battery","organization":"x"}`, asJSON), 409, problem.EmailTaken)
	requireAnswer(t, g.call(t, "POST", "/v1/auth/register", `{"email":"x","password":"short","organization":""}`, asJSON), 400, problem.InvalidField)
}

func TestAKeyIsShownOnceListedAndEnded(t *testing.T) {
	t.Parallel()
	g := newAccountGate(t)
	login := "Authorization: Bearer " + g.token.Text.Reveal()
	made := read[shownKey](t, g.call(t, "POST", "/v1/keys", `{"name":"n8n"}`, asJSON, login), 201)
	require.Regexp(t, `^sk_live_[0-9a-f]{64}$`, made.Key)
	require.Equal(t, "n8n", made.Name)

	response := g.call(t, "GET", "/v1/keys?limit=1", "", login)
	require.NotContains(t, string(response.Body()), made.Key)
	page := read[struct {
		Data       []shownKey
		NextCursor string
	}](t, response, 200)
	require.Equal(t, made.ID, page.Data[0].ID)
	require.Equal(t, "sk_live_…"+made.Key[68:], page.Data[0].Hint)
	require.Contains(t, string(g.call(t, "GET", "/v1/keys?cursor="+page.NextCursor, "", login).Body()), g.key.ID)

	me := read[map[string]any](t, g.call(t, "GET", "/v1/me", "", "X-Api-Key: "+made.Key), 200)
	require.Equal(t, "apiKey", me["authenticatedWith"])
	require.Equal(t, made.ID, me["key"].(map[string]any)["id"])

	rotated := read[shownKey](t, g.call(t, "POST", "/v1/keys/"+made.ID+"/rotate", "", login), 200)
	requireAnswer(t, g.call(t, "GET", "/v1/me", "", "X-Api-Key: "+made.Key), 401, problem.Unauthorized)
	requireAnswer(t, g.call(t, "GET", "/v1/me", "", "X-Api-Key: "+rotated.Key), 200, "")
	requireAnswer(t, g.call(t, "DELETE", "/v1/keys/"+made.ID, "", login), 204, "")
	requireAnswer(t, g.call(t, "GET", "/v1/me", "", "X-Api-Key: "+rotated.Key), 401, problem.Unauthorized)
}

func TestKeysOfAnotherAccountAreNotFound(t *testing.T) {
	t.Parallel()
	g := newAccountGate(t)
	other, _, _ := g.tenant(t, "bob")
	login := "Authorization: Bearer " + other.Text.Reveal()
	requireAnswer(t, g.call(t, "DELETE", "/v1/keys/"+g.key.ID, "", login), 404, problem.NotFound)
	requireAnswer(t, g.call(t, "POST", "/v1/keys/"+g.key.ID+"/rotate", "", login), 404, problem.NotFound)
	require.NotContains(t, string(g.call(t, "GET", "/v1/keys", "", login).Body()), g.key.ID)
	requireAnswer(t, g.call(t, "GET", "/v1/me", "", "X-Api-Key: "+g.keyText), 200, "")
}

func TestAKeyMadeWithAnIdempotencyKeyIsSealedInTheSavedAnswer(t *testing.T) {
	t.Parallel()
	g := newAccountGate(t)
	login := "Authorization: Bearer " + g.token.Text.Reveal()
	first := read[shownKey](t, g.call(t, "POST", "/v1/keys", `{"name":"n8n"}`, asJSON, login, "Idempotency-Key: one"), 201)
	response := g.call(t, "POST", "/v1/keys", `{"name":"n8n"}`, asJSON, login, "Idempotency-Key: one")
	require.Equal(t, first, read[shownKey](t, response, 201))
	require.Equal(t, "true", string(response.Header.Peek("Idempotency-Replayed")))
	saved, err := g.Store.IdempotencyKey(t.Context(), g.token.Account.ID, "one")
	require.NoError(t, err)
	require.NotContains(t, saved.Body, first.Key[8:])
	require.NotContains(t, saved.Body, "sk_live")
}

func TestOnlyAProgramOnThisMachineIsLocal(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	g.route(route{"GET", "/local", public, false, false, func(r *request) (answer, error) { return ok(local(r.Ctx)) }})
	for _, c := range []struct {
		from, host, header string
		want               string
	}{
		{"127.0.0.1", "localhost:8080", "", "true"},
		{"127.0.0.1", "127.0.0.1:8080", "", "true"},
		{"::1", "[::1]:8080", "", "true"},
		{"::ffff:127.0.0.1", "localhost", "", "true"},
		{"172.17.0.1", "localhost:8080", "", "false"},
		{"203.0.113.9", "localhost:8080", "", "false"},
		{"127.0.0.1", "rebound.example.com", "", "false"},
		{"127.0.0.1", "localhost.example.com", "", "false"},
		{"127.0.0.1", "localhost:8080", "X-Forwarded-For: 203.0.113.9", "false"},
		{"127.0.0.1", "localhost:8080", "X-Forwarded-For: 127.0.0.1", "false"},
		{"127.0.0.1", "localhost:8080", "Forwarded: for=203.0.113.9", "false"},
		{"127.0.0.1", "localhost:8080", "X-Real-IP: 203.0.113.9", "false"},
	} {
		headers := []string{"From: " + c.from, "Host: " + c.host}
		if c.header != "" {
			headers = append(headers, c.header)
		}
		require.Equal(t, c.want, string(g.call(t, "GET", "/local", "", headers...).Body()), "%+v", c)
	}
}
