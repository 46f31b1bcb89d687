package store

import (
	"context"
	"errors"
	"time"
)

// The tests of single tables write through the group, as the product does.

// InsertEvents stores those of the events that are new, as a publisher does, and returns their ids.
func (s *Store) InsertEvents(ctx context.Context, events []*Event) (map[string]bool, error) {
	for {
		var wants EventWants
		for _, e := range events {
			wants.Events = append(wants.Events, e.Dedupe)
		}
		facts, err := s.EventFactsAny(ctx, wants, time.Now())
		if err != nil {
			return nil, err
		}
		var group EventGroup
		fresh := map[string]bool{}
		for _, e := range events {
			if !facts.Known[e.Dedupe] {
				facts.Known[e.Dedupe], fresh[e.ID] = true, true
				group.Events = append(group.Events, e)
			}
		}
		// Another one may have stored the same in between; then it is known the next time.
		if err := s.InsertEventGroupAny(ctx, group, time.Now()); !errors.Is(err, ErrExists) {
			return fresh, err
		}
	}
}

func (s *Store) InsertDeliveries(ctx context.Context, deliveries []*Delivery) error {
	return s.InsertEventGroupAny(ctx, EventGroup{Deliveries: deliveries}, time.Now())
}

func (s *Store) InsertMessages(ctx context.Context, messages []*Message) error {
	return s.InsertEventGroupAny(ctx, EventGroup{Messages: messages}, time.Now())
}

func (s *Store) InsertMedia(ctx context.Context, media []*Media) error {
	return s.InsertEventGroupAny(ctx, EventGroup{Media: media}, time.Now())
}

func (s *Store) SubscribersAny(ctx context.Context, accountIDs []string, now time.Time) ([]*Webhook, error) {
	facts, err := s.EventFactsAny(ctx, EventWants{Accounts: accountIDs}, now)
	if err != nil {
		return nil, err
	}
	return facts.Subscribers, nil
}

func (s *Store) ContactsAny(ctx context.Context, keys []ContactKey) (map[ContactKey]*Contact, error) {
	facts, err := s.EventFactsAny(ctx, EventWants{Contacts: keys}, time.Now())
	if err != nil {
		return nil, err
	}
	return facts.Contacts, nil
}

func (s *Store) recordAttempts(ctx context.Context, results []*AttemptResult) error {
	return s.RecordAttemptsAny(ctx, results, time.Now())
}

// AdvanceMessage applies a change and returns the message; ErrNotFound where it changed nothing.
func (s *Store) AdvanceMessage(ctx context.Context, change StatusChange, now time.Time) (*Message, error) {
	before, err := s.Message(ctx, change.AccountID, change.MessageID)
	if err != nil {
		return nil, err
	}
	change.From = before.Status
	err = s.InsertEventGroupAny(ctx, EventGroup{Changes: []StatusChange{change}}, now)
	if errors.Is(err, ErrOutdated) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	after, err := s.Message(ctx, change.AccountID, change.MessageID)
	if err == nil && after.Status == before.Status {
		return nil, ErrNotFound
	}
	return after, err
}
