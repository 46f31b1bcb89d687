package richtext

import (
	"html"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// cleanInput makes valid UTF-8 without control characters and with \n as the only newline. Tabs stay.
func cleanInput(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(cleanRune, s)
}

// cleanRune drops (-1) or replaces a character that has no place in a text: controls, byte order marks, Unicode's own newlines.
func cleanRune(r rune) rune {
	switch {
	case r == '\n' || r == '\t':
		return r
	case r == '\r' || r == '\f' || r == '\v' || r == 0x85 || r == 0x2028 || r == 0x2029:
		return '\n'
	case unicode.IsControl(r) || r == 0xFEFF || (r >= 0xFFF9 && r <= 0xFFFB):
		return -1
	}
	return r
}

// cleanText finishes a piece of text after its entities are decoded.
func cleanText(s string) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		r = cleanRune(r)
		if r == '\n' {
			return ' '
		}
		return r
	}, s))
}

// isBlank reports whether a text shows nothing: spaces of all kinds, zero-width ones included.
func isBlank(s string) bool {
	return strings.TrimFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || (r >= 0x200B && r <= 0x200F) || r == 0x2060 || r == 0xAD
	}) == ""
}

// decodeEntities decodes the entities of a plain text, only those with their semicolon: "?a=1&copy=2" has none.
func decodeEntities(s string) string {
	if !strings.Contains(s, "&") {
		return s
	}
	return regexp.MustCompile(`&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});`).ReplaceAllStringFunc(s, html.UnescapeString)
}

// cleanURL returns the target of a link as it may be shown and followed, or "": only http, https, mailto and tel, never a relative one,
// for which a post has no base. What would end a URL in a text or a document is percent-encoded.
func cleanURL(raw string) string {
	raw = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || cleanRune(r) != r {
			return -1 // as browsers do, so that "java\nscript:" does not pass for something else
		}
		return r
	}, strings.TrimSpace(raw))
	if strings.HasPrefix(raw, "//") {
		raw = "https:" + raw
	}
	scheme, rest, found := strings.Cut(raw, ":")
	if !found || len(raw) > maxURL {
		return ""
	}
	scheme = strings.ToLower(scheme)
	switch scheme {
	case "http", "https":
		host, isHier := strings.CutPrefix(rest, "//")
		if !isHier || host == "" || strings.ContainsRune("/?#:@ ", rune(host[0])) {
			return ""
		}
	case "mailto", "tel":
		if rest == "" {
			return ""
		}
	default:
		return ""
	}
	return scheme + ":" + encodeUnsafe(rest)
}

// encodeUnsafe percent-encodes what no URL may contain (RFC 3986) and what would end one in HTML, Markdown or a sentence.
func encodeUnsafe(s string) string {
	const hex = "0123456789ABCDEF"
	var out strings.Builder
	for _, r := range s {
		if strings.ContainsRune(" \"<>\\^`{|}", r) {
			out.WriteByte('%')
			out.WriteByte(hex[r>>4])
			out.WriteByte(hex[r&15])
			continue
		}
		if unicode.IsSpace(r) {
			out.WriteString("%20")
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

// imageURL returns the address of an image, or "" where it has none that a network could fetch (data:, a relative one).
func imageURL(raw string) string {
	clean := cleanURL(raw)
	if !strings.HasPrefix(clean, "http") {
		return ""
	}
	return clean
}
