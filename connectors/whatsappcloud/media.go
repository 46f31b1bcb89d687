package whatsappcloud

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/switchhook/switchhook/connectors"
)

// The kinds of file.
const (
	kindImage    = "image"
	kindAudio    = "audio"
	kindVideo    = "video"
	kindSticker  = "sticker"
	kindDocument = "document"
)

// mediaScheme stands before the id of a file that came in: it has no address until one is asked for, which then works for five minutes.
const mediaScheme = "whatsapp-media:"

// outFile is a file to send: one that WhatsApp fetches from its link, or one that was uploaded.
type outFile struct {
	Link     string `json:"link,omitempty"`
	ID       string `json:"id,omitempty"`
	Caption  string `json:"caption,omitempty"`
	FileName string `json:"filename,omitempty"` // of documents only
}

// fileOf sorts a file as the Cloud API wants it: types that it shows are shown, everything else is a document. An error is Rejected.
func fileOf(file connectors.OutMedia, caption string) (kind string, out outFile, err error) {
	kind = kindOf(file)
	out = outFile{Link: file.URL, Caption: caption}
	switch most := maxBytes(kind); {
	case file.Size > most:
		return "", outFile{}, connectors.Rejected(connectors.CodeInvalidContent, fmt.Sprintf("The file has %d bytes; WhatsApp takes at most %d in a file of this type (%s). Send a smaller one.", file.Size, most, kind), "media")
	case caption != "" && (kind == kindAudio || kind == kindSticker):
		return "", outFile{}, connectors.Rejected(connectors.CodeInvalidContent, "WhatsApp shows no text with a file of this type ("+kind+"). Send the text as a message of its own.", "text")
	case utf8.RuneCountInString(caption) > maxCaption:
		return "", outFile{}, connectors.Rejected(connectors.CodeInvalidContent, fmt.Sprintf("WhatsApp takes at most %d characters with a file. Send the text as a message of its own.", maxCaption), "text")
	}
	if kind == kindDocument {
		out.FileName = fileName(file)
	}
	return kind, out, nil
}

func kindOf(file connectors.OutMedia) string {
	bare, _, err := mime.ParseMediaType(file.ContentType)
	if err != nil {
		bare = byExtension(file)
	}
	switch bare {
	case "image/jpeg", "image/png":
		return kindImage
	case "image/webp":
		return kindSticker
	case "audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg":
		return kindAudio
	case "video/mp4", "video/3gpp":
		return kindVideo
	}
	return kindDocument
}

// byExtension guesses a type by how the file's name or address ends.
func byExtension(file connectors.OutMedia) string {
	switch strings.ToLower(path.Ext(fileName(file))) {
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".png":
		return "image/png"
	case ".webp":
		return "image/webp"
	case ".aac":
		return "audio/aac"
	case ".amr":
		return "audio/amr"
	case ".mp3":
		return "audio/mpeg"
	case ".m4a":
		return "audio/mp4"
	case ".ogg", ".opus":
		return "audio/ogg"
	case ".mp4":
		return "video/mp4"
	case ".3gp":
		return "video/3gpp"
	}
	return ""
}

// fileName returns the name that a file has or that its address ends with; empty where there is none.
func fileName(file connectors.OutMedia) string {
	if file.FileName != "" {
		return file.FileName
	}
	address, err := url.Parse(file.URL)
	if err != nil || strings.Trim(address.Path, "/") == "" {
		return ""
	}
	return path.Base(address.Path)
}

// maxBytes is the size that Meta's table of supported media gives a kind of file.
func maxBytes(kind string) int64 {
	switch kind {
	case kindImage:
		return 5 << 20
	case kindAudio, kindVideo:
		return 16 << 20
	case kindSticker:
		return 500 << 10 // of an animated one; a still one has at most 100 KB
	}
	return maxDocument
}

// FetchMedia opens a file of an inbound message: the id is exchanged for an address, which gives the file to the channel's token.
func (c *conn) FetchMedia(ctx context.Context, ref connectors.MediaRef) (body io.ReadCloser, contentType string, err error) {
	id, found := strings.CutPrefix(ref.URL, mediaScheme)
	if !found || !isMediaID(id) {
		return nil, "", connectors.Rejected("invalid_address", "This is no file of WhatsApp's.", "")
	}
	var file struct {
		URL  string `json:"url"`
		Type string `json:"mime_type"`
	}
	if err := c.graph.Get(ctx, "/"+id, &file); err != nil {
		return nil, "", err
	}
	if file.URL == "" {
		return nil, "", connectors.Retryable(fmt.Errorf("the answer of Meta names no address of the file"))
	}
	body, contentType, err = c.graph.Fetch(ctx, file.URL)
	if file.Type != "" && err == nil {
		contentType = file.Type
	}
	return body, contentType, err
}

// isMediaID keeps an id from being another path.
func isMediaID(id string) bool {
	return id != "" && len(id) <= 256 && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '_' && r != '-'
	})
}
