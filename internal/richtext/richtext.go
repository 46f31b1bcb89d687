// Package richtext reads the text of a post, HTML or plain, into one model of blocks and writes it as each network takes it: plain text,
// Markdown or clean HTML. It also counts text as the networks count it and makes a text that is too long fit.
//
// It is pure: no input or output, no state, nothing blocks, and everything is safe for concurrent use. Time and memory grow linearly with
// the input, whatever the input is.
//
// The order of work is: Parse, write, escape what the network reads specially (the connector's part), Count or Fit.
package richtext

// MaxBytes is how much of an input Parse reads: one mebibyte, ten times the longest text that any of our networks takes. Callers refuse more.
const MaxBytes = 1 << 20

const (
	// maxDepth is how deep lists, quotes and tables may stand in each other; what is deeper joins the level above it. It bounds the
	// stack of the writers and how much longer than its input a nested output can get.
	maxDepth = 16
	// maxURL is the longest target of a link, in bytes, as of twitter-text; a longer one is dropped and its text kept.
	maxURL = 4096
	// maxStart is the highest first number of an ordered list: CommonMark takes nine digits.
	maxStart = 99_999_999
)

// Document is the text of a post: blocks in their order. The zero Document is an empty text.
type Document struct {
	Blocks []Block
	// Cut tells that the input was longer than MaxBytes and its end is missing.
	Cut bool
}

// Empty reports whether there is nothing to show: no text, no image and no rule.
func (d Document) Empty() bool { return len(d.Blocks) == 0 }

// Kind says what a block is.
type Kind uint8

// The kinds of blocks, and which fields of Block each uses.
const (
	Paragraph Kind = iota // Inlines
	Heading               // Inlines, Level
	List                  // Items, Ordered, Start
	Quote                 // Blocks
	Code                  // Text, which keeps its spaces and newlines
	Rule                  // nothing
	Table                 // Rows
)

// Block is one block. No block that Parse makes is empty. An image is an inline: alone on its line it is the only inline of a paragraph.
type Block struct {
	Kind    Kind
	Level   int // of a heading, 1 to 6
	Inlines []Inline
	Ordered bool // whether a list is numbered
	Start   int  // the first number of an ordered list
	Items   [][]Block
	Blocks  []Block
	Text    string
	Rows    [][]Cell
}

// Cell is a cell of a table. Blocks in a cell became lines. It may be empty, so that the columns stay in place.
type Cell struct {
	Header  bool
	Inlines []Inline
}

// InlineKind says what an inline is.
type InlineKind uint8

// The kinds of inlines.
const (
	Text  InlineKind = iota // Text, with its Style
	Break                   // the end of a line
	Image                   // Source, and Text is its alternative text, which may be empty
)

// Style is a set of styles of a text.
type Style uint8

// The styles.
const (
	Bold Style = 1 << iota
	Italic
	Underline
	Strike
	Mono // inline code
)

// Inline is a piece of a line. Its Text is in NFC, has no control characters but tabs, and no newlines.
type Inline struct {
	Kind  InlineKind
	Text  string
	Style Style
	// URL is the target of the link that the piece is in, or empty: http, https, mailto or tel.
	URL string
	// Source is the address of an image, http or https.
	Source string
}
