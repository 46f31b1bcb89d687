package watest

import (
	"context"
	"os"
	"path/filepath"
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
)

// limit is how long a test waits for what must happen; on a loaded machine that takes long, and it is never waited for in vain.
const limit = 30 * time.Second

func TestMain(m *testing.M) {
	Prepare(SharedRoot())
	os.Exit(m.Run())
}

func newServer(t *testing.T, options Options) *Server {
	t.Helper()
	server, err := New(options)
	require.NoError(t, err)
	t.Cleanup(server.Close)
	return server
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// client is the real whatsmeow client with a database of its own.
type client struct {
	*whatsmeow.Client
	server *Server
	path   string
	store  *sqlstore.Container
	events feed[any]
}

func newClient(t *testing.T, server *Server) *client {
	t.Helper()
	return openClient(t, server, filepath.Join(t.TempDir(), "device.db"))
}

func openClient(t *testing.T, server *Server, path string) *client {
	t.Helper()
	db, err := dbutil.NewFromConfig("", dbutil.Config{PoolConfig: dbutil.PoolConfig{
		Type: "sqlite", MaxOpenConns: 1, MaxIdleConns: 1,
		URI: "file:" + path + "?_pragma=foreign_keys(1)&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(0)",
	}}, nil)
	require.NoError(t, err)
	store := sqlstore.NewWithDB(db.RawDB, "sqlite", waLog.Noop)
	require.NoError(t, store.Upgrade(t.Context()))
	device, err := store.GetFirstDevice(t.Context())
	require.NoError(t, err)
	c := &client{Client: whatsmeow.NewClient(device, waLog.Noop), server: server, path: path, store: store}
	c.SetPreLoginHTTPClient(server.HTTPClient())
	c.SetWebsocketHTTPClient(server.HTTPClient())
	c.SetMediaHTTPClient(server.HTTPClient())
	c.AddEventHandler(func(event any) { c.events.add(event) })
	t.Cleanup(c.stop)
	return c
}

func (c *client) stop() {
	c.Disconnect()
	c.store.Close()
}

// restart is what another process would do: another client on the same database.
func (c *client) restart(t *testing.T) *client {
	t.Helper()
	c.stop()
	again := openClient(t, c.server, c.path)
	require.NoError(t, again.Connect())
	return again
}

// expect waits for the nth event of a type, counted from 1.
func expect[T any](t *testing.T, c *client, nth int) T {
	t.Helper()
	seen := 0
	event, err := c.events.wait(within(t), func(event any) bool {
		if _, ok := event.(T); ok {
			seen++
		}
		return seen == nth
	})
	require.NoError(t, err, "%T number %d", *new(T), nth)
	return event.(T)
}

// expectText waits for a message with a text.
func expectText(t *testing.T, c *client, text string) *events.Message {
	t.Helper()
	event, err := c.events.wait(within(t), func(event any) bool {
		message, ok := event.(*events.Message)
		return ok && message.Message.GetConversation() == text
	})
	require.NoError(t, err, "message %q", text)
	return event.(*events.Message)
}

// count says how many events of a type there were.
func count[T any](c *client) int {
	found := 0
	for _, event := range c.events.all() {
		if _, ok := event.(T); ok {
			found++
		}
	}
	return found
}

// unpaired connects a new client, and returns its QR codes.
func unpaired(t *testing.T, server *Server) (*client, []string) {
	t.Helper()
	c := newClient(t, server)
	require.NoError(t, c.Connect())
	return c, expect[*events.QR](t, c, 1).Codes
}

// paired links a new client with the user's phone, and waits until it is logged in.
func paired(t *testing.T, server *Server, user *User) *client {
	t.Helper()
	c, codes := unpaired(t, server)
	_, err := user.Scan(within(t), codes[0])
	require.NoError(t, err)
	expect[*events.Connected](t, c, 1)
	return c
}

// pair makes a server with two people, of whom the first has linked a client.
func pair(t *testing.T) (server *Server, owner, contact *User, c *client) {
	t.Helper()
	return pairOn(t, newServer(t, Options{}))
}

// lasting is for a server whose connections the test ends without a reconnect: the client is to close them first, when the test is over.
func lasting(t *testing.T) *Server {
	t.Helper()
	return newServer(t, Options{CloseDelay: time.Hour})
}

func pairOn(t *testing.T, server *Server) (_ *Server, owner, contact *User, c *client) {
	t.Helper()
	owner = server.AddUser("491700000001", WithName("Olga"))
	contact = server.AddUser("491700000002", WithName("Carl"))
	return server, owner, contact, paired(t, server, owner)
}

func jid(number string) types.JID { return types.NewJID(number, types.DefaultUserServer) }
