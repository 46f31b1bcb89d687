package server_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAKeyIsShownOnThePageThatMadeItAndNeverAgain(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		owner, _ := w.newBrowser(t, "acme")
		owner.get(t, "/app/keys")
		refused := owner.post(t, "/app/keys", "name", strings.Repeat("n", 300))
		require.Equal(t, http.StatusUnprocessableEntity, refused.status)
		require.Contains(t, refused.body, strings.Repeat("n", 300), "what was typed stays")
		require.Contains(t, refused.body, `aria-invalid="true"`)

		made := owner.post(t, "/app/keys", "name", "n8n <b>")
		require.Equal(t, http.StatusOK, made.status)
		key := regexp.MustCompile(`sk_live_[0-9a-f]{64}`).FindString(made.body)
		require.NotEmpty(t, key)
		require.NotContains(t, made.body, "<b>")
		require.Equal(t, http.StatusOK, w.call(t, "GET", "/v1/me", "", "X-Api-Key: "+key).status)
		page := owner.get(t, "/app/keys")
		require.NotContains(t, page.body, key)
		revoke := regexp.MustCompile(`/app/keys/key_[0-9a-z]+/revoke`).FindString(page.body)
		require.Contains(t, owner.follow(t, owner.post(t, revoke)).body, "The key is revoked.")
		require.Equal(t, http.StatusUnauthorized, w.call(t, "GET", "/v1/me", "", "X-Api-Key: "+key).status)

		stranger, _ := w.newBrowser(t, "stranger")
		stranger.get(t, "/app/keys")
		require.Equal(t, http.StatusNotFound, stranger.post(t, revoke).status)
	})
}

func TestAMemberJoinsByALinkAndMayNotDoWhatOwnersDo(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		owner, _ := w.newBrowser(t, "acme")
		owner.get(t, "/app/settings/members")
		made := owner.post(t, "/app/settings/invites", "email", "", "role", "member")
		link := regexp.MustCompile(`/app/invite/[A-Za-z0-9_-]+`).FindString(made.body)
		require.NotEmpty(t, link, made.body)

		guest := w.guest(t)
		require.Contains(t, guest.get(t, link).body, "Join acme")
		short := guest.post(t, link, "email", "mia@example.com", "password", "short")
		require.Equal(t, http.StatusUnprocessableEntity, short.status)
		require.Contains(t, short.body, `value="mia@example.com"`)
		joined := guest.follow(t, guest.post(t, link, "email", "mia@example.com", "password", "a rather long sentence"))
		require.Contains(t, joined.body, "Welcome to acme.")
		require.Equal(t, http.StatusNotFound, w.guest(t).get(t, link).status, "a link works once")

		require.Equal(t, http.StatusForbidden, guest.get(t, "/app/settings/members").status)
		require.NotContains(t, guest.get(t, "/app/settings").body, "/app/settings/members")
		keys := guest.get(t, "/app/keys")
		require.Equal(t, http.StatusOK, keys.status)
		require.Equal(t, http.StatusForbidden, guest.post(t, "/app/keys", "name", "mine").status)

		members := owner.get(t, "/app/settings/members")
		require.Contains(t, members.body, "mia@example.com")
		remove := regexp.MustCompile(`(?s)mia@example\.com.*?(/app/settings/members/usr_[0-9a-z]+/remove)`).FindStringSubmatch(members.body)[1]
		owner.follow(t, owner.post(t, remove))
		require.Equal(t, http.StatusSeeOther, guest.get(t, "/app").status, "who was removed is out at once")
	})
}

func TestTheLastOwnerStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	owner, _ := w.newBrowser(t, "acme")
	members := owner.get(t, "/app/settings/members")
	self := regexp.MustCompile(`/app/settings/members/usr_[0-9a-z]+`).FindString(members.body)
	refused := owner.post(t, self, "role", "member")
	require.Equal(t, http.StatusConflict, refused.status)
	require.Contains(t, refused.body, "last_owner")
}

func TestAPasswordIsChangedAndEndsOtherLogins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	owner, _ := w.newBrowser(t, "acme")
	other := w.guest(t)
	other.get(t, "/app/login")
	require.Equal(t, http.StatusSeeOther, other.post(t, "/app/login", "email", "acme@example.com", "password", "correct horse battery").status)
	require.Equal(t, 1, strings.Count(owner.get(t, "/app/settings").body, "This browser"))

	differ := owner.post(t, "/app/settings/password", "current", "correct horse battery", "new", "another long sentence", "again", "another long sentense")
	require.Equal(t, http.StatusUnprocessableEntity, differ.status)
	require.Contains(t, differ.body, "The two new passwords are not the same.")
	wrong := owner.post(t, "/app/settings/password", "current", "not this", "new", "another long sentence", "again", "another long sentence")
	require.Equal(t, http.StatusUnprocessableEntity, wrong.status)
	require.NotContains(t, wrong.body, "another long sentence", "passwords are not shown back")
	done := owner.follow(t, owner.post(t, "/app/settings/password", "current", "correct horse battery", "new", "another long sentence", "again", "another long sentence"))
	require.Contains(t, done.body, "The password is changed.")
	require.Equal(t, http.StatusSeeOther, other.get(t, "/app").status)
	require.Equal(t, http.StatusOK, owner.get(t, "/app").status)
}

func TestEverywhereIsEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	owner, _ := w.newBrowser(t, "acme")
	other := w.guest(t)
	other.get(t, "/app/login")
	other.post(t, "/app/login", "email", "acme@example.com", "password", "correct horse battery")
	owner.get(t, "/app/settings")
	require.Contains(t, owner.follow(t, owner.post(t, "/app/settings/logout-all")).body, "You are logged out everywhere.")
	require.Equal(t, http.StatusSeeOther, other.get(t, "/app").status)
	require.Equal(t, http.StatusSeeOther, owner.get(t, "/app").status)
}

func TestThePageOfTheSystemTellsLimitsAndHealth(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	owner, key := w.newBrowser(t, "acme")
	page := owner.get(t, "/app/settings/system")
	require.Equal(t, http.StatusOK, page.status)
	require.Contains(t, page.body, "SQLite, in the data folder")
	require.Equal(t, http.StatusForbidden, w.call(t, "GET", "/v1/system", "", "X-Api-Key: "+key).status)
}

func TestHomeShowsTheFirstStepsAndThenWhatNeedsAttention(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		owner, key := w.newBrowser(t, "acme")
		require.Contains(t, owner.get(t, "/app").body, "Connect a channel")
		box := owner.box(t, key)
		hook := w.call(t, "POST", "/v1/webhooks", `{"url":"`+w.url+`/nowhere","events":["message.received"]}`, "X-Api-Key: "+key)
		require.Equal(t, 201, hook.status, "%s", hook.body)
		owner.writes(t, key, box, "+15550001111", "Hi")
		page := owner.get(t, "/app")
		require.NotContains(t, page.body, "First steps")
		part := owner.get(t, "/app/home/state", "HX-Request: true")
		require.Equal(t, http.StatusOK, part.status)
		require.NotContains(t, part.body, "<html")
		require.Contains(t, part.body, "Delivery queue")
	})
}
