package gupshup_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest"
	"github.com/switchhook/switchhook/connectors/connectortest/standin"
	"github.com/switchhook/switchhook/connectors/gupshup"
	"github.com/switchhook/switchhook/connectors/gupshup/gupshuptest"
)

const callbackURL = "https://hooks.example/callbacks/gupshup_whatsapp/chan_suite"

func config() connectors.Config {
	return connectors.Config{
		"apiKey": gupshuptest.APIKey, "appName": gupshuptest.App, "phoneNumber": "919876543210", "callbackToken": gupshuptest.CallbackToken,
	}
}

func create(baseURL string) connectors.Connector {
	return gupshup.New(gupshup.Options{BaseURL: baseURL})
}

func TestConformance(t *testing.T) {
	bad := func(name, key, value string) connectortest.BadConfig {
		return connectortest.BadConfig{Name: name, Change: connectors.Config{key: value}, Field: key}
	}
	connectortest.Run(t, connectortest.Suite{
		New: create, Config: config(), Address: "919876543210",
		Message: connectors.OutMessage{ID: "msg_1", To: "+91 98765 11111", Text: "Hello"},
		BadConfigs: []connectortest.BadConfig{
			bad("a number that is none", "phoneNumber", "my number"),
			bad("a number that is too long", "phoneNumber", "+1234567890123456"),
			bad("a token that can be guessed", "callbackToken", "secret"),
			bad("a token that an address cannot hold", "callbackToken", "0123456789 0123456789&0123456789"),
			bad("a key with a line break", "apiKey", "a\nb"),
		},
		Network: network, CallbackURL: callbackURL,
		VerifyField: "callbackToken", TokenParam: "token",
		Sign: func(token string, request *connectors.CallbackRequest) {
			request.Query = url.Values{"token": {token}}
			request.URL = callbackURL + "?" + request.Query.Encode()
		},
	})
}

func network(t *testing.T) connectortest.Network {
	fake := gupshuptest.New(t)
	return connectortest.Network{
		URL: fake.URL, Requests: fake.Requests,
		Fail: func(failure connectortest.Failure) <-chan struct{} {
			trouble := standin.Trouble{Status: failure.Status, RetryAfter: failure.RetryAfter, Hang: failure.Hang, Cut: failure.Cut}
			if !failure.Gateway {
				trouble.Body = gupshuptest.Refusal(0, "as the test wants it")
			}
			return fake.Fail(trouble)
		},
	}
}

// open makes a channel at an API, with changes to the configuration.
func open(tb testing.TB, baseURL string, change connectors.Config) connectors.Conn {
	tb.Helper()
	settings := config()
	for key, value := range change {
		settings[key] = value
	}
	client := &http.Client{Transport: &http.Transport{}}
	tb.Cleanup(client.CloseIdleConnections)
	conn, err := create(baseURL).Open(
		connectors.Channel{ID: "chan_suite", Address: "919876543210", Config: settings, CallbackURL: callbackURL},
		connectors.Host{HTTP: client, Now: func() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }},
	)
	require.NoError(tb, err)
	return conn
}
