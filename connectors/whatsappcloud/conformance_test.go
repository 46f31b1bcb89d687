package whatsappcloud_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest"
	"github.com/switchhook/switchhook/connectors/meta"
	"github.com/switchhook/switchhook/connectors/meta/metatest"
	"github.com/switchhook/switchhook/connectors/whatsappcloud"
)

const (
	address     = "16311113333"
	numberID    = "106540352242922"
	callbackURL = "https://hooks.example/callbacks/whatsapp_cloud/chan_suite"
)

func config() connectors.Config {
	return connectors.Config{
		"phoneNumberId": numberID, "phoneNumber": address, "accessToken": metatest.Token, "appSecret": metatest.AppSecret,
		"verifyToken": metatest.VerifyToken, "businessAccountId": "102290129340398",
	}
}

func TestConformance(t *testing.T) {
	bad := func(name, key, value string) connectortest.BadConfig {
		return connectortest.BadConfig{Name: name, Change: connectors.Config{key: value}, Field: key}
	}
	connectortest.Run(t, connectortest.Suite{
		New:    func(baseURL string) connectors.Connector { return whatsappcloud.New(meta.Options{BaseURL: baseURL}) },
		Config: config(), Address: address,
		Message: connectors.OutMessage{ID: "msg_1", To: "+1 631 111 2222", Text: "Hello"},
		BadConfigs: []connectortest.BadConfig{
			bad("an ID that is a number with a plus", "phoneNumberId", "+16311113333"),
			bad("an ID that is too short", "phoneNumberId", "12"),
			bad("a number that is none", "phoneNumber", "my number"),
			bad("a business account of another form", "businessAccountId", "my business"),
			bad("a token with a line break", "accessToken", "a\nb"),
		},
		Network: func(t *testing.T) connectortest.Network { return newFake(t).Network() }, CallbackURL: callbackURL,
		VerifyField: "appSecret", SignatureHeader: meta.SignatureHeader, Sign: metatest.SignCallback,
	})
}

// newFake starts a stand-in that knows the number.
func newFake(tb testing.TB) *metatest.Server {
	tb.Helper()
	fake := metatest.New(tb)
	fake.SetObject("/"+numberID, map[string]any{"id": numberID, "display_phone_number": "+1 631-111-3333"})
	return fake
}

// open makes a channel at an API, with changes to the configuration.
func open(tb testing.TB, options meta.Options, change connectors.Config) connectors.Conn {
	tb.Helper()
	settings := config()
	for key, value := range change {
		settings[key] = value
	}
	client := &http.Client{Transport: &http.Transport{}}
	tb.Cleanup(client.CloseIdleConnections)
	conn, err := whatsappcloud.New(options).Open(
		connectors.Channel{ID: "chan_suite", Address: settings["phoneNumber"], Config: settings, CallbackURL: callbackURL},
		connectors.Host{HTTP: client, Public: client, Now: func() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }},
	)
	require.NoError(tb, err)
	return conn
}

func TestACheckComparesTheNumberWithItsID(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	options := meta.Options{BaseURL: fake.URL}
	require.NoError(t, open(t, options, nil).(connectors.Checker).Check(t.Context()))
	require.Equal(t, "fields=display_phone_number", fake.Requests()[0].Query)
	err := open(t, options, connectors.Config{"phoneNumber": "16310000000"}).(connectors.Checker).Check(t.Context())
	require.Equal(t, connectors.KindUnlinked, connectors.AsError(err).Kind)
	require.Contains(t, err.Error(), "+16311113333")
	err = open(t, options, connectors.Config{"phoneNumberId": "99999"}).(connectors.Checker).Check(t.Context())
	require.Equal(t, connectors.KindUnlinked, connectors.AsError(err).Kind, "Meta knows no such number")
}
