package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/account"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

// request is one call as a handler sees it.
type request struct {
	*fiber.Ctx
	ctx       context.Context //nolint:containedctx // a request lives as long as its context, which ends with the request's time; Fiber's own never does
	id        string          // X-Request-Id
	principal account.Principal
	incoming  *store.IncomingWebhook // of a route that its token opens
	seed      string                 // with an Idempotency-Key: the part behind the prefix of ids made here, so that a repeat makes the same
	route     *route
}

// answer is what a handler returns: a status and a body that is written as JSON, or raw bytes.
type answer struct {
	status      int
	body        any
	raw         []byte
	contentType string // of raw
}

func ok(body any) (answer, error)      { return answer{status: fiber.StatusOK, body: body}, nil }
func created(body any) (answer, error) { return answer{status: fiber.StatusCreated, body: body}, nil }
func noContent() (answer, error)       { return answer{status: fiber.StatusNoContent}, nil }

// account returns the id of the tenant that the request acts for.
func (r *request) account() string { return r.principal.AccountID }

// newID makes the id of something that this request creates.
func (r *request) newID(prefix string, ids *id.Generator) string {
	if r.seed != "" {
		return prefix + "_" + r.seed
	}
	return ids.New(prefix)
}

// page reads limit and cursor. The cursor is the id of the last row of the page before; it has one of the prefixes.
func (r *request) page(prefixes ...string) (store.Page, error) {
	page := store.Page{Limit: 25}
	if text := r.Query("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100 {
			return page, problem.InvalidOne("limit", "limit must be a whole number from 1 to 100.")
		}
		page.Limit = n
	}
	if cursor := r.Query("cursor"); cursor != "" {
		if !slices.ContainsFunc(prefixes, func(prefix string) bool { return id.Valid(prefix, cursor) }) {
			return page, wrongCursor()
		}
		page.Before = cursor
	}
	return page, nil
}

func wrongCursor() *problem.Error {
	return &problem.Error{
		Code: problem.InvalidCursor, Field: "cursor",
		Message: "The cursor is not one that this list has answered with. Leave it out to begin with the newest.",
	}
}

// maxSearch bounds what a list can be searched for, in characters.
const maxSearch = 100

// searchPage is page for a list that can be searched: it reads q too.
func (r *request) searchPage(prefixes ...string) (store.Page, error) {
	page, err := r.page(prefixes...)
	page.Search = strings.TrimSpace(r.Query("q"))
	if err == nil && utf8.RuneCountInString(page.Search) > maxSearch {
		err = problem.InvalidOne("q", fmt.Sprintf("q takes at most %d characters.", maxSearch))
	}
	return page, err
}

// during reads a range of time: from the first, and before the second. Either may be missing.
func (r *request) during(first, second string) (from, until time.Time, err error) {
	if from, err = r.since(first); err != nil {
		return from, until, err
	}
	if until, err = r.since(second); err != nil {
		return from, until, err
	}
	if !until.IsZero() && !from.Before(until) {
		return from, until, problem.InvalidOne(second, second+" must be later than "+first+".")
	}
	return from, until, nil
}

// since reads a time filter.
func (r *request) since(name string) (time.Time, error) {
	text := r.Query(name)
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, problem.InvalidOne(name, name+" must be a time such as 2026-06-29T14:21:07Z.")
	}
	return at, nil
}

// oneOf reads a filter that takes certain values.
func (r *request) oneOf(name string, values ...string) (string, error) {
	text := r.Query(name)
	if text == "" {
		return "", nil
	}
	for _, value := range values {
		if text == value {
			return text, nil
		}
	}
	return "", problem.InvalidOne(name, name+" must be one of: "+strings.Join(values, ", ")+".")
}

// list is the answer of every list.
type list[T any] struct {
	Data       []T     `json:"data"`
	NextCursor *string `json:"nextCursor"`
}

// listOf shows rows; the cursor stands where there may be more.
func listOf[R, T any](rows []R, page store.Page, show func(R) T, idOf func(R) string) (answer, error) {
	l := list[T]{Data: make([]T, 0, len(rows))}
	for _, row := range rows {
		l.Data = append(l.Data, show(row))
	}
	if len(rows) == page.Limit {
		next := idOf(rows[len(rows)-1])
		l.NextCursor = &next
	}
	return ok(l)
}

// found turns the store's ErrNotFound into a 404 that names what was looked for.
func found(err error, what string) error {
	if errors.Is(err, store.ErrNotFound) {
		return problem.NotFoundOf(what)
	}
	return err
}

// timestamp is how times are shown: RFC 3339 in UTC with milliseconds; null where there is none.
type timestamp time.Time

// MarshalJSON writes the time, or null for the zero time.
func (t timestamp) MarshalJSON() ([]byte, error) {
	if time.Time(t).IsZero() {
		return []byte("null"), nil
	}
	return []byte(time.Time(t).UTC().Format(`"2006-01-02T15:04:05.000Z"`)), nil
}
