package richtext

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// strength says how good a place to cut is.
type strength uint8

const (
	inWord strength = iota
	wordEnd
	sentenceEnd // of a line too
	paragraphEnd
)

// atom is what is never cut: a grapheme cluster that is no white space, or a link.
type atom struct {
	span
	length int // as the counter counts it alone
	gap    int // the white space before it, likewise
	link   bool
	after  strength // of the place behind it
}

// cut makes atoms of the text. A link of more than the room that there is ends at its last ASCII character, so that a text in a script without
// spaces, which touches its link, does not pass for a part of it.
func (f *fitter) cut(room int) []atom {
	links := f.links(room)
	var atoms []atom
	rest, state, at, spaceFrom := f.text, -1, 0, 0
	for rest != "" {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		start, end := at, at+len(cluster)
		at = end
		for len(links) > 0 && links[0].end <= start {
			links = links[1:]
		}
		isLink := len(links) > 0 && links[0].start < end
		if !isLink && strings.TrimSpace(cluster) == "" {
			continue
		}
		if isLink && len(atoms) > 0 && atoms[len(atoms)-1].link && atoms[len(atoms)-1].end > links[0].start {
			atoms[len(atoms)-1].end = end // more of the link
			spaceFrom = end
			continue
		}
		gap := f.text[spaceFrom:start]
		if len(atoms) > 0 {
			f.rate(atoms, gap, cluster)
		}
		atoms = append(atoms, atom{span: span{start, end}, gap: f.counter.withoutLinks(gap), link: isLink})
		spaceFrom = end
	}
	for i := range atoms {
		if text := f.text[atoms[i].start:atoms[i].end]; atoms[i].link {
			atoms[i].length = Count(text, f.counter)
		} else {
			atoms[i].length = f.counter.withoutLinks(text)
		}
	}
	return atoms
}

// links finds what must not be cut, in order and without overlaps: addresses as a reader sees them and domains without a scheme.
func (f *fitter) links(room int) []span {
	var links []span
	bare := findLinks(f.text)
	add := func(until int) {
		for len(bare) > 0 && bare[0].start < until {
			if last := len(links) - 1; bare[0].bare && (last < 0 || links[last].end <= bare[0].start) {
				links = append(links, bare[0].span)
			}
			bare = bare[1:]
		}
	}
	for _, address := range schemeURLs(f.text) {
		add(address.start)
		if last := len(links) - 1; last >= 0 && links[last].end > address.start {
			address.start = links[last].start // a scheme within a path
			links = links[:last]
		}
		if Count(f.text[address.start:address.end], f.counter) > room {
			address.end = address.start + asciiLen(f.text[address.start:address.end])
		}
		links = append(links, address)
	}
	add(len(f.text))
	return links
}

func asciiLen(s string) int {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return i
		}
	}
	return len(s)
}

// rate says how good the place behind the last atom is, by the white space behind it and the cluster that follows.
func (f *fitter) rate(atoms []atom, gap, next string) {
	last := &atoms[len(atoms)-1]
	switch {
	case strings.Count(gap, "\n") > 1:
		last.after = paragraphEnd
	case strings.Contains(gap, "\n"), f.endsSentence(atoms, gap != ""):
		last.after = sentenceEnd
	case gap != "" || breaksWithoutSpace(f.text[last.start:last.end], next):
		last.after = wordEnd
	}
}

// endsSentence reports whether a sentence ends with the last atom: with a full stop or the like, maybe in quotes or brackets. The wide ones of
// Chinese and Japanese need no space after them.
func (f *fitter) endsSentence(atoms []atom, isSpaced bool) bool {
	for i := len(atoms) - 1; i >= max(0, len(atoms)-4); i-- {
		if i < len(atoms)-1 && (atoms[i].after != inWord || atoms[i+1].gap > 0) {
			return false
		}
		sign := f.text[atoms[i].start:atoms[i].end]
		switch {
		case strings.Contains("。！？", sign):
			return true
		case strings.Contains(".!?…", sign):
			return isSpaced
		case !strings.Contains(`"'”’)]»」』）`, sign):
			return false
		}
	}
	return false
}

// breaksWithoutSpace reports whether a line may end between two clusters of a script without spaces.
func breaksWithoutSpace(before, after string) bool {
	last, _ := utf8.DecodeRuneInString(before)
	next, _ := utf8.DecodeRuneInString(after)
	isEast := func(r rune) bool { return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) }
	const glued = "ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々" // never starts a line
	switch {
	case strings.ContainsRune("、，；：", last):
		return true
	case !isEast(last) || strings.ContainsRune(glued, next):
		return false
	}
	return isEast(next) || unicode.IsLetter(next)
}
