package richtext

import (
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/text/unicode/norm"
)

// unit is what a counter counts.
type unit uint8

const (
	runes unit = iota
	utf16
	graphemes
	weighted
	mastodon
)

// linkWeight is what X counts for any link (twitter-text v3, transformedURLLength).
const linkWeight = 23

// Counter says how a network counts a text. The zero Counter counts code points. It is a value and may be compared.
type Counter struct {
	unit    unit
	linkLen int // what a link counts, for those that do not count its characters
}

// Runes counts Unicode code points: Discord, LinkedIn, Facebook, Instagram, Tumblr.
func Runes() Counter { return Counter{unit: runes} }

// UTF16 counts UTF-16 code units, as software written in Java or JavaScript does; never less than Runes.
func UTF16() Counter { return Counter{unit: utf16} }

// Graphemes counts what a reader takes for characters (UAX 29).
func Graphemes() Counter { return Counter{unit: graphemes} }

// X counts as twitter-text v3 does, after NFC: most Latin, Greek, Cyrillic, Hebrew, Arabic and Indic characters and common punctuation weigh 1,
// all others 2, an emoji sequence 2, a link 23. A link is an address with http:// or https:// or a domain, both with a top-level domain that
// exists. What only might be a link (an address with an unknown top-level domain, a host that is not ASCII, or in the middle of a word) weighs 23
// or its characters, whichever is more; so does an emoji sequence that Unicode does not define. A result may be too high, hardly too low.
func X() Counter { return Counter{unit: weighted, linkLen: linkWeight} }

// Mastodon counts graphemes. An address with http:// or https:// counts as perURL (characters_reserved_per_url of the instance, 23 for 0 or less),
// and more if it is no sure link and longer. Of a mention of someone elsewhere, "@name@example.social", only "@name" counts.
func Mastodon(perURL int) Counter {
	if perURL <= 0 {
		perURL = linkWeight
	}
	return Counter{unit: mastodon, linkLen: perURL}
}

// Count returns how long a text is for a network. It is linear in the text.
func Count(text string, counter Counter) int {
	switch counter.unit {
	case utf16:
		n := 0
		for _, r := range text {
			n += 1 + b2i(r > 0xFFFF)
		}
		return n
	case graphemes:
		return uniseg.GraphemeClusterCount(text)
	case weighted, mastodon:
		return counter.withLinks(norm.NFC.String(text))
	default:
		return utf8.RuneCountInString(text)
	}
}

// withoutLinks counts a text that is known to have neither links nor mentions.
func (c Counter) withoutLinks(text string) int {
	switch {
	case text == "":
		return 0
	case c.unit == weighted:
		return c.clusters(norm.NFC.String(text))
	case c.unit == mastodon:
		return uniseg.GraphemeClusterCount(text)
	}
	return Count(text, c)
}

// withLinks counts links apart from the text between them.
func (c Counter) withLinks(text string) int {
	n, from := 0, 0
	for _, link := range findLinks(text) {
		if link.bare && c.unit == mastodon {
			continue
		}
		length := c.linkLen
		if !link.sure {
			length = max(length, c.clusters(text[link.start:link.end]))
		}
		n += c.clusters(text[from:link.start]) + length
		from = link.end
	}
	return n + c.clusters(text[from:])
}

// clusters counts a text without links.
func (c Counter) clusters(text string) int {
	if c.unit == mastodon {
		return uniseg.GraphemeClusterCount(withoutHosts(text))
	}
	n, state := 0, -1
	for text != "" {
		var cluster string
		cluster, text, _, state = uniseg.FirstGraphemeClusterInString(text, state)
		n += weight(cluster)
	}
	return n
}

// weight is what X counts for a grapheme cluster.
func weight(cluster string) int {
	if len(cluster) == 1 {
		return 1
	}
	if isEmoji(cluster) {
		return 2
	}
	n := 0
	for _, r := range cluster {
		n += 2 - b2i(isLight(r))
	}
	return n
}

// isLight reports whether a code point weighs 1 (twitter-text v3, ranges; © and ® are emoji there).
func isLight(r rune) bool {
	return r <= 4351 && r != '©' && r != '®' || r >= 8192 && r <= 8205 || r >= 8208 && r <= 8223 || r >= 8242 && r <= 8247
}

// withoutHosts cuts the hosts off mentions: "@name@example.social" becomes "@name".
func withoutHosts(text string) string {
	var out strings.Builder
	from := 0
	for i := 0; i < len(text); {
		at := strings.IndexByte(text[i:], '@')
		if at < 0 {
			break
		}
		at += i
		name := hostEnd(text, at+1)
		i = max(name, at+1)
		if host := mentionHost(text, at, name); host > 0 {
			out.WriteString(text[from:name])
			from, i = host, host
		}
	}
	return out.String() + text[from:]
}

// mentionHost returns where the host of a mention text[at:name] ends, or 0 if it is no mention with a host.
func mentionHost(text string, at, name int) int {
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	isStart := at == 0 || before < utf8.RuneSelf && !isAlnum(before) && !strings.ContainsRune("_=/@", before)
	if !isStart || name == at+1 || name >= len(text) || text[name] != '@' || !isNameEnd(text[at+1]) || !isNameEnd(text[name-1]) {
		return 0
	}
	host := strings.TrimRight(text[name+1:hostEnd(text, name+1)], "-_.")
	if !strings.Contains(host, ".") || !isAlnum(host[0]) {
		return 0
	}
	return name + 1 + len(host)
}

func isNameEnd(c byte) bool { return isAlnum(c) || c == '_' }

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
