// Package all is the list of the networks. A new one is a folder beside this one and a line in New.
package all

import (
	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/sandbox"
	"github.com/switchhook/switchhook/connectors/twilio"
)

const twilioBaseURL = "TWILIO_BASE_URL"

// New returns every network by its kind. setting gives an operator's setting by its name, such as TWILIO_BASE_URL, or "".
func New(setting func(name string) string) map[string]connectors.Connector {
	return map[string]connectors.Connector{
		sandbox.Kind:        sandbox.New(),
		twilio.KindSMS:      twilio.NewSMS(twilio.Options{BaseURL: setting(twilioBaseURL)}),
		twilio.KindWhatsApp: twilio.NewWhatsApp(twilio.Options{BaseURL: setting(twilioBaseURL)}),
	}
}

// Settings returns the names of the operator's settings that connectors read.
func Settings() []string { return []string{twilioBaseURL} }

// BaseURLs returns the addresses that an operator has set in place of the networks' own. They are trusted: they may lie in a private
// network and be plain http.
func BaseURLs(setting func(name string) string) []string {
	var set []string
	for _, name := range Settings() {
		if address := setting(name); address != "" {
			set = append(set, address)
		}
	}
	return set
}
