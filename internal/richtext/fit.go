package richtext

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Mode says what Fit does with a text that is too long.
type Mode string

// The modes. Their values are those of the API.
const (
	ModeError         Mode = "error"          // refuse it with a *TooLongError
	ModeTruncate      Mode = "truncate"       // keep its start and end it with "…"
	ModeSplit         Mode = "split"          // make several texts of it
	ModeSplitNumbered Mode = "split_numbered" // the same, each with " (1/3)" at its end
)

// Valid reports whether the mode is one of those above.
func (m Mode) Valid() bool {
	return m == ModeError || m == ModeTruncate || m == ModeSplit || m == ModeSplitNumbered
}

// ellipsis ends a truncated text.
const ellipsis = "…"

// TooLongError tells that a text is longer than a network takes.
type TooLongError struct {
	Length int // of the text, as the network counts
	Limit  int
}

// Over returns by how much the text is too long.
func (e *TooLongError) Over() int { return e.Length - e.Limit }

func (e *TooLongError) Error() string {
	return fmt.Sprintf("the text counts %d characters, %d more than the %d that fit: shorten it, or let it be truncated or split", e.Length, e.Over(), e.Limit)
}

// UnbreakableError tells that a text cannot be made to fit, because something in it that is never cut is too long by itself.
type UnbreakableError struct {
	Link   bool // it is a link, otherwise one character with all its marks
	Length int  // of it and of the mark or number that has to stand behind it, as the network counts
	Limit  int
}

func (e *UnbreakableError) Error() string {
	what := "character"
	if e.Link {
		what = "link"
	}
	return fmt.Sprintf("the text has a %s that counts %d characters with what has to follow it, more than the %d that fit, and is never cut: shorten it",
		what, e.Length, e.Limit)
}

// Fit makes texts of at most limit out of one, as the counter counts; of a text that fits it makes one. White space at both ends is dropped; a text
// of nothing else makes none. What it returns is never empty, and never starts or ends inside a grapheme cluster or a link.
//
// A text that is too long is a *TooLongError in ModeError. ModeTruncate cuts it at the end of a word if one ends in the second half of what fits,
// and adds "…". The split modes cut at the end of a paragraph or else of a sentence or line in the second half of what fits, else between words,
// and within a word only if it is longer than the limit. Where a link or a character does not fit at all, it is an *UnbreakableError.
func Fit(text string, counter Counter, limit int, mode Mode) ([]string, error) {
	if limit < 1 {
		return nil, fmt.Errorf("fit text: the limit is %d and has to be at least 1", limit)
	}
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD"))
	if text == "" {
		return nil, nil
	}
	length := Count(text, counter)
	if length <= limit {
		return []string{text}, nil
	}
	f := fitter{text: text, counter: counter, limit: limit}
	switch mode {
	case ModeError:
		return nil, &TooLongError{Length: length, Limit: limit}
	case ModeTruncate:
		return f.truncate()
	case ModeSplit:
		return f.split("")
	case ModeSplitNumbered:
		return f.numbered()
	}
	return nil, fmt.Errorf("fit text: %q is no mode", string(mode))
}

type fitter struct {
	text    string
	counter Counter
	limit   int
	atoms   []atom
}

// truncate keeps the longest start of the text that fits with the ellipsis.
func (f *fitter) truncate() ([]string, error) {
	f.atoms = f.cut(f.limit - Count(ellipsis, f.counter))
	end, err := f.longest(0, ellipsisAfter, f.nearWord)
	if err != nil {
		return nil, err
	}
	last := f.atoms[end-1]
	return []string{f.text[:last.end] + ellipsisAfter(last)}, nil
}

// ellipsisAfter returns what ends a truncated text: an ellipsis, which must not touch a link and become a part of it.
func ellipsisAfter(last atom) string {
	if last.link {
		return " " + ellipsis
	}
	return ellipsis
}

// split makes parts that fit with what is put behind each.
func (f *fitter) split(suffix string) ([]string, error) {
	f.atoms = f.cut(f.limit - Count(suffix, f.counter))
	var parts []string
	for start := 0; start < len(f.atoms); {
		end, err := f.longest(start, func(atom) string { return suffix }, f.bestBreak)
		if err != nil {
			return nil, err
		}
		parts = append(parts, f.text[f.atoms[start].start:f.atoms[end-1].end])
		start = end
	}
	return parts, nil
}

// numbered splits with room for numbers of one digit, and of more if there are more parts.
func (f *fitter) numbered() ([]string, error) {
	for digits := 1; ; digits++ {
		most := int(math.Pow10(digits)) - 1
		parts, err := f.split(number(most, most))
		if err != nil {
			return nil, err
		}
		if len(parts) > most {
			continue
		}
		for i := range parts {
			parts[i] += number(i+1, len(parts))
		}
		return parts, nil
	}
}

func number(i, n int) string { return " (" + strconv.Itoa(i) + "/" + strconv.Itoa(n) + ")" }

// longest returns the end, an atom that does not belong to it, of the part that starts at an atom and fits with the suffix. The counts of the atoms
// are a first guess; the part itself is counted before it is taken, because a network may read links differently in what is left of a word.
func (f *fitter) longest(start int, suffix func(last atom) string, choose func(start, end int) int) (int, error) {
	room := f.limit - Count(suffix(atom{}), f.counter)
	for {
		end, sum := start, 0
		for end < len(f.atoms) && sum+f.atoms[end].length+f.gap(start, end) <= room {
			sum += f.atoms[end].length + f.gap(start, end)
			end++
		}
		if end == start {
			first := f.atoms[start]
			return 0, &UnbreakableError{Link: first.link, Length: Count(f.text[first.start:first.end]+suffix(first), f.counter), Limit: f.limit}
		}
		if end < len(f.atoms) {
			end = choose(start, end)
		}
		last := f.atoms[end-1]
		over := Count(f.text[f.atoms[start].start:last.end]+suffix(last), f.counter) - f.limit
		if over <= 0 {
			return end, nil
		}
		if room = sum - 1; sum > f.atoms[start].length {
			room = max(sum-over, sum/2, f.atoms[start].length)
		}
	}
}

// gap is the white space before an atom, none before the first one of a part.
func (f *fitter) gap(start, i int) int {
	if i == start {
		return 0
	}
	return f.atoms[i].gap
}

// nearWord returns the last end of a word in the second half of a part, or the end of the part.
func (f *fitter) nearWord(start, end int) int {
	for i := end; i > start && f.inSecondHalf(start, i, end); i-- {
		if f.atoms[i-1].after >= wordEnd {
			return i
		}
	}
	return end
}

// bestBreak returns the best place to end a part.
func (f *fitter) bestBreak(start, end int) int {
	for _, least := range [...]strength{paragraphEnd, sentenceEnd} {
		for i := end; i > start && f.inSecondHalf(start, i, end); i-- {
			if f.atoms[i-1].after >= least {
				return i
			}
		}
	}
	for i := end; i > start; i-- {
		if f.atoms[i-1].after >= wordEnd {
			return i
		}
	}
	return end
}

func (f *fitter) inSecondHalf(start, i, end int) bool {
	from := f.atoms[start].start
	return 2*(f.atoms[i-1].end-from) >= f.atoms[end-1].end-from
}
