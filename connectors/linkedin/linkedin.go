// Package linkedin publishes on LinkedIn by its Posts API, for a member or an organization (a company's page).
//
// Facts (addresses, versions, limits, errors) are those of LinkedIn's documentation for its API of 2026.
package linkedin

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/bearer"
)

// Kind is the kind of channel that this package opens.
const Kind = "linkedin"

const (
	defaultBaseURL  = "https://api.linkedin.com"
	defaultOAuthURL = "https://www.linkedin.com/oauth/v2"
	defaultVersion  = "202607" // the newest of August 2026; each works for at least 12 months
	site            = "https://www.linkedin.com"
	personPrefix    = "urn:li:person:"
	orgPrefix       = "urn:li:organization:"
	defaultScopes   = "openid profile w_member_social"
	scopeOrg        = "w_organization_social"
)

// Limits of one post.
const (
	maxText   = 3000
	maxImages = 20
	maxVideos = 1
	maxVideo  = 500 << 20 // bytes
)

const (
	fieldAuthor      = "author"
	optionVisibility = "visibility"
)

// Options configures the network. All may be empty.
type Options struct {
	BaseURL      string // of the API; default: LinkedIn's own
	OAuthURL     string // before /authorization and /accessToken; default: LinkedIn's own
	Version      string // of the API, as YYYYMM; default: 202607
	ClientID     string // of the operator's app; without it channels are not connected by OAuth, and tokens not renewed
	ClientSecret string
	Scopes       string // asked for, separated by spaces; default: what a member's posts need

	// Wait waits between two looks at a film that LinkedIn is still working on; nil: for real. Its error ends the waiting.
	Wait func(ctx context.Context, d time.Duration) error
}

// Connector is LinkedIn. It holds no state.
type Connector struct {
	baseURL  string
	oauthURL string
	version  string
	scopes   string
	app      bearer.App
	wait     func(ctx context.Context, d time.Duration) error
}

var (
	_ connectors.Connector      = Connector{}
	_ connectors.Authorizer     = Connector{}
	_ connectors.AuthorizeAsker = Connector{}
	_ connectors.Publisher      = (*conn)(nil)
	_ connectors.Checker        = (*conn)(nil)
)

// New returns the connector.
func New(options Options) Connector {
	or := func(value, otherwise string) string {
		if value == "" {
			return otherwise
		}
		return value
	}
	c := Connector{
		baseURL: or(strings.TrimRight(options.BaseURL, "/"), defaultBaseURL), oauthURL: or(strings.TrimRight(options.OAuthURL, "/"), defaultOAuthURL),
		version: or(options.Version, defaultVersion), scopes: or(strings.Join(strings.Fields(options.Scopes), " "), defaultScopes), wait: options.Wait,
	}
	if c.wait == nil {
		c.wait = connectors.Wait
	}
	c.app = bearer.App{TokenURL: c.oauthURL + "/accessToken", ClientID: options.ClientID, ClientSecret: options.ClientSecret}
	return c
}

// Info describes the kind.
func (Connector) Info() connectors.Info {
	return connectors.Info{
		Kind: Kind, Name: "LinkedIn", Platform: "linkedin", KeyPrefix: "lnkdn",
		DocsURL:   "https://github.com/switchhook/switchhook/blob/main/docs/linkedin.md",
		Abilities: []connectors.Ability{connectors.AbilityPublish, connectors.AbilityCheck},
		Fields:    fields(),
		Post: &connectors.PostInfo{
			Text: connectors.PostPlain,
			Options: []connectors.Field{{
				Key: optionVisibility, Label: "Visibility", Type: connectors.FieldSelect, Options: []string{"PUBLIC", "CONNECTIONS", "LOGGED_IN"},
				Help: "Who sees the post: everybody, a member's connections, or members who are logged in. Without it everybody.",
			}},
			Limits: connectors.PostLimits{
				Counter: connectors.CountRunes, TextLength: maxText, Images: maxImages, Videos: maxVideos, VideoBytes: maxVideo,
				ImageTypes: []string{"image/jpeg", "image/png", "image/gif"}, VideoTypes: []string{"video/mp4"},
			},
		},
	}
}

func fields() []connectors.Field {
	text := connectors.FieldText
	return []connectors.Field{
		{
			Key: fieldAuthor, Label: "Author", Type: text, Required: true, Placeholder: "urn:li:person:AbC123", Pattern: `urn:li:(person:[A-Za-z0-9_-]+|organization:[0-9]+)`,
			Help: "Who posts: urn:li:person: with a member's id, or urn:li:organization: with the number of a page.",
		},
		{
			Key: bearer.FieldAccess, Label: "Access token", Type: text, Required: true, Secret: true,
			Help: "With the scope w_member_social, or w_organization_social for a page. Connecting the channel fills it in. It ends after 60 days.",
		},
		{
			Key: bearer.FieldRefresh, Label: "Refresh token", Type: text, Secret: true,
			Help: "Renews the access token. LinkedIn gives one to approved apps alone; without it the channel has to be connected again every 60 days.",
		},
		{
			Key: bearer.FieldExpires, Label: "Access token's end", Type: text, Placeholder: "2026-11-21T09:00:00Z",
			Help: "When the access token ends, by RFC 3339. It is kept here by itself.",
		},
		{
			Key: bearer.FieldClientID, Label: "Client id", Type: text,
			Help: "Of the app that the tokens were made with, where it is not the operator's. Only for renewing.",
		},
		{
			Key: bearer.FieldClientSecret, Label: "Client secret", Type: text, Secret: true,
			Help: "Of that app.",
		},
	}
}

// Address returns the author's URN.
func (Connector) Address(config connectors.Config) (string, error) {
	author := config[fieldAuthor]
	if !regexp.MustCompile(`^urn:li:(person:[A-Za-z0-9_-]+|organization:[0-9]+)$`).MatchString(author) {
		return "", connectors.Rejected("invalid_field", "Author must be urn:li:person: with a member's id, or urn:li:organization: with the number of a page.", fieldAuthor)
	}
	if expires := config[bearer.FieldExpires]; expires != "" {
		if _, err := time.Parse(time.RFC3339, expires); err != nil {
			return "", connectors.Rejected("invalid_field", "Access token's end must be a time such as 2026-11-21T09:00:00Z, or empty.", bearer.FieldExpires)
		}
	}
	return author, nil
}

// Open makes a channel.
func (c Connector) Open(channel connectors.Channel, host connectors.Host) (connectors.Conn, error) {
	author, err := c.Address(channel.Config)
	if err != nil {
		return nil, err
	}
	if host.HTTP == nil || host.Now == nil {
		return nil, errors.New("open linkedin channel: Host.HTTP and Host.Now are required")
	}
	tokens := bearer.New(bearer.Options{App: c.app, Config: channel.Config, HTTP: host.HTTP, Now: host.Now, Keeper: host.Tokens})
	opened := &conn{api: api{baseURL: c.baseURL, version: c.version, now: host.Now, tokens: tokens, http: host.HTTP}, author: author, wait: c.wait}
	for _, field := range fields() {
		if field.Secret {
			opened.api.secrets = append(opened.api.secrets, channel.Config[field.Key])
		}
	}
	return opened, nil
}

// conn is one author.
type conn struct {
	api    api
	author string
	wait   func(ctx context.Context, d time.Duration) error
}

// Close does nothing: connections belong to the host's client.
func (c *conn) Close() error { return nil }

// Check asks LinkedIn whose token it is, which takes the scopes openid and profile. Of a page it tells only that the token works: LinkedIn lets few apps
// ask who may post for it.
func (c *conn) Check(ctx context.Context) error {
	who, err := c.api.whoami(ctx)
	if err != nil {
		return err
	}
	if strings.HasPrefix(c.author, personPrefix) && personPrefix+who.Sub != c.author {
		return connectors.Unlinked(connectors.CodeAuthFailed, "The access token belongs to "+personPrefix+who.Sub+". Enter that author, or the token of this one.")
	}
	return nil
}
