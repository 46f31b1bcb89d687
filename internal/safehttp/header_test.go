package safehttp

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValidHeaderAcceptsOrdinaryCustomHeaders(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"Authorization": "Bearer abc", "X-Api-Key": "k", "x_custom": "", "X-Signature-Version": "2", "Cookie": "a=b; c=d", "X-Tab": "a\tb",
	} {
		require.NoError(t, ValidHeader(name, value), name)
	}
}

func TestValidHeaderRefusesInjectionAndReservedNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", "a b", "a:b", "a\r\nb", "a\x00", "ä", "(x)", "Host", "content-length", "Content-Type", "Transfer-Encoding", "CONNECTION", "Keep-Alive", "TE", "Trailer",
		"Upgrade", "Expect", "Proxy-Connection", "Proxy-Authorization", "User-Agent", "Accept-Encoding", "Content-Encoding", "webhook-id", "Webhook-Signature", "webhook-anything",
		"X-Switchhook-Event", "X-Whathooks-Delivery", "X-SocialSyncerAPI-Signature", "X-Other-Signature", "X-Socialhook-Timestamp", strings.Repeat("a", 129),
	} {
		requireCode(t, CodeInvalidHeader, ValidHeader(name, "v"))
	}
	for _, value := range []string{"a\r\nX: y", "a\n", "a\r", "a\x00b", "\x7f", "\x1b", "ä", "\xff", " a", "a ", "\ta", strings.Repeat("a", 4097)} {
		requireCode(t, CodeInvalidHeader, ValidHeader("X-Custom", value))
	}
}

func TestPostRefusesHeadersThatBreakTheRequest(t *testing.T) {
	t.Parallel()
	url := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the receiver was called") })
	client := newClient(t)
	for _, header := range []Header{
		{"X", "a\r\nY: b"},
		{"X", "a\nb"},
		{"X", "a\x00"},
		{"X\r\nY", "b"},
		{"X ", "b"},
		{"", "b"},
		{"Host", "other"},
		{"Content-Length", "0"},
		{"Transfer-Encoding", "chunked"},
		{"connection", "close"},
		{"Expect", "100-continue"},
		{"User-Agent", "x"},
	} {
		_, err := client.Post(t.Context(), Request{URL: url, Header: []Header{{"Content-Type", "text/plain"}, header}})
		require.False(t, requireCode(t, CodeInvalidHeader, err).Sent)
	}
}
