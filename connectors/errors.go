package connectors

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// ErrSignature is returned by Receive when a callback is not signed, or not by the provider.
var ErrSignature = errors.New("the callback's signature is missing or wrong")

// Kind is what an error asks of the caller. It is the connectors' whole vocabulary.
type Kind string

// The kinds of error.
const (
	KindRetryable   Kind = "retryable"    // certainly not accepted; the same call may succeed later
	KindRateLimited Kind = "rate_limited" // certainly not accepted; wait Error.After
	KindRejected    Kind = "rejected"     // the network refuses this content or recipient; never repeat it
	KindUnlinked    Kind = "unlinked"     // the credentials do not work; the user must connect the channel again
	KindUnsupported Kind = "unsupported"  // this kind of channel cannot do that
	KindUnconfirmed Kind = "unconfirmed"  // the request may have been accepted; never repeat it blindly
)

// Codes that callers decide on. A connector may use further codes of its own with Rejected and Unlinked.
const (
	CodeWindowExpired    = "window_expired"    // the 24-hour window is closed; an inbound message opens it again
	CodeInvalidRecipient = "invalid_recipient" // the address is not one of this network
	CodeRecipientOptOut  = "recipient_opted_out"
	CodeInvalidContent   = "invalid_content"
	CodeInvalidSender    = "invalid_sender"
	CodeAuthFailed       = "auth_failed"
	CodeAccountSuspended = "account_suspended"
)

// Error is a failure that tells the caller what to do. It never contains a secret.
type Error struct {
	Kind     Kind
	Code     string         // stable, for programs: "invalid_recipient"
	Message  string         // a sentence for the user that says what to do
	Field    string         // the request's field that is wrong, or empty
	After    time.Duration  // with KindRateLimited: how long to wait; 0 where the network does not say
	Provider *ProviderError // the network's own words, or nil
	Err      error          // the cause, for logs; may be nil
}

// Error returns code, message and cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s: %s", e.Kind, e.Code, e.Message)
	}
	return fmt.Sprintf("%s: %s: %s: %v", e.Kind, e.Code, e.Message, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Retryable says that the call was certainly not accepted and may be made again.
func Retryable(cause error) *Error {
	return &Error{
		Kind: KindRetryable, Code: "provider_unavailable",
		Message: "The network could not be reached or is in trouble. Try again in a moment.", Err: cause,
	}
}

// RateLimited says that the network wants fewer calls; after is 0 where it does not say how long to wait.
func RateLimited(after time.Duration) *Error {
	return &Error{
		Kind: KindRateLimited, Code: "provider_rate_limited", After: after,
		Message: "The network accepts no more messages from this channel for the moment. Send again later.",
	}
}

// Rejected says that the network, or a rule of it that we know, refuses the message for good.
func Rejected(code, message, field string) *Error {
	return &Error{Kind: KindRejected, Code: code, Message: message, Field: field}
}

// Unlinked says that the channel's credentials do not work any more.
func Unlinked(code, message string) *Error {
	return &Error{Kind: KindUnlinked, Code: code, Message: message}
}

// Unsupported says that this kind of channel cannot do what was asked.
func Unsupported(what string) *Error {
	return &Error{Kind: KindUnsupported, Code: "unsupported", Message: "This channel cannot do that: " + what + "."}
}

// Unconfirmed says that the request may have been accepted although no usable answer came.
func Unconfirmed(cause error) *Error {
	return &Error{
		Kind: KindUnconfirmed, Code: "unconfirmed", Err: cause,
		Message: "The network did not answer in time, so it is not known whether the message went out. Look there before you send it again.",
	}
}

// AsError returns err as an Error. One of a foreign type counts as Unconfirmed, because repeating a send
// whose failure nobody understands could send it twice.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return Unconfirmed(err)
}

// Harmless is AsError for requests that make nothing public: repeating them is safe, so that none of their failures is Unconfirmed.
func Harmless(err error) *Error {
	failed := AsError(err)
	if failed.Kind != KindUnconfirmed {
		return failed
	}
	retryable := Retryable(failed.Err)
	retryable.Provider = failed.Provider
	return retryable
}

// maxWords is how many code points of a stranger's words are kept.
const maxWords = 500

// Clean makes a stranger's words fit to be shown: on one line, not long, and without the secrets even if the stranger repeats them.
func Clean(words string, secrets ...string) string {
	for _, secret := range secrets {
		if secret != "" {
			words = strings.ReplaceAll(words, secret, Mask)
		}
	}
	words = strings.Join(strings.FieldsFunc(words, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if runes := []rune(words); len(runes) > maxWords {
		words = string(runes[:maxWords]) + "…"
	}
	return words
}
