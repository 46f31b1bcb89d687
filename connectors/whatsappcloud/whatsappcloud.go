// Package whatsappcloud connects a WhatsApp Business number over Meta's Cloud API: kind whatsapp_cloud. Calls, callbacks and errors that all
// of Meta's networks share are in package meta.
package whatsappcloud

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/meta"
)

// Kind is the kind of channel that this package opens.
const Kind = "whatsapp_cloud"

const (
	fieldNumberID    = "phoneNumberId"
	fieldNumber      = "phoneNumber"
	fieldToken       = "accessToken"
	fieldSecret      = "appSecret"
	fieldVerifyToken = "verifyToken"
	fieldBusiness    = "businessAccountId"
	fieldMediaUpload = "mediaUpload"
)

// What the Cloud API takes, by Meta's reference of messages and of media.
const (
	window      = 24 * time.Hour // WhatsApp's customer service window
	maxText     = 4096           // characters of a text
	maxCaption  = 1024           // characters below a file
	maxDocument = 100 << 20      // bytes of the largest kind of file; media.go has the others
)

// Connector is the WhatsApp Cloud API.
type Connector struct{ options meta.Options }

var (
	_ connectors.Connector    = Connector{}
	_ connectors.Sender       = (*conn)(nil)
	_ connectors.Receiver     = (*conn)(nil)
	_ connectors.Checker      = (*conn)(nil)
	_ connectors.MediaFetcher = (*conn)(nil)
)

// New returns the WhatsApp Cloud API.
func New(options meta.Options) Connector { return Connector{options} }

// Info describes the kind.
func (c Connector) Info() connectors.Info {
	return connectors.Info{
		Kind: Kind, Name: "WhatsApp Cloud", Platform: "whatsapp", KeyPrefix: "wacloud", Window: window,
		DocsURL: "https://developers.facebook.com/docs/whatsapp/cloud-api",
		Limits:  connectors.Limits{TextLength: maxText, MediaCount: 1, MediaBytes: maxDocument},
		Fields:  fields(),
		Abilities: []connectors.Ability{
			connectors.AbilitySend, connectors.AbilityReceive, connectors.AbilityStatus,
			connectors.AbilityMedia, connectors.AbilityTemplate, connectors.AbilityCheck,
		},
	}
}

func fields() []connectors.Field {
	return []connectors.Field{
		{
			Key: fieldNumberID, Label: "Phone number ID", Type: connectors.FieldText, Required: true, Pattern: "[0-9]{5,20}", Placeholder: "106540352242922",
			Help: "Digits that name your number at Meta; they are not the number itself. Your app at developers.facebook.com shows them under WhatsApp, API setup.",
		},
		{
			Key: fieldNumber, Label: "Phone number", Type: connectors.FieldPhone, Required: true, Placeholder: "+16311113333",
			Help: "The number as WhatsApp shows it, with its country code.",
		},
		{
			Key: fieldToken, Label: "Access token", Type: connectors.FieldText, Required: true, Secret: true,
			Help: "A token of a system user with the permission whatsapp_business_messaging. The token that the API setup shows ends after a day.",
		},
		{
			Key: fieldSecret, Label: "App secret", Type: connectors.FieldText, Secret: true,
			Help: "Of the app that calls this channel's callback address: it stands under App settings, Basic. Leave it empty where your operator has set up one app for all.",
		},
		{
			Key: fieldVerifyToken, Label: "Verify token", Type: connectors.FieldText, Secret: true,
			Help: "Any word of your own. Enter the same one in your app beside the channel's callback address. Leave it empty where your operator has set up one app for all.",
		},
		{
			Key: fieldBusiness, Label: "WhatsApp Business account ID", Type: connectors.FieldText, Pattern: "[0-9]{5,20}", Placeholder: "102290129340398",
			Help: "For your own overview; nothing needs it. It stands beside the phone number ID.",
		},
		{
			Key: fieldMediaUpload, Label: "How files are sent", Type: connectors.FieldSelect, Options: []string{mediaByLink, mediaByUpload}, Default: mediaByLink,
			Help: "link: WhatsApp fetches each file from its link, which must be public. upload: this server fetches it and uploads it to WhatsApp, which shows at once where something is wrong with it.",
		},
	}
}

// Address returns the number in digits.
func (c Connector) Address(config connectors.Config) (string, error) {
	number := connectors.Digits(config[fieldNumber])
	if number == "" {
		return "", connectors.Rejected("invalid_field", "Phone number must be your WhatsApp number with its country code, such as +16311113333.", fieldNumber)
	}
	return number, nil
}

// Open makes a channel. One without a secret or a verify token of its own has those of the operator's app.
func (c Connector) Open(channel connectors.Channel, host connectors.Host) (connectors.Conn, error) {
	address, err := c.Address(channel.Config)
	if err != nil {
		return nil, err
	}
	opened := &conn{
		info: c.Info(), address: address, numberID: channel.Config[fieldNumberID],
		uploading: channel.Config[fieldMediaUpload] == mediaByUpload, public: host.Public, now: host.Now,
		secret: channel.Config[fieldSecret], verifyToken: channel.Config[fieldVerifyToken],
		graph: meta.NewGraph(meta.GraphOptions{
			Options: c.options, HTTP: host.HTTP, Token: channel.Config[fieldToken], AppSecret: channel.Config[fieldSecret], Now: host.Now, Refusal: refusalOf,
		}),
	}
	if opened.secret == "" {
		opened.secret = c.options.AppSecret
	}
	if opened.verifyToken == "" {
		opened.verifyToken = c.options.VerifyToken
	}
	return opened, nil
}

// conn is one WhatsApp number.
type conn struct {
	info                connectors.Info
	address             string // digits
	numberID            string
	secret, verifyToken string
	graph               *meta.Graph

	uploading bool         // files are uploaded, not linked
	public    *http.Client // to the addresses of files
	now       func() time.Time
}

// Close does nothing: connections belong to the host's client.
func (c *conn) Close() error { return nil }

// Check asks for the number that the phone number ID stands for, and compares it with the channel's.
func (c *conn) Check(ctx context.Context) error {
	var number struct {
		Display string `json:"display_phone_number"`
	}
	if err := c.graph.Check(ctx, "/"+url.PathEscape(c.numberID)+"?fields=display_phone_number", &number); err != nil {
		return err
	}
	if shown := connectors.Digits(number.Display); shown != "" && shown != c.address {
		return connectors.Unlinked(connectors.CodeInvalidSender, "The phone number ID belongs to +"+shown+", and the channel has +"+c.address+". Enter the number and the ID that belong together.")
	}
	return nil
}
