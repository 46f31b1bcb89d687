package whatsapp

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types/events"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
)

func TestNewOutboundNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := newOutbound(outboundOptions{})
	require.ErrorContains(t, err, "is missing")
}

func TestMessageIDsHaveTheFormOfWhatsAppWeb(t *testing.T) {
	t.Parallel()
	first, second := newMessageID(), newMessageID()
	require.Regexp(t, `^3EB0[0-9A-F]{18}$`, first)
	require.NotEqual(t, first, second)
}

func TestATextGoesToANumberALIDAndAGroup(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	group, err := d.server.AddGroup("Team", d.owner, d.contact)
	require.NoError(t, err)
	for _, to := range []string{"+49 170 0000002", d.contact.JID().String(), d.contact.LID().String(), group.JID().String()} {
		got := d.sends(t, connectors.OutMessage{To: to, Text: "hello " + to})
		require.Equal(t, "hello "+to, got.Text())
		require.Equal(t, to == group.JID().String(), got.Group)
	}
}

func TestAReplyQuotesTheEarlierMessage(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	group, err := d.server.AddGroup("Team", d.owner, d.contact)
	require.NoError(t, err)
	cases := map[string]struct {
		to     string
		quoted *connectors.Quoted
		writer string
		text   string
	}{
		"the other side": {
			d.contact.Number(), &connectors.Quoted{ProviderID: "EARLIER", Chat: d.contact.Number(), Sender: d.contact.Number(), Text: "when?"},
			d.contact.LID().String(), "when?",
		},
		"oneself":                  {d.contact.Number(), &connectors.Quoted{ProviderID: "EARLIER", FromMe: true, Text: "now"}, d.owner.LID().String(), "now"},
		"a member":                 {group.JID().String(), &connectors.Quoted{ProviderID: "EARLIER", Sender: d.contact.LID().String()}, d.contact.LID().String(), ""},
		"a message not known":      {d.contact.Number(), nil, d.contact.LID().String(), ""},
		"one not known in a group": {group.JID().String(), nil, "", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := d.sends(t, connectors.OutMessage{To: c.to, Text: "soon: " + name, ReplyTo: "EARLIER", Quoted: c.quoted})
			reply := got.Message.GetExtendedTextMessage().GetContextInfo()
			require.Equal(t, "soon: "+name, got.Text())
			require.Equal(t, "EARLIER", reply.GetStanzaID())
			require.Equal(t, c.writer, reply.GetParticipant())
			require.Equal(t, c.text, reply.GetQuotedMessage().GetConversation())
			require.Empty(t, reply.GetRemoteJID())
		})
	}
	got := d.sends(t, connectors.OutMessage{
		To: d.contact.Number(), Text: "in private", ReplyTo: "EARLIER", Quoted: &connectors.Quoted{Chat: group.JID().String(), Sender: d.contact.Number()},
	})
	require.Equal(t, group.JID().String(), got.Message.GetExtendedTextMessage().GetContextInfo().GetRemoteJID())
}

func TestAReactionNamesTheMessageByItsKey(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	group, err := d.server.AddGroup("Team", d.owner, d.contact)
	require.NoError(t, err)
	react := func(to, emoji string, quoted *connectors.Quoted) connectors.OutMessage {
		return connectors.OutMessage{To: to, Reaction: &connectors.Reaction{MessageID: "EARLIER", Emoji: emoji}, Quoted: quoted}
	}
	d.sends(t, d.text("so that the LID is known"))

	theirs := d.sends(t, react(d.contact.Number(), "👍", &connectors.Quoted{Sender: d.contact.Number()})).Message.GetReactionMessage()
	require.Equal(t, "👍", theirs.GetText())
	require.Equal(t, "EARLIER", theirs.GetKey().GetID())
	require.False(t, theirs.GetKey().GetFromMe())
	require.Equal(t, d.contact.LID().String(), theirs.GetKey().GetRemoteJID())
	require.Empty(t, theirs.GetKey().GetParticipant())

	unknown := d.sends(t, react(d.contact.Number(), "👍", nil)).Message.GetReactionMessage()
	require.False(t, unknown.GetKey().GetFromMe())

	ours := d.sends(t, react(d.contact.Number(), "", &connectors.Quoted{FromMe: true})).Message.GetReactionMessage()
	require.NotNil(t, ours.Text, "an empty text takes it back")
	require.Empty(t, ours.GetText())
	require.True(t, ours.GetKey().GetFromMe())

	member := d.sends(t, react(group.JID().String(), "👍", &connectors.Quoted{Sender: d.contact.Number()})).Message.GetReactionMessage()
	require.Equal(t, d.contact.LID().String(), member.GetKey().GetParticipant())
	require.Equal(t, group.JID().String(), member.GetKey().GetRemoteJID())

	refused := d.fails(t, react(group.JID().String(), "👍", nil))
	require.Equal(t, connectors.KindRejected, refused.Kind)
	require.Equal(t, "reaction.messageId", refused.Field)
}

func TestALocationAndAContactAreSent(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)

	place := d.sends(t, connectors.OutMessage{
		To: d.contact.Number(), Location: &connectors.Location{Latitude: 52.52, Longitude: -13.4, Name: "Office", Address: "Street 1"},
	}).Message.GetLocationMessage()
	require.InDelta(t, 52.52, place.GetDegreesLatitude(), 0)
	require.InDelta(t, -13.4, place.GetDegreesLongitude(), 0)
	require.Equal(t, "Office", place.GetName())
	require.Equal(t, "Street 1", place.GetAddress())

	card := d.sends(t, connectors.OutMessage{
		To: d.contact.Number(), Contact: &connectors.Card{Name: "Doe; Jane,\r\nEND:VCARD\\", Phone: "+49 170 0000003"},
	}).Message.GetContactMessage()
	require.Equal(t, `Doe; Jane,  END:VCARD\`, card.GetDisplayName())
	require.Equal(t, "BEGIN:VCARD\nVERSION:3.0\nN:;Doe\\; Jane\\,  END:VCARD\\\\;;;\nFN:Doe\\; Jane\\,  END:VCARD\\\\\n"+
		"TEL;type=CELL;type=VOICE;waid=491700000003:+491700000003\nEND:VCARD", card.GetVcard())
}

func TestWhatDoesNotFitIsRefusedBeforeAnythingIsAsked(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	require.Equal(t, connectors.CodeInvalidContent, d.fails(t, connectors.OutMessage{To: d.contact.Number()}).Code)
	require.Equal(t, connectors.CodeInvalidRecipient, d.fails(t, connectors.OutMessage{To: "status@broadcast", Text: "x"}).Code)
	for _, stanza := range d.server.Stanzas() {
		require.NotEqual(t, "usync", stanza.Node.Attrs["xmlns"], "nobody was looked up")
	}
}

func TestTheServersRefusalHasItsOwnCode(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	d.server.Switch(func(w *watest.Switches) { w.AckError = 463 })

	refused := d.fails(t, d.text("cold"))

	require.Equal(t, connectors.KindRejected, refused.Kind)
	require.Equal(t, codeNotReachable, refused.Code)
	require.Equal(t, 463, refused.Provider.Code)
	require.Equal(t, "to", refused.Field)
}

func TestAGroupThatIsAddressedInAnotherWayByNowIsAskedForAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	group, err := d.server.AddGroup("Team", d.owner, d.contact)
	require.NoError(t, err)
	d.server.Switch(func(w *watest.Switches) { w.AckError = 421 })

	refused := d.fails(t, connectors.OutMessage{To: group.JID().String(), Text: "hello"})

	require.Equal(t, connectors.KindRetryable, refused.Kind)
	asked := 0
	for _, stanza := range d.server.Stanzas() {
		if stanza.Node.Attrs["xmlns"] == "w:g2" {
			asked++
		}
	}
	require.Equal(t, 2, asked)
	d.server.Switch(func(w *watest.Switches) { w.AckError = 0 })
	require.Equal(t, "again", d.sends(t, connectors.OutMessage{To: group.JID().String(), Text: "again"}).Text())
}

func TestAGroupThatIsNotOursIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	refused := d.fails(t, connectors.OutMessage{To: "120363999999999999@g.us", Text: "hello"})
	require.Equal(t, connectors.KindRejected, refused.Kind)
	require.Equal(t, connectors.CodeInvalidRecipient, refused.Code)
}

func TestAMessageWhoseAnswerDoesNotComeIsUnconfirmed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	d.server.Switch(func(w *watest.Switches) { w.DropAcks = 1 })
	ctx, cancel := context.WithCancel(soon(t))
	defer cancel()
	message := d.text("did it arrive?")
	message.ProviderID = newMessageID()
	go func() { // the caller gives up as soon as the message has left
		_, _ = d.contact.WaitText(ctx, "did it arrive?")
		cancel()
	}()

	_, err := d.send(ctx, message)

	require.Equal(t, connectors.KindUnconfirmed, connectors.AsError(err).Kind)
	got := d.sends(t, d.text("the next one"))
	require.Equal(t, "the next one", got.Text(), "the line is free again")
}

func TestALineThatIsCutAfterTheMessageLeftIsUnconfirmed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	// In a group, because beside the first message to a person the library asks for something else too, and two of its own waits for the
	// same lost line are a data race in it.
	group, err := d.server.AddGroup("Team", d.owner, d.contact)
	require.NoError(t, err)
	to := group.JID().String()
	d.sends(t, connectors.OutMessage{To: to, Text: "first"})
	d.server.Switch(func(w *watest.Switches) { w.CutInstead = 1 })
	d.client.AddEventHandler(func(event any) {
		if _, ok := event.(*events.Disconnected); ok {
			d.client.Disconnect() // whatsmeow would wait five seconds for a new line
		}
	})

	_, err = d.send(soon(t), connectors.OutMessage{To: to, Text: "second"})
	require.Equal(t, connectors.KindUnconfirmed, connectors.AsError(err).Kind)

	_, err = d.send(soon(t), connectors.OutMessage{To: to, Text: "third"})
	require.Equal(t, connectors.KindRetryable, connectors.AsError(err).Kind)
	require.Equal(t, connectors.CodeNotConnected, connectors.AsError(err).Code)
}

func TestADeviceThatIsNotReadySendsNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	d.sends(t, d.text("first"))
	d.close(notConnected(nil))
	require.Equal(t, connectors.CodeNotConnected, d.fails(t, d.text("second")).Code)
	require.Error(t, d.markRead(soon(t), connectors.Quoted{Chat: d.contact.Number()}, []string{"A"}))
}

func TestAMessageThatWaitsForAnotherEndsWithItsContext(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	d.sends(t, d.text("first"))
	d.turn <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := d.send(ctx, d.text("second"))
	require.Equal(t, connectors.KindRetryable, connectors.AsError(err).Kind)
	<-d.turn
}

// strictIdentities is a key store that fails for one person, as a database does that is locked.
type strictIdentities struct {
	store.IdentityStore
	person string
}

func (s strictIdentities) IsTrustedIdentity(ctx context.Context, address string, key [32]byte) (bool, error) {
	if address == s.person {
		return false, errors.New("database is locked")
	}
	return s.IdentityStore.IsTrustedIdentity(ctx, address, key)
}

func TestAMessageThatNoDeviceOfTheRecipientCanReadHasFailed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	d.client.Store.Identities = strictIdentities{IdentityStore: d.client.Store.Identities, person: d.contact.LID().SignalAddress().String()}

	_, err := d.send(soon(t), d.text("for nobody"))

	failed := connectors.AsError(err)
	require.Equal(t, connectors.KindRetryable, failed.Kind)
	require.Equal(t, codeNotEncrypted, failed.Code)
	require.Empty(t, d.contact.Received())
	require.Empty(t, d.unsent.failed, "nothing is kept of it")
}

func TestMessagesAreMarkedAsRead(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	group, err := d.server.AddGroup("Team", d.owner, d.contact)
	require.NoError(t, err)

	require.NoError(t, d.markRead(soon(t), connectors.Quoted{Chat: d.contact.Number(), Sender: d.contact.Number()}, []string{"A1", "A2"}))
	require.NoError(t, d.markRead(soon(t), connectors.Quoted{Chat: group.JID().String(), Sender: d.contact.LID().String()}, []string{"A3"}))
	require.NoError(t, d.markRead(soon(t), connectors.Quoted{Chat: d.contact.Number()}, nil))

	for _, id := range []string{"A1", "A2", "A3"} {
		got, err := d.contact.WaitReceipt(soon(t), id, watest.Read)
		require.NoError(t, err, id)
		require.Equal(t, id == "A3", got.Chat == group.JID())
	}
	for _, chat := range []connectors.Quoted{{Chat: "nobody"}, {Chat: group.JID().String()}} {
		require.Equal(t, connectors.KindRejected, connectors.AsError(d.markRead(soon(t), chat, []string{"A4"})).Kind)
	}
}
