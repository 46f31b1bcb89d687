package all_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/all"
	"github.com/switchhook/switchhook/connectors/gupshup/gupshuptest"
	"github.com/switchhook/switchhook/connectors/meta/metatest"
	"github.com/switchhook/switchhook/connectors/telnyx/telnyxtest"
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
	require.Equal(t, map[string]string{
		"sandbox": "sandbox", "dscd": "discord", "mstdn": "mastodon", "x": "x", "lnkdn": "linkedin", "twlo": "twilio_sms", "twlowa": "twilio_whatsapp",
		"tlnx": "telnyx_sms", "gswa": "gupshup_whatsapp", "fb": "facebook", "ig": "instagram", "wacloud": "whatsapp_cloud",
		"tmblr": "tumblr", "wpcom": "wordpress_com", "wporg": "wordpress_org",
	}, prefixes)
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

func TestAnOperatorMayMoveTelnyxAndGupshup(t *testing.T) {
	t.Parallel()
	telnyx, gupshup := telnyxtest.New(t), gupshuptest.New(t)
	setting := func(name string) string {
		return map[string]string{"TELNYX_BASE_URL": telnyx.URL, "GUPSHUP_BASE_URL": gupshup.URL + "/"}[name]
	}
	require.ElementsMatch(t, []string{telnyx.URL, gupshup.URL + "/"}, all.BaseURLs(setting))
	for kind, config := range map[string]connectors.Config{
		"telnyx_sms":       {"apiKey": telnyxtest.APIKey, "publicKey": telnyxtest.PublicKey, "phoneNumber": "16311113333"},
		"gupshup_whatsapp": {"apiKey": gupshuptest.APIKey, "appName": gupshuptest.App, "phoneNumber": "919876543210", "callbackToken": gupshuptest.CallbackToken},
	} {
		conn, err := all.New(setting)[kind].Open(connectors.Channel{Config: config}, connectors.Host{HTTP: &http.Client{}, Now: time.Now})
		require.NoError(t, err)
		require.NoError(t, conn.(connectors.Checker).Check(t.Context()))
	}
	require.Equal(t, [2]int{1, 1}, [2]int{telnyx.Requests(), gupshup.Requests()})
}

func TestTheSecretOfMetasAppIsNoAddressToTrust(t *testing.T) {
	t.Parallel()
	setting := func(name string) string {
		return map[string]string{"META_BASE_URL": "http://graph.test", "META_APP_SECRET": "secret", "META_VERIFY_TOKEN": "verify"}[name]
	}
	require.Equal(t, []string{"http://graph.test"}, all.BaseURLs(setting))
	app := all.Apps(setting)["meta"]
	for _, object := range []string{"page", "instagram", "another"} {
		request := connectors.CallbackRequest{Method: http.MethodPost, Header: http.Header{}, Body: []byte(`{"object":"` + object + `","entry":[{"id":"1","messaging":[{"sender":{"id":"2"},"message":{"mid":"m"}}]}]}`)}
		_, err := app.ReceiveApp(request)
		require.ErrorIs(t, err, connectors.ErrSignature)
		metatest.SignCallback("secret", &request)
		result, err := app.ReceiveApp(request)
		require.NoError(t, err)
		require.Len(t, result.Items, map[string]int{"page": 1, "instagram": 1}[object])
	}
}
