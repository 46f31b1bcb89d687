package twilio

import (
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// maxShortCode is the most digits of a short code; a number with its country code has more.
const maxShortCode = 6

// phoneOrShortCode returns the digits of a phone number or of a short code (three to six digits), or "".
func phoneOrShortCode(number string) string {
	if digits := connectors.Digits(number); digits != "" {
		return digits
	}
	number = strings.TrimSpace(number)
	if len(number) >= 3 && len(number) < maxShortCode && strings.Trim(number, "0123456789") == "" {
		return number
	}
	return ""
}

// sender returns the channel's own address as Twilio writes it.
func (c *conn) sender() string {
	switch {
	case c.whatsapp:
		return whatsappPrefix + "+" + c.address
	case len(c.address) <= maxShortCode:
		return c.address
	}
	return "+" + c.address
}

// recipient returns an address as Twilio writes it, or "" where it cannot be one of this network.
func (c *conn) recipient(to string) string {
	to = strings.TrimSpace(to)
	if !c.whatsapp {
		if digits := connectors.Digits(to); digits != "" {
			return "+" + digits
		}
		return ""
	}
	to = strings.TrimPrefix(to, whatsappPrefix)
	if digits := connectors.Digits(to); digits != "" {
		return whatsappPrefix + "+" + digits
	}
	if isUserID(to) {
		return whatsappPrefix + to
	}
	return ""
}

// isUserID tells whether text has the form of WhatsApp's business-scoped user id: a country's two letters, a dot, letters and digits.
// People without a visible phone number have only that.
func isUserID(text string) bool {
	country, id, found := strings.Cut(text, ".")
	if !found || len(country) != 2 || id == "" || len(id) > 128 || strings.ToUpper(country) != country {
		return false
	}
	return !strings.ContainsFunc(country+id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// person returns the other side of an inbound message: a phone number as digits, else the network's id as it is.
func person(from, waID, externalID string) string {
	from = strings.TrimPrefix(strings.TrimSpace(from), whatsappPrefix)
	for _, candidate := range []string{from, waID} {
		if digits := phoneOrShortCode(candidate); digits != "" {
			return digits
		}
	}
	if from != "" {
		return from
	}
	return externalID
}

// statusCallback returns where Twilio reports the fate of a message, or "" where it could not reach it: it refuses the whole
// message for such an address (error 21609). An operator's own API address is taken to reach everything. Plain http is
// fine for Twilio, so it is for us.
func (c *conn) statusCallback(messageID string) string {
	return httpcall.StatusCallback(c.callbackURL, messageID, c.baseURL != defaultBaseURL)
}
