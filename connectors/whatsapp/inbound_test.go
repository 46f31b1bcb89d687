package whatsapp

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"github.com/switchhook/switchhook/connectors"
)

func goldenFile(name string) string {
	return filepath.Join("testdata", "inbound", strings.ReplaceAll(name, " ", "-")+".json")
}

// shown writes a message without what is empty, and with its files' references in the clear.
func shown(t *testing.T, message connectors.InMessage) []byte {
	t.Helper()
	raw, err := json.Marshal(message)
	require.NoError(t, err)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(raw, &fields))
	maps.DeleteFunc(fields, func(_ string, value any) bool { return value == nil || value == "" || value == false })
	for i, file := range message.Media {
		r, err := parseReference(file.URL)
		require.NoError(t, err)
		fields["Media"].([]any)[i].(map[string]any)["URL"] = r
	}
	raw, err = json.MarshalIndent(fields, "", "  ")
	require.NoError(t, err)
	return raw
}

func TestEveryKindOfMessageIsToldInTheTermsOfEveryNetwork(t *testing.T) {
	t.Parallel()
	for name, evt := range inboundRows() {
		result := inEverything().message(t.Context(), evt)
		require.Len(t, result.Messages, 1, name)
		require.Empty(t, result.Statuses, name)
		got := shown(t, result.Messages[0])
		want, err := os.ReadFile(goldenFile(name))
		require.NoError(t, err, name)
		require.JSONEq(t, string(want), string(got), name)
	}
	files, err := filepath.Glob(filepath.Join("testdata", "inbound", "*.json"))
	require.NoError(t, err)
	require.Len(t, files, len(inboundRows()), "each file belongs to a row")
}

func TestTheDocumentationNamesEveryFact(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../docs/whatsapp-messages.md")
	require.NoError(t, err)
	for name, evt := range inboundRows() {
		message := inEverything().message(t.Context(), evt).Messages[0]
		require.Contains(t, string(raw), "`"+message.Type+"`", name)
		if message.Type == "other" {
			require.Contains(t, string(raw), "`"+message.Extra["kind"].(string)+"`", name)
		}
		for key := range message.Extra {
			require.Contains(t, string(raw), "`"+key+"`", name)
		}
	}
}

func TestWhatNobodyWroteIsNoMessage(t *testing.T) {
	t.Parallel()
	silent := map[string]*waE2E.Message{
		"nothing":     {},
		"keys":        {SenderKeyDistributionMessage: &waE2E.SenderKeyDistributionMessage{GroupID: proto.String("g")}},
		"no words":    {Conversation: proto.String("")},
		"album":       {AlbumMessage: &waE2E.AlbumMessage{ExpectedImageCount: proto.Uint32(3)}},
		"no type":     {ProtocolMessage: &waE2E.ProtocolMessage{Key: keyOf("3EB0OLD")}},
		"no target":   {ProtocolMessage: &waE2E.ProtocolMessage{Type: waE2E.ProtocolMessage_REVOKE.Enum()}},
		"empty layer": {DeviceSentMessage: &waE2E.DeviceSentMessage{}, MessageContextInfo: &waE2E.MessageContextInfo{}},
	}
	for _, kind := range []waE2E.ProtocolMessage_Type{
		waE2E.ProtocolMessage_HISTORY_SYNC_NOTIFICATION, waE2E.ProtocolMessage_APP_STATE_SYNC_KEY_SHARE, waE2E.ProtocolMessage_EPHEMERAL_SETTING,
		waE2E.ProtocolMessage_PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE, 999,
	} {
		silent[kind.String()] = &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{Type: kind.Enum(), Key: keyOf("3EB0OLD")}}
	}
	for name, m := range silent {
		require.Empty(t, inEverything().message(t.Context(), fromJane(m)), name)
	}
	require.Empty(t, inEverything().message(t.Context(), &events.Message{Info: fromJane(nil).Info}), "no content at all")
}

func TestWhatIsNotUnderstoodIsToldOf(t *testing.T) {
	t.Parallel()
	newer := &waE2E.Message{}
	require.NoError(t, proto.Unmarshal([]byte{0xfa, 0x7f, 0x02, 0x08, 0x01}, newer)) // field 2047
	for kind, m := range map[string]*waE2E.Message{
		"unknown":       newer,
		"ephemeral":     {EphemeralMessage: layerOf(nil)},
		"callLog":       {CallLogMesssage: &waE2E.CallLogMessage{}},
		"stickerPack":   {StickerPackMessage: &waE2E.StickerPackMessage{}},
		"contactsArray": {ContactsArrayMessage: &waE2E.ContactsArrayMessage{}},
		"reaction":      {ReactionMessage: &waE2E.ReactionMessage{}},
		"list":          {ListMessage: &waE2E.ListMessage{}},
	} {
		result := inEverything().message(t.Context(), fromJane(m))
		require.Len(t, result.Messages, 1, kind)
		require.Equal(t, "other", result.Messages[0].Type, kind)
		require.Equal(t, kind, result.Messages[0].Extra["kind"])
	}
}

func TestTheSettingsSayWhichChatsComeIn(t *testing.T) {
	t.Parallel()
	all := inboundRows()
	for name, settings := range map[string]settings{
		"own":     {receiveOwn: true},
		"group":   {receiveGroups: true},
		"status":  {receiveStatus: true},
		"channel": {receiveStatus: true},
	} {
		in := inEverything()
		in.settings = settings
		require.Len(t, in.message(t.Context(), all[name]).Messages, 1, name)
		require.Len(t, in.message(t.Context(), all["text"]).Messages, 1, name)
		in.settings.receiveOwn, in.settings.receiveGroups, in.settings.receiveStatus = !settings.receiveOwn, !settings.receiveGroups, !settings.receiveStatus
		require.Empty(t, in.message(t.Context(), all[name]), name)
		require.Len(t, in.message(t.Context(), all["broadcast list"]).Messages, 1, name)
	}
}

func TestAMessageForOneViewThatWeDoNotGetIsToldOf(t *testing.T) {
	t.Parallel()
	info := fromJane(nil).Info
	got := inEverything().withheld(t.Context(), &events.UndecryptableMessage{Info: info, IsUnavailable: true, UnavailableType: events.UnavailableTypeViewOnce})
	require.Len(t, got.Messages, 1)
	require.Equal(t, "other", got.Messages[0].Type)
	require.Equal(t, map[string]any{"kind": "viewOnce", "viewOnce": true, "withheld": true, "fromLid": janeLID().String()}, got.Messages[0].Extra)
	require.Empty(t, inEverything().withheld(t.Context(), &events.UndecryptableMessage{Info: info}), "it comes again")
	info.IsFromMe = true
	in := inEverything()
	in.settings.receiveOwn = false
	require.Empty(t, in.withheld(t.Context(), &events.UndecryptableMessage{Info: info, UnavailableType: events.UnavailableTypeViewOnce}))
}

func TestWhatIsEncryptedOnceMoreIsOpenedWhereThatIsPossible(t *testing.T) {
	t.Parallel()
	in := inEverything()
	in.decryptVote = func(context.Context, *events.Message) (*waE2E.PollVoteMessage, error) {
		return &waE2E.PollVoteMessage{SelectedOptions: [][]byte{sumOf("Soup")}}, nil
	}
	vote := in.message(t.Context(), inboundRows()["poll vote"]).Messages[0]
	soup := hex.EncodeToString(sumOf("Soup"))
	require.Equal(t, map[string]any{"messageId": "3EB0POLL", "optionHashes": []string{soup}}, vote.Extra["poll"])

	open := func(plain *waE2E.Message) {
		in.decrypt = func(context.Context, *events.Message) (*waE2E.Message, error) { return plain, nil }
	}
	open(&waE2E.Message{ReactionMessage: &waE2E.ReactionMessage{Key: keyOf("3EB0OLD"), Text: proto.String("🎉")}})
	require.Equal(t, "🎉", in.message(t.Context(), inboundRows()["reaction encrypted"]).Messages[0].Text)
	open(&waE2E.Message{Conversation: proto.String("Better")})
	edited := in.message(t.Context(), inboundRows()["edit encrypted"]).Messages[0]
	require.Equal(t, "Better", edited.Text)
	require.Equal(t, map[string]any{"messageId": "3EB0OLD"}, edited.Extra["edited"])

	in.decryptVote = func(context.Context, *events.Message) (*waE2E.PollVoteMessage, error) {
		return nil, errors.New("no secret")
	}
	in.decrypt = func(context.Context, *events.Message) (*waE2E.Message, error) { return nil, errors.New("no secret") }
	for _, name := range []string{"poll vote", "reaction encrypted", "edit encrypted"} {
		require.Equal(t, inEverything().message(t.Context(), inboundRows()[name]), in.message(t.Context(), inboundRows()[name]), name)
	}
}

func TestASecretWithoutANonceIsNotGivenToTheCipher(t *testing.T) {
	t.Parallel()
	_, err := votesWith(nil)(t.Context(), inboundRows()["poll vote"])
	require.EqualError(t, err, "the vote is malformed")
	for _, name := range []string{"reaction encrypted", "edit encrypted", "text"} {
		_, err = secretsWith(nil)(t.Context(), inboundRows()[name])
		require.Error(t, err, name)
	}
}

func TestWhatGoesTooDeepIsToldOfWithoutItsContent(t *testing.T) {
	t.Parallel()
	deep := &waE2E.Message{Conversation: proto.String("deep")}
	for range mostNested + 1 {
		deep = &waE2E.Message{ProtocolMessage: &waE2E.ProtocolMessage{
			Key: keyOf("3EB0OLD"), Type: waE2E.ProtocolMessage_MESSAGE_EDIT.Enum(), EditedMessage: deep,
		}}
	}
	message := inEverything().message(t.Context(), fromJane(deep)).Messages[0]
	require.Equal(t, "other", message.Type)
	require.Empty(t, message.Text)
	wrapped := &waE2E.Message{Conversation: proto.String("deep")}
	for range mostWraps + 1 {
		wrapped = &waE2E.Message{EphemeralMessage: layerOf(wrapped)}
	}
	message = inEverything().message(t.Context(), fromJane(wrapped)).Messages[0]
	require.Equal(t, "other", message.Type)
	require.Equal(t, "ephemeral", message.Extra["kind"])
}

func TestASenderWithoutAnAddressAndATimeThatIsNoneAreLeftOut(t *testing.T) {
	t.Parallel()
	evt := fromJane(written("Hi", nil))
	evt.Info.Timestamp = time.Unix(1, 0)
	require.True(t, inEverything().message(t.Context(), evt).Messages[0].Timestamp.IsZero())
	evt.Info.Sender, evt.Info.SenderAlt = types.EmptyJID, types.EmptyJID
	require.Empty(t, inEverything().message(t.Context(), evt))
	require.Empty(t, inEverything().withheld(t.Context(), &events.UndecryptableMessage{Info: evt.Info, UnavailableType: events.UnavailableTypeViewOnce}))
	evt.Info.Sender = types.JID{User: bobLID().User, Server: types.HostedLIDServer, Device: 99}
	require.Equal(t, bobPhone().User, inEverything().message(t.Context(), evt).Messages[0].From, "a business' own server writes for it")
}

func TestAnEditIsNotTakenForARepeatOfItsOriginal(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"edit", "channel edited"} {
		message := inEverything().message(t.Context(), inboundRows()[name]).Messages[0]
		require.NotEqual(t, message.Extra["edited"].(map[string]any)["messageId"], message.ProviderID, name)
	}
}

func TestWhatASenderMayFillInIsBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä\x00\xff", 100_000)
	many := make([]string, 5000)
	for i := range many {
		many[i] = types.NewJID(strings.Repeat("1", 1+i%20), types.HiddenUserServer).String()
	}
	cards := make([]*waE2E.ContactMessage, 1000)
	for i := range cards {
		cards[i] = &waE2E.ContactMessage{DisplayName: &long, Vcard: proto.String(strings.Repeat("TEL:"+strings.Repeat("x", 1000)+"\nEMAIL:a@b\n", 1000))}
	}
	options := make([]*waE2E.PollCreationMessage_Option, 1000)
	for i := range options {
		options[i] = &waE2E.PollCreationMessage_Option{OptionName: &long}
	}
	info := &waE2E.ContextInfo{MentionedJID: many, StanzaID: proto.String("q"), Participant: &long, QuotedMessage: &waE2E.Message{Conversation: &long}}
	for name, m := range map[string]*waE2E.Message{
		"text":     written(long, info),
		"contacts": {ContactsArrayMessage: &waE2E.ContactsArrayMessage{Contacts: cards, ContextInfo: info}},
		"poll":     {PollCreationMessage: &waE2E.PollCreationMessage{Name: &long, Options: options, ContextInfo: info}},
	} {
		evt := fromJane(m)
		evt.Info.PushName = long
		requireSound(t, inEverything().message(t.Context(), evt))
		raw, err := json.Marshal(inEverything().message(t.Context(), evt))
		require.NoError(t, err)
		require.Less(t, len(raw), 1<<20, name)
	}
	evt := fromJane(written("x", nil))
	evt.Info.ID = strings.Repeat("A", mostID+1)
	require.Empty(t, inEverything().message(t.Context(), evt), "the core cannot keep it")
}

// requireSound says that a result is one which the core can store.
func requireSound(t *testing.T, result connectors.CallbackResult) {
	t.Helper()
	require.LessOrEqual(t, len(result.Messages), 1)
	require.Empty(t, result.Statuses)
	for _, m := range result.Messages {
		require.NotEmpty(t, m.Type)
		for _, required := range []string{m.ProviderID, m.From} {
			require.NotEmpty(t, required)
			require.LessOrEqual(t, len(required), 255)
		}
		require.LessOrEqual(t, utf8.RuneCountInString(m.Text), mostText)
		for _, file := range m.Media {
			_, err := parseReference(file.URL)
			require.NoError(t, err)
		}
		raw, err := json.Marshal(m)
		require.NoError(t, err)
		require.NotContains(t, string(raw), `\u0000`)
		for _, text := range []string{m.ProviderID, m.From, m.FromName, m.Text, m.ReplyTo, m.Chat} {
			require.True(t, utf8.ValidString(text))
		}
	}
}

func FuzzInboundMessage(f *testing.F) {
	for _, evt := range inboundRows() {
		raw, err := proto.Marshal(evt.RawMessage)
		require.NoError(f, err)
		f.Add(raw, evt.Info.ID, evt.Info.Sender.String(), evt.Info.Chat.String(), evt.Info.PushName, evt.Info.IsFromMe, int64(1782742867))
	}
	f.Fuzz(func(t *testing.T, raw []byte, id, sender, chat, name string, own bool, at int64) {
		m := &waE2E.Message{}
		if proto.Unmarshal(raw, m) != nil {
			return
		}
		evt := fromJane(m)
		evt.Info.ID, evt.Info.PushName, evt.Info.IsFromMe, evt.Info.Timestamp = id, name, own, time.Unix(at, 0)
		evt.Info.Sender, _ = types.ParseJID(sender)
		evt.Info.Chat, _ = types.ParseJID(chat)
		requireSound(t, inEverything().message(t.Context(), evt))
	})
}

func FuzzContactCard(f *testing.F) {
	for _, seed := range []string{janesCard, "", "TEL", "TEL:", "TEL;waid=1:2\r\n 3", "item.TEL:tel:+16311113333", "FN:a\\,b\\", strings.ReplaceAll(janesCard, "\n", "\r\n")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := parseCard(text)
		require.LessOrEqual(t, len(c.phones), mostPhones)
		require.LessOrEqual(t, len(c.emails), mostPhones)
		for _, value := range slices.Concat([]string{c.name}, c.phones, c.emails) {
			require.True(t, utf8.ValidString(value))
			require.LessOrEqual(t, utf8.RuneCountInString(value), mostName)
			require.NotContains(t, value, "\x00")
		}
	})
}
