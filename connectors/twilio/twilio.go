// Package twilio connects Twilio's Programmable Messaging, API version 2010-04-01: SMS and MMS as twilio_sms, and
// WhatsApp as twilio_whatsapp. Both are one API; they differ in the form of addresses and in a few limits.
package twilio

import (
	"net/http"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
)

// The kinds of channel that this package opens.
const (
	KindSMS      = "twilio_sms"
	KindWhatsApp = "twilio_whatsapp"
)

const (
	defaultBaseURL = "https://api.twilio.com"
	whatsappPrefix = "whatsapp:"
	window         = 24 * time.Hour // WhatsApp's customer service window
	maxText        = 1600           // characters of Body; longer is error 21617
	maxMediaSMS    = 10             // MediaUrl may be repeated ten times
	maxBytesSMS    = 5 << 20        // of an image; carriers take less of other types
	maxBytesWA     = 16 << 20       // of a WhatsApp message, by Twilio's guide to WhatsApp media
)

// Options configures the network.
type Options struct {
	BaseURL string // where the API is, without a path; empty: https://api.twilio.com
}

// Connector is Twilio SMS or Twilio WhatsApp.
type Connector struct {
	baseURL  string
	whatsapp bool
}

var (
	_ connectors.Connector    = Connector{}
	_ connectors.Sender       = (*conn)(nil)
	_ connectors.Receiver     = (*conn)(nil)
	_ connectors.Checker      = (*conn)(nil)
	_ connectors.MediaFetcher = (*conn)(nil)
)

// NewSMS returns Twilio SMS.
func NewSMS(options Options) Connector { return Connector{baseURL: baseURL(options)} }

// NewWhatsApp returns Twilio WhatsApp.
func NewWhatsApp(options Options) Connector {
	return Connector{baseURL: baseURL(options), whatsapp: true}
}

func baseURL(options Options) string {
	if options.BaseURL == "" {
		return defaultBaseURL
	}
	return strings.TrimRight(options.BaseURL, "/")
}

// Info describes the kind.
func (c Connector) Info() connectors.Info {
	info := connectors.Info{
		Kind: KindSMS, Name: "Twilio SMS", Platform: "sms", KeyPrefix: "twlo",
		DocsURL: "https://www.twilio.com/docs/messaging",
		Limits:  connectors.Limits{TextLength: maxText, MediaCount: maxMediaSMS, MediaBytes: maxBytesSMS},
	}
	if c.whatsapp {
		info = connectors.Info{
			Kind: KindWhatsApp, Name: "Twilio WhatsApp", Platform: "whatsapp", KeyPrefix: "twlowa",
			DocsURL: "https://www.twilio.com/docs/whatsapp", Window: window,
			Limits: connectors.Limits{TextLength: maxText, MediaCount: 1, MediaBytes: maxBytesWA},
		}
	}
	info.Fields = fields(c.whatsapp)
	info.Abilities = []connectors.Ability{
		connectors.AbilitySend, connectors.AbilityReceive, connectors.AbilityStatus,
		connectors.AbilityMedia, connectors.AbilityTemplate, connectors.AbilityCheck,
	}
	return info
}

// Address returns the channel's number in digits, and finds what is wrong between fields.
func (c Connector) Address(config connectors.Config) (string, error) {
	switch hasSID, hasSecret := config[fieldKeySID] != "", config[fieldKeySecret] != ""; {
	case hasSID && !hasSecret:
		return "", connectors.Rejected("invalid_field", "An API key SID needs its secret. Enter the API key secret, or leave both empty.", fieldKeySecret)
	case hasSecret && !hasSID:
		return "", connectors.Rejected("invalid_field", "An API key secret needs its SID. Enter the API key SID, or leave both empty.", fieldKeySID)
	}
	number := phoneOrShortCode(config[fieldNumber])
	if number == "" {
		return "", connectors.Rejected("invalid_field", "Phone number must be your Twilio number with its country code, such as +16311113333.", fieldNumber)
	}
	return number, nil
}

// Open makes a channel.
func (c Connector) Open(channel connectors.Channel, host connectors.Host) (connectors.Conn, error) {
	address, err := c.Address(channel.Config)
	if err != nil {
		return nil, err
	}
	opened := &conn{
		info: c.Info(), whatsapp: c.whatsapp, baseURL: c.baseURL, address: address,
		callbackURL: channel.CallbackURL,
		accountSID:  channel.Config[fieldAccountSID], authToken: channel.Config[fieldAuthToken],
		service: channel.Config[fieldService],
		http:    host.HTTP, now: host.Now,
	}
	opened.user, opened.password = opened.accountSID, opened.authToken
	if sid := channel.Config[fieldKeySID]; sid != "" {
		opened.user, opened.password = sid, channel.Config[fieldKeySecret]
	}
	return opened, nil
}

// conn is one Twilio number.
type conn struct {
	info        connectors.Info
	whatsapp    bool
	baseURL     string
	address     string // digits
	callbackURL string

	accountSID, authToken string // the token also signs callbacks
	user, password        string // what calls are made with: the API key where there is one
	service               string // messaging service SID, or empty

	http *http.Client
	now  func() time.Time
}

// Close does nothing: connections belong to the host's client.
func (c *conn) Close() error { return nil }
