package all_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/all"
	"github.com/switchhook/switchhook/connectors/twilio/twiliotest"
)

func TestEveryKindStandsUnderItsOwnName(t *testing.T) {
	t.Parallel()
	prefixes := map[string]string{}
	for kind, connector := range all.New(func(string) string { return "" }) {
		info := connector.Info()
		require.Equal(t, kind, info.Kind)
		require.Empty(t, prefixes[info.KeyPrefix], "two kinds have the key prefix %s", info.KeyPrefix)
		prefixes[info.KeyPrefix] = kind
	}
	require.Equal(t, map[string]string{"sandbox": "sandbox", "twlo": "twilio_sms", "twlowa": "twilio_whatsapp"}, prefixes)
}

func TestAnOperatorMayMoveTwilio(t *testing.T) {
	t.Parallel()
	require.Empty(t, all.BaseURLs(func(string) string { return "" }))
	fake := twiliotest.New(t)
	setting := func(name string) string { return map[string]string{"TWILIO_BASE_URL": fake.URL + "/"}[name] }
	require.Equal(t, []string{fake.URL + "/"}, all.BaseURLs(setting))
	for _, kind := range []string{"twilio_sms", "twilio_whatsapp"} {
		conn, err := all.New(setting)[kind].Open(connectors.Channel{Config: connectors.Config{
			"accountSid": twiliotest.AccountSID, "authToken": twiliotest.AuthToken, "phoneNumber": "16311113333",
		}}, connectors.Host{HTTP: &http.Client{}, Now: time.Now})
		require.NoError(t, err)
		require.NoError(t, conn.(connectors.Checker).Check(t.Context()))
	}
	require.Equal(t, 2, fake.Requests())
}
