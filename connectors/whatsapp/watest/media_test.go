package watest

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"
)

func TestMediaComesIn(t *testing.T) {
	t.Parallel()
	server, owner, contact, c := pair(t)
	file := bytes.Repeat([]byte("picture"), 1000)
	media, err := server.MakeMedia(whatsmeow.MediaImage, file)
	require.NoError(t, err)

	require.NoError(t, contact.SendTo(within(t), owner, "I1", &waE2E.Message{ImageMessage: &waE2E.ImageMessage{
		URL: &media.URL, DirectPath: &media.DirectPath, MediaKey: media.MediaKey, Mimetype: proto.String("image/png"),
		FileSHA256: media.FileSHA256, FileEncSHA256: media.FileEncSHA256, FileLength: &media.FileLength,
	}}))

	image := expect[*events.Message](t, c, 1).Message.GetImageMessage()
	loaded, err := c.Download(within(t), image)
	require.NoError(t, err)
	require.Equal(t, file, loaded)
	server.Switch(func(w *Switches) { w.DownloadStatus = http.StatusGone })
	_, err = c.Download(within(t), image)
	require.ErrorIs(t, err, whatsmeow.ErrMediaDownloadFailedWith410)
}

func TestMediaGoesOut(t *testing.T) {
	t.Parallel()
	server, _, contact, c := pair(t)
	file := []byte("a document")
	server.Switch(func(w *Switches) { w.UploadStatus = http.StatusInternalServerError })
	_, err := c.Upload(within(t), file, whatsmeow.MediaDocument)
	require.ErrorContains(t, err, "500")
	server.Switch(func(w *Switches) { w.UploadStatus = 0 })

	up, err := c.Upload(within(t), file, whatsmeow.MediaDocument)
	require.NoError(t, err)
	_, err = c.SendMessage(within(t), contact.JID(), &waE2E.Message{DocumentMessage: &waE2E.DocumentMessage{
		URL: &up.URL, DirectPath: &up.DirectPath, MediaKey: up.MediaKey,
		FileSHA256: up.FileSHA256, FileEncSHA256: up.FileEncSHA256, FileLength: &up.FileLength,
	}})
	require.NoError(t, err)

	message, err := contact.WaitMessage(within(t), func(m Message) bool { return m.Message.GetDocumentMessage() != nil })
	require.NoError(t, err)
	document := message.Message.GetDocumentMessage()
	opened, err := server.OpenMedia(document)
	require.NoError(t, err)
	require.Equal(t, file, opened)
	for name, change := range map[string]func(*waE2E.DocumentMessage){
		"path": func(d *waE2E.DocumentMessage) { d.DirectPath = proto.String("/v/nothing") },
		"hash": func(d *waE2E.DocumentMessage) { d.FileEncSHA256 = []byte("another") },
		"file": func(d *waE2E.DocumentMessage) { d.FileSHA256 = []byte("another") },
		"key":  func(d *waE2E.DocumentMessage) { d.MediaKey = []byte("another") },
	} {
		wrong, _ := proto.Clone(document).(*waE2E.DocumentMessage)
		change(wrong)
		_, err := server.OpenMedia(wrong)
		require.Error(t, err, name)
	}
}
