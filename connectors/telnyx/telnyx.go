// Package telnyx connects Telnyx Messaging, API version 2: SMS and MMS as telnyx_sms.
package telnyx

import (
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
)

// Kind is the kind of channel that this package opens.
const Kind = "telnyx_sms"

const (
	defaultBaseURL = "https://api.telnyx.com"
	maxText        = 1530    // ten parts of 153 characters; Telnyx takes no more parts, and itself refuses longer texts of 70-character parts
	maxMedia       = 10      // media_urls of one message
	maxMediaBytes  = 1 << 20 // of all files together
	maxShortCode   = 6       // the most digits of a short code; a number with its country code has more
)

const (
	fieldAPIKey    = "apiKey"
	fieldPublicKey = "publicKey"
	fieldNumber    = "phoneNumber"
	fieldProfile   = "messagingProfileId"
)

// Options configures the network.
type Options struct {
	BaseURL string // where the API is, without a path; empty: https://api.telnyx.com
}

// Connector is Telnyx SMS and MMS.
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
		Kind: Kind, Name: "Telnyx SMS", Platform: "sms", KeyPrefix: "tlnx",
		DocsURL: "https://developers.telnyx.com/docs/messaging",
		Limits:  connectors.Limits{TextLength: maxText, MediaCount: maxMedia, MediaBytes: maxMediaBytes},
		Abilities: []connectors.Ability{
			connectors.AbilitySend, connectors.AbilityReceive, connectors.AbilityStatus, connectors.AbilityMedia, connectors.AbilityCheck,
		},
		Fields: fields(),
	}
}

func fields() []connectors.Field {
	return []connectors.Field{
		{
			Key: fieldAPIKey, Label: "API key", Type: connectors.FieldText, Required: true, Secret: true, Placeholder: "KEY…",
			Help: "A V2 API key from the Telnyx portal, under Account, Keys & Credentials. Telnyx shows it once, when it is made.",
		},
		{
			Key: fieldPublicKey, Label: "Public key", Type: connectors.FieldText, Required: true, Pattern: `[A-Za-z0-9+/]{43}=`,
			Help: "It stands in the Telnyx portal under Account, Keys & Credentials, Public Key. What Telnyx sends us is verified with it.",
		},
		{
			Key: fieldNumber, Label: "Phone number", Type: connectors.FieldText, Required: true, Placeholder: "+16311113333",
			Pattern: `\+?[0-9][0-9 ().-]{2,23}`,
			Help:    "Your Telnyx number with its country code, such as +16311113333, or your short code.",
		},
		{
			Key: fieldProfile, Label: "Messaging profile ID", Type: connectors.FieldText,
			Pattern: `[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`,
			Help:    "Only where the number is not enough for Telnyx to know the profile: the profile's ID, from Messaging in the Telnyx portal.",
		},
	}
}

// Address returns the channel's number in digits.
func (Connector) Address(config connectors.Config) (string, error) {
	if publicKey(config) == nil {
		return "", connectors.Rejected("invalid_field", "Public key must be the one of the Telnyx portal: 44 characters that end with =.", fieldPublicKey)
	}
	number := phoneOrShortCode(config[fieldNumber])
	if number == "" {
		return "", connectors.Rejected("invalid_field", "Phone number must be your Telnyx number with its country code, such as +16311113333.", fieldNumber)
	}
	return number, nil
}

// publicKey returns the key that callbacks are verified with, or nil where there is none.
func publicKey(config connectors.Config) ed25519.PublicKey {
	key, err := base64.StdEncoding.DecodeString(config[fieldPublicKey])
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil
	}
	return key
}

// phoneOrShortCode returns the digits of a phone number or of a short code (three to six digits), or "".
func phoneOrShortCode(number string) string {
	if digits := connectors.Digits(number); digits != "" {
		return digits
	}
	number = strings.TrimSpace(number)
	if len(number) >= 3 && len(number) < maxShortCode && strings.Trim(number, "0123456789") == "" {
		return number
	}
	return ""
}

// Open makes a channel.
func (c Connector) Open(channel connectors.Channel, host connectors.Host) (connectors.Conn, error) {
	address, err := c.Address(channel.Config)
	if err != nil {
		return nil, err
	}
	return &conn{
		info: c.Info(), baseURL: c.baseURL, address: address, callbackURL: channel.CallbackURL,
		apiKey: channel.Config[fieldAPIKey], publicKey: publicKey(channel.Config), profile: channel.Config[fieldProfile],
		http: host.HTTP, now: host.Now,
	}, nil
}

// conn is one Telnyx number.
type conn struct {
	info        connectors.Info
	baseURL     string
	address     string // digits
	callbackURL string
	apiKey      string
	publicKey   ed25519.PublicKey
	profile     string // messaging profile id, or empty

	http *http.Client
	now  func() time.Time
}

// Close does nothing: connections belong to the host's client.
func (c *conn) Close() error { return nil }
