package watest

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"
)

func text1(s string) *waE2E.Message { return &waE2E.Message{Conversation: proto.String(s)} }

func TestTextsComeInInBothForms(t *testing.T) {
	t.Parallel()
	server, owner, contact, c := pair(t)

	require.NoError(t, contact.SendText(within(t), owner, "A1", "by lid"))
	byLID := expectText(t, c, "by lid")
	server.Switch(func(w *Switches) { w.PhoneNumberForm = true })
	require.NoError(t, contact.SendText(within(t), owner, "A2", "by number"))
	byNumber := expectText(t, c, "by number")

	require.Equal(t, contact.LID(), byLID.Info.Chat)
	require.Equal(t, contact.JID(), byLID.Info.SenderAlt)
	require.Equal(t, "Carl", byLID.Info.PushName)
	require.Equal(t, "A1", byLID.Info.ID)
	require.Equal(t, contact.JID(), byNumber.Info.Chat)
	require.Equal(t, contact.LID(), byNumber.Info.SenderAlt)
	for _, id := range []string{"A1", "A2"} {
		_, err := contact.WaitReceipt(within(t), id, Inactive)
		require.NoError(t, err)
	}
	require.Zero(t, owner.Pending())
}

func TestATextGoesOutAndItsReceiptsComeBack(t *testing.T) {
	t.Parallel()
	_, owner, contact, c := pair(t)

	sent, err := c.SendMessage(within(t), contact.JID(), text1("hello"))

	require.NoError(t, err)
	got, err := contact.WaitText(within(t), "hello")
	require.NoError(t, err)
	require.Equal(t, sent.ID, got.ID)
	require.Equal(t, "491700000001:1@s.whatsapp.net", got.From.String())
	copied, err := owner.WaitText(within(t), "hello")
	require.NoError(t, err)
	require.True(t, copied.Copy)
	require.NoError(t, contact.Receipt(owner, Delivered, sent.ID))
	require.NoError(t, contact.Receipt(owner, Read, sent.ID, "another"))
	require.Equal(t, types.ReceiptTypeDelivered, expect[*events.Receipt](t, c, 1).Type)
	read := expect[*events.Receipt](t, c, 2)
	require.Equal(t, types.ReceiptTypeRead, read.Type)
	require.Equal(t, []types.MessageID{sent.ID, "another"}, read.MessageIDs)
	require.Equal(t, contact.LID(), read.Chat)
	require.NoError(t, contact.SendText(within(t), owner, "A1", "answer"))
	expectText(t, c, "answer")
}
