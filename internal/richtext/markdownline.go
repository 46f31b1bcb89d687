package richtext

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// place says where a line of Markdown stands: it decides what a break is and what has to be escaped.
type place uint8

const (
	inParagraph place = iota
	inHeading
	inRow
)

// lineWriter writes inlines as Markdown.
type lineWriter struct {
	strings.Builder
	place   place
	inLink  bool // where no other link may be
	atStart bool // of a line, where more signs are markup
}

func markdownLine(inlines []Inline, where place) string {
	w := &lineWriter{place: where, atStart: true}
	for group := range groups(inlines) {
		url := group[0].URL
		switch {
		case url == "":
			w.group(group, 0)
		case isAutolink(group, url):
			w.WriteString("<" + url + ">")
			w.atStart = false
		default:
			w.atStart = false
			w.WriteByte('[')
			w.inLink = true
			w.group(group, ']')
			w.inLink = false
			w.WriteString("](" + markdownURL(url) + ")")
		}
	}
	return strings.TrimRight(w.String(), " \t\n")
}

// isAutolink reports whether a link is its own text and may stand between < and >.
func isAutolink(group []Inline, url string) bool {
	return len(group) == 1 && group[0].Kind == Text && group[0].Style == 0 && group[0].Text == url && isASCII(url)
}

// group writes inlines of the same link. next is what follows them, 0 for nothing.
func (w *lineWriter) group(group []Inline, next rune) {
	for i, inline := range group {
		switch inline.Kind {
		case Break:
			w.lineBreak()
		case Image:
			w.WriteString("![")
			escapeRun(&w.Builder, inline.Text, w.place, false)
			w.WriteString("](" + markdownURL(inline.Source) + ")")
			w.atStart = false
		default:
			after := next
			if i+1 < len(group) {
				after, _ = utf8.DecodeRuneInString(group[i+1].Text + " ")
			}
			alone := (i == 0 || group[i-1].Style == 0) && (i+1 == len(group) || group[i+1].Style == 0)
			w.text(inline, after, alone)
		}
	}
}

func (w *lineWriter) lineBreak() {
	switch w.place {
	case inHeading:
		w.WriteByte(' ')
	case inRow:
		w.WriteString("<br>")
	default:
		w.WriteString("  \n")
		w.atStart = true
	}
}

// text writes a text with its styles. White space around it stays outside of them.
func (w *lineWriter) text(inline Inline, next rune, alone bool) {
	text := inline.Text
	core := strings.TrimSpace(text)
	if core == "" {
		w.space(text)
		return
	}
	before, after, _ := strings.Cut(text, core)
	w.space(before)
	w.core(inline.Style, core, next, alone && after == "" || after != "")
	w.atStart = false
	w.space(after)
}

// space writes white space, none at the start of a line, where it could be an indent.
func (w *lineWriter) space(s string) {
	if !w.atStart {
		w.WriteString(strings.ReplaceAll(s, "\t", " "))
	}
}

// core writes a text without white space around it. alone tells that what touches it has no style of its own.
func (w *lineWriter) core(style Style, core string, next rune, alone bool) {
	before, after := styleTags(style &^ Mono)
	if sign := emphasis(style); sign != "" && alone && w.flanks(core, next) {
		before, after = sign, sign
	}
	w.WriteString(before)
	if style&Mono != 0 {
		w.code(core)
	} else {
		w.escape(core, w.atStart && before == "")
	}
	w.WriteString(after)
}

// emphasis returns the signs of styles that have some.
func emphasis(style Style) string {
	switch style &^ Mono {
	case Bold:
		return "**"
	case Italic:
		return "*"
	case Bold | Italic:
		return "***"
	}
	return ""
}

func (w *lineWriter) code(text string) {
	if w.place == inRow && strings.Contains(text, "|") { // which ends a cell even between backticks
		w.WriteString("<code>")
		w.escape(text, false)
		w.WriteString("</code>")
		return
	}
	fence := fenceFor(text, 1)
	if text[0] == '`' || text[len(text)-1] == '`' {
		text = " " + text + " "
	}
	w.WriteString(fence + text + fence)
}

// flanks reports whether signs of emphasis are read as such between these neighbours (CommonMark 6.2): not where they touch a word on
// their outer side, nor with punctuation on their inner side, which is stricter than needed.
func (w *lineWriter) flanks(core string, next rune) bool {
	last, _ := utf8.DecodeLastRuneInString(w.String())
	inner, _ := utf8.DecodeRuneInString(core)
	outer, _ := utf8.DecodeLastRuneInString(core)
	isWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	isFree := func(r rune) bool { return r == 0 || r == utf8.RuneError || r < utf8.RuneSelf && !isWord(r) && r != '*' }
	return isWord(inner) && isWord(outer) && (w.Len() == 0 || isFree(last)) && isFree(next)
}

// escape writes a text so that nothing in it is markup. Web addresses become autolinks, because a dialect that links addresses by itself
// would take the escapes for a part of them.
func (w *lineWriter) escape(text string, atStart bool) {
	from := 0
	for _, span := range schemeURLs(text) {
		url := text[span.start:span.end]
		if w.inLink || isWordBefore(text, span.start) || !isASCII(url) || strings.ContainsAny(url, "<>`\\\"|") {
			continue
		}
		escapeRun(&w.Builder, text[from:span.start], w.place, atStart && from == 0)
		w.WriteString("<" + url + ">")
		from = span.end
	}
	escapeRun(&w.Builder, text[from:], w.place, atStart && from == 0)
}

// escapeRun escapes signs with a backslash where the oldest Markdown knows that escape, and as entities, which all dialects read, otherwise.
func escapeRun(out *strings.Builder, text string, where place, atStart bool) {
	text = strings.ReplaceAll(text, "\t", " ")
	slashed, asEntity := "\\`*_[]", "&<>~|"
	if where == inHeading {
		slashed += "#"
	}
	onlyDigits := atStart // so far
	for i, r := range text {
		isFirst := atStart && i == 0
		isNumber := onlyDigits && i > 0 && (r == '.' || r == ')') // "1." starts a list
		isLast := i+1 == len(text)                                // and a link may follow
		switch {
		case isNumber, strings.ContainsRune(slashed, r), isFirst && strings.ContainsRune("#+-", r), isLast && r == '!':
			out.WriteByte('\\')
			out.WriteRune(r)
		case strings.ContainsRune(asEntity, r), isFirst && strings.ContainsRune(":=", r):
			out.WriteString(entity(r))
		default:
			out.WriteRune(r)
		}
		onlyDigits = onlyDigits && r >= '0' && r <= '9'
	}
}

func entity(r rune) string {
	switch r {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	}
	return "&#" + strconv.Itoa(int(r)) + ";"
}

// markdownURL writes a target so that nothing in it ends it.
func markdownURL(url string) string {
	return strings.NewReplacer("(", "%28", ")", "%29", "&", "&amp;").Replace(url)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
