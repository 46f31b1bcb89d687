package telnyx

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
)

// What is not signed is refused, and what is signed is read. The signature itself is left out: its code covers other ways each time, so that
// the fuzzer would take every input for an interesting one.
func FuzzReceive(f *testing.F) {
	const url = "https://hooks.example/callbacks/telnyx_sms/chan_1"
	f.Add(url, `{"data":{"event_type":"message.received","occurred_at":"2026-11-21T09:00:00Z","payload":{"id":"m1","direction":"inbound","text":"Hi","from":{"phone_number":"+16311112222"},"to":[{"phone_number":"+16311113333"}],"received_at":"2026-11-21T09:00:00Z"}}}`)
	f.Add(url+"?message=m", `{"data":{"event_type":"message.finalized","payload":{"id":"m1","to":[{"status":"delivery_failed"}],"errors":[{"code":"40008","detail":"x"}]}}}`)
	f.Add("://", `{"data":{"event_type":"message.received","payload":{"id":"m","from":{"phone_number":"x\u0000"},"media":[{"url":"a"}],"to":[{}],"cc":[{"phone_number":"1"}]}}}`)
	f.Add("/?message=%00%ff", `{"data":{"event_type":"message.sent","payload":{"id":"m1","to":[{"status":"sent"}]}}}`)
	f.Add("", `[1,`)
	channel := &conn{address: "16311113333"}
	f.Fuzz(func(t *testing.T, address, body string) {
		request := connectors.CallbackRequest{URL: address, Body: []byte(body)}
		unsigned, err := channel.Receive(request)
		require.ErrorIs(t, err, connectors.ErrSignature)
		require.Zero(t, unsigned)
		result, err := channel.read(request)
		if err != nil {
			require.Equal(t, connectors.KindRejected, connectors.AsError(err).Kind)
			return
		}
		require.LessOrEqual(t, len(result.Messages)+len(result.Statuses), 1)
		for _, message := range result.Messages {
			require.NotEmpty(t, message.ProviderID)
			require.NotEmpty(t, message.From)
			require.NotContains(t, message.Text+message.From, "\x00")
		}
		for _, update := range result.Statuses {
			require.NotEmpty(t, update.ProviderID)
			require.NotEmpty(t, update.Status)
			require.True(t, utf8.ValidString(update.MessageID) && !strings.Contains(update.MessageID, "\x00"), "an id that a database refuses")
			require.Equal(t, update.Status == connectors.StatusFailed, update.Error != nil)
		}
	})
}
