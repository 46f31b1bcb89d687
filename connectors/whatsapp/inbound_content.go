package whatsapp

import (
	"context"
	"math"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"

	"github.com/switchhook/switchhook/connectors"
)

// mostNested is how many messages may stand in one another: an edit holds the new content.
const mostNested = 3

// describe sets type, text, files and facts by a message's content. It is false where nobody wrote anything.
func (d *draft) describe(ctx context.Context, raw *waE2E.Message, nested int) bool {
	m, around := unwrap(raw)
	name, circumstances := contentOf(m)
	switch {
	case name == "":
		return false
	case nested > mostNested:
		d.other(contentKind(name), "")
	case name == "protocolMessage":
		return d.protocol(ctx, m.GetProtocolMessage(), nested)
	case d.written(name, m), d.file(name, m), d.whereabouts(name, m), d.people(name, m), d.answer(name, m), d.business(name, m),
		d.poll(ctx, name, m), d.reference(ctx, name, m, nested):
	default:
		d.other(contentKind(name), textOf(m))
	}
	if around.viewOnce {
		d.facts["viewOnce"] = true
	}
	if d.facts["viewOnce"] != nil && len(d.message.Media) == 0 && hasFile(d.message.Type) {
		d.facts["withheld"] = true
	}
	d.association(around.association)
	d.circumstances(ctx, circumstances)
	return true
}

func (d *draft) written(name string, m *waE2E.Message) bool {
	if name != "conversation" && name != "extendedTextMessage" {
		return false
	}
	d.message.Type, d.message.Text = "text", clean(textOf(m), mostText)
	if m.GetExtendedTextMessage().GetViewOnce() {
		d.facts["viewOnce"] = true
	}
	return true
}

// textOf returns the words of any kind of content, as far as it has some.
func textOf(m *waE2E.Message) string {
	for _, words := range []string{
		m.GetConversation(), m.GetExtendedTextMessage().GetText(), m.GetImageMessage().GetCaption(), m.GetVideoMessage().GetCaption(),
		m.GetPtvMessage().GetCaption(), m.GetDocumentMessage().GetCaption(), m.GetLiveLocationMessage().GetCaption(),
		m.GetLocationMessage().GetComment(), m.GetOrderMessage().GetMessage(), m.GetOrderMessage().GetOrderTitle(),
		m.GetProductMessage().GetBody(), m.GetProductMessage().GetProduct().GetTitle(), m.GetGroupInviteMessage().GetCaption(),
		m.GetGroupInviteMessage().GetGroupName(), m.GetEventMessage().GetName(), m.GetEventInviteMessage().GetEventTitle(),
		m.GetNewsletterAdminInviteMessage().GetCaption(), m.GetScheduledCallCreationMessage().GetTitle(), m.GetBcallMessage().GetCaption(),
		m.GetSendPaymentMessage().GetNoteMessage().GetConversation(), m.GetSendPaymentMessage().GetNoteMessage().GetExtendedTextMessage().GetText(),
		m.GetRequestPaymentMessage().GetNoteMessage().GetConversation(), m.GetRequestPaymentMessage().GetNoteMessage().GetExtendedTextMessage().GetText(),
		m.GetInvoiceMessage().GetNote(), m.GetStickerPackMessage().GetName(), m.GetQuestionResponseMessage().GetText(),
	} {
		if words != "" {
			return words
		}
	}
	return businessText(m)
}

// attachment is what all kinds of file have.
type attachment interface {
	whatsmeow.DownloadableMessage
	GetURL() string
	GetMimetype() string
	GetFileLength() uint64
}

// file reads a message that is a file.
func (d *draft) file(name string, m *waE2E.Message) bool {
	switch name {
	case "imageMessage":
		d.attach("image", whatsmeow.MediaImage, m.GetImageMessage(), "image/jpeg", "", m.GetImageMessage().GetViewOnce())
	case "videoMessage", "ptvMessage":
		d.video(name, m)
	case "audioMessage":
		audio := m.GetAudioMessage()
		d.attach("audio", whatsmeow.MediaAudio, audio, "audio/ogg; codecs=opus", "", audio.GetViewOnce())
		d.seconds(audio.GetSeconds())
		if audio.GetPTT() {
			d.facts["voice"] = true
		}
	case "documentMessage":
		document := m.GetDocumentMessage()
		title := document.GetFileName()
		if title == "" {
			title = document.GetTitle()
		}
		d.attach("document", whatsmeow.MediaDocument, document, "application/octet-stream", title, false)
	case "stickerMessage":
		d.attach("sticker", whatsmeow.MediaImage, m.GetStickerMessage(), "image/webp", "", false)
		if m.GetStickerMessage().GetIsAnimated() || m.GetStickerMessage().GetIsLottie() {
			d.facts["animated"] = true
		}
	default:
		return false
	}
	d.message.Text = clean(textOf(m), mostText)
	return true
}

func (d *draft) video(name string, m *waE2E.Message) {
	video := m.GetVideoMessage()
	if name == "ptvMessage" {
		video = m.GetPtvMessage()
		d.facts["round"] = true
	}
	d.attach("video", whatsmeow.MediaVideo, video, "video/mp4", "", video.GetViewOnce())
	d.seconds(video.GetSeconds())
	if video.GetGifPlayback() {
		d.facts["gif"] = true
	}
}

// attach notes a file. One that says not enough to be fetched leaves the message without.
func (d *draft) attach(kind string, keys whatsmeow.MediaType, file attachment, usual, title string, viewOnce bool) {
	d.message.Type = kind
	if viewOnce {
		d.facts["viewOnce"] = true
	}
	source := referenceTo(file, keys)
	if source == "" {
		return
	}
	contentType := clean(file.GetMimetype(), mostName)
	if contentType == "" {
		contentType = usual
	}
	d.message.Media = []connectors.MediaRef{{URL: source, ContentType: contentType, FileName: clean(title, mostName)}}
}

func (d *draft) seconds(length uint32) {
	if length > 0 {
		d.facts["seconds"] = length
	}
}

func hasFile(kind string) bool {
	return kind == "image" || kind == "video" || kind == "audio"
}

// whereabouts reads a place, and the first one of somebody who shares where they go. One off the map is none.
func (d *draft) whereabouts(name string, m *waE2E.Message) bool {
	var shown map[string]any
	var accuracy uint32
	switch name {
	case "locationMessage":
		p := m.GetLocationMessage()
		shown = point(p.GetDegreesLatitude(), p.GetDegreesLongitude())
		for key, value := range map[string]string{"name": clean(p.GetName(), mostName), "address": clean(p.GetAddress(), mostQuote)} {
			if shown != nil && value != "" {
				shown[key] = value
			}
		}
		if shown != nil && p.GetIsLive() {
			shown["live"] = true
		}
		accuracy = p.GetAccuracyInMeters()
	case "liveLocationMessage":
		p := m.GetLiveLocationMessage()
		if shown = point(p.GetDegreesLatitude(), p.GetDegreesLongitude()); shown != nil {
			shown["live"] = true
		}
		accuracy = p.GetAccuracyInMeters()
	}
	if shown == nil {
		return false
	}
	if accuracy > 0 {
		shown["accuracy"] = accuracy
	}
	d.message.Type, d.message.Text, d.facts["location"] = "location", clean(textOf(m), mostText), shown
	return true
}

// point is a place on the map, or nil.
func point(latitude, longitude float64) map[string]any {
	if !(math.Abs(latitude) <= 90 && math.Abs(longitude) <= 180) { // so that what is no number fails too
		return nil
	}
	return map[string]any{"latitude": latitude, "longitude": longitude}
}

// people reads contact cards.
func (d *draft) people(name string, m *waE2E.Message) bool {
	var cards []*waE2E.ContactMessage
	switch name {
	case "contactMessage":
		cards = []*waE2E.ContactMessage{m.GetContactMessage()}
	case "contactsArrayMessage":
		cards = m.GetContactsArrayMessage().GetContacts()
	}
	if len(cards) == 0 {
		return false
	}
	shown := make([]any, 0, min(len(cards), mostCards))
	for _, c := range cards[:min(len(cards), mostCards)] {
		card := parseCard(c.GetVcard())
		if name := clean(c.GetDisplayName(), mostName); name != "" {
			card.name = name
		}
		shown = append(shown, map[string]any{"name": card.name, "phones": card.phones, "emails": card.emails})
	}
	d.message.Type, d.facts["contacts"] = "contact", shown
	return true
}
