package contact

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/switchhook/switchhook/internal/problem"
)

const (
	maxLines   = 10_000 // of one import; what is wrong with each of them fits into one answer
	maxColumns = 100
	maxColumn  = 100 // characters of a column's name
)

// The columns that mean something; every other one is an extra field. Those of an export that cannot be set are known and skipped.
const (
	columnName    = "name"
	columnPhone   = "phone_number"
	columnCC      = "phone_number_cc"
	columnBlocked = "is_blocked"
	columnExtra   = "extra_fields"
	columnID      = "id"
	columnCreated = "created_at"
	columnUpdated = "updated_at"
)

// columns returns the columns of an export, in their order.
func columns() []string {
	return []string{columnID, columnName, columnPhone, columnCC, columnBlocked, columnCreated, columnUpdated, columnExtra}
}

// risky are the characters with which spreadsheets take a cell for a formula, also in their full-width forms, and the apostrophe
// that disarms them.
const risky = "=+-@\t\r\n＝＋－＠'"

// guard puts an apostrophe before a cell that a spreadsheet would compute, or that begins with an apostrophe itself.
func guard(cell string) string {
	if first, _ := utf8.DecodeRuneInString(cell); cell != "" && strings.ContainsRune(risky, first) {
		return "'" + cell
	}
	return cell
}

// unguard is guard reversed. An apostrophe before anything else is the cell's own.
func unguard(cell string) string {
	rest, found := strings.CutPrefix(cell, "'")
	if first, _ := utf8.DecodeRuneInString(rest); found && rest != "" && strings.ContainsRune(risky, first) {
		return rest
	}
	return cell
}

// table is a list of contacts as it was sent.
type table struct {
	columns []string // those that mean something in lower case with underscores, the others as they were written
	lines   []line
}

// line is one contact of a table. A cell may be missing, or there may be too many.
type line struct {
	number int // in the text, from 1; a line with line breaks inside quotes counts where it begins
	cells  []string
}

// readTable reads a CSV text with a header row: commas, or semicolons where the header has no comma. An error is about the text as a
// whole; what is wrong with single lines is found when they are used.
func readTable(text string) (table, error) {
	switch {
	case !utf8.ValidString(text):
		return table{}, invalidCSV("The file is not UTF-8. In a spreadsheet, save it as \"CSV UTF-8\".")
	case strings.ContainsRune(text, 0):
		return table{}, invalidCSV("The file holds NUL characters, so it is not a CSV file. Save it as CSV in UTF-8.")
	}
	text = strings.TrimPrefix(text, "\ufeff") // spreadsheets begin UTF-8 with a byte order mark
	reader := csv.NewReader(strings.NewReader(text))
	reader.FieldsPerRecord = -1
	if header, _, _ := strings.Cut(text, "\n"); !strings.Contains(header, ",") && strings.Contains(header, ";") {
		reader.Comma = ';'
	}
	header, err := reader.Read()
	if err != nil {
		return table{}, unreadable(err)
	}
	t := table{}
	if t.columns, err = readHeader(header); err != nil {
		return table{}, err
	}
	for {
		cells, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return table{}, unreadable(err)
		}
		if !slices.ContainsFunc(cells, func(cell string) bool { return strings.TrimSpace(cell) != "" }) {
			continue // spreadsheets end lists with rows of nothing
		}
		if len(t.lines) == maxLines {
			return table{}, invalidCSV(fmt.Sprintf("One import takes at most %d lines. Send the list in several files.", maxLines))
		}
		number, _ := reader.FieldPos(0)
		t.lines = append(t.lines, line{number, cells})
	}
}

func readHeader(cells []string) ([]string, error) {
	if len(cells) > maxColumns {
		return nil, invalidCSV(fmt.Sprintf("The file has %d columns; at most %d are taken. Remove some.", len(cells), maxColumns))
	}
	names := make([]string, 0, len(cells))
	for i, cell := range cells {
		name := strings.TrimSpace(unguard(cell))
		if known := strings.ReplaceAll(strings.ToLower(name), " ", "_"); slices.Contains(columns(), known) {
			name = known
		}
		switch {
		case name == "" || utf8.RuneCountInString(name) > maxColumn || strings.ContainsFunc(name, unicode.IsControl):
			return nil, invalidCSV(fmt.Sprintf("Column %d needs a name of 1 to %d characters in the first line.", i+1, maxColumn))
		case slices.Contains(names, name):
			return nil, invalidCSV(fmt.Sprintf("The column %q is there twice. Remove or rename one.", name))
		}
		names = append(names, name)
	}
	if !slices.Contains(names, columnPhone) {
		return nil, invalidCSV("The first line must name the columns, and one of them must be phone_number.")
	}
	return names, nil
}

// unreadable says where a CSV text breaks. What stands behind a wrong quote cannot be told apart, so nothing of it is taken.
func unreadable(err error) error {
	var wrong *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return invalidCSV("The file is empty. Its first line must name the columns.")
	case errors.As(err, &wrong):
		return invalidCSV(fmt.Sprintf("Line %d: a quote is missing or stands in the wrong place. Put cells with quotes, commas or line breaks in quotes, and double the quotes inside.", wrong.Line))
	}
	return fmt.Errorf("read CSV: %w", err)
}

func invalidCSV(message string) error { return problem.New(problem.InvalidCSV, message) }
