package whatsappcloud

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/meta"
)

// opaquePrefix begins ids of ours. Whoever else sends over the same number may give its messages data of another kind.
const opaquePrefix = "msg_"

// entry is what concerns one WhatsApp Business account.
type entry struct {
	Changes []struct {
		Field string          `json:"field"`
		Value json.RawMessage `json:"value"`
	} `json:"changes"`
}

// change is news of one number. Messages and statuses are read one by one, so that one that is odd does not take the others with it.
type change struct {
	Metadata number            `json:"metadata"`
	Contacts []profile         `json:"contacts"`
	Messages []json.RawMessage `json:"messages"`
	Statuses []json.RawMessage `json:"statuses"`
}

type number struct {
	Display string `json:"display_phone_number"`
	ID      string `json:"phone_number_id"`
}

type profile struct {
	WaID    string `json:"wa_id"`
	UserID  string `json:"user_id"`
	Profile struct {
		Name     string `json:"name"`
		Username string `json:"username"`
	} `json:"profile"`
}

// status is news of a message that we sent.
type status struct {
	ID     string        `json:"id"`
	Status string        `json:"status"`
	At     stamp         `json:"timestamp"`
	Ours   string        `json:"biz_opaque_callback_data"`
	Errors []statusError `json:"errors"`
}

type statusError struct {
	Code    int    `json:"code"`
	Title   string `json:"title"`
	Message string `json:"message"`
	Data    struct {
		Details string `json:"details"`
	} `json:"error_data"`
	raw json.RawMessage
}

// UnmarshalJSON also keeps the error as it came.
func (e *statusError) UnmarshalJSON(raw []byte) error {
	type plain statusError
	var p plain
	if err := json.Unmarshal(raw, &p); err != nil {
		p = plain{} // its own words are kept all the same
	}
	*e = statusError(p)
	e.raw = append(json.RawMessage(nil), raw...)
	return nil
}

// stamp is a time: seconds since 1970 in a text, or milliseconds, which also occur. What is neither is the zero time.
type stamp struct{ time.Time }

// UnmarshalJSON takes a number or a text.
func (s *stamp) UnmarshalJSON(raw []byte) error {
	const milliseconds = 1e11 // in seconds it is the year 5138
	n, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	switch {
	case err != nil || n <= 0 || n > 1e14:
	case n >= milliseconds:
		s.Time = time.UnixMilli(n).UTC()
	default:
		s.Time = time.Unix(n, 0).UTC()
	}
	return nil
}

// ParseEntry turns an entry of the object whatsapp_business_account into items, for an app's one callback. A channel is found by the number
// that WhatsApp shows.
func ParseEntry(raw json.RawMessage) ([]connectors.AppItem, error) {
	return parseEntry(raw, func(n number) string { return connectors.Digits(n.Display) })
}

// Receive takes a callback that came to the channel's own address. What concerns another number of the same app is left out.
func (c *conn) Receive(request connectors.CallbackRequest) (connectors.CallbackResult, error) {
	own := func(raw json.RawMessage) ([]connectors.AppItem, error) { return parseEntry(raw, c.addressOf) }
	parsers := map[string]meta.Parser{meta.ObjectWhatsApp: own}
	return meta.Receive(c.secret, c.verifyToken, request, parsers, Kind, c.address)
}

// addressOf knows the channel by its phone number ID, however the number is shown.
func (c *conn) addressOf(n number) string {
	if n.ID == c.numberID {
		return c.address
	}
	return ""
}

// parseEntry reads an entry; addressOf gives a number's address, or "" where it is of no interest.
func parseEntry(raw json.RawMessage, addressOf func(number) string) ([]connectors.AppItem, error) {
	var e entry
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, unreadable(err)
	}
	var items []connectors.AppItem
	for _, news := range e.Changes {
		if news.Field != "messages" {
			continue
		}
		var c change
		if err := json.Unmarshal(news.Value, &c); err != nil {
			return nil, unreadable(err)
		}
		item := connectors.AppItem{Kind: Kind, Address: addressOf(c.Metadata)}
		if item.Address == "" {
			continue
		}
		for _, raw := range c.Messages {
			if message, ok := inbound(raw, c.Contacts, item.Address); ok {
				item.Messages = append(item.Messages, message)
			}
		}
		for _, raw := range c.Statuses {
			if update, ok := statusUpdate(raw); ok {
				item.Statuses = append(item.Statuses, update)
			}
		}
		if len(item.Messages)+len(item.Statuses) > 0 {
			items = append(items, item)
		}
	}
	return items, nil
}

func unreadable(err error) error {
	rejected := connectors.Rejected("invalid_callback", "The callback does not have the form of WhatsApp's webhooks.", "")
	rejected.Err = err
	return rejected
}

func statusUpdate(raw json.RawMessage) (connectors.StatusUpdate, bool) {
	var s status
	if json.Unmarshal(raw, &s) != nil {
		return connectors.StatusUpdate{}, false
	}
	update := connectors.StatusUpdate{ProviderID: s.ID, Status: reportable(s.Status), At: s.At.Time}
	if strings.HasPrefix(s.Ours, opaquePrefix) {
		update.MessageID = s.Ours
	}
	if update.Status == "" || (update.ProviderID == "" && update.MessageID == "") {
		return connectors.StatusUpdate{}, false
	}
	if update.Status == connectors.StatusFailed && len(s.Errors) > 0 {
		update.Code, update.Error = failureOf(s.Errors[0])
	}
	return update, true
}

// reportable returns what a status means to us, or "" for one without meaning, such as that a message was deleted.
func reportable(status string) connectors.Status {
	switch status {
	case "sent":
		return connectors.StatusSent
	case "delivered":
		return connectors.StatusDelivered
	case "read", "played":
		return connectors.StatusRead
	case "failed":
		return connectors.StatusFailed
	}
	return ""
}

// failureOf puts a failed delivery into words, the network's own where it has some, and gives it the code that a refusal at once would
// have had.
func failureOf(e statusError) (code string, failure *connectors.ProviderError) {
	failure = &connectors.ProviderError{Code: e.Code, Message: "WhatsApp could not deliver the message.", Raw: e.raw}
	known := refusalOf(e.Code, 0)
	if known == nil {
		known = meta.RefusalOf(e.Code, 0)
	}
	if known != nil {
		failure.Message = known.Message
		if known.Kind == connectors.KindRejected || known.Kind == connectors.KindUnlinked {
			code = known.Code
		}
	}
	for _, words := range []string{e.Title, e.Message, e.Data.Details} {
		if words != "" {
			failure.Message = words
		}
	}
	return code, failure
}
