//go:build nowhatsapp

package all

import "github.com/switchhook/switchhook/connectors"

// AddLinked adds nothing: this build is without linked WhatsApp devices.
func AddLinked(map[string]connectors.Connector, func(name string) string) error { return nil }

// Prepare does nothing.
func Prepare() {}

// linkedSettings returns no names.
func linkedSettings() []string { return nil }
