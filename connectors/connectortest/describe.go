package connectortest

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
)

// info checks that the kind describes itself completely and truly.
func (s Suite) info(t *testing.T) {
	info := s.New("").Info()
	require.Regexp(t, `^[a-z][a-z0-9_]*$`, info.Kind)
	require.NotEmpty(t, info.Name)
	require.Regexp(t, `^[a-z][a-z0-9_]*$`, info.Platform)
	require.Regexp(t, `^[a-z][a-z0-9]*$`, info.KeyPrefix)
	require.Regexp(t, `^https://`, info.DocsURL)
	require.NotEmpty(t, info.Abilities)
	require.GreaterOrEqual(t, info.Window, 0*info.Window)
	require.Equal(t, info, s.New("").Info(), "Info is not constant")

	seen := map[string]bool{}
	for _, field := range info.Fields {
		require.False(t, seen[field.Key], "the field key %s comes twice", field.Key)
		seen[field.Key] = true
		requireField(t, field)
	}
	s.requireAbilities(t, info)
}

func requireField(t *testing.T, field connectors.Field) {
	t.Helper()
	require.Regexp(t, `^[a-z][a-zA-Z0-9]*$`, field.Key)
	require.NotEmpty(t, field.Label, field.Key)
	require.True(t, unicode.IsUpper([]rune(field.Label)[0]), "the label of %s begins with a small letter", field.Key)
	require.True(t, strings.HasSuffix(field.Help, "."), "the help of %s is no sentence", field.Key)
	require.Contains(t, []connectors.FieldType{connectors.FieldText, connectors.FieldPhone, connectors.FieldURL, connectors.FieldSelect}, field.Type)
	require.Equal(t, field.Type == connectors.FieldSelect, len(field.Options) > 0, "options of %s", field.Key)
	require.False(t, field.Secret && field.Default != "", "the secret %s has a default", field.Key)
	if regexp.MustCompile(`(?i)(token|secret|password)$`).MatchString(field.Key) {
		require.True(t, field.Secret, "%s sounds like a secret and is none", field.Key)
	}
	_, err := regexp.Compile(field.Pattern)
	require.NoError(t, err, field.Key)
}

// requireAbilities checks that what is promised is there.
func (s Suite) requireAbilities(t *testing.T, info connectors.Info) {
	t.Helper()
	conn := s.open(t, "", s.Config).conn
	_, sends := conn.(connectors.Sender)
	_, receives := conn.(connectors.Receiver)
	_, checks := conn.(connectors.Checker)
	_, simulates := conn.(connectors.Simulator)
	for ability, present := range map[connectors.Ability]bool{
		connectors.AbilitySend: sends, connectors.AbilityReceive: receives,
		connectors.AbilityCheck: checks, connectors.AbilitySimulate: simulates,
	} {
		require.Equal(t, present, slices.Contains(info.Abilities, ability), "the ability %s is promised or there, but not both", ability)
	}
	for _, ability := range []connectors.Ability{connectors.AbilityMedia, connectors.AbilityTemplate} {
		require.True(t, sends || !slices.Contains(info.Abilities, ability), "the ability %s without send", ability)
	}
	_, fetches := conn.(connectors.MediaFetcher)
	require.True(t, receives || !fetches, "a MediaFetcher that receives nothing")
}

// config checks that the good configuration passes, that secrets are masked, and that each bad one names its field.
func (s Suite) config(t *testing.T) {
	connector := s.New("")
	fields := connector.Info().Fields
	clean, problems := connectors.ValidateConfig(fields, s.Config)
	require.Empty(t, problems)
	address, err := connector.Address(clean)
	require.NoError(t, err)
	require.Equal(t, s.Address, address)

	shown, err := json.Marshal(connectors.MaskConfig(fields, clean))
	require.NoError(t, err)
	opened{suite: s}.requireNoSecret(t, string(shown))
	for _, field := range fields {
		if field.Secret {
			require.NotEmpty(t, s.Config[field.Key], "Suite.Config has no %s", field.Key)
			require.Contains(t, string(shown), `"`+field.Key+`":"`+connectors.Mask+`"`)
		}
	}
	for _, bad := range append(s.BadConfigs, requiredOnes(fields)...) {
		t.Run(bad.Name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, bad.Field, s.wrongField(t, with(s.Config, bad.Change)))
		})
	}
	t.Run("a setting that there is not", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "noSuchSetting", s.wrongField(t, with(s.Config, connectors.Config{"noSuchSetting": "x"})))
	})
}

// requiredOnes makes a bad configuration of each required field by leaving it out.
func requiredOnes(fields []connectors.Field) []BadConfig {
	var bad []BadConfig
	for _, field := range fields {
		if field.Required && field.Default == "" {
			bad = append(bad, BadConfig{"without " + field.Key, connectors.Config{field.Key: ""}, field.Key})
		}
	}
	return bad
}

// wrongField returns the one field that validation, or else Address, finds wrong.
func (s Suite) wrongField(t *testing.T, config connectors.Config) string {
	t.Helper()
	connector := s.New("")
	clean, problems := connectors.ValidateConfig(connector.Info().Fields, config)
	if len(problems) > 0 {
		require.Len(t, problems, 1)
		require.True(t, strings.HasSuffix(problems[0].Message, "."), "%q is no sentence", problems[0].Message)
		opened{suite: s}.requireNoSecret(t, problems[0].Message)
		return problems[0].Key
	}
	_, err := connector.Address(clean)
	require.Error(t, err, "the bad configuration passes")
	failed := connectors.AsError(err)
	require.Equal(t, connectors.KindRejected, failed.Kind)
	opened{suite: s}.requireNoSecret(t, failed.Error())
	return failed.Field
}
