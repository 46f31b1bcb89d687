package telnyx_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest/standin"
	"github.com/switchhook/switchhook/connectors/httpcall"
	"github.com/switchhook/switchhook/connectors/telnyx/telnyxtest"
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

// meanings has a row for each error code that Telnyx's documents give a connector to know.
func meanings() map[int]meaning {
	rejected := func(code, field string) meaning { return meaning{connectors.KindRejected, code, field} }
	recipient, sender := rejected(connectors.CodeInvalidRecipient, "to"), rejected(connectors.CodeInvalidSender, "")
	text, media := rejected(connectors.CodeInvalidContent, "text"), rejected(connectors.CodeInvalidContent, "media")
	auth := meaning{connectors.KindUnlinked, connectors.CodeAuthFailed, ""}
	down := meaning{connectors.KindRetryable, "provider_unavailable", ""}
	return map[int]meaning{
		10002: recipient, 10003: media, 10004: text, 10005: sender, 10007: down, 10008: down, 10009: auth, 10010: auth,
		10011: {connectors.KindRateLimited, "provider_rate_limited", ""},
		10015: text, 10016: recipient,
		40001: recipient, 40002: text, 40003: text, 40004: down, 40006: down, 40008: recipient, 40009: text, 40011: down,
		40300: rejected(connectors.CodeRecipientOptOut, "to"), 40305: sender, 40310: recipient, 40333: rejected("spend_limit_reached", ""),
		19999: rejected(httpcall.CodeProviderRejected, ""), // not one of Telnyx's: a 4xx that nobody knows is a refusal
	}
}

func hello() connectors.OutMessage {
	return connectors.OutMessage{ID: "msg_1", To: "+16311112222", Text: "Hi"}
}

func TestEveryErrorCodeHasItsMeaning(t *testing.T) {
	t.Parallel()
	fake := telnyxtest.New(t)
	sender := open(t, fake.URL, nil).(connectors.Sender)
	for code, want := range meanings() {
		fake.Fail(standin.Trouble{Status: 422, Body: telnyxtest.Errors(code, "in its own words", "/to")})
		_, err := sender.Send(t.Context(), hello())
		require.Equal(t, want, meaningOf(err), code)
		failed := connectors.AsError(err)
		require.Equal(t, code, failed.Provider.Code)
		require.Equal(t, "in its own words", failed.Provider.Message)
		require.Contains(t, string(failed.Provider.Raw), strconv.Itoa(code))

		late := receive(t, callbackURL, telnyxtest.Reported(telnyxtest.Sent{ID: "m1"}, "message.finalized", "delivery_failed", code)).Statuses[0]
		require.Equal(t, code, late.Error.Code)
		require.Equal(t, map[bool]string{true: want.code}[code != 19999], late.Code)
	}
}

func TestTheStatusAndTheFieldDecideToo(t *testing.T) {
	t.Parallel()
	fake := telnyxtest.New(t)
	sender := open(t, fake.URL, nil).(connectors.Sender)
	two := `{"errors":[{"code":"19999","title":"Odd"},{"code":"40300","detail":"Blocked"}]}`
	for name, test := range map[string]struct {
		status int
		body   string
		want   meaning
	}{
		"the sender's number":            {422, telnyxtest.Errors(10016, "", "/from"), meaning{connectors.KindRejected, connectors.CodeInvalidSender, ""}},
		"the known one of two errors":    {400, two, meaning{connectors.KindRejected, connectors.CodeRecipientOptOut, "to"}},
		"401 with a code of the content": {401, telnyxtest.Errors(10015, "", ""), meaning{connectors.KindUnlinked, connectors.CodeAuthFailed, ""}},
		"403 without permission":         {403, telnyxtest.Errors(10010, "", ""), meaning{connectors.KindUnlinked, connectors.CodeAuthFailed, ""}},
		"500 with a code of the content": {500, telnyxtest.Errors(10015, "", ""), meaning{connectors.KindRetryable, "provider_unavailable", ""}},
		"503 of a gateway":               {503, "", meaning{connectors.KindUnconfirmed, "unconfirmed", ""}},
		"errors that are none":           {400, `{"errors":[null,1,"x",{},{"code":{}}]}`, meaning{connectors.KindRejected, httpcall.CodeProviderRejected, ""}},
	} {
		fake.Fail(standin.Trouble{Status: test.status, Body: test.body})
		_, err := sender.Send(t.Context(), hello())
		require.Equal(t, test.want, meaningOf(err), name)
	}
	require.Empty(t, fake.Sent())
}

func TestARateLimitWaitsAsLongAsTelnyxSays(t *testing.T) {
	t.Parallel()
	for header, want := range map[[2]string]time.Duration{
		{"7", ""}: 7 * time.Second, {"", "9"}: 9 * time.Second, {"7", "9"}: 7 * time.Second, {"", "soon"}: 0, {"", "-1"}: 0, {"", ""}: 0,
	} {
		server := answering(t, 429, telnyxtest.Errors(10011, "", ""), map[string]string{"Retry-After": header[0], "X-Ratelimit-Reset": header[1]})
		_, err := open(t, server, nil).(connectors.Sender).Send(t.Context(), hello())
		require.Equal(t, connectors.KindRateLimited, connectors.AsError(err).Kind)
		require.Equal(t, want, connectors.AsError(err).After, header)
	}
}
