package discord

import (
	"html"
	"regexp"
	"strings"
	"unicode"
)

// dialect turns CommonMark, as posts are rendered, into Discord's Markdown: entities and HTML, which Discord shows as they are, become its own
// signs, headings have three levels, pictures are links, and links stand bare so that they show a preview. Code stays as it is. The result
// is never longer than the text.
func dialect(markdown string) string {
	lines := strings.Split(markdown, "\n")
	out := make([]string, 0, len(lines))
	fence, dropped := "", false
	for _, line := range lines {
		body := strings.TrimLeft(line, " >")
		prefix := line[:len(line)-len(body)]
		switch {
		case fence != "":
			if strings.TrimSpace(body) == fence {
				fence = ""
			}
		case strings.HasPrefix(body, "```"):
			fence = body[:len(body)-len(strings.TrimLeft(body, "`"))]
		case strings.TrimSpace(body) == "<!-- -->": // stands between two lists, with an empty line on either side
			dropped = true
			continue
		case dropped && strings.TrimSpace(body) == "":
			dropped = false
			continue
		default:
			line = prefix + block(strings.TrimRight(body, " "))
		}
		dropped = false
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// block translates a line's beginning, and then the rest.
func block(body string) string {
	if level := len(body) - len(strings.TrimLeft(body, "#")); level > 3 && level <= 6 && strings.HasPrefix(body[level:], " ") {
		body = body[level-3:]
	}
	marker := regexp.MustCompile(`^(-|[0-9]{1,9}\.) +`).FindStringSubmatch(body)
	if marker == nil {
		return inline(body)
	}
	return marker[1] + " " + block(body[len(marker[0]):])
}

// inline translates the text of a line.
func inline(text string) string {
	var out strings.Builder
	for text != "" {
		taken, written := token(text)
		out.WriteString(written)
		text = text[taken:]
	}
	return out.String()
}

// token translates what a text begins with, and says how many bytes of it that was.
func token(text string) (taken int, written string) {
	switch text[0] {
	case '\\':
		n := min(2, len(text))
		return n, text[:n]
	case '`':
		n := codeSpan(text)
		return n, text[:n]
	case '&':
		return entity(text)
	case '<':
		return angle(text)
	case '!':
		if address := regexp.MustCompile(`^!\[\]\(([^)\s]+)\)`).FindStringSubmatch(text); address != nil {
			return len(address[0]), html.UnescapeString(address[1])
		}
		if strings.HasPrefix(text, "![") {
			return 1, ""
		}
	}
	return 1, text[:1]
}

// codeSpan returns the length of the code that a text begins with, up to as many backticks as it begins with; or of these alone.
func codeSpan(text string) int {
	run := len(text) - len(strings.TrimLeft(text, "`"))
	for i := run; i < len(text); {
		if text[i] != '`' {
			i++
			continue
		}
		closing := len(text[i:]) - len(strings.TrimLeft(text[i:], "`"))
		i += closing
		if closing == run {
			return i
		}
	}
	return run
}

// entity translates an entity of HTML into its character, escaped where that could be markup.
func entity(text string) (taken int, written string) {
	name := regexp.MustCompile(`^&(amp|lt|gt|quot|#[0-9]{1,6});`).FindString(text)
	if name == "" {
		return 1, "&"
	}
	decoded := html.UnescapeString(name)
	if strings.ContainsAny(decoded, "<>~|:*_`#-") {
		decoded = `\` + decoded
	}
	return len(name), decoded
}

// angle translates a tag or an address in brackets.
func angle(text string) (taken int, written string) {
	end := strings.IndexByte(text, '>')
	if end < 0 {
		return 1, "<"
	}
	inside, rest := text[1:end], text[end+1:]
	if strings.HasPrefix(inside, "http://") || strings.HasPrefix(inside, "https://") {
		if rest == "" || unicode.IsSpace(rune(rest[0])) {
			return end + 1, inside
		}
		return end + 1, text[:end+1]
	}
	switch strings.TrimPrefix(inside, "/") {
	case "u", "ins":
		return end + 1, "__"
	case "s", "del":
		return end + 1, "~~"
	case "b", "strong":
		return end + 1, "**"
	case "i", "em":
		return end + 1, "*"
	case "code":
		return end + 1, ""
	case "br":
		return end + 1, " "
	}
	return 1, "<"
}
