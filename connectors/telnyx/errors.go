package telnyx

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// firstDeliveryCode is where the codes of messaging begin; below are those of the API.
const firstDeliveryCode = 40000

// codeSpendLimit is this connector's own code: Telnyx sends nothing more until the limit is raised or its period ends.
const codeSpendLimit = "spend_limit_reached"

// problem is one of the error objects of Telnyx.
type problem struct {
	Code   json.RawMessage `json:"code"` // a string, by the specification
	Title  string          `json:"title"`
	Detail string          `json:"detail"`
	Source struct {
		Pointer   string `json:"pointer"`
		Parameter string `json:"parameter"`
	} `json:"source"`
}

func (p problem) code() int {
	code, err := strconv.Atoi(strings.Trim(string(p.Code), `"`))
	if err != nil || code < 0 {
		return 0
	}
	return code
}

// concernsSender tells whether the error is about the request's from.
func (p problem) concernsSender() bool {
	return p.Source.Parameter == "from" || strings.HasSuffix(p.Source.Pointer, "/from")
}

// meaning chooses from a list of errors the first that is known here, else the first. Both results are nil where there is no
// error in the list; the second is also nil for a code that is not known.
func meaning(list []json.RawMessage) (own *connectors.ProviderError, known *connectors.Error) {
	for _, raw := range list {
		var p problem
		if !decode(raw, &p) || (p.code() == 0 && p.Title == "" && p.Detail == "") {
			continue
		}
		known = refusalOf(p.code(), p.concernsSender())
		if own != nil && known == nil {
			continue
		}
		words := clean(p.Detail)
		if words == "" {
			words = clean(p.Title)
		}
		own = &connectors.ProviderError{Code: p.code(), Message: words, Raw: raw}
		if known != nil {
			return own, known
		}
	}
	return own, nil
}

// failure gives an answer without success its meaning: by the status first, and by the code where the status only says that
// the request is at fault.
func (c *conn) failure(response httpcall.Response) *connectors.Error {
	var body struct {
		Errors []json.RawMessage `json:"errors"`
	}
	decode(response.Body, &body) // what cannot be read is not of Telnyx, which Classify considers
	own, known := meaning(body.Errors)
	failed := response.Classify(c.now(), own)
	if known != nil && (failed.Kind == connectors.KindRejected || failed.Kind == known.Kind) {
		known.Provider, known.Err, known.After = own, failed.Err, failed.After
		failed = known
	}
	if failed.Kind == connectors.KindRateLimited && failed.After == 0 {
		failed.After = pause(response.Header.Get)
	}
	return failed
}

// pause reads how long Telnyx wants us to wait: x-ratelimit-reset is in seconds from now.
func pause(header func(name string) string) time.Duration {
	for _, name := range []string{"Retry-After", "X-Ratelimit-Reset"} {
		if after := httpcall.RetryAfter(header(name), time.Time{}); after > 0 {
			return min(after, httpcall.MaxRetryAfter)
		}
	}
	return 0
}

// refusalOf returns the meaning of an error code of Telnyx's, or nil for one that is not known here. The codes are from Telnyx's
// lists of API and messaging errors; those from 40001 on mostly come later, with message.finalized.
func refusalOf(code int, sender bool) *connectors.Error {
	rejected := connectors.Rejected
	if code >= firstDeliveryCode {
		return deliveryRefusal(code)
	}
	switch code {
	case 10002, 10016:
		if sender {
			return rejected(connectors.CodeInvalidSender, "Telnyx does not accept this channel's number as a sender. Check it in the channel's settings.", "")
		}
		return rejected(connectors.CodeInvalidRecipient, "Telnyx does not know this recipient. Check the number and its country code.", "to")
	case 10003:
		return rejected(connectors.CodeInvalidContent, "Telnyx does not take the address of a file. It must be public and begin with https://.", "media")
	case 10004, 10015:
		return rejected(connectors.CodeInvalidContent, "Telnyx does not take this content. Its own words say why; correct the message before you send it again.", "text")
	case 10005:
		return wrongSender()
	case 10009:
		return connectors.Unlinked(connectors.CodeAuthFailed, "Telnyx refuses this channel's API key. Enter a working one in the channel's settings.")
	case 10010:
		return connectors.Unlinked(connectors.CodeAuthFailed, "This API key may not do that. Enter one that may send messages, and check the account in the Telnyx portal.")
	case 10007, 10008:
		return connectors.Retryable(nil)
	case 10011:
		return connectors.RateLimited(0)
	}
	return nil
}

func wrongSender() *connectors.Error {
	return connectors.Rejected(connectors.CodeInvalidSender, "Telnyx does not accept this channel's number or profile as a sender. Check in the Telnyx portal that the number is yours and belongs to a messaging profile.", "")
}

// deliveryRefusal is refusalOf for the codes of messaging.
func deliveryRefusal(code int) *connectors.Error {
	rejected := connectors.Rejected
	switch code {
	case 40001:
		return rejected(connectors.CodeInvalidRecipient, "This number takes no text messages: it may be a landline. Send to a mobile number.", "to")
	case 40002, 40003:
		return rejected(connectors.CodeInvalidContent, "A carrier or Telnyx filtered the message as unwanted. Change the text and look into the carrier's rules.", "text")
	case 40004, 40006, 40011:
		later := connectors.Retryable(nil)
		later.Message = "The recipient's carrier did not take the message for the moment. Send it again later."
		return later
	case 40009:
		return rejected(connectors.CodeInvalidContent, "Telnyx does not take the text of this message. Change it before you send it again.", "text")
	case 40305:
		return wrongSender()
	case 40008:
		return rejected(connectors.CodeInvalidRecipient, "The message could not be delivered to this number. Check that it is in use and takes text messages.", "to")
	case 40300:
		return rejected(connectors.CodeRecipientOptOut, "The recipient has answered STOP and gets nothing from this number until they send START.", "to")
	case 40310:
		return rejected(connectors.CodeInvalidRecipient, "Telnyx does not know this recipient. Check the number and its country code.", "to")
	case 40333:
		return rejected(codeSpendLimit, "The messaging profile's spend limit is reached. Raise it in the Telnyx portal, or wait for its next period.", "")
	}
	return nil
}
