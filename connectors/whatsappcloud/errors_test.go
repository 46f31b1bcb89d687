package whatsappcloud_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
	"github.com/switchhook/switchhook/connectors/meta"
	"github.com/switchhook/switchhook/connectors/meta/metatest"
	"github.com/switchhook/switchhook/connectors/whatsappcloud"
)

type meaning struct {
	kind  connectors.Kind
	code  string
	field string
	after time.Duration
}

// meanings has a row for each code of Meta's list of the Cloud API's error codes that a connector has to know.
func meanings() map[int]meaning {
	rejected := func(code, field string) meaning { return meaning{connectors.KindRejected, code, field, 0} }
	unlinked := func(code string) meaning { return meaning{connectors.KindUnlinked, code, "", 0} }
	limited := func(after time.Duration) meaning {
		return meaning{connectors.KindRateLimited, "provider_rate_limited", "", after}
	}
	passing := meaning{connectors.KindRetryable, "provider_unavailable", "", 0}
	recipient, withheld := rejected(connectors.CodeInvalidRecipient, "to"), rejected(whatsappcloud.CodeWithheld, "to")
	content, template := rejected(connectors.CodeInvalidContent, ""), rejected(connectors.CodeInvalidContent, "template")
	auth, registration := unlinked(connectors.CodeAuthFailed), unlinked(whatsappcloud.CodeNotRegistered)
	return map[int]meaning{
		131047: rejected(connectors.CodeWindowExpired, "to"),

		131026: recipient, 131030: recipient, 131021: recipient, 131062: recipient,
		131050: rejected(connectors.CodeRecipientOptOut, "to"), 130472: withheld, 131049: withheld, 130497: withheld,

		100: rejected(httpcall.CodeProviderRejected, ""), 131008: content, 131009: content, 131051: content, 131052: content, 135000: content,
		132000: template, 132001: template, 132005: template, 132007: template, 132008: template, 132012: template, 132015: template, 132016: template,
		132068: template, 132069: template,

		3: auth, 10: auth, 190: auth, 200: auth, 299: auth, 131005: auth, 131031: unlinked(connectors.CodeAccountSuspended), 131045: registration, 133010: registration,
		131037: rejected(connectors.CodeInvalidSender, ""), 131042: rejected(whatsappcloud.CodePaymentRequired, ""), 131063: rejected(meta.CodePermissionMissing, ""),
		368: limited(time.Hour),

		1: passing, 2: passing, 131000: passing, 131016: passing, 131057: passing, 131053: passing, 131064: passing,
		4: limited(0), 80007: limited(0), 130429: limited(0), 131048: limited(0), 133016: limited(0), 131056: limited(6 * time.Second),
	}
}

func TestEveryErrorCodeHasItsMeaningAtOnceAndInALateReport(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	channel := open(t, meta.Options{BaseURL: fake.URL}, nil)
	for code, want := range meanings() {
		fake.FailNext(code, 0)
		_, err := channel.(connectors.Sender).Send(t.Context(), connectors.OutMessage{ID: "msg_1", To: "16311112222", Text: "Hi"})
		failed := connectors.AsError(err)
		require.Equal(t, want, meaning{failed.Kind, failed.Code, failed.Field, failed.After}, "%d", code)
		require.Equal(t, code, failed.Provider.Code)

		late := status(t, channel, fmt.Sprintf(`{"id":"wamid.1","status":"failed","errors":[{"code":%d,"href":"h"}]}`, code))
		require.Equal(t, connectors.StatusFailed, late.Status)
		require.Equal(t, code, late.Error.Code)
		require.JSONEq(t, fmt.Sprintf(`{"code":%d,"href":"h"}`, code), string(late.Error.Raw))
		require.NotEmpty(t, late.Error.Message)
		if want.kind == connectors.KindRejected || want.kind == connectors.KindUnlinked {
			require.Equal(t, want.code, late.Code, "%d", code)
		} else {
			require.Empty(t, late.Code, "%d", code)
		}
	}
	late := status(t, channel, `{"id":"wamid.1","status":"failed","errors":[{"code":0,"title":"AuthException"}]}`)
	require.Equal(t, connectors.CodeAuthFailed, late.Code)
	fake.TroubleNext(metatest.Trouble{Status: 401, Code: 0})
	require.Equal(t, connectors.KindUnlinked, connectors.AsError(channel.(connectors.Checker).Check(t.Context())).Kind)
}

func TestAnOddReportOfAFailureIsOneAllTheSame(t *testing.T) {
	t.Parallel()
	channel := open(t, meta.Options{}, nil)
	for _, errors := range []string{`[]`, `[{}]`, `[{"code":"x"}]`, `[{"code":999999}]`, `[7]`} {
		late := status(t, channel, `{"id":"wamid.1","status":"failed","errors":`+errors+`}`)
		require.Equal(t, connectors.StatusFailed, late.Status, errors)
		require.True(t, late.Error == nil || late.Error.Message != "", errors)
	}
}

// status receives a callback with one status.
func status(t *testing.T, channel connectors.Conn, one string) connectors.StatusUpdate {
	t.Helper()
	require.True(t, json.Valid([]byte(one)))
	result := receive(t, channel, `"statuses":[`+one+`]`)
	require.Len(t, result.Statuses, 1)
	return result.Statuses[0]
}
