package media

import (
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gabriel-vasile/mimetype"
)

const (
	maxName     = 100 // characters of a file's name in a header
	maxUploaded = 200 // characters of the name that an upload keeps
	maxProvided = 500 // bytes of a name or type that a provider gives
)

// Disposition returns a Content-Disposition header that makes a browser save the file under a harmless form of a name that came
// from outside: no folders, control or invisible characters, at most 100 characters, never empty. RFC 6266 has both of its forms.
func Disposition(name, contentType string) string {
	clean := cleanName(name, contentType, maxName)
	return fmt.Sprintf(`attachment; filename="%s"; filename*=UTF-8''%s`, asciiOnly(clean), percent(clean))
}

func cleanName(name, contentType string, most int) string {
	name = strings.ToValidUTF8(name, "")
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		switch {
		case !unicode.IsPrint(r) && r != ' ': // Cf among them: marks that turn the reading direction hide an extension
			return -1
		case strings.ContainsRune(`"*:<>?|/`, r):
			return '_'
		}
		return r
	}, name)
	name = strings.Trim(name, " .")
	extension := path.Ext(name)
	if utf8.RuneCountInString(extension) > 12 {
		extension = ""
	}
	if runes := []rune(strings.TrimSuffix(name, extension)); len(runes)+len([]rune(extension)) > most {
		name = string(runes[:most-len([]rune(extension))]) + extension
	}
	if name == "" {
		name = "file"
	}
	if extension == "" {
		if known := mimetype.Lookup(contentType); known != nil {
			name += known.Extension()
		}
	}
	return name
}

func asciiOnly(name string) string {
	return strings.Map(func(r rune) rune {
		if r > '~' || r == '%' || r == ';' {
			return '_'
		}
		return r
	}, name)
}

// percent encodes a name as RFC 8187 wants it: everything but its attr-chars.
func percent(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("!#$&+-.^_`|~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// clip bounds a text that a provider gives, and drops what PostgreSQL would refuse to store.
func clip(text string) string {
	if len(text) > maxProvided {
		text = text[:maxProvided]
	}
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "")
}
