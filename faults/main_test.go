//go:build linux

package faults

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
	"github.com/switchhook/switchhook/internal/testenv"
)

// binaryVariable names the environment variable that holds the path of the product.
const binaryVariable = "FAULTS_BINARY"

// patience bounds every wait that the product promises no shorter time for; it is far more than any needs.
const patience = 60 * time.Second

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "switchhook-faults-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	watest.Prepare(watest.SharedRoot())
	if err := prepare(folder); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return testenv.Main(m)
}

// prepare builds the product as it is released, and lets more tests run at a time than there are processors: they
// wait far more than they work. A -parallel on the command line wins.
func prepare(folder string) error {
	if err := flag.Set("test.parallel", "8"); err != nil {
		return fmt.Errorf("set -parallel: %w", err)
	}
	if os.Getenv(binaryVariable) != "" {
		return nil
	}
	binary := filepath.Join(folder, "switchhook")
	command := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", binary, "github.com/switchhook/switchhook")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build the product: %w\n%s", err, output)
	}
	return os.Setenv(binaryVariable, binary)
}

// onBoth runs a test on SQLite with the embedded Redis, and on PostgreSQL with a real Redis.
func onBoth(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		test(t, newSite(t))
	})
	t.Run("engines", func(t *testing.T) {
		t.Parallel()
		test(t, newSiteOnEngines(t))
	})
}

// await waits until a condition holds.
func await(t *testing.T, within time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline.C:
			require.FailNow(t, "waited in vain", "%s: %s", within, what)
		case <-tick.C:
		}
	}
}
