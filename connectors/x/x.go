// Package x publishes on X by its API v2.
//
// Facts (addresses, limits, prices, errors) are those of X's own documentation and OpenAPI description 2.167 of August 2026.
package x

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/dghubble/oauth1"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/bearer"
)

// Kind is the kind of channel that this package opens.
const Kind = "x"

const (
	defaultBaseURL   = "https://api.x.com"
	defaultAuthorize = "https://x.com/i/oauth2/authorize"
	site             = "https://x.com"
)

// Limits of an account without a subscription.
const (
	maxText   = 280
	urlLength = 23 // what any address weighs
	maxAlt    = 1000
	maxImages = 4
	maxVideos = 1
	maxImage  = 5 << 20 // bytes
	maxGIF    = 15 << 20
	maxVideo  = 512 << 20
)

const (
	fieldUsername    = "username"
	fieldKey         = "apiKey"
	fieldKeySecret   = "apiKeySecret"
	fieldToken       = "oauth1Token"
	fieldTokenSecret = "oauth1TokenSecret"

	optionReplies = "replySettings"
)

// defaultScopes are the least that publishing, its files and renewing need.
const defaultScopes = "tweet.read tweet.write users.read media.write offline.access"

// Options configures the network. All may be empty.
type Options struct {
	BaseURL      string // of the API; default: X's own
	AuthorizeURL string // the page where users grant access; default: X's own
	ClientID     string // of the operator's app; without it channels are not connected by OAuth
	ClientSecret string // empty for a public client
	Scopes       string // asked for, separated by spaces; default: the least that is needed

	// Wait waits between two looks at a film that X is still working on; nil: for real. Its error ends the waiting.
	Wait func(ctx context.Context, d time.Duration) error
}

// Connector is X. It holds no state.
type Connector struct {
	baseURL   string
	authorize string
	scopes    string
	app       bearer.App
	wait      func(ctx context.Context, d time.Duration) error
}

var (
	_ connectors.Connector  = Connector{}
	_ connectors.Authorizer = Connector{}
	_ connectors.Publisher  = (*conn)(nil)
	_ connectors.PostFinder = (*conn)(nil)
	_ connectors.Commenter  = (*conn)(nil)
	_ connectors.Checker    = (*conn)(nil)
)

// New returns the connector.
func New(options Options) Connector {
	c := Connector{
		baseURL: strings.TrimRight(options.BaseURL, "/"), authorize: options.AuthorizeURL,
		scopes: strings.Join(strings.Fields(options.Scopes), " "), wait: options.Wait,
	}
	if c.baseURL == "" {
		c.baseURL = defaultBaseURL
	}
	if c.authorize == "" {
		c.authorize = defaultAuthorize
	}
	if c.scopes == "" {
		c.scopes = defaultScopes
	}
	if c.wait == nil {
		c.wait = connectors.Wait
	}
	c.app = bearer.App{TokenURL: c.baseURL + "/2/oauth2/token", ClientID: options.ClientID, ClientSecret: options.ClientSecret, Basic: true}
	return c
}

// Info describes the kind.
func (Connector) Info() connectors.Info {
	return connectors.Info{
		Kind: Kind, Name: "X", Platform: "x", KeyPrefix: "x",
		DocsURL:   "https://github.com/switchhook/switchhook/blob/main/docs/x.md",
		Abilities: []connectors.Ability{connectors.AbilityPublish, connectors.AbilityCheck},
		Fields:    fields(),
		Post: &connectors.PostInfo{
			Text: connectors.PostPlain, Split: true, FirstComment: true,
			Options: []connectors.Field{{
				Key: optionReplies, Label: "Who may reply", Type: connectors.FieldSelect,
				Options: []string{"following", "mentionedUsers", "subscribers", "verified"},
				Help:    "Those that the account follows, those that the post mentions, its subscribers, or verified accounts. Without it everybody may.",
			}},
			Limits: connectors.PostLimits{
				Counter: connectors.CountX, TextLength: maxText, URLLength: urlLength, AltLength: maxAlt,
				Images: maxImages, Videos: maxVideos, ImageBytes: maxImage, VideoBytes: maxVideo, GIFBytes: maxGIF,
				ImageTypes: []string{"image/jpeg", "image/png", "image/webp", "image/gif"}, VideoTypes: []string{"video/mp4", "video/quicktime"},
			},
		},
	}
}

func fields() []connectors.Field {
	text, secret := connectors.FieldText, true
	return []connectors.Field{
		{
			Key: fieldUsername, Label: "User name", Type: text, Required: true, Placeholder: "alice", Pattern: `@?[A-Za-z0-9_]{1,15}`,
			Help: "The account's name on X, such as alice.",
		},
		{
			Key: bearer.FieldAccess, Label: "Access token", Type: text, Secret: secret,
			Help: "Of OAuth 2.0, with the scopes " + strings.ReplaceAll(defaultScopes, " ", ", ") + ". Connecting the channel fills it in. It ends after two hours.",
		},
		{
			Key: bearer.FieldRefresh, Label: "Refresh token", Type: text, Secret: secret,
			Help: "Renews the access token. X gives a new one with each use, which is kept here.",
		},
		{
			Key: bearer.FieldExpires, Label: "Access token's end", Type: text, Placeholder: "2026-11-21T09:00:00Z",
			Help: "When the access token ends, by RFC 3339. It is kept here by itself.",
		},
		{
			Key: bearer.FieldClientID, Label: "Client id", Type: text,
			Help: "Of the app that the tokens were made with, where it is not the operator's.",
		},
		{
			Key: bearer.FieldClientSecret, Label: "Client secret", Type: text, Secret: secret,
			Help: "Of that app, where it has one.",
		},
		{
			Key: fieldKey, Label: "API key", Type: text, Secret: secret,
			Help: "The other way to sign in, OAuth 1.0a: the app's API key (consumer key). With all four of these the tokens above are not used.",
		},
		{
			Key: fieldKeySecret, Label: "API key secret", Type: text, Secret: secret,
			Help: "The app's API key secret (consumer secret).",
		},
		{
			Key: fieldToken, Label: "OAuth 1.0a access token", Type: text, Secret: secret,
			Help: "On the app's page under Keys and tokens, made with the permission Read and write.",
		},
		{
			Key: fieldTokenSecret, Label: "OAuth 1.0a access token secret", Type: text, Secret: secret,
			Help: "Shown together with that token.",
		},
	}
}

// keys are the fields of OAuth 1.0a.
func keys() []string { return []string{fieldKey, fieldKeySecret, fieldToken, fieldTokenSecret} }

// Address returns the account's name in small letters. It refuses a configuration without a way to sign in.
func (Connector) Address(config connectors.Config) (string, error) {
	name := usernameOf(config[fieldUsername])
	if name == "" {
		return "", wrongField(fieldUsername, "User name must be the account's name on X, such as alice.")
	}
	missing, given := "", 0
	for _, key := range keys() {
		if config[key] != "" {
			given++
		} else if missing == "" {
			missing = key
		}
	}
	switch {
	case missing == "":
		return name, nil
	case given > 0:
		return "", wrongField(missing, "OAuth 1.0a needs all four: API key, API key secret, access token and access token secret.")
	case config[bearer.FieldAccess] == "":
		return "", wrongField(bearer.FieldAccess, "Enter an access token, or the four keys of OAuth 1.0a.")
	}
	if expires := config[bearer.FieldExpires]; expires != "" {
		if _, err := time.Parse(time.RFC3339, expires); err != nil {
			return "", wrongField(bearer.FieldExpires, "Access token's end must be a time such as 2026-11-21T09:00:00Z, or empty.")
		}
	}
	return name, nil
}

func wrongField(field, sentence string) error {
	return connectors.Rejected("invalid_field", sentence, field)
}

// usernameOf returns a name in small letters; "" where it is none.
func usernameOf(name string) string {
	name = strings.TrimPrefix(strings.TrimSpace(name), "@")
	if !regexp.MustCompile(`^[A-Za-z0-9_]{1,15}$`).MatchString(name) {
		return ""
	}
	return strings.ToLower(name)
}

// Open makes a channel.
func (c Connector) Open(channel connectors.Channel, host connectors.Host) (connectors.Conn, error) {
	name, err := c.Address(channel.Config)
	if err != nil {
		return nil, err
	}
	if host.HTTP == nil || host.Now == nil {
		return nil, errors.New("open x channel: Host.HTTP and Host.Now are required")
	}
	opened := &conn{api: api{baseURL: c.baseURL, now: host.Now}, username: name, wait: c.wait}
	for _, field := range c.Info().Fields {
		if field.Secret {
			opened.api.secrets = append(opened.api.secrets, channel.Config[field.Key])
		}
	}
	if channel.Config[fieldTokenSecret] != "" {
		opened.api.signed = signer(channel.Config, host.HTTP)
	} else {
		opened.api.tokens = bearer.New(bearer.Options{App: c.app, Config: channel.Config, HTTP: host.HTTP, Now: host.Now, Keeper: host.Tokens})
	}
	return opened, nil
}

// signer returns a client that signs by OAuth 1.0a what it sends over another one. Neither JSON nor multipart bodies are part of the signature.
func signer(config connectors.Config, client *http.Client) *http.Client {
	ctx := context.WithValue(context.Background(), oauth1.HTTPClient, client)
	signed := oauth1.NewConfig(config[fieldKey], config[fieldKeySecret]).Client(ctx, oauth1.NewToken(config[fieldToken], config[fieldTokenSecret]))
	signed.Timeout = client.Timeout
	return signed
}

// conn is one account.
type conn struct {
	api      api
	username string
	wait     func(ctx context.Context, d time.Duration) error
}

// Close does nothing: connections belong to the host's client.
func (c *conn) Close() error { return nil }

// account is who a token belongs to.
type account struct {
	ID       string `json:"id"`
	Username string `json:"username"`
	Name     string `json:"name"`
}

// Check asks X whose credentials these are. X charges for it as for reading a user.
func (c *conn) Check(ctx context.Context) error {
	who, err := c.api.whoami(ctx)
	if err != nil {
		failed := connectors.AsError(err)
		if failed.Kind != connectors.KindRejected {
			return failed
		}
		return become(failed, connectors.Unlinked(connectors.CodeAuthFailed, "X does not let these credentials read the account. Check the app's permissions, and connect the channel again."))
	}
	if usernameOf(who.Username) != c.username {
		return connectors.Unlinked(connectors.CodeAuthFailed, "The credentials belong to the account "+usernameOf(who.Username)+". Enter that name, or the credentials of this account.")
	}
	return nil
}
