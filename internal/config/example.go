package config

import (
	"fmt"
	"strings"
)

const exampleHead = `# Every setting, with its default. Copy to .env and change what you need; what is commented out has its default.
# Secrets may be in files instead: SECRET_KEY_FILE=/run/secrets/key, and so on.
# Generated from internal/config/config.go: go test ./internal/config -update
`

const exampleTail = `
# Where a connector finds its network, for tests and for proxies; operator only, and such an address is trusted.
#GUPSHUP_BASE_URL=https://api.gupshup.io
#META_BASE_URL=https://graph.facebook.com
#META_LOGIN_BASE_URL=https://www.facebook.com
#META_VIDEO_BASE_URL=https://graph-video.facebook.com
#TELNYX_BASE_URL=https://api.telnyx.com
#TWILIO_BASE_URL=https://api.twilio.com

# Your app at Meta, for Messenger, Instagram and WhatsApp: its secret, a word of your own that you enter beside the callback address
# BASE_URL/callbacks/meta, and the version of the Graph API. Channels may have a secret and a word of their own instead. With the app's number users
# connect Pages and Instagram accounts by Facebook Login; the scopes are what they are asked for (default: see docs/facebook.md). META_APPSECRET_PROOF=true
# is for apps that require appsecret_proof.
#META_APP_ID=
#META_APP_SECRET=
#META_APPSECRET_PROOF=
#META_FACEBOOK_SCOPES=
#META_INSTAGRAM_SCOPES=
#META_VERIFY_TOKEN=
#META_GRAPH_VERSION=v25.0
`

// Example returns the text of .env.example.
func Example() string {
	var text strings.Builder
	text.WriteString(exampleHead)
	for _, field := range fields() {
		fmt.Fprintf(&text, "\n# %s\n# Accepts %s.\n#%s=%s\n", field.about, field.accepts, field.name, field.fallback)
	}
	text.WriteString(exampleTail)
	return text.String()
}
