package store

import (
	"context"
	"time"

	"go.mau.fi/util/dbutil"
)

// Session is the part of a channel that only linked devices have. Status, Reason, Step and Restriction are in the words of
// package connectors; the store does not interpret them.
type Session struct {
	ID, AccountID string // of the channel
	Device        string // the network's name of the linked device; empty while none is linked
	Linking       bool   // the user wants a link, and none is made yet
	Status        string
	Reason        string // why, for programs; empty while there is nothing to say
	Message       string // why, as a sentence
	Retry         bool   // the device comes back by itself
	Until         time.Time
	StatusAt      time.Time // when Status or Reason became what they are
	Step          string    // JSON of what the user has to do next, or empty
	Restriction   string    // JSON of what the network allows the device less than others, or empty
	Phone         string    // digits; stays after an unlinking, until another device is linked
	LID           string
	PushName      string
	Version       int64  // grows when the user wants a new link
	Owner         string // the worker that holds the connection, or empty. It may be dead
	Lease         int64  // grows with each change of owner
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

const (
	sessionColumns = `id, account_id, device, linking, status, reason, message, retry, until, status_at, step, restriction, phone, lid, push_name,
		version, COALESCE(owner, ''), lease, created_at, updated_at`
	insertSessionQuery = `INSERT INTO sessions (id, account_id, linking, status, retry, status_at, version, created_at, updated_at)
		VALUES ($1,$2,$3,$4,$5,$6,1,$7,$7)`
	selectSession   = `SELECT ` + sessionColumns + ` FROM sessions `
	getSessionQuery = selectSession + `WHERE account_id = $1 AND id = $2`
	sessionAnyQuery = selectSession + `WHERE id = $1`
	startLinkQuery  = `UPDATE sessions SET linking = TRUE, status = $3, reason = '', message = '', retry = FALSE, until = 0, status_at = $4, step = '',
		restriction = '', version = version + 1, updated_at = $4 WHERE account_id = $1 AND id = $2 AND version = $5 AND device = '' AND NOT linking`
	reconnectQuery = `UPDATE sessions SET status = $3, reason = '', message = '', until = 0, status_at = $4, version = version + 1, updated_at = $4
		WHERE account_id = $1 AND id = $2 AND version = $5 AND device <> '' AND NOT retry`
	// A save by somebody who is not the owner any more, or who is at an earlier link, changes nothing.
	saveSessionQuery = `UPDATE sessions SET device = $4, linking = $5, status = $6, reason = $7, message = $8, retry = $9, until = $10, status_at = $11,
		step = $12, restriction = $13, phone = $14, lid = $15, push_name = $16, updated_at = $17 WHERE id = $1 AND owner = $2 AND version = $3`
	pairChannelQuery = `UPDATE channels SET address = $2, channel_key = $3, updated_at = $4 WHERE id = $1`

	// wanted is true of a session s, with its channel c, that a process should hold.
	wanted             = `((s.device <> '' OR s.linking) AND c.status <> 'disabled')`
	freeSessionsQuery  = `SELECT s.id, s.lease FROM sessions s JOIN channels c ON c.id = s.id WHERE ` + unowned + ` AND ` + wanted + ` ORDER BY s.id LIMIT $2`
	freeSessionQuery   = `SELECT id, lease FROM sessions WHERE id = $2 AND ` + unowned
	ownSessionsQuery   = `SELECT s.id, s.version, c.version, ` + wanted + `, c.status FROM sessions s JOIN channels c ON c.id = s.id WHERE s.owner = $1`
	confirmLeasesQuery = `UPDATE sessions SET lease = lease + 1 WHERE owner = $1 RETURNING id`
	releaseQuery       = `UPDATE sessions SET owner = NULL, lease = lease + 1 WHERE id = $1 AND owner = $2`
)

func scanSession(row dbutil.Scannable) (*Session, error) {
	var s Session
	var until, statusAt, created, updated int64
	err := row.Scan(&s.ID, &s.AccountID, &s.Device, &s.Linking, &s.Status, &s.Reason, &s.Message, &s.Retry, &until, &statusAt, &s.Step,
		&s.Restriction, &s.Phone, &s.LID, &s.PushName, &s.Version, &s.Owner, &s.Lease, &created, &updated)
	if err != nil {
		return nil, notFound(err)
	}
	s.Until, s.StatusAt, s.CreatedAt, s.UpdatedAt = FromMillis(until), FromMillis(statusAt), FromMillis(created), FromMillis(updated)
	return &s, nil
}

// InsertSession stores the session of a channel that was inserted in the same transaction. Device and what follows from a link are not stored.
func (s *Store) InsertSession(ctx context.Context, session *Session) error {
	session.Version = 1
	_, err := s.db.Exec(ctx, insertSessionQuery, session.ID, session.AccountID, session.Linking, session.Status, session.Retry,
		Millis(session.StatusAt), Millis(session.CreatedAt))
	return exists(err)
}

// Session returns one session of an account.
func (s *Store) Session(ctx context.Context, accountID, id string) (*Session, error) {
	return scanSession(s.reader(ctx).QueryRowContext(ctx, getSessionQuery, accountID, id))
}

// SessionAny returns a session whatever its account; it serves the process that owns it.
func (s *Store) SessionAny(ctx context.Context, id string) (*Session, error) {
	return scanSession(s.reader(ctx).QueryRowContext(ctx, sessionAnyQuery, id))
}

// Sessions lists an account's sessions. A page's Search looks in the names that their owner and their network have given them, and in numbers.
func (s *Store) Sessions(ctx context.Context, accountID string, page Page) ([]*Session, error) {
	where := newWhere("account_id", accountID)
	where.contains(page.Search, "(SELECT c.name FROM channels c WHERE c.id = sessions.id)", "phone", "push_name")
	query, args := where.page(page)
	return queryAll(ctx, s.reader(ctx), scanSession, selectSession+query, args...)
}

// StartLink notes that the user wants a new link of a session that was read as version, and gives it a status. It is ErrNotFound where the session
// is linked, is being linked, or has been changed since.
func (s *Store) StartLink(ctx context.Context, accountID, id string, version int64, status string, now time.Time) error {
	return oneChanged(s.db.Exec(ctx, startLinkQuery, accountID, id, status, Millis(now), version))
}

// Reconnect notes that the user wants a linked session that was read as version to connect again, and gives it a status. It is ErrNotFound where the
// session does so by itself, is not linked, or has been changed since.
func (s *Store) Reconnect(ctx context.Context, accountID, id string, version int64, status string, now time.Time) error {
	return oneChanged(s.db.Exec(ctx, reconnectQuery, accountID, id, status, Millis(now), version))
}

// SaveSessionAny stores what a worker knows of a session that it owns. It is ErrNotFound where the worker is not the owner any more, or the
// user has begun a new link since the session was read.
func (s *Store) SaveSessionAny(ctx context.Context, worker string, session *Session, now time.Time) error {
	return oneChanged(s.db.Exec(ctx, saveSessionQuery, session.ID, worker, session.Version, session.Device, session.Linking, session.Status,
		session.Reason, session.Message, session.Retry, Millis(session.Until), Millis(session.StatusAt), session.Step, session.Restriction,
		session.Phone, session.LID, session.PushName, Millis(now)))
}

// PairSessionAny is SaveSessionAny of a session that has just been linked, together with its channel's new address and key. Where another
// channel of the account has the key, it is ErrExists and nothing is stored. The channel's version stays.
func (s *Store) PairSessionAny(ctx context.Context, worker string, session *Session, address, channelKey string, now time.Time) error {
	return s.InTransaction(ctx, func(ctx context.Context) error {
		if err := s.SaveSessionAny(ctx, worker, session, now); err != nil {
			return err
		}
		return exists(oneChanged(s.db.Exec(ctx, pairChannelQuery, session.ID, address, channelKey, Millis(now))))
	})
}
