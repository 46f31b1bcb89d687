package gupshup

import (
	"encoding/json"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/switchhook/switchhook/connectors"
)

// mediaKind is a type of file as Gupshup names it.
type mediaKind string

const (
	kindImage   mediaKind = "image"
	kindVideo   mediaKind = "video"
	kindAudio   mediaKind = "audio"
	kindSticker mediaKind = "sticker"
	kindFile    mediaKind = "file"
)

// kindOf tells what a file is sent as: what WhatsApp does not show by itself goes as a file. Where the type is not known, the ending
// of the name decides.
func kindOf(file connectors.OutMedia) mediaKind {
	bare, _, _ := strings.Cut(file.ContentType, ";")
	switch strings.ToLower(strings.TrimSpace(bare)) {
	case "image/jpeg", "image/png":
		return kindImage
	case "video/mp4", "video/3gpp":
		return kindVideo
	case "audio/aac", "audio/mp4", "audio/mpeg", "audio/amr", "audio/ogg":
		return kindAudio
	case "image/webp":
		return kindSticker
	case "":
		return kindOfName(nameOf(file))
	}
	return kindFile
}

func kindOfName(name string) mediaKind {
	switch strings.ToLower(path.Ext(name)) {
	case ".jpg", ".jpeg", ".png":
		return kindImage
	case ".mp4", ".3gp":
		return kindVideo
	case ".aac", ".m4a", ".mp3", ".amr", ".ogg":
		return kindAudio
	case ".webp":
		return kindSticker
	}
	return kindFile
}

// nameOf returns the name that a file is shown under.
func nameOf(file connectors.OutMedia) string {
	if file.FileName != "" {
		return file.FileName
	}
	if parsed, err := url.Parse(file.URL); err == nil {
		if name := path.Base(parsed.Path); name != "." && name != "/" {
			return name
		}
	}
	return "file"
}

// content builds the message object. Its errors are Rejected.
func content(message connectors.OutMessage) (map[string]any, error) {
	if len(message.Media) == 0 {
		return map[string]any{"type": "text", "text": message.Text}, nil
	}
	file := message.Media[0]
	kind := kindOf(file)
	if err := checkFile(kind, file, message.Text); err != nil {
		return nil, err
	}
	switch kind {
	case kindImage:
		return map[string]any{"type": kind, "originalUrl": file.URL, "previewUrl": file.URL, "caption": message.Text}, nil
	case kindVideo:
		return map[string]any{"type": kind, "url": file.URL, "caption": message.Text}, nil
	case kindAudio, kindSticker:
		return map[string]any{"type": kind, "url": file.URL}, nil
	}
	object := map[string]any{"type": kind, "url": file.URL, "filename": nameOf(file)}
	if message.Text != "" {
		object["caption"] = message.Text
	}
	return object, nil
}

// checkFile finds what WhatsApp would refuse of a file and the text with it.
func checkFile(kind mediaKind, file connectors.OutMedia, text string) error {
	most := int64(maxFileBytes)
	switch kind {
	case kindImage, kindSticker:
		most = maxImageBytes
	case kindVideo, kindAudio:
		most = maxClipBytes
	}
	rejected := func(message, field string) error {
		return connectors.Rejected(connectors.CodeInvalidContent, message, field)
	}
	switch {
	case file.Size > most:
		return rejected("The file has "+strconv.FormatInt(file.Size, 10)+" bytes; WhatsApp takes at most "+strconv.FormatInt(most, 10)+" of this type. Send a smaller one.", "media")
	case text != "" && (kind == kindAudio || kind == kindSticker):
		return rejected("WhatsApp shows no text with audio and stickers. Send the text in a message of its own.", "text")
	case len([]rune(text)) > maxCaption:
		return rejected("WhatsApp takes at most 1024 characters below a file. Shorten the text or send it in a message of its own.", "text")
	}
	return nil
}

// templateOf builds the template object: its id, and its variables in the order of their numbers. Its errors are Rejected.
func templateOf(template connectors.Template) (map[string]any, error) {
	if strings.TrimSpace(template.Name) == "" {
		return nil, connectors.Rejected(connectors.CodeInvalidContent, "Name the template by its id, from the list of templates in the Gupshup dashboard.", "template.name")
	}
	params := make([]string, len(template.Variables))
	for i := range params {
		value, found := template.Variables[strconv.Itoa(i+1)]
		if !found {
			return nil, connectors.Rejected(connectors.CodeInvalidContent, "The template's variables are numbered: 1, 2 and so on, without a gap.", "template.variables")
		}
		params[i] = value
	}
	return map[string]any{"id": template.Name, "params": params}, nil
}

// header builds the message object that fills a template's header with a file. Its errors are Rejected.
func header(file connectors.OutMedia) (map[string]any, error) {
	kind := kindOf(file)
	if err := checkFile(kind, file, ""); err != nil {
		return nil, err
	}
	switch kind {
	case kindImage, kindVideo:
		return map[string]any{"type": kind, string(kind): map[string]any{"link": file.URL}}, nil
	case kindFile:
		return map[string]any{"type": "document", "document": map[string]any{"link": file.URL, "filename": nameOf(file)}}, nil
	}
	return nil, connectors.Rejected(connectors.CodeInvalidContent, "The header of a template takes an image, a video or a document.", "media")
}

// encode writes an object as the text of a form's field.
func encode(object map[string]any) (string, error) {
	written, err := json.Marshal(object)
	if err != nil {
		return "", connectors.Rejected(connectors.CodeInvalidContent, "The message cannot be written as JSON.", "")
	}
	return string(written), nil
}
