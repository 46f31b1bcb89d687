//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/switchhook/switchhook/integrations/samples"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/store"
)

// What the account has stored.
const (
	storedDeliveries = 100_000 // and as many events, messages and a few more attempts
	storedWebhooks   = 20
	storedPeers      = 5000
	storedPosts      = 5000
	storedFor        = 7 * 24 * time.Hour
	storedAtOnce     = 500

	// One delivery among so many has failed, one is still to be tried, and one event among so many is of the rare kind. One message among
	// busyPeer is of the same person.
	failedOne, openOne, rareOne, busyPeer = 50, 500, 3000, 10
)

// stored names what is in the database.
type stored struct {
	account, channel, blog string
	webhooks               []string
	busy                   string // the peer with the most messages
	failed                 string // a delivery with several attempts
	delivered              string
	middle                 string // a delivery in the middle of all
	contact                int64
	since                  time.Time // when the first group of deliveries was made
}

// filler stores what the dashboard shows.
type filler struct {
	stored
	store *store.Store
	now   time.Time
	at    time.Time // of the row that is being made
	ids   *id.Generator
	data  map[string][]byte // of events, by type
}

func quietLogger() *slog.Logger { return slog.New(slog.DiscardHandler) }

// newFiller finds out what the rows have to name, and makes a channel for posts.
func newFiller(ctx context.Context, s *store.Store, a *api, channelID, receiverURL string) (*filler, error) {
	f := &filler{store: s, now: time.Now().UTC(), data: map[string][]byte{}}
	f.channel, f.busy = channelID, peer(0)
	f.ids = id.NewGenerator(func() time.Time { return f.at })
	var me struct{ Account struct{ ID string } }
	if err := a.call(ctx, http.MethodGet, "/v1/me", nil, &me); err != nil {
		return nil, err
	}
	f.account = me.Account.ID
	var hooks struct{ Data []struct{ ID string } }
	if err := a.call(ctx, http.MethodGet, "/v1/webhooks?limit=100", nil, &hooks); err != nil {
		return nil, err
	}
	for _, one := range hooks.Data {
		f.webhooks = append(f.webhooks, one.ID)
	}
	host, err := url.Parse(receiverURL)
	if err != nil {
		return nil, fmt.Errorf("read the receiver's address: %w", err)
	}
	blog := map[string]any{"connector": "mastodon", "name": "Blog", "config": map[string]string{"instanceUrl": "http://" + host.Host, "username": "bench", "accessToken": "token"}}
	var channel struct{ ID string }
	if err := a.call(ctx, http.MethodPost, "/v1/channels", blog, &channel); err != nil {
		return nil, err
	}
	f.blog = channel.ID
	for _, kind := range []string{event.MessageReceived, event.MessageStatus, event.WebhookDisabled} {
		sample, known := samples.Sample(kind)
		var body struct{ Data json.RawMessage }
		if err := json.Unmarshal(sample, &body); err != nil || !known {
			return nil, errors.Join(errors.New("there is no sample of "+kind), err)
		}
		f.data[kind] = body.Data
	}
	return f, nil
}

func peer(i int) string { return fmt.Sprintf("1555%07d", i) }

func (f *filler) fill(ctx context.Context) error {
	for from := 0; from < storedDeliveries; from += storedAtOnce {
		if err := f.group(ctx, from); err != nil {
			return err
		}
	}
	if err := f.contacts(ctx); err != nil {
		return err
	}
	return f.posts(ctx)
}

// group stores some deliveries with all that belongs to them, as it was at their time.
func (f *filler) group(ctx context.Context, from int) error {
	var group store.EventGroup
	var results []*store.AttemptResult
	for i := from; i < from+storedAtOnce; i++ {
		f.at = f.now.Add(-storedFor + time.Duration(i)*storedFor/storedDeliveries)
		e, m := f.event(i), f.message(i)
		d := &store.Delivery{
			ID: f.ids.New("dlv"), AccountID: f.account, EventID: e.ID, WebhookID: f.webhooks[i%len(f.webhooks)], Status: store.DeliveryDelivered,
			Attempts: 1, Tries: 1, DueAt: f.at, CreatedAt: f.at, UpdatedAt: f.at,
		}
		switch {
		case i%failedOne == 1:
			d.Status, d.Attempts, d.Reason = store.DeliveryFailed, 3, "The receiver answered 500."
			f.failed = d.ID
		case i%openOne == 2:
			d.Status, d.DueAt, d.Reason = store.DeliveryPending, f.now.Add(12*time.Hour), "The receiver answered 500."
		default:
			f.delivered = d.ID
		}
		if i == storedDeliveries/2 {
			f.middle = d.ID
		}
		group.Events, group.Messages, group.Deliveries = append(group.Events, e), append(group.Messages, m), append(group.Deliveries, d)
		results = append(results, f.attempts(d)...)
	}
	if from == 0 {
		f.since = f.at
	}
	if err := f.store.InsertEventGroupAny(ctx, group, f.at); err != nil {
		return fmt.Errorf("store events: %w", err)
	}
	// No worker has the deliveries, so that this stores the attempts and counts them, and no more.
	if err := f.store.RecordAttemptsAny(ctx, results, f.at); err != nil {
		return fmt.Errorf("store attempts: %w", err)
	}
	return nil
}

func (f *filler) event(i int) *store.Event {
	kind := event.MessageReceived
	switch {
	case i%rareOne == 0 && i < storedDeliveries/2:
		kind = event.WebhookDisabled
	case i%5 == 0:
		kind = event.MessageStatus
	}
	return &store.Event{ID: f.ids.New("evt"), AccountID: f.account, Type: kind, ChannelID: f.channel, Dedupe: "bench/" + strconv.Itoa(i), Data: f.data[kind], CreatedAt: f.at}
}

func (f *filler) message(i int) *store.Message {
	m := &store.Message{
		ID: f.ids.New("msg"), AccountID: f.account, ChannelID: f.channel, Direction: store.Inbound, Peer: peer(i % storedPeers), PeerName: "Person " + strconv.Itoa(i%storedPeers),
		Type: "text", Text: "Message " + strconv.Itoa(i) + ": when will the parcel be here?", ProviderID: "bench-" + strconv.Itoa(i), Status: store.MessageReceived,
		CreatedAt: f.at, UpdatedAt: f.at,
	}
	if i%busyPeer == 0 {
		m.Peer, m.PeerName = f.busy, "Person 0"
	}
	if i%3 == 0 {
		m.Direction, m.Status = store.Outbound, store.MessageDelivered
		if i%failedOne == 0 {
			m.Status, m.ErrorCode, m.ErrorMessage = store.MessageFailed, "rejected", "The network refused the message."
		}
	}
	return m
}

// attempts are those that a delivery has made.
func (f *filler) attempts(d *store.Delivery) []*store.AttemptResult {
	var all []*store.AttemptResult
	for n := int64(1); n <= d.Attempts; n++ {
		a := store.Attempt{
			DeliveryID: d.ID, Number: n, StartedAt: d.CreatedAt, Duration: 12 * time.Millisecond, URL: "https://example.com/hooks/bench", Format: "switchhook",
			RequestHeaders: `{"Content-Type":"application/json","User-Agent":"Switchhook","X-Switchhook-Event":"message.received"}`,
			StatusCode:     http.StatusOK, ResponseType: "application/json", ResponseBody: "{}",
		}
		after := *d
		if d.Status != store.DeliveryDelivered {
			a.StatusCode, a.ResponseBody = http.StatusInternalServerError, `{"error":"database is down"}`
			if n < d.Attempts {
				after.Status = store.DeliveryPending
			}
		}
		all = append(all, &store.AttemptResult{Attempt: a, Delivery: &after, Worker: "bench"})
	}
	return all
}

func (f *filler) contacts(ctx context.Context) error {
	err := f.store.InTransaction(ctx, func(ctx context.Context) error {
		for i := range storedPeers {
			c := &store.Contact{AccountID: f.account, Name: "Person " + strconv.Itoa(i), PhoneNumber: peer(i), PhoneNumberCC: "1", ExtraFields: "{}", CreatedAt: f.now, UpdatedAt: f.now}
			if err := f.store.InsertContact(ctx, c); err != nil {
				return err
			}
			f.contact = c.ID
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store contacts: %w", err)
	}
	return nil
}

// posts stores those of the present month, published and to be published.
func (f *filler) posts(ctx context.Context) error {
	month := time.Date(f.now.Year(), f.now.Month(), 1, 0, 0, 0, 0, time.UTC)
	step := month.AddDate(0, 1, 0).Sub(month) / storedPosts
	f.at = f.now
	err := f.store.InTransaction(ctx, func(ctx context.Context) error {
		for i := range storedPosts {
			at := month.Add(time.Duration(i) * step)
			p := &store.Post{ID: f.ids.New("post"), AccountID: f.account, Status: store.PostScheduled, Title: "Post " + strconv.Itoa(i), Body: "News of the day, and what to do about it.", PublishAt: at, Origin: "api", CreatedAt: month, UpdatedAt: month}
			t := &store.Target{ID: f.ids.New("tgt"), PostID: p.ID, AccountID: f.account, ChannelID: f.blog, Status: store.PostScheduled, DueAt: at, CreatedAt: month, UpdatedAt: month}
			if at.Before(f.now.Add(time.Hour)) {
				p.Status, t.Status, t.PublishedAt, t.URL = store.PostPublished, store.PostPublished, at, "https://example.com/"+strconv.Itoa(i)
			}
			if err := f.store.InsertPost(ctx, p, []*store.Target{t}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store posts: %w", err)
	}
	return nil
}
