package safehttp

import (
	"fmt"
	"strings"
)

const (
	maxHeaderName  = 128  // bytes of a webhook's custom header name
	maxHeaderValue = 4096 // bytes of its value; common servers accept 8 KiB for all headers together
)

// ValidHeader returns nil where a webhook may carry this custom header, else an Error with CodeInvalidHeader. Names
// are tokens (RFC 9110, section 5.6.2), values printable ASCII, and nothing that frames a request, names its content
// or could be taken for our signature is free.
func ValidHeader(name, value string) error {
	if len(name) > maxHeaderName || len(value) > maxHeaderValue {
		return invalidHeader(fmt.Sprintf("A header's name may have %d and its value %d characters.", maxHeaderName, maxHeaderValue))
	}
	if err := sendable(name, value); err != nil {
		return err
	}
	if reserved(strings.ToLower(name)) {
		return invalidHeader("This header's name is reserved. Choose another name.")
	}
	if strings.Trim(value, " \t") != value {
		return invalidHeader("A header's value must not begin or end with a space.")
	}
	return nil
}

// sendable refuses what would break the request's framing; Post asks it for each header it is given.
func sendable(name, value string) error {
	if !isToken(name) {
		return invalidHeader("A header's name may only contain letters, digits and hyphens, and must not be empty.")
	}
	if isFraming(name) {
		return invalidHeader("This header is set by the sender itself and cannot be given.")
	}
	for i := range len(value) {
		if c := value[i]; (c < ' ' && c != '\t') || c > '~' {
			return invalidHeader("A header's value may only contain printable ASCII characters, and no line breaks.")
		}
	}
	return nil
}

func invalidHeader(message string) *Error { return &Error{Code: CodeInvalidHeader, Message: message} }

func isToken(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte("-_.!#$%&'*+^`|~", c) < 0 {
			return false
		}
	}
	return name != ""
}

// isFraming tells whether name belongs to the connection or is written by Post itself. It runs for each header of
// each delivery, hence by length first.
func isFraming(name string) bool {
	same := func(names ...string) bool {
		for _, other := range names {
			if strings.EqualFold(name, other) {
				return true
			}
		}
		return false
	}
	switch len(name) {
	case 2:
		return same("te")
	case 4:
		return same("host")
	case 6:
		return same("expect")
	case 7:
		return same("trailer", "upgrade")
	case 10:
		return same("connection", "keep-alive", "user-agent")
	case 14:
		return same("content-length")
	case 16:
		return same("proxy-connection")
	case 17:
		return same("transfer-encoding")
	}
	return false
}

// reserved tells whether a lower-case name is ours in one of the delivery formats, or describes the body.
func reserved(name string) bool {
	switch name {
	case "content-type", "content-encoding", "accept-encoding":
		return true
	}
	for _, prefix := range []string{"webhook-", "proxy-", "x-switchhook-", "x-whathooks-", "x-socialsyncerapi-", "x-socialhook-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return strings.HasPrefix(name, "x-") && strings.HasSuffix(name, "-signature")
}
