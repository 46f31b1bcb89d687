package store

import (
	"context"
	"strconv"
	"time"

	"go.mau.fi/util/dbutil"
)

// MessageStatus says how far a message has come.
type MessageStatus string

// The statuses of a message.
const (
	MessageReceived    MessageStatus = "received"    // inbound
	MessageQueued      MessageStatus = "queued"      // outbound, to be sent by a worker
	MessageSending     MessageStatus = "sending"     // the request to the network may be under way
	MessageUnconfirmed MessageStatus = "unconfirmed" // whether the network took it is not known
	MessageSent        MessageStatus = "sent"
	MessageDelivered   MessageStatus = "delivered"
	MessageRead        MessageStatus = "read"
	MessageFailed      MessageStatus = "failed"
)

// Rank orders the statuses: a message never goes back to a lower or equal one. A failure reported after the
// network took the message outranks "sent" but not "delivered".
func (m MessageStatus) Rank() int64 {
	switch m {
	case MessageQueued:
		return 0
	case MessageSending:
		return 1
	case MessageUnconfirmed:
		return 2
	case MessageSent:
		return 3
	case MessageFailed:
		return 4
	case MessageDelivered:
		return 5
	case MessageRead:
		return 6
	case MessageReceived:
		return 9
	}
	return 9
}

// Directions of a message.
const (
	Inbound  = "inbound"
	Outbound = "outbound"
)

// Message is one inbound or outbound message. Content is a JSON object with what text alone does not hold (media, template, …).
type Message struct {
	ID, AccountID, ChannelID string
	Direction                string
	Peer, PeerName           string // the other side
	Type, Text               string
	Content                  string
	ProviderID               string
	Status                   MessageStatus
	ErrorCode, ErrorMessage  string
	Origin                   string // id of the delivery whose answer asked for it; empty: the API did
	OriginSeq                int64
	Tries                    int64
	DueAt                    time.Time // when a queued one may next be sent
	Owner                    string
	CreatedAt, UpdatedAt     time.Time
}

const messageColumns = `id, account_id, channel_id, direction, peer, peer_name, type, text, content, provider_id, status, status_rank,
	error_code, error_message, origin, origin_seq, tries, due_at, owner, created_at, updated_at`

const (
	messageWidth    = 21
	selectMessage   = `SELECT ` + messageColumns + ` FROM messages `
	getMessageQuery = selectMessage + `WHERE account_id = $1 AND id = $2`
	// A queued message waits for the earlier ones of its origin, so that replies go out in order.
	inTurn = `NOT EXISTS (SELECT 1 FROM messages e WHERE e.origin = m.origin AND e.origin_seq < m.origin_seq AND e.status IN ('queued', 'sending'))`
	// What a linked device sends, its owner sends: claimNextQuery. Only what no device will ever send is left to everybody, to be given up.
	claimMessagesQuery = `UPDATE messages SET status = 'sending', status_rank = 1, owner = $1, updated_at = $2 WHERE status = 'queued' AND id IN
		(SELECT m.id FROM messages m WHERE m.status = 'queued' AND m.due_at <= $2 AND ` + inTurn + ` AND (m.channel_id NOT LIKE 'sess_%'
			OR m.created_at < $4 OR NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = m.channel_id AND s.status <> 'LOGGED_OUT'))
		ORDER BY m.due_at, m.id LIMIT $3) RETURNING ` + messageColumns
	claimNextQuery = `UPDATE messages SET status = 'sending', status_rank = 1, owner = $1, updated_at = $2 WHERE status = 'queued' AND id =
		(SELECT m.id FROM messages m WHERE m.status = 'queued' AND m.channel_id = $3 AND m.due_at <= $2 AND ` + inTurn + `
			AND EXISTS (SELECT 1 FROM sessions s WHERE s.id = m.channel_id AND s.owner = $1)
		ORDER BY m.due_at, m.id LIMIT 1) RETURNING ` + messageColumns
	dueSessionsQuery = `SELECT DISTINCT m.channel_id FROM messages m JOIN sessions s ON s.id = m.channel_id
		WHERE m.status = 'queued' AND m.due_at <= $2 AND s.owner = $1`
	lostMessagesQuery = selectMessage + `WHERE status = 'sending' AND (updated_at < $3 OR updated_at < $2 AND ` + unowned + `) ORDER BY id LIMIT 100`
	finishQuery       = `UPDATE messages SET status = $3, status_rank = $4, provider_id = COALESCE($5, provider_id), error_code = $6, error_message = $7,
		tries = $8, due_at = $9, owner = NULL, updated_at = $10 WHERE id = $1 AND owner = $2 AND status IN ('queued', 'sending')`
	// The rank may not be NULL, so that the database itself ends the transaction where the message is not as it was read, or would go back.
	advanceQuery = `UPDATE messages SET status = $3, status_rank = CASE WHEN status_rank = $9 AND status_rank < $4 THEN $4 END, error_code = $5, error_message = $6,
		provider_id = COALESCE(provider_id,
			CASE WHEN EXISTS (SELECT 1 FROM messages o WHERE o.channel_id = messages.channel_id AND o.direction = 'outbound' AND o.provider_id = $7) THEN NULL ELSE $7 END),
		owner = NULL, updated_at = $8 WHERE account_id = $1 AND id = $2 AND direction = 'outbound'`
	byProviderQuery = selectMessage + `WHERE account_id = $1 AND channel_id = $2 AND direction = $3 AND provider_id = $4`
	sentUntilQuery  = selectMessage + `WHERE account_id = $1 AND channel_id = $2 AND peer = $3 AND direction = 'outbound' AND created_at <= $4
		AND status IN ('sent', 'delivered') AND status_rank < $5 ORDER BY id DESC LIMIT $6`
	lastInboundQuery = `SELECT COALESCE(MAX(created_at), 0) FROM messages WHERE account_id = $1 AND channel_id = $2 AND peer = $3 AND direction = 'inbound'`
)

func scanMessage(row dbutil.Scannable) (*Message, error) {
	var m Message
	var provider, origin, owner *string
	var rank, due, created, updated int64
	err := row.Scan(&m.ID, &m.AccountID, &m.ChannelID, &m.Direction, &m.Peer, &m.PeerName, &m.Type, &m.Text, &m.Content, &provider, &m.Status,
		&rank, &m.ErrorCode, &m.ErrorMessage, &origin, &m.OriginSeq, &m.Tries, &due, &owner, &created, &updated)
	if err != nil {
		return nil, notFound(err)
	}
	m.ProviderID, m.Origin, m.Owner = orEmpty(provider), orEmpty(origin), orEmpty(owner)
	m.DueAt, m.CreatedAt, m.UpdatedAt = FromMillis(due), FromMillis(created), FromMillis(updated)
	return &m, nil
}

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// InsertMessage stores one message. An id, or a provider's id on its channel, that is there already is ErrExists.
func (s *Store) InsertMessage(ctx context.Context, m *Message) error {
	b, count := &batch{}, tally{}
	b.insert(insertMessages, "", messageWidth, messageArgs(nil, m))
	addConversations(b, []*Message{m})
	count.messages([]*Message{m})
	s.addTally(b, count, m.CreatedAt)
	return exists(s.send(ctx, b))
}

// addMessages adds messages that are not there yet, with what is kept in step with them.
func addMessages(b *batch, messages []*Message, count tally) {
	b.insert(insertMessages, onConflictNothing, messageWidth, messagesArgs(messages))
	addConversations(b, messages)
	count.messages(messages)
}

const (
	insertMessages    = `INSERT INTO messages (` + messageColumns + `)`
	onConflictNothing = `ON CONFLICT DO NOTHING`
)

// messagesArgs returns the values of messageColumns, row after row.
func messagesArgs(messages []*Message) []any {
	args := make([]any, 0, len(messages)*messageWidth)
	for _, m := range messages {
		args = messageArgs(args, m)
	}
	return args
}

// messageArgs appends the values of messageColumns.
func messageArgs(args []any, m *Message) []any {
	return append(args, m.ID, m.AccountID, m.ChannelID, m.Direction, m.Peer, m.PeerName, m.Type, m.Text, m.Content, nullable(m.ProviderID),
		string(m.Status), m.Status.Rank(), m.ErrorCode, m.ErrorMessage, nullable(m.Origin), m.OriginSeq, m.Tries, Millis(m.DueAt),
		nullable(m.Owner), Millis(m.CreatedAt), Millis(m.UpdatedAt))
}

// Message returns one message of an account.
func (s *Store) Message(ctx context.Context, accountID, id string) (*Message, error) {
	return scanMessage(s.reader(ctx).QueryRowContext(ctx, getMessageQuery, accountID, id))
}

// MessageByProviderID finds the channel's message by the network's id.
func (s *Store) MessageByProviderID(ctx context.Context, accountID, channelID, direction, providerID string) (*Message, error) {
	return scanMessage(s.reader(ctx).QueryRowContext(ctx, byProviderQuery, accountID, channelID, direction, providerID))
}

// SentUntil returns what the channel sent to a peer until a time and what has not come as far as a status yet: the newest first, at most limit.
func (s *Store) SentUntil(ctx context.Context, accountID, channelID, peer string, until time.Time, status MessageStatus, limit int) ([]*Message, error) {
	return queryAll(ctx, s.reader(ctx), scanMessage, sentUntilQuery, accountID, channelID, peer, Millis(until), status.Rank(), limit)
}

// MessageFilter narrows a list of messages. Empty fields do not.
type MessageFilter struct {
	ChannelID, Contact, Direction string
	Status                        MessageStatus
}

// searchedAtOnce is how many messages one page of a search reads: texts have no index, and an account may have millions.
const searchedAtOnce = 20_000

// Messages lists an account's messages. A page's Search looks in their texts; use SearchMessages for it.
func (s *Store) Messages(ctx context.Context, accountID string, filter MessageFilter, page Page) ([]*Message, error) {
	return s.messages(ctx, accountID, filter, page, "")
}

// SearchMessages is Messages for a page with a Search. It reads so many messages and no more, by the index of the account's: next is the id that the
// next page begins after, also where this one has few rows or none, and empty where nothing is left to be read.
func (s *Store) SearchMessages(ctx context.Context, accountID string, filter MessageFilter, page Page) (rows []*Message, next string, err error) {
	query, args := newWhere("account_id", accountID).page(Page{Before: page.Before, Limit: 1})
	last, err := queryStrings(ctx, s.reader(ctx), `SELECT id FROM messages `+query+` OFFSET `+strconv.Itoa(searchedAtOnce-1), args...)
	if err != nil {
		return nil, "", err
	}
	if len(last) > 0 {
		next = last[0]
	}
	rows, err = s.messages(ctx, accountID, filter, page, next)
	if len(rows) == page.Limit {
		next = rows[len(rows)-1].ID
	}
	return rows, next, err
}

// messages lists messages whose ids are not below last, unless that is empty.
func (s *Store) messages(ctx context.Context, accountID string, filter MessageFilter, page Page, last string) ([]*Message, error) {
	where := newWhere("account_id", accountID)
	where.equal("channel_id", filter.ChannelID)
	where.equal("peer", filter.Contact)
	where.equal("direction", filter.Direction)
	where.equal("status", string(filter.Status))
	where.contains(page.Search, "text")
	if last != "" {
		where.add("id >= ", last)
	}
	query, args := where.page(page)
	return queryAll(ctx, s.reader(ctx), scanMessage, selectMessage+query, args...)
}

// LastInbound returns when the peer last wrote on the channel; zero where it never has.
func (s *Store) LastInbound(ctx context.Context, accountID, channelID, peer string) (time.Time, error) {
	var at int64
	err := s.reader(ctx).QueryRowContext(ctx, lastInboundQuery, accountID, channelID, peer).Scan(&at)
	return FromMillis(at), err
}

// ClaimMessagesAny takes at most limit queued messages that are due and turns them to sending. Those of linked devices are their
// owners' (ClaimNextMessageAny), but for those of devices that are linked no more and those queued before expired.
func (s *Store) ClaimMessagesAny(ctx context.Context, worker string, now, expired time.Time, limit int) ([]*Message, error) {
	return queryAll(ctx, s.db.Execable(ctx), scanMessage, claimMessagesQuery, worker, Millis(now), limit, Millis(expired))
}

// ClaimNextMessageAny takes the first queued message of a session that is due, where the worker owns the session, and turns it to
// sending. ErrNotFound where there is none.
func (s *Store) ClaimNextMessageAny(ctx context.Context, worker, sessionID string, now time.Time) (*Message, error) {
	return scanMessage(s.db.QueryRow(ctx, claimNextQuery, worker, Millis(now), sessionID))
}

// DueSessionsAny lists the sessions of a worker that have queued messages which are due.
func (s *Store) DueSessionsAny(ctx context.Context, worker string, now time.Time) ([]string, error) {
	return queryAll(ctx, s.reader(ctx), func(row dbutil.Scannable) (id string, err error) { return id, row.Scan(&id) }, dueSessionsQuery, worker, Millis(now))
}

// LostMessagesAny returns messages of which nobody will tell what became of them: those that have been "sending" since before orphaned
// with no living worker, and since before stuck with any.
func (s *Store) LostMessagesAny(ctx context.Context, now, orphaned, stuck time.Time) ([]*Message, error) {
	return queryAll(ctx, s.reader(ctx), scanMessage, lostMessagesQuery, aliveSince(now), Millis(orphaned), Millis(stuck))
}

// FinishSending stores what became of a message that the worker was sending: its Status, ProviderID, error, Tries and DueAt.
// It changes nothing when the message is not the worker's any more, or a callback has brought it further already.
func (s *Store) FinishSending(ctx context.Context, m *Message, worker string, now time.Time) error {
	_, err := s.db.Exec(ctx, finishQuery, m.ID, worker, m.Status, m.Status.Rank(), nullable(m.ProviderID), m.ErrorCode, m.ErrorMessage,
		m.Tries, Millis(m.DueAt), Millis(now))
	return err
}

// StatusChange is news of an outbound message.
type StatusChange struct {
	AccountID, MessageID    string
	From                    MessageStatus // what the message was when the change was decided
	Status                  MessageStatus
	ErrorCode, ErrorMessage string
	ProviderID              string // noted where the message has none yet
}

// Apply returns the message as it is after the change.
func (c StatusChange) Apply(m *Message) *Message {
	next := *m
	next.Status, next.ErrorCode, next.ErrorMessage = c.Status, c.ErrorCode, c.ErrorMessage
	if next.ProviderID == "" {
		next.ProviderID = c.ProviderID
	}
	return &next
}

func advanceArgs(c StatusChange, now time.Time) []any {
	return []any{c.AccountID, c.MessageID, c.Status, c.Status.Rank(), c.ErrorCode, c.ErrorMessage, nullable(c.ProviderID), Millis(now), c.From.Rank()}
}
