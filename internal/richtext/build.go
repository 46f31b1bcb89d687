package richtext

import (
	"strconv"
	"strings"
)

// frameKind says what a frame is open for.
type frameKind uint8

const (
	inRoot frameKind = iota
	inQuote
	inList
	inItem
	inTable
	inCell
)

// frame is a block that is still open.
type frame struct {
	kind   frameKind
	block  Block   // the list or table
	blocks []Block // what a root, quote or item holds so far
	cell   Cell    // the cell
	row    []Cell  // the open row of a table
	nested int     // how many tables are open inside of a cell; their cells become lines
}

// builder makes blocks of tokens.
type builder struct {
	line
	stack     []*frame
	ignored   int // how many lists, quotes and tables were too deep and are not on the stack
	heading   int
	skip      string // the dropped element that is open, and how often in itself
	skipDepth int
	pre       *strings.Builder // the open code block
}

func newBuilder(newlines bool) *builder {
	b := &builder{stack: []*frame{{kind: inRoot}}}
	b.newlines = newlines
	return b
}

func (b *builder) top() *frame { return b.stack[len(b.stack)-1] }

func (b *builder) finish() []Block {
	b.endCode()
	for len(b.stack) > 1 {
		b.pop()
	}
	b.endParagraph()
	return b.stack[0].blocks
}

func (b *builder) text(s string) {
	switch {
	case b.skip != "":
	case b.pre != nil:
		b.pre.WriteString(s)
	case b.newlines:
		for i, part := range strings.Split(s, "\n") {
			if i > 0 {
				b.lineBreak()
			}
			b.write(part)
		}
	default:
		b.write(s)
	}
}

// lineBreak ends a line; a second one in a row ends the paragraph.
func (b *builder) lineBreak() {
	if b.pre != nil {
		b.pre.WriteByte('\n')
		return
	}
	if !b.breakLine() {
		b.endParagraph()
	}
}

// endParagraph makes a block of the line that is open, if anything is in it.
func (b *builder) endParagraph() {
	inlines := b.take()
	if len(inlines) == 0 {
		return
	}
	switch b.top().kind {
	case inList:
		b.push(inItem, Block{})
	case inTable:
		b.push(inCell, Block{})
	}
	if top := b.top(); top.kind == inCell {
		if len(top.cell.Inlines) > 0 {
			top.cell.Inlines = append(top.cell.Inlines, Inline{Kind: Break})
		}
		top.cell.Inlines = append(top.cell.Inlines, inlines...)
		return
	}
	if b.heading > 0 {
		b.add(Block{Kind: Heading, Level: b.heading, Inlines: inlines})
		return
	}
	b.add(Block{Kind: Paragraph, Inlines: inlines})
}

// add puts a finished block where the next one belongs.
func (b *builder) add(block Block) {
	if b.top().kind == inList {
		b.push(inItem, Block{})
	}
	top := b.top()
	switch top.kind {
	case inTable, inCell, inList: // a rule between rows; an item that was too deep
		return
	default:
		top.blocks = append(top.blocks, block)
	}
}

// push opens a frame and reports whether it is not too deep. Items and cells always fit: they need their list or table.
func (b *builder) push(kind frameKind, block Block) bool {
	if len(b.stack) > 2*maxDepth && kind != inItem && kind != inCell {
		b.ignored++
		return false
	}
	b.stack = append(b.stack, &frame{kind: kind, block: block})
	return true
}

// pop closes the innermost frame and puts what it holds into the one around it.
func (b *builder) pop() {
	b.endParagraph()
	f := b.top()
	if len(b.stack) == 1 {
		return
	}
	b.stack = b.stack[:len(b.stack)-1]
	parent := b.top()
	switch f.kind {
	case inQuote:
		if len(f.blocks) > 0 {
			b.add(Block{Kind: Quote, Blocks: f.blocks})
		}
	case inItem:
		if len(f.blocks) > 0 {
			parent.block.Items = append(parent.block.Items, f.blocks)
		}
	case inList:
		if len(f.block.Items) > 0 {
			b.add(f.block)
		}
	case inCell:
		parent.row = append(parent.row, f.cell)
	case inTable:
		f.endRow()
		if len(f.block.Rows) > 0 {
			b.add(f.block)
		}
	}
}

// endRow keeps the open row, unless it is empty.
func (f *frame) endRow() {
	row := f.row
	f.row = nil
	for _, cell := range row {
		if len(cell.Inlines) > 0 {
			f.block.Rows = append(f.block.Rows, row)
			return
		}
	}
}

// find returns where on the stack the innermost frame of a kind is, or 0: nothing is looked for beyond a frame of the kinds in barriers.
func (b *builder) find(kind frameKind, barriers ...frameKind) int {
	for i := len(b.stack) - 1; i > 0; i-- {
		if b.stack[i].kind == kind {
			return i
		}
		for _, barrier := range barriers {
			if b.stack[i].kind == barrier {
				return 0
			}
		}
	}
	return 0
}

// popTo closes all frames from this place on, and does nothing for 0.
func (b *builder) popTo(place int) {
	b.endParagraph()
	for place > 0 && len(b.stack) > place {
		b.pop()
	}
}

func (b *builder) endCode() {
	if b.pre == nil {
		return
	}
	text := codeText(b.pre.String())
	b.pre = nil
	if !isBlank(text) {
		b.add(Block{Kind: Code, Text: text})
	}
}

// listStart reads the first number of an ordered list.
func listStart(value string) int {
	n, err := strconv.Atoi(strings.TrimSpace(value))
	if err != nil || n < 0 || n > maxStart {
		return 1
	}
	return n
}
