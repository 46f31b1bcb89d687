package twilio_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
	"github.com/switchhook/switchhook/connectors/twilio/twiliotest"
)

type meaning struct {
	kind  connectors.Kind
	code  string
	field string
}

// meanings has a row for each error code that Twilio's documents give a connector to know.
func meanings() map[int]meaning {
	rejected := func(code, field string) meaning { return meaning{connectors.KindRejected, code, field} }
	recipient, sender := rejected(connectors.CodeInvalidRecipient, "to"), rejected(connectors.CodeInvalidSender, "")
	text, media := rejected(connectors.CodeInvalidContent, "text"), rejected(connectors.CodeInvalidContent, "media")
	template, window := rejected(connectors.CodeInvalidContent, "template"), rejected(connectors.CodeWindowExpired, "to")
	auth := meaning{connectors.KindUnlinked, connectors.CodeAuthFailed, ""}
	suspended := meaning{connectors.KindUnlinked, connectors.CodeAccountSuspended, ""}
	limited := meaning{connectors.KindRateLimited, "provider_rate_limited", ""}
	down := meaning{connectors.KindRetryable, "provider_unavailable", ""}
	return map[int]meaning{
		21211: recipient, 21214: recipient, 21217: recipient, 21265: recipient, 21266: recipient, 21604: recipient, 21612: recipient,
		21614: recipient, 21635: recipient, 63003: recipient, 63024: recipient,
		21610: rejected(connectors.CodeRecipientOptOut, "to"),
		21212: sender, 21601: sender, 21603: sender, 21606: sender, 21607: sender, 21608: sender, 21408: sender, 21659: sender,
		21701: sender, 21702: sender, 21703: sender, 21704: sender, 21705: sender, 21910: sender,
		63001: sender, 63002: sender, 63007: sender, 63008: sender,
		21602: text, 21605: text, 21617: text, 21618: text, 21620: media, 21623: media, 21654: template, 21655: template, 21656: template,
		63005: text, 63006: text, 63013: text, 63019: media, 63021: media, 63027: template, 63028: template, 63029: template, 63030: template,
		63034: text, 63041: template,
		63016: window, 63032: window, 63015: window,
		20003: auth, 20004: auth, 20005: suspended, 30002: suspended, 21472: suspended,
		20429: limited, 21611: limited, 30001: limited, 63017: limited, 63018: limited,
		20500: down, 20503: down, 63009: down, 63010: down, 63012: down,
		30003: recipient, 30004: recipient, 30005: recipient, 30006: recipient, 30007: text,
		30008: rejected(httpcall.CodeProviderRejected, ""), 30022: sender, 30023: sender, 30027: sender, 30032: sender,
		29999: rejected(httpcall.CodeProviderRejected, ""), // not one of Twilio's: a 4xx that nobody knows is a refusal
	}
}

func TestEveryErrorCodeHasItsMeaning(t *testing.T) {
	t.Parallel()
	fake := twiliotest.New(t)
	sender := open(t, newSMS(fake.URL), nil).(connectors.Sender)
	for code, want := range meanings() {
		fake.TroubleNext(twiliotest.Trouble{Status: 400, Code: code, RetryAfter: "3"})
		_, err := sender.Send(t.Context(), connectors.OutMessage{ID: "msg_1", To: "+16311112222", Text: "Hi"})
		require.Error(t, err)
		failed := connectors.AsError(err)
		require.Equal(t, want, meaning{failed.Kind, failed.Code, failed.Field}, code)
		require.Equal(t, code, failed.Provider.Code)
		require.Equal(t, "as the test wants it", failed.Provider.Message)
		require.Contains(t, string(failed.Provider.Raw), fmt.Sprintf("errors/%d", code))
		require.Equal(t, want.kind == connectors.KindRateLimited, failed.After == 3*time.Second, code)
	}
}

func TestTheStatusGoesBeforeTheCode(t *testing.T) {
	t.Parallel()
	fake := twiliotest.New(t)
	sender := open(t, newSMS(fake.URL), nil).(connectors.Sender)
	for name, test := range map[string]struct {
		status, code int
		want         meaning
	}{
		"401 with a code of the content":   {401, 21617, meaning{connectors.KindUnlinked, connectors.CodeAuthFailed, ""}},
		"401 of a suspended account":       {401, 20005, meaning{connectors.KindUnlinked, connectors.CodeAccountSuspended, ""}},
		"403 of wrong credentials":         {403, 20003, meaning{connectors.KindUnlinked, connectors.CodeAuthFailed, ""}},
		"429 with a code of the recipient": {429, 21211, meaning{connectors.KindRateLimited, "provider_rate_limited", ""}},
		"500 with a code of the recipient": {500, 21211, meaning{connectors.KindRetryable, "provider_unavailable", ""}},
		"503 of a gateway":                 {503, 0, meaning{connectors.KindUnconfirmed, "unconfirmed", ""}},
	} {
		fake.FailNext(test.status, test.code)
		_, err := sender.Send(t.Context(), connectors.OutMessage{ID: "msg_1", To: "+16311112222", Text: "Hi"})
		failed := connectors.AsError(err)
		require.Equal(t, test.want, meaning{failed.Kind, failed.Code, failed.Field}, name)
	}
	require.Empty(t, fake.Sent())
}
