package discord_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest"
	"github.com/switchhook/switchhook/connectors/discord"
	"github.com/switchhook/switchhook/connectors/discord/discordtest"
)

const (
	webhookPath = "/api/v10/webhooks/" + discordtest.WebhookID + "/" + discordtest.WebhookToken
	channelPath = "/api/v10/channels/" + discordtest.ChannelID
	postsByHook = "POST " + webhookPath
	postsByBot  = "POST " + channelPath + "/messages"
)

// clock is when everything in these tests happens.
func clock() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }

func byWebhook() connectors.Config {
	return connectors.Config{"webhookUrl": discordtest.WebhookURL}
}

func byBot() connectors.Config {
	return connectors.Config{"botToken": discordtest.BotToken, "channelId": discordtest.ChannelID}
}

func byBoth() connectors.Config {
	return connectors.Config{"webhookUrl": discordtest.WebhookURL, "botToken": discordtest.BotToken}
}

func newFake(t *testing.T) *discordtest.Server {
	t.Helper()
	return discordtest.New(t, clock())
}

// open opens a channel whose rests take no time; waited is how long they would have taken.
func open(t *testing.T, baseURL string, config connectors.Config) (conn connectors.Conn, waited *time.Duration) {
	t.Helper()
	transport, waited := &http.Transport{}, new(time.Duration)
	t.Cleanup(transport.CloseIdleConnections)
	connector := discord.New(discord.Options{BaseURL: baseURL + "/", Wait: func(ctx context.Context, d time.Duration) error {
		*waited += d
		return ctx.Err()
	}})
	conn, err := connector.Open(connectors.Channel{Config: config}, connectors.Host{
		HTTP: &http.Client{Transport: transport}, Logger: slog.New(slog.DiscardHandler), Now: clock,
	})
	require.NoError(t, err)
	return conn, waited
}

func publisher(t *testing.T, fake *discordtest.Server, config connectors.Config) connectors.Publisher {
	t.Helper()
	conn, _ := open(t, fake.URL, config)
	return conn.(connectors.Publisher)
}

// begun counts the calls of OutPost.Begin.
type begun struct{ times int }

func (b *begun) begin(context.Context) error { b.times++; return nil }

func post(b *begun, text string) connectors.OutPost {
	return connectors.OutPost{ID: "tgt_0123456789abcdefghijklmnop-0", Text: text, StartedAt: clock(), Begin: b.begin}
}

type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

// media makes a file of size bytes, of which there are only so many.
func media(name, contentType, alt string, size, there int) connectors.PostMedia {
	kind, _, _ := strings.Cut(contentType, "/")
	return connectors.PostMedia{
		Kind: kind, ContentType: contentType, FileName: name, Alt: alt, Size: int64(size),
		Open: func() (io.ReadSeekCloser, error) { return file{bytes.NewReader(make([]byte, there))}, nil },
	}
}

func requireKind(t *testing.T, err error, kind connectors.Kind, code string) *connectors.Error {
	t.Helper()
	require.Error(t, err)
	failed := connectors.AsError(err)
	require.Equal(t, kind, failed.Kind, err.Error())
	require.Equal(t, code, failed.Code, err.Error())
	words := err.Error() + failed.Message
	if failed.Provider != nil {
		words += failed.Provider.Message
	}
	require.NotContains(t, words, discordtest.WebhookToken)
	require.NotContains(t, words, discordtest.BotToken)
	return failed
}

func TestConformance(t *testing.T) {
	bad := func(name, field string, change connectors.Config) connectortest.BadConfig {
		return connectortest.BadConfig{Name: name, Change: change, Field: field}
	}
	address := func(text string) connectors.Config { return connectors.Config{"webhookUrl": text} }
	connectortest.Run(t, connectortest.Suite{
		New:    func(baseURL string) connectors.Connector { return discord.New(discord.Options{BaseURL: baseURL}) },
		Config: byBoth(), Address: discordtest.WebhookID,
		BadConfigs: []connectortest.BadConfig{
			bad("an address elsewhere", "webhookUrl", address("https://discord.example/api/webhooks/223704706495545344/secret-token")),
			bad("an address without a token", "webhookUrl", address("https://discord.com/api/webhooks/223704706495545344")),
			bad("an address with too much", "webhookUrl", address("https://discord.com/api/webhooks/223704706495545344/a/../b")),
			bad("a thread that is none", "webhookUrl", address("https://discord.com/api/webhooks/223704706495545344/a?thread_id=../1")),
			bad("no credentials", "webhookUrl", connectors.Config{"webhookUrl": "", "botToken": ""}),
			bad("a bot without a channel", "channelId", connectors.Config{"webhookUrl": ""}),
			bad("a channel without a bot", "botToken", connectors.Config{"webhookUrl": "", "botToken": "", "channelId": "12345"}),
			bad("a channel that is none", "channelId", connectors.Config{"channelId": "news"}),
		},
	})
}

func TestEveryFormOfAWebhooksAddressIsTaken(t *testing.T) {
	t.Parallel()
	connector := discord.New(discord.Options{BaseURL: "http://127.0.0.1:1"})
	for _, address := range []string{
		discordtest.WebhookURL, discordtest.WebhookURL + "/", discordtest.WebhookURL + "?thread_id=444444444444444444",
		"https://discordapp.com/api/v10/webhooks/" + discordtest.WebhookID + "/" + discordtest.WebhookToken,
		"https://PTB.discord.com/api/webhooks/" + discordtest.WebhookID + "/" + discordtest.WebhookToken,
		"http://127.0.0.1:1/api/webhooks/" + discordtest.WebhookID + "/" + discordtest.WebhookToken,
	} {
		id, err := connector.Address(connectors.Config{"webhookUrl": address})
		require.NoError(t, err, address)
		require.Equal(t, discordtest.WebhookID, id)
	}
	id, err := connector.Address(byBot())
	require.NoError(t, err)
	require.Equal(t, discordtest.ChannelID, id)
}

func TestCheckAsksAboutTheWebhookAndTheBot(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	for _, config := range []connectors.Config{byWebhook(), byBot(), byBoth()} {
		conn, _ := open(t, fake.URL, config)
		require.NoError(t, conn.(connectors.Checker).Check(t.Context()))
	}
	hook, channel := "GET "+webhookPath, "GET "+channelPath
	require.Equal(t, []string{hook, channel, hook, channel}, fake.Seen())

	for name, config := range map[string]connectors.Config{
		"another token":   {"webhookUrl": "https://discord.com/api/webhooks/" + discordtest.WebhookID + "/other"},
		"another webhook": {"webhookUrl": "https://discord.com/api/webhooks/99999/other"},
		"another bot":     {"botToken": "other", "channelId": discordtest.ChannelID},
		"another channel": {"botToken": discordtest.BotToken, "channelId": "99999"},
	} {
		conn, _ := open(t, fake.URL, config)
		failed := requireKind(t, conn.(connectors.Checker).Check(t.Context()), connectors.KindUnlinked, connectors.CodeAuthFailed)
		require.NotContains(t, failed.Error(), "other", name)
	}
	for _, body := range []string{"<html>", `{"id":"1"}`, `{"id":"` + discordtest.WebhookID + `"}`} {
		fake.Once(hook, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		conn, _ := open(t, fake.URL, byWebhook())
		failed := requireKind(t, conn.(connectors.Checker).Check(t.Context()), connectors.KindRetryable, "provider_unavailable")
		require.ErrorContains(t, failed, connectors.CodeUnexpected)
	}
}

func TestOpenNeedsATransportToNameItselfThrough(t *testing.T) {
	t.Parallel()
	_, err := discord.New(discord.Options{}).Open(connectors.Channel{Config: byBot()}, connectors.Host{HTTP: &http.Client{}, Now: clock})
	require.ErrorContains(t, err, "Host.HTTP")
}

func TestAnOperatorMayChooseTheVersion(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	conn, err := discord.New(discord.Options{BaseURL: fake.URL, Version: "v99"}).Open(connectors.Channel{Config: byBot()},
		connectors.Host{HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, Now: clock})
	require.NoError(t, err)
	require.Error(t, conn.(connectors.Checker).Check(t.Context()))
	require.Equal(t, []string{"GET /api/v99/channels/" + discordtest.ChannelID}, fake.Seen())
}
