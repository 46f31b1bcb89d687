package contact

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	batchSize = 100 // lines of one transaction
	maxOpen   = 16  // imports that are worked on in turns
)

// LineError is one thing that is wrong with one line of an import. The line changed nothing.
type LineError struct {
	Line    int    `json:"line"` // in the file, from 1
	Field   string `json:"field"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// NewImport reads a CSV text and makes the import of it, which the caller stores. A text that is wrong as a whole is a problem.Error.
func NewImport(id, accountID, text string, now time.Time) (*store.ContactImport, error) {
	t, err := readTable(text)
	if err != nil {
		return nil, err
	}
	return &store.ContactImport{
		ID: id, AccountID: accountID, Status: store.ImportQueued, Total: len(t.lines), Errors: "[]", CreatedAt: now, UpdatedAt: now,
	}, nil
}

// Contacts is where an Importer works; *store.Store is one.
type Contacts interface {
	ContactByPhone(ctx context.Context, accountID, phoneNumber string) (*store.Contact, error)
	InsertContact(ctx context.Context, c *store.Contact) error
	UpdateContact(ctx context.Context, c *store.Contact) error
}

// ImporterOptions is what an Importer is wired from; all but Bell is required.
type ImporterOptions struct {
	Store *store.Store
	Now   func() time.Time
	Bell  *live.Bell // optional: tells open pages
}

// Importer takes imports over into the contacts. Any number of processes may have one: each step is made once.
type Importer struct{ ImporterOptions }

// NewImporter wires an Importer. A required option that is missing is an error that names it.
func NewImporter(options ImporterOptions) (*Importer, error) {
	switch {
	case options.Store == nil:
		return nil, errors.New("make importer: ImporterOptions.Store is missing")
	case options.Now == nil:
		return nil, errors.New("make importer: ImporterOptions.Now is missing")
	}
	return &Importer{options}, nil
}

// Work goes on with all imports that are not done, in turns, until there are none. What a process that ended has left is taken up where
// its last transaction stands. It blocks meanwhile.
func (im *Importer) Work(ctx context.Context) error {
	for {
		open, err := im.Store.OpenContactImportsAny(ctx, maxOpen)
		if err != nil || len(open) == 0 {
			return err
		}
		var failures error
		for _, i := range open {
			if err := im.step(ctx, i); err != nil {
				failures = errors.Join(failures, fmt.Errorf("import contacts of %s: %w", i.ID, err))
			}
		}
		if failures != nil { // tried again at the next call; the others have made their step
			return failures
		}
	}
}

// step takes the next lines over, and says so in the same transaction.
func (im *Importer) step(ctx context.Context, i *store.ContactImport) error {
	text, err := im.Store.ContactImportText(ctx, i.AccountID, i.ID)
	if err != nil {
		return err
	}
	t, err := readTable(text)
	if text == "" { // another process has finished it since it was listed
		return nil
	}
	if err != nil {
		return err
	}
	err = im.Store.InTransaction(ctx, func(ctx context.Context) error {
		next := *i
		if err := im.Store.LockContactImport(ctx, &next); err != nil {
			return err
		}
		if err := takeLines(ctx, im.Store, &next, t, im.Now()); err != nil {
			return err
		}
		return im.Store.SaveContactImport(ctx, &next)
	})
	if errors.Is(err, store.ErrNotFound) { // another process has made this step, or a contact went while it was changed
		return nil
	}
	if err == nil {
		im.Bell.Ring(i.AccountID, live.Import, i.ID, "")
	}
	return err
}

// takeLines takes the next lines of a table over and counts them in the import.
func takeLines(ctx context.Context, contacts Contacts, i *store.ContactImport, t table, now time.Time) error {
	var wrong []LineError
	if err := json.Unmarshal([]byte(i.Errors), &wrong); err != nil {
		return fmt.Errorf("read errors of import: %w", err)
	}
	until := min(i.Done+batchSize, len(t.lines))
	for _, l := range t.lines[min(i.Done, until):until] {
		isNew, problems, err := takeLine(ctx, contacts, i.AccountID, t.columns, l, now)
		switch {
		case err != nil:
			return err
		case len(problems) > 0:
			i.Failed++
			for _, p := range problems {
				wrong = append(wrong, LineError{l.number, p.Field, p.Code, p.Message})
			}
		case isNew:
			i.Created++
		default:
			i.Updated++
		}
	}
	text, err := encode(append([]LineError{}, wrong...))
	if err != nil {
		return err
	}
	i.Errors, i.Done, i.Status, i.UpdatedAt = text, until, store.ImportRunning, now
	if until == len(t.lines) {
		i.Status = store.ImportDone
	}
	return nil
}

// takeLine stores one contact: a new one, or what the line says of the one with this number. An empty cell says nothing.
func takeLine(ctx context.Context, contacts Contacts, accountID string, columns []string, l line, now time.Time) (isNew bool, wrong []problem.Field, err error) {
	if len(l.cells) != len(columns) {
		text := fmt.Sprintf("The line has %d cells and the first line %d. Check commas and quotes.", len(l.cells), len(columns))
		return false, []problem.Field{{Field: "", Code: problem.InvalidCSV, Message: text}}, nil
	}
	cells := map[string]string{}
	for i, cell := range l.cells {
		if cell = strings.TrimSpace(unguard(cell)); cell != "" {
			cells[columns[i]] = cell
		}
	}
	probe := &store.Contact{}
	if wrong = (Change{PhoneNumber: given(cells, columnPhone)}).Apply(probe); len(wrong) > 0 {
		wrong = append(wrong, merge(&store.Contact{PhoneNumber: "1", ExtraFields: "{}"}, columns, cells)...)
		return false, wrong, nil
	}
	c, err := contacts.ContactByPhone(ctx, accountID, probe.PhoneNumber)
	isNew = errors.Is(err, store.ErrNotFound)
	if isNew {
		c = &store.Contact{AccountID: accountID, PhoneNumber: probe.PhoneNumber, ExtraFields: "{}", CreatedAt: now}
	} else if err != nil {
		return false, nil, err
	}
	if wrong = merge(c, columns, cells); len(wrong) > 0 {
		return false, wrong, nil
	}
	c.UpdatedAt = now
	if isNew {
		return true, nil, contacts.InsertContact(ctx, c)
	}
	return false, nil, contacts.UpdateContact(ctx, c)
}

func given(cells map[string]string, column string) *string {
	if cell, ok := cells[column]; ok {
		return &cell
	}
	return nil
}

// merge puts everything but the number into a contact and returns what is wrong with it.
func merge(c *store.Contact, columns []string, cells map[string]string) []problem.Field {
	wrong := Change{Name: given(cells, columnName), PhoneNumberCC: given(cells, columnCC)}.Apply(c)
	switch strings.ToLower(cells[columnBlocked]) {
	case "":
	case "1", "true":
		c.IsBlocked = true
	case "0", "false":
		c.IsBlocked = false
	default:
		wrong = append(wrong, problem.Field{Field: columnBlocked, Code: problem.InvalidField, Message: "is_blocked must be 0 or 1."})
	}
	if field := mergeExtra(c, columns, cells); field != nil {
		wrong = append(wrong, *field)
	}
	return wrong
}

// mergeExtra sets the extra fields that a line names: those of the JSON object in extra_fields, and one for each column that is not
// known. Others stay.
func mergeExtra(c *store.Contact, known []string, cells map[string]string) *problem.Field {
	invalid := func(text string) *problem.Field {
		return &problem.Field{Field: columnExtra, Code: problem.InvalidField, Message: text}
	}
	extra := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(c.ExtraFields), &extra); err != nil || extra == nil {
		extra = map[string]json.RawMessage{}
	}
	if object := cells[columnExtra]; object != "" {
		if !strings.HasPrefix(object, "{") || json.Unmarshal([]byte(object), &extra) != nil {
			return invalid("extra_fields must be a JSON object, such as {\"city\": \"Ahmedabad\"}.")
		}
	}
	for _, column := range known {
		if cell := cells[column]; cell != "" && !slices.Contains(columns(), column) {
			text, err := encode(cell)
			if err != nil {
				return invalid("The cell in " + column + " cannot be stored as a text.")
			}
			extra[column] = json.RawMessage(text)
		}
	}
	text, err := encode(extra)
	switch {
	case err != nil:
		return invalid("extra_fields must be a JSON object, such as {\"city\": \"Ahmedabad\"}.")
	case len(text) > MaxExtraFields:
		return invalid(fmt.Sprintf("The extra fields of this contact would be longer than %d bytes. Shorten them.", MaxExtraFields))
	case strings.Contains(text, `\u0000`):
		return invalid("extra_fields must be free of NUL characters.")
	}
	c.ExtraFields = text
	return nil
}

// encode writes JSON in which <, > and & stay as they are.
func encode(value any) (string, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", fmt.Errorf("encode JSON: %w", err)
	}
	return strings.TrimRight(out.String(), "\n"), nil
}
