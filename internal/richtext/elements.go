package richtext

import "strings"

// start reads a start tag.
func (b *builder) start(name string, attrs attributes) {
	if b.skip != "" {
		if name == b.skip {
			b.skipDepth++
		}
		return
	}
	if isDropped(name) {
		b.skip, b.skipDepth = name, 1
		return
	}
	if b.pre != nil {
		b.startInCode(name)
		return
	}
	if b.startInline(name, attrs) || b.startContainer(name, attrs) || b.startTable(name) {
		return
	}
	switch {
	case len(name) == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6':
		b.endParagraph()
		b.heading = int(name[1] - '0')
	case name == "p":
		b.endParagraph()
		b.heading = 0
	case name == "hr":
		b.endParagraph()
		b.add(Block{Kind: Rule})
	case isFlow(name):
		b.endParagraph()
	}
}

// startInCode reads a start tag inside of a code block, where only lines matter.
func (b *builder) startInCode(name string) {
	if name == "br" || ((name == "p" || name == "div" || name == "li") && b.pre.Len() > 0) {
		b.lineBreak()
	}
}

func (b *builder) startInline(name string, attrs attributes) bool {
	switch {
	case styleOf(name) != 0:
		b.open(styleOf(name), 1)
	case name == "a":
		b.link, b.linked = cleanURL(attrs.href), false
	case name == "br":
		b.lineBreak()
	case name == "img":
		b.image(attrs.src, attrs.alt)
	case name == "q":
		b.write("“")
	default:
		return false
	}
	return true
}

func (b *builder) startContainer(name string, attrs attributes) bool {
	switch name {
	case "ul", "menu", "dir", "ol":
		b.container(inList, Block{Kind: List, Ordered: name == "ol", Start: listStart(attrs.start)})
	case "blockquote":
		b.container(inQuote, Block{})
	case "li":
		b.startItem()
	case "pre", "listing", "xmp", "plaintext":
		b.endParagraph()
		if b.top().kind != inCell && b.top().kind != inTable {
			b.pre = &strings.Builder{}
		}
	default:
		return false
	}
	return true
}

// container opens a list, a quote or a table, which inside of a cell is only its lines.
func (b *builder) container(kind frameKind, block Block) {
	b.endParagraph()
	b.heading = 0
	switch b.top().kind {
	case inCell:
		return
	case inTable:
		if kind != inTable {
			return
		}
	case inList:
		b.push(inItem, Block{})
	}
	b.push(kind, block)
}

func (b *builder) startItem() {
	b.endParagraph()
	b.heading = 0
	if top := b.top(); top.kind == inCell {
		b.write("• ")
		return
	}
	list := b.find(inList, inQuote, inTable)
	if list == 0 {
		if b.top().kind == inTable || !b.push(inList, Block{Kind: List, Start: 1}) {
			return
		}
		list = len(b.stack) - 1
	}
	b.popTo(list + 1)
	b.push(inItem, Block{})
}

// startTable reads the start tags of tables.
func (b *builder) startTable(name string) bool {
	switch name {
	case "table":
		if top := b.top(); top.kind == inCell {
			b.endParagraph()
			top.nested++
			return true
		}
		b.container(inTable, Block{Kind: Table})
	case "tr", "caption", "thead", "tbody", "tfoot":
		if b.leaveCell() {
			b.top().endRow()
		}
	case "td", "th":
		if b.leaveCell() {
			b.push(inCell, Block{})
			b.top().cell.Header = name == "th"
		}
	case "colgroup", "col":
	default:
		return false
	}
	return true
}

// leaveCell ends the open cell and reports whether a table is open and it is its turn: not inside of a table in a cell.
func (b *builder) leaveCell() bool {
	b.endParagraph()
	table := b.find(inTable)
	if table == 0 || (b.top().kind == inCell && b.top().nested > 0) {
		return false
	}
	b.popTo(table + 1)
	return true
}

// end reads an end tag.
func (b *builder) end(name string) {
	switch {
	case b.skip != "":
		if name == b.skip {
			b.skipDepth--
		}
		if b.skipDepth == 0 {
			b.skip = ""
		}
	case b.pre != nil:
		if name == "pre" || name == "listing" || name == "xmp" {
			b.endCode()
		}
	case styleOf(name) != 0:
		b.open(styleOf(name), -1)
	case name == "a":
		b.link = ""
	case name == "q":
		b.write("”")
	case name == "br":
		b.lineBreak() // as browsers read it
	default:
		b.endBlock(name)
	}
}

func (b *builder) endBlock(name string) {
	switch name {
	case "h1", "h2", "h3", "h4", "h5", "h6":
		b.endParagraph()
		b.heading = 0
	case "ul", "ol", "menu", "dir":
		b.endContainer(inList)
	case "blockquote":
		b.endContainer(inQuote)
	case "li":
		b.popTo(b.find(inItem, inList, inQuote, inTable))
	case "table":
		if top := b.top(); top.kind == inCell && top.nested > 0 {
			b.endParagraph()
			top.nested--
			return
		}
		b.endContainer(inTable)
	case "td", "th":
		b.leaveCell()
	case "tr", "caption":
		if b.leaveCell() {
			b.top().endRow()
		}
	default:
		if isFlow(name) {
			b.endParagraph()
		}
	}
}

func (b *builder) endContainer(kind frameKind) {
	b.endParagraph()
	b.heading = 0
	if b.top().kind == inCell && kind != inTable {
		return
	}
	if b.ignored > 0 {
		b.ignored--
		return
	}
	b.popTo(b.find(kind, inTable))
}
