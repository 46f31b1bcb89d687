package telnyx

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTelnyxIsGivenOnlyStatusCallbacksThatItCanReach(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://hooks.example/callbacks/telnyx_sms/chan_1": "https://hooks.example/callbacks/telnyx_sms/chan_1?message=msg_1",
		"https://8.8.8.8/c":        "https://8.8.8.8/c?message=msg_1",
		"http://localhost:8080/c":  "",
		"http://127.0.0.1/c":       "",
		"http://192.168.1.2/c":     "",
		"http://[::1]/c":           "",
		"http://box.local/c":       "",
		"http://api.box.internal/": "",
		"http://a.localhost/c":     "",
		"ftp://hooks.example/c":    "",
		"/callbacks/c":             "",
		"":                         "",
	} {
		real := &conn{baseURL: defaultBaseURL, callbackURL: address}
		require.Equal(t, want, real.statusCallback("msg_1"), address)
	}
	moved := &conn{baseURL: "http://127.0.0.1:1", callbackURL: "http://localhost:8080/c"}
	require.Equal(t, "http://localhost:8080/c?message=msg_1", moved.statusCallback("msg_1"))
}
