package openapi

import (
	"regexp"
	"strings"
)

// span is a piece of a paragraph.
type span struct {
	Text   string
	Code   bool
	Strong bool
}

// paragraphs reads the little of Markdown that descriptions use: paragraphs, `code` and **strong**.
func paragraphs(text string) [][]span {
	var all [][]span
	for _, paragraph := range strings.Split(text, "\n\n") {
		if paragraph = strings.TrimSpace(paragraph); paragraph != "" {
			all = append(all, spans(paragraph))
		}
	}
	return all
}

// spans marks what stands between backticks or double asterisks. A mark that is not closed stays as it is.
func spans(text string) []span {
	marked := regexp.MustCompile("`[^`]+`|\\*\\*[^*]+\\*\\*")
	var all []span
	for text != "" {
		at := marked.FindStringIndex(text)
		if at == nil {
			return append(all, span{Text: text})
		}
		if at[0] > 0 {
			all = append(all, span{Text: text[:at[0]]})
		}
		if found := text[at[0]:at[1]]; found[0] == '`' {
			all = append(all, span{Text: found[1 : len(found)-1], Code: true})
		} else {
			all = append(all, span{Text: found[2 : len(found)-2], Strong: true})
		}
		text = text[at[1]:]
	}
	return all
}
