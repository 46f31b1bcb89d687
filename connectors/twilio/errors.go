package twilio

import (
	"encoding/json"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

// failure gives an answer without success its meaning: by the status first, because Twilio splits its codes over time, and by
// the code where the status only says that the request is at fault.
func (c *conn) failure(response httpcall.Response) *connectors.Error {
	refusal := readRefusal(response.Body)
	failed := response.Classify(c.now(), refusal)
	if refusal == nil {
		return failed
	}
	known := refusalOf(refusal.Code)
	switch {
	case known == nil:
	case failed.Kind == connectors.KindRejected, failed.Kind == connectors.KindUnlinked && known.Kind == connectors.KindUnlinked:
		known.Provider, known.Err = failed.Provider, failed.Err
		if known.Kind == connectors.KindRateLimited {
			known.After = httpcall.RetryAfter(response.Header.Get("Retry-After"), c.now())
		}
		return known
	}
	return failed
}

// readRefusal reads Twilio's error object, or returns nil where a body is none.
func readRefusal(body []byte) *connectors.ProviderError {
	var refusal connectors.ProviderError
	if err := json.Unmarshal(body, &refusal); err != nil || refusal.Code <= 0 {
		return nil
	}
	refusal.Raw = json.RawMessage(body)
	return &refusal
}

// refusalOf returns the meaning of an error code of Twilio's, or nil for one that is not known here. The codes are from Twilio's
// error dictionary.
func refusalOf(code int) *connectors.Error {
	for _, class := range [...]func(int) *connectors.Error{recipientRefusal, senderRefusal, contentRefusal, windowRefusal, accountRefusal, overload} {
		if refusal := class(code); refusal != nil {
			return refusal
		}
	}
	return nil
}

func recipientRefusal(code int) *connectors.Error {
	rejected := func(message string) *connectors.Error {
		return connectors.Rejected(connectors.CodeInvalidRecipient, message, "to")
	}
	switch code {
	case 21211, 21214, 21217, 21604, 63003, 63024, 30005:
		return rejected("Twilio does not know this recipient. Check the number and its country code.")
	case 21265:
		return rejected("A short code cannot be a recipient. Send to a phone number.")
	case 21266:
		return rejected("The recipient is this channel's own number. Send to another one.")
	case 21612:
		return rejected("Twilio cannot connect this sender with this recipient. Send from a number that reaches the recipient's country.")
	case 21614, 21635, 30006:
		return rejected("This number takes no text messages: it is a landline or its carrier is not reachable. Send to a mobile number.")
	case 30003:
		return rejected("The recipient's phone was switched off or out of reach. Send again later.")
	case 30004:
		return rejected("The recipient or their carrier blocks messages from this sender.")
	case 21610:
		return connectors.Rejected(connectors.CodeRecipientOptOut, "The recipient has answered STOP and gets nothing from this number until they send START.", "to")
	}
	return nil
}

func senderRefusal(code int) *connectors.Error {
	rejected := func(message string) *connectors.Error {
		return connectors.Rejected(connectors.CodeInvalidSender, message, "")
	}
	switch code {
	case 21212, 21601, 21603, 21606, 21659, 63001, 63002, 63007, 63008:
		return rejected("Twilio does not accept this channel's number as a sender. Check in the Twilio console that the number is yours and can send such messages.")
	case 21607, 21608:
		return rejected("A Twilio trial account sends only to numbers that you have verified. Verify this number in the Twilio console, or upgrade the account.")
	case 21408:
		return rejected("Your Twilio account may not send to this country. Allow it in the Twilio console under messaging geographic permissions.")
	case 21701, 21702, 21703, 21704, 21705:
		return rejected("The messaging service cannot be used. Check its SID in the channel's settings, and that it has a sender.")
	case 21910:
		return rejected("Sender and recipient are not both WhatsApp or both phone numbers. Use the channel that fits the recipient.")
	case 30022, 30023, 30027, 30032:
		return rejected("Carriers limit this number until it is registered or verified. Complete the registration in the Twilio console, or wait for tomorrow's quota.")
	}
	return nil
}

func contentRefusal(code int) *connectors.Error {
	rejected := func(message, field string) *connectors.Error {
		return connectors.Rejected(connectors.CodeInvalidContent, message, field)
	}
	switch code {
	case 21602:
		return rejected("The message is empty. Give it a text, a file or a template.", "text")
	case 21605, 21617, 21618, 63005, 63006, 63013, 63034:
		return rejected("Twilio or WhatsApp does not take this content. Shorten or change the text.", "text")
	case 21620, 63019:
		return rejected("Twilio could not load the file. Its address must be public and answer without login.", "media")
	case 21623:
		return rejected("There are too many files in one message. Send the others in further messages.", "media")
	case 63021:
		return rejected("WhatsApp does not take this content or this type of file.", "media")
	case 21654, 21655, 21656, 63027, 63028, 63029, 63030, 63041:
		return rejected("The template or its variables do not fit. Check the content SID, the variables and that the template is approved.", "template")
	case 30007:
		return rejected("A carrier or Twilio filtered the message as unwanted. Change the text and look into the carrier's rules.", "text")
	case 30008:
		return connectors.Rejected(httpcall.CodeProviderRejected, "The carrier did not deliver the message and does not say why.", "")
	}
	return nil
}

func windowRefusal(code int) *connectors.Error {
	rejected := func(message string) *connectors.Error {
		return connectors.Rejected(connectors.CodeWindowExpired, message, "to")
	}
	switch code {
	case 63016:
		return rejected("The 24-hour window of this person is closed. Send an approved template, or wait for a message from them.")
	case 63032:
		return rejected("WhatsApp limits messages to this person for now. Wait for a message from them.")
	case 63015:
		return rejected("This person has not joined your Twilio WhatsApp sandbox. Let them send its join code to the sandbox number.")
	}
	return nil
}

func accountRefusal(code int) *connectors.Error {
	switch code {
	case 20003:
		return connectors.Unlinked(connectors.CodeAuthFailed, "Twilio refuses this channel's credentials. Enter the account SID and the auth token, or the API key, again.")
	case 20004:
		return connectors.Unlinked(connectors.CodeAuthFailed, "These are Twilio's test credentials, which cannot do this. Enter the live ones.")
	case 20005, 30002, 21472:
		return suspended()
	}
	return nil
}

func suspended() *connectors.Error {
	return connectors.Unlinked(connectors.CodeAccountSuspended, "The Twilio account is suspended or closed. Look into the Twilio console for the reason.")
}

// overload covers what Twilio states was never processed.
func overload(code int) *connectors.Error {
	switch code {
	case 20429, 21611, 30001, 63017, 63018:
		return connectors.RateLimited(0)
	case 20500, 20503, 63009, 63010, 63012:
		return connectors.Retryable(nil)
	}
	return nil
}
