// Package secret keeps secrets: a string type that does not print itself, sealing with AES-256-GCM, key derivation, the
// making and hashing of API keys, tokens and webhook secrets, and password hashing with argon2id.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

const mask = "***"

// String is text that must not appear in a log, an error or an answer. Every way of printing or encoding it gives "***";
// only Reveal gives the text. Do not use it as the key of a map: encoding/json writes such keys as they are.
type String string

// Format implements fmt.Formatter, so that no verb prints the text.
func (String) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, mask) }

// GoString implements fmt.GoStringer.
func (String) GoString() string { return mask }

// LogValue implements slog.LogValuer.
func (String) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalJSON implements json.Marshaler.
func (String) MarshalJSON() ([]byte, error) { return []byte(`"` + mask + `"`), nil }

// MarshalText implements encoding.TextMarshaler, for encoders other than JSON.
func (String) MarshalText() ([]byte, error) { return []byte(mask), nil }

// Reveal returns the text. Call it only where the secret is used.
func (s String) Reveal() string { return string(s) }

// String implements fmt.Stringer.
func (String) String() string { return mask }
