package account

import (
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
)

const (
	minPassword = 10
	maxPassword = 200
	maxEmail    = 254 // RFC 5321 4.5.3.1.3, less the angle brackets
	maxName     = 100
)

// report makes one error of what is wrong; nil stands for a field that is right.
func report(faults ...*problem.Field) error {
	var wrong []problem.Field
	for _, fault := range faults {
		if fault != nil {
			wrong = append(wrong, *fault)
		}
	}
	return problem.Invalid(wrong...)
}

func missing(field string) *problem.Field {
	return &problem.Field{Field: field, Code: problem.RequiredField, Message: field + " is missing."}
}

func invalid(field, message string) *problem.Field {
	return &problem.Field{Field: field, Code: problem.InvalidField, Message: message}
}

// cleanEmail gives the form in which addresses are stored and compared.
func cleanEmail(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

func checkEmail(text string) *problem.Field {
	if text == "" {
		return missing("email")
	}
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Address != text || len(text) > maxEmail || strings.ContainsFunc(text, unprintable) {
		return invalid("email", "email must be an e-mail address such as ann@example.com.")
	}
	return nil
}

func checkPassword(field string, password secret.String) *problem.Field {
	switch n := utf8.RuneCountInString(password.Reveal()); {
	case n == 0:
		return missing(field)
	case n < minPassword:
		return invalid(field, fmt.Sprintf("%s is too short: choose at least %d characters. A few random words are good.", field, minPassword))
	case n > maxPassword:
		return invalid(field, fmt.Sprintf("%s is too long: choose at most %d characters.", field, maxPassword))
	}
	return nil
}

func checkName(field, name string) *problem.Field {
	if name == "" {
		return missing(field)
	}
	if utf8.RuneCountInString(name) > maxName || strings.ContainsFunc(name, unprintable) {
		return invalid(field, fmt.Sprintf("%s must be a text of at most %d characters on one line.", field, maxName))
	}
	return nil
}

func unprintable(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }
