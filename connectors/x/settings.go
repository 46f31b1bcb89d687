package x

// The operator's settings.
const (
	settingBaseURL   = "X_BASE_URL"
	settingAuthorize = "X_AUTHORIZE_URL"
	settingID        = "X_CLIENT_ID"
	settingSecret    = "X_CLIENT_SECRET"
	settingScopes    = "X_SCOPES"
)

// Settings returns the names of the operator's settings that OptionsOf reads.
func Settings() []string {
	return []string{settingBaseURL, settingAuthorize, settingID, settingSecret, settingScopes}
}

// OptionsOf makes options of an operator's settings; setting gives one by its name, or "".
func OptionsOf(setting func(name string) string) Options {
	return Options{
		BaseURL: setting(settingBaseURL), AuthorizeURL: setting(settingAuthorize), ClientID: setting(settingID), ClientSecret: setting(settingSecret),
		Scopes: setting(settingScopes),
	}
}
