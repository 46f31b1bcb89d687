package whatsapp

import (
	"strings"

	"go.mau.fi/whatsmeow/types"

	"github.com/switchhook/switchhook/connectors"
)

const (
	maxLIDDigits    = 20 // a LID is a number of 64 bits
	maxGroupLength  = 40 // "120363000000000000", or "<creator's number>-<Unix time>" of groups made before 2021
	deviceSeparator = ":"
)

// recipient is where a message goes.
type recipient struct {
	jid    types.JID
	number bool // it was given as a phone number, so that nobody has said yet that WhatsApp knows it
}

// parseRecipient reads the "to" of a message: a phone number with its country code ("+", spaces, dashes, dots and brackets do not matter), or
// the JID of a person (@s.whatsapp.net, @c.us as it was called formerly, @lid) or a group (@g.us). Whatever else is Rejected with
// CodeInvalidRecipient and field "to".
func parseRecipient(to string) (recipient, error) {
	to = strings.TrimSpace(to)
	user, server, isJID := strings.Cut(to, "@")
	if !isJID {
		digits := connectors.Digits(to)
		if !isPhone(digits) {
			return recipient{}, badRecipient("Give the recipient's phone number with its country code and without leading zeros, such as +16311113333, or a WhatsApp JID.")
		}
		return recipient{jid: types.NewJID(digits, types.DefaultUserServer), number: true}, nil
	}
	jid, err := parseJID(user, strings.ToLower(server))
	return recipient{jid: jid}, err
}

func parseJID(user, server string) (types.JID, error) {
	switch server {
	case types.DefaultUserServer, types.LegacyUserServer, types.HiddenUserServer:
		if strings.Contains(user, deviceSeparator) {
			return types.JID{}, badRecipient("This JID names one device of a person. Leave out the colon and the number behind it.")
		}
		if server == types.HiddenUserServer && isNumber(user, maxLIDDigits) {
			return types.NewJID(user, server), nil
		}
		if server != types.HiddenUserServer && isPhone(user) {
			return types.NewJID(user, types.DefaultUserServer), nil
		}
	case types.GroupServer:
		creator, made, old := strings.Cut(user, "-")
		if len(user) <= maxGroupLength && isNumber(creator, maxGroupLength) && (!old || isNumber(made, maxGroupLength)) {
			return types.NewJID(user, server), nil
		}
	case types.BroadcastServer:
		return types.JID{}, badRecipient("Messages to broadcast lists and to the status are not sent. Send to each person.")
	case types.NewsletterServer:
		return types.JID{}, badRecipient("Messages to WhatsApp channels are not sent. Send to a person or a group.")
	}
	return types.JID{}, badRecipient("This is not the JID of a person or a group. It looks like 16311113333@s.whatsapp.net, 123456789@lid or 120363000000000000@g.us.")
}

// isPhone tells whether digits are a phone number with its country code (E.164): 6 to 15 of them, and no country code begins with 0.
func isPhone(digits string) bool {
	return isNumber(digits, 15) && len(digits) >= 6 && digits[0] != '0'
}

func isNumber(text string, most int) bool {
	return text != "" && len(text) <= most && strings.Trim(text, "0123456789") == ""
}

func badRecipient(message string) *connectors.Error {
	return connectors.Rejected(connectors.CodeInvalidRecipient, message, fieldTo)
}

// personJID reads who wrote an earlier message, as InMessage.From has it; zero where it is nobody's address.
func personJID(from string) types.JID {
	to, err := parseRecipient(from)
	if err != nil || to.jid.Server == types.GroupServer {
		return types.JID{}
	}
	return to.jid
}

func isPerson(jid types.JID) bool {
	return jid.Server == types.DefaultUserServer || jid.Server == types.HiddenUserServer
}
