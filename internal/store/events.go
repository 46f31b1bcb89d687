package store

import (
	"context"
	"time"

	"go.mau.fi/util/dbutil"
)

// Event is something that happened. Data is the JSON object that the event's schema describes.
type Event struct {
	ID, AccountID string
	Type          string
	ChannelID     string // empty: it concerns the whole account
	Dedupe        string // names what happened; the same name again is the same event
	Data          []byte
	CreatedAt     time.Time
}

const (
	eventColumns  = `id, account_id, type, channel_id, dedupe, data, created_at`
	selectEvent   = `SELECT ` + eventColumns + ` FROM events `
	getEventQuery = selectEvent + `WHERE account_id = $1 AND id = $2`
	eventWidth    = 7
	// The type that most events have, and the condition of the index of all others, word for word.
	commonEvent    = "message.received"
	uncommonEvents = `type <> '` + commonEvent + `'`
)

func scanEvent(row dbutil.Scannable) (*Event, error) {
	var e Event
	var created int64
	if err := row.Scan(&e.ID, &e.AccountID, &e.Type, &e.ChannelID, &e.Dedupe, &e.Data, &created); err != nil {
		return nil, notFound(err)
	}
	e.CreatedAt = FromMillis(created)
	return &e, nil
}

// Event returns one event of an account.
func (s *Store) Event(ctx context.Context, accountID, id string) (*Event, error) {
	return scanEvent(s.reader(ctx).QueryRowContext(ctx, getEventQuery, accountID, id))
}

// EventFilter narrows a list of events. Empty fields do not.
type EventFilter struct {
	Type, ChannelID string
	Since, Until    time.Time // from Since on, and before Until
}

// Events lists an account's events.
func (s *Store) Events(ctx context.Context, accountID string, filter EventFilter, page Page) ([]*Event, error) {
	where := newWhere("account_id", accountID)
	if filter.Type != "" && filter.Type != commonEvent {
		where.conditions = append(where.conditions, uncommonEvents)
	}
	where.equal("type", filter.Type)
	where.equal("channel_id", filter.ChannelID)
	where.during("evt", filter.Since, filter.Until)
	query, args := where.page(page)
	return queryAll(ctx, s.reader(ctx), scanEvent, selectEvent+query, args...)
}

// EventsAny returns events by id, whatever their account; it serves the workers.
func (s *Store) EventsAny(ctx context.Context, ids []string) (map[string]*Event, error) {
	found := map[string]*Event{}
	err := chunks(ids, func(ids []string) error {
		list, args := inList(0, ids)
		events, err := queryAll(ctx, s.reader(ctx), scanEvent, selectEvent+`WHERE id IN (`+list+`)`, args...)
		for _, e := range events {
			found[e.ID] = e
		}
		return err
	})
	return found, err
}
