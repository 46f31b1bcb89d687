package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAContactIsMadeFoundChangedBlockedAndDeletedOnItsPages(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		b, key := w.newBrowser(t, "ann")
		require.Contains(t, b.get(t, "/app/contacts").body, "No contact yet")
		require.Contains(t, b.get(t, "/app/contacts/new?phone=15551230000&name=Emily").body, `value="15551230000"`)
		refused := b.post(t, "/app/contacts/new", "name", `Emily "><img src=x>`, "phone_number", "nonsense", "extraName", "city", "extraValue", "Bonn", "is_blocked", "yes")
		require.Equal(t, http.StatusUnprocessableEntity, refused.status)
		require.NotContains(t, refused.body, "<img src=x", "what was typed stays, as text")
		require.Contains(t, refused.body, `id="f-phone-number-fault"`)
		require.Contains(t, refused.body, `value="Bonn"`)
		require.Regexp(t, `name="is_blocked" value="yes" checked`, refused.body)

		made := b.post(t, "/app/contacts/new", "name", "Emily <i>", "phone_number", "+1 555 123 0000", "extraName", "city", "extraValue", "Bonn", "extraName", "", "extraValue", "")
		at := made.header.Get("Location")
		page := b.follow(t, made)
		require.Contains(t, page.body, "Emily &lt;i&gt;")
		require.Contains(t, page.body, "The contact is made.")
		require.Contains(t, page.body, "15551230000")
		twice := b.post(t, "/app/contacts/new", "phone_number", "15551230000")
		require.Equal(t, http.StatusUnprocessableEntity, twice.status)
		require.Contains(t, twice.body, "A contact has this number already.")
		require.Contains(t, twice.body, `href="`+at+`"`)
		require.Contains(t, b.get(t, "/app/contacts?q=emily").body, `href="`+at+`"`)
		require.Contains(t, b.get(t, "/app/contacts/rows?q=nobody", "HX-Request: true").body, "No contact matches")

		(&tenant{world: w, key: key}).send(t, 200, "PATCH", "/v1"+strings.TrimPrefix(at, "/app"), `{"extra_fields":{"city":"Bonn","n":4711}}`)
		require.Contains(t, b.get(t, at+"/edit").body, `value="4711"`)
		b.follow(t, b.post(t, at+"/edit", "name", "Emily", "phone_number", "15551230000", "extraName", "city", "extraValue", "Köln", "extraName", "n", "extraValue", "4712"))
		kept := (&tenant{world: w, key: key}).send(t, 200, "GET", "/v1"+strings.TrimPrefix(at, "/app"), "")
		require.JSONEq(t, `{"city":"Köln","n":4712}`, kept.text(t, "extra_fields"))

		box := b.box(t, key)
		b.writes(t, key, box, "15551230000", "Hello there")
		require.Contains(t, b.get(t, at).body, "/app/messages/"+box+"/15551230000")
		require.Contains(t, b.follow(t, b.post(t, at+"/block", "blocked", "yes")).body, "their messages are kept and raise no event")
		require.Contains(t, b.get(t, "/app/messages/"+box+"/15551230000").body, "Blocked")
		require.Contains(t, b.follow(t, b.post(t, at+"/block", "blocked", "no")).body, "The contact is unblocked.")
		require.Contains(t, b.follow(t, b.post(t, at+"/delete")).body, "The contact is deleted.")
		require.Equal(t, http.StatusNotFound, b.get(t, at).status)
	})
}

func TestAListOfContactsIsImportedOnItsPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	b, _ := w.newBrowser(t, "ann")
	b.get(t, "/app/contacts/import")
	empty := b.post(t, "/app/contacts/import", "csv", " ")
	require.Equal(t, http.StatusUnprocessableEntity, empty.status)
	require.Contains(t, empty.body, "Paste a list first")
	refused := b.post(t, "/app/contacts/import", "csv", "name\n<b>A")
	require.Equal(t, http.StatusUnprocessableEntity, refused.status)
	require.Contains(t, refused.body, "one of them must be phone_number")
	require.Contains(t, refused.body, "&lt;b&gt;A")

	begun := b.post(t, "/app/contacts/import", "csv", "name,phone_number\nEmily,15551230000\n<b>,abc\n", "once", "one")
	at := begun.header.Get("Location")
	require.Equal(t, http.StatusOK, b.follow(t, begun).status)
	require.Equal(t, at, b.post(t, "/app/contacts/import", "csv", "name,phone_number\nEmily,15551230000\n<b>,abc\n", "once", "one").header.Get("Location"))
	var state string
	eventually(t, "the import is done", func() bool {
		state = b.get(t, at+"/state", "HX-Request: true").body
		return strings.Contains(state, "2 lines were looked at")
	})
	require.Contains(t, state, "phone_number must be a phone number")
	require.Regexp(t, `data-label="Line">3<`, state)
	require.Contains(t, b.get(t, "/app/contacts").body, "Emily")
	exported := b.get(t, "/app/api/v1/contacts/export")
	require.Equal(t, http.StatusOK, exported.status)
	require.Contains(t, exported.body, "15551230000")

	uploaded := b.send(t, "POST", "/app/api/v1/contacts/import", strings.NewReader("phone_number\n15551230001\n"), asCSV, "X-Csrf-Token: "+b.csrf)
	require.Equal(t, http.StatusAccepted, uploaded.status, uploaded.body)
}

func TestContactsOfOtherAccountsAreNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	ann, _ := w.newBrowser(t, "ann")
	ann.get(t, "/app/contacts/new")
	at := ann.post(t, "/app/contacts/new", "name", "Emily", "phone_number", "15551230000").header.Get("Location")
	list := ann.post(t, "/app/contacts/import", "csv", "phone_number\n15551230001\n").header.Get("Location")
	w.tenant(t, "ben")
	other := w.guest(t)
	other.get(t, "/app/login")
	require.Equal(t, http.StatusSeeOther, other.post(t, "/app/login", "email", "ben@example.com", "password", "correct horse battery").status)
	other.get(t, "/app")
	require.NotContains(t, other.get(t, "/app/contacts?q=Emily").body, at)
	require.NotContains(t, other.get(t, "/app/api/v1/contacts/export").body, "15551230000")
	for _, path := range []string{at, at + "/edit", list, list + "/state", "/app/contacts/nonsense", "/app/contacts/0", "/app/contacts/imports/nonsense"} {
		require.Equal(t, http.StatusNotFound, other.get(t, path).status, path)
	}
	for _, path := range []string{at + "/edit", at + "/block", at + "/delete"} {
		require.Equal(t, http.StatusNotFound, other.post(t, path, "name", "x", "phone_number", "1").status, path)
	}
	require.Equal(t, http.StatusOK, ann.get(t, at).status)
	guest := w.guest(t)
	require.Equal(t, http.StatusSeeOther, guest.get(t, at).status)
	require.Equal(t, http.StatusSeeOther, guest.get(t, "/app/messages").status)
}
