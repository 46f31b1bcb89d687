package linkedin

import (
	"regexp"
	"strings"
)

// reserved are the characters that mean something in LinkedIn's "little text". One that is not escaped ends the post there, without an error.
const reserved = `\|{}@[]()<>#*_~`

// marks finds what may stand unescaped: mentions with their URN, and hashtags. A hashtag begins a word; its letters go on until
// anything but a letter, a digit or an underscore.
func marks() *regexp.Regexp {
	return regexp.MustCompile(`@\[([^\[\]\n]+)\]\((urn:li:(?:person:[A-Za-z0-9_-]+|organization:[0-9]+))\)|(^|[\s(\["'“„«¿¡])#([\p{L}\p{M}\p{N}_]*\p{L}[\p{L}\p{M}\p{N}_]*)`)
}

// little writes plain text as little text. The escapes do not count as length for LinkedIn.
func little(text string) string {
	var out strings.Builder
	from := 0
	for _, m := range marks().FindAllStringSubmatchIndex(text, -1) {
		out.WriteString(escape(text[from:m[0]]))
		if m[2] >= 0 {
			out.WriteString("@[" + escape(text[m[2]:m[3]]) + "](" + text[m[4]:m[5]] + ")")
		} else {
			out.WriteString(escape(text[m[6]:m[7]]) + hashtag(text[m[8]:m[9]]))
		}
		from = m[1]
	}
	return out.String() + escape(text[from:])
}

// hashtag writes a hashtag, whose name may need escapes itself: only the long form takes those.
func hashtag(name string) string {
	if strings.ContainsAny(name, reserved) {
		return `{hashtag|\#|` + escape(name) + "}"
	}
	return "#" + name
}

// escape puts a backslash before every reserved character. Addresses are no exception: LinkedIn takes the escapes away before it finds them.
func escape(text string) string {
	var out strings.Builder
	for _, r := range text {
		if strings.ContainsRune(reserved, r) {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}
