package twilio

import "github.com/switchhook/switchhook/connectors"

const (
	fieldAccountSID = "accountSid"
	fieldAuthToken  = "authToken"
	fieldKeySID     = "apiKeySid"
	fieldKeySecret  = "apiKeySecret"
	fieldNumber     = "phoneNumber"
	fieldService    = "messagingServiceSid"
)

// fields describes the settings of a channel. The two kinds differ in the number alone: an SMS sender may be a short code.
func fields(whatsapp bool) []connectors.Field {
	number := connectors.Field{
		Key: fieldNumber, Label: "Phone number", Type: connectors.FieldText, Required: true, Placeholder: "+16311113333",
		Pattern: `\+?[0-9][0-9 ().-]{2,23}`,
		Help:    "Your Twilio number with its country code, such as +16311113333, or your short code.",
	}
	if whatsapp {
		number = connectors.Field{
			Key: fieldNumber, Label: "WhatsApp number", Type: connectors.FieldPhone, Required: true, Placeholder: "+14155238886",
			Help: "Your WhatsApp sender at Twilio with its country code. While you try things out it is the number of Twilio's WhatsApp sandbox.",
		}
	}
	return []connectors.Field{
		{
			Key: fieldAccountSID, Label: "Account SID", Type: connectors.FieldText, Required: true,
			Pattern: "AC[0-9a-fA-F]{32}", Placeholder: "AC…",
			Help: "It begins with AC and stands on the front page of the Twilio console.",
		},
		{
			Key: fieldAuthToken, Label: "Auth token", Type: connectors.FieldText, Required: true, Secret: true,
			Help: "It stands below the account SID in the Twilio console. Twilio signs what it sends us with it, so it is needed even with an API key.",
		},
		number,
		{
			Key: fieldService, Label: "Messaging service SID", Type: connectors.FieldText, Pattern: "MG[0-9a-fA-F]{32}", Placeholder: "MG…",
			Help: "Only where you send through a messaging service: it begins with MG. The number must belong to the service.",
		},
		{
			Key: fieldKeySID, Label: "API key SID", Type: connectors.FieldText, Pattern: "SK[0-9a-fA-F]{32}", Placeholder: "SK…",
			Help: "Only where you want calls to be made with an API key in place of the auth token: it begins with SK. Give its secret too.",
		},
		{
			Key: fieldKeySecret, Label: "API key secret", Type: connectors.FieldText, Secret: true,
			Help: "The secret of the API key. Twilio shows it once, when the key is made.",
		},
	}
}
