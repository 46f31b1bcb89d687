package config

import (
	"fmt"
	"strings"
)

const exampleHead = `# Every setting, with its default. Copy to .env and change what you need; what is commented out has its default.
# Secrets may be in files instead: SECRET_KEY_FILE=/run/secrets/key, and so on.
# Generated from internal/config: go test ./internal/config -update
`

const exampleNetworks = `
# What follows is read by the connectors, for all channels of a network. Each may be in a file too: META_APP_SECRET_FILE=/run/secrets/meta.
`

// Example returns the text of .env.example.
func Example() string {
	var text strings.Builder
	show := func(name, fallback, about, accepts string) {
		fmt.Fprintf(&text, "\n# %s\n# Accepts %s.\n#%s=%s\n", about, accepts, name, fallback)
	}
	text.WriteString(exampleHead)
	for _, field := range fields() {
		show(field.name, field.fallback, field.about, field.accepts)
	}
	text.WriteString(exampleNetworks)
	for _, setting := range networkSettings() {
		show(setting.name, setting.fallback, setting.about, setting.accepts)
	}
	return text.String()
}
