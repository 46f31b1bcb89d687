package server_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/listen"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/webhook"
)

// TestListeningGivesWhatAWebhookGives compares a program that is listened for with the receiver of a webhook, byte by byte.
func TestListeningGivesWhatAWebhookGives(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	channelID, other := a.channel(t, "sandbox", "{}"), a.channel(t, "sandbox", `{"number":"15550001111"}`)
	simulate := func(channelID, text string) {
		a.send(t, 201, "POST", "/v1/channels/"+channelID+"/simulate", `{"from":"447911123456","name":"Emily","text":"`+text+`"}`)
	}
	simulate(channelID, "before")
	local, far := newReceiver(t, answering(`{"reply":"Hello back"}`)), newReceiver(t, status(204))
	a.webhook(t, far.URL, "")

	var terminal screen
	shown := secret.NewWebhookSecret()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	options := listen.Options{
		URL: w.url, Key: secret.String(a.key), Target: local.URL + "/hook", Secret: shown, Format: webhook.FormatSwitchhook, Out: &terminal,
		Events: []string{"message.received"}, Channels: []string{channelID}, Reply: true, Every: 10 * time.Millisecond, Now: time.Now,
	}
	go func() { ended <- listen.Listen(ctx, options) }()
	eventually(t, "it listens", func() bool { return len(terminal.String()) > 0 })
	simulate(other, "elsewhere")
	simulate(channelID, "now <b>&</b> here")
	eventually(t, "both get it", func() bool { return len(local.of("message.received")) == 1 && len(far.of("message.received")) == 2 })
	mine := local.of("message.received")[0]
	var theirs delivered
	for _, one := range far.of("message.received") {
		if one.header.Get("webhook-id") == mine.header.Get("webhook-id") {
			theirs = one
		}
	}
	require.Equal(t, string(theirs.body), string(mine.body))
	require.Contains(t, string(mine.body), `now <b>&</b> here`)
	require.Equal(t, "application/json", mine.header.Get("Content-Type"))
	require.Equal(t, "sha256="+webhook.HexOf(mine.body, shown.Reveal()), mine.header.Get("X-Switchhook-Signature"))
	require.Regexp(t, "^v1,", mine.header.Get("webhook-signature"))
	eventually(t, "the reply is sent", func() bool {
		sent := a.messages(t, "&direction=outbound&channelId="+channelID)
		return len(sent) == 1 && sent[0].(map[string]any)["text"] == "Hello back" && sent[0].(map[string]any)["to"] == "447911123456"
	})
	stop()
	require.NoError(t, <-ended, terminal.String())
	require.Len(t, local.of("message.received"), 1, "neither what was before nor another channel's")
}

func TestOneEventIsSentAgainOrASampleBeforeAnythingHappened(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	a := w.tenant(t, "ann")
	local := newReceiver(t, status(200))
	options := listen.Options{
		URL: w.url, Key: secret.String(a.key), Target: local.URL, Secret: secret.NewWebhookSecret(), Format: webhook.FormatWhathooks,
		Out: new(screen), Every: time.Second, Now: time.Now,
	}
	require.NoError(t, listen.Send(t.Context(), options, "message.received"))
	require.Contains(t, string(local.of("message.received")[0].body), `"sessionId":"sess_`)

	channelID := a.channel(t, "sandbox", "{}")
	a.send(t, 201, "POST", "/v1/channels/"+channelID+"/simulate", `{"from":"447911123456","text":"Hello"}`)
	var events []any
	eventually(t, "it has happened", func() bool {
		events = a.send(t, 200, "GET", "/v1/events?event=message.received", "").field(t, "data").([]any)
		return len(events) == 1
	})
	require.NoError(t, listen.Send(t.Context(), options, events[0].(map[string]any)["id"].(string)))
	require.Contains(t, string(local.of("message.received")[1].body), channelID)

	local.answerWith(func(w http.ResponseWriter) { http.Error(w, "no such workflow", http.StatusNotFound) })
	require.ErrorContains(t, listen.Send(t.Context(), options, "message.received"), "not taken")
	require.Contains(t, options.Out.(*screen).String(), "404  no such workflow")
	require.ErrorContains(t, listen.Send(t.Context(), options, "evt_01kaj5v0x7fm2zq4w9b3c8da40"), "no such event")
}
