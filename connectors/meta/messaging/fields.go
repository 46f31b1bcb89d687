package messaging

import (
	"strings"

	"github.com/switchhook/switchhook/connectors"
)

// Abilities returns what both networks can do. Their templates are message tags.
func Abilities() []connectors.Ability {
	return []connectors.Ability{
		connectors.AbilitySend, connectors.AbilityReceive, connectors.AbilityStatus,
		connectors.AbilityMedia, connectors.AbilityTemplate, connectors.AbilityCheck,
	}
}

// SecretFields describes the settings that callbacks are verified with.
func SecretFields(secret, verifyToken string) []connectors.Field {
	return []connectors.Field{
		{
			Key: secret, Label: "App secret", Type: connectors.FieldText, Secret: true,
			Help: "Of the app that calls this channel's callback address: it stands under App settings, Basic. Leave it empty where your operator has set up one app for all.",
		},
		{
			Key: verifyToken, Label: "Verify token", Type: connectors.FieldText, Secret: true,
			Help: "Any word of your own. Enter the same one in your app beside the channel's callback address. Leave it empty where your operator has set up one app for all.",
		},
	}
}

// IsTag tells whether a text has the form of a message tag, such as HUMAN_AGENT. Meta adds and retires tags, so it is left to Meta which
// ones there are.
func IsTag(name string) bool {
	return len(name) >= 3 && len(name) <= 64 && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == "" && !strings.HasPrefix(name, "_")
}
