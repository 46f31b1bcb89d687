package whatsapp

import (
	"context"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/util/dbutil"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/store/sqlstore"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	waLog "go.mau.fi/whatsmeow/util/log"
	_ "modernc.org/sqlite"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
)

// sendLimit is how long a test waits for what must happen; on a loaded machine that takes long, and it is never waited for in vain.
const sendLimit = 30 * time.Second

// desk is an outbound with the real client, linked to the phone of owner.
type desk struct {
	*outbound
	server  *watest.Server
	owner   *watest.User
	contact *watest.User

	mu     sync.Mutex
	clock  time.Time
	waited []time.Duration // for which the recipient saw that something is being written
	closed error           // what ready says
}

func (d *desk) sinceStart() []time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]time.Duration(nil), d.waited...)
}

func (d *desk) advance(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clock = d.clock.Add(by)
}

func (d *desk) close(reason error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = reason
}

// newDesk links a client. change may alter the options.
func newDesk(t *testing.T, change func(*outboundOptions)) *desk {
	t.Helper()
	server, err := watest.New(watest.Options{})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	d := &desk{
		server: server, clock: time.Now(),
		owner: server.AddUser("491700000001", watest.WithName("Olga")), contact: server.AddUser("491700000002", watest.WithName("Carl")),
	}
	client := newTestClient(t, server)
	own := func() (number, lid types.JID) { return d.owner.JID(), d.owner.LID() }
	options := outboundOptions{
		Client: client, Public: http.DefaultClient, Own: own, CheckNumbers: true,
		Info: connectors.Info{
			Name: "WhatsApp", Abilities: []connectors.Ability{connectors.AbilityMedia, connectors.AbilityRich},
			Limits: connectors.Limits{TextLength: 65536, MediaCount: 1},
		},
		Now: func() time.Time {
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.clock
		},
		Ready: func() error {
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.closed
		},
		Wait: func(_ context.Context, duration time.Duration) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.waited = append(d.waited, duration)
			return nil
		},
		Random: func() float64 { return 0.5 },
	}
	if change != nil {
		change(&options)
	}
	d.outbound, err = newOutbound(options)
	require.NoError(t, err)
	linkTo(t, d.owner, client)
	return d
}

func newTestClient(t *testing.T, server *watest.Server) *whatsmeow.Client {
	t.Helper()
	db, err := dbutil.NewFromConfig("", dbutil.Config{PoolConfig: dbutil.PoolConfig{
		Type: "sqlite", MaxOpenConns: 1, MaxIdleConns: 1,
		URI: "file:" + filepath.Join(t.TempDir(), "device.db") + "?_pragma=foreign_keys(1)&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(0)",
	}}, nil)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	store := sqlstore.NewWithDB(db.RawDB, "sqlite", waLog.Noop)
	require.NoError(t, store.Upgrade(t.Context()))
	device, err := store.GetFirstDevice(t.Context())
	require.NoError(t, err)
	client := whatsmeow.NewClient(device, waLog.Noop)
	client.EnableAutoReconnect = false
	client.SetPreLoginHTTPClient(server.HTTPClient())
	client.SetWebsocketHTTPClient(server.HTTPClient())
	client.SetMediaHTTPClient(server.HTTPClient())
	t.Cleanup(client.Disconnect)
	return client
}

// linkTo links a client with a phone and waits until it is online.
func linkTo(t *testing.T, owner *watest.User, client *whatsmeow.Client) {
	t.Helper()
	codes, online := make(chan string, 1), make(chan struct{}, 1)
	client.AddEventHandler(func(event any) {
		switch event := event.(type) {
		case *events.QR:
			codes <- event.Codes[0]
		case *events.Connected:
			online <- struct{}{}
		}
	})
	ctx := soon(t)
	require.NoError(t, client.Connect()) // the line must outlive the test's context, which ends before its clean-up
	select {
	case code := <-codes:
		_, err := owner.Scan(ctx, code)
		require.NoError(t, err)
	case <-ctx.Done():
		require.NoError(t, ctx.Err(), "no QR code")
	}
	select {
	case <-online:
	case <-ctx.Done():
		require.NoError(t, ctx.Err(), "not online")
	}
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), sendLimit)
	t.Cleanup(cancel)
	return ctx
}

// sends sends a message that must succeed, and returns it as the contact's phone decrypted it.
func (d *desk) sends(t *testing.T, message connectors.OutMessage) watest.Message {
	t.Helper()
	message.ProviderID = newMessageID()
	receipt, err := d.send(soon(t), message)
	require.NoError(t, err)
	require.Equal(t, connectors.Receipt{ProviderID: message.ProviderID, Status: connectors.StatusSent}, receipt)
	got, err := d.contact.WaitMessage(soon(t), func(m watest.Message) bool { return m.ID == message.ProviderID })
	require.NoError(t, err)
	return got
}

// fails sends a message that must not go out, and returns why.
func (d *desk) fails(t *testing.T, message connectors.OutMessage) *connectors.Error {
	t.Helper()
	before := d.server.Counters().Messages
	_, err := d.send(soon(t), message)
	require.Error(t, err)
	require.Equal(t, before, d.server.Counters().Messages, "nothing was sent")
	return connectors.AsError(err)
}

func (d *desk) text(body string) connectors.OutMessage {
	return connectors.OutMessage{To: d.contact.Number(), Text: body}
}
