package watest

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
)

func TestAClientIsLinkedByQRAndLogsIn(t *testing.T) {
	t.Parallel()
	server := newServer(t, Options{})
	user := server.AddUser("491700000001")
	c, codes := unpaired(t, server)
	require.Len(t, codes, 6)

	number, err := user.Scan(within(t), codes[0])

	require.NoError(t, err)
	require.EqualValues(t, 1, number)
	success := expect[*events.PairSuccess](t, c, 1)
	require.Equal(t, "491700000001:1@s.whatsapp.net", success.ID.String())
	require.Equal(t, user.LID().User, success.LID.User)
	expect[*events.Connected](t, c, 1)
	require.Equal(t, []uint16{1}, user.Devices())
	require.Equal(t, []Connection{{User: "491700000001", Device: 1, Active: true}}, loggedIn(server))
	require.Equal(t, Counters{Pairings: 1, Logins: 1}, server.Counters())
}

func loggedIn(server *Server) []Connection {
	var all []Connection
	for _, c := range server.Connections() {
		if c.User != "" {
			all = append(all, c)
		}
	}
	return all
}

func TestACodeWithAnotherSecretIsRefusedByTheClient(t *testing.T) {
	t.Parallel()
	server := newServer(t, Options{})
	user := server.AddUser("491700000001")
	c, codes := unpaired(t, server)
	parts := strings.Split(codes[0], ",")
	parts[3] = base64.StdEncoding.EncodeToString(make([]byte, 32))

	_, err := user.Scan(within(t), strings.Join(parts, ","))

	require.ErrorIs(t, err, ErrPairingRefused)
	require.ErrorContains(t, err, "401")
	expect[*events.PairError](t, c, 1)
	require.Empty(t, user.Devices())
}

func TestAScanNeedsACodeThatAClientShows(t *testing.T) {
	t.Parallel()
	server := newServer(t, Options{Refs: 2})
	user := server.AddUser("491700000001")
	_, codes := unpaired(t, server)
	require.Len(t, codes, 2)
	other, _ := unpaired(t, server)
	key := base64.StdEncoding.EncodeToString(other.Store.NoiseKey.Pub[:])
	parts := strings.Split(codes[0], ",")
	stolen := strings.Join([]string{parts[0], key, parts[2], parts[3]}, ",")

	for _, code := range []string{strings.Replace(codes[0], "2@", "9@", 1), stolen} {
		_, err := user.Scan(within(t), code)
		require.ErrorIs(t, err, ErrNoQR)
	}
	for _, code := range []string{"", "a,b,c,d", "a,b,c", codes[0][:len(codes[0])/2]} {
		_, err := user.Scan(within(t), code)
		require.Error(t, err)
	}
	_, err := user.Scan(within(t), strings.Join(parts[:4], ",")) // no link before it and no client type after it: the older form
	require.NoError(t, err)
}

func TestACodeIsGoneWithItsClient(t *testing.T) {
	t.Parallel()
	server := newServer(t, Options{})
	user := server.AddUser("491700000001")
	c, codes := unpaired(t, server)

	c.Disconnect()

	require.Eventually(t, func() bool { return len(server.Connections()) == 0 }, limit, time.Millisecond)
	_, err := user.Scan(within(t), codes[0])
	require.ErrorIs(t, err, ErrNoQR)
}

func TestAClientIsLinkedByCode(t *testing.T) {
	t.Parallel()
	server := newServer(t, Options{})
	user := server.AddUser("491700000001")
	c, _ := unpaired(t, server)
	_, err := user.EnterCode(within(t), "1234-5678")
	require.ErrorIs(t, err, ErrNoCode)
	_, err = c.PairPhone(within(t), "491709999999", true, whatsmeow.PairClientChrome, "Chrome (Linux)")
	require.Error(t, err, "nobody has this number")

	_, err = c.PairPhone(within(t), user.Number(), true, whatsmeow.PairClientChrome, "Chrome (Linux)")
	require.NoError(t, err)
	_, err = user.EnterCode(within(t), "1111-1111")
	require.ErrorIs(t, err, ErrWrongCode)
	code, err := c.PairPhone(within(t), user.Number(), true, whatsmeow.PairClientChrome, "Chrome (Linux)")
	require.NoError(t, err)
	_, err = user.EnterCode(within(t), code)

	require.NoError(t, err)
	expect[*events.PairSuccess](t, c, 1)
	expect[*events.Connected](t, c, 1)
}

func TestAClientIsLinkedByPasskey(t *testing.T) {
	t.Parallel()
	server := newServer(t, Options{})
	user := server.AddUser("491700000001")
	server.Switch(func(w *Switches) { w.DemandPasskey = true })
	c, codes := unpaired(t, server)
	_, err := user.PasskeyCode(within(t))
	require.ErrorIs(t, err, ErrPasskey)
	scanned := make(chan error, 1)
	go func() {
		_, err := user.Scan(t.Context(), codes[0])
		scanned <- err
	}()

	request := expect[*events.PairPasskeyRequest](t, c, 1)
	require.Equal(t, "whatsapp.com", request.PublicKey.RelyingPartID)
	require.NoError(t, c.SendPasskeyResponse(within(t), &types.WebAuthnResponse{}))
	code := expect[*events.PairPasskeyConfirmation](t, c, 1).Code
	shown, err := user.PasskeyCode(within(t))
	require.NoError(t, err)
	require.Equal(t, shown, code)
	require.NoError(t, c.SendPasskeyConfirmation(within(t)))

	require.NoError(t, <-scanned)
	expect[*events.Connected](t, c, 1)
	require.Equal(t, []uint16{1}, user.Devices())
}

func TestALinkedDeviceLogsInAfterARestart(t *testing.T) {
	t.Parallel()
	_, owner, contact, c := pair(t)

	again := c.restart(t)

	expect[*events.Connected](t, again, 1)
	require.Zero(t, count[*events.QR](again))
	require.NoError(t, contact.SendText(within(t), owner, "A1", "after the restart"))
	expectText(t, again, "after the restart")
}

func TestANewDeviceIsToldTheTruthAboutItsKeys(t *testing.T) {
	t.Parallel()
	server := newServer(t, Options{TrueKeyCount: true})
	user := server.AddUser("491700000001")

	paired(t, server, user)

	server.mu.Lock()
	defer server.mu.Unlock()
	require.Greater(t, len(user.devices[1].oneTime), 800)
}

func TestAServerListensOnlyOnLoopback(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", "192.0.2.1:0", "localhost", "example.com:0"} {
		_, err := New(Options{Listen: address})
		require.Error(t, err, address)
	}
	server := newServer(t, Options{})
	require.Equal(t, SharedRoot().PublicKey(), server.RootKey())
	require.NotEqual(t, NewRoot().PublicKey(), server.RootKey())
	server.Close()
	server.Close()
	_, err := New(Options{Listen: server.Address()})
	require.NoError(t, err, "a closed server gives its address back")
}
