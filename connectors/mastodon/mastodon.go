// Package mastodon publishes on Mastodon, and on other servers that speak its client API.
//
// The address of a channel's server (its instance) is given by a user. Every request therefore goes through connectors.Host.Public, the
// door that reaches no private network, and what comes back is bounded and checked like a stranger's word.
package mastodon

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
)

// Kind is the kind of channel that this package opens.
const Kind = "mastodon"

// Limits of Mastodon as it is installed; each instance may have its own, which PostLimits asks for.
const (
	maxText   = 500
	urlLength = 23 // what any address counts (characters_reserved_per_url)
	maxAlt    = 1500
	maxImages = 4
	maxVideos = 1
	maxImage  = 16 << 20 // bytes
	maxVideo  = 99 << 20 // bytes
)

const (
	fieldInstance = "instanceUrl"
	fieldUsername = "username"
	fieldToken    = "accessToken"

	optionVisibility = "visibility"
	optionSpoiler    = "spoilerText"
	optionSensitive  = "sensitive"
	optionLanguage   = "language"
)

// defaultScopes are the least that publishing, its pictures, Check and FindPost need.
const defaultScopes = "read:accounts read:statuses write:media write:statuses"

// Options configures the network.
type Options struct {
	Scopes string // asked for when a channel is connected by OAuth, separated by spaces; empty: the least that is needed

	// Wait waits between two looks at a file that an instance is still working on; nil: for real. Its error ends the waiting.
	Wait func(ctx context.Context, d time.Duration) error
}

// Connector is Mastodon. It remembers for an hour which apps it has registered at which instance, and nothing else.
type Connector struct {
	scopes string
	wait   func(ctx context.Context, d time.Duration) error
	apps   *apps
}

var (
	_ connectors.Connector      = Connector{}
	_ connectors.Authorizer     = Connector{}
	_ connectors.AuthorizeAsker = Connector{}
	_ connectors.Publisher      = (*conn)(nil)
	_ connectors.PostFinder     = (*conn)(nil)
	_ connectors.PostLimiter    = (*conn)(nil)
	_ connectors.Checker        = (*conn)(nil)
)

// New returns the connector.
func New(options Options) Connector {
	c := Connector{scopes: strings.Join(strings.Fields(options.Scopes), " "), wait: options.Wait, apps: newApps()}
	if c.scopes == "" {
		c.scopes = defaultScopes
	}
	if c.wait == nil {
		c.wait = connectors.Wait
	}
	return c
}

// Info describes the kind.
func (Connector) Info() connectors.Info {
	return connectors.Info{
		Kind: Kind, Name: "Mastodon", Platform: "mastodon", KeyPrefix: "mstdn",
		DocsURL:   "https://github.com/switchhook/switchhook/blob/main/docs/mastodon.md",
		Abilities: []connectors.Ability{connectors.AbilityPublish, connectors.AbilityCheck},
		Fields:    fields(),
		Post: &connectors.PostInfo{
			Text: connectors.PostPlain, Split: true, Options: postOptions(),
			Limits: connectors.PostLimits{
				Counter: connectors.CountMastodon, TextLength: maxText, URLLength: urlLength, AltLength: maxAlt,
				Images: maxImages, Videos: maxVideos, ImageBytes: maxImage, VideoBytes: maxVideo,
			},
		},
	}
}

func fields() []connectors.Field {
	return []connectors.Field{
		{
			Key: fieldInstance, Label: "Instance", Type: connectors.FieldURL, Required: true, Placeholder: "https://mastodon.social",
			Help: "The address of the server that your account is on, without anything behind its name, such as https://mastodon.social.",
		},
		{
			Key: fieldUsername, Label: "User name", Type: connectors.FieldText, Required: true, Placeholder: "alice", Pattern: `@?[A-Za-z0-9_.-]+(@[A-Za-z0-9.:-]+)?`,
			Help: "Your account's name on that server, such as alice.",
		},
		{
			Key: fieldToken, Label: "Access token", Type: connectors.FieldText, Required: true, Secret: true,
			Help: "On your server, under Preferences, Development, New application, with the scopes " + strings.ReplaceAll(defaultScopes, " ", ", ") + ".",
		},
	}
}

func postOptions() []connectors.Field {
	return []connectors.Field{
		{
			Key: optionVisibility, Label: "Visibility", Type: connectors.FieldSelect, Options: []string{"public", "unlisted", "private", "direct"},
			Help: "Who sees the post: everybody, everybody but not in public timelines, followers, or those it mentions. Without it the account's own setting counts.",
		},
		{
			Key: optionSpoiler, Label: "Content warning", Type: connectors.FieldText,
			Help: "Stands above the post, which opens with a click. Its characters count with those of the text.",
		},
		{
			Key: optionSensitive, Label: "Sensitive media", Type: connectors.FieldSelect, Options: []string{"yes", "no"},
			Help: "With yes, pictures and films are hidden until they are clicked.",
		},
		{
			Key: optionLanguage, Label: "Language", Type: connectors.FieldText, Placeholder: "en", Pattern: `[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*`,
			Help: "The language of the text, as a code of ISO 639 such as en. Without it the account's own setting counts.",
		},
	}
}

// Address returns the account's name with the host of its instance, such as "alice@mastodon.social".
func (Connector) Address(config connectors.Config) (string, error) {
	instance, err := instanceOf(config[fieldInstance])
	if err != nil {
		return "", err
	}
	name := usernameOf(config[fieldUsername])
	if name == "" {
		return "", connectors.Rejected("invalid_field", "User name must be your account's name on the server, such as alice.", fieldUsername)
	}
	return name + "@" + instance.Host, nil
}

// instanceOf reads the address of an instance: a scheme and a host, and nothing else.
func instanceOf(address string) (*url.URL, error) {
	parsed, err := url.Parse(strings.TrimSpace(address))
	if err != nil || (parsed.Scheme != "https" && parsed.Scheme != "http") || parsed.Hostname() == "" || parsed.User != nil ||
		strings.Trim(parsed.Path, "/") != "" || parsed.RawQuery != "" || parsed.Fragment != "" {
		return nil, connectors.Rejected("invalid_field", "Instance must be the address of your server alone, such as https://mastodon.social.", fieldInstance)
	}
	return &url.URL{Scheme: parsed.Scheme, Host: strings.ToLower(parsed.Host)}, nil
}

// usernameOf returns a name in small letters, without the server behind it; "" where there is none.
func usernameOf(name string) string {
	name, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(name), "@"), "@")
	if !regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$`).MatchString(name) {
		return ""
	}
	return strings.ToLower(name)
}

// Open makes a channel.
func (c Connector) Open(channel connectors.Channel, host connectors.Host) (connectors.Conn, error) {
	if _, err := c.Address(channel.Config); err != nil {
		return nil, err
	}
	if host.Public == nil || host.Now == nil {
		return nil, errors.New("open mastodon channel: Host.Public and Host.Now are required")
	}
	instance, err := instanceOf(channel.Config[fieldInstance])
	if err != nil {
		return nil, err
	}
	return &conn{
		api:      api{http: host.Public, baseURL: instance.String(), token: channel.Config[fieldToken], now: host.Now},
		username: usernameOf(channel.Config[fieldUsername]), wait: c.wait,
	}, nil
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
	ID          string `json:"id"`
	Username    string `json:"username"`
	DisplayName string `json:"display_name"`
}

// whoami asks whose token it is.
func (a api) whoami(ctx context.Context) (account, error) {
	var who account
	if err := a.get(ctx, "/api/v1/accounts/verify_credentials", &who); err != nil {
		return account{}, err
	}
	if who.ID == "" || usernameOf(who.Username) == "" {
		return account{}, connectors.Retryable(errUnexpected())
	}
	return who, nil
}

// Check asks the instance whose token it is.
func (c *conn) Check(ctx context.Context) error {
	who, err := c.api.whoami(ctx)
	if err != nil {
		failed := connectors.AsError(err)
		if failed.Kind != connectors.KindRejected || failed.Code == codeAddress {
			return failed
		}
		unlinked := connectors.Unlinked(connectors.CodeAuthFailed, "The instance does not let this token read the account. Check the address of the instance, and make a token with the scopes that the guide names.")
		unlinked.Provider, unlinked.Err = failed.Provider, failed.Err
		return unlinked
	}
	if usernameOf(who.Username) != c.username {
		return connectors.Unlinked(connectors.CodeAuthFailed, "The access token belongs to the account "+usernameOf(who.Username)+". Enter that name, or the token of this account.")
	}
	return nil
}
