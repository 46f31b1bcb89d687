package watest

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
)

// steer is a caller of the control.
type steer struct {
	t   *testing.T
	url string
}

func newSteer(t *testing.T, server *Server) steer {
	t.Helper()
	s := httptest.NewServer(server.Control())
	t.Cleanup(s.Close)
	return steer{t: t, url: s.URL}
}

func (s steer) call(method, path, body string, status int) map[string]any {
	s.t.Helper()
	request, err := http.NewRequestWithContext(within(s.t), method, s.url+path, strings.NewReader(body))
	require.NoError(s.t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	require.Equal(s.t, status, response.StatusCode, "%s %s: %s", path, body, raw)
	var answer map[string]any
	if raw[0] == '[' {
		var list []any
		require.NoError(s.t, json.Unmarshal(raw, &list))
		return map[string]any{"list": list}
	}
	require.NoError(s.t, json.Unmarshal(raw, &answer))
	return answer
}

func (s steer) post(path, body string) map[string]any {
	s.t.Helper()
	return s.call(http.MethodPost, path, body, http.StatusOK)
}

func (s steer) get(path string) map[string]any {
	s.t.Helper()
	return s.call(http.MethodGet, path, "", http.StatusOK)
}

func TestTheControlSteersTheServer(t *testing.T) {
	t.Parallel()
	server := lasting(t)
	s := newSteer(t, server)
	require.Equal(t, "42@lid", s.post("/users", `{"pn":"491700000001","name":"Olga","lid":"42"}`)["lid"])
	s.post("/users", `{"pn":"491700000002"}`)
	c, codes := unpaired(t, server)
	require.EqualValues(t, 1, s.post("/scan", `{"pn":"491700000001","qr":"`+codes[0]+`"}`)["device"])
	expect[*events.Connected](t, c, 1)
	require.Equal(t, "491700000002", server.User("491700000002").Name())
	require.NotEmpty(t, s.get("/connections")["list"])

	require.Equal(t, "A1", s.post("/messages", `{"from":"491700000002","to":"491700000001","id":"A1","text":"hello"}`)["id"])
	expectText(t, c, "hello")
	sent, err := c.SendMessage(within(t), jid("491700000002"), text1("hello back"))
	require.NoError(t, err)
	_, err = server.User("491700000002").WaitReceipt(within(t), "A1", Inactive)
	require.NoError(t, err)
	received := s.get("/received?pn=491700000002&wait=30s")
	require.Contains(t, received["messages"], map[string]any{
		"id": sent.ID, "from": "491700000001:1@s.whatsapp.net", "chat": "1000491700000002@lid", "group": false, "copy": false, "retry": float64(0),
		"text": "hello back", "message": map[string]any{"conversation": "hello back"},
	})
	require.Empty(t, s.get("/received?pn=491700000002&after=1")["messages"])
	require.Contains(t, received["receipts"], map[string]any{"id": "A1", "from": "491700000001:1@s.whatsapp.net", "kind": "inactive"})

	s.post("/receipt", `{"from":"491700000002","to":"491700000001","kind":"delivered","ids":["`+sent.ID+`"]}`)
	require.Equal(t, types.ReceiptTypeDelivered, expect[*events.Receipt](t, c, 1).Type)
	s.post("/typing", `{"from":"491700000002","to":"491700000001","state":"composing"}`)
	expect[*events.ChatPresence](t, c, 1)
	s.post("/timelock", `{"pn":"491700000001","active":true,"until":"2030-01-01T00:00:00Z","kind":"X"}`)
	expect[*events.NotifyAccountReachoutTimelock](t, c, 1)

	group, _ := s.post("/groups", `{"subject":"Friends","members":["491700000001","491700000002"]}`)["jid"].(string)
	s.post("/messages", `{"from":"491700000002","to":"`+group+`","text":"to all"}`)
	expectText(t, c, "to all")
	s.post("/messages", `{"from":"491700000001","to":"`+group+`","text":"own to all","onPhone":true}`)
	expectText(t, c, "own to all")
	s.post("/messages", `{"from":"491700000001","to":"491700000002","text":"own","onPhone":true}`)
	expectText(t, c, "own")
	s.post("/messages", `{"from":"491700000002","to":"491700000001","message":{"conversation":"as protobuf"}}`)
	expectText(t, c, "as protobuf")

	s.post("/drop", `{"pn":"491700000001"}`)
	expect[*events.Connected](t, c, 2)
	s.post("/drop", `{}`)
	expect[*events.Connected](t, c, 3)
	require.EqualValues(t, 1, s.post("/end", `{"pn":"491700000001","end":"stream-515"}`)["connections"])
	expect[*events.Connected](t, c, 4)
	require.EqualValues(t, 463, s.post("/switch", `{"ackError":463}`)["ackError"])
	require.EqualValues(t, 463, s.get("/switch")["ackError"])
	require.NotNil(t, s.get("/pending?pn=491700000001")["stanzas"])
	require.EqualValues(t, 1, s.get("/counters")["pairings"])
	s.post("/unlink", `{"pn":"491700000001","device":1}`)
	expect[*events.LoggedOut](t, c, 1)
}

func TestTheControlSendsFiles(t *testing.T) {
	t.Parallel()
	server, _, _, c := pair(t)
	s := newSteer(t, server)
	data := base64.StdEncoding.EncodeToString([]byte("a file"))
	head := `{"from":"491700000002","to":"491700000001","text":"look","file":{"mimetype":"image/png","data":"` + data + `"`

	s.post("/messages", head+`,"asPicture":true}}`)
	s.post("/messages", head+`}}`)

	image := expect[*events.Message](t, c, 1).Message.GetImageMessage()
	require.Equal(t, "look", image.GetCaption())
	document := expect[*events.Message](t, c, 2).Message.GetDocumentMessage()
	for _, file := range []whatsmeow.DownloadableMessage{image, document} {
		loaded, err := c.Download(within(t), file)
		require.NoError(t, err)
		require.Equal(t, "a file", string(loaded))
	}
}

func TestTheControlLinksByCodeAndPasskey(t *testing.T) {
	t.Parallel()
	server := newServer(t, Options{})
	s := newSteer(t, server)
	s.post("/users", `{"pn":"491700000001"}`)
	c, _ := unpaired(t, server)
	code, err := c.PairPhone(within(t), "491700000001", true, whatsmeow.PairClientChrome, "Chrome (Linux)")
	require.NoError(t, err)
	require.EqualValues(t, 1, s.post("/code", `{"pn":"491700000001","code":"`+code+`"}`)["device"])
	s.post("/switch", `{"demandPasskey":true}`)
	other, codes := unpaired(t, server)
	scanned := make(chan error, 1)
	go func() {
		_, err := server.User("491700000001").Scan(t.Context(), codes[0])
		scanned <- err
	}()
	expect[*events.PairPasskeyRequest](t, other, 1)
	require.NoError(t, other.SendPasskeyResponse(within(t), &types.WebAuthnResponse{}))
	shown := expect[*events.PairPasskeyConfirmation](t, other, 1).Code
	require.Equal(t, shown, s.get("/passkey?pn=491700000001")["code"])
	require.NoError(t, other.SendPasskeyConfirmation(within(t)))
	require.NoError(t, <-scanned)
}

func TestTheControlSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	server := newServer(t, Options{})
	server.AddUser("491700000001")
	s := newSteer(t, server)
	for _, c := range []struct {
		path, body string
		status     int
	}{
		{"/users", `{"pn":"+49"}`, http.StatusConflict},
		{"/users", `{"number":"49"}`, http.StatusBadRequest},
		{"/users", `no JSON`, http.StatusBadRequest},
		{"/groups", `{"subject":"x"}`, http.StatusConflict},
		{"/groups", `{"subject":"x","members":["1"]}`, http.StatusNotFound},
		{"/scan", `{"pn":"1"}`, http.StatusNotFound},
		{"/scan", `{"pn":"491700000001","qr":"x"}`, http.StatusConflict},
		{"/code", `{"pn":"1"}`, http.StatusNotFound},
		{"/code", `{"pn":"491700000001","code":"x"}`, http.StatusConflict},
		{"/messages", `{"from":"1"}`, http.StatusNotFound},
		{"/messages", `{"from":"491700000001","to":"1"}`, http.StatusNotFound},
		{"/messages", `{"from":"491700000001","to":"1@g.us"}`, http.StatusNotFound},
		{"/messages", `{"from":"491700000001","to":"491700000001","message":{"nothing":1}}`, http.StatusConflict},
		{"/messages", `{"from":"491700000001","to":"491700000001","text":"no device"}`, http.StatusConflict},
		{"/receipt", `{"from":"491700000001","to":"1"}`, http.StatusNotFound},
		{"/receipt", `{"from":"491700000001","to":"491700000001","ids":["A"]}`, http.StatusConflict},
		{"/typing", `{"from":"491700000001","to":"1"}`, http.StatusNotFound},
		{"/typing", `{"from":"491700000001","to":"491700000001"}`, http.StatusConflict},
		{"/unlink", `{"pn":"1"}`, http.StatusNotFound},
		{"/unlink", `{"pn":"491700000001","device":7}`, http.StatusNotFound},
		{"/drop", `{"pn":"1"}`, http.StatusNotFound},
		{"/end", `{"pn":"1","end":"cut"}`, http.StatusNotFound},
		{"/end", `{"pn":"491700000001","end":"never"}`, http.StatusConflict},
		{"/timelock", `{"pn":"1"}`, http.StatusNotFound},
		{"/timelock", `{"pn":"491700000001"}`, http.StatusConflict},
		{"/switch", `{"unknown":true}`, http.StatusConflict},
		{"/switch", `{"refuseWith":"never"}`, http.StatusConflict},
	} {
		require.NotEmpty(t, s.call(http.MethodPost, c.path, c.body, c.status)["error"])
	}
	for _, path := range []string{"/received", "/pending", "/passkey"} {
		s.call(http.MethodGet, path+"?pn=1", "", http.StatusNotFound)
	}
	s.call(http.MethodGet, "/passkey?pn=491700000001", "", http.StatusConflict)
}
