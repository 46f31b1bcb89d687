// Package problem holds the errors that users see: a stable code, a status and a sentence that says what to do.
// The catalogue in catalogue.go lists every code; the server has the one writer of them.
package problem

import (
	"fmt"
	"time"
)

// Error is one failure as a user gets it. It never carries a secret.
type Error struct {
	Code       string        // stable, from the catalogue
	Message    string        // a sentence that says what to do
	Field      string        // the request's field that is wrong, or empty
	Fields     []Field       // every wrong field, where there may be several
	RetryAfter time.Duration // sent as Retry-After, rounded up to seconds; 0: not sent
	Provider   any           // a network's own words, shown as "provider"; or nil
	Err        error         // the cause, for the log only
}

// Field is one wrong field of a request.
type Field struct {
	Field   string `json:"field"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Error returns the code, the sentence and the cause, for logs.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
	}
	return e.Code + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Status returns the HTTP status of the error's code: 500 for a code that the catalogue does not know.
func (e *Error) Status() int {
	if entry, ok := Lookup(e.Code); ok {
		return entry.Status
	}
	return 500
}

// New makes an error with a code of the catalogue and a sentence of its own.
func New(code, message string) *Error { return &Error{Code: code, Message: message} }

// Invalid reports wrong fields, all at once. With one field, the error itself names it; with none it is nil.
func Invalid(fields ...Field) error {
	switch len(fields) {
	case 0:
		return nil
	case 1:
		return &Error{Code: fields[0].Code, Message: fields[0].Message, Field: fields[0].Field, Fields: fields}
	}
	return &Error{
		Code: InvalidField, Fields: fields, Field: fields[0].Field,
		Message: fmt.Sprintf("%d fields are wrong. Correct each one that \"errors\" names.", len(fields)),
	}
}

// InvalidOne reports one wrong field with the code invalid_field.
func InvalidOne(field, message string) *Error {
	return &Error{Code: InvalidField, Message: message, Field: field, Fields: []Field{{field, InvalidField, message}}}
}

// NotFoundOf says that the account has no such thing; what is its word, such as "webhook".
func NotFoundOf(what string) *Error {
	return New(NotFound, fmt.Sprintf("There is no such %s in this account. Check the id.", what))
}

// Internal hides a failure of ours from the user; the cause goes to the log.
func Internal(err error) *Error {
	return &Error{Code: InternalError, Message: "Something went wrong on the server. Try again; if it stays, tell the operator the requestId.", Err: err}
}

// Unavailable says that a part of the server is down for the moment and nothing was changed.
func Unavailable(err error) *Error {
	return &Error{
		Code: ServiceUnavailable, Message: "The server cannot take this request at the moment. Nothing was changed. Send it again shortly.",
		RetryAfter: 5 * time.Second, Err: err,
	}
}
