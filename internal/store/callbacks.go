package store

import (
	"context"
	"time"

	"go.mau.fi/util/dbutil"
)

// CallbacksKept is how many callbacks of a channel are kept: so many that were taken, and as many that were refused. What anybody can forge
// pushes out nothing that the provider has sent.
const CallbacksKept = 25

// How Callback.Body is written.
const (
	BodyText   = ""
	BodyBase64 = "base64"
	BodyNone   = "none" // it is not kept, because it holds what is other accounts' too
)

// What became of a callback's signature.
const (
	SignatureOK    = "ok"
	SignatureWrong = "wrong"
	SignatureNone  = "none" // there was none, or nothing looked at it
)

// Callback is one call of a provider. Query and Headers are masked, and Body is cut, before they come here.
type Callback struct {
	ID, AccountID, ChannelID string
	Connector                string
	Refused                  bool
	Method, Path, Query      string
	Headers                  string // JSON object
	Body, Encoding           string
	Size                     int64 // of the whole body, in bytes
	Status                   int   // answered
	Signature                string
	Code, Message            string // why it was refused, else empty
	Messages, Statuses       int    // that it held
	Duration                 time.Duration
	CreatedAt                time.Time
}

const (
	callbackColumns = `id, account_id, channel_id, connector, refused, method, path, query, headers, body, encoding, size, status, signature, code, message,
		messages, statuses, duration, created_at`
	callbackWidth  = 20
	selectCallback = `SELECT ` + callbackColumns + ` FROM callbacks `
	// A list shows neither bodies nor headers.
	listCallbacks = `SELECT id, account_id, channel_id, connector, refused, method, path, query, '{}', '', encoding, size, status, signature, code, message,
		messages, statuses, duration, created_at FROM callbacks `
	trimCallbacksQuery = `DELETE FROM callbacks WHERE channel_id = $1 AND refused = $2 AND id <
		(SELECT id FROM callbacks WHERE channel_id = $1 AND refused = $2 ORDER BY id DESC LIMIT 1 OFFSET $3)`
)

func scanCallback(row dbutil.Scannable) (*Callback, error) {
	var c Callback
	var duration, created int64
	err := row.Scan(&c.ID, &c.AccountID, &c.ChannelID, &c.Connector, &c.Refused, &c.Method, &c.Path, &c.Query, &c.Headers, &c.Body, &c.Encoding, &c.Size,
		&c.Status, &c.Signature, &c.Code, &c.Message, &c.Messages, &c.Statuses, &duration, &created)
	if err != nil {
		return nil, notFound(err)
	}
	c.Duration, c.CreatedAt = time.Duration(duration)*time.Microsecond, FromMillis(created)
	return &c, nil
}

// InsertCallbacksAny stores callbacks of any channels, and deletes what those channels have more than CallbacksKept of.
func (s *Store) InsertCallbacksAny(ctx context.Context, callbacks []*Callback) error {
	type side struct {
		channelID string
		refused   bool
	}
	args := make([]any, 0, len(callbacks)*callbackWidth)
	sides := map[side]bool{}
	for _, c := range callbacks {
		sides[side{c.ChannelID, c.Refused}] = true
		args = append(args, c.ID, c.AccountID, c.ChannelID, c.Connector, c.Refused, c.Method, c.Path, c.Query, c.Headers, c.Body, c.Encoding, c.Size,
			c.Status, c.Signature, c.Code, c.Message, c.Messages, c.Statuses, c.Duration.Microseconds(), Millis(c.CreatedAt))
	}
	b := &batch{}
	b.insert(`INSERT INTO callbacks (`+callbackColumns+`)`, "", callbackWidth, args)
	for of := range sides {
		b.add(trimCallbacksQuery, of.channelID, of.refused, CallbacksKept-1)
	}
	return s.send(ctx, b)
}

// CallbackFilter narrows a list of callbacks. Empty fields do not.
type CallbackFilter struct{ ChannelID, Signature string }

// Callbacks lists the callbacks that an account's channels got, without their headers and bodies.
func (s *Store) Callbacks(ctx context.Context, accountID string, filter CallbackFilter, page Page) ([]*Callback, error) {
	where := newWhere("account_id", accountID)
	where.equal("channel_id", filter.ChannelID)
	where.equal("signature", filter.Signature)
	query, args := where.page(page)
	return queryAll(ctx, s.reader(ctx), scanCallback, listCallbacks+query, args...)
}

// Callback returns one callback of an account.
func (s *Store) Callback(ctx context.Context, accountID, id string) (*Callback, error) {
	return scanCallback(s.reader(ctx).QueryRowContext(ctx, selectCallback+`WHERE account_id = $1 AND id = $2`, accountID, id))
}

// deleteCallbacks deletes callbacks of any account.
func (s *Store) deleteCallbacks(ctx context.Context, ids []string) error {
	return chunks(ids, func(ids []string) error {
		list, args := inList(0, ids)
		_, err := s.db.Exec(ctx, `DELETE FROM callbacks WHERE id IN (`+list+`)`, args...)
		return err
	})
}
