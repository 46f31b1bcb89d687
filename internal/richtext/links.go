package richtext

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"
)

// span is a part of a text, in bytes.
type span struct{ start, end int }

// link is a part of a text that a network links.
type link struct {
	span
	// sure tells that the network surely reads it as one: a web address with a top-level domain that exists, written in ASCII.
	sure bool
	// bare tells that it has no scheme: "example.com/a".
	bare bool
}

// findLinks finds what twitter-text reads as URLs: addresses with http:// or https://, and domains without it whose top-level domain is in
// ICANN's part of the public suffix list. Where twitter-text's rules are wider than ours the link ends early, so that the rest counts as text.
func findLinks(text string) []link {
	var links []link
	for i := 0; i < len(text); {
		found, next := linkAt(text, i)
		if found.end > found.start {
			links = append(links, found)
		}
		i = next
	}
	return links
}

// linkAt looks for a link at a place and returns where to go on.
func linkAt(text string, i int) (found link, next int) {
	if scheme := schemeLen(text[i:]); scheme > 0 {
		host := hostEnd(text, i+scheme)
		if end := domainEnd(text, i+scheme, host); end > 0 && !isWordBefore(text, i) {
			end = pathEnd(text, end)
			return link{span: span{i, end}, sure: end-i <= maxURL}, end
		}
		end := looseEnd(text, i+scheme)
		return link{span: span{i, end}}, end
	}
	if !isHostByte(text[i]) {
		return link{}, i + 1
	}
	host := hostEnd(text, i)
	if n := schemeInside(text, i, host); n > 0 {
		return link{}, n
	}
	start := i + len(text[i:host]) - len(strings.TrimLeft(text[i:host], "-_."))
	end := domainEnd(text, start, host)
	if end == 0 || start > i || isWordBefore(text, i) || strings.HasSuffix(text[:i], "/") {
		return link{}, host
	}
	end = pathEnd(text, end)
	return link{span: span{start, end}, sure: end-start <= maxURL, bare: true}, end
}

// schemeLen returns the length of http:// or https:// at the start of a text, or 0.
func schemeLen(s string) int {
	for _, scheme := range [...]string{"http://", "https://"} {
		if len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			return len(scheme)
		}
	}
	return 0
}

// schemeInside finds where a scheme starts in the word before its colon: "seehttp://...", or 0.
func schemeInside(text string, start, end int) int {
	for _, back := range [...]int{5, 4} {
		if place := end - back; place > start && schemeLen(text[place:]) > 0 {
			return place
		}
	}
	return 0
}

func isAlnum[T byte | rune](c T) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isHostByte(c byte) bool { return isAlnum(c) || c == '-' || c == '_' || c == '.' }

// hostEnd returns where the characters of a host end.
func hostEnd(text string, i int) int {
	for i < len(text) && isHostByte(text[i]) {
		i++
	}
	return i
}

// isWordBefore reports whether what is before a place makes it no start of a link.
func isWordBefore(text string, i int) bool {
	r, _ := utf8.DecodeLastRuneInString(text[:i])
	return i > 0 && (r < utf8.RuneSelf && isAlnum(r) || strings.ContainsRune("@＠$#＃", r))
}

// domainEnd returns where the longest domain in text[start:host] ends that has a top-level domain, or 0.
func domainEnd(text string, start, host int) int {
	for end := host; end > start; {
		dot := strings.LastIndexByte(text[start:end], '.')
		if dot <= 0 {
			return 0
		}
		labelStart := start + dot + 1
		tld := labelStart
		for tld < end && (isAlnum(text[tld]) || text[tld] == '-' && strings.EqualFold(text[labelStart:min(end, labelStart+4)], "xn--")) {
			tld++
		}
		isFollowed := tld < len(text) && strings.IndexByte("-@+", text[tld]) >= 0
		if tld > labelStart && !isFollowed && isAlnum(text[start+dot-1]) && isTLD(text[labelStart:tld]) {
			return tld
		}
		end = start + dot
	}
	return 0
}

// isTLD reports whether a top-level domain exists, by the public suffix list that golang.org/x/net was built with.
func isTLD(label string) bool {
	if len(label) < 2 || len(label) > 63 {
		return false
	}
	_, known := publicsuffix.PublicSuffix("x." + strings.ToLower(label))
	return known
}

// pathEnd returns where the port, path and query of a URL end, by twitter-text's characters of a path. An open parenthesis belongs to it
// only with the one that closes it.
func pathEnd(text string, i int) int {
	if port := i + 1; i < len(text) && text[i] == ':' {
		for port < len(text) && text[port] >= '0' && text[port] <= '9' {
			port++
		}
		if port > i+1 {
			i = port
		}
	}
	if i >= len(text) || text[i] != '/' && text[i] != '?' {
		return i
	}
	end := i
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == '(' {
			if size = parenthesis(text[i:]); size == 0 {
				break
			}
			end = i + size
		} else if !isPathRune(r) {
			break
		} else if isPathEnd(r) {
			end = i + size
		}
		i += size
	}
	return end
}

func isPathRune(r rune) bool {
	if r < utf8.RuneSelf {
		return isAlnum(r) || strings.ContainsRune("!*';:=+,.$/%#[]-_~@|&?", r)
	}
	return isForeignLetter(r)
}

func isPathEnd(r rune) bool {
	if r < utf8.RuneSelf {
		return isAlnum(r) || strings.ContainsRune("-=_#/", r)
	}
	return isForeignLetter(r)
}

// isForeignLetter reports whether a letter is Cyrillic or an accented Latin one.
func isForeignLetter(r rune) bool {
	return unicode.IsLetter(r) && (r >= 0xC0 && r <= 0x24F || r >= 0x400 && r <= 0x4FF || r >= 0x1E00 && r <= 0x1EFF)
}

// parenthesis returns the length of "(...)" at the start of a text if only characters of a path are in it, or 0.
func parenthesis(text string) int {
	for i, r := range text {
		switch {
		case i == 0:
		case r == ')' && i > 1:
			return i + 1
		case !isPathRune(r):
			return 0
		}
	}
	return 0
}

// looseEnd returns where an address ends for a reader: at white space, quotes and brackets, without the punctuation of the sentence.
func looseEnd(text string, i int) int {
	start, open := i, 0
	end := i
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		if unicode.IsSpace(r) || unicode.IsControl(r) || r == utf8.RuneError || strings.ContainsRune("<>\"“”«»「」『』（）【】，。、！？；：…", r) {
			break
		}
		switch {
		case r == '(':
			open++
		case r == ')':
			if open--; open < 0 {
				return end
			}
			end = i + size
		case !strings.ContainsRune(".,;:!?'*_~]}’", r):
			end = i + size
		}
		i += size
	}
	return max(start, end)
}

// schemeURLs finds the addresses with a scheme as a reader sees them, to their last letter of any script.
func schemeURLs(text string) []span {
	var spans []span
	for i := 0; i < len(text); {
		at := strings.Index(text[i:], "://")
		if at < 0 {
			break
		}
		colon := i + at
		start := 0
		for _, back := range [...]int{5, 4} {
			if start == 0 && colon-back >= i && schemeLen(text[colon-back:]) > 0 {
				start = colon - back + 1
			}
		}
		end := looseEnd(text, colon+3)
		if start > 0 && end > colon+3 {
			spans = append(spans, span{start - 1, end})
		}
		i = max(end, colon+3)
	}
	return spans
}
