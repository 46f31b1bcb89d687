package watest

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
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

func TestAMessageThatCannotBeReadIsSentAgain(t *testing.T) {
	t.Parallel()
	server, owner, contact, c := pair(t)
	_, err := c.SendMessage(within(t), contact.JID(), text1("the contact hears from the device, and uses msg from now on"))
	require.NoError(t, err)
	require.NoError(t, contact.SendText(within(t), owner, "A1", "first"))
	expectText(t, c, "first")
	server.Switch(func(w *Switches) { w.CorruptNext = 1 })

	require.NoError(t, contact.SendText(within(t), owner, "A2", "second"))

	require.Equal(t, "A2", expect[*events.UndecryptableMessage](t, c, 1).Info.ID)
	again := expectText(t, c, "second")
	require.Equal(t, "A2", again.Info.ID)
	require.Equal(t, 1, again.RetryCount)
	require.EqualValues(t, 1, server.Counters().Retries)
	require.NoError(t, contact.SendText(within(t), owner, "A3", "third"))
	expectText(t, c, "third")
}

func TestAPhoneAsksForAMessageAgain(t *testing.T) {
	t.Parallel()
	_, owner, contact, c := pair(t)
	sent, err := c.SendMessage(within(t), contact.JID(), text1("again, please"))
	require.NoError(t, err)

	require.NoError(t, contact.AskAgain(owner, sent.ID, 1))

	again, err := contact.WaitMessage(within(t), func(m Message) bool { return m.Retry == 1 })
	require.NoError(t, err)
	require.Equal(t, sent.ID, again.ID)
	require.Equal(t, "again, please", again.Text())
	require.Eventually(t, func() bool { return owner.Pending() == 0 }, limit, time.Millisecond)
}

func TestMessagesWaitForADeviceThatIsAway(t *testing.T) {
	t.Parallel()
	_, owner, contact, c := pair(t)
	c.stop()
	for _, id := range []string{"A1", "A2", "A3"} {
		require.NoError(t, contact.SendText(within(t), owner, id, "text "+id))
	}
	require.NoError(t, contact.Receipt(owner, Read, "B1"))
	require.NoError(t, contact.Typing(owner, types.ChatPresenceComposing))
	require.Equal(t, 4, owner.Pending())
	require.Equal(t, []string{"A1", "A2", "A3"}, owner.PendingMessages())

	again := c.restart(t)

	preview := expect[*events.OfflineSyncPreview](t, again, 1)
	require.Equal(t, []int{4, 3, 1, 0}, []int{preview.Total, preview.Messages, preview.Receipts, preview.Notifications})
	require.Equal(t, 4, expect[*events.OfflineSyncCompleted](t, again, 1).Count)
	for nth, id := range []string{"A1", "A2", "A3"} {
		require.Equal(t, id, expect[*events.Message](t, again, nth+1).Info.ID)
	}
	require.Eventually(t, func() bool { return owner.Pending() == 0 }, limit, time.Millisecond)
}

func TestAMessageThatIsNotConfirmedComesAgain(t *testing.T) {
	t.Parallel()
	server := newServer(t, Options{})
	owner, contact := server.AddUser("491700000001"), server.AddUser("491700000002")
	c := newClient(t, server)
	c.SynchronousAck, c.EnableDecryptedEventBuffer = true, true
	var failures atomic.Int32
	c.AddEventHandlerWithSuccessStatus(func(event any) bool {
		_, isMessage := event.(*events.Message)
		return !isMessage || failures.Add(1) > 1
	})
	require.NoError(t, c.Connect())
	_, err := owner.Scan(within(t), expect[*events.QR](t, c, 1).Codes[0])
	require.NoError(t, err)
	expect[*events.Connected](t, c, 1)

	require.NoError(t, contact.SendText(within(t), owner, "A1", "kept"))
	expect[*events.Message](t, c, 1)
	require.Equal(t, []string{"A1"}, owner.PendingMessages())
	require.Equal(t, 1, owner.Drop())

	require.Equal(t, "A1", expect[*events.Message](t, c, 2).Info.ID)
	require.Eventually(t, func() bool { return len(owner.PendingMessages()) == 0 }, limit, time.Millisecond)
}

func TestMessagesGoOnAfterADrop(t *testing.T) {
	t.Parallel()
	server, owner, contact, c := pair(t)

	server.DropAll()

	expect[*events.Disconnected](t, c, 1)
	expect[*events.Connected](t, c, 2)
	require.NoError(t, contact.SendText(within(t), owner, "A1", "after the drop"))
	expectText(t, c, "after the drop")
	_, err := c.SendMessage(within(t), contact.JID(), text1("back"))
	require.NoError(t, err)
	_, err = contact.WaitText(within(t), "back")
	require.NoError(t, err)
}

func TestAMessageIsAnsweredWithAnError(t *testing.T) {
	t.Parallel()
	for _, code := range []int{400, 463, 479} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			server, _, contact, c := pair(t)
			server.Switch(func(w *Switches) { w.AckError = code })

			_, err := c.SendMessage(within(t), contact.JID(), text1("refused"))

			require.ErrorIs(t, err, whatsmeow.ErrServerReturnedError)
			require.ErrorContains(t, err, strconv.Itoa(code))
			require.Empty(t, contact.Received())
		})
	}
}

func TestAnAckIsLostOrLate(t *testing.T) {
	t.Parallel()
	server, _, contact, c := pair(t)
	server.Switch(func(w *Switches) { w.DropAcks = 1 })

	_, err := c.SendMessage(within(t), contact.JID(), text1("unconfirmed"), whatsmeow.SendRequestExtra{Timeout: time.Millisecond})

	require.ErrorIs(t, err, whatsmeow.ErrMessageTimedOut)
	_, err = contact.WaitText(within(t), "unconfirmed")
	require.NoError(t, err)
	server.Switch(func(w *Switches) { w.AckDelay = 20 })
	before := time.Now()
	_, err = c.SendMessage(within(t), contact.JID(), text1("late"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(before), 20*time.Millisecond)
}

func TestALineThatIsCutBeforeTheAckSendsTheMessageOnce(t *testing.T) {
	t.Parallel()
	server, _, contact, c := pair(t)
	server.Switch(func(w *Switches) { w.CutInstead = 1 })

	_, err := c.SendMessage(within(t), contact.JID(), text1("twice on the way"), whatsmeow.SendRequestExtra{ID: "M1"})

	require.NoError(t, err)
	got, err := contact.WaitText(within(t), "twice on the way")
	require.NoError(t, err)
	require.Equal(t, "M1", got.ID)
	require.Len(t, contact.Received(), 1)
	require.EqualValues(t, 1, server.Counters().Messages)
}

func TestWhatTheUserTypesOnThePhoneIsSeen(t *testing.T) {
	t.Parallel()
	server, owner, contact, c := pair(t)
	for _, byNumber := range []bool{false, true} {
		server.Switch(func(w *Switches) { w.PhoneNumberForm = byNumber })
		id := "P" + strconv.FormatBool(byNumber)

		require.NoError(t, owner.TypeOnPhone(within(t), contact.JID(), id, text1(id)))

		message := expectText(t, c, id)
		require.True(t, message.Info.IsFromMe)
		require.Equal(t, contact.address(), message.Info.Chat)
		require.Equal(t, contact.alternate(contact.address()), message.Info.RecipientAlt)
		require.Equal(t, id, message.Info.ID)
	}
	require.Empty(t, contact.Received())
}

func TestTypingReadingAndPresenceAreSeen(t *testing.T) {
	t.Parallel()
	server, owner, contact, c := pair(t)
	require.NoError(t, contact.SendText(within(t), owner, "A1", "hi"))
	message := expectText(t, c, "hi")

	require.NoError(t, c.SendChatPresence(within(t), message.Info.Chat, types.ChatPresenceComposing, types.ChatPresenceMediaAudio))
	require.NoError(t, c.SendChatPresence(within(t), message.Info.Chat, types.ChatPresencePaused, ""))
	require.NoError(t, c.MarkRead(within(t), []string{"A1", "A0"}, time.Now(), message.Info.Chat, message.Info.Sender))
	c.Store.PushName = "Olga"
	require.NoError(t, c.SendPresence(within(t), types.PresenceAvailable))
	require.NoError(t, contact.Typing(owner, types.ChatPresenceComposing))

	typing, err := contact.WaitTyping(within(t), types.ChatPresenceComposing)
	require.NoError(t, err)
	require.Equal(t, types.ChatPresenceMediaAudio, typing.Media)
	_, err = contact.WaitTyping(within(t), types.ChatPresencePaused)
	require.NoError(t, err)
	for _, id := range []string{"A1", "A0"} {
		_, err = contact.WaitReceipt(within(t), id, Read)
		require.NoError(t, err)
	}
	stanza, err := server.WaitStanza(within(t), func(s Stanza) bool { return s.Node.Tag == "presence" })
	require.NoError(t, err)
	require.Equal(t, "available", stanza.Node.Attrs["type"])
	require.Equal(t, owner.Number(), stanza.User)
	require.Equal(t, types.ChatPresenceComposing, expect[*events.ChatPresence](t, c, 1).State)
	require.NotEmpty(t, server.Stanzas())
}

func TestANumberWithoutWhatsAppIsKnownAsOne(t *testing.T) {
	t.Parallel()
	server, _, contact, c := pair(t)

	answers, err := c.IsOnWhatsApp(within(t), []string{"+" + contact.Number(), "+491709999999"})

	require.NoError(t, err)
	require.Len(t, answers, 2)
	require.True(t, answers[0].IsIn)
	require.Equal(t, contact.LID(), answers[0].JID)
	require.Equal(t, contact.JID(), answers[0].PhoneNumber)
	require.Equal(t, "+"+contact.Number(), answers[0].Query)
	require.False(t, answers[1].IsIn)
	_, err = c.SendMessage(within(t), jid("491709999999"), text1("to nobody"))
	require.ErrorContains(t, err, "no LID found")
	server.AddUser("491700000003")
	server.Switch(func(w *Switches) { w.HideLIDs = true })
	_, err = c.SendMessage(within(t), jid("491700000003"), text1("hidden"))
	require.ErrorContains(t, err, "no LID found")
}

func TestAnAccountIsLocked(t *testing.T) {
	t.Parallel()
	_, owner, _, c := pair(t)
	until := time.Now().Add(time.Hour).Truncate(time.Second)

	require.NoError(t, owner.Timelock(true, until, "RESTRICT_ALL_COMPANIONS"))

	lock := expect[*events.NotifyAccountReachoutTimelock](t, c, 1)
	require.True(t, lock.IsActive)
	require.Equal(t, "RESTRICT_ALL_COMPANIONS", lock.EnforcementType)
	require.True(t, until.Equal(lock.TimeEnforcementEnds.Time))
	require.Eventually(t, func() bool { return owner.Pending() == 0 }, limit, time.Millisecond)
}

func TestPingsAreMuted(t *testing.T) {
	t.Parallel()
	server, _, _, c := pair(t)
	ping := whatsmeow.DangerousInfoQuery{Namespace: "w:p", Type: "get", To: types.ServerJID, NoRetry: true}
	internals := c.DangerousInternals() //nolint:staticcheck // the only way to ping at a chosen moment
	_, err := internals.SendIQ(within(t), ping)
	require.NoError(t, err)

	server.Switch(func(w *Switches) { w.MutePings = true })

	ping.Timeout = 20 * time.Millisecond
	_, err = internals.SendIQ(within(t), ping)
	require.ErrorIs(t, err, whatsmeow.ErrIQTimedOut)
}

func TestTwoLinkedAccountsTalkToEachOther(t *testing.T) {
	t.Parallel()
	server, owner, contact, c := pair(t)
	other := paired(t, server, contact)
	second := paired(t, server, owner)

	sent, err := c.SendMessage(within(t), contact.JID(), text1("hello"))
	require.NoError(t, err)

	message := expectText(t, other, "hello")
	require.Equal(t, sent.ID, message.Info.ID)
	require.Equal(t, owner.LID().User, message.Info.Sender.User)
	require.Equal(t, owner.JID().User, message.Info.SenderAlt.User)
	mine := expectText(t, second, "hello")
	require.True(t, mine.Info.IsFromMe)
	require.NoError(t, other.MarkRead(within(t), []string{sent.ID}, time.Now(), message.Info.Chat, message.Info.Sender))
	_, err = c.events.wait(within(t), func(event any) bool {
		receipt, ok := event.(*events.Receipt)
		return ok && receipt.Type == types.ReceiptTypeRead && receipt.MessageIDs[0] == sent.ID
	})
	require.NoError(t, err)
	require.NoError(t, other.SendChatPresence(within(t), message.Info.Chat, types.ChatPresenceComposing, ""))
	expect[*events.ChatPresence](t, c, 1)
	_, err = other.SendMessage(within(t), owner.JID(), text1("and back"))
	require.NoError(t, err)
	expectText(t, c, "and back")
	expectText(t, second, "and back")
}
