package whatsapp

import (
	"os"
	"testing"

	"go.mau.fi/whatsmeow"

	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
)

// TestMain sets the root key before any client is made: whatsmeow keeps one for the whole process.
func TestMain(m *testing.M) {
	whatsmeow.WACertPubKey = watest.SharedRoot().PublicKey()
	os.Exit(m.Run())
}
