// Package sandbox is a network that exists only here, so that every path through the product can be tried, and tested,
// without an account anywhere. Nothing that it "sends" leaves the process.
//
// What becomes of an outbound message is decided by the last four digits of its recipient:
//
//	…0001  rejected, invalid_recipient
//	…0002  rate limited for 2 seconds
//	…0003  unconfirmed: it is not known whether it went out
//	…0004  unlinked, auth_failed: the channel must be connected again
//	…0005  rejected, window_expired
//	…0006  retryable, provider_unavailable
//	…0007  accepted and delivered
//	…0008  accepted and read
//	other  accepted and sent
//
// Inbound messages come from Simulate or from signed callbacks; see callback.go. docs/sandbox.md tells users the same.
package sandbox

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
)

// Kind is the kind of channel that this package opens.
const Kind = "sandbox"

const (
	fieldNumber        = "number"
	fieldSigningSecret = "signingSecret"
	defaultNumber      = "15550000000"
	rateLimitWait      = 2 * time.Second
)

// Connector is the sandbox network.
type Connector struct{}

var (
	_ connectors.Connector = Connector{}
	_ connectors.Sender    = (*conn)(nil)
	_ connectors.Receiver  = (*conn)(nil)
	_ connectors.Checker   = (*conn)(nil)
	_ connectors.Simulator = (*conn)(nil)
)

// New returns the sandbox network.
func New() Connector { return Connector{} }

// Info describes the sandbox. Its limits are made up, low enough to be reached in a try.
func (Connector) Info() connectors.Info {
	return connectors.Info{
		Kind: Kind, Name: "Sandbox", Platform: "sandbox", KeyPrefix: "sandbox",
		DocsURL: "https://github.com/switchhook/switchhook/blob/main/docs/sandbox.md",
		Abilities: []connectors.Ability{
			connectors.AbilitySend, connectors.AbilityReceive, connectors.AbilityStatus,
			connectors.AbilityMedia, connectors.AbilityCheck, connectors.AbilitySimulate, connectors.AbilityPublish,
		},
		Post:   postInfo(),
		Limits: connectors.Limits{TextLength: 4096, MediaCount: 10, MediaBytes: 16 << 20},
		Fields: []connectors.Field{
			{
				Key: fieldNumber, Label: "Number", Type: connectors.FieldPhone, Default: defaultNumber, Placeholder: "+15550000000",
				Help: "The pretended phone number of this channel. Give each sandbox channel its own.",
			},
			{
				Key: fieldSigningSecret, Label: "Signing secret", Type: connectors.FieldText, Secret: true,
				Help: "Signs the callbacks that you make yourself. Without one, this channel refuses every callback; simulated messages work all the same.",
			},
		},
	}
}

// Address returns the channel's number in digits.
func (Connector) Address(config connectors.Config) (string, error) {
	number := config[fieldNumber]
	if number == "" {
		number = defaultNumber
	}
	digits := connectors.Digits(number)
	if digits == "" {
		return "", connectors.Rejected(connectors.CodeInvalidSender, "Number must be a phone number with its country code, such as +15550000000.", fieldNumber)
	}
	return digits, nil
}

// Open makes a channel. It cannot fail and uses nothing of the host.
func (c Connector) Open(channel connectors.Channel, _ connectors.Host) (connectors.Conn, error) {
	return &conn{info: c.Info(), address: channel.Address, secret: []byte(channel.Config[fieldSigningSecret])}, nil
}

type conn struct {
	info    connectors.Info
	address string
	secret  []byte
}

// Send pretends to send, with the outcome that the recipient's last digits ask for.
func (c *conn) Send(ctx context.Context, message connectors.OutMessage) (connectors.Receipt, error) {
	if err := connectors.CheckLimits(c.info, message); err != nil {
		return connectors.Receipt{}, err
	}
	if err := ctx.Err(); err != nil {
		return connectors.Receipt{}, connectors.Retryable(err)
	}
	if err := outcome(message.To); err != nil {
		return connectors.Receipt{}, err
	}
	receipt := connectors.Receipt{ProviderID: "sbx_" + message.ID, Status: connectors.StatusSent}
	switch lastDigits(message.To) {
	case "0007":
		receipt.Status = connectors.StatusDelivered
	case "0008":
		receipt.Status = connectors.StatusRead
	}
	return receipt, nil
}

// outcome returns the failure that a recipient stands for, or nil.
func outcome(to string) error {
	switch lastDigits(to) {
	case "0001":
		return connectors.Rejected(connectors.CodeInvalidRecipient, "The sandbox refuses recipients that end in 0001. Send to another number.", "to")
	case "0002":
		return connectors.RateLimited(rateLimitWait)
	case "0003":
		return connectors.Unconfirmed(errors.New("the sandbox pretends that no answer came"))
	case "0004":
		return connectors.Unlinked(connectors.CodeAuthFailed, "The sandbox pretends that this channel's credentials do not work any more. Check the channel to use it again.")
	case "0005":
		return connectors.Rejected(connectors.CodeWindowExpired, "The sandbox pretends that the 24-hour window of this person is closed. Wait for a message from them.", "to")
	case "0006":
		return connectors.Retryable(errors.New("the sandbox pretends to be down"))
	}
	return nil
}

// lastDigits returns the last four characters of a recipient, or "" where it is shorter.
func lastDigits(to string) string {
	to = strings.TrimSpace(to)
	if len(to) < 4 {
		return ""
	}
	return to[len(to)-4:]
}

// Check always finds the channel working.
func (c *conn) Check(context.Context) error { return nil }

// Simulate returns the message as if it had come in.
func (c *conn) Simulate(message connectors.SimulatedMessage) (connectors.InMessage, error) {
	if strings.TrimSpace(message.From) == "" {
		return connectors.InMessage{}, connectors.Rejected(connectors.CodeInvalidContent, "Say who the message comes from.", "from")
	}
	if message.Text == "" && len(message.Media) == 0 {
		return connectors.InMessage{}, connectors.Rejected(connectors.CodeInvalidContent, "The message is empty. Give it a text or a file.", "text")
	}
	return connectors.InMessage{
		ProviderID: message.ID, From: sender(message.From), FromName: message.Name, To: c.address,
		Type: connectors.MessageType(message.Media), Text: message.Text, Media: message.Media, Timestamp: message.At,
	}, nil
}

// sender writes a phone number as digits and leaves any other name of a person as it is.
func sender(from string) string {
	from = strings.TrimSpace(from)
	if digits := connectors.Digits(from); digits != "" {
		return digits
	}
	return from
}

// Close does nothing: a sandbox channel holds nothing.
func (c *conn) Close() error { return nil }
