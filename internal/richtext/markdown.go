package richtext

import (
	"strconv"
	"strings"
)

// Markdown writes a document as CommonMark in the dialect that older Markdown reads the same way: lists indented by four, tables as of GitHub,
// styles that Markdown has no unambiguous sign for as their HTML elements. All text is escaped: nothing in it becomes markup.
func Markdown(doc Document) string { return markdownBlocks(doc.Blocks) }

func markdownBlocks(blocks []Block) string {
	parts := make([]string, 0, len(blocks))
	for i, block := range blocks {
		if i > 0 && block.Kind == List && blocks[i-1].Kind == List {
			parts = append(parts, "<!-- -->") // two lists in a row would be one
		}
		parts = append(parts, markdownBlock(block))
	}
	return strings.Join(parts, "\n\n")
}

func markdownBlock(block Block) string {
	switch block.Kind {
	case Heading:
		return strings.Repeat("#", block.Level) + " " + markdownLine(block.Inlines, inHeading)
	case List:
		return markdownList(block)
	case Quote:
		return indent(markdownBlocks(block.Blocks), "> ", "> ", ">")
	case Code:
		fence := fenceFor(block.Text, 3)
		return fence + "\n" + block.Text + "\n" + fence
	case Rule:
		return "***" // dashes behind the dash of an item would be one rule
	case Table:
		return markdownTable(block.Rows)
	default:
		return markdownLine(block.Inlines, inParagraph)
	}
}

// fenceFor returns backticks, at least so many, that are not in a text.
func fenceFor(text string, least int) string {
	longest, run := 0, 0
	for _, r := range text {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return strings.Repeat("`", max(least, longest+1))
}

// markdownList pads its markers to four columns: the indent of what belongs to an item, in all dialects.
func markdownList(list Block) string {
	tight := isTight(list.Items)
	between := "\n\n"
	if tight {
		between = "\n"
	}
	items := make([]string, 0, len(list.Items))
	for i, item := range list.Items {
		marker := "-"
		if list.Ordered {
			marker = strconv.Itoa(list.Start+i) + "."
		}
		marker += strings.Repeat(" ", max(1, 4-len(marker)))
		text := markdownItem(item, tight)
		items = append(items, indent(text, marker, strings.Repeat(" ", len(marker)), ""))
	}
	return strings.Join(items, between)
}

func markdownItem(item []Block, tight bool) string {
	if !tight || len(item) != 2 || item[0].Kind == List {
		return markdownBlocks(item)
	}
	return markdownBlock(item[0]) + "\n" + markdownBlock(item[1])
}

// markdownTable writes the first row as the header that Markdown demands if it is one, and an empty header otherwise.
func markdownTable(rows [][]Cell) string {
	columns := 0
	for _, row := range rows {
		columns = max(columns, len(row))
	}
	var out strings.Builder
	if rows[0][0].Header {
		out.WriteString(markdownRow(rows[0], columns))
		rows = rows[1:]
	} else {
		out.WriteString(strings.Repeat("|  ", columns) + "|")
	}
	out.WriteString("\n" + strings.Repeat("| --- ", columns) + "|")
	for _, row := range rows {
		out.WriteString("\n" + markdownRow(row, len(row)))
	}
	return out.String()
}

func markdownRow(row []Cell, columns int) string {
	var out strings.Builder
	for _, cell := range row {
		out.WriteString("| " + markdownLine(cell.Inlines, inRow) + " ")
	}
	out.WriteString(strings.Repeat("|  ", columns-len(row)))
	return out.String() + "|"
}
