package connectors

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// FieldType says how a field is entered and checked.
type FieldType string

// The field types.
const (
	FieldText   FieldType = "text"
	FieldPhone  FieldType = "phone" // E.164; spaces, "+", "-" and brackets are dropped when it is saved
	FieldURL    FieldType = "url"   // absolute http or https
	FieldSelect FieldType = "select"
)

// Field describes one setting of a channel. The one description drives validation, masking, GET /v1/connectors and forms.
type Field struct {
	Key         string    `json:"key"` // camelCase
	Label       string    `json:"label"`
	Help        string    `json:"help,omitempty"`
	Placeholder string    `json:"placeholder,omitempty"`
	Type        FieldType `json:"type"`
	Required    bool      `json:"required"`
	Secret      bool      `json:"secret"`            // masked in every answer
	Pattern     string    `json:"pattern,omitempty"` // a regular expression that the whole value matches
	Options     []string  `json:"options,omitempty"` // with FieldSelect
	Default     string    `json:"default,omitempty"`
}

// FieldProblem is one thing wrong with a configuration.
type FieldProblem struct {
	Key     string
	Message string // a sentence that says what to enter
}

// maxFieldLength bounds a value: no credential known to us is longer, and a form must not fill the database.
const maxFieldLength = 8192

// Mask is shown instead of a secret value. Sent back in a change, it means "as it was".
const Mask = "********"

// ValidateConfig cleans a configuration by its fields and reports everything that is wrong with it, in the fields' order.
func ValidateConfig(fields []Field, given Config) (Config, []FieldProblem) {
	clean := Config{}
	var problems []FieldProblem
	known := map[string]bool{}
	for _, field := range fields {
		known[field.Key] = true
		value, problem := cleanValue(field, given[field.Key])
		if problem != "" {
			problems = append(problems, FieldProblem{field.Key, problem})
		} else if value != "" {
			clean[field.Key] = value
		}
	}
	var unknown []string
	for key := range given {
		if !known[key] {
			unknown = append(unknown, key)
		}
	}
	sort.Strings(unknown)
	for _, key := range unknown {
		problems = append(problems, FieldProblem{key, "This kind of channel has no such setting. Remove it or correct its name."})
	}
	return clean, problems
}

// MaskConfig returns a copy of a configuration that may be shown: secrets are replaced by Mask.
func MaskConfig(fields []Field, config Config) Config {
	shown := Config{}
	for _, field := range fields {
		value, ok := config[field.Key]
		switch {
		case !ok:
		case field.Secret:
			shown[field.Key] = Mask
		default:
			shown[field.Key] = value
		}
	}
	return shown
}

func cleanValue(field Field, value string) (clean, problem string) {
	value = strings.TrimSpace(value)
	if value == "" {
		value = field.Default
	}
	switch {
	case value == "" && field.Required:
		return "", fmt.Sprintf("%s is required.", field.Label)
	case value == "":
		return "", ""
	case len(value) > maxFieldLength:
		return "", fmt.Sprintf("%s is longer than %d bytes.", field.Label, maxFieldLength)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", fmt.Sprintf("%s must not contain control characters.", field.Label)
	}
	return cleanTyped(field, value)
}

func cleanTyped(field Field, value string) (clean, problem string) {
	switch field.Type {
	case FieldPhone:
		digits := Digits(value)
		if digits == "" {
			return "", fmt.Sprintf("%s must be a phone number with its country code, such as +16311113333.", field.Label)
		}
		return digits, ""
	case FieldURL:
		u, err := url.Parse(value)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
			return "", fmt.Sprintf("%s must be an address that begins with https://.", field.Label)
		}
	case FieldSelect:
		if !slices.Contains(field.Options, value) {
			return "", fmt.Sprintf("%s must be one of: %s.", field.Label, strings.Join(field.Options, ", "))
		}
	}
	if field.Pattern != "" && !regexp.MustCompile(`^(?:`+field.Pattern+`)$`).MatchString(value) {
		return "", fmt.Sprintf("%s does not have the expected form. %s", field.Label, field.Help)
	}
	return value, ""
}

// Digits returns the digits of a phone number, or "" where the text is not one. It accepts "+", spaces, "-", "." and brackets
// between 6 to 15 digits (E.164 allows at most 15; shorter ones than 6 are short codes, see the connectors).
func Digits(number string) string {
	var digits strings.Builder
	for i, r := range strings.TrimSpace(number) {
		switch {
		case r >= '0' && r <= '9':
			digits.WriteRune(r)
		case r == '+' && i == 0, r == ' ', r == '-', r == '(', r == ')', r == '.':
		default:
			return ""
		}
	}
	if digits.Len() < 6 || digits.Len() > 15 {
		return ""
	}
	return digits.String()
}
