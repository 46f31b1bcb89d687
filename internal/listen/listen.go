// Package listen is what the command "switchhook listen" does: it asks a server that runs for what happens, and sends each event to a
// program on this machine as a webhook would. The server need not reach this machine, and has no webhook for it.
package listen

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/switchhook/switchhook/internal/apiclient"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/webhook"
)

// overlap is how far behind the newest known event the server is asked again: an event of another process may become visible after
// one that is younger by its clock.
const overlap = time.Minute

// ErrOptions marks options that cannot be used; the error that wraps it says which, and what to give.
var ErrOptions = errors.New("the options cannot be used")

// Options says what is listened to and where it goes. What has no remark is required.
type Options struct {
	URL      string           // of the server, such as "http://localhost:8080"
	Key      secret.String    // an API key
	Target   string           // where events are sent, such as "http://localhost:3000/hook"
	Secret   secret.String    // what they are signed with: whsec_… as a webhook shows it
	Format   string           // of the bodies, one of webhook.Formats
	Events   []string         // optional: of these types only
	Channels []string         // optional: of these channels only
	Reply    bool             // whether the replies in answers are sent to the sender, as the server would
	Out      io.Writer        // where the user reads
	Every    time.Duration    // how often the server is asked for news
	Now      func() time.Time // the clock of signatures
}

// listener is a command that runs.
type listener struct {
	Options
	server *apiclient.Client
	format webhook.Format
	http   *http.Client
	seen   map[string]time.Time // the events that are done, with their times
	newest time.Time            // the time of the youngest event, by the server's clock
	silent bool                 // whether the user knows that the server does not answer
}

func newListener(o Options) (*listener, error) {
	for name, missing := range map[string]bool{
		"URL": o.URL == "", "Key": o.Key == "", "Secret": o.Secret == "", "Out": o.Out == nil, "Every": o.Every <= 0, "Now": o.Now == nil,
	} {
		if missing {
			return nil, fmt.Errorf("make listener: Options.%s is missing", name)
		}
	}
	target, err := url.Parse(o.Target)
	if err != nil || (target.Scheme != "http" && target.Scheme != "https") || target.Host == "" {
		return nil, fmt.Errorf("%w: %q is no address to send events to; give one such as http://localhost:3000/hook", ErrOptions, o.Target)
	}
	format, known := webhook.Formats()[o.Format]
	if !known {
		return nil, fmt.Errorf("%w: there is no format %q; the formats are switchhook, whathooks, socialsyncer and sociocs", ErrOptions, o.Format)
	}
	for _, wanted := range o.Events {
		if !event.Known(wanted) {
			return nil, fmt.Errorf("%w: there is no event %q; the events are %s", ErrOptions, wanted, strings.Join(eventNames(), ", "))
		}
	}
	if _, err := secret.WebhookKeyBytes(o.Secret); err != nil {
		return nil, fmt.Errorf("%w: the secret is not one of a webhook, which begins with whsec_: %w", ErrOptions, err)
	}
	server, err := apiclient.New(o.URL, o.Key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // a delivery follows no redirect
	return &listener{
		Options: o, server: server, format: format, seen: map[string]time.Time{},
		http: &http.Client{Timeout: answerTimeout, CheckRedirect: stay},
	}, nil
}

func eventNames() []string {
	var names []string
	for _, one := range event.Types() {
		names = append(names, one.Event)
	}
	return names
}

// Listen sends what happens from now on to the target, in the order in which it happened, until the context ends, which is no error. A
// target that fails is told of and not tried again. A server that is gone for a while is waited for. The error is a *apiclient.RefusalError where
// the server refuses.
func Listen(ctx context.Context, o Options) error {
	l, err := newListener(o)
	if err != nil {
		return err
	}
	if err := l.begin(ctx); err != nil {
		return err
	}
	l.say("Listening. Events of %s go to %s, signed with %s", l.server.URL(), l.Target, l.Secret.Reveal())
	tick := time.NewTicker(l.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		news, err := l.news(ctx)
		if err := l.judge(ctx, err); err != nil {
			return err
		}
		for _, e := range news {
			l.forward(ctx, e)
		}
	}
}

// Send sends one event to the target and ends: one that has happened ("evt_…"), or the sample of a type ("message.received"). It is an error
// if the target does not take it.
func Send(ctx context.Context, o Options, which string) error {
	l, err := newListener(o)
	if err != nil {
		return err
	}
	path := "/v1/events/" + url.PathEscape(which)
	if event.Known(which) {
		path = "/v1/events/samples/" + url.PathEscape(which)
		l.Reply = false // the person of a sample is nobody
	}
	var e occurrence
	if err := l.server.Do(ctx, apiclient.Request{Method: http.MethodGet, Path: path}, &e); err != nil {
		return err
	}
	l.say("%s goes to %s, signed with %s", which, l.Target, l.Secret.Reveal())
	if !l.forward(ctx, &e) {
		return fmt.Errorf("%s was not taken", which)
	}
	return nil
}

// occurrence is an event as the server lists it.
type occurrence struct {
	ID        string          `json:"id"`
	Event     string          `json:"event"`
	ChannelID string          `json:"channelId"`
	Data      json.RawMessage `json:"data"`
	Timestamp time.Time       `json:"timestamp"`
}

func (o *occurrence) stored() *store.Event {
	return &store.Event{ID: o.ID, Type: o.Event, ChannelID: o.ChannelID, Data: o.Data, CreatedAt: o.Timestamp}
}

// begin finds where the present is: what there is already counts as done.
func (l *listener) begin(ctx context.Context) error {
	var last struct {
		Data []*occurrence `json:"data"`
	}
	if err := l.server.Do(ctx, apiclient.Request{Method: http.MethodGet, Path: "/v1/events?limit=1"}, &last); err != nil {
		return err
	}
	if len(last.Data) == 0 {
		return nil
	}
	l.newest = last.Data[0].Timestamp
	_, err := l.news(ctx)
	return err
}

// news returns the events that are not done yet and are wanted, the oldest first, and counts them as done.
func (l *listener) news(ctx context.Context) ([]*occurrence, error) {
	query := url.Values{"limit": {"100"}}
	if !l.newest.IsZero() {
		query.Set("since", l.newest.Add(-overlap).UTC().Format(webhook.Millis))
	}
	var fresh []*occurrence
	for {
		var page struct {
			Data       []*occurrence `json:"data"`
			NextCursor string        `json:"nextCursor"`
		}
		if err := l.server.Do(ctx, apiclient.Request{Method: http.MethodGet, Path: "/v1/events?" + query.Encode()}, &page); err != nil {
			return nil, err // nothing is done yet: the next look finds the same
		}
		for _, e := range page.Data {
			if _, done := l.seen[e.ID]; !done {
				fresh = append(fresh, e)
			}
		}
		if page.NextCursor == "" {
			break
		}
		query.Set("cursor", page.NextCursor)
	}
	return l.take(fresh), nil
}

// take counts events as done, forgets those that will not be listed again, and returns the wanted ones.
func (l *listener) take(fresh []*occurrence) []*occurrence {
	for _, e := range fresh {
		l.seen[e.ID] = e.Timestamp
		if e.Timestamp.After(l.newest) {
			l.newest = e.Timestamp
		}
	}
	for id, at := range l.seen {
		if at.Before(l.newest.Add(-2 * overlap)) {
			delete(l.seen, id)
		}
	}
	slices.Reverse(fresh)
	return slices.DeleteFunc(fresh, func(e *occurrence) bool { return !l.wanted(e) })
}

func (l *listener) wanted(e *occurrence) bool {
	return (len(l.Events) == 0 || slices.Contains(l.Events, e.Event)) &&
		(len(l.Channels) == 0 || slices.Contains(l.Channels, e.ChannelID)) &&
		(l.format.Events == nil || slices.Contains(l.format.Events, e.Event))
}

// judge tells the user of a server that does not answer, once, and returns what cannot pass.
func (l *listener) judge(ctx context.Context, err error) error {
	var refused *apiclient.RefusalError
	switch {
	case err == nil:
		if l.silent {
			l.say("The server answers again.")
		}
		l.silent = false
		return nil
	case ctx.Err() != nil:
		return nil // the user has stopped it
	case errors.As(err, &refused) && !refused.Passing():
		return err
	case !l.silent:
		l.say("The server does not answer (%v). Trying again; nothing is missed.", err)
	}
	l.silent = true
	return nil
}

// say writes a line to the user.
func (l *listener) say(format string, args ...any) {
	_, _ = fmt.Fprintf(l.Out, format+"\n", args...) // who does not read does not need it
}
