package sandbox_test

import (
	"testing"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest"
	"github.com/switchhook/switchhook/connectors/sandbox"
)

func TestConformance(t *testing.T) {
	connectortest.Run(t, connectortest.Suite{
		New:     func(string) connectors.Connector { return sandbox.New() },
		Config:  connectors.Config{"number": "15550000009", "signingSecret": secret},
		Address: "15550000009",
		Message: connectors.OutMessage{ID: "msg_1", To: "16311112222", Text: "Hello"},
		BadConfigs: []connectortest.BadConfig{
			{Name: "a number that is none", Change: connectors.Config{"number": "abc"}, Field: "number"},
			{Name: "a number that is too long", Change: connectors.Config{"number": "1234567890123456"}, Field: "number"},
		},
		CallbackURL:     "https://hooks.example/callbacks/sandbox/chan_suite",
		VerifyField:     "signingSecret",
		SignatureHeader: sandbox.SignatureHeader,
		Sign: func(key string, request *connectors.CallbackRequest) {
			request.Header.Set(sandbox.SignatureHeader, sign(key, request.Body))
		},
	})
}
