package richtext

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// Parse reads the text of a post. It never fails and takes any bytes; it reads the first MaxBytes of them. An input is one of three:
//
//   - Plain text, when it has no tag of an HTML element ("<name>" and "a < b" are no tags). Blank lines separate paragraphs, other newlines are
//     line breaks, spaces stay. Entities with their semicolon are decoded, because senders often escape a text and forget that it is none:
//     "Tom &amp; Jerry" is "Tom & Jerry". A text about entities has to write "&amp;amp;".
//   - HTML with elements inside of lines only (<b>, <a>, ...): newlines as in plain text, everything else as in HTML.
//   - HTML with elements that break lines (<p>, <br>, <li>, ...): newlines are spaces, as in a browser.
//
// Broken HTML is read as far as it makes sense; unknown elements vanish and leave their text; scripts, styles, embedded objects and form
// fields vanish with their content. A link whose target is not http, https, mailto or tel is only its text. A link ends with its block.
// Control characters are removed, text is brought to NFC, and bytes that are not UTF-8 become U+FFFD: callers that have to refuse such input
// ask utf8.ValidString before.
func Parse(input string) Document {
	doc := Document{}
	if len(input) > MaxBytes {
		end := MaxBytes
		for end > MaxBytes-utf8.UTFMax && !utf8.RuneStart(input[end]) {
			end--
		}
		input, doc.Cut = input[:end], true
	}
	input = cleanInput(input)
	hasElement, hasBlock := inspect(input)
	if !hasElement {
		doc.Blocks = plainBlocks(decodeEntities(input))
		return doc
	}
	doc.Blocks = parseHTML(input, !hasBlock)
	return doc
}

// inspect reports whether an input has any element or comment of HTML, and whether one of them breaks lines.
func inspect(input string) (hasElement, hasBlock bool) {
	if !strings.Contains(input, "<") {
		return false, false
	}
	tokens := html.NewTokenizer(strings.NewReader(input))
	for !hasBlock {
		switch tokens.Next() {
		case html.ErrorToken:
			return hasElement, false
		case html.DoctypeToken:
			hasElement = true
		case html.CommentToken:
			hasElement = hasElement || strings.HasPrefix(string(tokens.Raw()), "<!--")
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			name, _ := tokens.TagName()
			hasElement = hasElement || isElement(string(name))
			hasBlock = isBlock(string(name))
		}
	}
	return true, true
}

// plainBlocks makes paragraphs of a plain text.
func plainBlocks(text string) []Block {
	var blocks []Block
	var inlines []Inline
	for line := range strings.SplitSeq(strings.Map(cleanRune, text)+"\n\n", "\n") {
		if !isBlank(line) {
			if len(inlines) > 0 {
				inlines = append(inlines, Inline{Kind: Break})
			}
			inlines = append(inlines, Inline{Text: cleanText(strings.TrimRight(line, " \t"))})
			continue
		}
		if len(inlines) > 0 {
			blocks = append(blocks, Block{Inlines: inlines})
			inlines = nil
		}
	}
	return blocks
}

// parseHTML reads tokens instead of the tree that html.Parse makes: the tree repeats open formatting elements in each paragraph and can
// become hundreds of times as large as its input.
func parseHTML(input string, newlines bool) []Block {
	tokens := html.NewTokenizer(strings.NewReader(input))
	b := newBuilder(newlines)
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			return b.finish()
		case html.TextToken:
			b.text(string(tokens.Text()))
		case html.StartTagToken:
			name, attrs := tag(tokens)
			b.start(name, attrs)
		case html.SelfClosingTagToken:
			name, attrs := tag(tokens)
			if name != "svg" && name != "math" { // the only elements that the slash closes
				b.start(name, attrs)
			}
		case html.EndTagToken:
			name, _ := tokens.TagName()
			b.end(string(name))
		}
	}
}

// attributes are those that matter, of any element.
type attributes struct{ href, src, alt, start string }

func tag(tokens *html.Tokenizer) (string, attributes) {
	var attrs attributes
	raw, more := tokens.TagName()
	name := string(raw) // before the attributes: the tokenizer reuses its memory
	for more {
		var key, value []byte
		key, value, more = tokens.TagAttr()
		field := attrs.field(string(key))
		if field != nil && *field == "" { // the first one counts
			*field = string(value)
		}
	}
	return name, attrs
}

func (a *attributes) field(name string) *string {
	switch name {
	case "href":
		return &a.href
	case "src":
		return &a.src
	case "alt":
		return &a.alt
	case "start":
		return &a.start
	}
	return nil
}
