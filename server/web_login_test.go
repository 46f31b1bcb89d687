package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheDashboardAsksForALoginAndComesBackToThePage(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		guest := w.guest(t)
		require.Equal(t, "/app", guest.get(t, "/").header.Get("Location"))
		require.Equal(t, "/app/welcome", guest.get(t, "/app").header.Get("Location"), "the first visitor makes the first account")
		owner, _ := w.newBrowser(t, "acme")
		require.Contains(t, owner.get(t, "/app").body, "acme@example.com")

		back := guest.get(t, "/app/nowhere?x=1")
		require.Equal(t, "/app/login?next=%2Fapp%2Fnowhere%3Fx%3D1", back.header.Get("Location"))
		guest.get(t, back.header.Get("Location"))
		wrong := guest.post(t, "/app/login", "email", "acme@example.com", "password", "not this one", "next", "/app/nowhere?x=1")
		require.Equal(t, http.StatusUnprocessableEntity, wrong.status)
		require.Contains(t, wrong.body, `value="acme@example.com"`, "what was typed stays")
		require.NotContains(t, wrong.body, "not this one")
		in := guest.post(t, "/app/login", "email", "acme@example.com", "password", "correct horse battery", "next", "/app/nowhere?x=1")
		require.Equal(t, "/app/nowhere?x=1", in.header.Get("Location"))
		require.Equal(t, http.StatusNotFound, guest.follow(t, in).status)

		out := guest.post(t, "/app/logout")
		require.Equal(t, "/app/login", out.header.Get("Location"))
		require.Equal(t, http.StatusSeeOther, guest.get(t, "/app").status)
	})
}

func TestALoginLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	w.newBrowser(t, "acme")
	for _, next := range []string{"https://evil.example", "//evil.example", "/app\\evil", "/apple", "javascript:alert(1)", "/app/x\r\nX: y"} {
		guest := w.guest(t)
		guest.get(t, "/app/login")
		in := guest.post(t, "/app/login", "email", "acme@example.com", "password", "correct horse battery", "next", next)
		require.Equal(t, "/app", in.header.Get("Location"), next)
	}
}

func TestAFormThatNoPageOfOursMadeIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	owner, _ := w.newBrowser(t, "acme")
	other, _ := w.newBrowser(t, "other")
	good := owner.csrf
	for name, c := range map[string]struct {
		csrf    string
		headers []string
	}{
		"no token":             {"", nil},
		"another login's":      {other.csrf, nil},
		"cut":                  {good[:len(good)-4], nil},
		"from elsewhere":       {good, []string{"Sec-Fetch-Site: cross-site"}},
		"of a sibling":         {good, []string{"Sec-Fetch-Site: same-site"}},
		"of another origin":    {good, []string{"Origin: https://evil.example"}},
		"of an origin unknown": {good, []string{"Origin: ://"}},
	} {
		headers := append([]string{"Content-Type: application/x-www-form-urlencoded"}, c.headers...)
		page := owner.send(t, "POST", "/app/logout", strings.NewReader("csrf="+c.csrf), headers...)
		require.Equal(t, http.StatusForbidden, page.status, name)
	}
	owner.csrf = good
	require.Equal(t, http.StatusOK, owner.get(t, "/app").status, "still logged in")
	require.Equal(t, http.StatusSeeOther, owner.post(t, "/app/logout").status)
}

func TestAPageRunsNothingFromElsewhereAndIsKeptNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	owner, _ := w.newBrowser(t, "acme")
	page := owner.get(t, "/app")
	policy := page.header.Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'none'; script-src 'self'; style-src 'self'")
	require.NotContains(t, policy, "unsafe")
	require.Equal(t, "no-store", page.header.Get("Cache-Control"))
	require.NotRegexp(t, `(?i)<script(?:>| [^>]*>[^<])| on[a-z]+=| style=|<style`, page.body)
}

func TestTheHTTPInterfaceIsOpenToAPagesScriptWithItsToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	owner, _ := w.newBrowser(t, "acme")
	owner.get(t, "/app")
	me := owner.get(t, "/app/api/v1/me")
	require.Equal(t, http.StatusOK, me.status)
	require.Contains(t, me.body, `"acme@example.com"`)
	json := "Content-Type: application/json"
	body := func() *strings.Reader { return strings.NewReader(`{"connector":"sandbox","name":"Box"}`) }
	require.Equal(t, http.StatusForbidden, owner.send(t, "POST", "/app/api/v1/channels", body(), json).status)
	require.Equal(t, http.StatusCreated, owner.send(t, "POST", "/app/api/v1/channels", body(), json, "X-Csrf-Token: "+owner.csrf).status)
	require.Equal(t, http.StatusUnauthorized, w.guest(t).get(t, "/app/api/v1/me").status)
	require.Equal(t, http.StatusUnauthorized, owner.get(t, "/v1/me").status, "the cookie is worth nothing outside of the dashboard")
	require.Equal(t, http.StatusUnauthorized, owner.get(t, "/v1/channels").status, "nor after a request on the same connection that it was good for")
}
