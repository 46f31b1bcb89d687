package richtext

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// PlainOptions says what a plain text leaves out. The zero value keeps everything.
type PlainOptions struct {
	NoLinks  bool // links are their text alone; a link without text is dropped
	NoImages bool // images leave no alternative text
}

// Plain writes a document as plain text in NFC: blocks with a blank line between them, the items of a list on lines of their own after "• " or
// "1. ", quotes after "> ", the cells of a row with " | " between them. A link is "text (URL)", or the URL alone where the text says no more.
// An image is its alternative text. Words of different blocks, lines or cells never touch. The text of an empty document is empty.
func Plain(doc Document, options PlainOptions) string {
	return norm.NFC.String(plainWriter{options}.blocks(doc.Blocks, "\n\n"))
}

// StripTitle makes one line of an input that is read as by Parse: without markup, targets of links and images, all white space folded.
func StripTitle(input string) string {
	text := Plain(Parse(input), PlainOptions{NoLinks: true, NoImages: true})
	return strings.Join(strings.Fields(text), " ")
}

type plainWriter struct{ options PlainOptions }

func (w plainWriter) blocks(blocks []Block, between string) string {
	parts := make([]string, 0, len(blocks))
	for _, block := range blocks {
		if text := w.block(block); text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, between)
}

func (w plainWriter) block(block Block) string {
	switch block.Kind {
	case List:
		return w.list(block)
	case Quote:
		return indent(w.blocks(block.Blocks, "\n\n"), "> ", "> ", ">")
	case Code:
		return block.Text
	case Rule:
		return "———"
	case Table:
		return w.table(block.Rows)
	default:
		return w.inlines(block.Inlines)
	}
}

// list writes items as lines; where one has several paragraphs, all have a blank line between them.
func (w plainWriter) list(list Block) string {
	inner, outer := "\n", "\n"
	if !isTight(list.Items) {
		inner, outer = "\n\n", "\n\n"
	}
	items := make([]string, 0, len(list.Items))
	for i, item := range list.Items {
		text := w.blocks(item, inner)
		if text == "" {
			continue
		}
		marker := "• "
		if list.Ordered {
			marker = strconv.Itoa(list.Start+i) + ". "
		}
		items = append(items, indent(text, marker, strings.Repeat(" ", utf8.RuneCountInString(marker)), ""))
	}
	return strings.Join(items, outer)
}

// isTight reports whether each item is one line with at most lists below it.
func isTight(items [][]Block) bool {
	for _, item := range items {
		for i, block := range item {
			if block.Kind != List && (i > 0 || block.Kind != Paragraph) {
				return false
			}
		}
	}
	return true
}

func (w plainWriter) table(rows [][]Cell) string {
	lines := make([]string, 0, len(rows))
	for _, row := range rows {
		cells := make([]string, 0, len(row))
		for _, cell := range row {
			if text := w.inlines(cell.Inlines); text != "" {
				cells = append(cells, strings.ReplaceAll(text, "\n", " / "))
			}
		}
		if len(cells) > 0 {
			lines = append(lines, strings.Join(cells, " | "))
		}
	}
	return strings.Join(lines, "\n")
}

// inlines writes a line or, with breaks, several.
func (w plainWriter) inlines(inlines []Inline) string {
	var out strings.Builder
	apart := false // what comes next must not make one word with what is before it
	for group := range groups(inlines) {
		text, alone := w.group(group), false
		if url := group[0].URL; url != "" && !w.options.NoLinks {
			text, alone = withTarget(text, url)
		}
		if apart || alone || group[0].Kind == Image {
			separate(&out, text)
		}
		out.WriteString(text)
		apart = alone || group[len(group)-1].Kind == Image
	}
	lines := strings.Split(out.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// group writes inlines of the same link as they are.
func (w plainWriter) group(group []Inline) string {
	var out strings.Builder
	for i, inline := range group {
		text := strings.ReplaceAll(inline.Text, "\u00A0", " ")
		switch {
		case inline.Kind == Break:
			text = "\n"
		case inline.Kind == Image && w.options.NoImages:
			text = ""
		}
		if inline.Kind == Image || (i > 0 && group[i-1].Kind == Image) {
			separate(&out, text)
		}
		out.WriteString(text)
	}
	return out.String()
}

// separate writes a space where the next text would make one word with what is before it.
func separate(out *strings.Builder, next string) {
	last, _ := utf8.DecodeLastRuneInString(out.String())
	first, _ := utf8.DecodeRuneInString(next)
	isWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '/' }
	if out.Len() > 0 && isWord(last) && isWord(first) {
		out.WriteByte(' ')
	}
}

// withTarget adds the target to the text of a link, unless the text says it already. It reports whether the target stands alone.
func withTarget(text, url string) (shown string, alone bool) {
	shown = strings.TrimPrefix(strings.TrimPrefix(url, "mailto:"), "tel:")
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		return shown, true
	}
	before, after, _ := strings.Cut(text, trimmed)
	if bareURL(trimmed) == bareURL(shown) {
		return before + shown + after, true
	}
	return before + trimmed + " (" + shown + ")" + after, false
}

// bareURL is what two ways to write the same URL have in common.
func bareURL(url string) string {
	url = strings.ToLower(url)
	url = strings.TrimPrefix(strings.TrimPrefix(url, "http://"), "https://")
	return strings.TrimSuffix(strings.TrimPrefix(url, "www."), "/")
}

// groups splits inlines where the link changes; what is in no link is one group too.
func groups(inlines []Inline) func(yield func([]Inline) bool) {
	return func(yield func([]Inline) bool) {
		for start := 0; start < len(inlines); {
			end := start + 1
			for end < len(inlines) && inlines[end].URL == inlines[start].URL {
				end++
			}
			if !yield(inlines[start:end]) {
				return
			}
			start = end
		}
	}
}

// indent puts one prefix before the first line of a text, another before the others, and a third one before empty lines.
func indent(text, first, rest, empty string) string {
	if text == "" {
		return ""
	}
	var out strings.Builder
	out.WriteString(first)
	for i, line := range strings.Split(text, "\n") {
		switch {
		case i == 0:
		case line == "":
			out.WriteString("\n" + empty)
		default:
			out.WriteString("\n" + rest)
		}
		out.WriteString(line)
	}
	return out.String()
}
