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
#TWILIO_BASE_URL=https://api.twilio.com
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
