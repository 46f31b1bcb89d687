package richtext

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// line collects the inlines of the paragraph that is open.
type line struct {
	newlines bool // newlines in text are line breaks
	inlines  []Inline
	run      strings.Builder // the text that has the same style and link so far
	runStyle Style
	runURL   string
	space    bool // white space was read and is written when something follows it in the line
	depths   [5]int
	link     string
	linked   bool // the link has text in this paragraph
}

// style returns the styles that are open.
func (l *line) style() Style {
	var style Style
	for i, depth := range l.depths {
		if depth > 0 {
			style |= 1 << i
		}
	}
	return style
}

// open starts or (with -1) ends a style.
func (l *line) open(style Style, by int) {
	for i := range l.depths {
		if style == 1<<i {
			l.depths[i] = max(0, l.depths[i]+by)
		}
	}
}

// write adds text and folds its white space as HTML does. A no-break space is none.
func (l *line) write(s string) {
	style := l.style()
	for s != "" {
		end := strings.IndexAny(s, " \t\n\f\r")
		if end < 0 {
			end = len(s)
		}
		if end > 0 {
			l.spaceBefore(style, l.link)
			l.setRun(style, l.link)
			l.run.WriteString(s[:end])
			l.linked = true
		}
		if end < len(s) {
			l.space, end = true, end+1
		}
		s = s[end:]
	}
}

// spaceBefore writes the space between two words: inside of a style or link only where both words are.
func (l *line) spaceBefore(style Style, url string) {
	if !l.space {
		return
	}
	l.space = false
	if l.atStart() {
		return
	}
	before, beforeURL := l.runStyle, l.runURL
	if l.run.Len() == 0 {
		last := l.inlines[len(l.inlines)-1]
		before, beforeURL = last.Style, last.URL
	}
	if beforeURL != url {
		url = ""
	}
	l.setRun(before&style, url)
	l.run.WriteByte(' ')
}

// atStart reports whether nothing is in the line yet.
func (l *line) atStart() bool {
	return l.run.Len() == 0 && (len(l.inlines) == 0 || l.inlines[len(l.inlines)-1].Kind == Break)
}

func (l *line) setRun(style Style, url string) {
	if l.runStyle != style || l.runURL != url {
		l.endRun()
		l.runStyle, l.runURL = style, url
	}
}

func (l *line) endRun() {
	if text := cleanText(l.run.String()); text != "" {
		l.inlines = append(l.inlines, Inline{Text: text, Style: l.runStyle, URL: l.runURL})
	}
	l.run.Reset()
}

// image adds an image, or its alternative text where it cannot be fetched.
func (l *line) image(source, alt string) {
	source, alt = imageURL(source), strings.Join(strings.Fields(cleanText(alt)), " ")
	if source == "" {
		l.write(alt)
		return
	}
	l.spaceBefore(l.style(), l.link)
	l.endRun()
	l.inlines = append(l.inlines, Inline{Kind: Image, Text: alt, Source: source, URL: l.link})
	l.linked = true
}

// breakLine ends the line. It reports false, and does nothing, when the line is empty.
func (l *line) breakLine() bool {
	l.space = false
	if l.atStart() {
		return false
	}
	l.endRun()
	l.inlines = append(l.inlines, Inline{Kind: Break, URL: l.link})
	return true
}

// take returns what was collected, nil if it shows nothing, and starts anew. A link that had text ends here: one that nobody closed does
// not swallow the rest of the post.
func (l *line) take() []Inline {
	l.endRun()
	l.space = false
	inlines := l.inlines
	l.inlines = nil
	if l.linked && len(inlines) > 0 {
		l.link = ""
	}
	l.linked = false
	for len(inlines) > 0 && inlines[len(inlines)-1].Kind == Break {
		inlines = inlines[:len(inlines)-1]
	}
	for i, inline := range inlines {
		if inline.Kind == Break && (i == 0 || inlines[i-1].URL != inline.URL || inlines[i+1].URL != inline.URL) {
			inlines[i].URL = "" // not between two lines of the same link
		}
	}
	for _, inline := range inlines {
		if inline.Kind == Image || !isBlank(inline.Text) {
			return inlines
		}
	}
	return nil
}

// codeText is cleanText for a text of several lines.
func codeText(s string) string {
	lines := strings.Split(norm.NFC.String(strings.Map(cleanRune, s)), "\n")
	for i := range lines {
		lines[i] = strings.TrimRightFunc(lines[i], unicode.IsSpace)
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}
