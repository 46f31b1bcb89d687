package server_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
)

func TestASessionIsLinkedByPasskeyStepByStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	w.phones.Switch(func(s *watest.Switches) { s.DemandPasskey = true })
	owner := w.phones.AddUser("15559876543", watest.WithName("Support"))
	id := a.session(t)
	code := a.sessionBecomes(t, id, "QR").text(t, "qr")
	scanned := make(chan error, 1)
	go func() {
		_, err := owner.Scan(t.Context(), code)
		scanned <- err
	}()
	eventually(t, "the passkey is asked for", func() bool {
		step, _ := a.send(t, 200, "GET", "/v1/sessions/"+id, "").field(t, "step").(map[string]any)
		return step["kind"] == "passkey"
	})
	session := a.send(t, 200, "GET", "/v1/sessions/"+id, "")
	require.Equal(t, "QR", session.text(t, "status"))
	require.Nil(t, session.field(t, "qr"), "there is nothing to scan now")
	require.NotEmpty(t, session.text(t, "step", "message"))
	options, err := json.Marshal(session.field(t, "step", "passkey"))
	require.NoError(t, err)
	require.Contains(t, string(options), "challenge")

	a.refused(t, 400, "invalid_field", "POST", "/v1/sessions/"+id+"/passkey", `{"response": []}`)
	a.send(t, 200, "POST", "/v1/sessions/"+id+"/passkey",
		`{"response": {"id":"AQ","rawId":"AQ","type":"public-key","response":{"clientDataJSON":"AQ","authenticatorData":"AQ","signature":"AQ"}}}`)
	require.NoError(t, <-scanned)
	require.Equal(t, "15559876543", a.sessionBecomes(t, id, "CONNECTED").text(t, "phone"))
}
