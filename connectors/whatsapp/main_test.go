package whatsapp

import (
	"os"
	"testing"

	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
)

// TestMain sets what the libraries keep once for the whole process, before any client is made.
func TestMain(m *testing.M) {
	watest.Prepare(watest.SharedRoot())
	os.Exit(m.Run())
}
