package whatsapp

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
)

func TestAPhoneIsLinkedByQRCodeAndMessagesGoBothWays(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			r := newRigOn(t, engine, watest.Options{})
			link, user := r.link(t)
			friend := r.server.AddUser("4915112345678")
			require.NoError(t, friend.SendText(within(t), user, "IN1", "hello"))
			require.Equal(t, "4915112345678", r.listener.text(t, "hello").From)
			_, err := friend.WaitReceipt(within(t), "IN1", watest.Inactive)
			require.NoError(t, err)

			id := r.connector.NewMessageID()
			receipt, err := link.Send(within(t), connectors.OutMessage{To: "+49 151 12345678", Text: "good day", ProviderID: id})
			require.NoError(t, err)
			require.Equal(t, id, receipt.ProviderID)
			got, err := friend.WaitText(within(t), "good day")
			require.NoError(t, err)
			require.Equal(t, id, got.ID)

			identity := r.listener.history()[len(r.listener.history())-1].Identity
			require.Equal(t, owner, identity.Address)
			require.Equal(t, owner+":1@s.whatsapp.net", identity.Device)
			require.Equal(t, user.LID().String(), identity.LID)
			require.Equal(t, identity.Device, r.listener.paired[0].Device)
			require.Equal(t, []connectors.LinkStatus{connectors.LinkQR, connectors.LinkConnecting, connectors.LinkConnected}, r.statuses())

			require.NoError(t, link.Close())
			require.Zero(t, r.listener.inside.Load())
			again := r.open(t, identity.Device)
			r.listener.await(t, in(connectors.LinkConnecting))
			r.listener.await(t, connected)
			checks, err := again.CheckNumbers(within(t), []string{"4915112345678", "4915100000000"})
			require.NoError(t, err)
			require.Equal(t, []bool{true, false}, []bool{checks[0].Exists, checks[1].Exists})
		})
	}
}

// statuses returns the statuses that were told, each change once.
func (r *rig) statuses() []connectors.LinkStatus {
	var statuses []connectors.LinkStatus
	for _, state := range r.listener.history() {
		if len(statuses) == 0 || statuses[len(statuses)-1] != state.Status {
			statuses = append(statuses, state.Status)
		}
	}
	return statuses
}
