// Package contact holds the rules of contacts: what one may be, and how lists of them come and go as CSV.
package contact

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	// MaxName is the length of a name, in characters.
	MaxName = 200
	// MaxExtraFields is the length of the extra fields, in bytes of JSON; they are part of each event of this person.
	MaxExtraFields = 8 << 10
)

// Change is what is to be set in a contact; nil leaves what is there.
type Change struct {
	Name          *string
	PhoneNumber   *string
	PhoneNumberCC *string
}

// Apply puts a change into a contact and returns everything that is wrong with it. A contact without a number is.
func (change Change) Apply(c *store.Contact) []problem.Field {
	var wrong []problem.Field
	invalid := func(field, text string) {
		wrong = append(wrong, problem.Field{Field: field, Code: problem.InvalidField, Message: text})
	}
	if change.Name != nil {
		c.Name = strings.TrimSpace(*change.Name)
		if utf8.RuneCountInString(c.Name) > MaxName || strings.ContainsFunc(c.Name, unicode.IsControl) {
			invalid("name", fmt.Sprintf("name takes at most %d characters and no control characters.", MaxName))
		}
	}
	switch {
	case change.PhoneNumber == nil && c.PhoneNumber == "":
		wrong = append(wrong, problem.Field{Field: "phone_number", Code: problem.RequiredField, Message: "phone_number is required."})
	case change.PhoneNumber != nil:
		if c.PhoneNumber = connectors.Digits(*change.PhoneNumber); c.PhoneNumber == "" {
			invalid("phone_number", "phone_number must be a phone number with its country code, such as +16311112222.")
		}
	}
	if change.PhoneNumberCC != nil {
		c.PhoneNumberCC = strings.TrimPrefix(strings.TrimSpace(*change.PhoneNumberCC), "+")
		if len(c.PhoneNumberCC) > 3 || strings.Trim(c.PhoneNumberCC, "0123456789") != "" { // E.164: one to three digits
			invalid("phone_number_cc", "phone_number_cc must be a country code of one to three digits, such as 49, or empty.")
		}
	}
	return wrong
}
