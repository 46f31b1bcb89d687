// Package meta is what the networks of Meta (Messenger, Instagram, WhatsApp Cloud) have in common: calls to the Graph API, the meaning
// of its errors, the signature and the verification of callbacks, and the one callback of an app for all its channels.
package meta

import "strings"

// The operator's settings that all of Meta's networks read.
const (
	SettingBaseURL     = "META_BASE_URL"
	SettingVersion     = "META_GRAPH_VERSION"
	SettingAppSecret   = "META_APP_SECRET"
	SettingVerifyToken = "META_VERIFY_TOKEN"
)

// MaxSendBytes is the largest file that Messenger and Instagram take: 25 MB, by Meta's guide to attachments.
const MaxSendBytes = 25 << 20

const (
	defaultBaseURL = "https://graph.facebook.com"
	defaultVersion = "v25.0" // a version lives for about two years; a call without one would get the app's oldest
)

// Options is what an operator sets for all of Meta's networks. Every field is optional.
type Options struct {
	BaseURL     string // where the Graph API is, without a path; empty: https://graph.facebook.com
	Version     string // of the Graph API, such as v25.0, which is also what empty means
	AppSecret   string // of the app that the callbacks come from; empty: only channels with a secret of their own take callbacks
	VerifyToken string // what Meta names when an address of ours is entered in the app; empty: channels have tokens of their own
}

// Settings returns the names of the operator's settings that OptionsOf reads.
func Settings() []string {
	return []string{SettingBaseURL, SettingVersion, SettingAppSecret, SettingVerifyToken}
}

// OptionsOf reads the operator's settings; setting returns "" for one that is not set.
func OptionsOf(setting func(name string) string) Options {
	return Options{
		BaseURL: setting(SettingBaseURL), Version: setting(SettingVersion),
		AppSecret: setting(SettingAppSecret), VerifyToken: setting(SettingVerifyToken),
	}
}

// baseURL returns the address that paths are appended to, with the version.
func (o Options) baseURL() string {
	base, version := strings.TrimRight(o.BaseURL, "/"), strings.Trim(o.Version, "/ ")
	if base == "" {
		base = defaultBaseURL
	}
	if version == "" {
		version = defaultVersion
	}
	return base + "/v" + strings.TrimPrefix(version, "v")
}
