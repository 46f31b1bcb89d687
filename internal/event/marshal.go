package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Marshal writes JSON as JavaScript's JSON.stringify does: compact, with nothing escaped that need not be. Receivers that
// verify the signature over a re-serialised body depend on it. Texts inside a json.RawMessage are rewritten too; its numbers stay
// as they are.
func Marshal(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("encode JSON: %w", err)
	}
	raw := bytes.TrimRight(out.Bytes(), "\n")
	if !bytes.Contains(raw, []byte(`\u`)) && !bytes.Contains(raw, []byte(`\/`)) {
		return raw, nil
	}
	return plain(raw), nil
}

// plain undoes the escapes that JSON allows and JavaScript does not write: encoding/json's own of U+2028, U+2029 and U+FFFD, and
// whatever stood in a json.RawMessage.
func plain(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' || i+1 >= len(raw) {
			out = append(out, raw[i])
			continue
		}
		i++
		switch raw[i] {
		case '/':
			out = append(out, '/')
		case 'u':
			first, second := hex4(raw, i+1), rune(-1)
			i += 4
			if utf16.IsSurrogate(first) && i+2 < len(raw) && raw[i+1] == '\\' && raw[i+2] == 'u' {
				second = hex4(raw, i+3)
			}
			if pair := utf16.DecodeRune(first, second); pair != utf8.RuneError {
				first = pair
				i += 6
			}
			out = appendRune(out, first)
		default:
			out = append(out, '\\', raw[i]) // an escape of another kind, whole, so that "\\u2028" stays a text
		}
	}
	return out
}

// hex4 reads the four digits of an escape; encoding/json has checked them.
func hex4(raw []byte, at int) rune {
	if at+4 > len(raw) {
		return -1
	}
	n, err := strconv.ParseUint(string(raw[at:at+4]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}

// appendRune writes a character of a text as JSON.stringify does.
func appendRune(out []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	switch {
	case r == '"' || r == '\\':
		return append(out, '\\', byte(r))
	case r == '\b':
		return append(out, `\b`...)
	case r == '\t':
		return append(out, `\t`...)
	case r == '\n':
		return append(out, `\n`...)
	case r == '\f':
		return append(out, `\f`...)
	case r == '\r':
		return append(out, `\r`...)
	case r < ' ' || utf16.IsSurrogate(r): // a surrogate without its other half is no character
		return append(out, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
	}
	return utf8.AppendRune(out, r)
}
