package server_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/secret"
)

// password is that of every tenant.
const password = "correct horse battery"

// dashboard logs the tenant's user in to the dashboard and returns the login's id.
func (a *tenant) dashboard(t *testing.T) string {
	t.Helper()
	me := a.call(t, "GET", "/v1/me", "", a.token)
	l, _, err := a.parts.Accounts.StartLogin(t.Context(), me.text(t, "user", "email"), secret.String(password), netip.MustParseAddr("203.0.113.7"), "Firefox")
	require.NoError(t, err)
	return l.ID
}

// ask calls with a credential and requires a status.
func (w *world) ask(t *testing.T, status int, credential, method, path, body string) reply {
	t.Helper()
	r := w.call(t, method, path, body, credential)
	require.Equal(t, status, r.status, "%s %s: %s", method, path, r.body)
	return r
}

// joins accepts an invite and returns the new user's credential and id.
func (w *world) joins(t *testing.T, link, email string) (credential, userID string) {
	t.Helper()
	token := link[strings.LastIndexByte(link, '/')+1:]
	r := w.ask(t, 201, "", "POST", "/v1/auth/accept-invite", `{"token":"`+token+`","email":"`+email+`","password":"`+password+`"}`)
	return "Authorization: Bearer " + r.text(t, "token"), r.text(t, "user", "id")
}

func TestAColleagueIsInvitedWorksAndLeaves(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		ann := w.tenant(t, "ann")
		made := ann.ask(t, 201, ann.token, "POST", "/v1/invites", `{"email":"sam@example.com"}`)
		link := made.text(t, "url")
		require.True(t, strings.HasPrefix(link, w.url+"/app/invite/"), link)
		require.Equal(t, "member", made.text(t, "role"))
		listed := ann.ask(t, 200, ann.token, "GET", "/v1/invites", "")
		require.Contains(t, string(listed.body), made.text(t, "id"))
		require.NotContains(t, string(listed.body), link[strings.LastIndexByte(link, '/')+1:])

		sam, samID := w.joins(t, link, "sam@example.com")
		require.Equal(t, ann.id, w.ask(t, 200, sam, "GET", "/v1/me", "").text(t, "account", "id"))
		require.Equal(t, 404, w.call(t, "POST", "/v1/auth/accept-invite", `{"token":"`+link[strings.LastIndexByte(link, '/')+1:]+`","email":"eve@example.com","password":"`+password+`"}`).status)
		w.ask(t, 201, sam, "POST", "/v1/channels", `{"connector":"sandbox","config":{"number":"15550001111"}}`)
		require.Equal(t, "forbidden", w.ask(t, 403, sam, "POST", "/v1/keys", `{"name":"x"}`).text(t, "code"))
		require.Equal(t, "forbidden", w.ask(t, 403, sam, "PATCH", "/v1/account", `{"name":"mine"}`).text(t, "code"))

		annID := ann.ask(t, 200, ann.token, "GET", "/v1/me", "").text(t, "user", "id")
		require.Equal(t, "last_owner", ann.ask(t, 409, ann.token, "PATCH", "/v1/members/"+annID, `{"role":"member"}`).text(t, "code"))
		require.Equal(t, "last_owner", ann.ask(t, 409, ann.token, "DELETE", "/v1/members/"+annID, "").text(t, "code"))
		require.Equal(t, "owner", ann.ask(t, 200, ann.token, "PATCH", "/v1/members/"+samID, `{"role":"owner"}`).text(t, "role"))
		require.Equal(t, "Sam & Ann", w.ask(t, 200, sam, "PATCH", "/v1/account", `{"name":"Sam & Ann"}`).text(t, "name"))
		require.Len(t, ann.ask(t, 200, ann.token, "GET", "/v1/members", "").field(t, "data"), 2)

		ann.ask(t, 204, ann.token, "DELETE", "/v1/members/"+samID, "")
		w.ask(t, 401, sam, "GET", "/v1/me", "")
		ann.ask(t, 404, ann.token, "DELETE", "/v1/members/"+samID, "")
	})
}

func TestAnInviteIsCheckedRepeatedAndRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	ann := w.tenant(t, "ann")
	for body, field := range map[string]string{`{"email":"nobody"}`: "email", `{"role":"admin"}`: "role"} {
		require.Equal(t, field, ann.ask(t, 400, ann.token, "POST", "/v1/invites", body).text(t, "field"))
	}
	first := w.call(t, "POST", "/v1/invites", `{"role":"owner"}`, ann.token, "Idempotency-Key: one")
	again := w.call(t, "POST", "/v1/invites", `{"role":"owner"}`, ann.token, "Idempotency-Key: one")
	require.Equal(t, string(first.body), string(again.body))
	require.Len(t, ann.ask(t, 200, ann.token, "GET", "/v1/invites", "").field(t, "data"), 1)
	ann.ask(t, 204, ann.token, "DELETE", "/v1/invites/"+first.text(t, "id"), "")
	ann.ask(t, 404, ann.token, "DELETE", "/v1/invites/"+first.text(t, "id"), "")
	link := first.text(t, "url")
	refused := w.call(t, "POST", "/v1/auth/accept-invite", `{"token":"`+link[strings.LastIndexByte(link, '/')+1:]+`","email":"eve@example.com","password":"`+password+`"}`)
	require.Equal(t, "not_found", refused.text(t, "code"))
}

func TestAUserSeesAndEndsTheirLoginsAndChangesThePassword(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		ann := w.tenant(t, "ann")
		one, two := ann.dashboard(t), ann.dashboard(t)
		list := ann.ask(t, 200, ann.token, "GET", "/v1/logins", "").field(t, "data").([]any)
		require.Len(t, list, 2)
		newest := list[0].(map[string]any)
		require.Equal(t, []any{two, "Firefox", "203.0.113.7", false}, []any{newest["id"], newest["userAgent"], newest["address"], newest["current"]})
		ann.ask(t, 204, ann.token, "DELETE", "/v1/logins/"+one, "")
		ann.ask(t, 404, ann.token, "DELETE", "/v1/logins/"+one, "")

		const fresh = "staple battery horse"
		wrong := ann.ask(t, 400, ann.token, "POST", "/v1/auth/password", `{"currentPassword":"wrong password","newPassword":"`+fresh+`"}`)
		require.Equal(t, "currentPassword", wrong.text(t, "field"))
		changed := ann.ask(t, 200, ann.token, "POST", "/v1/auth/password", `{"currentPassword":"`+password+`","newPassword":"`+fresh+`"}`)
		ann.ask(t, 401, ann.token, "GET", "/v1/me", "")
		ann.token = "Authorization: Bearer " + changed.text(t, "token")
		require.Empty(t, ann.ask(t, 200, ann.token, "GET", "/v1/logins", "").field(t, "data"))

		ann.ask(t, 204, ann.token, "POST", "/v1/auth/logout-all", "")
		ann.ask(t, 401, ann.token, "GET", "/v1/me", "")
		ann.send(t, 200, "GET", "/v1/me", "") // the API key goes on
		w.ask(t, 200, "", "POST", "/v1/auth/login", `{"email":"ann@example.com","password":"`+fresh+`"}`)
	})
}
