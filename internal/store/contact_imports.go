package store

import (
	"context"
	"time"

	"go.mau.fi/util/dbutil"
)

// The statuses of a ContactImport.
const (
	ImportQueued  = "queued"
	ImportRunning = "running"
	ImportDone    = "done"
)

// ContactImport is a list of contacts that a worker takes over step by step.
type ContactImport struct {
	ID        string // "imp_…"
	AccountID string
	Status    string // ImportQueued, ImportRunning or ImportDone
	Total     int    // lines
	Done      int    // lines that were looked at, in their order
	Created   int    // new contacts
	Updated   int    // lines whose number the account had already
	Failed    int    // lines that are wrong
	Errors    string // JSON list: what is wrong with which line
	CreatedAt time.Time
	UpdatedAt time.Time
}

const (
	insertContactImportQuery = `INSERT INTO contact_imports (id, account_id, status, content, total, created_at, updated_at) VALUES ($1,$2,$3,$4,$5,$6,$7)`
	selectContactImport      = `SELECT id, account_id, status, total, done, created, updated, failed, errors, created_at, updated_at FROM contact_imports `
	getContactImportQuery    = selectContactImport + `WHERE account_id = $1 AND id = $2`
	openContactImportsQuery  = selectContactImport + `WHERE status <> 'done' ORDER BY created_at, id LIMIT $1`
	contactImportTextQuery   = `SELECT content FROM contact_imports WHERE account_id = $1 AND id = $2`
	lockContactImportQuery   = `UPDATE contact_imports SET status = 'running' WHERE account_id = $1 AND id = $2 AND done = $3 AND status <> 'done'`
	saveContactImportQuery   = `UPDATE contact_imports SET status = $3, done = $4, created = $5, updated = $6, failed = $7, errors = $8, updated_at = $9,
		content = CASE WHEN $3 = 'done' THEN '' ELSE content END WHERE account_id = $1 AND id = $2`
	purgeContactImportsQuery = `DELETE FROM contact_imports WHERE id IN
		(SELECT id FROM contact_imports WHERE status = 'done' AND created_at < $1 ORDER BY created_at, id LIMIT $2)`
)

func scanContactImport(row dbutil.Scannable) (*ContactImport, error) {
	var i ContactImport
	var created, updated int64
	err := row.Scan(&i.ID, &i.AccountID, &i.Status, &i.Total, &i.Done, &i.Created, &i.Updated, &i.Failed, &i.Errors, &created, &updated)
	if err != nil {
		return nil, notFound(err)
	}
	i.CreatedAt, i.UpdatedAt = FromMillis(created), FromMillis(updated)
	return &i, nil
}

// InsertContactImport stores a new import with its CSV text. An id that is there already is ErrExists.
func (s *Store) InsertContactImport(ctx context.Context, i *ContactImport, text string) error {
	_, err := s.db.Exec(ctx, insertContactImportQuery, i.ID, i.AccountID, i.Status, text, i.Total, Millis(i.CreatedAt), Millis(i.UpdatedAt))
	return exists(err)
}

// ContactImport returns one import of an account.
func (s *Store) ContactImport(ctx context.Context, accountID, id string) (*ContactImport, error) {
	return scanContactImport(s.reader(ctx).QueryRowContext(ctx, getContactImportQuery, accountID, id))
}

// ContactImportText returns the CSV text of an import; it is empty after the import is done.
func (s *Store) ContactImportText(ctx context.Context, accountID, id string) (string, error) {
	var text string
	err := s.reader(ctx).QueryRowContext(ctx, contactImportTextQuery, accountID, id).Scan(&text)
	return text, notFound(err)
}

// OpenContactImportsAny lists at most limit imports that are not done, the oldest first.
func (s *Store) OpenContactImportsAny(ctx context.Context, limit int) ([]*ContactImport, error) {
	return queryAll(ctx, s.reader(ctx), scanContactImport, openContactImportsQuery, limit)
}

// LockContactImport holds an import until the transaction ends, so that one worker makes its next step. ErrNotFound says
// that another one has made it: i.Done is not where the import stands.
func (s *Store) LockContactImport(ctx context.Context, i *ContactImport) error {
	return oneChanged(s.db.Exec(ctx, lockContactImportQuery, i.AccountID, i.ID, i.Done))
}

// SaveContactImport stores how far an import has come. The text of one that is done goes.
func (s *Store) SaveContactImport(ctx context.Context, i *ContactImport) error {
	return oneChanged(s.db.Exec(ctx, saveContactImportQuery, i.AccountID, i.ID, i.Status, i.Done, i.Created, i.Updated, i.Failed, i.Errors, Millis(i.UpdatedAt)))
}

// PurgeContactImportsAny deletes at most limit imports that are done and were begun before a time, and returns how many.
func (s *Store) PurgeContactImportsAny(ctx context.Context, before time.Time, limit int) (int64, error) {
	result, err := s.db.Exec(ctx, purgeContactImportsQuery, Millis(before), limit)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
