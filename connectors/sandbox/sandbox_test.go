package sandbox_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/sandbox"
)

const secret = "sandbox-signing-secret"

func open(tb testing.TB, signingSecret string) connectors.Conn {
	tb.Helper()
	channel := connectors.Channel{ID: "chan_1", Address: "15550000009", Config: connectors.Config{"signingSecret": signingSecret}}
	opened, err := sandbox.New().Open(channel, connectors.Host{})
	require.NoError(tb, err)
	return opened
}

func sign(key string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func callback(key, body string) connectors.CallbackRequest {
	return connectors.CallbackRequest{Header: http.Header{sandbox.SignatureHeader: {sign(key, []byte(body))}}, Body: []byte(body)}
}

func receive(t *testing.T, body string) (connectors.CallbackResult, error) {
	t.Helper()
	return open(t, secret).(connectors.Receiver).Receive(callback(secret, body))
}

func TestTheRecipientDecidesTheOutcome(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind   connectors.Kind // empty: accepted
		code   string
		status connectors.Status
	}{
		"0001": {connectors.KindRejected, connectors.CodeInvalidRecipient, ""},
		"0002": {connectors.KindRateLimited, "provider_rate_limited", ""},
		"0003": {connectors.KindUnconfirmed, "unconfirmed", ""},
		"0004": {connectors.KindUnlinked, connectors.CodeAuthFailed, ""},
		"0005": {connectors.KindRejected, connectors.CodeWindowExpired, ""},
		"0006": {connectors.KindRetryable, "provider_unavailable", ""},
		"0007": {"", "", connectors.StatusDelivered},
		"0008": {"", "", connectors.StatusRead},
		"0009": {"", "", connectors.StatusSent},
		"1":    {"", "", connectors.StatusSent},
	}
	for ending, want := range tests {
		t.Run("…"+ending, func(t *testing.T) {
			t.Parallel()
			message := connectors.OutMessage{ID: "msg_7", To: "+1555111" + ending + " ", Text: "hi"}
			receipt, err := open(t, "").(connectors.Sender).Send(t.Context(), message)
			if want.kind == "" {
				require.NoError(t, err)
				require.Equal(t, connectors.Receipt{ProviderID: "sbx_msg_7", Status: want.status}, receipt)
				return
			}
			failed := connectors.AsError(err)
			require.Equal(t, want.kind, failed.Kind)
			require.Equal(t, want.code, failed.Code)
			require.NotEmpty(t, failed.Message)
		})
	}
	_, err := open(t, "").(connectors.Sender).Send(t.Context(), connectors.OutMessage{To: "15550000002", Text: "hi"})
	require.Equal(t, 2*time.Second, connectors.AsError(err).After)
}

func TestACanceledSendIsRetryable(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := open(t, "").(connectors.Sender).Send(ctx, connectors.OutMessage{To: "15550000009", Text: "hi"})
	require.Equal(t, connectors.KindRetryable, connectors.AsError(err).Kind)
}

func TestTheAddressIsTheNumberOrItsDefault(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"": "15550000000", "+1 (555) 000-0001": "15550000001"} {
		address, err := sandbox.New().Address(connectors.Config{"number": given})
		require.NoError(t, err)
		require.Equal(t, want, address)
	}
	_, err := sandbox.New().Address(connectors.Config{"number": "abc"})
	require.Equal(t, "number", connectors.AsError(err).Field)
}

func TestReceiveTakesOneItemOrMany(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	first := connectors.InMessage{ProviderID: "1", From: "16311112222", FromName: "Emily", To: "15550000009", Type: "text", Text: "Hi", Timestamp: at}
	one := `{"id":"1","from":"+1 631 111-2222","name":"Emily","text":"Hi","timestamp":"2026-11-21T09:00:00Z"}`
	result, err := receive(t, one)
	require.NoError(t, err)
	require.Equal(t, []connectors.InMessage{first}, result.Messages)

	result, err = receive(t, " \n["+one+`,{"id":"2","from":"emily","later":true},{"status":{"messageId":"msg_1","status":"read"}},
		{"status":{"providerId":"sbx_msg_2","status":"failed","error":{"code":30003,"message":"Unreachable"}}}]`)
	require.NoError(t, err)
	require.Equal(t, []connectors.InMessage{first, {ProviderID: "2", From: "emily", To: "15550000009", Type: "text"}}, result.Messages)
	require.Equal(t, []connectors.StatusUpdate{
		{MessageID: "msg_1", Status: connectors.StatusRead},
		{ProviderID: "sbx_msg_2", Status: connectors.StatusFailed, Error: &connectors.ProviderError{Code: 30003, Message: "Unreachable"}},
	}, result.Statuses)
}

func TestReceiveRefusesSignedBodiesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	item := `{"id":"1","from":"1"}`
	for name, test := range map[string]struct{ body, field string }{
		"an empty body":                    {``, ""},
		"no JSON":                          {`id=1`, ""},
		"a text":                           {`"hello"`, ""},
		"a cut object":                     {`{"id":"1"`, ""},
		"two objects":                      {item + item, ""},
		"a field of another type":          {`{"id":1,"from":"1"}`, ""},
		"a timestamp of another form":      {`{"id":"1","from":"1","timestamp":"yesterday"}`, ""},
		"101 items":                        {"[" + strings.Repeat(item+",", 100) + item + "]", ""},
		"a message without id":             {`{"from":"1","text":"a"}`, "id"},
		"a message without sender":         {`{"id":"1","from":" "}`, "from"},
		"null":                             {`null`, "id"},
		"a status of no message":           {`{"status":{"status":"sent"}}`, "status.messageId"},
		"a status that there is not":       {`{"status":{"messageId":"m","status":"lost"}}`, "status.status"},
		"one bad item among several":       {`[` + item + `,{}]`, "id"},
		"an item that is no object at all": {`[` + item + `,7]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := receive(t, test.body)
			require.Error(t, err)
			require.Equal(t, connectors.KindRejected, connectors.AsError(err).Kind)
			require.Equal(t, test.field, connectors.AsError(err).Field)
			require.Zero(t, result)
		})
	}
}

func TestReceiveTakesAHundredItems(t *testing.T) {
	t.Parallel()
	result, err := receive(t, "["+strings.Repeat(`{"id":"1","from":"1"},`, 99)+`{"id":"1","from":"1"}]`)
	require.NoError(t, err)
	require.Len(t, result.Messages, 100)
}

func TestOnlyTheRightSignatureIsAccepted(t *testing.T) {
	t.Parallel()
	body := `{"id":"1","from":"1"}`
	good := sign(secret, []byte(body))
	for name, header := range map[string]string{
		"none":                  "",
		"no prefix":             strings.TrimPrefix(good, "sha256="),
		"prefix only":           "sha256=",
		"cut":                   good[:len(good)-2],
		"longer":                good + "00",
		"not hex":               "sha256=" + strings.Repeat("zz", 32),
		"another secret's":      sign("other", []byte(body)),
		"the empty secret's":    sign("", []byte(body)),
		"of another body":       sign(secret, []byte(body+" ")),
		"one digit is altered":  flip(good),
		"another digest's name": "sha1=" + strings.TrimPrefix(good, "sha256="),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := callback(secret, body)
			request.Header.Set(sandbox.SignatureHeader, header)
			_, err := open(t, secret).(connectors.Receiver).Receive(request)
			require.ErrorIs(t, err, connectors.ErrSignature)
		})
	}
	t.Run("a channel without secret refuses all", func(t *testing.T) {
		t.Parallel()
		_, err := open(t, "").(connectors.Receiver).Receive(callback("", body))
		require.ErrorIs(t, err, connectors.ErrSignature)
	})
}

func flip(signature string) string {
	last := byte('0')
	if signature[len(signature)-1] == '0' {
		last = '1'
	}
	return signature[:len(signature)-1] + string(last)
}

func TestSimulateMakesTheMessageThatWouldHaveComeIn(t *testing.T) {
	t.Parallel()
	simulator := open(t, "").(connectors.Simulator)
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	media := []connectors.MediaRef{{URL: "https://files.example/a.png", ContentType: "image/png"}}
	message, err := simulator.Simulate(connectors.SimulatedMessage{ID: "sim_1", From: "+1 631 111 2222", Name: "Emily", Text: "look", Media: media, At: at})
	require.NoError(t, err)
	require.Equal(t, connectors.InMessage{
		ProviderID: "sim_1", From: "16311112222", FromName: "Emily", To: "15550000009",
		Type: "image", Text: "look", Media: media, Timestamp: at,
	}, message)
	_, err = simulator.Simulate(connectors.SimulatedMessage{ID: "s", Text: "a"})
	require.Equal(t, "from", connectors.AsError(err).Field)
	_, err = simulator.Simulate(connectors.SimulatedMessage{ID: "s", From: "1"})
	require.Equal(t, "text", connectors.AsError(err).Field)
}

func FuzzReceive(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `{}`, `[]`, `{"id":"1","from":"1","text":"a"}`, `[{"id":"1","from":"+1 (631) 111-2222","timestamp":"2026-11-21T09:00:00Z"}]`,
		`{"status":{"providerId":"sbx_1","status":"failed","error":{"code":1,"message":"x"}}}`, `[[[[`, "\xff\xfe",
	} {
		f.Add([]byte(seed))
	}
	receiver := open(f, secret).(connectors.Receiver)
	f.Fuzz(func(t *testing.T, body []byte) {
		request := connectors.CallbackRequest{Header: http.Header{sandbox.SignatureHeader: {sign(secret, body)}}, Body: body}
		result, err := receiver.Receive(request)
		if err != nil {
			require.Equal(t, connectors.KindRejected, connectors.AsError(err).Kind)
			require.Zero(t, result)
			return
		}
		require.LessOrEqual(t, len(result.Messages)+len(result.Statuses), 100)
		for _, message := range result.Messages {
			require.NotEmpty(t, message.ProviderID)
			require.NotEmpty(t, message.From)
		}
	})
}

func BenchmarkReceive(b *testing.B) {
	receiver := open(b, secret).(connectors.Receiver)
	request := callback(secret, fmt.Sprintf(`{"id":"msg_1","from":"+16311112222","name":"Emily","text":%q,"timestamp":"2026-11-21T09:00:00Z"}`, strings.Repeat("x", 200)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := receiver.Receive(request); err != nil {
			b.Fatal(err)
		}
	}
}
