//go:build !nowhatsapp

package all

import (
	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/whatsapp"
)

// AddLinked adds the networks whose channels are linked devices. A setting that does not fit is an error that names it. The build tag
// nowhatsapp leaves linked WhatsApp out, and with it the one library under the GPL (see NOTICE).
func AddLinked(known map[string]connectors.Connector, setting func(name string) string) error {
	connector, err := whatsapp.New(whatsapp.OptionsOf(setting))
	if err != nil {
		return err
	}
	known[whatsapp.Kind] = connector
	return nil
}

// Prepare makes the libraries of linked devices ready. A process calls it once, before AddLinked.
func Prepare() { whatsapp.Prepare() }

// linkedSettings returns the names of the operator's settings that these networks read.
func linkedSettings() []string { return whatsapp.Settings() }
