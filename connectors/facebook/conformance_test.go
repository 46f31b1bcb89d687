package facebook_test

import (
	"testing"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest"
	"github.com/switchhook/switchhook/connectors/facebook"
	"github.com/switchhook/switchhook/connectors/meta"
	"github.com/switchhook/switchhook/connectors/meta/metatest"
)

const (
	page   = "1000000000001"
	person = "6543210987654321"
)

func config() connectors.Config {
	return connectors.Config{"pageId": page, "pageAccessToken": metatest.Token, "appSecret": metatest.AppSecret, "verifyToken": metatest.VerifyToken}
}

func TestConformance(t *testing.T) {
	connectortest.Run(t, connectortest.Suite{
		New:    func(address string) connectors.Connector { return facebook.New(meta.Options{BaseURL: address}) },
		Config: config(), Address: page, Message: connectors.OutMessage{ID: "msg_1", To: person, Text: "Hello"},
		BadConfigs: []connectortest.BadConfig{
			{Name: "a Page's name", Change: connectors.Config{"pageId": "my page"}, Field: "pageId"},
			{Name: "a Page id that would leave the path", Change: connectors.Config{"pageId": "123456/../1"}, Field: "pageId"},
			{Name: "a token with a line break", Change: connectors.Config{"pageAccessToken": "a\nb"}, Field: "pageAccessToken"},
		},
		Network: func(t *testing.T) connectortest.Network {
			fake := metatest.New(t)
			fake.SetObject("/me", map[string]any{"id": page})
			return fake.Network()
		},
		CallbackURL: "https://hooks.example/callbacks/facebook/chan_suite",
		VerifyField: "appSecret", SignatureHeader: meta.SignatureHeader, Sign: metatest.SignCallback,
	})
}
