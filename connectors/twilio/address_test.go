package twilio

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTwilioIsGivenOnlyStatusCallbacksThatItCanReach(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://hooks.example/callbacks/twilio_sms/chan_1": "https://hooks.example/callbacks/twilio_sms/chan_1?message=msg_1",
		"http://hooks.example:8080/c":                       "http://hooks.example:8080/c?message=msg_1",
		"https://8.8.8.8/c":                                 "https://8.8.8.8/c?message=msg_1",
		"http://localhost:8080/c":                           "",
		"http://127.0.0.1/c":                                "",
		"http://192.168.1.2/c":                              "",
		"http://[::1]/c":                                    "",
		"http://box.local/c":                                "",
		"https://my_host.example/c":                         "",
		"":                                                  "",
		"ftp://hooks.example/c":                             "",
		"/callbacks/c":                                      "",
	} {
		real := &conn{baseURL: defaultBaseURL, callbackURL: address}
		require.Equal(t, want, real.statusCallback("msg_1"), address)
	}
	moved := &conn{baseURL: "http://127.0.0.1:1", callbackURL: "http://localhost:8080/c"}
	require.Equal(t, "http://localhost:8080/c?message=msg_1", moved.statusCallback("msg_1"))
}

func TestCredentialsBelongToTwilioAlone(t *testing.T) {
	t.Parallel()
	real, moved := &conn{baseURL: defaultBaseURL}, &conn{baseURL: "http://127.0.0.1:99"}
	for address, want := range map[string][2]bool{
		"https://api.twilio.com/2010-04-01/Media/1": {true, false},
		"https://api.dublin.ie1.twilio.com/Media/1": {true, false},
		"https://API.TWILIO.COM/Media/1":            {true, false},
		"https://twilio.com.example/Media/1":        {false, false},
		"https://eviltwilio.com/Media/1":            {false, false},
		"http://api.twilio.com/Media/1":             {false, false},
		"https://media.twilio.com:8443/Media/1":     {false, false},
		"http://127.0.0.1:99/Media/1":               {false, true},
		"http://127.0.0.1:98/Media/1":               {false, false},
		"http://[::1":                               {false, false},
	} {
		require.Equal(t, want, [2]bool{real.ownsURL(address), moved.ownsURL(address)}, address)
	}
}
