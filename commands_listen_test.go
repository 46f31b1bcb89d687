package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/webhook"
)

func TestListeningNeedsAnAddressAndEventsThatExist(t *testing.T) {
	t.Setenv(keySetting, "sk_live_1")
	to := []string{"--to", "http://localhost:3000/hook"}
	for _, args := range [][]string{
		{},
		{"--to", "localhost:3000"},
		append(to, "more"),
		append(to, "--events", "message.recieved"),
		append(to, "--format", "xml"),
		append(to, "--key", "sk_live_1"),
	} {
		require.ErrorIs(t, listenTo(t.Context(), args), errUsage, "%v", args)
	}
	require.NoError(t, listenTo(t.Context(), []string{"--help"}))
}

func TestListeningSignsWithTheSecretOfAFile(t *testing.T) {
	t.Setenv(keySetting, "sk_live_1")
	const shown = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"id":"evt_1","event":"session.qr","channelId":"sess_1","data":{},"timestamp":"2026-06-29T14:21:07.412Z"}`)
	}))
	t.Cleanup(server.Close)
	signed := make(chan bool, 1)
	program := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		signed <- r.Header.Get("X-Switchhook-Signature") == "sha256="+webhook.HexOf(body, shown)
	}))
	t.Cleanup(program.Close)
	file := filepath.Join(t.TempDir(), "secret")
	args := []string{"--url", server.URL, "--to", program.URL, "--send", "evt_1", "--secret-file", file}
	require.ErrorIs(t, listenTo(t.Context(), args), os.ErrNotExist)
	require.NoError(t, os.WriteFile(file, []byte(shown+"\n"), 0o600))
	require.NoError(t, listenTo(t.Context(), args))
	require.True(t, <-signed)
}
