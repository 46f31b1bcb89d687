package store

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// converse stores a message between a channel and a peer.
func converse(t *testing.T, s *Store, id, channel, peer, name string, at time.Time) *Message {
	t.Helper()
	m := messageNamed(id, MessageReceived)
	m.ChannelID, m.Peer, m.PeerName, m.CreatedAt = channel, peer, name, at
	require.NoError(t, s.InsertMessages(t.Context(), []*Message{m}))
	return m
}

func lastIDs(t *testing.T, s *Store, filter ConversationFilter, page Page) (ids []string, next string) {
	t.Helper()
	found, next, err := s.Conversations(t.Context(), "acct_1", filter, page)
	require.NoError(t, err)
	for _, c := range found {
		ids = append(ids, c.Last.ID)
	}
	return ids, next
}

func TestAConversationIsItsNewestMessageWhateverItsID(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		converse(t, s, "msg_9", "chan_1", "1", "Ann", noon)
		converse(t, s, "msg_8", "chan_1", "1", "", noon.Add(time.Second))
		converse(t, s, "msg_7", "chan_1", "1", "Old", noon.Add(-time.Second))
		converse(t, s, "msg_6", "chan_2", "1", "", noon.Add(2*time.Second))
		sent := messageNamed("msg_5", MessageQueued)
		sent.ChannelID, sent.Peer, sent.CreatedAt = "chan_1", "2", noon.Add(3*time.Second)
		require.NoError(t, s.InsertMessage(t.Context(), sent))
		found, next, err := s.Conversations(t.Context(), "acct_1", ConversationFilter{}, Page{Limit: 9})
		require.NoError(t, err)
		require.Empty(t, next)
		require.Len(t, found, 3)
		require.Equal(t, &Conversation{ChannelID: "chan_1", Peer: "2", Last: sent}, found[0])
		require.Equal(t, "msg_6", found[1].Last.ID)
		require.Equal(t, []string{"msg_8", "Ann"}, []string{found[2].Last.ID, found[2].Name})
		of, _ := lastIDs(t, s, ConversationFilter{ChannelID: "chan_2"}, Page{Limit: 9})
		require.Equal(t, []string{"msg_6"}, of)
		foreign, _, err := s.Conversations(t.Context(), "acct_2", ConversationFilter{}, Page{Limit: 9})
		require.NoError(t, err)
		require.Empty(t, foreign)
		_, _, err = s.Conversations(t.Context(), "acct_2", ConversationFilter{}, Page{Before: "msg_6", Limit: 9})
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestConversationsArePagedAlsoWhereTheirTimesAreEqual(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		const peers = 23
		var messages []*Message
		for i := range 3 * peers {
			m := messageNamed(fmt.Sprintf("msg_%03d", i), MessageReceived)
			m.Peer, m.CreatedAt = strconv.Itoa(i%peers), noon.Add(time.Duration(i/10)*time.Millisecond)
			messages = append(messages, m)
		}
		require.NoError(t, s.InsertMessages(t.Context(), messages))
		var all []string
		page := Page{Limit: 5}
		for {
			ids, next := lastIDs(t, s, ConversationFilter{}, page)
			all = append(all, ids...)
			if next == "" {
				break
			}
			page.Before = next
		}
		require.Len(t, all, peers)
		for i, id := range all {
			require.Equal(t, fmt.Sprintf("msg_%03d", 3*peers-1-i), id)
		}
	})
}

func TestConversationsAreFoundByNumberAndByEitherName(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		makeAccount(t, s, "1")
		makeAccount(t, s, "2")
		converse(t, s, "msg_1", "chan_1", "15551234567", "Ann Lee", noon)
		converse(t, s, "msg_2", "chan_1", "447911123456", "100%_\\", noon.Add(time.Second))
		for account, name := range map[string]string{"acct_1": "Dr. Smith", "acct_2": "Foreign"} {
			c := &Contact{AccountID: account, Name: name, PhoneNumber: "447911123456", ExtraFields: "{}", CreatedAt: noon, UpdatedAt: noon}
			require.NoError(t, s.InsertContact(t.Context(), c))
		}
		for search, want := range map[string][]string{
			"": {"msg_2", "msg_1"}, "ANN l": {"msg_1"}, "smith": {"msg_2"}, "foreign": nil, "5551": {"msg_1"}, "%": {"msg_2"}, "_": {"msg_2"}, `\`: {"msg_2"}, "' OR 1=1": nil,
		} {
			ids, _ := lastIDs(t, s, ConversationFilter{Search: search}, Page{Limit: 9})
			require.Equal(t, want, ids, search)
		}
		found, _, err := s.Conversations(t.Context(), "acct_1", ConversationFilter{Search: "4479"}, Page{Limit: 9})
		require.NoError(t, err)
		require.Equal(t, "Dr. Smith", found[0].Name, "the account's own name for the person counts first")
	})
}

func TestConversationsGoWithTheirMessagesAndOutliveOne(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		converse(t, s, "msg_1", "chan_1", "1", "", noon.Add(-time.Hour))
		queued := messageNamed("msg_2", MessageQueued)
		queued.Peer, queued.CreatedAt = "2", noon.Add(-time.Hour)
		require.NoError(t, s.InsertMessage(ctx, queued))
		first := converse(t, s, "msg_3", "chan_1", "3", "", noon)
		again := *first
		first.ProviderID, again.ProviderID = "p1", "p1"
		again.ID, again.CreatedAt = "msg_4", noon.Add(time.Second)
		_, err := s.db.Exec(ctx, `UPDATE messages SET provider_id = 'p1' WHERE id = 'msg_3'`)
		require.NoError(t, err)
		require.NoError(t, s.InsertMessages(ctx, []*Message{&again}), "which is there already")
		require.NoError(t, s.PurgeAny(ctx, noon.Add(-time.Minute)))
		ids, _ := lastIDs(t, s, ConversationFilter{}, Page{Limit: 9})
		require.Equal(t, []string{"msg_3", "msg_2"}, ids)
		left, err := queryStrings(ctx, s.reader(ctx), `SELECT peer FROM conversations ORDER BY peer`)
		require.NoError(t, err)
		require.Equal(t, []string{"2", "3"}, left)
	})
}

func TestTheMigrationFindsTheConversationsOfMessagesThatAreThere(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		for i := range 6 {
			converse(t, s, fmt.Sprint("msg_", i), "chan_1", strconv.Itoa(i%2), fmt.Sprint("Name ", i), noon.Add(time.Duration(i%4)*time.Second))
		}
		want, _, err := s.Conversations(ctx, "acct_1", ConversationFilter{}, Page{Limit: 9})
		require.NoError(t, err)
		for _, query := range []string{
			`DROP TABLE conversations`, `DROP TABLE hours`, `DROP INDEX deliveries_open`, `DROP INDEX deliveries_failed_at`, `DROP INDEX messages_trouble`, `DROP INDEX posts_status`,
			`DROP INDEX deliveries_held_account`, `DROP INDEX deliveries_cancelled`, `DROP INDEX events_uncommon`,
			`UPDATE version SET version = 10`,
		} {
			_, err := s.db.Exec(ctx, query)
			require.NoError(t, err, query)
		}
		require.NoError(t, s.Migrate(ctx))
		found, _, err := s.Conversations(ctx, "acct_1", ConversationFilter{}, Page{Limit: 9})
		require.NoError(t, err)
		require.Equal(t, want, found)
	})
}
