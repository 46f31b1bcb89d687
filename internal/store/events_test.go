package store

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func eventNamed(accountID, id, dedupe string) *Event {
	return &Event{ID: id, AccountID: accountID, Type: "message.received", ChannelID: "chan_1", Dedupe: accountID + "/" + dedupe, Data: []byte(`{"a":"1"}`), CreatedAt: noon}
}

func TestEventsOfAnyNumberAreStoredWhole(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		total := 0
		for _, n := range []int{1, 2, 3, 63, 64, 65, 127, 128, 129, 200} {
			events := make([]*Event, n)
			for i := range events {
				id := fmt.Sprintf("evt_%d_%d", n, i)
				events[i] = eventNamed("acct_1", id, id)
			}
			fresh, err := s.InsertEvents(t.Context(), events)
			require.NoError(t, err)
			require.Len(t, fresh, n)
			total += n
		}
		fresh, err := s.InsertEvents(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, fresh)
		all, err := s.Events(t.Context(), "acct_1", EventFilter{}, Page{Limit: 1000})
		require.NoError(t, err)
		require.Len(t, all, total)
	})
}

func TestARepeatedEventIsLeftOutWithinOneInsertAndAcross(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		fresh, err := s.InsertEvents(t.Context(), []*Event{
			eventNamed("acct_1", "evt_1", "same"), eventNamed("acct_1", "evt_2", "same"), eventNamed("acct_2", "evt_3", "same"),
		})
		require.NoError(t, err)
		require.Len(t, fresh, 2)
		require.True(t, fresh["evt_1"], "the first of the same name stays")
		require.True(t, fresh["evt_3"], "another account may use the name")
		fresh, err = s.InsertEvents(t.Context(), []*Event{eventNamed("acct_1", "evt_4", "same"), eventNamed("acct_1", "evt_5", "other")})
		require.NoError(t, err)
		require.Equal(t, map[string]bool{"evt_5": true}, fresh)
		first, err := s.Event(t.Context(), "acct_1", "evt_1")
		require.NoError(t, err)
		require.Equal(t, eventNamed("acct_1", "evt_1", "same"), first)
	})
}

func TestConcurrentRepeatsInAnyOrderAreOneEventEach(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		const writers, names = 8, 40
		var mu sync.Mutex
		wins := map[string]int{}
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				events := make([]*Event, names)
				for i := range events {
					at := i
					if w%2 == 1 {
						at = names - 1 - i // two orders, which would lock up if rows went in as they come
					}
					events[i] = eventNamed("acct_1", fmt.Sprintf("evt_%d_%d", w, at), fmt.Sprintf("name %d", at))
				}
				fresh, err := s.InsertEvents(t.Context(), events)
				mu.Lock()
				defer mu.Unlock()
				require.NoError(t, err)
				for _, e := range events {
					if fresh[e.ID] {
						wins[e.Dedupe]++
					}
				}
			})
		}
		all.Wait()
		require.Len(t, wins, names)
		for name, n := range wins {
			require.Equal(t, 1, n, name)
		}
	})
}

func TestEventsOfAnotherAccountAreNotFound(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		_, err := s.InsertEvents(t.Context(), []*Event{eventNamed("acct_1", "evt_1", "same")})
		require.NoError(t, err)
		_, err = s.Event(t.Context(), "acct_2", "evt_1")
		require.ErrorIs(t, err, ErrNotFound)
		foreign, err := s.Events(t.Context(), "acct_2", EventFilter{}, Page{Limit: 10})
		require.NoError(t, err)
		require.Empty(t, foreign)
		own, err := s.Event(t.Context(), "acct_1", "evt_1")
		require.NoError(t, err)
		require.Equal(t, "evt_1", own.ID)
	})
}

func TestEventsAreListedNewestFirstAndFiltered(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		var events []*Event
		for i := range 5 {
			e := eventNamed("acct_1", fmt.Sprintf("evt_%d", i), strconv.Itoa(i))
			e.CreatedAt = noon.Add(time.Duration(i) * time.Minute)
			if i%2 == 1 {
				e.Type, e.ChannelID = "message.status", "chan_2"
			}
			events = append(events, e)
		}
		_, err := s.InsertEvents(t.Context(), events)
		require.NoError(t, err)
		ids := func(filter EventFilter, page Page) []string {
			found, err := s.Events(t.Context(), "acct_1", filter, page)
			require.NoError(t, err)
			var ids []string
			for _, e := range found {
				ids = append(ids, e.ID)
			}
			return ids
		}
		require.Equal(t, []string{"evt_4", "evt_3"}, ids(EventFilter{}, Page{Limit: 2}))
		require.Equal(t, []string{"evt_2", "evt_1", "evt_0"}, ids(EventFilter{}, Page{Limit: 9, Before: "evt_3"}))
		require.Equal(t, []string{"evt_3", "evt_1"}, ids(EventFilter{Type: "message.status"}, Page{Limit: 9}))
		require.Equal(t, []string{"evt_3"}, ids(EventFilter{ChannelID: "chan_2", Since: noon.Add(2 * time.Minute)}, Page{Limit: 9}))
		found, err := s.EventsAny(t.Context(), []string{"evt_0", "evt_4", "evt_9"})
		require.NoError(t, err)
		require.Len(t, found, 2)
		require.Equal(t, events[4], found["evt_4"])
	})
}
