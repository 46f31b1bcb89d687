package watest

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
)

func TestAGroupTalks(t *testing.T) {
	t.Parallel()
	server, owner, contact, c := pair(t)
	third := server.AddUser("491700000003")
	group, err := server.AddGroup("Friends", contact, owner, third)
	require.NoError(t, err)

	require.NoError(t, contact.SendToGroup(within(t), group, "G1", text1("to all")))
	in := expectText(t, c, "to all")
	require.Equal(t, group.JID(), in.Info.Chat)
	require.True(t, in.Info.IsGroup)
	require.Equal(t, contact.LID(), in.Info.Sender)
	require.Equal(t, contact.JID(), in.Info.SenderAlt)

	for _, text := range []string{"one", "two"} { // the second comes without the group's key
		_, err = c.SendMessage(within(t), group.JID(), text1(text))
		require.NoError(t, err)
		for _, member := range []*User{owner, contact, third} {
			got, err := member.WaitText(within(t), text)
			require.NoError(t, err)
			require.True(t, got.Group)
			require.Equal(t, group.JID(), got.Chat)
		}
	}
	require.Len(t, third.Received(), 2)
	require.NoError(t, owner.TypeOnPhone(within(t), group.JID(), "G2", text1("from the phone")))
	typed := expectText(t, c, "from the phone")
	require.True(t, typed.Info.IsFromMe)
	require.Equal(t, group.JID(), typed.Info.Chat)
	require.NoError(t, third.GroupReceipt(group, owner, Read, "X1"))
	_, err = c.events.wait(within(t), func(event any) bool {
		receipt, ok := event.(*events.Receipt)
		return ok && receipt.Type == types.ReceiptTypeRead && receipt.Sender == third.LID() && receipt.Chat == group.JID()
	})
	require.NoError(t, err)
}

func TestAGroupTellsItsMembersAboutItself(t *testing.T) {
	t.Parallel()
	server, owner, contact, c := pair(t)
	_, err := server.AddGroup("Nobody")
	require.Error(t, err)
	group, err := server.AddGroup("Friends", owner, contact)
	require.NoError(t, err)
	foreign, err := server.AddGroup("Strangers", contact)
	require.NoError(t, err)

	info, err := c.GetGroupInfo(within(t), group.JID())

	require.NoError(t, err)
	require.Equal(t, "Friends", info.Name)
	require.Len(t, info.Participants, 2)
	require.Equal(t, contact.LID(), info.Participants[1].JID)
	require.Equal(t, contact.JID(), info.Participants[1].PhoneNumber)
	for _, jid := range []types.JID{foreign.JID(), types.NewJID("1", types.GroupServer)} {
		_, err = c.GetGroupInfo(within(t), jid)
		require.ErrorIs(t, err, whatsmeow.ErrGroupNotFound)
	}
	require.Error(t, owner.SendToGroup(within(t), group, "G1", text1("only the owner has a device")))
}

func TestAGroupReachesLinkedDevices(t *testing.T) {
	t.Parallel()
	server, owner, contact, c := pair(t)
	other := paired(t, server, contact)
	group, err := server.AddGroup("Friends", owner, contact)
	require.NoError(t, err)

	for _, text := range []string{"one", "two"} {
		_, err = c.SendMessage(within(t), group.JID(), text1(text))
		require.NoError(t, err)
		message := expectText(t, other, text)
		require.Equal(t, group.JID(), message.Info.Chat)
		require.Equal(t, owner.LID().User, message.Info.Sender.User)
	}
}
