package web

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/all"
)

func TestEachKindOfChannelHasItsWords(t *testing.T) {
	t.Parallel()
	words, err := readTexts()
	require.NoError(t, err)
	w := &Web{texts: words}
	for kind, connector := range all.New(func(string) string { return "" }) {
		info := connector.Info()
		require.NotEmpty(t, words["channels.about."+kind], kind)
		require.NotEmpty(t, words["channels.network."+info.Platform], kind)
		if slices.Contains(info.Abilities, connectors.AbilityReceive) && !slices.Contains(info.Abilities, connectors.AbilityLink) {
			require.NotEmpty(t, w.setupSteps(kind), "%s says how its provider is told where to call", kind)
		}
	}
	for _, status := range []string{"new", "connected", "needs_link", "disabled"} {
		require.NotEmpty(t, words["channels.state."+status])
	}
	for _, status := range []string{"pending", "qr", "connecting", "connected", "disconnected", "logged_out"} {
		require.NotEmpty(t, words["channels.session."+status])
	}
}

func TestAPatternIsWrittenAsBrowsersReadIt(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                                "",
		`AC[0-9a-fA-F]{32}`:               `AC[0-9a-fA-F]{32}`,
		`\+?[0-9][0-9 ().-]{2,23}`:        `\+?[0-9][0-9 \(\).\-]{2,23}`,
		`(socks5|http)://[^\s/?#]+/?`:     `(socks5|http)://[^\s\/?#]+/?`,
		`[A-Za-z0-9+/]{43}=`:              `[A-Za-z0-9+\/]{43}=`,
		`[A-Za-z0-9_-]{24,128}`:           `[A-Za-z0-9_\-]{24,128}`,
		`[-a]\]`:                          `[\-a]\]`,
		`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4})`: `[0-9a-fA-F]{8}(-[0-9a-fA-F]{4})`,
	} {
		require.Equal(t, want, browserPattern(given))
	}
}

func TestAStoredSecretIsNeitherFilledInNorAskedForAgain(t *testing.T) {
	t.Parallel()
	w := &Web{texts: texts{}}
	fields := []fieldOption{{Key: "token", Secret: true, Required: true}, {Key: "extra", Secret: true}, {Key: "size", Options: []string{"a", "b"}}}
	drawn := w.drawFields(fields, "config.", map[string]string{"token": "********", "extra": "********"})
	require.False(t, drawn[0].Required)
	require.True(t, drawn[0].Kept)
	require.Empty(t, drawn[0].Remove, "it must be there")
	require.Empty(t, drawn[0].Value)
	require.Equal(t, "password", drawn[0].Type)
	require.Equal(t, "remove.extra", drawn[1].Remove)
	require.Equal(t, []option{{Label: "–"}, {Value: "a", Label: "a"}, {Value: "b", Label: "b"}}, drawn[2].Options)
	drawn = w.drawFields(fields, "config.", nil)
	require.True(t, drawn[0].Required)
	require.Empty(t, drawn[1].Remove)
}

func TestOnlyAPublicAddressIsOneThatProvidersReach(t *testing.T) {
	t.Parallel()
	for address, local := range map[string]bool{
		"https://hooks.example.com": false, "https://8.8.8.8": false, "http://hooks.example.com": true, "https://localhost:8080": true,
		"https://127.0.0.1": true, "https://10.1.2.3": true, "https://box.local": true, "https://[::1]": true,
	} {
		require.Equal(t, local, (&Web{o: Options{BaseURL: address}}).local(), address)
	}
}
