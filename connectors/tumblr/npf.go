package tumblr

import (
	"sort"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/switchhook/switchhook/connectors"
)

// Limits of NPF.
const (
	maxBlock  = 4096 // code points of one text block
	maxBlocks = 1000
	maxBody   = 1 << 20 // bytes
	maxIndent = 7
)

// block is one block of NPF.
type block struct {
	Type       string       `json:"type"`
	Subtype    string       `json:"subtype,omitempty"`
	Text       string       `json:"text,omitempty"`
	Indent     int          `json:"indent_level,omitempty"`
	Formatting []formatting `json:"formatting,omitempty"`
	Media      any          `json:"media,omitempty"` // a list for pictures, a single one for films
	Alt        string       `json:"alt_text,omitempty"`
}

// formatting is a range of a text block, in code points.
type formatting struct {
	Start int    `json:"start"`
	End   int    `json:"end"` // the first one behind it
	Type  string `json:"type"`
	URL   string `json:"url,omitempty"`
}

// media names a part of the request.
type media struct {
	Type       string `json:"type"`
	Identifier string `json:"identifier"`
}

func fileBlock(file connectors.PostMedia, name string) block {
	if file.Kind == "video" {
		return block{Type: "video", Media: media{file.ContentType, name}}
	}
	return block{Type: "image", Media: []media{{file.ContentType, name}}, Alt: file.Alt}
}

// plainBlocks makes a block of every paragraph of a text without markup.
func plainBlocks(text string) []block {
	var blocks []block
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if paragraph = strings.TrimSpace(paragraph); paragraph != "" {
			blocks = append(blocks, split(block{Type: "text", Text: paragraph})...)
		}
	}
	return blocks
}

// blocksOf turns sanitised HTML into text blocks. What NPF has no word for becomes plain text: tables a line for each row, pictures in the text a
// link. Rules are left out.
func blocksOf(source string) []block {
	nodes, err := html.ParseFragment(strings.NewReader(source), &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body})
	if err != nil {
		return plainBlocks(source) // a reader of a string does not fail
	}
	w := &writer{}
	for _, node := range nodes {
		w.walk(node, surroundings{})
	}
	w.flush()
	return w.blocks
}

// surroundings is what surrounds a node.
type surroundings struct {
	subtype string
	indent  int // of lists; the outermost is 1
	pre     bool
}

// writer collects blocks.
type writer struct {
	blocks []block
	text   strings.Builder
	length int // of text, in code points
	ranges []formatting
	in     surroundings
}

func (w *writer) walk(node *html.Node, in surroundings) {
	switch node.Type {
	case html.TextNode:
		w.write(node.Data, in)
		return
	case html.ElementNode:
	default:
		return
	}
	switch node.DataAtom {
	case atom.Br:
		w.raw("\n")
		return
	case atom.Img:
		w.picture(node, in)
		return
	case atom.Strong, atom.B:
		w.format(node, in, formatting{Type: "bold"})
		return
	case atom.Em, atom.I:
		w.format(node, in, formatting{Type: "italic"})
		return
	case atom.S, atom.Del, atom.Strike:
		w.format(node, in, formatting{Type: "strikethrough"})
		return
	case atom.A:
		w.format(node, in, formatting{Type: "link", URL: attribute(node, "href")})
		return
	case atom.Td, atom.Th:
		if w.length > 0 {
			w.raw(" | ")
		}
	}
	within, isBlock := enter(node, in)
	if isBlock {
		w.flush()
	}
	w.children(node, within)
	if isBlock {
		w.flush()
	}
}

// enter returns what surrounds the children of an element, and whether it stands in a block of its own.
func enter(node *html.Node, in surroundings) (within surroundings, isBlock bool) {
	switch node.DataAtom {
	case atom.H1, atom.H2:
		in.subtype = "heading1"
	case atom.H3, atom.H4, atom.H5, atom.H6:
		in.subtype = "heading2"
	case atom.Blockquote:
		in.subtype = "indented"
	case atom.Ul:
		in.subtype, in.indent = "unordered-list-item", in.indent+1
	case atom.Ol:
		in.subtype, in.indent = "ordered-list-item", in.indent+1
	case atom.Pre:
		in.pre = true
	case atom.P, atom.Li, atom.Div, atom.Tr, atom.Table, atom.Hr, atom.Figure:
	default:
		return in, false
	}
	return in, true
}

func (w *writer) children(node *html.Node, in surroundings) {
	for child := range node.ChildNodes() {
		w.walk(child, in)
	}
}

func (w *writer) format(node *html.Node, in surroundings, as formatting) {
	as.Start = w.length
	w.children(node, in)
	as.End = w.length
	if as.End > as.Start && (as.Type != "link" || as.URL != "") {
		w.ranges = append(w.ranges, as)
	}
}

// picture writes a picture within the text as a link to it.
func (w *writer) picture(node *html.Node, in surroundings) {
	source, alt := attribute(node, "src"), attribute(node, "alt")
	if alt == "" {
		alt = source
	}
	start := w.length
	w.write(alt, in)
	if source != "" && w.length > start {
		w.ranges = append(w.ranges, formatting{Start: start, End: w.length, Type: "link", URL: source})
	}
}

// write adds text, whose white space counts as HTML says.
func (w *writer) write(text string, in surroundings) {
	w.in = in
	if in.pre {
		w.raw(text)
		return
	}
	words := strings.Join(strings.Fields(text), " ")
	if words == "" {
		words = " "
	} else {
		if strings.ContainsAny(text[:1], " \t\r\n") {
			words = " " + words
		}
		if strings.ContainsAny(text[len(text)-1:], " \t\r\n") {
			words += " "
		}
	}
	if present := w.text.String(); present == "" || strings.HasSuffix(present, " ") || strings.HasSuffix(present, "\n") {
		words = strings.TrimPrefix(words, " ")
	}
	w.raw(words)
}

func (w *writer) raw(text string) {
	w.text.WriteString(text)
	w.length += utf8.RuneCountInString(text)
}

// flush ends a block. White space at its end is cut, and the ranges with it.
func (w *writer) flush() {
	text, ranges, in := strings.TrimRight(w.text.String(), " \n"), w.ranges, w.in
	w.text.Reset()
	w.length, w.ranges = 0, nil
	if strings.TrimSpace(text) == "" {
		return
	}
	made := block{Type: "text", Text: text, Subtype: in.subtype, Formatting: within(ranges, 0, utf8.RuneCountInString(text))}
	if in.indent > 1 {
		made.Indent = min(in.indent-1, maxIndent)
	}
	w.blocks = append(w.blocks, split(made)...)
}

// within returns the ranges that are between two places, counted from the first.
func within(ranges []formatting, from, to int) []formatting {
	var kept []formatting
	for _, r := range ranges {
		r.Start, r.End = max(r.Start, from)-from, min(r.End, to)-from
		if r.Start < r.End {
			kept = append(kept, r)
		}
	}
	sort.SliceStable(kept, func(i, j int) bool { return kept[i].Start < kept[j].Start })
	return kept
}

// split divides a text block that is longer than NPF takes, at a space where there is one.
func split(long block) []block {
	runes := []rune(long.Text)
	var parts []block
	for from := 0; from < len(runes); {
		to := min(from+maxBlock, len(runes))
		if to < len(runes) {
			for space := to; space > from+maxBlock/2; space-- {
				if runes[space] == ' ' || runes[space] == '\n' {
					to = space
					break
				}
			}
		}
		part := long
		part.Text, part.Formatting = string(runes[from:to]), within(long.Formatting, from, to)
		parts = append(parts, part)
		for from = to; from < len(runes) && (runes[from] == ' ' || runes[from] == '\n'); from++ {
			continue // the space at which it was divided
		}
	}
	return parts
}

func attribute(node *html.Node, key string) string {
	for _, a := range node.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}
