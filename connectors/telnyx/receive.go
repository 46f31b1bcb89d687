package telnyx

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
)

// maxInboundMedia bounds what one callback can make us fetch; Telnyx sends at most ten files.
const maxInboundMedia = 10

// payload is a message as Telnyx describes it, in callbacks and in answers.
type payload struct {
	ID         string            `json:"id"`
	Direction  string            `json:"direction"`
	From       party             `json:"from"`
	To         []party           `json:"to"`
	CC         []party           `json:"cc"`
	Text       string            `json:"text"`
	Media      []file            `json:"media"`
	Errors     []json.RawMessage `json:"errors"`
	ReceivedAt string            `json:"received_at"`
}

type party struct {
	Number string `json:"phone_number"`
	Status string `json:"status"`
}

type file struct {
	URL         string `json:"url"`
	ContentType string `json:"content_type"`
}

// Receive reads a message or news of one. Telnyx posts one of them in each callback.
func (c *conn) Receive(request connectors.CallbackRequest) (connectors.CallbackResult, error) {
	if !verify(c.publicKey, request) {
		return connectors.CallbackResult{}, connectors.ErrSignature
	}
	return c.read(request)
}

// read is Receive after the signature.
func (c *conn) read(request connectors.CallbackRequest) (connectors.CallbackResult, error) {
	var body struct {
		Data struct {
			EventType  string  `json:"event_type"`
			OccurredAt string  `json:"occurred_at"`
			Payload    payload `json:"payload"`
		} `json:"data"`
	}
	if !decode(request.Body, &body) {
		return connectors.CallbackResult{}, connectors.Rejected("invalid_callback", "The callback is no JSON.", "")
	}
	var result connectors.CallbackResult
	switch body.Data.EventType {
	case "message.received":
		if message, ok := c.inbound(body.Data.Payload); ok {
			result.Messages = append(result.Messages, message)
		}
	case "message.sent", "message.finalized":
		if update, ok := statusUpdate(request.URL, body.Data.Payload); ok {
			update.At = moment(body.Data.OccurredAt)
			result.Statuses = append(result.Statuses, update)
		}
	}
	return result, nil
}

// inbound reads a message. One without an id or without a sender is none.
func (c *conn) inbound(p payload) (connectors.InMessage, bool) {
	message := connectors.InMessage{
		ProviderID: clean(p.ID), From: person(p.From.Number), To: c.address,
		Text: clean(p.Text), Media: media(p.Media), Extra: c.extra(p), Timestamp: moment(p.ReceivedAt),
	}
	message.Type = connectors.MessageType(message.Media)
	return message, message.ProviderID != "" && message.From != "" && p.Direction != "outbound"
}

// extra tells who else a group's message went to, and the number that was written to where it is another one of the profile's.
func (c *conn) extra(p payload) map[string]any {
	facts := map[string]any{}
	var others []string
	mine := len(p.To) == 0
	for _, to := range append(append([]party(nil), p.To...), p.CC...) {
		switch number := person(to.Number); number {
		case c.address:
			mine = true
		case "":
		default:
			others = append(others, number)
		}
	}
	switch {
	case mine && len(others) > 0:
		facts["group"] = others
	case len(others) > 0:
		facts["addressedTo"] = others
	}
	if len(facts) == 0 {
		return nil
	}
	return facts
}

func media(given []file) []connectors.MediaRef {
	var files []connectors.MediaRef
	for _, f := range given[:min(len(given), maxInboundMedia)] {
		if f.URL != "" {
			files = append(files, connectors.MediaRef{URL: clean(f.URL), ContentType: clean(f.ContentType)})
		}
	}
	return files
}

// person returns a phone number as digits, else what Telnyx calls the sender, as it is.
func person(number string) string {
	if digits := phoneOrShortCode(number); digits != "" {
		return digits
	}
	return strings.TrimSpace(clean(number))
}

// statusUpdate reads message.sent or message.finalized. Our own id stands in the URL that we gave Telnyx. The signature does not
// cover it, but only a callback of this account has one, and the core takes an id of this channel's messages only.
func statusUpdate(address string, p payload) (connectors.StatusUpdate, bool) {
	update := connectors.StatusUpdate{ProviderID: clean(p.ID), Status: p.status()}
	if called, err := url.Parse(address); err == nil {
		update.MessageID = clean(strings.ToValidUTF8(called.Query().Get("message"), ""))
	}
	if update.Status == connectors.StatusFailed {
		update.Error, update.Code = deliveryError(p.Errors)
	}
	return update, update.Status != "" && update.ProviderID != ""
}

// status returns how far a message has come, or "" before it has left Telnyx. Ours have one recipient.
func (p payload) status() connectors.Status {
	if len(p.To) == 0 {
		return ""
	}
	switch p.To[0].Status {
	case "sent", "delivery_unconfirmed": // the latter is final: the carrier does not tell more
		return connectors.StatusSent
	case "delivered":
		return connectors.StatusDelivered
	case "sending_failed", "delivery_failed", "expired":
		return connectors.StatusFailed
	}
	return ""
}

// deliveryError puts a failed delivery into words, Telnyx's own where it has some, else ours; code is ours, or empty.
func deliveryError(list []json.RawMessage) (own *connectors.ProviderError, code string) {
	own, known := meaning(list)
	if own == nil {
		return &connectors.ProviderError{Message: "Telnyx could not deliver the message."}, ""
	}
	if known == nil {
		return own, ""
	}
	if own.Message == "" {
		own.Message = known.Message
	}
	return own, known.Code
}

// decode reads JSON as far as its fields have the expected types; it reports false only where it is no JSON at all.
func decode(body []byte, into any) bool {
	err := json.Unmarshal(body, into)
	var otherType *json.UnmarshalTypeError
	return err == nil || errors.As(err, &otherType)
}

// moment reads a time of Telnyx's, or returns the zero one.
func moment(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// clean makes text one that every database can hold.
func clean(text string) string { return strings.ReplaceAll(text, "\x00", "") }
