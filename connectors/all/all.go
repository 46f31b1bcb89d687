// Package all is the list of the networks. A new one is a folder beside this one and a line in New.
package all

import (
	"slices"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/discord"
	"github.com/switchhook/switchhook/connectors/facebook"
	"github.com/switchhook/switchhook/connectors/gupshup"
	"github.com/switchhook/switchhook/connectors/instagram"
	"github.com/switchhook/switchhook/connectors/linkedin"
	"github.com/switchhook/switchhook/connectors/mastodon"
	"github.com/switchhook/switchhook/connectors/meta"
	"github.com/switchhook/switchhook/connectors/sandbox"
	"github.com/switchhook/switchhook/connectors/telnyx"
	"github.com/switchhook/switchhook/connectors/tumblr"
	"github.com/switchhook/switchhook/connectors/twilio"
	"github.com/switchhook/switchhook/connectors/whatsappcloud"
	"github.com/switchhook/switchhook/connectors/wordpresscom"
	"github.com/switchhook/switchhook/connectors/wordpressorg"
	"github.com/switchhook/switchhook/connectors/x"
)

const (
	discordBaseURL = "DISCORD_BASE_URL"
	discordVersion = "DISCORD_API_VERSION"
	gupshupBaseURL = "GUPSHUP_BASE_URL"
	mastodonScopes = "MASTODON_SCOPES"
	telnyxBaseURL  = "TELNYX_BASE_URL"
	twilioBaseURL  = "TWILIO_BASE_URL"
)

// New returns every network by its kind, but for those of AddLinked. setting gives an operator's setting by its name, such as TWILIO_BASE_URL, or "".
func New(setting func(name string) string) map[string]connectors.Connector {
	return map[string]connectors.Connector{
		discord.Kind:        discord.New(discord.Options{BaseURL: setting(discordBaseURL), Version: setting(discordVersion)}),
		facebook.Kind:       facebook.New(meta.OptionsOf(setting)),
		gupshup.Kind:        gupshup.New(gupshup.Options{BaseURL: setting(gupshupBaseURL)}),
		instagram.Kind:      instagram.New(meta.OptionsOf(setting)),
		linkedin.Kind:       linkedin.New(linkedin.OptionsOf(setting)),
		mastodon.Kind:       mastodon.New(mastodon.Options{Scopes: setting(mastodonScopes)}),
		sandbox.Kind:        sandbox.New(),
		telnyx.Kind:         telnyx.New(telnyx.Options{BaseURL: setting(telnyxBaseURL)}),
		tumblr.Kind:         tumblr.New(tumblr.OptionsOf(setting)),
		twilio.KindSMS:      twilio.NewSMS(twilio.Options{BaseURL: setting(twilioBaseURL)}),
		twilio.KindWhatsApp: twilio.NewWhatsApp(twilio.Options{BaseURL: setting(twilioBaseURL)}),
		whatsappcloud.Kind:  whatsappcloud.New(meta.OptionsOf(setting)),
		wordpresscom.Kind:   wordpresscom.New(wordpresscom.OptionsOf(setting)),
		wordpressorg.Kind:   wordpressorg.New(),
		x.Kind:              x.New(x.OptionsOf(setting)),
	}
}

// Settings returns the names of the operator's settings that connectors read.
func Settings() []string {
	return append(slices.Concat(meta.Settings(), linkedSettings(), linkedin.Settings(), tumblr.Settings(), wordpresscom.Settings(), x.Settings()), discordBaseURL, discordVersion, gupshupBaseURL, mastodonScopes, telnyxBaseURL, twilioBaseURL)
}

// Apps returns what takes the callbacks that concern all channels of an app, by the last part of its address: /callbacks/meta.
func Apps(setting func(name string) string) map[string]connectors.AppReceiver {
	return map[string]connectors.AppReceiver{
		"meta": meta.NewApp(meta.OptionsOf(setting), map[string]meta.Parser{
			meta.ObjectPage:      facebook.ParseEntry,
			meta.ObjectInstagram: instagram.ParseEntry,
			meta.ObjectWhatsApp:  whatsappcloud.ParseEntry,
		}),
	}
}

// BaseURLs returns the addresses that an operator has set in place of the networks' own. They are trusted: they may lie in a private
// network and be plain http.
func BaseURLs(setting func(name string) string) []string {
	var set []string
	for _, name := range Settings() {
		if address := setting(name); address != "" && strings.HasSuffix(name, "_BASE_URL") {
			set = append(set, address)
		}
	}
	return set
}
