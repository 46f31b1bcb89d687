//go:build !nowhatsapp

package all_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/all"
)

func TestLinkedNetworksAreAddedUnderTheirOwnNames(t *testing.T) {
	t.Parallel()
	known := map[string]connectors.Connector{}
	require.NoError(t, all.AddLinked(known, func(string) string { return "" }))
	require.Len(t, known, 1)
	_, ok := known["whatsapp"].(connectors.Linker)
	require.True(t, ok)
	require.Equal(t, "wa", known["whatsapp"].Info().KeyPrefix)
	require.Contains(t, all.Settings(), "WHATSAPP_CLIENT_VERSION")
}

func TestASettingOfALinkedNetworkThatDoesNotFitIsNamed(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"WHATSAPP_CLIENT_VERSION": "latest", "WHATSAPP_TEST_SERVER": "127.0.0.1:1", "WHATSAPP_TEST_ROOT_KEY": "00"} {
		setting := func(asked string) string { return map[string]string{name: value}[asked] }
		require.ErrorContains(t, all.AddLinked(map[string]connectors.Connector{}, setting), name)
	}
}
