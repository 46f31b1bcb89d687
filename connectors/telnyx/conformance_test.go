package telnyx_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest"
	"github.com/switchhook/switchhook/connectors/connectortest/standin"
	"github.com/switchhook/switchhook/connectors/telnyx"
	"github.com/switchhook/switchhook/connectors/telnyx/telnyxtest"
)

const (
	callbackURL = "https://hooks.example/callbacks/telnyx_sms/chan_suite"
	profile     = "40017a6b-1111-4222-8333-444455556666"
)

// clock is when everything in these tests happens.
func clock() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }

func config() connectors.Config {
	return connectors.Config{
		"apiKey": telnyxtest.APIKey, "publicKey": telnyxtest.PublicKey, "phoneNumber": "+1 (631) 111-3333", "messagingProfileId": profile,
	}
}

func create(baseURL string) connectors.Connector {
	return telnyx.New(telnyx.Options{BaseURL: baseURL})
}

func TestConformance(t *testing.T) {
	bad := func(name, key, value string) connectortest.BadConfig {
		return connectortest.BadConfig{Name: name, Change: connectors.Config{key: value}, Field: key}
	}
	connectortest.Run(t, connectortest.Suite{
		New: create, Config: config(), Address: "16311113333",
		Message: connectors.OutMessage{ID: "msg_1", To: "+1 631 111 2222", Text: "Hello"},
		BadConfigs: []connectortest.BadConfig{
			bad("a number that is none", "phoneNumber", "my number"),
			bad("a number that is too long", "phoneNumber", "+1234567890123456"),
			bad("a public key that is too short", "publicKey", "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMb=="),
			bad("a public key that is none", "publicKey", "my key"),
			bad("a profile of another form", "messagingProfileId", "40017a6b"),
			bad("a key with a line break", "apiKey", "a\nb"),
		},
		Network: network, CallbackURL: callbackURL,
		VerifyField: "publicKey", SignatureHeader: "Telnyx-Signature-Ed25519",
		Sign: func(key string, request *connectors.CallbackRequest) {
			telnyxtest.Sign(request.Header, key, request.ReceivedAt, request.Body)
		},
	})
}

func network(t *testing.T) connectortest.Network {
	fake := telnyxtest.New(t)
	return connectortest.Network{
		URL: fake.URL, Requests: fake.Requests,
		Fail: func(failure connectortest.Failure) <-chan struct{} {
			trouble := standin.Trouble{Status: failure.Status, RetryAfter: failure.RetryAfter, Hang: failure.Hang, Cut: failure.Cut}
			if !failure.Gateway {
				trouble.Body = telnyxtest.Errors(19999, "as the test wants it", "") // a code that nobody knows, so that the status decides
			}
			return fake.Fail(trouble)
		},
	}
}

// open makes a channel at an API, with changes to the configuration.
func open(tb testing.TB, baseURL string, change connectors.Config) connectors.Conn {
	tb.Helper()
	settings := config()
	delete(settings, "messagingProfileId")
	for key, value := range change {
		settings[key] = value
	}
	client := &http.Client{Transport: &http.Transport{}}
	tb.Cleanup(client.CloseIdleConnections)
	conn, err := create(baseURL).Open(
		connectors.Channel{ID: "chan_suite", Address: "16311113333", Config: settings, CallbackURL: callbackURL},
		connectors.Host{HTTP: client, Now: clock},
	)
	require.NoError(tb, err)
	return conn
}
