// Package meta is what the networks of Meta (Messenger, Instagram, WhatsApp Cloud) have in common: calls to the Graph API, the meaning
// of its errors, the signature and the verification of callbacks, and the one callback of an app for all its channels.
package meta

import (
	"context"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
)

// The operator's settings that all of Meta's networks read.
const (
	SettingBaseURL     = "META_BASE_URL"
	SettingVersion     = "META_GRAPH_VERSION"
	SettingAppID       = "META_APP_ID"
	SettingAppSecret   = "META_APP_SECRET"
	SettingVerifyToken = "META_VERIFY_TOKEN"

	SettingVideoBaseURL    = "META_VIDEO_BASE_URL"
	SettingLoginBaseURL    = "META_LOGIN_BASE_URL"
	SettingAppSecretProof  = "META_APPSECRET_PROOF"
	SettingFacebookScopes  = "META_FACEBOOK_SCOPES"
	SettingInstagramScopes = "META_INSTAGRAM_SCOPES"
)

// MaxSendBytes is the largest file that Messenger and Instagram take: 25 MB, by Meta's guide to attachments.
const MaxSendBytes = 25 << 20

const (
	defaultBaseURL      = "https://graph.facebook.com"
	defaultVideoBaseURL = "https://graph-video.facebook.com" // takes films in place of the Graph API's usual host
	defaultLoginBaseURL = "https://www.facebook.com"
	defaultVersion      = "v25.0" // a version lives for about two years; a call without one would get the app's oldest
)

// Options is what an operator sets for all of Meta's networks. Every field is optional.
type Options struct {
	BaseURL     string // where the Graph API is, without a path; empty: https://graph.facebook.com
	Version     string // of the Graph API, such as v25.0, which is also what empty means
	AppID       string // of the app that users grant access to; empty: channels are connected by pasted tokens only
	AppSecret   string // of the app that the callbacks come from; empty: only channels with a secret of their own take callbacks
	VerifyToken string // what Meta names when an address of ours is entered in the app; empty: channels have tokens of their own

	VideoBaseURL string // where films are uploaded; empty: BaseURL where that is set, else https://graph-video.facebook.com
	LoginBaseURL string // where users grant access; empty: https://www.facebook.com

	// AppSecretProof has every call carry the proof that its sender knows the app's secret. Only for apps that require it: a token of another app is
	// then refused.
	AppSecretProof bool

	FacebookScopes  string // asked for when a Page is connected, separated by spaces or commas; empty: what this program needs
	InstagramScopes string // the same for an Instagram account

	// Wait waits between two looks at something that Meta is still working on; nil: for real. Its error ends the waiting.
	Wait func(ctx context.Context, d time.Duration) error
}

// Settings returns the names of the operator's settings that OptionsOf reads.
func Settings() []string {
	return []string{
		SettingBaseURL, SettingVersion, SettingAppID, SettingAppSecret, SettingVerifyToken, SettingVideoBaseURL, SettingLoginBaseURL, SettingAppSecretProof,
		SettingFacebookScopes, SettingInstagramScopes,
	}
}

// OptionsOf reads the operator's settings; setting returns "" for one that is not set.
func OptionsOf(setting func(name string) string) Options {
	return Options{
		BaseURL: setting(SettingBaseURL), Version: setting(SettingVersion),
		AppID: setting(SettingAppID), AppSecret: setting(SettingAppSecret), VerifyToken: setting(SettingVerifyToken),
		VideoBaseURL: setting(SettingVideoBaseURL), LoginBaseURL: setting(SettingLoginBaseURL), AppSecretProof: setting(SettingAppSecretProof) == "true",
		FacebookScopes: setting(SettingFacebookScopes), InstagramScopes: setting(SettingInstagramScopes),
	}
}

// baseURL returns the address that paths are appended to, with the version.
func (o Options) baseURL() string { return o.versioned(o.BaseURL, defaultBaseURL) }

// videoURL is baseURL for films.
func (o Options) videoURL() string {
	if o.VideoBaseURL == "" && o.BaseURL != "" {
		return o.baseURL()
	}
	return o.versioned(o.VideoBaseURL, defaultVideoBaseURL)
}

// loginURL returns the address of the page where users grant access.
func (o Options) loginURL() string {
	return o.versioned(o.LoginBaseURL, defaultLoginBaseURL) + "/dialog/oauth"
}

func (o Options) versioned(base, fallback string) string {
	base, version := strings.TrimRight(base, "/"), strings.Trim(o.Version, "/ ")
	if base == "" {
		base = fallback
	}
	if version == "" {
		version = defaultVersion
	}
	return base + "/v" + strings.TrimPrefix(version, "v")
}

// Pause waits for d, or until ctx ends: by Options.Wait where that is set.
func (o Options) Pause(ctx context.Context, d time.Duration) error {
	if o.Wait != nil {
		return o.Wait(ctx, d)
	}
	return connectors.Wait(ctx, d)
}
