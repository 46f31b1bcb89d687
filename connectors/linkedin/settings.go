package linkedin

// The operator's settings.
const (
	settingBaseURL = "LINKEDIN_BASE_URL"
	settingOAuth   = "LINKEDIN_OAUTH_BASE_URL"
	settingVersion = "LINKEDIN_API_VERSION"
	settingID      = "LINKEDIN_CLIENT_ID"
	settingSecret  = "LINKEDIN_CLIENT_SECRET"
	settingScopes  = "LINKEDIN_SCOPES"
)

// Settings returns the names of the operator's settings that OptionsOf reads.
func Settings() []string {
	return []string{settingBaseURL, settingOAuth, settingVersion, settingID, settingSecret, settingScopes}
}

// OptionsOf makes options of an operator's settings; setting gives one by its name, or "".
func OptionsOf(setting func(name string) string) Options {
	return Options{
		BaseURL: setting(settingBaseURL), OAuthURL: setting(settingOAuth), Version: setting(settingVersion), ClientID: setting(settingID),
		ClientSecret: setting(settingSecret), Scopes: setting(settingScopes),
	}
}
