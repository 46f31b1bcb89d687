// Package discord publishes in a channel of a Discord server: through a webhook of the channel, or as a bot.
//
// A webhook's address is its credential. Only its id and token are kept of it; requests go to Discord's own address, or the operator's in its place.
package discord

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/switchhook/switchhook/connectors"
)

// Kind is the kind of channel that this package opens.
const Kind = "discord"

const (
	defaultBaseURL = "https://discord.com"
	defaultVersion = "v10"
	// userAgent has the form that Discord demands; others may be blocked before they reach it.
	userAgent = "DiscordBot (https://github.com/switchhook/switchhook, 1)"
)

// Limits of Discord, of its documentation (version 10).
const (
	maxText    = 2000 // code points, as Discord's Markdown; more only for people who pay
	maxFiles   = 10
	maxFile    = 10 << 20 // bytes; servers that are boosted take more
	maxRequest = 25 << 20 // bytes of all files together
	maxAlt     = 1024
)

const (
	fieldWebhook = "webhookUrl"
	fieldBot     = "botToken"
	fieldChannel = "channelId"

	optionThread   = "threadId"
	optionUsername = "username"
	optionAvatar   = "avatarUrl"
	optionSilent   = "silent"
	optionNoEmbeds = "suppressEmbeds"

	yes       = "yes"
	snowflake = `[0-9]{5,20}` // Discord's ids: 64 bits in digits
)

// Options configures the network.
type Options struct {
	BaseURL string // where Discord is, without a path; empty: https://discord.com
	Version string // of the API; empty: v10

	// Wait waits out a short rest that Discord demands between two messages; nil: for real. Its error ends the waiting.
	Wait func(ctx context.Context, d time.Duration) error
}

// Connector is Discord.
type Connector struct {
	apiURL string // with the version
	hosts  []string
	wait   func(ctx context.Context, d time.Duration) error
}

var (
	_ connectors.Connector  = Connector{}
	_ connectors.Publisher  = (*conn)(nil)
	_ connectors.PostFinder = (*conn)(nil)
	_ connectors.Checker    = (*conn)(nil)
)

// New returns the connector.
func New(options Options) Connector {
	base, version := strings.TrimRight(options.BaseURL, "/"), options.Version
	if base == "" {
		base = defaultBaseURL
	}
	if version == "" {
		version = defaultVersion
	}
	c := Connector{
		apiURL: base + "/api/" + version, wait: options.Wait,
		hosts: []string{"discord.com", "discordapp.com", "ptb.discord.com", "canary.discord.com"},
	}
	if own, err := url.Parse(base); err == nil {
		c.hosts = append(c.hosts, own.Host)
	}
	if c.wait == nil {
		c.wait = connectors.Wait
	}
	return c
}

// Info describes the kind.
func (Connector) Info() connectors.Info {
	return connectors.Info{
		Kind: Kind, Name: "Discord", Platform: "discord", KeyPrefix: "dscd",
		DocsURL:   "https://github.com/switchhook/switchhook/blob/main/docs/discord.md",
		Abilities: []connectors.Ability{connectors.AbilityPublish, connectors.AbilityCheck},
		Fields:    fields(),
		Post: &connectors.PostInfo{
			Text: connectors.PostMarkdown, Split: true, Options: postOptions(),
			Limits: connectors.PostLimits{
				Counter: connectors.CountRunes, TextLength: maxText, AltLength: maxAlt,
				Images: maxFiles, Videos: maxFiles, Mixed: true, ImageBytes: maxFile, VideoBytes: maxFile,
			},
		},
	}
}

func fields() []connectors.Field {
	return []connectors.Field{
		{
			Key: fieldWebhook, Label: "Webhook URL", Type: connectors.FieldURL, Secret: true, Placeholder: "https://discord.com/api/webhooks/…",
			Help: "In Discord, under the channel's settings, Integrations, Webhooks. Posts then appear under the webhook's name. Leave it empty to post as a bot.",
		},
		{
			Key: fieldBot, Label: "Bot token", Type: connectors.FieldText, Secret: true,
			Help: "In Discord's developer portal, under your application, Bot. Beside a webhook it only looks up whether a post went out.",
		},
		{
			Key: fieldChannel, Label: "Channel ID", Type: connectors.FieldText, Pattern: snowflake, Placeholder: "1234567890123456789",
			Help: "Where the bot posts: with developer mode on, a right click on the channel copies its ID. Not needed with a webhook.",
		},
	}
}

func postOptions() []connectors.Field {
	return []connectors.Field{
		{Key: optionThread, Label: "Thread ID", Type: connectors.FieldText, Pattern: snowflake, Help: "Posts in this thread of the channel. In a forum every post needs one."},
		{Key: optionUsername, Label: "Name", Type: connectors.FieldText, Pattern: `.{1,80}`, Help: "The name above the post, in place of the webhook's. A bot keeps its own."},
		{Key: optionAvatar, Label: "Picture", Type: connectors.FieldURL, Help: "The address of the picture beside the post, in place of the webhook's. A bot keeps its own."},
		{Key: optionSilent, Label: "Silent", Type: connectors.FieldSelect, Options: []string{yes, "no"}, Help: "With yes, nobody's phone rings."},
		{Key: optionNoEmbeds, Label: "No previews", Type: connectors.FieldSelect, Options: []string{yes, "no"}, Help: "With yes, links show no preview."},
	}
}

// webhook is what the address of a webhook says.
type webhook struct {
	id, token string
	thread    string // that the address names, or empty
}

// webhookOf reads the address of a webhook; nil where there is none.
func (c Connector) webhookOf(config connectors.Config) (*webhook, error) {
	address := config[fieldWebhook]
	if address == "" {
		return nil, nil //nolint:nilnil // no webhook is no error: then a bot posts
	}
	parsed, err := url.Parse(address)
	parts := regexp.MustCompile(`^/api(?:/v[0-9]{1,3})?/webhooks/(` + snowflake + `)/([A-Za-z0-9_-]{1,200})/?$`)
	if err == nil && slices.Contains(c.hosts, strings.ToLower(parsed.Host)) {
		thread := parsed.Query().Get("thread_id")
		match := parts.FindStringSubmatch(parsed.Path)
		if match != nil && (thread == "" || regexp.MustCompile(`^`+snowflake+`$`).MatchString(thread)) {
			return &webhook{id: match[1], token: match[2], thread: thread}, nil
		}
	}
	return nil, connectors.Rejected("invalid_field", "Webhook URL must be the address that Discord shows for the webhook: https://discord.com/api/webhooks/, a number and a token.", fieldWebhook)
}

// Address returns the webhook's id, and without a webhook the id of the channel that the bot posts in.
func (c Connector) Address(config connectors.Config) (string, error) {
	hook, err := c.webhookOf(config)
	switch {
	case err != nil:
		return "", err
	case hook != nil:
		return hook.id, nil
	case config[fieldBot] == "" && config[fieldChannel] == "":
		return "", connectors.Rejected("invalid_field", "Enter a Webhook URL, or a Bot token with a Channel ID.", fieldWebhook)
	case config[fieldBot] == "":
		return "", connectors.Rejected("invalid_field", "Enter the Bot token, or a Webhook URL in place of the Channel ID.", fieldBot)
	case !regexp.MustCompile(`^` + snowflake + `$`).MatchString(config[fieldChannel]):
		return "", connectors.Rejected("invalid_field", "Enter the Channel ID, a number, of the channel that the bot posts in.", fieldChannel)
	}
	return config[fieldChannel], nil
}

// Open makes a channel.
func (c Connector) Open(channel connectors.Channel, host connectors.Host) (connectors.Conn, error) {
	if _, err := c.Address(channel.Config); err != nil {
		return nil, err
	}
	if host.HTTP == nil || host.HTTP.Transport == nil || host.Now == nil {
		return nil, errors.New("open discord channel: Host.HTTP with a transport and Host.Now are required")
	}
	hook, err := c.webhookOf(channel.Config)
	if err != nil {
		return nil, err
	}
	client := *host.HTTP
	client.Transport = agent{client.Transport}
	return &conn{
		http: &client, apiURL: c.apiURL, webhook: hook, bot: channel.Config[fieldBot], channel: channel.Config[fieldChannel], now: host.Now, wait: c.wait,
	}, nil
}

// agent sends requests under the name that Discord demands.
type agent struct{ next http.RoundTripper }

// RoundTrip makes one exchange.
func (a agent) RoundTrip(request *http.Request) (*http.Response, error) {
	named := request.Clone(request.Context())
	named.Header.Set("User-Agent", userAgent)
	return a.next.RoundTrip(named) //nolint:wrapcheck // a RoundTripper returns the error of the one that it wraps
}

// conn is one webhook, or one bot in one channel.
type conn struct {
	http    *http.Client
	apiURL  string
	webhook *webhook // nil: the bot posts
	bot     string   // token, or empty
	channel string   // where the bot posts
	now     func() time.Time
	wait    func(ctx context.Context, d time.Duration) error

	mu        sync.Mutex
	where     *place    // once it is known
	restUntil time.Time // before which Discord takes no message of ours
	gone      *connectors.Error
}

// Close does nothing: connections belong to the host's client.
func (c *conn) Close() error { return nil }
