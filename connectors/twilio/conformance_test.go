package twilio_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest"
	"github.com/switchhook/switchhook/connectors/twilio"
	"github.com/switchhook/switchhook/connectors/twilio/twiliotest"
)

const callbackURL = "https://hooks.example/callbacks/twilio/chan_suite"

func config() connectors.Config {
	return connectors.Config{
		"accountSid": twiliotest.AccountSID, "authToken": twiliotest.AuthToken, "phoneNumber": "16311113333",
		"apiKeySid": twiliotest.APIKeySID, "apiKeySecret": twiliotest.APIKeySecret,
	}
}

func newSMS(baseURL string) connectors.Connector {
	return twilio.NewSMS(twilio.Options{BaseURL: baseURL})
}

func newWhatsApp(baseURL string) connectors.Connector {
	return twilio.NewWhatsApp(twilio.Options{BaseURL: baseURL})
}

func TestSMSConformance(t *testing.T)      { connectortest.Run(t, suite(newSMS)) }
func TestWhatsAppConformance(t *testing.T) { connectortest.Run(t, suite(newWhatsApp)) }

// suite is the same for both kinds: a callback is read alike whichever of them it comes to.
func suite(create func(string) connectors.Connector) connectortest.Suite {
	bad := func(name, key, value string) connectortest.BadConfig {
		return connectortest.BadConfig{Name: name, Change: connectors.Config{key: value}, Field: key}
	}
	return connectortest.Suite{
		New: create, Config: config(), Address: "16311113333",
		Message: connectors.OutMessage{ID: "msg_1", To: "+1 631 111 2222", Text: "Hello"},
		BadConfigs: []connectortest.BadConfig{
			bad("an account SID of another form", "accountSid", "AC123"),
			bad("an account SID that is an API key", "accountSid", twiliotest.APIKeySID),
			bad("a number that is none", "phoneNumber", "my number"),
			bad("a number that is too long", "phoneNumber", "+1234567890123456"),
			bad("a messaging service of another form", "messagingServiceSid", "MG1"),
			bad("an API key without its secret", "apiKeySecret", ""),
			bad("a secret without its API key", "apiKeySid", ""),
			bad("an API key of another form", "apiKeySid", "SK1"),
			bad("a token with a line break", "authToken", "a\nb"),
		},
		Network: network, CallbackURL: callbackURL,
		VerifyField: "authToken", SignatureHeader: "X-Twilio-Signature",
		Sign: func(token string, request *connectors.CallbackRequest) {
			var form url.Values
			if request.Method == http.MethodPost {
				form, _ = url.ParseQuery(string(request.Body)) // rubbish signs what can be read of it
			}
			request.Header.Set("X-Twilio-Signature", twiliotest.Sign(token, request.URL, form))
		},
	}
}

func network(t *testing.T) connectortest.Network {
	fake := twiliotest.New(t)
	return connectortest.Network{
		URL: fake.URL, Requests: fake.Requests,
		Fail: func(failure connectortest.Failure) <-chan struct{} {
			trouble := twiliotest.Trouble{Status: failure.Status, RetryAfter: failure.RetryAfter, Cut: failure.Cut}
			if !failure.Gateway {
				trouble.Code = 29999 // a code that nobody knows, so that the status decides
			}
			if failure.Hang {
				trouble.Delay = time.Hour
			}
			return fake.TroubleNext(trouble)
		},
	}
}

// open makes a channel at an API, with changes to the configuration.
func open(tb testing.TB, connector connectors.Connector, change connectors.Config) connectors.Conn {
	tb.Helper()
	settings := config()
	delete(settings, "apiKeySid")
	delete(settings, "apiKeySecret")
	for key, value := range change {
		settings[key] = value
	}
	client := &http.Client{Transport: &http.Transport{}}
	tb.Cleanup(client.CloseIdleConnections)
	conn, err := connector.Open(
		connectors.Channel{ID: "chan_suite", Address: "16311113333", Config: settings, CallbackURL: callbackURL},
		connectors.Host{HTTP: client, Now: func() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }},
	)
	require.NoError(tb, err)
	return conn
}
