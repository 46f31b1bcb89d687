package config

// networkSetting is an operator's setting that a connector reads, as .env.example shows it. Connectors name theirs to Load; what each means stands
// here, beside the server's own, so that an operator finds all of them in one place.
type networkSetting struct {
	name, fallback string
	about, accepts string
}

// What several networks have.
const (
	acceptsBaseURL = "an http or https URL without a query or user; it is trusted, also in a private network"
	acceptsVersion = "a version's name, such as "
	acceptsScopes  = "names with spaces between them"
	acceptsID      = "a text without spaces, as the network shows it"
	acceptsSecret  = "a text; keep it secret"
)

// networkSettings lists the settings of all connectors (connectors/all.Settings), in the order of their names.
func networkSettings() []networkSetting {
	return []networkSetting{
		{"DISCORD_API_VERSION", "v10", "Version of Discord's API.", acceptsVersion + "v10"},
		{"DISCORD_BASE_URL", "https://discord.com", "Where Discord is, for tests and proxies.", acceptsBaseURL},
		{"GUPSHUP_BASE_URL", "https://api.gupshup.io", "Where Gupshup is, for tests and proxies.", acceptsBaseURL},

		{"LINKEDIN_API_VERSION", "202607", "Version of LinkedIn's API; each ends a year after its beginning (docs/linkedin.md).", "a year and a month, such as 202607"},
		{"LINKEDIN_BASE_URL", "https://api.linkedin.com", "Where LinkedIn's API is, for tests and proxies.", acceptsBaseURL},
		{"LINKEDIN_CLIENT_ID", "", "Your app at LinkedIn, for connecting by OAuth (docs/connecting.md). Default: none, tokens are pasted.", acceptsID},
		{"LINKEDIN_CLIENT_SECRET", "", "The secret of that app.", acceptsSecret},
		{"LINKEDIN_OAUTH_BASE_URL", "https://www.linkedin.com/oauth/v2", "Stands before /authorization and /accessToken, for tests and proxies.", acceptsBaseURL},
		{"LINKEDIN_SCOPES", "", "Permissions asked for. Default: openid profile w_member_social.", acceptsScopes},

		{"MASTODON_SCOPES", "", "Permissions asked for at each instance. Default: read:accounts read:statuses write:media write:statuses.", acceptsScopes},

		{"META_APPSECRET_PROOF", "", "Whether calls carry appsecret_proof, for apps that require it; tokens of other apps are then refused. Default: false.", "true or false"},
		{
			"META_APP_ID", "", "Your app at Meta, for connecting Pages and Instagram accounts by Facebook Login (docs/connecting.md). Default: none, tokens are pasted.",
			"the app's number",
		},
		{
			"META_APP_SECRET", "", "The secret of the app whose callbacks come to BASE_URL/callbacks/meta (Messenger, Instagram, WhatsApp). Channels may have one of their own instead.",
			acceptsSecret,
		},
		{"META_BASE_URL", "https://graph.facebook.com", "Where Meta's Graph API is, for tests and proxies.", acceptsBaseURL},
		{"META_FACEBOOK_SCOPES", "", "Permissions asked for when a Page is connected. Default: see docs/facebook.md.", "names with spaces or commas between them"},
		{"META_GRAPH_VERSION", "v25.0", "Version of the Graph API; each lives for about two years.", acceptsVersion + "v25.0"},
		{"META_INSTAGRAM_SCOPES", "", "Permissions asked for when an Instagram account is connected. Default: see docs/instagram.md.", "names with spaces or commas between them"},
		{"META_LOGIN_BASE_URL", "https://www.facebook.com", "Where users of Meta's networks grant access, for tests and proxies.", acceptsBaseURL},
		{"META_VERIFY_TOKEN", "", "A word of your own that you enter at Meta beside the address BASE_URL/callbacks/meta. Channels may have one of their own instead.", acceptsSecret},
		{"META_VIDEO_BASE_URL", "", "Where films go. Default: META_BASE_URL where that is set, else https://graph-video.facebook.com.", acceptsBaseURL},

		{"TELNYX_BASE_URL", "https://api.telnyx.com", "Where Telnyx is, for tests and proxies.", acceptsBaseURL},

		{"TUMBLR_BASE_URL", "https://api.tumblr.com", "Where Tumblr's API is, for tests and proxies.", acceptsBaseURL},
		{"TUMBLR_CLIENT_ID", "", "Your app at Tumblr, its OAuth consumer key, for connecting by OAuth (docs/connecting.md). Default: none, tokens are pasted.", acceptsID},
		{"TUMBLR_CLIENT_SECRET", "", "The secret of that app.", acceptsSecret},
		{"TUMBLR_SCOPES", "", "Permissions asked for. Default: basic write offline_access.", acceptsScopes},

		{"TWILIO_BASE_URL", "https://api.twilio.com", "Where Twilio is, for tests and proxies.", acceptsBaseURL},

		{
			"WHATSAPP_CLIENT_VERSION", "", "Version of WhatsApp Web that linked devices name, for when WhatsApp refuses the built-in one (docs/whatsapp.md). Default: the built-in one.",
			"three numbers with dots between them, such as 2.3000.1045649367",
		},
		{"WHATSAPP_DEVICE_NAME", "Switchhook", "What phones call this server under Linked devices.", "a text"},
		{"WHATSAPP_TEST_ROOT_KEY", "", "For tests only, and only with WHATSAPP_TEST_SERVER: the public root key of its certificates.", "64 hexadecimal digits"},
		{"WHATSAPP_TEST_SERVER", "", "For tests only, and only with WHATSAPP_TEST_ROOT_KEY: a stand-in that linked devices connect to in place of WhatsApp.", "an address of this machine, such as 127.0.0.1:8443"},

		{"WORDPRESS_COM_BASE_URL", "https://public-api.wordpress.com", "Where WordPress.com's API is, for tests and proxies.", acceptsBaseURL},
		{"WORDPRESS_COM_CLIENT_ID", "", "Your app at WordPress.com, for connecting by OAuth (docs/connecting.md). Default: none, tokens are pasted.", acceptsID},
		{"WORDPRESS_COM_CLIENT_SECRET", "", "The secret of that app.", acceptsSecret},
		{"WORDPRESS_COM_OAUTH_PATH", "/oauth2", "Which of WordPress.com's OAuth servers is used; the tokens of the newer one end and are renewed.", "/oauth2 or /oauth2-1"},
		{"WORDPRESS_COM_SCOPES", "", "Permissions asked for. Default: none, which is everything on the one site that the user chooses.", acceptsScopes},

		{"X_AUTHORIZE_URL", "https://x.com/i/oauth2/authorize", "The page where users of X grant access, for tests and proxies.", "an http or https URL"},
		{"X_BASE_URL", "https://api.x.com", "Where X's API is, for tests and proxies.", acceptsBaseURL},
		{"X_CLIENT_ID", "", "Your app at X, for connecting by OAuth (docs/connecting.md). Default: none, tokens are pasted.", acceptsID},
		{"X_CLIENT_SECRET", "", "The secret of that app; empty where it is a public client.", acceptsSecret},
		{"X_SCOPES", "", "Permissions asked for. Default: tweet.read tweet.write users.read media.write offline.access.", acceptsScopes},
	}
}
