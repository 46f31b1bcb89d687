package twilio_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/twilio/twiliotest"
)

func files(addresses ...string) []connectors.OutMedia {
	var media []connectors.OutMedia
	for _, address := range addresses {
		media = append(media, connectors.OutMedia{URL: address})
	}
	return media
}

func TestSendWritesTheFormThatTwilioReads(t *testing.T) {
	t.Parallel()
	report := callbackURL + "?message=msg_1"
	const service, content = "MG0123456789abcdef0123456789abcdef", "HX0123456789abcdef0123456789abcdef"
	tests := map[string]struct {
		create  func(string) connectors.Connector
		change  connectors.Config
		message connectors.OutMessage
		form    url.Values
	}{
		"an SMS": {
			newSMS, nil,
			connectors.OutMessage{To: "+1 (631) 111-2222", Text: "Hi & bye", ReplyTo: "SM1"},
			url.Values{"To": {"+16311112222"}, "From": {"+16311113333"}, "Body": {"Hi & bye"}, "StatusCallback": {report}},
		},
		"an SMS of a short code through a service": {
			newSMS,
			connectors.Config{"phoneNumber": "72975", "messagingServiceSid": service},
			connectors.OutMessage{To: "16311112222", Text: "Hi"},
			url.Values{"To": {"+16311112222"}, "From": {"72975"}, "MessagingServiceSid": {service}, "Body": {"Hi"}, "StatusCallback": {report}},
		},
		"files alone": {
			newSMS, nil,
			connectors.OutMessage{To: "16311112222", Media: files("https://a.example/1?x=1&y", "https://a.example/2")},
			url.Values{"To": {"+16311112222"}, "From": {"+16311113333"}, "MediaUrl": {"https://a.example/1?x=1&y", "https://a.example/2"}, "StatusCallback": {report}},
		},
		"WhatsApp with a file": {
			newWhatsApp, nil,
			connectors.OutMessage{To: "whatsapp:+16311112222", Text: "Look", Media: files("https://a.example/1")},
			url.Values{"To": {"whatsapp:+16311112222"}, "From": {"whatsapp:+16311113333"}, "Body": {"Look"}, "MediaUrl": {"https://a.example/1"}, "StatusCallback": {report}},
		},
		"WhatsApp to someone without a number": {
			newWhatsApp, nil,
			connectors.OutMessage{To: "US.13491208655302741918", Text: "Hi"},
			url.Values{"To": {"whatsapp:US.13491208655302741918"}, "From": {"whatsapp:+16311113333"}, "Body": {"Hi"}, "StatusCallback": {report}},
		},
		"a template with variables": {
			newWhatsApp, nil,
			connectors.OutMessage{To: "16311112222", Text: "instead of this", Template: &connectors.Template{Name: content, Variables: map[string]string{"1": "Emily"}}},
			url.Values{"To": {"whatsapp:+16311112222"}, "From": {"whatsapp:+16311113333"}, "ContentSid": {content}, "ContentVariables": {`{"1":"Emily"}`}, "StatusCallback": {report}},
		},
		"a template without variables": {
			newSMS, nil,
			connectors.OutMessage{To: "16311112222", Template: &connectors.Template{Name: content}},
			url.Values{"To": {"+16311112222"}, "From": {"+16311113333"}, "ContentSid": {content}, "StatusCallback": {report}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := twiliotest.New(t)
			test.message.ID = "msg_1"
			receipt, err := open(t, test.create(fake.URL), test.change).(connectors.Sender).Send(t.Context(), test.message)
			require.NoError(t, err)
			sent, err := fake.WaitSent(t.Context(), 1)
			require.NoError(t, err)
			require.Equal(t, test.form, sent[0].Form)
			require.Equal(t, connectors.Receipt{ProviderID: sent[0].SID, Status: connectors.StatusSent}, receipt)
		})
	}
}

func TestSendRefusesWhatTwilioCannotTakeWithoutCallingIt(t *testing.T) {
	t.Parallel()
	fake := twiliotest.New(t)
	for name, test := range map[string]struct {
		create  func(string) connectors.Connector
		message connectors.OutMessage
		field   string
	}{
		"a name as the recipient of an SMS":   {newSMS, connectors.OutMessage{To: "Emily", Text: "Hi"}, "to"},
		"a short code as recipient":           {newSMS, connectors.OutMessage{To: "72975", Text: "Hi"}, "to"},
		"WhatsApp's form for an SMS":          {newSMS, connectors.OutMessage{To: "whatsapp:+16311112222", Text: "Hi"}, "to"},
		"a name as the recipient on WhatsApp": {newWhatsApp, connectors.OutMessage{To: "Emily", Text: "Hi"}, "to"},
		"a user id with further characters":   {newWhatsApp, connectors.OutMessage{To: "US.1&From=x", Text: "Hi"}, "to"},
		"a user id without a country":         {newWhatsApp, connectors.OutMessage{To: "us.1", Text: "Hi"}, "to"},
		"two files on WhatsApp":               {newWhatsApp, connectors.OutMessage{To: "16311112222", Media: files("https://a.example", "https://b.example")}, "media"},
		"a template that is no content SID":   {newWhatsApp, connectors.OutMessage{To: "16311112222", Template: &connectors.Template{Name: "hello"}}, "template.name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := open(t, test.create(fake.URL), nil).(connectors.Sender).Send(t.Context(), test.message)
			require.Error(t, err)
			require.Equal(t, connectors.KindRejected, connectors.AsError(err).Kind)
			require.Equal(t, test.field, connectors.AsError(err).Field)
		})
	}
	require.Zero(t, fake.Requests())
}

func TestAnAcceptedMessageWhoseAnswerIsLostIsUnconfirmed(t *testing.T) {
	t.Parallel()
	fake := twiliotest.New(t)
	fake.TroubleNext(twiliotest.Trouble{Cut: true})
	sender := open(t, newSMS(fake.URL), nil).(connectors.Sender)
	_, err := sender.Send(t.Context(), connectors.OutMessage{To: "16311112222", Text: "Hi"})
	require.Equal(t, connectors.KindUnconfirmed, connectors.AsError(err).Kind)
	require.Len(t, fake.Sent(), 1)

	fake.TroubleNext(twiliotest.Trouble{Delay: 20 * time.Millisecond})
	_, err = sender.Send(t.Context(), connectors.OutMessage{To: "16311112222", Text: "Hi"})
	require.NoError(t, err, "a late answer counts")
}

func TestAnswersOfSuccessAreReadWithCare(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]connectors.Kind{
		`{"sid":"SM1","status":"queued"}`:                 "",
		`{"sid":"SM1","status":"read","error_code":null}`: "",
		`{"status":"queued"}`:                             connectors.KindUnconfirmed,
		`{"sid":"SM1"`:                                    connectors.KindUnconfirmed,
		`<html>`:                                          connectors.KindUnconfirmed,
		``:                                                connectors.KindUnconfirmed,
		`{"sid":"SM1","status":"failed","error_code":63016,"error_message":"no window"}`: connectors.KindRejected,
		`{"sid":"SM1","status":"failed","error_code":1,"error_message":"no"}`:            connectors.KindRejected,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, body)
		}))
		t.Cleanup(server.Close)
		_, err := open(t, newSMS(server.URL), nil).(connectors.Sender).Send(t.Context(), connectors.OutMessage{To: "16311112222", Text: "Hi"})
		if want == "" {
			require.NoError(t, err, body)
			continue
		}
		require.Error(t, err, body)
		require.Equal(t, want, connectors.AsError(err).Kind, body)
	}
}

func TestCheckAsksWithTheTokenAndWithTheKey(t *testing.T) {
	t.Parallel()
	fake := twiliotest.New(t)
	key := connectors.Config{"apiKeySid": twiliotest.APIKeySID, "apiKeySecret": twiliotest.APIKeySecret}
	check := func(change connectors.Config) error {
		return open(t, newSMS(fake.URL), change).(connectors.Checker).Check(t.Context())
	}
	require.NoError(t, check(nil))
	require.NoError(t, check(key))
	require.Equal(t, 3, fake.Requests())
	for _, wrong := range []connectors.Config{
		{"authToken": "wrong"},
		{"apiKeySid": twiliotest.APIKeySID, "apiKeySecret": "wrong"},
		{"accountSid": "AC00000000000000000000000000000000"},
	} {
		require.Equal(t, connectors.CodeAuthFailed, connectors.AsError(check(wrong)).Code)
	}
	fake.SetAccountStatus("suspended")
	require.Equal(t, connectors.CodeAccountSuspended, connectors.AsError(check(nil)).Code)
}

func TestMediaAreFetchedWithoutGivingTheCredentialsAway(t *testing.T) {
	t.Parallel()
	fake := twiliotest.New(t)
	address := fake.AddMedia("image/png", []byte("picture"))
	fetcher := open(t, newSMS(fake.URL), nil).(connectors.MediaFetcher)
	body, contentType, err := fetcher.FetchMedia(t.Context(), connectors.MediaRef{URL: address})
	require.NoError(t, err)
	content, err := io.ReadAll(body)
	require.NoError(t, err)
	require.NoError(t, body.Close())
	require.Equal(t, "picture", string(content))
	require.Equal(t, "image/png", contentType)
	require.False(t, fake.CredentialsLeaked())

	_, _, err = open(t, newSMS(fake.URL), connectors.Config{"authToken": "wrong"}).(connectors.MediaFetcher).FetchMedia(t.Context(), connectors.MediaRef{URL: address})
	require.Equal(t, connectors.KindUnlinked, connectors.AsError(err).Kind)
	_, _, err = fetcher.FetchMedia(t.Context(), connectors.MediaRef{URL: address + "9"})
	require.Equal(t, connectors.KindRejected, connectors.AsError(err).Kind)
}

func TestMediaOfAnotherHostAreFetchedWithoutCredentials(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 1)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header.Get("Authorization") }))
	t.Cleanup(other.Close)
	fake := twiliotest.New(t)
	body, _, err := open(t, newSMS(fake.URL), nil).(connectors.MediaFetcher).FetchMedia(t.Context(), connectors.MediaRef{URL: other.URL})
	require.NoError(t, err)
	require.NoError(t, body.Close())
	require.Empty(t, <-seen)

	_, _, err = open(t, newSMS(""), nil).(connectors.MediaFetcher).FetchMedia(t.Context(), connectors.MediaRef{URL: other.URL})
	require.Equal(t, connectors.KindRejected, connectors.AsError(err).Kind, "plain http is only for an operator's own address")
}
