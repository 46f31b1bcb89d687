// Package wordpressorg publishes on sites of people's own that run WordPress, over its REST API with an application password.
//
// The address of a channel's site is given by a user. Every request therefore goes through connectors.Host.Public, the door that reaches no
// private network, and what comes back is bounded and checked like a stranger's word.
package wordpressorg

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/wordpress"
)

// Kind is the kind of channel that this package opens.
const Kind = "wordpress_org"

const (
	fieldSite     = "siteUrl"
	fieldUsername = "username"
	fieldPassword = "applicationPassword"
)

// Connector is self-hosted WordPress.
type Connector struct{}

var (
	_ connectors.Connector      = Connector{}
	_ connectors.Authorizer     = Connector{}
	_ connectors.AuthorizeAsker = Connector{}
	_ connectors.Publisher      = (*conn)(nil)
	_ connectors.PostFinder     = (*conn)(nil)
	_ connectors.Checker        = (*conn)(nil)
)

// New returns the connector.
func New() Connector { return Connector{} }

// Info describes the kind.
func (Connector) Info() connectors.Info {
	return connectors.Info{
		Kind: Kind, Name: "WordPress.org", Platform: "wordpress_org", KeyPrefix: "wporg",
		DocsURL:   "https://github.com/switchhook/switchhook/blob/main/docs/wordpress.md",
		Abilities: []connectors.Ability{connectors.AbilityPublish, connectors.AbilityCheck},
		Fields: []connectors.Field{
			{
				Key: fieldSite, Label: "Site address", Type: connectors.FieldURL, Required: true, Placeholder: "https://blog.example",
				Help: "The address of your site as it stands under Settings, General, WordPress Address.",
			},
			{
				Key: fieldUsername, Label: "User name", Type: connectors.FieldText, Required: true, Placeholder: "alice",
				Help: "The name that you log in to WordPress with.",
			},
			{
				Key: fieldPassword, Label: "Application password", Type: connectors.FieldText, Required: true, Secret: true, Pattern: `[A-Za-z0-9 ]{8,100}`,
				Help: "Made in WordPress under Users, Profile, Application Passwords. It is not the password that you log in with.",
			},
			wordpress.FormatField(),
		},
		// What every WordPress since 5.8 takes.
		Post: wordpress.PostInfo(
			[]string{"image/jpeg", "image/png", "image/gif", "image/webp"},
			[]string{"video/mp4", "video/quicktime", "video/webm"},
		),
	}
}

// Address returns the user's name with the host and path of the site, such as "alice@blog.example/news".
func (Connector) Address(config connectors.Config) (string, error) {
	site, err := siteOf(config[fieldSite])
	if err != nil {
		return "", err
	}
	name := strings.ToLower(strings.TrimSpace(config[fieldUsername]))
	if name == "" || strings.Contains(name, ":") { // Basic authentication ends a name there
		return "", connectors.Rejected("invalid_field", "User name must be the name that you log in with; it has no colon.", fieldUsername)
	}
	return name + "@" + site.Host + site.Path, nil
}

// siteOf reads the address of a site, which may lie in a folder. The path has no slash at its end.
func siteOf(address string) (*url.URL, error) {
	parsed, err := url.Parse(strings.TrimSpace(address))
	if err != nil || (parsed.Scheme != "https" && parsed.Scheme != "http") || parsed.Hostname() == "" || parsed.User != nil || parsed.RawQuery != "" ||
		parsed.Fragment != "" || strings.ContainsAny(parsed.Path, "\\ ") || strings.Contains(parsed.Path, "..") {
		return nil, connectors.Rejected("invalid_field", "Site address must be the address of your site, such as https://blog.example.", fieldSite)
	}
	path := strings.TrimSuffix(parsed.Path, "/")
	for _, tail := range []string{"/wp-admin", "/wp-json", "/wp-login.php", "/index.php"} {
		path = strings.TrimSuffix(strings.TrimSuffix(path, tail), "/")
	}
	return &url.URL{Scheme: parsed.Scheme, Host: strings.ToLower(parsed.Host), Path: path}, nil
}

// Open makes a channel.
func (c Connector) Open(channel connectors.Channel, host connectors.Host) (connectors.Conn, error) {
	if _, err := c.Address(channel.Config); err != nil {
		return nil, err
	}
	if host.Public == nil || host.Now == nil {
		return nil, errors.New("open wordpress channel: Host.Public and Host.Now are required")
	}
	site, err := siteOf(channel.Config[fieldSite])
	if err != nil {
		return nil, err
	}
	return &conn{
		api: &api{
			http: host.Public, site: site, now: host.Now,
			user: strings.TrimSpace(channel.Config[fieldUsername]), password: strings.ReplaceAll(channel.Config[fieldPassword], " ", ""),
		},
		format: channel.Config[wordpress.FieldFormat],
	}, nil
}

// conn is one user of one site.
type conn struct {
	api    *api
	format string // wordpress.FieldFormat
}

// Close does nothing: connections belong to the host's client.
func (c *conn) Close() error { return nil }

// Check asks the site who the user is.
func (c *conn) Check(ctx context.Context) error {
	var who struct {
		ID int64 `json:"id"`
	}
	if err := c.api.get(ctx, "/wp/v2/users/me", url.Values{"context": {"edit"}}, &who); err != nil {
		return err
	}
	if who.ID == 0 {
		return connectors.Retryable(errUnexpected())
	}
	return nil
}
