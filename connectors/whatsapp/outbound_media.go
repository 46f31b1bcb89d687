package whatsapp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"

	"github.com/switchhook/switchhook/connectors"
)

// media makes the message of a file: it fetches and uploads it. Nobody gets it by that, so no error is Unconfirmed.
func (o *outbound) media(ctx context.Context, media connectors.OutMedia, caption string, reply *waE2E.ContextInfo) (*waE2E.Message, error) {
	f, err := o.fetch(ctx, media, caption != "")
	if err != nil {
		return nil, err
	}
	defer f.close()
	uploaded, err := o.upload(ctx, f)
	if err != nil {
		return nil, err
	}
	return f.message(uploaded, caption, reply), nil
}

// upload encrypts the file in its place and gives it to WhatsApp's media server.
func (o *outbound) upload(ctx context.Context, f *file) (uploaded whatsmeow.UploadResponse, err error) {
	if err := o.ready(); err != nil {
		return uploaded, err
	}
	if _, err := f.disk.Seek(0, io.SeekStart); err != nil {
		return uploaded, connectors.Retryable(fmt.Errorf("read temporary file: %w", err))
	}
	defer func() {
		// whatsmeow takes the first media server of a list that WhatsApp sends, also when the list is empty.
		if cause := recover(); cause != nil {
			err = notUploaded(fmt.Errorf("upload file: %v", cause))
		}
	}()
	uploaded, err = o.client.UploadReader(ctx, f.disk, f.disk, f.appInfo())
	switch {
	case err != nil:
		return uploaded, notUploaded(err)
	case uploaded.URL == "" && uploaded.DirectPath == "":
		return uploaded, notUploaded(errors.New("upload file: the answer says not where it is"))
	}
	return uploaded, nil
}

// notUploaded is the meaning of a failed upload. whatsmeow tells the status in words only.
func notUploaded(err error) *connectors.Error {
	for _, status := range []string{" 413", " 415"} {
		if strings.HasSuffix(err.Error(), "upload failed with status code"+status) {
			return badFile("WhatsApp's media server does not take this file. Send a smaller one, or one of another type.")
		}
	}
	failed := queryError(err)
	if failed.Kind == connectors.KindRetryable && failed.Code != connectors.CodeNotConnected {
		failed.Message, failed.Field = "The file could not be uploaded to WhatsApp, and the message was not sent. Try again in a moment.", fieldMedia
	}
	return failed
}

// appInfo chooses the media server's room and the keys.
func (f *file) appInfo() whatsmeow.MediaType {
	switch f.kind {
	case kindImage, kindSticker:
		return whatsmeow.MediaImage
	case kindVideo:
		return whatsmeow.MediaVideo
	case kindAudio, kindVoice:
		return whatsmeow.MediaAudio
	default:
		return whatsmeow.MediaDocument
	}
}

func (f *file) message(up whatsmeow.UploadResponse, caption string, reply *waE2E.ContextInfo) *waE2E.Message {
	switch f.kind {
	case kindImage:
		return &waE2E.Message{ImageMessage: &waE2E.ImageMessage{
			URL: &up.URL, DirectPath: &up.DirectPath, MediaKey: up.MediaKey, FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256, FileLength: &up.FileLength,
			Mimetype: &f.contentType, Caption: optional(caption), Width: measured(f.width), Height: measured(f.height), ContextInfo: reply,
		}}
	case kindVideo:
		return &waE2E.Message{VideoMessage: &waE2E.VideoMessage{
			URL: &up.URL, DirectPath: &up.DirectPath, MediaKey: up.MediaKey, FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256, FileLength: &up.FileLength,
			Mimetype: &f.contentType, Caption: optional(caption), ContextInfo: reply,
		}}
	case kindAudio, kindVoice:
		return &waE2E.Message{AudioMessage: &waE2E.AudioMessage{
			URL: &up.URL, DirectPath: &up.DirectPath, MediaKey: up.MediaKey, FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256, FileLength: &up.FileLength,
			Mimetype: &f.contentType, PTT: proto.Bool(f.kind == kindVoice), Seconds: measured(f.seconds), ContextInfo: reply,
		}}
	case kindSticker:
		return &waE2E.Message{StickerMessage: &waE2E.StickerMessage{
			URL: &up.URL, DirectPath: &up.DirectPath, MediaKey: up.MediaKey, FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256, FileLength: &up.FileLength,
			Mimetype: &f.contentType, Width: measured(f.width), Height: measured(f.height), IsAnimated: proto.Bool(f.animated), ContextInfo: reply,
		}}
	default:
		return f.document(up, caption, reply)
	}
}

func (f *file) document(up whatsmeow.UploadResponse, caption string, reply *waE2E.ContextInfo) *waE2E.Message {
	message := &waE2E.Message{DocumentMessage: &waE2E.DocumentMessage{
		URL: &up.URL, DirectPath: &up.DirectPath, MediaKey: up.MediaKey, FileEncSHA256: up.FileEncSHA256, FileSHA256: up.FileSHA256, FileLength: &up.FileLength,
		Mimetype: &f.contentType, FileName: &f.name, Title: &f.name, Caption: optional(caption), ContextInfo: reply,
	}}
	if caption == "" {
		return message
	}
	return &waE2E.Message{DocumentWithCaptionMessage: &waE2E.FutureProofMessage{Message: message}} // older apps show no text otherwise
}

// measured leaves out what is not known.
func measured(value uint32) *uint32 {
	if value == 0 {
		return nil
	}
	return &value
}
