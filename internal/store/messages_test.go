package store

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// messageNamed is an outbound message in acct_1, or an inbound one where the status is received.
func messageNamed(id string, status MessageStatus) *Message {
	m := &Message{
		ID: id, AccountID: "acct_1", ChannelID: "chan_1", Direction: Outbound, Peer: "15550001", Type: "text", Text: "hi", Status: status,
		DueAt: noon, CreatedAt: noon, UpdatedAt: noon,
	}
	if status == MessageReceived {
		m.Direction = Inbound
	}
	return m
}

func mustMessage(t testing.TB, s *Store, id string) *Message {
	t.Helper()
	m, err := s.Message(t.Context(), "acct_1", id)
	require.NoError(t, err)
	return m
}

func TestMessagesOfAnyNumberAreStoredAndListed(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		for _, n := range []int{1, 2, 65, 200} {
			messages := make([]*Message, n)
			for i := range messages {
				m := messageNamed(fmt.Sprintf("msg_%d_%05d", n, n-i), MessageReceived)
				m.Peer, m.PeerName, m.Content, m.ProviderID = fmt.Sprintf("p%d", n), "Ann", `{"a":1}`, m.ID
				m.ErrorCode, m.ErrorMessage, m.Owner, m.Tries = "c", "m", "wrk_1", 3
				messages[i] = m
			}
			require.NoError(t, s.InsertMessages(t.Context(), messages))
			require.NoError(t, s.InsertMessages(t.Context(), messages), "again")
			found, err := s.Messages(t.Context(), "acct_1", MessageFilter{Contact: fmt.Sprintf("p%d", n), Direction: Inbound, Status: MessageReceived, ChannelID: "chan_1"}, Page{Limit: 1000})
			require.NoError(t, err)
			require.Equal(t, messages, found)
		}
	})
}

func TestMessagesOfAnotherAccountAreNotFound(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		m := messageNamed("msg_1", MessageSending)
		m.ProviderID = "p1"
		require.NoError(t, s.InsertMessages(t.Context(), []*Message{m}))
		_, err := s.Message(t.Context(), "acct_2", "msg_1")
		require.ErrorIs(t, err, ErrNotFound)
		_, err = s.MessageByProviderID(t.Context(), "acct_2", "chan_1", Outbound, "p1")
		require.ErrorIs(t, err, ErrNotFound)
		_, err = s.AdvanceMessage(t.Context(), StatusChange{AccountID: "acct_2", MessageID: "msg_1", Status: MessageRead}, noon)
		require.ErrorIs(t, err, ErrNotFound)
		list, err := s.Messages(t.Context(), "acct_2", MessageFilter{}, Page{Limit: 9})
		require.NoError(t, err)
		require.Empty(t, list)
		at, err := s.LastInbound(t.Context(), "acct_2", "chan_1", m.Peer)
		require.NoError(t, err)
		require.True(t, at.IsZero())
		found, err := s.MessageByProviderID(t.Context(), "acct_1", "chan_1", Outbound, "p1")
		require.NoError(t, err)
		require.Equal(t, m, found)
	})
}

func TestAnInboundMessageIsStoredOnceForEachProviderID(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		a, b, c := messageNamed("msg_1", MessageReceived), messageNamed("msg_2", MessageReceived), messageNamed("msg_3", MessageReceived)
		a.ProviderID, b.ProviderID, c.ProviderID = "p1", "p1", "p1"
		c.ChannelID = "chan_2"
		require.NoError(t, s.InsertMessages(t.Context(), []*Message{a, b, c}))
		list, err := s.Messages(t.Context(), "acct_1", MessageFilter{}, Page{Limit: 9})
		require.NoError(t, err)
		require.Len(t, list, 2)
	})
}

func TestAMessageNeverGoesBack(t *testing.T) {
	t.Parallel()
	states := []MessageStatus{MessageQueued, MessageSending, MessageUnconfirmed, MessageSent, MessageFailed, MessageDelivered, MessageRead}
	eachEngine(t, func(t *testing.T, s *Store) {
		for i, from := range states {
			for j, to := range states {
				id := fmt.Sprintf("msg_%d_%d", i, j)
				require.NoError(t, s.InsertMessages(t.Context(), []*Message{messageNamed(id, from)}))
				m, err := s.AdvanceMessage(t.Context(), StatusChange{
					AccountID: "acct_1", MessageID: id, Status: to, ErrorCode: "c", ErrorMessage: "m", ProviderID: "p_" + id,
				}, noon.Add(time.Minute))
				if j <= i {
					require.ErrorIs(t, err, ErrNotFound, "%s -> %s", from, to)
					require.Equal(t, messageNamed(id, from), mustMessage(t, s, id))
					continue
				}
				require.NoError(t, err, "%s -> %s", from, to)
				require.Equal(t, to, m.Status)
				require.Equal(t, "p_"+id, m.ProviderID)
				require.Equal(t, m, mustMessage(t, s, id))
			}
		}
		require.NoError(t, s.InsertMessages(t.Context(), []*Message{messageNamed("msg_in", MessageReceived)}))
		_, err := s.AdvanceMessage(t.Context(), StatusChange{AccountID: "acct_1", MessageID: "msg_in", Status: MessageRead}, noon)
		require.ErrorIs(t, err, ErrNotFound, "an inbound message has no further states")
	})
}

func TestRepliesOfOneOriginAreClaimedOneAfterTheOther(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		var messages []*Message
		for origin := range 2 {
			for seq := range 3 {
				m := messageNamed(fmt.Sprintf("msg_%d_%d", origin, 9-seq), MessageQueued) // ids the other way round
				m.Origin, m.OriginSeq = fmt.Sprintf("dlv_%d", origin), int64(seq)
				messages = append(messages, m)
			}
		}
		later := messageNamed("msg_later", MessageQueued)
		later.DueAt = noon.Add(time.Second)
		lone := messageNamed("msg_lone", MessageQueued)
		require.NoError(t, s.InsertMessages(t.Context(), append(messages, later, lone)))
		claim := func() []string {
			claimed, err := s.ClaimMessagesAny(t.Context(), "wrk_1", noon, time.Time{}, 16)
			require.NoError(t, err)
			var ids []string
			for _, m := range claimed {
				require.Equal(t, MessageSending, m.Status)
				require.Equal(t, "wrk_1", m.Owner)
				ids = append(ids, m.ID)
			}
			return ids
		}
		require.ElementsMatch(t, []string{"msg_0_9", "msg_1_9", "msg_lone"}, claim())
		require.Empty(t, claim(), "the first ones are under way")
		done := messages[0]
		done.Status, done.ProviderID = MessageSent, "p1"
		require.NoError(t, s.FinishSending(t.Context(), done, "wrk_1", noon))
		require.Equal(t, []string{"msg_0_8"}, claim())
		back := messages[1]
		back.Status, back.Tries, back.DueAt = MessageQueued, 1, noon.Add(time.Minute)
		require.NoError(t, s.FinishSending(t.Context(), back, "wrk_1", noon))
		require.Empty(t, claim(), "one that waits for its next try keeps the later ones waiting")
		failed := messages[3]
		failed.Status = MessageFailed
		require.NoError(t, s.FinishSending(t.Context(), failed, "wrk_1", noon))
		require.Equal(t, []string{"msg_1_8"}, claim(), "one that failed lets the next go")
	})
}

func TestSendersThatClaimAtOnceNeverGetTheSameMessage(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		const rows = 200
		messages := make([]*Message, rows)
		for i := range messages {
			messages[i] = messageNamed(fmt.Sprintf("msg_%03d", i), MessageQueued)
		}
		require.NoError(t, s.InsertMessages(t.Context(), messages))
		var mu sync.Mutex
		seen := map[string]bool{}
		var all sync.WaitGroup
		for w := range 4 {
			all.Go(func() {
				for claimedAll := false; !claimedAll; {
					claimed, err := s.ClaimMessagesAny(t.Context(), fmt.Sprintf("wrk_%d", w), noon, time.Time{}, 16)
					mu.Lock()
					require.NoError(t, err)
					for _, m := range claimed {
						require.False(t, seen[m.ID], "claimed by two")
						seen[m.ID] = true
					}
					claimedAll = len(seen) == rows
					mu.Unlock()
				}
			})
		}
		all.Wait()
	})
}

func TestOnlyTheSenderFinishesAMessageThatNobodyHasBroughtFurther(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		m := messageNamed("msg_1", MessageSending)
		m.Owner = "wrk_1"
		require.NoError(t, s.InsertMessages(t.Context(), []*Message{m}))
		failed := *m
		failed.Status, failed.ErrorCode = MessageFailed, "c"
		require.NoError(t, s.FinishSending(t.Context(), &failed, "wrk_2", noon))
		require.Equal(t, m, mustMessage(t, s, "msg_1"))
		_, err := s.AdvanceMessage(t.Context(), StatusChange{AccountID: "acct_1", MessageID: "msg_1", Status: MessageDelivered, ProviderID: "p1"}, noon)
		require.NoError(t, err)
		require.NoError(t, s.FinishSending(t.Context(), &failed, "wrk_1", noon))
		require.Equal(t, MessageDelivered, mustMessage(t, s, "msg_1").Status)
	})
}

func TestLostMessagesAreThoseOfDeadSenders(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		require.NoError(t, s.BeatAny(t.Context(), "alive", noon))
		require.NoError(t, s.BeatAny(t.Context(), "dead", noon.Add(-time.Minute)))
		add := func(id, owner string, status MessageStatus, updated time.Time) {
			m := messageNamed(id, status)
			m.Owner, m.UpdatedAt = owner, updated
			require.NoError(t, s.InsertMessages(t.Context(), []*Message{m}))
		}
		old := noon.Add(-2 * time.Minute)
		add("msg_1", "dead", MessageSending, old)
		add("msg_2", "", MessageSending, old)
		add("msg_3", "alive", MessageSending, old)
		add("msg_4", "dead", MessageSending, noon)
		add("msg_5", "dead", MessageSent, old)
		add("msg_6", "alive", MessageSending, noon.Add(-time.Hour))
		lost, err := s.LostMessagesAny(t.Context(), noon, noon.Add(-time.Minute), noon.Add(-30*time.Minute))
		require.NoError(t, err)
		var ids []string
		for _, m := range lost {
			ids = append(ids, m.ID)
		}
		require.Equal(t, []string{"msg_1", "msg_2", "msg_6"}, ids)
	})
}

func TestLastInboundIsTheNewestWordOfThePeer(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		add := func(id string, status MessageStatus, at time.Time) {
			m := messageNamed(id, status)
			m.CreatedAt = at
			require.NoError(t, s.InsertMessages(t.Context(), []*Message{m}))
		}
		add("msg_1", MessageReceived, noon)
		add("msg_2", MessageReceived, noon.Add(time.Minute))
		add("msg_3", MessageSent, noon.Add(time.Hour))
		at, err := s.LastInbound(t.Context(), "acct_1", "chan_1", "15550001")
		require.NoError(t, err)
		require.Equal(t, noon.Add(time.Minute), at)
		at, err = s.LastInbound(t.Context(), "acct_1", "chan_1", "nobody")
		require.NoError(t, err)
		require.True(t, at.IsZero())
	})
}

func TestSentUntilIsWhatAPersonGotAndHasNotComeAsFar(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx, at := t.Context(), testTime()
		add := func(id string, status MessageStatus, change func(*Message)) {
			m := messageNamed(id, status)
			m.AccountID, m.ChannelID, m.Peer, m.Direction, m.ProviderID, m.CreatedAt = "acct_a", "chan_1", "15551", Outbound, "p_"+id, at
			if change != nil {
				change(m)
			}
			require.NoError(t, s.InsertMessage(ctx, m))
		}
		add("msg_1", MessageSent, nil)
		add("msg_2", MessageDelivered, nil)
		add("msg_3", MessageRead, nil)
		add("msg_4", MessageFailed, nil)
		add("msg_5", MessageUnconfirmed, nil)
		add("msg_6", MessageSent, func(m *Message) { m.CreatedAt = at.Add(time.Millisecond) })
		add("msg_7", MessageSent, func(m *Message) { m.Peer = "15552" })
		add("msg_8", MessageSent, func(m *Message) { m.ChannelID = "chan_2" })
		add("msg_9", MessageReceived, func(m *Message) { m.Direction = Inbound })
		ids := func(status MessageStatus, limit int) []string {
			found, err := s.SentUntil(ctx, "acct_a", "chan_1", "15551", at, status, limit)
			require.NoError(t, err)
			got := []string{}
			for _, m := range found {
				got = append(got, m.ID)
			}
			return got
		}
		require.Equal(t, []string{"msg_2", "msg_1"}, ids(MessageRead, 10))
		require.Equal(t, []string{"msg_2"}, ids(MessageRead, 1))
		require.Equal(t, []string{"msg_1"}, ids(MessageDelivered, 10))
	})
}
