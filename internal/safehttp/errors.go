package safehttp

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// The codes of Error. They are stable: programs and stored attempts refer to them.
const (
	CodeInvalidURL        = "invalid_url"        // the address cannot be used as it is written
	CodeHTTPSRequired     = "https_required"     // plain http leads out of the allowed networks
	CodePrivateAddress    = "private_address"    // the address leads into a network that is closed
	CodeInvalidHeader     = "invalid_header"     // a header's name or value cannot be sent
	CodeTimeout           = "timeout"            // the whole answer did not come in time
	CodeCanceled          = "canceled"           // the caller's context was cancelled, as at shutdown
	CodeDNS               = "dns"                // the name has no address, or its server does not answer
	CodeConnectionRefused = "connection_refused" // nothing listens there
	CodeConnectionFailed  = "connection_failed"  // the connection could not be made, or broke before the answer
	CodeTLS               = "tls"                // no trustworthy encrypted connection
	CodeInvalidResponse   = "invalid_response"   // what came back is not a complete HTTP answer
)

// Error is why a request was refused or failed. Code is stable and Message is a sentence for the user. Neither holds
// a byte of the answer, an address that a name led to, or the URL.
type Error struct {
	Code    string
	Message string
	Sent    bool // bytes of the request may have reached the receiver, so that it may have acted on them
	cause   error
}

// Error returns the code and the sentence.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Unwrap returns the cause, or nil. Its text may name internal addresses: it is for errors.Is, not for users.
func (e *Error) Unwrap() error { return e.cause }

// Classify turns an error of a client from HTTP or PublicHTTP, or of reading its answer's body, into an Error. It is
// what callers show and store in place of a *url.Error, whose text repeats the URL with its query. An error that
// carries no Error counts as sent. nil stays nil.
func Classify(err error) *Error {
	if err == nil {
		return nil
	}
	return classify(err, true)
}

// classify keeps an Error that err wraps, and otherwise finds the code that fits it.
func classify(err error, sent bool) *Error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	code, message := describe(err)
	return &Error{Code: code, Message: message, Sent: sent, cause: err}
}

// describe looks for the most telling part of err.
func describe(err error) (code, message string) {
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return CodeCanceled, "The request was given up because its caller stopped."
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return timedOut()
	case isA[*net.DNSError](err):
		return CodeDNS, "The host's name could not be resolved. Check its spelling and its DNS entries."
	case errors.Is(err, syscall.ECONNREFUSED):
		return CodeConnectionRefused, "The host refused the connection. Check that the server runs and that the port is right."
	case errors.As(err, &timeout) && timeout.Timeout():
		return timedOut()
	case errors.Is(err, io.ErrUnexpectedEOF):
		return CodeInvalidResponse, incomplete
	default:
		return CodeConnectionFailed, "The connection could not be made, or broke before the answer came. Check that the server is reachable."
	}
}

const incomplete = "The server's answer is not complete HTTP/1.1, or its header is too large. Check what answers at this address."

func timedOut() (code, message string) {
	return CodeTimeout, "The server did not answer completely in time. Answer at once and do slow work afterwards."
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// tlsMessage says what the server's owner must mend.
func tlsMessage(err error) string {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "The server's certificate is expired or not valid yet. Renew it."
	}
	if isA[x509.HostnameError](err) {
		return "The server's certificate is for another name. Use the name that it was issued for, or replace it."
	}
	if isA[x509.UnknownAuthorityError](err) {
		return "The server's certificate is not signed by a known authority. Install a public certificate with its whole chain."
	}
	return "No encrypted connection came about. Check that the port speaks TLS 1.2 or newer with a valid certificate."
}

// tlsFault is a failed handshake, whatever broke it: a reset there is a TLS matter, a deadline is not.
func tlsFault(err error) *Error {
	fault := classify(err, false)
	if fault.Code != CodeTimeout && fault.Code != CodeCanceled {
		fault.Code, fault.Message = CodeTLS, tlsMessage(err)
	}
	return fault
}

func invalidResponse() *Error {
	return &Error{Code: CodeInvalidResponse, Message: incomplete, Sent: true}
}

func invalidURL(message string) *Error { return &Error{Code: CodeInvalidURL, Message: message} }

// privateAddress is deliberately the same for every closed network, so that nobody can map one by the answers.
func privateAddress() *Error {
	return &Error{
		Code:    CodePrivateAddress,
		Message: "This address leads into a private or reserved network. Use a public address, or let the operator open the network.",
	}
}

func httpsRequired() *Error {
	return &Error{Code: CodeHTTPSRequired, Message: "Plain http is only allowed in networks that the operator has opened. Use an https address."}
}
