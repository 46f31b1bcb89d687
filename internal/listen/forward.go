package listen

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/switchhook/switchhook/internal/apiclient"
	"github.com/switchhook/switchhook/internal/delivery"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/webhook"
)

const (
	// answerTimeout is how long a receiver may take, as for deliveries of the server.
	answerTimeout = 10 * time.Second
	// answerLimit is how much of a receiver's answer is read, in bytes, as for deliveries of the server.
	answerLimit = 16 << 10
	// shownLimit is how many characters of an answer that was no success are shown.
	shownLimit = 300
)

// forward sends one event to the target, and tells the user and whoever called whether it was taken.
func (l *listener) forward(ctx context.Context, o *occurrence) bool {
	began := l.Now()
	status, answer, err := l.post(ctx, o)
	line := fmt.Sprintf("%s  %s  %s", o.Timestamp.Local().Format(time.TimeOnly), o.Event, o.ID)
	switch {
	case ctx.Err() != nil:
		return false
	case err != nil:
		l.say("%s  no answer: %v", line, err)
		l.say("          Is your program running there? Send it again with: switchhook listen --to %s --send %s", l.Target, o.ID)
		return false
	case status < http.StatusOK || status >= http.StatusMultipleChoices:
		l.say("%s  %d  %s", line, status, plain(string(answer), shownLimit))
		l.say("          A webhook would be tried again. Send it again with: switchhook listen --to %s --send %s", l.Target, o.ID)
		return false
	}
	l.say("%s  %d in %s", line, status, l.Now().Sub(began).Round(time.Millisecond))
	l.replies(ctx, o, answer)
	return true
}

// post makes the request of a delivery, and returns what the receiver answered.
func (l *listener) post(ctx context.Context, o *occurrence) (status int, answer []byte, err error) {
	e := o.stored()
	body, err := l.format.Body(e)
	if err != nil {
		return 0, nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.Target, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	for _, h := range l.format.Headers(webhook.Signing{
		Event: e, DeliveryID: "listen_" + o.ID, Attempt: 1, At: l.Now(), Body: body, Secrets: []string{l.Secret.Reveal()},
	}) {
		request.Header.Set(h.Name, h.Value)
	}
	response, err := l.http.Do(request)
	if err != nil {
		return 0, nil, fmt.Errorf("send event: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = io.ReadAll(io.LimitReader(response.Body, answerLimit+1))
	if err != nil {
		return 0, nil, fmt.Errorf("read answer: %w", err)
	}
	return response.StatusCode, answer, nil
}

// replies sends what the answer to a received message asks to say to the sender, or shows it.
func (l *listener) replies(ctx context.Context, o *occurrence, answer []byte) {
	if o.Event != event.MessageReceived || len(answer) > answerLimit {
		return
	}
	var data event.MessageData
	if err := json.Unmarshal(o.Data, &data); err != nil || data.From == "" {
		return
	}
	to := data.From
	if data.Chat != "" {
		to = data.Chat // what is said in a group is answered there
	}
	for i, text := range delivery.Replies(answer) {
		if !l.Reply {
			l.say("          It asks to reply %q, which is sent with --reply only.", plain(text, shownLimit))
			continue
		}
		var sent struct {
			ID string `json:"id"`
		}
		err := l.server.Do(ctx, apiclient.Request{
			Method: http.MethodPost, Path: "/v1/messages", IdempotencyKey: fmt.Sprintf("listen-%s-%d", o.ID, i),
			Body: map[string]string{"channelId": o.ChannelID, "to": to, "text": text},
		}, &sent)
		if err != nil {
			l.say("          Its reply %q could not be sent: %v", plain(text, shownLimit), err)
			return // they go out in order, each after the one before it
		}
		l.say("          Its reply %q is sent: %s", plain(text, shownLimit), sent.ID)
	}
}

// plain takes out what a terminal would obey, since texts come from other people, and shortens.
func plain(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}
