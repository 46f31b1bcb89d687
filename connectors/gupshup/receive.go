package gupshup

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
)

// tokenParam is the query parameter of the callback's address that holds the channel's token.
const tokenParam = "token"

// verify checks the token that a callback shows. A channel without one accepts nothing. Gupshup signs neither body nor address.
func (c *conn) verify(request connectors.CallbackRequest) bool {
	given, want := sha256.Sum256([]byte(request.Query.Get(tokenParam))), sha256.Sum256([]byte(c.token))
	return c.token != "" && subtle.ConstantTimeCompare(given[:], want[:]) == 1
}

// Receive reads a message or news of one. Gupshup posts one of them in each callback; further events, such as its tests of the
// connection, carry nothing for us and are answered all the same.
func (c *conn) Receive(request connectors.CallbackRequest) (connectors.CallbackResult, error) {
	if !c.verify(request) {
		return connectors.CallbackResult{}, connectors.ErrSignature
	}
	var result connectors.CallbackResult
	if len(strings.TrimSpace(string(request.Body))) == 0 {
		return result, nil // Gupshup tries an address with an empty body when it is entered
	}
	var body struct {
		App       string          `json:"app"`
		Timestamp json.RawMessage `json:"timestamp"`
		Type      string          `json:"type"`
		Payload   json.RawMessage `json:"payload"`
		Entry     json.RawMessage `json:"entry"` // only Meta's own format has it
	}
	if !decode(request.Body, &body) {
		return connectors.CallbackResult{}, connectors.Rejected("invalid_callback", "The callback is no JSON.", "")
	}
	if body.Entry != nil {
		return connectors.CallbackResult{}, connectors.Rejected("invalid_callback", "This app sends callbacks of version 3. Set the callback's payload format to version 2 in the Gupshup dashboard.", "")
	}
	if body.Type != "message" && body.Type != "message-event" {
		return result, nil
	}
	if body.App != "" && !strings.EqualFold(body.App, c.app) {
		return connectors.CallbackResult{}, connectors.ErrSignature // another app's, sent to the wrong address
	}
	at := moment(body.Timestamp)
	if body.Type == "message" {
		if message, ok := c.inbound(body.Payload, at); ok {
			result.Messages = append(result.Messages, message)
		}
	} else if update, ok := statusUpdate(body.Payload, at); ok {
		result.Statuses = append(result.Statuses, update)
	}
	return result, nil
}

// statusUpdate reads a message-event. Gupshup's own id of the message is gsId; where that is missing, it is id for some events,
// and WhatsApp's for the others, which we do not know and which then match nothing.
func statusUpdate(raw json.RawMessage, at time.Time) (connectors.StatusUpdate, bool) {
	var event struct {
		ID      string `json:"id"`
		GsID    string `json:"gsId"`
		Type    string `json:"type"`
		Payload struct {
			Time   json.RawMessage `json:"ts"`
			Code   json.RawMessage `json:"code"`
			Reason string          `json:"reason"`
		} `json:"payload"`
	}
	decode(raw, &event)
	update := connectors.StatusUpdate{ProviderID: clean(event.GsID), Status: reportable(event.Type), At: at}
	if update.ProviderID == "" {
		update.ProviderID = clean(event.ID)
	}
	if told := moment(event.Payload.Time); !told.IsZero() {
		update.At = told
	}
	if update.Status == connectors.StatusFailed {
		update.Error = &connectors.ProviderError{Code: whole(event.Payload.Code), Message: clean(event.Payload.Reason), Raw: inner(raw)}
		update.Code = complete(update.Error)
	}
	return update, update.Status != "" && update.ProviderID != ""
}

// complete gives a failure without words ours, and returns our code for it, or "" for one that is not known.
func complete(failure *connectors.ProviderError) (code string) {
	words := "Gupshup or WhatsApp could not deliver the message."
	if known := refusalOf(failure.Code); known != nil {
		words, code = known.Message, known.Code
	}
	if failure.Message == "" {
		failure.Message = words
	}
	return code
}

// inner returns the inner payload as it came.
func inner(raw json.RawMessage) json.RawMessage {
	var outer struct {
		Payload json.RawMessage `json:"payload"`
	}
	decode(raw, &outer)
	return outer.Payload
}

// reportable returns what an event means to us, or "" for those before a message has left Gupshup.
func reportable(event string) connectors.Status {
	switch event {
	case "sent":
		return connectors.StatusSent
	case "delivered":
		return connectors.StatusDelivered
	case "read":
		return connectors.StatusRead
	case "failed":
		return connectors.StatusFailed
	}
	return ""
}

// decode reads JSON as far as its fields have the expected types; it reports false only where it is no JSON at all.
func decode(raw []byte, into any) bool {
	err := json.Unmarshal(raw, into)
	var otherType *json.UnmarshalTypeError
	return err == nil || errors.As(err, &otherType)
}

// moment reads a time since 1970 in seconds or in milliseconds, as a number or a text; anything else is the zero time. Seconds
// have at most ten digits until the year 2286.
func moment(raw json.RawMessage) time.Time {
	number, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	switch {
	case err != nil || number <= 0 || number > maxMillis:
		return time.Time{}
	case number < 1e10:
		return time.Unix(number, 0).UTC()
	}
	return time.UnixMilli(number).UTC()
}

// maxMillis is about the end of the year 5138, far within what JSON's times can hold.
const maxMillis = 1e14

// clean makes text one that every database can hold.
func clean(text string) string { return strings.ReplaceAll(text, "\x00", "") }

// degrees reads a coordinate, as a number or a text.
func degrees(raw json.RawMessage, most float64) (float64, bool) {
	value, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	return value, err == nil && math.Abs(value) <= most // false for NaN, which JSON cannot carry
}
