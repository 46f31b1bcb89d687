package contact

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/store"
)

// exportPage is how many contacts an export reads at a time.
const exportPage = 500

// Pages is where an export reads contacts, newest first; *store.Store is one.
type Pages interface {
	Contacts(ctx context.Context, accountID string, filter store.ContactFilter, before int64, limit int) ([]*store.Contact, error)
}

// Export writes an account's contacts as CSV while it is read. Contacts that are made meanwhile are left out.
type Export struct {
	ctx       context.Context //nolint:containedctx // an io.Reader has no other way to get one; Close ends it
	cancel    context.CancelFunc
	pages     Pages
	accountID string
	buffer    bytes.Buffer
	before    int64
	last      bool
}

// NewExport reads the first contacts, so that a database in trouble shows before anything is answered. The Export reads until ctx ends.
func NewExport(ctx context.Context, pages Pages, accountID string) (*Export, error) {
	ctx, cancel := context.WithCancel(ctx)
	e := &Export{ctx: ctx, cancel: cancel, pages: pages, accountID: accountID}
	header := csv.NewWriter(&e.buffer)
	err := header.Write(columns())
	header.Flush()
	if err == nil {
		err = e.page()
	}
	if err != nil {
		cancel()
		return nil, err
	}
	return e, nil
}

// Read returns the next part of the text.
func (e *Export) Read(p []byte) (int, error) {
	for e.buffer.Len() == 0 {
		if e.last {
			return 0, io.EOF
		}
		if err := e.page(); err != nil {
			return 0, err
		}
	}
	n, err := e.buffer.Read(p)
	if err != nil {
		return n, fmt.Errorf("read export: %w", err)
	}
	return n, nil
}

// Close ends the reading.
func (e *Export) Close() error {
	e.cancel()
	return nil
}

// page puts the next contacts into the buffer.
func (e *Export) page() error {
	rows, err := e.pages.Contacts(e.ctx, e.accountID, store.ContactFilter{}, e.before, exportPage)
	if err != nil {
		return fmt.Errorf("read contacts: %w", err)
	}
	e.last = len(rows) < exportPage
	out := csv.NewWriter(&e.buffer)
	for _, c := range rows {
		e.before = c.ID
		if err := out.Write(cellsOf(c)); err != nil {
			return fmt.Errorf("write contact: %w", err)
		}
	}
	out.Flush()
	return nil
}

func cellsOf(c *store.Contact) []string {
	blocked := "0"
	if c.IsBlocked {
		blocked = "1"
	}
	return []string{
		strconv.FormatInt(c.ID, 10), guard(c.Name), c.PhoneNumber, c.PhoneNumberCC, blocked, event.Time(c.CreatedAt), event.Time(c.UpdatedAt), c.ExtraFields,
	}
}
