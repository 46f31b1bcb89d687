// Package connectors is the contract that every network fulfils.
//
// A Connector describes one kind of channel and opens channels of that kind. What an opened channel (a Conn) can do is
// told by the small ability interfaces of ability.go, found by type assertion. Connectors never see the database, the
// HTTP server or the task queue: they get plain values, and answer with plain values and the errors of errors.go.
package connectors

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Connector is one kind of channel, such as "twilio_sms". It is stateless and safe for concurrent use.
type Connector interface {
	// Info describes the kind: its fields, abilities and limits. It is constant and does no input or output.
	Info() Info

	// Address derives the channel's own address (a phone number in digits, a page id, a profile) from a configuration
	// that has passed ValidateConfig. It does no network calls. A field that does not fit is a Rejected error naming it.
	Address(config Config) (string, error)

	// Open makes a Conn of a stored channel. It must not block or call the network; trouble of that kind
	// shows when the Conn is used. A Conn is safe for concurrent use and may be kept as long as the channel's
	// configuration does not change.
	Open(channel Channel, host Host) (Conn, error)
}

// Conn is one opened channel. Its abilities are the interfaces in ability.go that it also implements.
type Conn interface {
	// Close frees what the Conn holds. It is called once, when the channel is changed, deleted or the process stops.
	Close() error
}

// Channel is what a connector may know of a stored channel.
type Channel struct {
	ID          string // "chan_…", opaque
	Address     string // what Connector.Address returned
	Config      Config // unsealed
	CallbackURL string // the public URL that the provider calls for this channel, without a query
}

// Host is what the core lends to an open channel.
type Host struct {
	HTTP   *http.Client     // the guarded door to the network's own API (safehttp); never http.DefaultClient
	Public *http.Client     // the same for addresses that users give: it reaches no host only because an operator's setting names it
	Logger *slog.Logger     // carries the channel's id; must never be given a secret
	Now    func() time.Time // the clock
	Tokens TokenKeeper      // renews the channel's credentials where they end by themselves

	// Dial opens a guarded TCP connection for a protocol other than HTTP (safehttp.Client.Dial): private addresses are refused unless the
	// operator has opened them. Only linked devices need it; elsewhere it may be nil.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Config holds a channel's settings by Field.Key. All values are strings, as a form sends them.
type Config map[string]string

// Info describes a kind of channel. GET /v1/connectors shows it as it is.
type Info struct {
	Kind      string        `json:"kind"`      // "twilio_sms"
	Name      string        `json:"name"`      // "Twilio SMS"
	Platform  string        `json:"platform"`  // the network as the send endpoints name it: "sms", "whatsapp", "facebook", …
	KeyPrefix string        `json:"keyPrefix"` // first part of the channel key, and the provider code of the Sociocs contract: "twlo"
	DocsURL   string        `json:"docsUrl"`
	Abilities []Ability     `json:"abilities"`
	Limits    Limits        `json:"limits"`
	Window    time.Duration `json:"-"` // how long after an inbound message free-form messages may be sent; 0: always
	Fields    []Field       `json:"fields"`

	Post *PostInfo `json:"post,omitempty"` // what posts it takes; nil where it publishes none

	PageField string `json:"-"` // key of the field that holds the Facebook Page of a channel whose address is another; or empty
}

// Ability names what a kind of channel can do, for clients of the API.
type Ability string

// The abilities.
const (
	AbilitySend     Ability = "send"     // Sender
	AbilityReceive  Ability = "receive"  // Receiver
	AbilityStatus   Ability = "status"   // reports message.status
	AbilityMedia    Ability = "media"    // sends media
	AbilityTemplate Ability = "template" // sends templates
	AbilityCheck    Ability = "check"    // Checker
	AbilitySimulate Ability = "simulate" // Simulator
	AbilityRich     Ability = "rich"     // sends locations, contacts and reactions
)

// Limits are what the network allows; they are checked before any call. Zero means no limit of its own.
type Limits struct {
	TextLength int      `json:"textLength,omitempty"` // in Unicode code points
	MediaCount int      `json:"mediaCount,omitempty"` // files in one message
	MediaBytes int64    `json:"mediaBytes,omitempty"` // bytes of one file
	MediaTypes []string `json:"mediaTypes,omitempty"` // "image/png", or "image/*"
}
