package whatsapp

import (
	"strings"

	"go.mau.fi/whatsmeow/types"
)

// Bounds of what a message may bring along. Everything in it is chosen by its sender.
const (
	mostText     = 65536 // characters: what WhatsApp itself takes in one message
	mostQuote    = 1024  // characters shown of the message that is answered
	mostName     = 256   // characters of names and titles
	mostID       = 200   // bytes of message ids and addresses; the core takes 255
	mostDigits   = 20    // digits of phone numbers and hidden ids
	mostLink     = 2048  // bytes
	mostCards    = 100   // contacts in one message
	mostPhones   = 10    // numbers, and addresses, of one contact
	mostMentions = 100   // people mentioned in one message
	mostOptions  = 12    // options of a poll: as many as WhatsApp offers
)

// clean makes foreign text storable: valid UTF-8 without NUL, of at most so many characters.
func clean(text string, most int) string {
	const longest = 4 // bytes of a character
	if len(text) > longest*most {
		text = text[:longest*most]
	}
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
	count := 0
	for i := range text {
		if count == most {
			return text[:i]
		}
		count++
	}
	return text
}

// addressText is an address without the device that it may name.
func addressText(jid types.JID) string {
	if jid.User == "" {
		return ""
	}
	return clean(jid.ToNonAD().String(), mostID)
}
