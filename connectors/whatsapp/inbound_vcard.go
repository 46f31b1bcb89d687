package whatsapp

import (
	"strings"

	"github.com/switchhook/switchhook/connectors"
)

// mostCard is how much of a card is read, in bytes. Cards may hold a picture, which stands at the end.
const mostCard = 64 << 10

// contactCard is what a contact card tells of a person.
type contactCard struct {
	name   string
	phones []string // in digits where they are numbers
	emails []string
}

// parseCard reads a vCard (RFC 6350, and the older forms that phones write) as far as we show it. What it does not understand is left out.
// "waid" is WhatsApp's own parameter: the number of the person's account.
func parseCard(text string) contactCard {
	c := contactCard{phones: []string{}, emails: []string{}}
	text = clean(text[:min(len(text), mostCard)], mostCard)
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\n ", ""), "\n\t", "") // long lines go on in the next one
	for line := range strings.SplitSeq(text, "\n") {
		head, value, found := strings.Cut(line, ":")
		if !found {
			continue
		}
		head, parameters, _ := strings.Cut(head, ";")
		if _, name, grouped := strings.Cut(head, "."); grouped { // "item1.TEL"
			head = name
		}
		value = strings.TrimSpace(plain(value))
		switch strings.ToUpper(strings.TrimSpace(head)) {
		case "FN":
			c.name = clean(value, mostName)
		case "TEL":
			c.phones = add(c.phones, phone(parameters, value))
		case "EMAIL":
			c.emails = add(c.emails, clean(value, mostName))
		}
	}
	return c
}

// plain takes the backslashes out of a value.
func plain(value string) string {
	return strings.NewReplacer(`\\`, `\`, `\,`, `,`, `\;`, `;`, `\n`, " ", `\N`, " ").Replace(value)
}

func add(values []string, value string) []string {
	if value == "" || len(values) >= mostPhones {
		return values
	}
	return append(values, value)
}

func phone(parameters, value string) string {
	for parameter := range strings.SplitSeq(parameters, ";") {
		key, id, _ := strings.Cut(parameter, "=")
		if strings.EqualFold(strings.TrimSpace(key), "waid") && isNumber(id, mostDigits) {
			return id
		}
	}
	if scheme, rest, found := strings.Cut(value, ":"); found && strings.EqualFold(scheme, "tel") {
		value = rest
	}
	if digits := connectors.Digits(value); digits != "" {
		return digits
	}
	return clean(value, mostName)
}
