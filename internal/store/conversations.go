package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"go.mau.fi/util/dbutil"
)

// Conversation is a channel and a peer that have written to each other, with the newest of their messages.
type Conversation struct {
	ChannelID, Peer string
	Name            string // of the contact, or as the network told it; empty where nobody did
	Last            *Message
}

// ConversationFilter narrows a list of conversations. Empty fields do not.
type ConversationFilter struct {
	ChannelID string
	Search    string // part of the peer's number, or of a name; upper and lower case are alike, with SQLite in ASCII only
}

const (
	conversationColumns = `channel_id, peer, account_id, name, message_id, last_at`
	conversationWidth   = 6
	// A later message without a name does not take it away.
	updateConversation = `ON CONFLICT (channel_id, peer) DO UPDATE SET
		name = CASE WHEN excluded.name <> '' THEN excluded.name ELSE conversations.name END, message_id = excluded.message_id, last_at = excluded.last_at
		WHERE excluded.last_at >= conversations.last_at`
	selectConversation = `SELECT c.channel_id, c.peer, COALESCE((SELECT NULLIF(t.name, '') FROM contacts t WHERE t.account_id = c.account_id
		AND t.phone_number = c.peer), c.name), c.message_id FROM conversations c `
	oldConversationsQuery = `SELECT channel_id, peer, '', message_id FROM conversations c WHERE last_at < $1
		AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = c.message_id) LIMIT $2`
	newestOfPeerQuery       = selectMessage + `WHERE account_id = $1 AND channel_id = $2 AND peer = $3 ORDER BY id DESC LIMIT 1`
	deleteConversationQuery = `DELETE FROM conversations WHERE channel_id = $1 AND peer = $2 AND message_id = $3`
)

type conversationRow struct{ channelID, peer, name, messageID string }

func scanConversation(row dbutil.Scannable) (r conversationRow, err error) {
	return r, row.Scan(&r.channelID, &r.peer, &r.name, &r.messageID)
}

// addConversations adds what keeps the conversations in step with messages that the batch stores before.
func addConversations(b *batch, messages []*Message) {
	newest := map[[2]string]*Message{}
	for _, m := range messages {
		key := [2]string{m.ChannelID, m.Peer}
		if known := newest[key]; known == nil || !m.CreatedAt.Before(known.CreatedAt) {
			newest[key] = m
		}
	}
	last := make([]*Message, 0, len(newest))
	for _, m := range newest {
		last = append(last, m)
	}
	// All transactions lock in the same order.
	slices.SortFunc(last, func(x, y *Message) int {
		return cmp.Or(strings.Compare(x.ChannelID, y.ChannelID), strings.Compare(x.Peer, y.Peer))
	})
	args := make([]any, 0, len(last)*conversationWidth)
	for _, m := range last {
		args = append(args, m.ChannelID, m.Peer, m.AccountID, m.PeerName, m.ID, Millis(m.CreatedAt))
	}
	b.insert(`INSERT INTO conversations (`+conversationColumns+`)`, updateConversation, conversationWidth, args)
}

// Conversations lists an account's conversations, that with the newest message first. The cursor is the id of the last message of the page
// before; one that the account does not have is ErrNotFound. next is the cursor of the next page; empty where there is none.
func (s *Store) Conversations(ctx context.Context, accountID string, filter ConversationFilter, page Page) (found []*Conversation, next string, err error) {
	where := newWhere("c.account_id", accountID)
	where.equal("c.channel_id", filter.ChannelID)
	if filter.Search != "" {
		where.search(filter.Search)
	}
	if page.Before != "" {
		last, err := s.Message(ctx, accountID, page.Before)
		if err != nil {
			return nil, "", err
		}
		where.before("c.last_at", Millis(last.CreatedAt), "c.message_id", last.ID)
	}
	query := selectConversation + "WHERE " + strings.Join(where.conditions, " AND ") + " ORDER BY c.last_at DESC, c.message_id DESC LIMIT " + where.placeholder(page.Limit)
	rows, err := queryAll(ctx, s.reader(ctx), scanConversation, query, where.args...)
	if err != nil {
		return nil, "", err
	}
	if len(rows) == page.Limit {
		next = rows[len(rows)-1].messageID
	}
	found, err = s.withMessages(ctx, accountID, rows)
	return found, next, err
}

// withMessages reads the conversations' messages. One whose message is not there, because it was purged or because the same one was stored
// before under another id, is shown with its newest other one, and left out where there is none.
func (s *Store) withMessages(ctx context.Context, accountID string, rows []conversationRow) ([]*Conversation, error) {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.messageID
	}
	messages := map[string]*Message{}
	err := chunks(ids, func(ids []string) error {
		list, args := inList(1, ids)
		some, err := queryAll(ctx, s.reader(ctx), scanMessage, selectMessage+`WHERE account_id = $1 AND id IN (`+list+`)`, append([]any{accountID}, args...)...)
		for _, m := range some {
			messages[m.ID] = m
		}
		return err
	})
	found := make([]*Conversation, 0, len(rows))
	for _, r := range rows {
		m := messages[r.messageID]
		if m == nil && err == nil {
			m, err = scanMessage(s.reader(ctx).QueryRowContext(ctx, newestOfPeerQuery, accountID, r.channelID, r.peer))
			if errors.Is(err, ErrNotFound) {
				err = nil
				continue
			}
		}
		found = append(found, &Conversation{ChannelID: r.channelID, Peer: r.peer, Name: r.name, Last: m})
	}
	return found, err
}

// placeholder adds a value and returns what stands for it.
func (w *where) placeholder(value any) string {
	w.add("", value)
	mark := w.conditions[len(w.conditions)-1]
	w.conditions = w.conditions[:len(w.conditions)-1]
	return mark
}

// before adds that a row comes after another one in a list that goes by a number and, where that is equal, an id, both falling.
func (w *where) before(column string, value int64, idColumn, id string) {
	at := w.placeholder(value)
	w.conditions = append(w.conditions, "("+column+", "+idColumn+") < ("+at+", "+w.placeholder(id)+")")
}

// search adds that the peer or a name of conversation c contains a text.
func (w *where) search(text string) {
	like := " LIKE LOWER(" + w.placeholder(likePart(text)) + `) ESCAPE '\'`
	w.conditions = append(w.conditions, "(c.peer"+like+" OR LOWER(c.name)"+like+
		" OR c.peer IN (SELECT t.phone_number FROM contacts t WHERE t.account_id = $1 AND LOWER(t.name)"+like+"))")
}

// purgeConversations deletes those whose messages are gone.
func (s *Store) purgeConversations(ctx context.Context, before time.Time) error {
	for {
		rows, err := queryAll(ctx, s.reader(ctx), scanConversation, oldConversationsQuery, Millis(before), purgeSize)
		if err != nil || len(rows) == 0 {
			return err
		}
		b := &batch{}
		for _, r := range rows {
			b.add(deleteConversationQuery, r.channelID, r.peer, r.messageID)
		}
		if err := s.send(ctx, b); err != nil {
			return err
		}
	}
}
