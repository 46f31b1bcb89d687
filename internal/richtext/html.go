package richtext

import (
	"html"
	"strconv"
	"strings"
)

// HTML writes a document as clean HTML: only the elements of the model, only the attributes href, src, alt and start, only targets that Parse
// let through, all text escaped. So no other list of what is allowed is needed behind it.
func HTML(doc Document) string {
	var w htmlWriter
	w.blocks(doc.Blocks)
	return strings.TrimSuffix(w.String(), "\n")
}

type htmlWriter struct{ strings.Builder }

func (w *htmlWriter) blocks(blocks []Block) {
	for _, block := range blocks {
		w.block(block)
		w.WriteByte('\n')
	}
}

func (w *htmlWriter) block(block Block) {
	switch block.Kind {
	case Heading:
		w.element("h"+strconv.Itoa(block.Level), block.Inlines)
	case List:
		w.list(block)
	case Quote:
		w.WriteString("<blockquote>\n")
		w.blocks(block.Blocks)
		w.WriteString("</blockquote>")
	case Code:
		w.WriteString("<pre><code>" + html.EscapeString(block.Text) + "</code></pre>")
	case Rule:
		w.WriteString("<hr>")
	case Table:
		w.table(block.Rows)
	default:
		w.element("p", block.Inlines)
	}
}

func (w *htmlWriter) element(name string, inlines []Inline) {
	w.WriteString("<" + name + ">")
	w.inlines(inlines)
	w.WriteString("</" + name + ">")
}

func (w *htmlWriter) list(list Block) {
	name := "ul"
	start := ""
	if list.Ordered {
		name = "ol"
		if list.Start != 1 {
			start = ` start="` + strconv.Itoa(list.Start) + `"`
		}
	}
	w.WriteString("<" + name + start + ">\n")
	tight := isTight(list.Items)
	for _, item := range list.Items {
		w.WriteString("<li>")
		for i, block := range item {
			switch {
			case tight && i == 0 && block.Kind == Paragraph:
				w.inlines(block.Inlines)
			default:
				w.WriteByte('\n')
				w.block(block)
			}
		}
		w.WriteString("</li>\n")
	}
	w.WriteString("</" + name + ">")
}

func (w *htmlWriter) table(rows [][]Cell) {
	w.WriteString("<table>\n")
	for _, row := range rows {
		w.WriteString("<tr>")
		for _, cell := range row {
			name := "td"
			if cell.Header {
				name = "th"
			}
			w.element(name, cell.Inlines)
		}
		w.WriteString("</tr>\n")
	}
	w.WriteString("</table>")
}

func (w *htmlWriter) inlines(inlines []Inline) {
	for group := range groups(inlines) {
		url := group[0].URL
		if url != "" {
			w.WriteString(`<a href="` + html.EscapeString(url) + `">`)
		}
		for _, inline := range group {
			w.inline(inline)
		}
		if url != "" {
			w.WriteString("</a>")
		}
	}
}

func (w *htmlWriter) inline(inline Inline) {
	switch inline.Kind {
	case Break:
		w.WriteString("<br>")
	case Image:
		w.WriteString(`<img src="` + html.EscapeString(inline.Source) + `" alt="` + html.EscapeString(inline.Text) + `">`)
	default:
		before, after := styleTags(inline.Style)
		w.WriteString(before + html.EscapeString(inline.Text) + after)
	}
}

// styleTags returns the tags around a text of these styles.
func styleTags(style Style) (before, after string) {
	names := [...]string{"strong", "em", "u", "del", "code"}
	for i, name := range names {
		if style&(1<<i) != 0 {
			before, after = before+"<"+name+">", "</"+name+">"+after
		}
	}
	return before, after
}
