// Package tumblr publishes on Tumblr, over its API v2: texts as Markdown, and posts with pictures or a film in its Neue Post Format (NPF),
// which has descriptions of pictures but no Markdown.
package tumblr

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
const Kind = "tumblr"

// Limits of Tumblr, see its documents of the API and of NPF.
const (
	maxText   = 32_768 // what peers allow; a single block of NPF holds 4,096
	maxAlt    = 4096
	maxImages = 30
	maxImage  = 10 << 20  // bytes
	maxVideo  = 500 << 20 // bytes
)

const (
	fieldBlog = "blog"

	optionState = "state"
	optionTags  = "tags"
	optionSlug  = "slug"

	statePublished = "published"
)

const (
	defaultBaseURL   = "https://api.tumblr.com"
	defaultAuthorize = "https://www.tumblr.com/oauth2/authorize"
	defaultScopes    = "basic write offline_access"
)

// The names of the operator's settings.
const (
	settingBaseURL      = "TUMBLR_BASE_URL"
	settingClientID     = "TUMBLR_CLIENT_ID"
	settingClientSecret = "TUMBLR_CLIENT_SECRET"
	settingScopes       = "TUMBLR_SCOPES"
)

// Options configures the network.
type Options struct {
	BaseURL      string // empty: Tumblr
	ClientID     string // of the operator's app; without it channels are not connected by OAuth, and tokens not renewed
	ClientSecret string
	Scopes       string // asked for, separated by spaces; empty: the least that is needed
}

// Settings returns the names of the operator's settings that OptionsOf reads.
func Settings() []string {
	return []string{settingBaseURL, settingClientID, settingClientSecret, settingScopes}
}

// OptionsOf reads the operator's settings.
func OptionsOf(setting func(name string) string) Options {
	return Options{
		BaseURL: setting(settingBaseURL), ClientID: setting(settingClientID), ClientSecret: setting(settingClientSecret), Scopes: setting(settingScopes),
	}
}

// Connector is Tumblr. It holds no state.
type Connector struct {
	options Options
}

var (
	_ connectors.Connector      = Connector{}
	_ connectors.Authorizer     = Connector{}
	_ connectors.AuthorizeAsker = Connector{}
	_ connectors.Publisher      = (*conn)(nil)
	_ connectors.PostFinder     = (*conn)(nil)
	_ connectors.Checker        = (*conn)(nil)
)

// New returns the connector.
func New(options Options) Connector {
	if options.BaseURL = strings.TrimRight(options.BaseURL, "/"); options.BaseURL == "" {
		options.BaseURL = defaultBaseURL
	}
	if options.Scopes = strings.Join(strings.Fields(options.Scopes), " "); options.Scopes == "" {
		options.Scopes = defaultScopes
	}
	return Connector{options: options}
}

// app is the operator's app.
func (c Connector) app() bearer.App {
	return bearer.App{TokenURL: c.options.BaseURL + "/v2/oauth2/token", ClientID: c.options.ClientID, ClientSecret: c.options.ClientSecret}
}

// Info describes the kind.
func (Connector) Info() connectors.Info {
	return connectors.Info{
		Kind: Kind, Name: "Tumblr", Platform: "tumblr", KeyPrefix: "tmblr",
		DocsURL:   "https://github.com/switchhook/switchhook/blob/main/docs/tumblr.md",
		Abilities: []connectors.Ability{connectors.AbilityPublish, connectors.AbilityCheck},
		Fields:    fields(),
		Post: &connectors.PostInfo{
			Text: connectors.PostMarkdown, Title: true,
			Limits: connectors.PostLimits{
				Counter: connectors.CountRunes, TextLength: maxText, TitleLength: maxAlt, AltLength: maxAlt, Images: maxImages, Videos: 1, Mixed: true,
				ImageBytes: maxImage, VideoBytes: maxVideo,
				ImageTypes: []string{"image/jpeg", "image/png", "image/gif", "image/webp"}, VideoTypes: []string{"video/mp4", "video/quicktime"},
			},
			Options: []connectors.Field{
				{
					Key: optionState, Label: "State", Type: connectors.FieldSelect, Options: []string{statePublished, "queue", "draft", "private"},
					Help: "Public at once, in Tumblr's own queue, a draft, or only for the blog's members. Without it, it is public.",
				},
				{Key: optionTags, Label: "Tags", Type: connectors.FieldText, Help: "Separated by commas, without the sign #."},
				{Key: optionSlug, Label: "Slug", Type: connectors.FieldText, Pattern: `[A-Za-z0-9-]{1,200}`, Help: "Words at the end of the post's address: letters, digits and hyphens."},
			},
		},
	}
}

func fields() []connectors.Field {
	const text = connectors.FieldText
	return []connectors.Field{
		{
			Key: fieldBlog, Label: "Blog", Type: text, Required: true, Placeholder: "staff", Pattern: `[A-Za-z0-9-]{1,64}(\.tumblr\.com)?`,
			Help: "The blog's name, which stands before .tumblr.com.",
		},
		{
			Key: bearer.FieldAccess, Label: "Access token", Type: text, Required: true, Secret: true,
			Help: "With the scopes basic and write. Connecting the channel fills it in. It ends after 42 minutes.",
		},
		{
			Key: bearer.FieldRefresh, Label: "Refresh token", Type: text, Secret: true,
			Help: "Renews the access token. Tumblr gives it with the scope offline_access.",
		},
		{
			Key: bearer.FieldExpires, Label: "Access token's end", Type: text, Placeholder: "2026-11-21T09:00:00Z",
			Help: "When the access token ends, by RFC 3339. It is kept here by itself.",
		},
		{
			Key: bearer.FieldClientID, Label: "Client id", Type: text,
			Help: "The OAuth consumer key of the app that the tokens were made with, where it is not the operator's. Only for renewing.",
		},
		{Key: bearer.FieldClientSecret, Label: "Client secret", Type: text, Secret: true, Help: "The secret key of that app."},
	}
}

// Address returns the blog's name in small letters.
func (Connector) Address(config connectors.Config) (string, error) {
	name := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(config[fieldBlog])), ".tumblr.com")
	if !regexp.MustCompile(`^[a-z0-9-]{1,64}$`).MatchString(name) {
		return "", connectors.Rejected("invalid_field", "Blog must be its name, which stands before .tumblr.com.", fieldBlog)
	}
	if expires := config[bearer.FieldExpires]; expires != "" {
		if _, err := time.Parse(time.RFC3339, expires); err != nil {
			return "", connectors.Rejected("invalid_field", "Access token's end must be a time such as 2026-11-21T09:00:00Z, or empty.", bearer.FieldExpires)
		}
	}
	return name, nil
}

// Open makes a channel.
func (c Connector) Open(channel connectors.Channel, host connectors.Host) (connectors.Conn, error) {
	blog, err := c.Address(channel.Config)
	if err != nil {
		return nil, err
	}
	if host.HTTP == nil || host.Now == nil {
		return nil, errors.New("open tumblr channel: Host.HTTP and Host.Now are required")
	}
	tokens := bearer.New(bearer.Options{App: c.app(), Config: channel.Config, HTTP: host.HTTP, Now: host.Now, Keeper: host.Tokens})
	return &conn{api: api{baseURL: c.options.BaseURL, tokens: tokens, now: host.Now, secrets: secretsOf(channel.Config)}, blog: blog}, nil
}

func secretsOf(config connectors.Config) []string {
	return []string{config[bearer.FieldAccess], config[bearer.FieldRefresh], config[bearer.FieldClientSecret]}
}

// conn is one blog.
type conn struct {
	api  api
	blog string
}

// Close does nothing: connections belong to the host's client.
func (c *conn) Close() error { return nil }

// Check asks whose token it is and whether the blog is among theirs.
func (c *conn) Check(ctx context.Context) error {
	blogs, err := c.api.blogs(ctx)
	if err != nil {
		return err
	}
	for _, blog := range blogs {
		if strings.EqualFold(blog.Name, c.blog) {
			return nil
		}
	}
	return connectors.Unlinked(connectors.CodeAuthFailed, "The access token's account has no blog of this name. Correct the name, or connect the channel with the account that has the blog.")
}
