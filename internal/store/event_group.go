package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.mau.fi/util/dbutil"
)

// ContactKey names a contact by who it is.
type ContactKey struct{ AccountID, PhoneNumber string }

// EventWants is what a group of events must know before it is stored.
type EventWants struct {
	Accounts []string // whose webhooks are asked for
	Events   []string // dedupe names
	Contacts []ContactKey
	Messages []string // ids
}

// EventFacts answers EventWants.
type EventFacts struct {
	Known       map[string]bool // dedupe names of events that are stored already
	Contacts    map[ContactKey]*Contact
	Messages    map[string]*Message
	Subscribers []*Webhook // of the events' accounts; see Webhook.Takes
}

// EventFactsAny reads, in one exchange with the database, what storing a group of events of any accounts depends on.
func (s *Store) EventFactsAny(ctx context.Context, wants EventWants, now time.Time) (*EventFacts, error) {
	facts := &EventFacts{Known: map[string]bool{}, Contacts: map[ContactKey]*Contact{}, Messages: map[string]*Message{}}
	b := &batch{}
	if err := chunks(unique(wants.Accounts), func(ids []string) error {
		list, args := inList(1, ids)
		queryInto(b, scanWebhook, func(w *Webhook) { facts.Subscribers = append(facts.Subscribers, w) },
			selectWebhook+`WHERE status IN ('active', 'paused', 'disabled') AND (expires_at = 0 OR expires_at > $1) AND account_id IN (`+list+`)`,
			append([]any{Millis(now)}, args...)...)
		return nil
	}); err != nil {
		return nil, err
	}
	if err := chunks(wants.Events, func(names []string) error {
		list, args := inList(0, names)
		queryInto(b, scanText, func(name string) { facts.Known[name] = true }, `SELECT dedupe FROM events WHERE dedupe IN (`+list+`)`, args...)
		return nil
	}); err != nil {
		return nil, err
	}
	if err := wantContacts(b, wants.Contacts, facts.Contacts); err != nil {
		return nil, err
	}
	err := chunks(wants.Messages, func(ids []string) error {
		list, args := inList(0, ids)
		queryInto(b, scanMessage, func(m *Message) { facts.Messages[m.ID] = m }, selectMessage+`WHERE id IN (`+list+`)`, args...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return facts, s.ask(ctx, b)
}

func scanText(row dbutil.Scannable) (string, error) {
	var text string
	return text, row.Scan(&text)
}

func unique(values []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}

// wantContacts adds the queries for contacts. The lists are matched apart in SQL and together here.
func wantContacts(b *batch, keys []ContactKey, found map[ContactKey]*Contact) error {
	wanted := make(map[ContactKey]bool, len(keys))
	accounts, phones := map[string]bool{}, map[string]bool{}
	for _, key := range keys {
		wanted[key], accounts[key.AccountID], phones[key.PhoneNumber] = true, true, true
	}
	return chunks(setOf(accounts), func(accounts []string) error {
		return eachPair(accounts, setOf(phones), func(accounts, phones string, args []any) {
			queryInto(b, scanContact, func(c *Contact) {
				if key := (ContactKey{c.AccountID, c.PhoneNumber}); wanted[key] {
					found[key] = c
				}
			}, selectContact+`WHERE account_id IN (`+accounts+`) AND phone_number IN (`+phones+`)`, args...)
		})
	})
}

// eachPair calls fn with the IN lists of all of first and of a part of second, and their values.
func eachPair(first, second []string, fn func(firstList, secondList string, args []any)) error {
	firstList, firstArgs := inList(0, first)
	return chunks(second, func(part []string) error {
		list, args := inList(len(firstArgs), part)
		fn(firstList, list, append(slices.Clone(firstArgs), args...))
		return nil
	})
}

// EventGroup is what is stored together with events.
type EventGroup struct {
	Events     []*Event
	Messages   []*Message
	Media      []*Media
	Deliveries []*Delivery
	Changes    []StatusChange // of messages
}

// InsertEventGroupAny stores a group of events of any accounts and all that belongs to it, or nothing of it, in one exchange
// with the database. An event that is there already is ErrExists, and a change of a message that has another status than StatusChange.From,
// or would go back, is ErrOutdated. A change of a message that there is not changes nothing.
func (s *Store) InsertEventGroupAny(ctx context.Context, g EventGroup, now time.Time) error {
	b := &batch{}
	for _, change := range g.Changes {
		b.add(advanceQuery, advanceArgs(change, now)...)
	}
	// All transactions insert in the same order, so that two with the same repeats wait for each other and do not lock up.
	slices.SortStableFunc(g.Events, func(x, y *Event) int {
		return strings.Compare(x.Dedupe, y.Dedupe)
	})
	args := make([]any, 0, len(g.Events)*eventWidth)
	for _, e := range g.Events {
		args = append(args, e.ID, e.AccountID, e.Type, e.ChannelID, e.Dedupe, string(e.Data), Millis(e.CreatedAt))
	}
	b.insert(`INSERT INTO events (`+eventColumns+`)`, "", eventWidth, args)
	count := tally{}
	addMessages(b, g.Messages, count)
	b.insert(`INSERT INTO media (`+mediaColumns+`)`, "", mediaWidth, mediaArgs(g.Media))
	b.insert(`INSERT INTO deliveries (`+deliveryColumns+`)`, "", deliveryWidth, deliveryArgs(g.Deliveries))
	s.addTally(b, count, now)
	return outdated(exists(s.send(ctx, b)))
}

func setOf(set map[string]bool) []string {
	values := make([]string, 0, len(set))
	for value := range set {
		values = append(values, value)
	}
	return values
}
