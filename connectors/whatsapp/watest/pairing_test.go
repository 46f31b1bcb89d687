package watest

import (
	"testing"

	"github.com/stretchr/testify/require"
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
