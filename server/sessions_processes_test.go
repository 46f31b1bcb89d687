package server_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/message"
	"github.com/switchhook/switchhook/internal/session"
	"github.com/switchhook/switchhook/server"
)

// beside starts a process on the same database and Redis that only answers HTTP: it holds no session and sends nothing. What is
// returned is the world as seen through it.
func (w *world) beside(t *testing.T) *world {
	t.Helper()
	other := *w
	o := &other.parts
	o.WorkerID = "wrk_beside"
	require.NoError(t, w.store.BeatAny(t.Context(), o.WorkerID, time.Now()))
	var err error
	other.bell, err = live.NewBell(live.BellOptions{Redis: w.redis.Client(), Logger: o.Logger})
	require.NoError(t, err)
	t.Cleanup(other.bell.Close)
	o.Live, err = live.New(live.Options{Store: w.store, Bell: other.bell, Logger: o.Logger, Now: time.Now})
	require.NoError(t, err)
	t.Cleanup(o.Live.Close)
	ids := id.NewGenerator(time.Now)
	o.Messages, err = message.New(message.Options{
		Store: w.store, IDs: ids, Channels: o.Channels, Media: o.Media, Publisher: o.Events, Observer: o.Metrics, Logger: o.Logger,
		Now: time.Now, WorkerID: o.WorkerID,
	})
	require.NoError(t, err)
	o.Sessions, err = session.New(session.Options{
		Store: w.store, Channels: o.Channels, Connectors: o.Connectors, Outbox: o.Messages, Publisher: o.Events, IDs: ids, Redis: w.redis.Client(),
		HTTP: o.HTTP.HTTP(), PublicHTTP: o.HTTP.PublicHTTP(), Dial: o.HTTP.Dial, Logger: o.Logger, Now: time.Now, WorkerID: o.WorkerID,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, o.Sessions.Close(context.Background())) })
	o.Messages.ConnectSessions(o.Sessions)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	other.url = "http://" + listener.Addr().String()
	other.server, err = server.New(*o)
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- other.server.Serve(listener) }()
	t.Cleanup(func() {
		w.client.CloseIdleConnections()
		o.Live.Close() // an open stream would keep the server
		require.NoError(t, other.server.App().ShutdownWithTimeout(patience))
		require.NoError(t, <-served)
	})
	return &other
}

func TestACallReachesASessionWhereverItLands(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		a := w.tenant(t, "ann")
		jane := w.phones.AddUser("15551234567")
		owner := w.phones.AddUser("15559876543")
		far := &tenant{world: w.beside(t), id: a.id, token: a.token, key: a.key}

		id := far.session(t) // this process makes it, and the other one holds it
		path := "/v1/sessions/" + id
		far.sessionBecomes(t, id, "QR")
		given := far.send(t, 200, "POST", path+"/pair", `{"phoneNumber":"15559876543"}`)
		_, err := owner.EnterCode(t.Context(), given.text(t, "code"))
		require.NoError(t, err)
		far.sessionBecomes(t, id, "CONNECTED")

		sent := far.send(t, 200, "POST", "/v1/messages", `{"sessionId":"`+id+`","to":"15551234567","text":"Hello"}`)
		require.Equal(t, "sent", sent.text(t, "status"))
		arrived, err := jane.WaitText(t.Context(), "Hello")
		require.NoError(t, err)
		require.Equal(t, arrived.ID, sent.text(t, "waMessageId"))
		far.refused(t, 400, "invalid_field", "POST", "/v1/messages", `{"sessionId":"`+id+`","to":"15550000000","text":"Hello"}`)

		require.NoError(t, jane.SendText(t.Context(), owner, "3EB0A1B2C3D4E5F6", "Hi there!"))
		var messageID string
		eventually(t, "the message is there", func() bool {
			rows := far.send(t, 200, "GET", "/v1/messages?direction=inbound", "").field(t, "data").([]any)
			if len(rows) == 1 {
				messageID, _ = rows[0].(map[string]any)["id"].(string)
			}
			return len(rows) == 1
		})
		far.send(t, 204, "POST", path+"/read", `{"messageIds":["`+messageID+`"]}`)
		_, err = jane.WaitReceipt(t.Context(), "3EB0A1B2C3D4E5F6", watest.Read)
		require.NoError(t, err)
		found := far.send(t, 200, "POST", path+"/check-numbers", `{"numbers":["15551234567"]}`)
		require.Equal(t, true, found.field(t, "data").([]any)[0].(map[string]any)["exists"])
		require.Equal(t, "LOGGED_OUT", far.send(t, 200, "POST", path+"/logout", "").text(t, "status"))
		far.send(t, 204, "DELETE", path, "")
		require.Empty(t, owner.Devices())
	})
}
