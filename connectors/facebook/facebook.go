// Package facebook connects a Facebook Page, its Messenger and its posts, over the Graph API: kind facebook.
package facebook

import (
	"context"
	"encoding/json"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/meta"
	"github.com/switchhook/switchhook/connectors/meta/messaging"
	"github.com/switchhook/switchhook/connectors/meta/posting"
)

// Kind is the kind of channel that this package opens.
const Kind = "facebook"

const (
	fieldPage        = "pageId"
	fieldToken       = "pageAccessToken"
	fieldSecret      = "appSecret"
	fieldVerifyToken = "verifyToken"

	window  = 24 * time.Hour // of Messenger's standard messaging
	maxText = 2000           // characters
)

// Connector is Facebook.
type Connector struct{ options meta.Options }

var _ connectors.Connector = Connector{}

// New returns Facebook.
func New(options meta.Options) Connector { return Connector{options} }

// Info describes the kind.
func (c Connector) Info() connectors.Info {
	return connectors.Info{
		Kind: Kind, Name: "Facebook", Platform: "facebook", KeyPrefix: "fb", Window: window,
		DocsURL:   "https://developers.facebook.com/docs/messenger-platform",
		Abilities: append(messaging.Abilities(), connectors.AbilityPublish), Post: postInfo(),
		Limits: connectors.Limits{TextLength: maxText, MediaCount: 1, MediaBytes: meta.MaxSendBytes},
		Fields: append([]connectors.Field{
			{
				Key: fieldPage, Label: "Page ID", Type: connectors.FieldText, Required: true, Pattern: "[0-9]{5,20}", Placeholder: "1000000000001",
				Help: "The number of your Page. It stands on the Page under About, Page transparency.",
			},
			{
				Key: fieldToken, Label: "Page access token", Type: connectors.FieldText, Required: true, Secret: true,
				Help: "A token of the Page with the permissions pages_messaging for messages, and pages_manage_posts and pages_read_engagement for posts. Your app at developers.facebook.com makes one.",
			},
		}, messaging.SecretFields(fieldSecret, fieldVerifyToken)...),
	}
}

// Address returns the Page's id.
func (c Connector) Address(config connectors.Config) (string, error) {
	if config[fieldPage] == "" {
		return "", connectors.Rejected("invalid_field", "Page ID is required.", fieldPage)
	}
	return config[fieldPage], nil
}

// Open makes a channel.
func (c Connector) Open(channel connectors.Channel, host connectors.Host) (connectors.Conn, error) {
	page, err := c.Address(channel.Config)
	if err != nil {
		return nil, err
	}
	network := messaging.Network{Info: c.Info(), Object: meta.ObjectPage, Tag: messaging.IsTag, Metadata: true}
	account := messaging.Account{
		Address: page, PageID: page, Token: channel.Config[fieldToken],
		AppSecret: channel.Config[fieldSecret], VerifyToken: channel.Config[fieldVerifyToken],
		Check: func(ctx context.Context, graph *meta.Graph) error { return check(ctx, graph, page) },
	}
	return &conn{
		Conn:  messaging.Open(network, account, c.options, host.HTTP, host.Now),
		graph: posting.NewGraph(c.options, host, account.Token, account.AppSecret, publishRefusal),
		page:  page, options: c.options,
	}, nil
}

// check asks whose token it is: a Page's token names the Page.
func check(ctx context.Context, graph *meta.Graph, page string) error {
	var me struct {
		ID string `json:"id"`
	}
	if err := graph.Check(ctx, "/me?fields=id", &me); err != nil {
		return err
	}
	if me.ID != page {
		return connectors.Unlinked(connectors.CodeAuthFailed, "The token is not one of this Page. Make a token for the Page whose ID the channel has: a person's or an app's token does not do.")
	}
	return nil
}

// ParseEntry turns an entry of the object page into items.
func ParseEntry(entry json.RawMessage) ([]connectors.AppItem, error) {
	return messaging.ParseEntry(Kind, entry)
}
