// Package event stores what happened and who must hear of it, in one transaction, before anybody is told that it is taken.
package event

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/switchhook/switchhook/internal/group"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/store"
)

// commitTimeout bounds one group commit. A database that takes longer counts as down: the caller answers 503.
const commitTimeout = 20 * time.Second

// maxGroup is how many drafts one transaction takes.
const maxGroup = 256

// Dispatcher is who delivers in this process, if anybody does.
type Dispatcher interface {
	// Reserve asks for room for one delivery to a webhook. Where it says yes, Dispatch or Unreserve follows.
	Reserve(webhookID string) bool
	// Unreserve gives the room back: the delivery was not stored.
	Unreserve(webhookID string)
	// Dispatch takes a stored delivery that this process owns. It does not block.
	Dispatch(delivery *store.Delivery, webhook *store.Webhook, event *store.Event)
}

// Alarm wakes workers in other processes. It does not block; what it loses, the sweep finds.
type Alarm interface {
	Now(ctx context.Context, taskType string, ids []string) error
}

// Options wires a Publisher. Dispatcher may be nil in a process that only answers HTTP, and Bell where no page is told.
type Options struct {
	Store      *store.Store
	IDs        *id.Generator
	Dispatcher Dispatcher
	Alarm      Alarm
	Bell       *live.Bell
	WorkerID   string
	Logger     *slog.Logger
	Now        func() time.Time
	Parallel   int // transactions at a time; 1 for SQLite
}

// Publisher stores events.
type Publisher struct {
	Options
	group *group.Committer[*Draft]
}

// Draft is an event to publish, with what is stored together with it.
type Draft struct {
	AccountID string
	Type      string
	ChannelID string
	Dedupe    string // names what happened, unique in the account; empty: it cannot happen twice
	Data      any    // becomes the event's data

	// Message is stored with the event, and only where the event is new. Its id stands in the data already.
	Message *store.Message
	// DataFor makes the data of Message with the account's contact of its Peer, or nil where there is none. A message of
	// a blocked contact is stored and raises no event.
	DataFor func(*store.Contact) any
	// Sender is whose contact that is, where it is not the Peer of Message: a person in a group.
	Sender string
	// Media are the files of Message.
	Media []*store.Media
	// Change brings a message further. Where the message is already as far, nothing is published. Data is made by DataOf then.
	Change *store.StatusChange
	// DataOf makes the data from the message that Change has brought further.
	DataOf func(*store.Message) any

	id        string // of the event
	event     *store.Event
	fresh     bool
	blocked   bool     // its sender is a blocked contact
	peer      string   // of the message that Change has brought further
	reserved  []string // webhooks for whose delivery the dispatcher has made room
	delivered []toDeliver
}

type toDeliver struct {
	delivery *store.Delivery
	webhook  *store.Webhook
}

// dedupe is the name under which the event is unique among those of all accounts: its id where it cannot happen twice.
func (d *Draft) dedupe() string {
	if d.Dedupe == "" {
		return d.id
	}
	return d.AccountID + "/" + d.Dedupe
}

// Fresh reports, after Publish, whether the event was new.
func (d *Draft) Fresh() bool { return d.fresh }

// Event returns, after Publish, the event as it was stored, or nil where it was not new.
func (d *Draft) Event() *store.Event {
	if !d.fresh {
		return nil
	}
	return d.event
}

// New wires a Publisher. A missing part is an error that names it.
func New(o Options) (*Publisher, error) {
	switch {
	case o.Store == nil:
		return nil, errors.New("make publisher: Options.Store is missing")
	case o.IDs == nil:
		return nil, errors.New("make publisher: Options.IDs is missing")
	case o.Alarm == nil:
		return nil, errors.New("make publisher: Options.Alarm is missing")
	case o.Logger == nil || o.Now == nil || o.WorkerID == "":
		return nil, errors.New("make publisher: Options.Logger, Now or WorkerID is missing")
	}
	p := &Publisher{Options: o}
	p.group = group.New(maxGroup, max(1, o.Parallel), p.commit)
	return p, nil
}

// Close lets what waits be stored. Publish fails afterwards.
func (p *Publisher) Close() { p.group.Close() }

// Publish stores a draft with its deliveries and returns when they are on disk. Delivery begins at once, elsewhere.
// An event whose Dedupe name the account has already is left out: see Draft.Fresh.
func (p *Publisher) Publish(ctx context.Context, draft *Draft) error {
	if err := p.group.Do(ctx, draft); err != nil {
		return fmt.Errorf("store event: %w", err)
	}
	return nil
}

// PublishAll publishes several drafts in their order, in one transaction where a group holds them, and returns the first error.
func (p *Publisher) PublishAll(ctx context.Context, drafts []*Draft) error {
	if err := p.group.DoAll(ctx, drafts); err != nil {
		return fmt.Errorf("store events: %w", err)
	}
	return nil
}

// maxRaces is how often a group begins anew because another one has stored one of its events, or brought one of its messages further, in the
// meantime. News of one message loses at most once against each of its statuses.
const maxRaces = 8

// commit stores a group of drafts.
func (p *Publisher) commit(ctx context.Context, drafts []*Draft) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	var err error
	for range maxRaces {
		if err = p.commitOnce(ctx, drafts); !errors.Is(err, store.ErrExists) && !errors.Is(err, store.ErrOutdated) {
			break
		}
	}
	if err == nil {
		p.ring(drafts)
		p.handOver(ctx, drafts)
	}
	return err
}

// commitOnce stores the group or nothing of it. What it has learnt of drafts that are not stored is forgotten again.
func (p *Publisher) commitOnce(ctx context.Context, drafts []*Draft) error {
	stored := false
	defer func() {
		if !stored { // after an error, and after a panic in a draft's own code
			p.forget(drafts)
		}
	}()
	now := p.Now()
	group, err := p.prepare(ctx, drafts, now)
	if err == nil {
		err = p.Store.InsertEventGroupAny(ctx, *group, now)
	}
	stored = err == nil
	return err
}

func (p *Publisher) forget(drafts []*Draft) {
	for _, d := range drafts {
		for _, webhookID := range d.reserved {
			p.Dispatcher.Unreserve(webhookID)
		}
		d.fresh, d.reserved, d.delivered = false, nil, nil
	}
}

// prepare reads what the drafts depend on and makes the rows of those that are new.
func (p *Publisher) prepare(ctx context.Context, drafts []*Draft, now time.Time) (*store.EventGroup, error) {
	facts, err := p.Store.EventFactsAny(ctx, p.wants(drafts), now)
	if err != nil {
		return nil, err
	}
	group := &store.EventGroup{}
	for _, d := range drafts {
		d.event, d.fresh, d.blocked = nil, false, false
		if facts.Known[d.dedupe()] {
			continue
		}
		data, isNew := d.fill(facts)
		if d.blocked {
			group.Messages = append(group.Messages, d.Message)
		}
		if !isNew {
			continue
		}
		if err := p.addTo(group, d, data, facts, now); err != nil {
			return nil, err
		}
	}
	return group, nil
}

// wants lists what the drafts depend on.
func (p *Publisher) wants(drafts []*Draft) store.EventWants {
	var w store.EventWants
	for _, d := range drafts {
		if d.id == "" {
			d.id = p.IDs.New("evt") // the same in every try: one whose answer was lost may have stored it
		}
		w.Accounts = append(w.Accounts, d.AccountID)
		w.Events = append(w.Events, d.dedupe())
		if d.DataFor != nil {
			w.Contacts = append(w.Contacts, d.contactKey())
		}
		if d.Change != nil {
			w.Messages = append(w.Messages, d.Change.MessageID)
		}
	}
	return w
}

// fill makes a draft's data. The second result is false where nothing is to be told: the sender is blocked, or the message is as far already.
func (d *Draft) fill(facts *store.EventFacts) (any, bool) {
	switch {
	case d.Change != nil:
		m := facts.Messages[d.Change.MessageID]
		if m == nil || m.AccountID != d.AccountID || m.Direction != store.Outbound || m.Status.Rank() >= d.Change.Status.Rank() {
			return nil, false
		}
		next := d.Change.Apply(m)
		facts.Messages[m.ID] = next // a later draft of the same group goes on from here
		d.Change.From = m.Status
		d.ChannelID, d.peer = next.ChannelID, next.Peer
		return d.DataOf(next), true
	case d.DataFor != nil:
		contact := facts.Contacts[d.contactKey()]
		d.blocked = contact != nil && contact.IsBlocked
		return d.DataFor(contact), !d.blocked
	}
	return d.Data, true
}

// contactKey names the contact of who wrote the draft's message.
func (d *Draft) contactKey() store.ContactKey {
	sender := d.Sender
	if sender == "" {
		sender = d.Message.Peer
	}
	return store.ContactKey{AccountID: d.AccountID, PhoneNumber: sender}
}

// addTo adds the rows of a new event to the group: itself, what came with it, and one delivery for each webhook that takes it.
func (p *Publisher) addTo(group *store.EventGroup, d *Draft, data any, facts *store.EventFacts, now time.Time) error {
	raw, err := Marshal(data)
	if err != nil {
		return fmt.Errorf("encode event data: %w", err)
	}
	if d.Change != nil && d.Dedupe != "" {
		// An id drawn after the message was read sorts behind those of all statuses that it has had. The name keeps a repeat out.
		d.id = p.IDs.New("evt")
	}
	d.event = &store.Event{
		ID: d.id, AccountID: d.AccountID, Type: d.Type, ChannelID: d.ChannelID, Dedupe: d.dedupe(), Data: raw, CreatedAt: now,
	}
	d.fresh = true
	facts.Known[d.event.Dedupe] = true // the same again in this group is a repeat
	group.Events = append(group.Events, d.event)
	if d.Message != nil {
		group.Messages = append(group.Messages, d.Message)
	}
	group.Media = append(group.Media, d.Media...)
	if d.Change != nil {
		group.Changes = append(group.Changes, *d.Change)
	}
	for _, w := range facts.Subscribers {
		if w.AccountID == d.AccountID && w.Takes(d.Type, d.ChannelID) {
			delivery := p.newDelivery(d, w, now)
			d.delivered = append(d.delivered, toDeliver{delivery, w})
			group.Deliveries = append(group.Deliveries, delivery)
		}
	}
	return nil
}

// newDelivery makes the delivery of an event to a webhook. Where the dispatcher has room, this process owns it from the start, and
// nobody has to look for it.
func (p *Publisher) newDelivery(d *Draft, w *store.Webhook, now time.Time) *store.Delivery {
	delivery := &store.Delivery{
		ID: p.IDs.New("dlv"), AccountID: d.AccountID, EventID: d.event.ID, WebhookID: w.ID,
		Status: store.DeliveryPending, DueAt: now, CreatedAt: now, UpdatedAt: now,
	}
	switch {
	case w.Status == store.WebhookPaused:
		delivery.Status, delivery.Reason = store.DeliveryHeld, store.HeldByPause
	case w.Status != store.WebhookActive:
		delivery.Status, delivery.Reason = store.DeliveryHeld, store.HeldByDisable
	case p.Dispatcher != nil && p.Dispatcher.Reserve(w.ID):
		delivery.Owner = p.WorkerID
		d.reserved = append(d.reserved, w.ID)
	}
	return delivery
}

// handOver starts the deliveries of a group that is on disk. What is nobody's waits for a sweep; only a process that
// does not deliver itself wakes the others, because here the sweep comes as soon as there is room.
func (p *Publisher) handOver(ctx context.Context, drafts []*Draft) {
	var wake []string
	for _, d := range drafts {
		for _, t := range d.delivered {
			switch {
			case t.delivery.Owner != "":
				p.Dispatcher.Dispatch(t.delivery, t.webhook, d.event)
			case t.delivery.Status == store.DeliveryPending && p.Dispatcher == nil:
				wake = append(wake, t.delivery.ID)
			}
		}
	}
	if len(wake) > 0 {
		_ = p.Alarm.Now(ctx, "deliver", wake) // what it loses, the sweep finds
	}
}

// Time writes a time as event data has it: RFC 3339 in UTC with milliseconds.
func Time(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }
