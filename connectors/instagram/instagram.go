// Package instagram connects an Instagram professional account, its direct messages and its posts, over the Facebook Page that it is linked
// with: kind instagram.
package instagram

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
const Kind = "instagram"

const (
	fieldAccount     = "igUserId"
	fieldPage        = "pageId"
	fieldToken       = "accessToken"
	fieldSecret      = "appSecret"
	fieldVerifyToken = "verifyToken"

	window   = 24 * time.Hour
	maxText  = 1000    // characters
	maxImage = 8 << 20 // bytes of a picture, by Meta's table of what Instagram takes
	humanTag = "HUMAN_AGENT"
)

// mediaTypes is Meta's table of what Instagram takes, with the names that programs give to the same formats.
func mediaTypes() []string {
	return []string{
		"image/png", "image/jpeg", "image/gif",
		"audio/aac", "audio/mp4", "audio/m4a", "audio/x-m4a", "audio/wav", "audio/x-wav", "audio/wave",
		"video/mp4", "video/ogg", "video/x-msvideo", "video/avi", "video/quicktime", "video/webm",
		"application/pdf",
	}
}

// Connector is Instagram.
type Connector struct{ options meta.Options }

var _ connectors.Connector = Connector{}

// New returns Instagram.
func New(options meta.Options) Connector { return Connector{options} }

// Info describes the kind.
func (c Connector) Info() connectors.Info {
	return connectors.Info{
		Kind: Kind, Name: "Instagram", Platform: "instagram", KeyPrefix: "ig", Window: window, PageField: fieldPage,
		DocsURL:   "https://developers.facebook.com/docs/messenger-platform/instagram",
		Abilities: append(messaging.Abilities(), connectors.AbilityPublish), Post: postInfo(),
		Limits: connectors.Limits{TextLength: maxText, MediaCount: 1, MediaBytes: meta.MaxSendBytes, MediaTypes: mediaTypes()},
		Fields: append([]connectors.Field{
			{
				Key: fieldAccount, Label: "Instagram account ID", Type: connectors.FieldText, Required: true, Pattern: "[0-9]{5,20}", Placeholder: "17841400000000001",
				Help: "The number of your professional account: instagram_business_account of the Page, as the Graph API shows it. It is not the user name.",
			},
			{
				Key: fieldPage, Label: "Page ID", Type: connectors.FieldText, Required: true, Pattern: "[0-9]{5,20}", Placeholder: "1000000000001",
				Help: "The number of the Facebook Page that the account is linked with. Messages are sent through it.",
			},
			{
				Key: fieldToken, Label: "Page access token", Type: connectors.FieldText, Required: true, Secret: true,
				Help: "A token of the linked Page with the permission instagram_basic; for messages instagram_manage_messages and pages_messaging too, for posts instagram_content_publish and pages_read_engagement.",
			},
		}, messaging.SecretFields(fieldSecret, fieldVerifyToken)...),
	}
}

// Address returns the Instagram account's id, by which callbacks name it.
func (c Connector) Address(config connectors.Config) (string, error) {
	if config[fieldAccount] == "" {
		return "", connectors.Rejected("invalid_field", "Instagram account ID is required.", fieldAccount)
	}
	if config[fieldAccount] == config[fieldPage] {
		return "", connectors.Rejected("invalid_field", "The Instagram account and its Page have different IDs. Enter that of the account.", fieldAccount)
	}
	return config[fieldAccount], nil
}

// Open makes a channel.
func (c Connector) Open(channel connectors.Channel, host connectors.Host) (connectors.Conn, error) {
	address, err := c.Address(channel.Config)
	if err != nil {
		return nil, err
	}
	network := messaging.Network{
		Info: c.Info(), Object: meta.ObjectInstagram, ImageBytes: maxImage, Tag: func(tag string) bool { return tag == humanTag },
	}
	page := channel.Config[fieldPage]
	account := messaging.Account{
		Address: address, PageID: page, Token: channel.Config[fieldToken],
		AppSecret: channel.Config[fieldSecret], VerifyToken: channel.Config[fieldVerifyToken],
		Check: func(ctx context.Context, graph *meta.Graph) error { return check(ctx, graph, page, address) },
	}
	return &conn{
		Conn:    messaging.Open(network, account, c.options, host.HTTP, host.Now),
		graph:   posting.NewGraph(c.options, host, account.Token, account.AppSecret, publishRefusal),
		account: address, options: c.options,
	}, nil
}

// check asks whose token it is, and which account its Page is linked with.
func check(ctx context.Context, graph *meta.Graph, page, address string) error {
	var me struct {
		ID      string `json:"id"`
		Account struct {
			ID string `json:"id"`
		} `json:"instagram_business_account"`
	}
	if err := graph.Check(ctx, "/me?fields=id,instagram_business_account", &me); err != nil {
		return err
	}
	switch {
	case me.ID != page:
		return connectors.Unlinked(connectors.CodeAuthFailed, "The token is not one of this Page. Make a token for the linked Page: a person's or an app's token does not do.")
	case me.Account.ID != address:
		return connectors.Unlinked(connectors.CodeAuthFailed, "The Page is not linked with this Instagram account. Link them in the Page's settings, or correct the account's ID.")
	}
	return nil
}

// ParseEntry turns an entry of the object instagram into items.
func ParseEntry(entry json.RawMessage) ([]connectors.AppItem, error) {
	return messaging.ParseEntry(Kind, entry)
}
