package gupshup_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest/standin"
	"github.com/switchhook/switchhook/connectors/gupshup/gupshuptest"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

type meaning struct {
	kind  connectors.Kind
	code  string
	field string
}

func meaningOf(err error) meaning {
	failed := connectors.AsError(err)
	return meaning{failed.Kind, failed.Code, failed.Field}
}

// meanings has a row for each error code that Gupshup's and WhatsApp's documents give a connector to know.
func meanings() map[int]meaning {
	rejected := func(code, field string) meaning { return meaning{connectors.KindRejected, code, field} }
	recipient, optOut := rejected(connectors.CodeInvalidRecipient, "to"), rejected(connectors.CodeRecipientOptOut, "to")
	window, media := rejected(connectors.CodeWindowExpired, "to"), rejected(connectors.CodeInvalidContent, "media")
	text, template := rejected(connectors.CodeInvalidContent, "text"), rejected(connectors.CodeInvalidContent, "template")
	balance := rejected("insufficient_balance", "")
	auth := meaning{connectors.KindUnlinked, connectors.CodeAuthFailed, ""}
	limited := meaning{connectors.KindRateLimited, "provider_rate_limited", ""}
	down := meaning{connectors.KindRetryable, "provider_unavailable", ""}
	return map[int]meaning{
		1001: recipient, 1002: recipient, 1003: balance, 1004: window, 1005: window, 1006: window, 1007: window, 1008: window,
		1010: media, 1011: media, 1012: optOut,
		4001: limited, 4002: down, 4003: template, 500: down,
		131021: recipient, 131026: recipient, 131030: recipient, 131047: window, 131050: optOut,
		131049: rejected(httpcall.CodeProviderRejected, "to"),
		131008: text, 131009: text, 131051: media, 131052: media,
		132000: template, 132001: template, 132005: template, 132007: template, 132008: template, 132012: template, 132015: template, 132016: template,
		131031: {connectors.KindUnlinked, connectors.CodeAccountSuspended, ""}, 131042: balance, 131045: auth, 133010: auth,
		130429: limited, 131048: limited, 131056: limited, 131000: down, 131016: down, 131057: down,
		9999: rejected(httpcall.CodeProviderRejected, ""), // nobody's: a 4xx that nobody knows is a refusal
	}
}

func hello() connectors.OutMessage {
	return connectors.OutMessage{ID: "msg_1", To: "+919876511111", Text: "Hi"}
}

func TestEveryErrorCodeHasItsMeaning(t *testing.T) {
	t.Parallel()
	fake := gupshuptest.New(t)
	sender := open(t, fake.URL, nil).(connectors.Sender)
	for code, want := range meanings() {
		fake.Fail(standin.Trouble{Status: 400, Body: gupshuptest.Refusal(code, "in its own words"), RetryAfter: "3"})
		_, err := sender.Send(t.Context(), hello())
		require.Equal(t, want, meaningOf(err), code)
		failed := connectors.AsError(err)
		require.Equal(t, code, failed.Provider.Code)
		require.Equal(t, "in its own words", failed.Provider.Message)
		require.Equal(t, want.kind == connectors.KindRateLimited, failed.After == 3*time.Second, code)

		late := receive(t, `{"app":"TestApp","type":"message-event","payload":{"gsId":"g","type":"failed","payload":{"code":`+number(code)+`}}}`).Statuses[0]
		require.Equal(t, code, late.Error.Code)
		require.Equal(t, map[bool]string{true: want.code}[code != 9999], late.Code)
		require.Equal(t, code != 9999, late.Error.Message == failed.Message, "a late failure is told with the same sentence")
	}
}

func TestErrorsOfAnyShapeAreReadAsFarAsTheyGo(t *testing.T) {
	t.Parallel()
	fake := gupshuptest.New(t)
	sender := open(t, fake.URL, nil).(connectors.Sender)
	refused := meaning{connectors.KindRejected, httpcall.CodeProviderRejected, ""}
	for body, want := range map[string]struct {
		status int
		is     meaning
		words  string
	}{
		`{"status":"error","message":"Invalid Destination"}`: {400, refused, "Invalid Destination"},
		`{"message":{"a":1}}`:                                {400, refused, `{"a":1}`},
		`{"status":400,"message":"Bad","code":1002}`:         {400, meaning{connectors.KindRejected, connectors.CodeInvalidRecipient, "to"}, "Bad"},
		`{"status":"error","code":{}}`:                       {400, refused, ""},
		`{"status":"error","message":"Bad key"}`:             {401, meaning{connectors.KindUnlinked, connectors.CodeAuthFailed, ""}, "Bad key"},
		`{"status":"error","message":"Trouble"}`:             {500, meaning{connectors.KindRetryable, "provider_unavailable", ""}, "Trouble"},
		`{"status":"error","message":"Refused"}`:             {202, refused, "Refused"},
		`{"status":"error","code":1003}`:                     {200, meaning{connectors.KindRejected, "insufficient_balance", ""}, ""},
	} {
		fake.Fail(standin.Trouble{Status: want.status, Body: body})
		_, err := sender.Send(t.Context(), hello())
		require.Equal(t, want.is, meaningOf(err), body)
		require.Equal(t, want.words, connectors.AsError(err).Provider.Message, body)
	}
	require.Empty(t, fake.Sent())
}
