package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// addSession stores a session with its channel, as the product does.
func addSession(t *testing.T, s *Store, id, account string) *Session {
	t.Helper()
	c := someChannel(id, account, "wa_"+id)
	c.Connector, c.Address = "whatsapp", id
	session := &Session{ID: id, AccountID: account, Linking: true, Status: "PENDING", StatusAt: testTime(), CreatedAt: testTime(), UpdatedAt: testTime()}
	require.NoError(t, s.InTransaction(t.Context(), func(ctx context.Context) error {
		if err := s.InsertChannel(ctx, c, 2000); err != nil {
			return err
		}
		return s.InsertSession(ctx, session)
	}))
	return session
}

// own makes a worker the owner of a session.
func own(t *testing.T, s *Store, worker, id string) {
	t.Helper()
	row, err := s.SessionAny(t.Context(), id)
	require.NoError(t, err)
	claimed, err := s.ClaimSessionsAny(t.Context(), worker, []Lease{{id, row.Lease}})
	require.NoError(t, err)
	require.Equal(t, []string{id}, claimed)
}

func TestSessionsAreStoredWithTheirChannelAndReadInTheirAccountOnly(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		addAccounts(t, s, "acct_a", "acct_b")
		want := addSession(t, s, "sess_1", "acct_a")
		addSession(t, s, "sess_2", "acct_a")
		addSession(t, s, "sess_3", "acct_b")
		got, err := s.Session(ctx, "acct_a", "sess_1")
		require.NoError(t, err)
		require.Equal(t, want, got)
		_, err = s.Session(ctx, "acct_b", "sess_1")
		require.ErrorIs(t, err, ErrNotFound)
		require.ErrorIs(t, s.StartLink(ctx, "acct_b", "sess_1", 1, "PENDING", testTime()), ErrNotFound)

		page, err := s.Sessions(ctx, "acct_a", Page{Limit: 1})
		require.NoError(t, err)
		require.Equal(t, "sess_2", page[0].ID)
		page, err = s.Sessions(ctx, "acct_a", Page{Limit: 5, Before: "sess_2"})
		require.NoError(t, err)
		require.Len(t, page, 1)
		found, err := s.ChannelsByID(ctx, "acct_a", []string{"sess_1", "sess_3"})
		require.NoError(t, err)
		require.Len(t, found, 1)

		require.NoError(t, s.DeleteChannel(ctx, "acct_a", "sess_1"))
		_, err = s.SessionAny(ctx, "sess_1")
		require.ErrorIs(t, err, ErrNotFound, "a session goes with its channel")
	})
}

func TestChannelsAndSessionsAreOneListNewestFirst(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		addAccounts(t, s, "acct_a")
		require.NoError(t, s.InsertChannel(ctx, someChannel("chan_1", "acct_a", "twlo_1"), 200))
		addSession(t, s, "sess_2", "acct_a")
		require.NoError(t, s.InsertChannel(ctx, someChannel("chan_3", "acct_a", "twlo_3"), 200))
		addSession(t, s, "sess_4", "acct_a")
		var ids []string
		page := Page{Limit: 1}
		for {
			rows, err := s.Channels(ctx, "acct_a", ChannelFilter{}, page)
			require.NoError(t, err)
			if len(rows) == 0 {
				break
			}
			ids = append(ids, rows[0].ID)
			page.Before = rows[0].ID
		}
		require.Equal(t, []string{"sess_4", "chan_3", "sess_2", "chan_1"}, ids)
	})
}

func TestASessionIsSavedByItsOwnerOnly(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		addAccounts(t, s, "acct_a")
		addSession(t, s, "sess_1", "acct_a")
		own(t, s, "a", "sess_1")
		row, err := s.SessionAny(ctx, "sess_1")
		require.NoError(t, err)
		row.Device, row.Linking, row.Status, row.Reason, row.Message, row.Retry = "1:2@s", false, "DISCONNECTED", "banned", "Wait.", true
		row.Until, row.StatusAt, row.Step, row.Restriction = testTime().Add(time.Hour), testTime().Add(time.Minute), `{"kind":"qr"}`, `{"code":"x"}`
		row.Phone, row.LID, row.PushName, row.UpdatedAt = "15551234567", "9@lid", "Ann", testTime().Add(time.Minute)
		require.NoError(t, s.SaveSessionAny(ctx, "a", row, row.UpdatedAt))
		got, err := s.Session(ctx, "acct_a", "sess_1")
		require.NoError(t, err)
		require.Equal(t, row, got)

		require.ErrorIs(t, s.SaveSessionAny(ctx, "b", row, testTime()), ErrNotFound)
		require.ErrorIs(t, s.PairSessionAny(ctx, "b", row, "15551234567", "wa_15551234567", testTime()), ErrNotFound)
		c, err := s.Channel(ctx, "acct_a", "sess_1")
		require.NoError(t, err)
		require.Equal(t, "sess_1", c.Address, "who does not own the session does not name its channel")
		require.NoError(t, s.ReleaseSessionAny(ctx, "b", "sess_1"))
		own(t, s, "c", "sess_1")
		require.ErrorIs(t, s.SaveSessionAny(ctx, "a", row, testTime()), ErrNotFound, "an owner of earlier")
	})
}

func TestALinkIsBegunOnceAndVoidsWhatTheEarlierOneStillSaves(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		addAccounts(t, s, "acct_a")
		addSession(t, s, "sess_1", "acct_a")
		own(t, s, "a", "sess_1")
		row, err := s.SessionAny(ctx, "sess_1")
		require.NoError(t, err)
		require.ErrorIs(t, s.StartLink(ctx, "acct_a", "sess_1", 1, "PENDING", testTime()), ErrNotFound, "it is being linked")
		row.Linking, row.Device, row.Status, row.Reason = false, "1:2@s", "CONNECTED", ""
		require.NoError(t, s.SaveSessionAny(ctx, "a", row, testTime()))
		require.ErrorIs(t, s.StartLink(ctx, "acct_a", "sess_1", 1, "PENDING", testTime()), ErrNotFound, "it is linked")
		row.Device, row.Status, row.Reason, row.Step = "", "LOGGED_OUT", "logged_out", "{}"
		require.NoError(t, s.SaveSessionAny(ctx, "a", row, testTime()))
		require.NoError(t, s.StartLink(ctx, "acct_a", "sess_1", 1, "PENDING", testTime().Add(time.Second)))
		require.ErrorIs(t, s.StartLink(ctx, "acct_a", "sess_1", 1, "PENDING", testTime()), ErrNotFound)
		require.ErrorIs(t, s.SaveSessionAny(ctx, "a", row, testTime()), ErrNotFound, "of the link before")
		got, err := s.SessionAny(ctx, "sess_1")
		require.NoError(t, err)
		require.True(t, got.Linking)
		require.Equal(t, []any{"PENDING", "", "", int64(2)}, []any{got.Status, got.Reason, got.Step, got.Version})
	})
}

func TestOnlyALinkedSessionThatStaysAwayIsConnectedAgainOnDemand(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		addAccounts(t, s, "acct_a")
		addSession(t, s, "sess_1", "acct_a")
		own(t, s, "a", "sess_1")
		again := func(version int64) error {
			return s.Reconnect(ctx, "acct_a", "sess_1", version, "CONNECTING", testTime().Add(time.Minute))
		}
		require.ErrorIs(t, again(1), ErrNotFound, "it is not linked")
		row, err := s.SessionAny(ctx, "sess_1")
		require.NoError(t, err)
		row.Device, row.Linking, row.Status, row.Reason, row.Retry = "1:2@s", false, "DISCONNECTED", "banned", true
		require.NoError(t, s.SaveSessionAny(ctx, "a", row, testTime()))
		require.ErrorIs(t, again(1), ErrNotFound, "it comes back by itself")
		row.Reason, row.Retry = "replaced", false
		require.NoError(t, s.SaveSessionAny(ctx, "a", row, testTime()))
		require.ErrorIs(t, again(2), ErrNotFound, "another version")
		require.ErrorIs(t, s.Reconnect(ctx, "acct_b", "sess_1", 1, "CONNECTING", testTime()), ErrNotFound)
		require.NoError(t, again(1))
		got, err := s.SessionAny(ctx, "sess_1")
		require.NoError(t, err)
		require.Equal(t, []any{"CONNECTING", "", "1:2@s", int64(2)}, []any{got.Status, got.Reason, got.Device, got.Version})
	})
}

func TestANumberIsOneSessionsInAnAccount(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		addAccounts(t, s, "acct_a", "acct_b")
		for _, id := range []string{"sess_1", "sess_2"} {
			addSession(t, s, id, "acct_a")
			own(t, s, "a", id)
		}
		addSession(t, s, "sess_3", "acct_b")
		own(t, s, "a", "sess_3")
		pair := func(id string) error {
			row, err := s.SessionAny(ctx, id)
			require.NoError(t, err)
			row.Device, row.Phone = "dev_"+id, "15551234567"
			return s.PairSessionAny(ctx, "a", row, row.Phone, "wa_"+row.Phone, testTime())
		}
		require.NoError(t, pair("sess_1"))
		require.ErrorIs(t, pair("sess_2"), ErrExists)
		require.NoError(t, pair("sess_3"), "another account may link the same number")
		refused, err := s.SessionAny(ctx, "sess_2")
		require.NoError(t, err)
		require.Empty(t, refused.Device, "nothing of a refused link is stored")

		c, err := s.Channel(ctx, "acct_a", "sess_1")
		require.NoError(t, err)
		require.Equal(t, []any{"15551234567", "wa_15551234567", int64(1)}, []any{c.Address, c.ChannelKey, c.Version})
		c.Address, c.ChannelKey, c.Name = "sess_1", "wa_sess_1", "New name" // as a change that was begun before the link has it
		require.NoError(t, s.UpdateChannel(ctx, c))
		c, err = s.Channel(ctx, "acct_a", "sess_1")
		require.NoError(t, err)
		require.Equal(t, []string{"New name", "15551234567", "wa_15551234567"}, []string{c.Name, c.Address, c.ChannelKey})
	})
}

func TestFreeSessionsAreThoseThatAreWantedAndHeldByNobodyWhoLives(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		addAccounts(t, s, "acct_a")
		require.NoError(t, s.BeatAny(ctx, "alive", noon))
		require.NoError(t, s.BeatAny(ctx, "dead", noon.Add(-deadAfter-time.Millisecond)))
		for _, id := range []string{"sess_1", "sess_2", "sess_3", "sess_4", "sess_5"} {
			addSession(t, s, id, "acct_a")
		}
		own(t, s, "alive", "sess_1")
		own(t, s, "dead", "sess_2")
		own(t, s, "alive", "sess_3")
		row, err := s.SessionAny(ctx, "sess_3")
		require.NoError(t, err)
		row.Linking, row.Status = false, "DISCONNECTED"
		require.NoError(t, s.SaveSessionAny(ctx, "alive", row, noon))
		c, err := s.ChannelAny(ctx, "sess_4")
		require.NoError(t, err)
		c.Status = ChannelDisabled
		require.NoError(t, s.UpdateChannel(ctx, c))

		free := func() []string {
			leases, err := s.FreeSessionsAny(ctx, noon, 10)
			require.NoError(t, err)
			var ids []string
			for _, lease := range leases {
				ids = append(ids, lease.SessionID)
			}
			return ids
		}
		require.Equal(t, []string{"sess_2", "sess_5"}, free())
		_, err = s.FreeSessionAny(ctx, "sess_1", noon)
		require.ErrorIs(t, err, ErrNotFound)
		lease, err := s.FreeSessionAny(ctx, "sess_4", noon)
		require.NoError(t, err, "what nobody holds can be had by name, wanted or not")
		require.Equal(t, Lease{"sess_4", 0}, lease)

		held, err := s.OwnSessionsAny(ctx, "alive")
		require.NoError(t, err)
		slices.SortFunc(held, func(a, b OwnSession) int { return int(a.ID[5]) - int(b.ID[5]) })
		require.Equal(t, []OwnSession{{"sess_1", 1, 1, true, ChannelNew}, {"sess_3", 1, 1, false, ChannelNew}}, held)
		require.NoError(t, s.ReleaseSessionAny(ctx, "alive", "sess_1"))
		require.Equal(t, []string{"sess_1", "sess_2", "sess_5"}, free())
	})
}

func TestAClaimIsVoidOnceTheOwnerHasConfirmedItsLease(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		addAccounts(t, s, "acct_a")
		addSession(t, s, "sess_1", "acct_a")
		addSession(t, s, "sess_2", "acct_a")
		require.NoError(t, s.BeatAny(ctx, "a", noon))
		own(t, s, "a", "sess_1")
		own(t, s, "a", "sess_2")
		later := noon.Add(deadAfter + time.Second)
		free, err := s.FreeSessionsAny(ctx, later, 10)
		require.NoError(t, err)
		require.Len(t, free, 2, "a has not been seen for too long")
		taken, err := s.ClaimSessionsAny(ctx, "b", free[:1])
		require.NoError(t, err)
		require.Equal(t, []string{"sess_1"}, taken)

		mine, err := s.ConfirmLeasesAny(ctx, "a")
		require.NoError(t, err)
		require.Equal(t, []string{"sess_2"}, mine)
		taken, err = s.ClaimSessionsAny(ctx, "b", free)
		require.NoError(t, err)
		require.Empty(t, taken, "what was read before the confirmation")
		taken, err = s.ClaimSessionsAny(ctx, "b", nil)
		require.NoError(t, err)
		require.Empty(t, taken)
	})
}

func TestSessionsThatManyClaimAtOnceHaveOneOwnerEach(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		const sessions, workers = 60, 6
		ctx := t.Context()
		addAccounts(t, s, "acct_a")
		for i := range sessions {
			addSession(t, s, fmt.Sprintf("sess_%02d", i), "acct_a")
		}
		var mu sync.Mutex
		owners := map[string][]string{}
		var all sync.WaitGroup
		for i := range workers {
			worker := fmt.Sprintf("wrk_%d", i)
			require.NoError(t, s.BeatAny(ctx, worker, noon))
			all.Go(func() {
				for {
					free, err := s.FreeSessionsAny(ctx, noon, 20)
					if err != nil || len(free) == 0 {
						require.NoError(t, err)
						return
					}
					claimed, err := s.ClaimSessionsAny(ctx, worker, free)
					require.NoError(t, err)
					mu.Lock()
					for _, id := range claimed {
						owners[id] = append(owners[id], worker)
					}
					mu.Unlock()
				}
			})
		}
		all.Wait()
		require.Len(t, owners, sessions)
		for id, claimants := range owners {
			require.Len(t, claimants, 1, id)
			row, err := s.SessionAny(ctx, id)
			require.NoError(t, err)
			require.Equal(t, claimants[0], row.Owner)
		}
	})
}
