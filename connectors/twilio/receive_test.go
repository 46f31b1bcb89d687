package twilio_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/twilio/twiliotest"
)

func receiver(tb testing.TB, token string) connectors.Receiver {
	tb.Helper()
	return open(tb, newSMS(""), connectors.Config{"authToken": token}).(connectors.Receiver)
}

func callback(address, signature, contentType, body string) connectors.CallbackRequest {
	return connectors.CallbackRequest{
		Method: http.MethodPost, URL: address, Body: []byte(body),
		Header: http.Header{"X-Twilio-Signature": {signature}, "Content-Type": {contentType}},
	}
}

const formType = "application/x-www-form-urlencoded"

// The vector is of an independent implementation; the stand-in's signature must agree with it as well.
func TestTheKnownSignatureIsAccepted(t *testing.T) {
	t.Parallel()
	const address, signature = "https://hook.example/v1/in/abc?x=1", "ibsQ72cyvCzFGbS7A8v7PmpxIoo="
	form := url.Values{
		"Body": {"Ahoy"}, "From": {"+15558675310"}, "MessageSid": {"SM00000000000000000000000000000001"},
		"NumMedia": {"0"}, "To": {"+15017122661"},
	}
	result, err := receiver(t, "12345").Receive(callback(address, signature, formType, form.Encode()))
	require.NoError(t, err)
	require.Equal(t, "Ahoy", result.Messages[0].Text)
	require.Equal(t, "15558675310", result.Messages[0].From)
	require.Equal(t, signature, twiliotest.Sign("12345", address, form))
}

func TestTheSignatureMayCoverTheURLWithOrWithoutItsPort(t *testing.T) {
	t.Parallel()
	form := url.Values{"MessageSid": {"SM1"}, "From": {"+15558675310"}}
	for name, test := range map[string]struct {
		called, signed string
		ok             bool
	}{
		"as it is":                          {"https://h.example/a?b=c:1", "https://h.example/a?b=c:1", true},
		"the default port added":            {"https://h.example/a?b=c:1", "https://h.example:443/a?b=c:1", true},
		"the default port of http added":    {"http://h.example/a", "http://h.example:80/a", true},
		"the port removed":                  {"https://h.example:443/a", "https://h.example/a", true},
		"an own port removed":               {"https://h.example:8443/a", "https://h.example/a", true},
		"no path":                           {"https://h.example", "https://h.example:443", true},
		"an IPv6 address":                   {"https://[2001:db8::1]/a", "https://[2001:db8::1]:443/a", true},
		"an IPv6 address, the port removed": {"https://[2001:db8::1]:443/a", "https://[2001:db8::1]/a", true},
		"another port":                      {"https://h.example/a", "https://h.example:8443/a", false},
		"another scheme":                    {"https://h.example/a", "http://h.example/a", false},
		"another host":                      {"https://h.example/a", "https://g.example/a", false},
		"another query":                     {"https://h.example/a?message=1", "https://h.example/a?message=2", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := receiver(t, "12345").Receive(callback(test.called, twiliotest.Sign("12345", test.signed, form), formType, form.Encode()))
			if test.ok {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, connectors.ErrSignature)
			}
		})
	}
}

func TestRepeatedParametersMayBeSignedByTheFirstOrByAllValues(t *testing.T) {
	t.Parallel()
	const address, body = "https://h.example/a", "MessageSid=SM1&From=%2B15558675310&Body=one&Body=two"
	for signed, ok := range map[string]bool{"one": true, "onetwo": true, "two": false, "twoone": false, "oneBodytwo": false} {
		form := url.Values{"MessageSid": {"SM1"}, "From": {"+15558675310"}, "Body": {signed}}
		result, err := receiver(t, "12345").Receive(callback(address, twiliotest.Sign("12345", address, form), formType, body))
		if !ok {
			require.ErrorIs(t, err, connectors.ErrSignature, signed)
			continue
		}
		require.NoError(t, err, signed)
		require.Equal(t, "one", result.Messages[0].Text)
	}
}

func TestABodyThatIsNoFormMustMatchItsDigest(t *testing.T) {
	t.Parallel()
	const body = `{"MessageSid":"SM1","From":"+15558675310"}`
	sum := sha256.Sum256([]byte(body))
	digest := hex.EncodeToString(sum[:])
	for name, test := range map[string]struct {
		query, body string
		ok          bool
	}{
		"the right digest":   {"?bodySHA256=" + digest, body, true},
		"in capitals":        {"?bodySHA256=" + strings.ToUpper(digest), body, true},
		"no digest":          {"", body, false},
		"an empty digest":    {"?bodySHA256=", body, false},
		"no hex":             {"?bodySHA256=zz", body, false},
		"another body":       {"?bodySHA256=" + digest, body + " ", false},
		"a digest too short": {"?bodySHA256=" + digest[:62], body, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := "https://h.example/a" + test.query
			result, err := receiver(t, "12345").Receive(callback(address, twiliotest.Sign("12345", address, nil), "application/json", test.body))
			if !test.ok {
				require.ErrorIs(t, err, connectors.ErrSignature)
				return
			}
			require.NoError(t, err)
			require.Empty(t, result.Messages, "nothing is known of JSON callbacks")
		})
	}
}

func TestOddMessagesAreReadAsFarAsTheyGo(t *testing.T) {
	t.Parallel()
	receive := func(change url.Values) connectors.CallbackResult {
		form := twiliotest.Inbound("SM1", "whatsapp:+16311112222", "whatsapp:+16311113333", "Hi")
		for name, values := range change {
			form[name] = values
		}
		result, err := receiver(t, "12345").Receive(callback(callbackURL, twiliotest.Sign("12345", callbackURL, form), formType, form.Encode()))
		require.NoError(t, err)
		return result
	}
	require.Equal(t, "Hi", receive(nil).Messages[0].Text)
	for name, change := range map[string]url.Values{
		"a count that is none":     {"NumMedia": {"many"}, "MediaUrl0": {"https://a.example"}},
		"a negative count":         {"NumMedia": {"-1"}, "MediaUrl0": {"https://a.example"}},
		"a count without files":    {"NumMedia": {"2000000000"}},
		"a place off the map":      {"Latitude": {"91"}, "Longitude": {"0"}},
		"a place that is none":     {"Latitude": {"NaN"}, "Longitude": {"0"}},
		"a place without end":      {"Latitude": {"0"}, "Longitude": {"Inf"}},
		"half a place":             {"Latitude": {"1"}},
		"a status before the news": {"MessageStatus": {"received"}},
	} {
		message := receive(change).Messages[0]
		require.Equal(t, "text", message.Type, name)
		require.Empty(t, message.Media, name)
		require.Empty(t, message.Extra, name)
	}
	require.Len(t, receive(url.Values{"NumMedia": {"99"}, "MediaUrl0": {"https://a.example"}, "MediaUrl11": {"https://b.example"}}).Messages[0].Media, 1)
	require.Equal(t, "a\uFFFDb", receive(url.Values{"Body": {"a\xff\x00b"}}).Messages[0].Text)
	require.Equal(t, "16311112222", receive(url.Values{"From": {"whatsapp:hidden"}, "WaId": {"16311112222"}}).Messages[0].From)
	require.Empty(t, receive(url.Values{"From": {""}}).Messages, "a message of nobody")
	require.Empty(t, receive(url.Values{"MessageSid": {""}, "SmsSid": {""}, "SmsMessageSid": {""}}).Messages, "a message without id")
	require.Empty(t, receive(url.Values{"MessageStatus": {"from-the-future"}}).Statuses)
}

func TestAFailedDeliveryIsPutIntoWords(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]string{0: "Twilio could not deliver the message.", 29999: "Twilio could not deliver the message.", 30003: "The recipient's phone was switched off or out of reach. Send again later."} {
		form := twiliotest.StatusForm(twiliotest.Sent{SID: "SM1"}, "undelivered", code)
		result, err := receiver(t, "12345").Receive(callback(callbackURL, twiliotest.Sign("12345", callbackURL, form), formType, form.Encode()))
		require.NoError(t, err)
		require.Equal(t, connectors.StatusFailed, result.Statuses[0].Status)
		require.Equal(t, code, result.Statuses[0].Error.Code)
		require.Equal(t, want, result.Statuses[0].Error.Message)
		require.Contains(t, string(result.Statuses[0].Error.Raw), `"status":"undelivered"`)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add(callbackURL, formType, "MessageSid=SM1&From=%2B1&Body=a&NumMedia=1&MediaUrl0=x")
	f.Add(callbackURL+"?message=m", formType, "MessageSid=SM1&MessageStatus=failed&ErrorCode=30003")
	f.Add("https://[::1]:8080/?bodySHA256=00", "application/json", "{}")
	f.Add("://", "a/b;c", "%zz")
	f.Add("http://h:", "", "a=1&a=2&&;")
	channel := receiver(f, "12345")
	f.Fuzz(func(t *testing.T, address, contentType, body string) {
		unsigned, err := channel.Receive(callback(address, "ibsQ72cyvCzFGbS7A8v7PmpxIoo=", contentType, body))
		require.ErrorIs(t, err, connectors.ErrSignature)
		require.Zero(t, unsigned)
		form, _ := url.ParseQuery(body) // what cannot be read is not signed
		result, err := channel.Receive(callback(address, twiliotest.Sign("12345", address, form), contentType, body))
		if err != nil {
			require.ErrorIs(t, err, connectors.ErrSignature)
			return
		}
		require.LessOrEqual(t, len(result.Messages)+len(result.Statuses), 1)
		for _, message := range result.Messages {
			require.NotEmpty(t, message.ProviderID)
			require.NotEmpty(t, message.From)
			require.NotContains(t, message.Text, "\x00")
		}
	})
}
