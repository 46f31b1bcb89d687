package server_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAUserSeesAWebhooksSecretAgainAndAnAPIKeyDoesNot(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		_, key := w.newBrowser(t, "jane")
		login := w.call(t, "POST", "/v1/auth/login", `{"email":"jane@example.com","password":"correct horse battery"}`)
		user := "Authorization: Bearer " + login.text(t, "token")
		made := w.call(t, "POST", "/v1/webhooks", `{"url":"http://127.0.0.1:9/hook","events":["message.received"]}`, "X-Api-Key: "+key)
		require.Equal(t, http.StatusCreated, made.status, made.body)
		address := "/v1/webhooks/" + made.text(t, "id") + "/secret"

		shown := w.call(t, "GET", address, "", user)
		require.Equal(t, http.StatusOK, shown.status, shown.body)
		require.Equal(t, made.text(t, "secret"), shown.text(t, "secret"))
		require.Contains(t, string(shown.body), `"previousExpiresAt":null`)

		rotated := w.call(t, "POST", "/v1/webhooks/"+made.text(t, "id")+"/rotate-secret", "", user)
		require.NotEqual(t, made.text(t, "secret"), rotated.text(t, "secret"))
		shown = w.call(t, "GET", address, "", user)
		require.Equal(t, rotated.text(t, "secret"), shown.text(t, "secret"))
		require.NotEmpty(t, shown.text(t, "previousExpiresAt"), "the old secret signs too")

		require.Equal(t, http.StatusForbidden, w.call(t, "GET", address, "", "X-Api-Key: "+key).status)
		w.newBrowser(t, "mallory")
		other := w.call(t, "POST", "/v1/auth/login", `{"email":"mallory@example.com","password":"correct horse battery"}`)
		require.Equal(t, http.StatusNotFound, w.call(t, "GET", address, "", "Authorization: Bearer "+other.text(t, "token")).status)
	})
}
