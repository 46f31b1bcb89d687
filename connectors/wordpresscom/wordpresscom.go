// Package wordpresscom publishes on WordPress.com, and on sites that Jetpack connects to it, over its REST API v1.1.
package wordpresscom

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/bearer"
	"github.com/switchhook/switchhook/connectors/wordpress"
)

// Kind is the kind of channel that this package opens.
const Kind = "wordpress_com"

const (
	fieldSite = "site"

	defaultBaseURL   = "https://public-api.wordpress.com"
	defaultOAuthPath = "/oauth2"
)

// The names of the operator's settings.
const (
	settingBaseURL      = "WORDPRESS_COM_BASE_URL"
	settingClientID     = "WORDPRESS_COM_CLIENT_ID"
	settingClientSecret = "WORDPRESS_COM_CLIENT_SECRET"
	settingScopes       = "WORDPRESS_COM_SCOPES"
	settingOAuthPath    = "WORDPRESS_COM_OAUTH_PATH"
)

// Options configures the network.
type Options struct {
	BaseURL      string // empty: WordPress.com
	ClientID     string // of the operator's app; without it channels are connected by pasting a token
	ClientSecret string
	Scopes       string // asked for, separated by spaces; empty: none, which means everything on the one site that the user chooses
	OAuthPath    string // empty: "/oauth2"; "/oauth2-1" is WordPress.com's newer server, whose tokens end and are renewed
}

// Settings returns the names of the operator's settings that OptionsOf reads.
func Settings() []string {
	return []string{settingBaseURL, settingClientID, settingClientSecret, settingScopes, settingOAuthPath}
}

// OptionsOf reads the operator's settings.
func OptionsOf(setting func(name string) string) Options {
	return Options{
		BaseURL: setting(settingBaseURL), ClientID: setting(settingClientID), ClientSecret: setting(settingClientSecret),
		Scopes: setting(settingScopes), OAuthPath: setting(settingOAuthPath),
	}
}

// Connector is WordPress.com.
type Connector struct {
	options Options
}

var (
	_ connectors.Connector  = Connector{}
	_ connectors.Authorizer = Connector{}
	_ connectors.Publisher  = (*conn)(nil)
	_ connectors.PostFinder = (*conn)(nil)
	_ connectors.Checker    = (*conn)(nil)
)

// New returns the connector.
func New(options Options) Connector {
	if options.BaseURL = strings.TrimSuffix(options.BaseURL, "/"); options.BaseURL == "" {
		options.BaseURL = defaultBaseURL
	}
	if options.OAuthPath = "/" + strings.Trim(options.OAuthPath, "/"); options.OAuthPath == "/" {
		options.OAuthPath = defaultOAuthPath
	}
	return Connector{options: options}
}

// app is the operator's app.
func (c Connector) app() bearer.App {
	return bearer.App{TokenURL: c.options.BaseURL + c.options.OAuthPath + "/token", ClientID: c.options.ClientID, ClientSecret: c.options.ClientSecret}
}

// Info describes the kind.
func (Connector) Info() connectors.Info {
	return connectors.Info{
		Kind: Kind, Name: "WordPress.com", Platform: "wordpress_com", KeyPrefix: "wpcom",
		DocsURL:   "https://github.com/switchhook/switchhook/blob/main/docs/wordpress.md",
		Abilities: []connectors.Ability{connectors.AbilityPublish, connectors.AbilityCheck},
		Fields: []connectors.Field{
			{
				Key: fieldSite, Label: "Site", Type: connectors.FieldText, Required: true, Placeholder: "blog.wordpress.com", Pattern: `[A-Za-z0-9.-]{1,253}`,
				Help: "The site's name without https://, such as blog.wordpress.com, or its number.",
			},
			{
				Key: bearer.FieldAccess, Label: "Access token", Type: connectors.FieldText, Required: true, Secret: true,
				Help: "A token of an app of yours for this site. Connecting the channel by a click gets it for you.",
			},
			{
				Key: bearer.FieldRefresh, Label: "Refresh token", Type: connectors.FieldText, Secret: true,
				Help: "Only where the access token ends: it is renewed with this one.",
			},
			{
				Key: bearer.FieldExpires, Label: "Access token's end", Type: connectors.FieldText, Placeholder: "2026-11-21T09:00:00Z",
				Help: "When the access token ends. Leave it empty where that is not known.",
			},
			{
				Key: bearer.FieldClientID, Label: "Client id", Type: connectors.FieldText,
				Help: "Of the app that the tokens were made with, where it is not the operator's. Only for renewing.",
			},
			{
				Key: bearer.FieldClientSecret, Label: "Client secret", Type: connectors.FieldText, Secret: true,
				Help: "Of that app.",
			},
			wordpress.FormatField(),
		},
		Post: wordpress.PostInfo(
			[]string{"image/jpeg", "image/png", "image/gif", "image/webp"},
			[]string{"video/mp4", "video/quicktime"},
		),
	}
}

// Address returns the site as the user named it, in small letters.
func (Connector) Address(config connectors.Config) (string, error) {
	site := strings.ToLower(strings.Trim(config[fieldSite], ". "))
	if site == "" || strings.Contains(site, "..") || strings.ContainsAny(site, "/\\:?#@ ") {
		return "", connectors.Rejected("invalid_field", "Site must be its name without https://, such as blog.wordpress.com, or its number.", fieldSite)
	}
	if expires := config[bearer.FieldExpires]; expires != "" {
		if _, err := time.Parse(time.RFC3339, expires); err != nil {
			return "", connectors.Rejected("invalid_field", "Access token's end must be a time such as 2026-11-21T09:00:00Z, or empty.", bearer.FieldExpires)
		}
	}
	return site, nil
}

// Open makes a channel.
func (c Connector) Open(channel connectors.Channel, host connectors.Host) (connectors.Conn, error) {
	site, err := c.Address(channel.Config)
	if err != nil {
		return nil, err
	}
	if host.HTTP == nil || host.Now == nil {
		return nil, errors.New("open wordpress.com channel: Host.HTTP and Host.Now are required")
	}
	tokens := bearer.New(bearer.Options{App: c.app(), Config: channel.Config, HTTP: host.HTTP, Now: host.Now, Keeper: host.Tokens})
	return &conn{
		api:    api{baseURL: c.options.BaseURL, tokens: tokens, now: host.Now, secrets: secretsOf(channel.Config)},
		site:   "/sites/" + url.PathEscape(site),
		format: channel.Config[wordpress.FieldFormat],
	}, nil
}

func secretsOf(config connectors.Config) []string {
	return []string{config[bearer.FieldAccess], config[bearer.FieldRefresh], config[bearer.FieldClientSecret]}
}

// conn is one site.
type conn struct {
	api    api
	site   string // the beginning of its paths
	format string // wordpress.FieldFormat
}

// Close does nothing: connections belong to the host's client.
func (c *conn) Close() error { return nil }

// Check asks for the site as its user sees it.
func (c *conn) Check(ctx context.Context) error {
	var site struct {
		ID           int64           `json:"ID"`
		Capabilities map[string]bool `json:"capabilities"` // only for users of the site
	}
	if err := c.api.get(ctx, c.site+"?fields=ID,capabilities", &site); err != nil {
		return err
	}
	switch {
	case site.ID == 0:
		return connectors.Retryable(errUnexpected())
	case site.Capabilities != nil && !site.Capabilities["publish_posts"] && !site.Capabilities["edit_posts"]:
		return meaningOf(http.StatusForbidden, "unauthorized")
	}
	return nil
}
