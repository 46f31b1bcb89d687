// Package gupshup connects WhatsApp numbers at Gupshup, with the API for self-service accounts: messages by /wa/api/v1, and
// callbacks of version 2.
package gupshup

import (
	"net/http"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
)

// Kind is the kind of channel that this package opens.
const Kind = "gupshup_whatsapp"

const (
	defaultBaseURL = "https://api.gupshup.io"
	window         = 24 * time.Hour // WhatsApp's customer service window
	maxText        = 4096           // characters of a text message
	maxCaption     = 1024           // characters below a file
	maxImageBytes  = 5 << 20        // WhatsApp's limits of one file by its type
	maxClipBytes   = 16 << 20       // audio and video
	maxFileBytes   = 100 << 20      // everything else
)

const (
	fieldAPIKey = "apiKey"
	fieldApp    = "appName"
	fieldNumber = "phoneNumber"
	fieldToken  = "callbackToken"
)

// Options configures the network.
type Options struct {
	BaseURL string // where the API is, without a path; empty: https://api.gupshup.io
}

// Connector is WhatsApp at Gupshup.
type Connector struct {
	baseURL string
}

var (
	_ connectors.Connector = Connector{}
	_ connectors.Sender    = (*conn)(nil)
	_ connectors.Receiver  = (*conn)(nil)
	_ connectors.Checker   = (*conn)(nil)
)

// New returns the connector.
func New(options Options) Connector {
	if options.BaseURL == "" {
		return Connector{baseURL: defaultBaseURL}
	}
	return Connector{baseURL: strings.TrimRight(options.BaseURL, "/")}
}

// Info describes the kind.
func (Connector) Info() connectors.Info {
	return connectors.Info{
		Kind: Kind, Name: "Gupshup WhatsApp", Platform: "whatsapp", KeyPrefix: "gswa",
		DocsURL: "https://docs.gupshup.io/docs/whatsapp-overview", Window: window,
		Limits: connectors.Limits{TextLength: maxText, MediaCount: 1, MediaBytes: maxFileBytes},
		Abilities: []connectors.Ability{
			connectors.AbilitySend, connectors.AbilityReceive, connectors.AbilityStatus,
			connectors.AbilityMedia, connectors.AbilityTemplate, connectors.AbilityCheck,
		},
		Fields: fields(),
	}
}

func fields() []connectors.Field {
	return []connectors.Field{
		{
			Key: fieldAPIKey, Label: "API key", Type: connectors.FieldText, Required: true, Secret: true,
			Help: "The API key of your Gupshup account, from the top of its dashboard or the app's settings.",
		},
		{
			Key: fieldApp, Label: "App name", Type: connectors.FieldText, Required: true, Placeholder: "MyApp",
			Help: "The name of the app that has your WhatsApp number, as the Gupshup dashboard shows it.",
		},
		{
			Key: fieldNumber, Label: "WhatsApp number", Type: connectors.FieldPhone, Required: true, Placeholder: "+919876543210",
			Help: "The number that the app is registered with, with its country code.",
		},
		{
			Key: fieldToken, Label: "Callback token", Type: connectors.FieldText, Required: true, Secret: true, Pattern: `[A-Za-z0-9_-]{24,128}`,
			Help: "Gupshup does not sign its callbacks, so a token that nobody can guess stands in: 24 to 128 letters, digits, - and _. " +
				"Make one, for example with: openssl rand -hex 32. In Gupshup, enter the channel's callback address followed by ?token= and the token.",
		},
	}
}

// Address returns the channel's number in digits.
func (Connector) Address(config connectors.Config) (string, error) {
	number := connectors.Digits(config[fieldNumber])
	if number == "" {
		return "", connectors.Rejected("invalid_field", "WhatsApp number must be a phone number with its country code, such as +919876543210.", fieldNumber)
	}
	return number, nil
}

// Open makes a channel.
func (c Connector) Open(channel connectors.Channel, host connectors.Host) (connectors.Conn, error) {
	address, err := c.Address(channel.Config)
	if err != nil {
		return nil, err
	}
	return &conn{
		info: c.Info(), baseURL: c.baseURL, address: address,
		apiKey: channel.Config[fieldAPIKey], app: channel.Config[fieldApp], token: channel.Config[fieldToken],
		http: host.HTTP, now: host.Now,
	}, nil
}

// conn is one WhatsApp number.
type conn struct {
	info    connectors.Info
	baseURL string
	address string // digits
	apiKey  string
	app     string
	token   string // what callbacks must show

	http *http.Client
	now  func() time.Time
}

// Close does nothing: connections belong to the host's client.
func (c *conn) Close() error { return nil }
