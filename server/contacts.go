package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/contact"
	"github.com/switchhook/switchhook/internal/message"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

// contactBody is what a client may set, in the spelling of the Sociocs contract. ExtraFields is an object, or a text
// that holds one as the contract shows it; IsBlocked is true or false, or 1 or 0.
type contactBody struct {
	Name          *string         `json:"name"`
	PhoneNumber   *string         `json:"phone_number"`
	PhoneNumberCC *string         `json:"phone_number_cc"`
	ExtraFields   json.RawMessage `json:"extra_fields"`
	IsBlocked     json.RawMessage `json:"is_blocked"`
}

// apply puts what was given into a contact and returns everything that is wrong with it.
func (b contactBody) apply(c *store.Contact) error {
	wrong := contact.Change{Name: b.Name, PhoneNumber: b.PhoneNumber, PhoneNumberCC: b.PhoneNumberCC}.Apply(c)
	invalid := func(field, text string) {
		wrong = append(wrong, problem.Field{Field: field, Code: problem.InvalidField, Message: text})
	}
	if b.ExtraFields != nil {
		extra, err := readExtraFields(b.ExtraFields)
		if err != nil {
			invalid("extra_fields", "extra_fields must be "+err.Error()+".")
		}
		c.ExtraFields = extra
	}
	blocked, known := readBlocked(b.IsBlocked, c.IsBlocked)
	if !known {
		invalid("is_blocked", "is_blocked must be 0 or 1.")
	}
	c.IsBlocked = blocked
	return problem.Invalid(wrong...)
}

// readBlocked returns what was given, or present where nothing was.
func readBlocked(raw json.RawMessage, present bool) (blocked, known bool) {
	switch string(raw) {
	case "", "null":
		return present, true
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return present, false
}

// readExtraFields returns a JSON object, given as such or in a text, as compact JSON. The error is a part of a sentence.
func readExtraFields(raw json.RawMessage) (string, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil && !bytes.Equal(raw, []byte("null")) {
		raw = json.RawMessage(text)
	}
	if len(raw) > contact.MaxExtraFields {
		return "", fmt.Errorf("at most %d bytes long", contact.MaxExtraFields)
	}
	if _, err := splitObject(raw); err != nil {
		return "", errors.New("a JSON object, or a text that holds one")
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return "", errors.New("a JSON object, or a text that holds one")
	}
	// PostgreSQL's clients and many others cannot hold a NUL in a text.
	if strings.Contains(compact.String(), `\u0000`) {
		return "", errors.New("free of NUL characters")
	}
	return compact.String(), nil
}

// contactPage reads limit and cursor; a contact's id is a number.
func (r *request) contactPage() (before int64, limit int, err error) {
	limit = 25
	if text := r.Query("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > 100 {
			return 0, 0, problem.InvalidOne("limit", "limit must be a whole number from 1 to 100.")
		}
	}
	if cursor := r.Query("cursor"); cursor != "" {
		if before, err = strconv.ParseInt(cursor, 10, 64); err != nil || before < 1 {
			return 0, 0, &problem.Error{
				Code: problem.InvalidCursor, Field: "cursor",
				Message: "The cursor is not one that this list has answered with. Leave it out to begin with the newest.",
			}
		}
	}
	return before, limit, nil
}

func (s *Server) listContacts(r *request) (answer, error) {
	before, limit, err := r.contactPage()
	if err != nil {
		return answer{}, err
	}
	filter := store.ContactFilter{Search: strings.TrimSpace(r.Query("q"))}
	if utf8.RuneCountInString(filter.Search) > contact.MaxName || !utf8.ValidString(filter.Search) || strings.ContainsRune(filter.Search, 0) {
		return answer{}, problem.InvalidOne("q", fmt.Sprintf("q takes at most %d characters of a name or a number.", contact.MaxName))
	}
	if number := r.Query("phone_number", r.Query("phone")); number != "" {
		if filter.PhoneNumber = connectors.Digits(number); filter.PhoneNumber == "" {
			return answer{}, problem.InvalidOne("phone_number", "phone_number must be a phone number with its country code, such as 16311112222.")
		}
	}
	rows, err := s.Store.Contacts(r.ctx, r.account(), filter, before, limit)
	if err != nil {
		return answer{}, err
	}
	return listOf(rows, store.Page{Limit: limit}, message.ContactJSON, func(c *store.Contact) string { return strconv.FormatInt(c.ID, 10) })
}

func (s *Server) createContact(r *request) (answer, error) {
	var body contactBody
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	now := s.Now()
	c := &store.Contact{AccountID: r.account(), ExtraFields: "{}", CreatedAt: now, UpdatedAt: now}
	if err := body.apply(c); err != nil {
		return answer{}, err
	}
	err := s.Store.InsertContact(r.ctx, c)
	if errors.Is(err, store.ErrExists) && r.seed != "" {
		// A repeat of a request that broke off after it had stored the contact finds its own.
		if mine, findErr := s.Store.ContactByPhone(r.ctx, r.account(), c.PhoneNumber); findErr == nil && sameContact(mine, c) {
			return created(message.ContactJSON(mine))
		}
	}
	if err != nil {
		return answer{}, contactProblem(err)
	}
	return created(message.ContactJSON(c))
}

func sameContact(a, b *store.Contact) bool {
	return a.Name == b.Name && a.PhoneNumberCC == b.PhoneNumberCC && a.ExtraFields == b.ExtraFields && a.IsBlocked == b.IsBlocked
}

func contactProblem(err error) error {
	if errors.Is(err, store.ErrExists) {
		return &problem.Error{
			Code: problem.Conflict, Field: "phone_number",
			Message: "This account has a contact with this number already. Find it with GET /v1/contacts?phone_number= and change that one.",
		}
	}
	return found(err, "contact")
}

// ownContact reads the contact that the path names.
func (s *Server) ownContact(r *request) (*store.Contact, error) {
	id, err := strconv.ParseInt(r.Params("id"), 10, 64)
	if err != nil {
		return nil, problem.NotFoundOf("contact")
	}
	c, err := s.Store.Contact(r.ctx, r.account(), id)
	return c, found(err, "contact")
}

func (s *Server) getContact(r *request) (answer, error) {
	c, err := s.ownContact(r)
	if err != nil {
		return answer{}, err
	}
	return ok(message.ContactJSON(c))
}

func (s *Server) changeContact(r *request) (answer, error) {
	var body contactBody
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	c, err := s.ownContact(r)
	if err != nil {
		return answer{}, err
	}
	if err := body.apply(c); err != nil {
		return answer{}, err
	}
	c.UpdatedAt = s.Now()
	if err := s.Store.UpdateContact(r.ctx, c); err != nil {
		return answer{}, contactProblem(err)
	}
	return ok(message.ContactJSON(c))
}

func (s *Server) deleteContact(r *request) (answer, error) {
	c, err := s.ownContact(r)
	if err != nil {
		return answer{}, err
	}
	if err := s.Store.DeleteContact(r.ctx, r.account(), c.ID); err != nil {
		return answer{}, contactProblem(err)
	}
	return noContent()
}
