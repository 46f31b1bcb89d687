package web

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFilesFromElsewhereAreThoseThatWereRecorded(t *testing.T) {
	t.Parallel()
	record, err := staticFiles.ReadFile("static/vendor/VENDOR.md")
	require.NoError(t, err)
	rows := regexp.MustCompile(`(?m)^\| (\S+) \| .* \| ([0-9a-f]{64}) \|$`).FindAllStringSubmatch(string(record), -1)
	entries, err := staticFiles.ReadDir("static/vendor")
	require.NoError(t, err)
	require.Len(t, rows, len(entries)-1, "each file has a row")
	for _, row := range rows {
		raw, err := staticFiles.ReadFile("static/vendor/" + row[1])
		require.NoError(t, err)
		sum := sha256.Sum256(raw)
		require.Equal(t, row[2], hex.EncodeToString(sum[:]), row[1])
	}
}

func TestEverySymbolThatIsDrawnIsThere(t *testing.T) {
	t.Parallel()
	raw, err := staticFiles.ReadFile("static/vendor/icons.svg")
	require.NoError(t, err)
	asked := regexp.MustCompile(`(?:icon |"icon" )"([a-z0-9-]+)"`)
	count := 0
	for name, source := range sources(t) {
		for _, found := range asked.FindAllStringSubmatch(source, -1) {
			count++
			require.Contains(t, string(raw), `id="`+found[1]+`"`, name)
		}
	}
	require.Greater(t, count, 20)
	for status, shown := range badges() {
		require.Contains(t, string(raw), `id="`+shown[1]+`"`, status)
	}
}

// The first page is to come in less than 60 kB: what all pages load, packed.
func TestWhatEveryPageLoadsIsSmall(t *testing.T) {
	t.Parallel()
	all, err := readAssets()
	require.NoError(t, err)
	sum := 0
	for _, name := range []string{"htmx.min.js", "oat.min.css", "app.css", "app.js", "icons.svg", "logo.svg"} {
		require.NotNil(t, all.byName[name], name)
		sum += len(all.byName[name].packed)
	}
	require.Less(t, sum, 50_000, "leaves 10 kB for the page itself")
}

func TestAnAssetsAddressChangesWithItsBytes(t *testing.T) {
	t.Parallel()
	one, err := newAsset("a.js", []byte("1"))
	require.NoError(t, err)
	two, err := newAsset("a.js", []byte("2"))
	require.NoError(t, err)
	require.NotEqual(t, one.address, two.address)
	require.True(t, strings.HasPrefix(one.contentType, "text/javascript"))
}
