package store

import (
	"context"
	"math"
	"strings"
	"time"

	"go.mau.fi/util/dbutil"
)

// Contact is a person that an account knows. Its id is an integer, as in the Sociocs contract.
type Contact struct {
	ID            int64
	AccountID     string
	Name          string
	PhoneNumber   string // digits; unique in the account
	PhoneNumberCC string // its country code, or empty
	ExtraFields   string // JSON object
	IsBlocked     bool
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// ContactFilter narrows a list of contacts. Empty fields do not.
type ContactFilter struct {
	PhoneNumber string // digits, exactly
	Search      string // part of the name or the number; upper and lower case are alike, with SQLite in ASCII only
}

const contactColumns = `id, account_id, name, phone_number, phone_number_cc, extra_fields, is_blocked, created_at, updated_at`

const (
	insertContactQuery = `INSERT INTO contacts (account_id, name, phone_number, phone_number_cc, extra_fields, is_blocked, created_at, updated_at)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8) RETURNING id`
	updateContactQuery = `UPDATE contacts SET name = $3, phone_number = $4, phone_number_cc = $5, extra_fields = $6, is_blocked = $7, updated_at = $8
		WHERE account_id = $1 AND id = $2`
	selectContact       = `SELECT ` + contactColumns + ` FROM contacts `
	getContactQuery     = selectContact + `WHERE account_id = $1 AND id = $2`
	contactByPhoneQuery = selectContact + `WHERE account_id = $1 AND phone_number = $2`
	listContactsQuery   = selectContact + `WHERE account_id = $1 AND id < $2 AND ($3 = '' OR phone_number = $3)
		AND ($4 = '' OR LOWER(name) LIKE LOWER($4) ESCAPE '\' OR phone_number LIKE $4 ESCAPE '\') ORDER BY id DESC LIMIT $5`
	deleteContactQuery = `DELETE FROM contacts WHERE account_id = $1 AND id = $2`
)

func scanContact(row dbutil.Scannable) (*Contact, error) {
	var c Contact
	var created, updated int64
	err := row.Scan(&c.ID, &c.AccountID, &c.Name, &c.PhoneNumber, &c.PhoneNumberCC, &c.ExtraFields, &c.IsBlocked, &created, &updated)
	if err != nil {
		return nil, notFound(err)
	}
	c.CreatedAt, c.UpdatedAt = FromMillis(created), FromMillis(updated)
	return &c, nil
}

// InsertContact stores a new contact and sets its ID. A number that the account has already is ErrExists.
func (s *Store) InsertContact(ctx context.Context, c *Contact) error {
	err := s.db.QueryRow(ctx, insertContactQuery, c.AccountID, c.Name, c.PhoneNumber, c.PhoneNumberCC, c.ExtraFields, c.IsBlocked,
		Millis(c.CreatedAt), Millis(c.UpdatedAt)).Scan(&c.ID)
	return exists(err)
}

// UpdateContact stores everything of a contact that may change. A number that another contact has is ErrExists.
func (s *Store) UpdateContact(ctx context.Context, c *Contact) error {
	return exists(oneChanged(s.db.Exec(ctx, updateContactQuery, c.AccountID, c.ID, c.Name, c.PhoneNumber, c.PhoneNumberCC,
		c.ExtraFields, c.IsBlocked, Millis(c.UpdatedAt))))
}

// Contact returns one contact of an account.
func (s *Store) Contact(ctx context.Context, accountID string, id int64) (*Contact, error) {
	return scanContact(s.reader(ctx).QueryRowContext(ctx, getContactQuery, accountID, id))
}

// ContactByPhone returns the account's contact with a number in digits.
func (s *Store) ContactByPhone(ctx context.Context, accountID, phoneNumber string) (*Contact, error) {
	return scanContact(s.reader(ctx).QueryRowContext(ctx, contactByPhoneQuery, accountID, phoneNumber))
}

// Contacts lists at most limit of an account's contacts with an id below before (0: from the newest), newest first.
func (s *Store) Contacts(ctx context.Context, accountID string, filter ContactFilter, before int64, limit int) ([]*Contact, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	return queryAll(ctx, s.reader(ctx), scanContact, listContactsQuery, accountID, before, filter.PhoneNumber, likePart(filter.Search), limit)
}

// DeleteContact forgets a contact.
func (s *Store) DeleteContact(ctx context.Context, accountID string, id int64) error {
	return oneChanged(s.db.Exec(ctx, deleteContactQuery, accountID, id))
}

// likePart returns a LIKE pattern for "contains", in which the text's own wildcards stand for themselves.
func likePart(text string) string {
	if text == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}
