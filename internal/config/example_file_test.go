package config_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/config"
)

func TestTheExampleFileShowsEverySettingAndLoads(t *testing.T) {
	t.Parallel()
	const path = "../../.env.example"
	if update := flag.Lookup("update"); update != nil && update.Value.String() == "true" {
		require.NoError(t, os.WriteFile(path, []byte(config.Example()), 0o644))
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, config.Example(), string(text), "run: go test ./internal/config -update")

	environment := map[string]string{}
	for line := range strings.SplitSeq(string(text), "\n") {
		if name, value, found := strings.Cut(strings.TrimPrefix(line, "#"), "="); found && !strings.HasPrefix(line, "# ") {
			environment[name] = value
		}
	}
	require.Contains(t, environment, "SECRET_KEY")
	given, err := config.Load(environment)
	require.NoError(t, err)
	defaults, err := config.Load(nil)
	require.NoError(t, err)
	require.Equal(t, defaults, given)
}
