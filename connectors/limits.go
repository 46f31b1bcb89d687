package connectors

import (
	"fmt"
	"math"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"
)

// CheckLimits says whether a message is within what a kind of channel can do at all: its abilities, the length of the
// text, and the number, sizes and types of the files as far as they are known. It makes no call. The core calls it
// before it stores a message, and every Send calls it before it makes a request. The error is an *Error, Rejected or Unsupported.
func CheckLimits(info Info, message OutMessage) error {
	if strings.TrimSpace(message.To) == "" {
		return Rejected(CodeInvalidRecipient, "Say who the message goes to.", "to")
	}
	if message.Template != nil && !slices.Contains(info.Abilities, AbilityTemplate) {
		return Unsupported(info.Name + " has no templates")
	}
	if len(message.Media) > 0 && !slices.Contains(info.Abilities, AbilityMedia) {
		return Unsupported(info.Name + " sends no media")
	}
	if err := checkRich(info, message); err != nil {
		return err
	}
	if message.Text == "" && len(message.Media) == 0 && message.Template == nil && !isRich(message) {
		return Rejected(CodeInvalidContent, "The message is empty. Give it a text, a file or a template.", "text")
	}
	if most := info.Limits.TextLength; most > 0 && utf8.RuneCountInString(message.Text) > most {
		return Rejected(CodeInvalidContent, fmt.Sprintf("%s takes at most %d characters in one message. Shorten the text or send it in parts.", info.Name, most), "text")
	}
	return checkMedia(info, message.Media)
}

func isRich(message OutMessage) bool {
	return message.Location != nil || message.Contact != nil || message.Reaction != nil
}

// checkRich checks a location, a contact or a reaction.
func checkRich(info Info, message OutMessage) error {
	if !isRich(message) {
		return nil
	}
	if !slices.Contains(info.Abilities, AbilityRich) {
		return Unsupported(info.Name + " sends no locations, contacts and reactions")
	}
	if place := message.Location; place != nil && !(math.Abs(place.Latitude) <= 90 && math.Abs(place.Longitude) <= 180) {
		return Rejected(CodeInvalidContent, "The latitude goes from -90 to 90 degrees and the longitude from -180 to 180.", "location")
	}
	if card := message.Contact; card != nil && (strings.TrimSpace(card.Name) == "" || Digits(card.Phone) == "") {
		return Rejected(CodeInvalidContent, "A contact needs a name and a phone number with its country code.", "contact")
	}
	if message.Reaction != nil && message.Reaction.MessageID == "" {
		return Rejected(CodeInvalidContent, "Say which message the reaction is for: its id at the network.", "reaction.messageId")
	}
	return nil
}

func checkMedia(info Info, media []OutMedia) error {
	limits := info.Limits
	if limits.MediaCount > 0 && len(media) > limits.MediaCount {
		return Rejected(CodeInvalidContent, fmt.Sprintf("%s takes at most %d file(s) in one message. Send the others in further messages.", info.Name, limits.MediaCount), "media")
	}
	for _, file := range media {
		if limits.MediaBytes > 0 && file.Size > limits.MediaBytes {
			return Rejected(CodeInvalidContent, fmt.Sprintf("A file has %d bytes; %s takes at most %d. Send a smaller one.", file.Size, info.Name, limits.MediaBytes), "media")
		}
		if file.ContentType != "" && !typeAllowed(limits.MediaTypes, file.ContentType) {
			return Rejected(CodeInvalidContent, fmt.Sprintf("%s does not take files of this type. It takes: %s.", info.Name, strings.Join(limits.MediaTypes, ", ")), "media")
		}
	}
	return nil
}

func typeAllowed(allowed []string, contentType string) bool {
	if len(allowed) == 0 {
		return true
	}
	bare := bareType(contentType)
	for _, pattern := range allowed {
		family, anyOf := strings.CutSuffix(pattern, "*")
		if bare == pattern || (anyOf && strings.HasPrefix(bare, family)) {
			return true
		}
	}
	return false
}

// MessageType names the type of an inbound message by its first file: "text" without one.
func MessageType(media []MediaRef) string {
	if len(media) == 0 {
		return "text"
	}
	bare := bareType(media[0].ContentType)
	family, _, _ := strings.Cut(bare, "/")
	switch {
	case family == "image" || family == "video" || family == "audio":
		return family
	case bare == "text/vcard" || bare == "text/x-vcard" || bare == "text/directory":
		return "contact"
	default:
		return "document"
	}
}

// bareType drops the parameters of a content type, and its letters' case.
func bareType(contentType string) string {
	if bare, _, err := mime.ParseMediaType(contentType); err == nil {
		return bare
	}
	bare, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(bare))
}
