package telnyx_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest/standin"
	"github.com/switchhook/switchhook/connectors/telnyx/telnyxtest"
)

// answering starts a server that always answers the same.
func answering(t *testing.T, status int, body string, headers map[string]string) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestSendWritesTheBodyThatTelnyxReads(t *testing.T) {
	t.Parallel()
	const report = callbackURL + "?message=msg_1"
	for name, test := range map[string]struct {
		change  connectors.Config
		message connectors.OutMessage
		want    telnyxtest.Sent
	}{
		"an SMS": {
			nil,
			connectors.OutMessage{To: "+1 (631) 111-2222", Text: "Hi <b> & bye", ReplyTo: "x"},
			telnyxtest.Sent{From: "+16311113333", To: "+16311112222", Text: "Hi <b> & bye", WebhookURL: report},
		},
		"of a short code with a profile": {
			connectors.Config{"phoneNumber": "72975", "messagingProfileId": profile},
			connectors.OutMessage{To: "16311112222", Text: "Hi"},
			telnyxtest.Sent{From: "72975", To: "+16311112222", Text: "Hi", Profile: profile, WebhookURL: report},
		},
		"files alone": {
			nil,
			connectors.OutMessage{To: "16311112222", Media: []connectors.OutMedia{{URL: "https://a.example/1"}, {URL: "https://a.example/2"}}},
			telnyxtest.Sent{From: "+16311113333", To: "+16311112222", MediaURLs: []string{"https://a.example/1", "https://a.example/2"}, WebhookURL: report},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := telnyxtest.New(t)
			test.message.ID = "msg_1"
			receipt, err := open(t, fake.URL, test.change).(connectors.Sender).Send(t.Context(), test.message)
			require.NoError(t, err)
			sent := fake.Sent()
			require.Len(t, sent, 1)
			require.Equal(t, connectors.Receipt{ProviderID: sent[0].ID, Status: connectors.StatusSent}, receipt)
			sent[0].ID = ""
			require.Equal(t, test.want, sent[0])
		})
	}
}

func TestSendRefusesWhatTelnyxCannotTakeWithoutCallingIt(t *testing.T) {
	t.Parallel()
	fake := telnyxtest.New(t)
	half := connectors.OutMedia{URL: "https://a.example/1", Size: 600_000}
	for field, message := range map[string]connectors.OutMessage{
		"to":    {To: "Emily", Text: "Hi"},
		"media": {To: "16311112222", Media: []connectors.OutMedia{half, half}},
	} {
		_, err := open(t, fake.URL, nil).(connectors.Sender).Send(t.Context(), message)
		require.Equal(t, connectors.KindRejected, connectors.AsError(err).Kind)
		require.Equal(t, field, connectors.AsError(err).Field)
	}
	require.Zero(t, fake.Requests())
}

func TestAnAcceptedMessageWhoseAnswerIsLostIsUnconfirmed(t *testing.T) {
	t.Parallel()
	fake := telnyxtest.New(t)
	fake.Fail(standin.Trouble{Cut: true})
	_, err := open(t, fake.URL, nil).(connectors.Sender).Send(t.Context(), hello())
	require.Equal(t, connectors.KindUnconfirmed, connectors.AsError(err).Kind)
	require.Len(t, fake.Sent(), 1)
}

func TestAnswersOfSuccessAreReadWithCare(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]connectors.Kind{
		`{"data":{"id":"a","to":[{"status":"queued"}]}}`: "",
		`{"data":{"id":"a"}}`:                            "",
		`{"data":{"id":"a","to":"+1"}}`:                  "",
		`{"data":{"to":[{"status":"queued"}]}}`:          connectors.KindUnconfirmed,
		`{"data":null}`:                                  connectors.KindUnconfirmed,
		`{"data":{"id":"a"`:                              connectors.KindUnconfirmed,
		``:                                               connectors.KindUnconfirmed,
		`{"data":{"id":"a","to":[{"status":"sending_failed"}],"errors":[{"code":"40300","title":"STOP"}]}}`: connectors.KindRejected,
		`{"data":{"id":"a","to":[{"status":"delivery_failed"}]}}`:                                           connectors.KindRejected,
	} {
		_, err := open(t, answering(t, 200, body, nil), nil).(connectors.Sender).Send(t.Context(), hello())
		if want == "" {
			require.NoError(t, err, body)
			continue
		}
		require.Error(t, err, body)
		require.Equal(t, want, connectors.AsError(err).Kind, body)
	}
}

func TestCheckTellsWhetherTheKeyWorks(t *testing.T) {
	t.Parallel()
	fake := telnyxtest.New(t)
	check := func(change connectors.Config) error {
		return open(t, fake.URL, change).(connectors.Checker).Check(t.Context())
	}
	require.NoError(t, check(nil))
	require.Equal(t, meaning{connectors.KindUnlinked, connectors.CodeAuthFailed, ""}, meaningOf(check(connectors.Config{"apiKey": "KEYwrong"})))
	fake.Fail(standin.Trouble{Status: 404, Body: telnyxtest.Errors(10005, "", "")})
	require.Equal(t, connectors.KindUnlinked, connectors.AsError(check(nil)).Kind)
	require.Empty(t, fake.Sent())
}
