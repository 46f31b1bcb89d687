package whatsappcloud

import (
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/meta"
)

// Codes of refusals that only WhatsApp has.
const (
	CodeWithheld        = "delivery_withheld" // WhatsApp keeps this message from this person, whatever we do
	CodePaymentRequired = "payment_required"  // the business account cannot be charged
	CodeNotRegistered   = "not_registered"    // the number is not registered for the Cloud API
)

// pairPause is how long one recipient rests that has had messages too fast: Meta lets about one through in six seconds.
const pairPause = 6 * time.Second

// refusalOf returns the meaning of an error code of the Cloud API, in an answer or in the report of a failed message; nil for one that
// means the same to all of Meta's networks. The codes are from Meta's list of the Cloud API's error codes.
func refusalOf(code, _ int) *connectors.Error {
	for _, class := range [...]func(code int) *connectors.Error{recipientRefusal, templateRefusal, contentRefusal, accountRefusal, passing} {
		if refusal := class(code); refusal != nil {
			return refusal
		}
	}
	return nil
}

func recipientRefusal(code int) *connectors.Error {
	switch code {
	case 131047:
		return connectors.Rejected(connectors.CodeWindowExpired, "The 24-hour window of this person is closed. Wait for a message from them, or send a template.", "to")
	case 131026:
		return connectors.Rejected(connectors.CodeInvalidRecipient, "WhatsApp cannot deliver to this number: it has no WhatsApp, an old version of it, or has not accepted the present terms.", "to")
	case 131030:
		return connectors.Rejected(connectors.CodeInvalidRecipient, "A test number sends only to numbers on its list. Add the recipient under API setup in your app, or use a number of your own.", "to")
	case 131021:
		return connectors.Rejected(connectors.CodeInvalidRecipient, "The recipient is the channel's own number. Send to another one.", "to")
	case 131062:
		return connectors.Rejected(connectors.CodeInvalidRecipient, "This kind of message cannot be sent to a user id. Send it to the person's phone number.", "to")
	case 131050:
		return connectors.Rejected(connectors.CodeRecipientOptOut, "This person wants no marketing messages from this business. Send none until they agree again.", "to")
	case 130472:
		return connectors.Rejected(CodeWithheld, "Meta keeps marketing from this person in an experiment of its own. Reach them in another way.", "to")
	case 131049:
		return connectors.Rejected(CodeWithheld, "WhatsApp keeps this message back because the person gets many like it. Do not send it again within 24 hours.", "to")
	case 130497:
		return connectors.Rejected(CodeWithheld, "WhatsApp does not let this business write to people in the recipient's country.", "to")
	}
	return nil
}

func templateRefusal(code int) *connectors.Error {
	rejected := func(message string) *connectors.Error {
		return connectors.Rejected(connectors.CodeInvalidContent, message, "template")
	}
	switch code {
	case 132000:
		return rejected("The template has another number of variables. Give exactly those that it was approved with.")
	case 132001:
		return rejected("There is no approved template with this name in this language. Compare both with the WhatsApp Manager.")
	case 132005:
		return rejected("The template's text is too long with these variables. Shorten them.")
	case 132007:
		return rejected("The template breaks a rule of WhatsApp's on content. Correct it in the WhatsApp Manager.")
	case 132008, 132012:
		return rejected("A variable has another form than the template was approved with. Compare it with the WhatsApp Manager.")
	case 132015:
		return rejected("WhatsApp has paused the template because people complained. Change it in the WhatsApp Manager, or wait.")
	case 132016:
		return rejected("WhatsApp has disabled the template for good. Make a new one.")
	case 132068, 132069:
		return rejected("The flow behind the template is blocked or slowed down. Correct it in the WhatsApp Manager.")
	}
	return nil
}

func contentRefusal(code int) *connectors.Error {
	rejected := func(message string) *connectors.Error {
		return connectors.Rejected(connectors.CodeInvalidContent, message, "")
	}
	switch code {
	case 131008:
		return rejected("WhatsApp misses a part of this message. Its own words say which.")
	case 131009:
		return rejected("WhatsApp does not take a value in this message. Its own words say which.")
	case 131051:
		return rejected("WhatsApp does not take messages of this type.")
	case 131052:
		return rejected("WhatsApp could not get the file that the person sent. Ask them to send it again.")
	case 135000:
		return rejected("WhatsApp does not take this message and does not say why. Compare the template and its variables with the WhatsApp Manager.")
	}
	return nil
}

func accountRefusal(code int) *connectors.Error {
	switch {
	case code == 0:
		return connectors.Unlinked(connectors.CodeAuthFailed, "The access token does not work. Make a new one and enter it in the channel's settings.")
	case code == 3, code == 10, code >= 200 && code <= 299, code == 131005:
		return connectors.Unlinked(connectors.CodeAuthFailed, "The access token or its app may not send for this number. Grant whatsapp_business_messaging, make a new token, and enter it in the channel's settings.")
	case code == 131031:
		return connectors.Unlinked(connectors.CodeAccountSuspended, "Meta has locked the WhatsApp Business account. Look for the reason in the Meta Business Suite.")
	case code == 131045, code == 133010:
		return connectors.Unlinked(CodeNotRegistered, "The number is not registered for the Cloud API. Register it in the WhatsApp Manager, and check the channel again.")
	case code == 131037:
		return connectors.Rejected(connectors.CodeInvalidSender, "The number has no approved display name yet. Have one approved in the WhatsApp Manager.", "")
	case code == 131042:
		return connectors.Rejected(CodePaymentRequired, "Meta cannot charge the business account. Set a payment method right in the WhatsApp Manager.", "")
	case code == 131063:
		return connectors.Rejected(meta.CodePermissionMissing, "The business account may not send messages of this kind. Look for what is missing in the WhatsApp Manager.", "")
	}
	return nil
}

// passing are the failures that go by.
func passing(code int) *connectors.Error {
	switch code {
	case 131000, 131016, 131053, 131057, 131064:
		return connectors.Retryable(nil)
	case 130429, 131048, 133016:
		return connectors.RateLimited(0)
	case 131056:
		return connectors.RateLimited(pairPause)
	}
	return nil
}
