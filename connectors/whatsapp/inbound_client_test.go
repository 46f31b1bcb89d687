package whatsapp

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
)

// desktop is a linked device that reads what comes in.
type desktop struct {
	server         *watest.Server
	owner, contact *watest.User
	client         *whatsmeow.Client
	heard          chan connectors.CallbackResult
}

func newDesktop(t *testing.T) *desktop {
	t.Helper()
	server, err := watest.New(watest.Options{})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	d := &desktop{
		server: server, owner: server.AddUser("491700000001"), contact: server.AddUser("491700000002", watest.WithName("Carl")),
		client: newTestClient(t, server), heard: make(chan connectors.CallbackResult, 100),
	}
	in := inEverything()
	in.own = func() (number, lid types.JID) { return d.owner.JID(), d.owner.LID() }
	in.decryptVote, in.decrypt = votesWith(d.client), secretsWith(d.client)
	d.client.AddEventHandler(func(event any) {
		var result connectors.CallbackResult
		switch event := event.(type) {
		case *events.Message:
			result = in.message(context.Background(), event)
		case *events.Receipt:
			result.Statuses = receipts(event)
		}
		if len(result.Messages)+len(result.Statuses) > 0 {
			d.heard <- result
		}
	})
	linkTo(t, d.owner, d.client)
	return d
}

func (d *desktop) next(t *testing.T) connectors.CallbackResult {
	t.Helper()
	select {
	case result := <-d.heard:
		return result
	case <-soon(t).Done():
		require.Fail(t, "nothing came in")
		return connectors.CallbackResult{}
	}
}

func (d *desktop) hears(t *testing.T, id string, message *waE2E.Message) connectors.InMessage {
	t.Helper()
	require.NoError(t, d.contact.SendTo(soon(t), d.owner, id, message))
	result := d.next(t)
	require.Len(t, result.Messages, 1)
	return result.Messages[0]
}

func TestEachKindOfFileComesFromAPhoneToItsPlainBytes(t *testing.T) {
	t.Parallel()
	d := newDesktop(t)
	file := bytes.Repeat([]byte("a piece of a file "), 10_000)
	for kind, build := range map[string]struct {
		keys    whatsmeow.MediaType
		message func(watest.Media) *waE2E.Message
	}{
		"image": {whatsmeow.MediaImage, func(m watest.Media) *waE2E.Message {
			return &waE2E.Message{ImageMessage: &waE2E.ImageMessage{
				DirectPath: &m.DirectPath, MediaKey: m.MediaKey, FileSHA256: m.FileSHA256, FileEncSHA256: m.FileEncSHA256, FileLength: &m.FileLength,
			}}
		}},
		"video": {whatsmeow.MediaVideo, func(m watest.Media) *waE2E.Message {
			return &waE2E.Message{VideoMessage: &waE2E.VideoMessage{
				DirectPath: &m.DirectPath, MediaKey: m.MediaKey, FileSHA256: m.FileSHA256, FileEncSHA256: m.FileEncSHA256, FileLength: &m.FileLength,
			}}
		}},
		"audio": {whatsmeow.MediaAudio, func(m watest.Media) *waE2E.Message {
			return &waE2E.Message{AudioMessage: &waE2E.AudioMessage{
				DirectPath: &m.DirectPath, MediaKey: m.MediaKey, FileSHA256: m.FileSHA256, FileEncSHA256: m.FileEncSHA256, PTT: proto.Bool(true),
			}}
		}},
		"document": {whatsmeow.MediaDocument, func(m watest.Media) *waE2E.Message {
			return &waE2E.Message{DocumentWithCaptionMessage: layerOf(&waE2E.Message{DocumentMessage: &waE2E.DocumentMessage{
				URL: &m.URL, MediaKey: m.MediaKey, FileSHA256: m.FileSHA256, FileEncSHA256: m.FileEncSHA256, FileName: proto.String("a.pdf"),
			}})}
		}},
		"sticker": {whatsmeow.MediaImage, func(m watest.Media) *waE2E.Message {
			return &waE2E.Message{StickerMessage: &waE2E.StickerMessage{
				DirectPath: &m.DirectPath, MediaKey: m.MediaKey, FileSHA256: m.FileSHA256, FileEncSHA256: m.FileEncSHA256,
			}}
		}},
	} {
		media, err := d.server.MakeMedia(build.keys, file)
		require.NoError(t, err)
		message := d.hears(t, "3EB0"+kind, build.message(media))
		require.Equal(t, kind, message.Type)
		require.Len(t, message.Media, 1, kind)
		body, contentType, err := (&conn{http: d.server.HTTPClient()}).FetchMedia(soon(t), message.Media[0])
		require.NoError(t, err, kind)
		got, err := io.ReadAll(body)
		require.NoError(t, err, kind)
		require.NoError(t, body.Close())
		require.True(t, bytes.Equal(file, got), kind)
		require.NotEmpty(t, contentType)
	}
}

func TestWhatAPhoneSendsComesInAsItWasMeant(t *testing.T) {
	t.Parallel()
	d := newDesktop(t)
	message := d.hears(t, "3EB0A", &waE2E.Message{Conversation: proto.String("Hi there!")})
	require.Equal(t, "3EB0A", message.ProviderID)
	require.Equal(t, d.contact.JID().User, message.From)
	require.Equal(t, d.contact.LID().String(), message.Extra["fromLid"])
	require.Equal(t, d.owner.JID().User, message.To)
	require.Equal(t, "Carl", message.FromName)
	require.Equal(t, "Hi there!", message.Text)
	require.False(t, message.Timestamp.IsZero())

	edit := d.client.BuildEdit(d.contact.JID(), "3EB0A", &waE2E.Message{Conversation: proto.String("Hi!")})
	message = d.hears(t, "3EB0B", edit)
	require.Equal(t, "3EB0B", message.ProviderID)
	require.Equal(t, "Hi!", message.Text)
	require.Equal(t, map[string]any{"messageId": "3EB0A"}, message.Extra["edited"])

	message = d.hears(t, "3EB0C", d.client.BuildRevoke(d.contact.JID(), types.EmptyJID, "3EB0A"))
	require.Equal(t, "deleted", message.Type)

	require.NoError(t, d.owner.TypeOnPhone(soon(t), d.contact.JID(), "3EB0D", &waE2E.Message{Conversation: proto.String("From my phone")}))
	message = d.next(t).Messages[0]
	require.True(t, message.FromMe)
	require.Equal(t, d.owner.JID().User, message.From)
	require.Equal(t, d.contact.JID().User, message.Chat)
	require.Equal(t, "From my phone", message.Text)

	group, err := d.server.AddGroup("The team", d.owner, d.contact)
	require.NoError(t, err)
	require.NoError(t, d.contact.SendToGroup(soon(t), group, "3EB0E", &waE2E.Message{Conversation: proto.String("Hello all")}))
	message = d.next(t).Messages[0]
	require.Equal(t, d.contact.JID().User, message.From)
	require.Equal(t, group.JID().String(), message.Chat)
	require.Equal(t, map[string]any{"id": group.JID().String()}, message.Extra["group"], "nobody knows the name here")
}

func TestWhatBelongsToAMessageThatWeKnowIsOpened(t *testing.T) {
	t.Parallel()
	d := newDesktop(t)
	asked := make(chan *events.Message, 9)
	d.client.AddEventHandler(func(event any) {
		if message, ok := event.(*events.Message); ok {
			asked <- message
		}
	})
	poll := d.client.BuildPollCreation("Lunch?", []string{"Soup", "Pizza"}, 1)
	require.Equal(t, "poll", d.hears(t, "3EB0POLL", poll).Type)
	var evt *events.Message
	select {
	case evt = <-asked:
	case <-soon(t).Done():
		require.Fail(t, "the poll did not come in")
	}
	// What the client encrypts comes back as if the owner had written it on the phone: it is made with the same secret.
	echo := func(id string, message *waE2E.Message) connectors.InMessage {
		require.NoError(t, d.owner.TypeOnPhone(soon(t), d.contact.LID(), id, message))
		return d.next(t).Messages[0]
	}
	vote, err := d.client.BuildPollVote(soon(t), &evt.Info, []string{"Pizza"})
	require.NoError(t, err)
	pizza := sha256.Sum256([]byte("Pizza"))
	message := echo("3EB0VOTE", vote)
	require.Equal(t, "poll_vote", message.Type)
	require.Equal(t, map[string]any{"messageId": "3EB0POLL", "optionHashes": []string{hex.EncodeToString(pizza[:])}}, message.Extra["poll"])

	key := &waCommon.MessageKey{RemoteJID: proto.String(d.contact.LID().String()), ID: proto.String("3EB0POLL")}
	reaction, err := d.client.EncryptReaction(soon(t), &evt.Info, &waE2E.ReactionMessage{Text: proto.String("👍"), Key: key})
	require.NoError(t, err)
	message = echo("3EB0REACTION", &waE2E.Message{EncReactionMessage: reaction})
	require.Equal(t, map[string]any{"messageId": "3EB0POLL", "emoji": "👍"}, message.Extra["reaction"])

	comment, err := d.client.EncryptComment(soon(t), &evt.Info, &waE2E.Message{Conversation: proto.String("Agreed")})
	require.NoError(t, err)
	message = echo("3EB0COMMENT", comment)
	require.Equal(t, "Agreed", message.Text)
	require.Equal(t, "3EB0POLL", message.ReplyTo)

	reaction.EncPayload[0] ^= 1
	message = echo("3EB0BROKEN", &waE2E.Message{EncReactionMessage: reaction})
	require.Equal(t, "encReaction", message.Extra["kind"])
	require.Equal(t, "3EB0POLL", message.ReplyTo)
}

func TestAPhonesReceiptsAreNewsOfOurMessages(t *testing.T) {
	t.Parallel()
	d := newDesktop(t)
	require.NoError(t, d.contact.Receipt(d.owner, watest.Read, "3EB0OURS1", "3EB0OURS2"))
	statuses := d.next(t).Statuses
	require.Len(t, statuses, 2)
	require.Equal(t, "3EB0OURS1", statuses[0].ProviderID)
	require.Equal(t, connectors.StatusRead, statuses[1].Status)
	require.False(t, statuses[0].At.IsZero())
}
