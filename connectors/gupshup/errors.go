package gupshup

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// codeLowBalance is this connector's own code: Gupshup sends nothing more until the wallet is filled.
const codeLowBalance = "insufficient_balance"

// failure gives an answer without success its meaning: by the status first, and by the code, where there is one, when the
// status only says that the request is at fault.
func (c *conn) failure(response httpcall.Response) *connectors.Error {
	refusal := readRefusal(response.Body)
	failed := response.Classify(c.now(), refusal)
	if refusal == nil || failed.Kind != connectors.KindRejected {
		return failed
	}
	known := refusalOf(refusal.Code)
	if known == nil {
		return failed
	}
	known.Provider, known.Err = failed.Provider, failed.Err
	if known.Kind == connectors.KindRateLimited {
		known.After = httpcall.RetryAfter(response.Header.Get("Retry-After"), c.now())
	}
	return known
}

// readRefusal reads an error object of Gupshup, or returns nil where a body is none. Its shape is not promised: the words may be an
// object, and a code may be missing.
func readRefusal(body []byte) *connectors.ProviderError {
	var answer struct {
		Status  json.RawMessage `json:"status"` // "error", or a number
		Message json.RawMessage `json:"message"`
		Code    json.RawMessage `json:"code"`
	}
	if json.Unmarshal(body, &answer) != nil || (answer.Message == nil && string(answer.Status) != `"error"`) {
		return nil
	}
	return &connectors.ProviderError{Code: whole(answer.Code), Message: words(answer.Message), Raw: json.RawMessage(body)}
}

// words returns a JSON text as it reads, and anything else as it is written.
func words(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	return clean(text)
}

// whole reads a number, also one that is written as a text, or returns 0.
func whole(raw json.RawMessage) int {
	number, err := strconv.Atoi(strings.Trim(string(raw), `"`))
	if err != nil || number < 0 {
		return 0
	}
	return number
}

// refusalOf returns the meaning of an error code, or nil for one that is not known here. The four-digit codes are from Gupshup's
// list; six digits are WhatsApp's own, which Gupshup passes on.
func refusalOf(code int) *connectors.Error {
	for _, class := range [...]func(int) *connectors.Error{recipientRefusal, contentRefusal, accountRefusal, overload} {
		if refusal := class(code); refusal != nil {
			return refusal
		}
	}
	return nil
}

func recipientRefusal(code int) *connectors.Error {
	rejected := func(code, message string) *connectors.Error { return connectors.Rejected(code, message, "to") }
	switch code {
	case 1001, 1002, 131026:
		return rejected(connectors.CodeInvalidRecipient, "This number is not on WhatsApp, or cannot be reached there. Check the number and its country code.")
	case 131021:
		return rejected(connectors.CodeInvalidRecipient, "The recipient is this channel's own number. Send to another one.")
	case 131030:
		return rejected(connectors.CodeInvalidRecipient, "This number is not on the test account's list of recipients. Add it there.")
	case 1012, 131050:
		return rejected(connectors.CodeRecipientOptOut, "The recipient has opted out of messages from this number.")
	case 1004, 1005, 1006, 1007, 1008, 131047:
		return rejected(connectors.CodeWindowExpired, "The 24-hour window of this person is closed. Send an approved template that fits, to someone who has opted in, or wait for a message from them.")
	case 131049:
		return rejected(httpcall.CodeProviderRejected, "WhatsApp limits how many such messages this person gets. Do not send it again before tomorrow.")
	}
	return nil
}

func contentRefusal(code int) *connectors.Error {
	rejected := func(message, field string) *connectors.Error {
		return connectors.Rejected(connectors.CodeInvalidContent, message, field)
	}
	switch code {
	case 1010, 131052:
		return rejected("Gupshup could not load the file. Its address must be public and answer without login.", "media")
	case 1011:
		return rejected("The file is too large for WhatsApp. Send a smaller one.", "media")
	case 131051:
		return rejected("WhatsApp does not take this type of message.", "media")
	case 131008, 131009:
		return rejected("WhatsApp does not take this content. Its own words say why; correct the message before you send it again.", "text")
	case 4003, 132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016:
		return rejected("The template or its variables do not fit. Check the template's id, its variables, and that it is approved and active.", "template")
	}
	return nil
}

func accountRefusal(code int) *connectors.Error {
	switch code {
	case 1003:
		return connectors.Rejected(codeLowBalance, "The balance of the Gupshup wallet is too low. Fill it up in the Gupshup dashboard.", "")
	case 131042:
		return connectors.Rejected(codeLowBalance, "WhatsApp has no valid means of payment for this account. Correct it in the Gupshup dashboard or in Meta's.", "")
	case 131031:
		return connectors.Unlinked(connectors.CodeAccountSuspended, "WhatsApp has locked this account. Look into the Gupshup dashboard for the reason.")
	case 131045, 133010:
		return connectors.Unlinked(connectors.CodeAuthFailed, "This number is not registered with WhatsApp. Register it in the Gupshup dashboard.")
	}
	return nil
}

// overload covers what was not processed for a passing reason.
func overload(code int) *connectors.Error {
	switch code {
	case 4001, 130429, 131048, 131056:
		return connectors.RateLimited(0)
	case 500, 4002, 131000, 131016, 131057:
		return connectors.Retryable(nil)
	}
	return nil
}
