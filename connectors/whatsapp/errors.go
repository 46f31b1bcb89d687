package whatsapp

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/socket"

	"github.com/switchhook/switchhook/connectors"
)

// Codes of this connector, beside those of the connectors package.
const (
	codeNotReachable = "recipient_not_reachable_yet" // WhatsApp lets this account write only to people who have written to it
	codeNotAllowed   = "not_allowed"                 // the account may not write there
	codeRefused      = "refused_by_network"
	codeUnlinked     = "logged_out" // the device is linked no more
	codeMedia        = "media_unavailable"
	codeNotEncrypted = "not_encrypted" // no device of the recipient could be encrypted for
)

// Fields that errors name.
const (
	fieldTo    = "to"
	fieldText  = "text"
	fieldMedia = "media"
)

// Error codes with which WhatsApp's server answers a message or a query. 463 is NackCallerReachoutTimelocked of WhatsApp Web's own source
// (WhiskeySockets/Baileys issue 2441), 421 a group whose members are addressed in another way by now; the others mean what they mean in HTTP.
const (
	ackForbidden   = 403
	ackNotFound    = 404
	ackNotAccepted = 406
	ackStaleGroup  = 421
	ackRateLimit   = 429
	ackTimelock    = 463
	ackServerError = 500
)

// How whatsmeow's SendMessage names what it has no error value for (v0.0.0-20260821141805, send.go).
const (
	textNoLID       = "no LID found for "
	textWriteFailed = "failed to send message node: "
	actionSend      = "message send" // a DisconnectedError's Action after the write
)

// sendError gives an error of SendMessage its meaning; response is what came with it. What happens before the message's node is written to
// the socket was certainly not sent. The node is written last, so afterwards only the server's own refusal is certain.
func sendError(response whatsmeow.SendResponse, err error) *connectors.Error {
	switch {
	case errors.Is(err, whatsmeow.ErrServerReturnedError):
		return refusal(ackCode(err))
	case mayHaveLeft(response, err):
		return connectors.Unconfirmed(err)
	}
	return queryError(err)
}

// mayHaveLeft tells whether the node of a message may have been written. The timings of a failed SendMessage show how far it came: Send is
// measured around the write. A clock may be too coarse for it, so the errors that only come later count too.
func mayHaveLeft(response whatsmeow.SendResponse, err error) bool {
	if strings.HasPrefix(err.Error(), textWriteFailed) {
		// The write itself failed. These say that no byte, or not the whole of the frame, was handed to the network.
		return !isAny(err, whatsmeow.ErrNotConnected, socket.ErrSocketClosed, socket.ErrFrameTooLarge, errNoLease)
	}
	var disconnected *whatsmeow.DisconnectedError
	late := errors.As(err, &disconnected) && strings.HasPrefix(disconnected.Action, actionSend)
	// The wait for the answer returns the context's error as it is; what fails earlier is wrapped.
	bare := err == context.Canceled || err == context.DeadlineExceeded //nolint:errorlint // see above
	return response.DebugTimings.Send > 0 || late || bare || errors.Is(err, whatsmeow.ErrMessageTimedOut)
}

// queryError is the meaning of an error of something that changes nothing for the recipient: a query, a preparation, an upload.
func queryError(err error) *connectors.Error {
	var disconnected *whatsmeow.DisconnectedError
	var refused *whatsmeow.IQError
	switch {
	case errors.Is(err, whatsmeow.ErrNotLoggedIn):
		failed := connectors.Unlinked(codeUnlinked, "The device is not linked any more. Link the session again with a new QR code.")
		failed.Err = err
		return failed
	case isAny(err, whatsmeow.ErrNotConnected, socket.ErrSocketClosed, errNoLease), errors.As(err, &disconnected):
		return notConnected(err)
	case strings.HasPrefix(err.Error(), textNoLID):
		return noAccount()
	case errors.Is(err, whatsmeow.ErrGroupNotFound):
		return badRecipient("This group does not exist. Check its JID.")
	case errors.Is(err, whatsmeow.ErrNotInGroup):
		return connectors.Rejected(codeNotAllowed, "The session's number is not in this group. Add it there first.", fieldTo)
	case errors.Is(err, socket.ErrFrameTooLarge):
		return connectors.Rejected(connectors.CodeInvalidContent, "The message is too long for WhatsApp. Shorten it or send it in parts.", fieldText)
	case errors.As(err, &refused) && refused.Code == ackRateLimit:
		limited := connectors.RateLimited(0)
		limited.Err = err
		return limited
	}
	return connectors.Retryable(withoutAddress(err))
}

// refusal is the meaning of the error code in the server's answer to a message. The server has not taken the message.
func refusal(code int) *connectors.Error {
	provider := &connectors.ProviderError{Code: code, Message: "WhatsApp's server answered with error " + strconv.Itoa(code)}
	refused := connectors.Rejected(codeRefused, fmt.Sprintf("WhatsApp refused the message (error %d). Check the recipient and the content.", code), "")
	switch {
	case code == ackTimelock:
		refused = connectors.Rejected(codeNotReachable, "WhatsApp does not let this account write to this person: it limits messages to people "+
			"who have not written to you. Let them write first, or wait until the limit shown on the session ends.", fieldTo)
	case code == ackForbidden:
		refused = connectors.Rejected(codeNotAllowed, "The session's number may not write there. In a group it must be a member, and an admin where only admins write.", fieldTo)
	case code == ackNotFound || code == ackNotAccepted:
		refused = badRecipient("WhatsApp does not know this recipient. Check the number or JID.")
	case code == ackRateLimit:
		refused = connectors.RateLimited(0)
	case code == ackStaleGroup || code >= ackServerError:
		refused = connectors.Retryable(nil)
	}
	refused.Provider = provider
	return refused
}

func ackCode(err error) int {
	text := err.Error()
	code, convErr := strconv.Atoi(text[strings.LastIndex(text, " ")+1:])
	if convErr != nil {
		return 0
	}
	return code
}

// notConnected says that the device is not online; nothing was sent.
func notConnected(cause error) *connectors.Error {
	failed := connectors.Retryable(cause)
	failed.Code = connectors.CodeNotConnected
	failed.Message = "The session is not connected to WhatsApp at the moment. Try again when its status is CONNECTED."
	return failed
}

func noAccount() *connectors.Error {
	return badRecipient("This number has no WhatsApp account. Check it, with its country code.")
}

// withoutAddress takes the addresses out of an error: that of an upload holds its key.
func withoutAddress(err error) error {
	var withAddress *url.Error
	if errors.As(err, &withAddress) {
		return fmt.Errorf("call WhatsApp: %w", withAddress.Err)
	}
	return err
}

func isAny(err error, targets ...error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
