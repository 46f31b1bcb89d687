package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/secret"
)

func TestNoWayOfPrintingShowsASecret(t *testing.T) {
	t.Parallel()
	const text = "hunter2-hunter2"
	value := secret.String(text)
	holder := struct {
		Key  secret.String
		Keys []secret.String
		Map  map[string]secret.String
	}{value, []secret.String{value}, map[string]secret.String{"key": value}}

	var printed bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s"} {
		fmt.Fprintf(&printed, verb+"\n"+verb+"\n", value, holder)
	}
	encoded, err := json.Marshal(holder)
	require.NoError(t, err)
	printed.Write(encoded)
	logger := slog.New(slog.NewJSONHandler(&printed, nil))
	logger.Info("x", "key", value, "holder", holder)
	slog.New(slog.NewTextHandler(&printed, nil)).Info("x", "key", value, "holder", holder)
	fmt.Fprint(&printed, fmt.Errorf("with %w and %v", fmt.Errorf("inner %v", value), value))

	require.NotContains(t, printed.String(), "hunter2")
	require.NotContains(t, printed.String(), fmt.Sprintf("%x", text))
	require.Contains(t, printed.String(), "***")
	require.Equal(t, text, value.Reveal())
}

func TestAPIKeysHaveTheFormOfTheContractAndAreFoundByHash(t *testing.T) {
	t.Parallel()
	key := secret.NewAPIKey()
	require.Regexp(t, `^sk_live_[0-9a-f]{64}$`, key.Reveal())
	require.True(t, secret.IsAPIKey(key.Reveal()))
	require.NotEqual(t, key.Reveal(), secret.NewAPIKey().Reveal())
	require.Regexp(t, `^[0-9a-f]{64}$`, secret.HashAPIKey(key))
	require.Equal(t, secret.HashAPIKey(key), secret.HashAPIKey(secret.String(key.Reveal())))
	require.Equal(t, "sk_live_…"+key.Reveal()[68:], secret.HintAPIKey(key))
	for _, bad := range []string{"", "sk_live_", "eyJhbGciOi.x.y", key.Reveal() + "0", key.Reveal()[:71], "sk_live_" + string(bytes.Repeat([]byte("G"), 64))} {
		require.False(t, secret.IsAPIKey(bad), bad)
		require.Equal(t, "***", secret.HintAPIKey(secret.String(bad)))
	}
}

func TestTokensAreRandomAndNeverShort(t *testing.T) {
	t.Parallel()
	require.Regexp(t, `^[A-Za-z0-9_-]{43}$`, secret.NewToken(32).Reveal())
	require.Len(t, secret.NewToken(0).Reveal(), 22)
	first, second := secret.NewToken(32), secret.NewToken(32)
	require.NotEqual(t, first.Reveal(), second.Reveal())
}

func TestWebhookSecretsAreThoseOfStandardWebhooks(t *testing.T) {
	t.Parallel()
	made := secret.NewWebhookSecret()
	require.Regexp(t, `^whsec_[A-Za-z0-9+/]{43}=$`, made.Reveal())
	key, err := secret.WebhookKeyBytes(made)
	require.NoError(t, err)
	require.Len(t, key, 32)

	// The example secret of the Standard Webhooks documents.
	key, err = secret.WebhookKeyBytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	require.NoError(t, err)
	require.Len(t, key, 24)

	for _, bad := range []secret.String{"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ", "whsec_***", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa\nw"} {
		_, err := secret.WebhookKeyBytes(bad)
		require.ErrorIs(t, err, secret.ErrWebhookSecret, bad.Reveal())
	}
}

func FuzzWebhookKeyBytes(f *testing.F) {
	f.Add("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	f.Add("whsec_")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := secret.WebhookKeyBytes(secret.String(text))
		if err == nil {
			require.GreaterOrEqual(t, len(key), 24)
			require.LessOrEqual(t, len(key), 64)
		}
	})
}
