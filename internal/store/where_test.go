package store

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/id"
)

// allPages reads a list to its end, two rows at a time, and returns the rows' ids.
func allPages[T any](t *testing.T, search string, idOf func(T) string, list func(context.Context, Page) ([]T, error)) []string {
	t.Helper()
	ids, page := []string{}, Page{Limit: 2, Search: search}
	for {
		rows, err := list(t.Context(), page)
		require.NoError(t, err)
		for _, row := range rows {
			ids = append(ids, idOf(row))
		}
		if len(rows) < page.Limit {
			return ids
		}
		page.Before = ids[len(ids)-1]
	}
}

// names are what rows 0 to 7 of a searched list are called.
func names() []string {
	return []string{"Alpha", "100% cotton", "alphabet", "snake_case", `back\slash`, "100 cottons", "snakeXcase", "ALPHA again"}
}

// searches are the rows of names that a search finds, newest first.
func searches() map[string][]int {
	return map[string][]int{
		"": {7, 6, 5, 4, 3, 2, 1, 0}, "alpha": {7, 2, 0}, "ALPHAB": {2}, "100%": {1}, "100": {5, 1}, "e_c": {3}, "snake": {6, 3}, `k\s`: {4},
		"nothing": {}, "' OR 1=1 --": {}, "$1": {},
	}
}

func TestListsAreSearchedLiterallyAndWithoutRegardToCaseInExactPages(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		addAccounts(t, s, "acct_a", "acct_b")
		for i, name := range names() {
			for _, account := range []string{"a", "b"} {
				number, accountID := fmt.Sprintf("%s%d", account, i), "acct_"+account
				c := someChannel("chan_"+number, accountID, "key_"+number)
				c.Name = name
				require.NoError(t, s.InsertChannel(t.Context(), c, 100))
				addSession(t, s, "sess_"+number, "acct_"+account)
				_, err := s.db.Exec(t.Context(), `UPDATE channels SET name = $2 WHERE id = $1`, "sess_"+number, name)
				require.NoError(t, err)
				q := someQueue("que_"+number, accountID)
				q.Name = name
				require.NoError(t, s.InsertQueue(t.Context(), q, 100))
				require.NoError(t, s.InsertIncomingWebhook(t.Context(), &IncomingWebhook{
					ID: "iwh_" + number, AccountID: accountID, Name: name, TokenHash: number, QueueID: q.ID, RateLimit: 1, RatePeriod: time.Hour, CreatedAt: noon, UpdatedAt: noon,
				}, 100))
				makeWebhook(t, s, accountID, "wh_"+number, func(w *Webhook) { w.Description = name })
				require.NoError(t, s.InsertPost(t.Context(), &Post{ID: "post_" + number, AccountID: accountID, Status: PostDraft, Body: name, Origin: "api", CreatedAt: noon, UpdatedAt: noon}, nil))
				m := messageNamed("msg_"+number, MessageSent)
				m.AccountID, m.Text = accountID, name
				require.NoError(t, s.InsertMessage(t.Context(), m))
			}
		}
		for search, rows := range searches() {
			want := func(prefix string) []string {
				ids := []string{}
				for _, i := range rows {
					ids = append(ids, fmt.Sprintf("%s_a%d", prefix, i))
				}
				return ids
			}
			of := "acct_a"
			if search != "" { // without one, the sessions' channels are among them
				require.Equal(t, want("chan"), without(allPages(t, search, func(c *Channel) string { return c.ID }, func(ctx context.Context, page Page) ([]*Channel, error) {
					return s.Channels(ctx, of, ChannelFilter{Connectors: []string{"twilio_sms", "discord"}}, page)
				}), "sess_"), search)
			}
			require.Equal(t, want("sess"), allPages(t, search, func(x *Session) string { return x.ID }, func(ctx context.Context, page Page) ([]*Session, error) { return s.Sessions(ctx, of, page) }), search)
			require.Equal(t, want("que"), allPages(t, search, func(x *Queue) string { return x.ID }, func(ctx context.Context, page Page) ([]*Queue, error) { return s.Queues(ctx, of, page) }), search)
			require.Equal(t, want("iwh"), allPages(t, search, func(x *IncomingWebhook) string { return x.ID }, func(ctx context.Context, page Page) ([]*IncomingWebhook, error) {
				return s.IncomingWebhooks(ctx, of, page)
			}), search)
			require.Equal(t, want("wh"), allPages(t, search, func(x *Webhook) string { return x.ID }, func(ctx context.Context, page Page) ([]*Webhook, error) { return s.Webhooks(ctx, of, page) }), search)
			require.Equal(t, want("post"), allPages(t, search, func(x *Post) string { return x.ID }, func(ctx context.Context, page Page) ([]*Post, error) {
				return s.Posts(ctx, of, PostFilter{Status: PostDraft}, page)
			}), search)
			require.Equal(t, want("msg"), allPages(t, search, func(x *Message) string { return x.ID }, func(ctx context.Context, page Page) ([]*Message, error) {
				found, _, err := s.SearchMessages(ctx, of, MessageFilter{Direction: Outbound}, page)
				return found, err
			}), search)
		}
	})
}

// without leaves out the ids that begin with a prefix.
func without(ids []string, prefix string) []string {
	rest := []string{}
	for _, id := range ids {
		if id[:len(prefix)] != prefix {
			rest = append(rest, id)
		}
	}
	return rest
}

func TestChannelsAreFilteredByKindAndStatusAndSearchedByAddress(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		addAccounts(t, s, "acct_a")
		for i, kind := range []string{"twilio_sms", "discord", "twilio_sms", "wordpress", "discord"} {
			c := someChannel(fmt.Sprintf("chan_%d", i), "acct_a", strconv.Itoa(i))
			c.Connector, c.Address = kind, fmt.Sprintf("1555000%d", i)
			if i > 2 {
				c.Status = ChannelConnected
			}
			require.NoError(t, s.InsertChannel(t.Context(), c, 100))
		}
		addSession(t, s, "sess_3x", "acct_a")
		list := func(search string, filter ChannelFilter) []string {
			return allPages(t, search, func(c *Channel) string { return c.ID }, func(ctx context.Context, page Page) ([]*Channel, error) {
				return s.Channels(ctx, "acct_a", filter, page)
			})
		}
		require.Equal(t, []string{"chan_4", "sess_3x", "chan_3", "chan_2", "chan_1", "chan_0"}, list("", ChannelFilter{}))
		require.Equal(t, []string{"chan_4", "chan_2", "chan_1", "chan_0"}, list("", ChannelFilter{Connectors: []string{"discord", "twilio_sms", "nobody"}}))
		require.Equal(t, []string{"chan_4"}, list("", ChannelFilter{Connectors: []string{"discord"}, Status: ChannelConnected}))
		require.Equal(t, []string{"chan_2"}, list("50002", ChannelFilter{}))
		require.Empty(t, list("50002", ChannelFilter{Connectors: []string{"discord"}}))
		require.Empty(t, list("", ChannelFilter{Connectors: []string{}}), "no kind has it")
	})
}

func TestASearchOfMessagesReadsSoManyAndGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		_, err := s.db.Exec(t.Context(), `INSERT INTO messages (id, account_id, channel_id, direction, peer, type, text, status, status_rank, created_at, updated_at)
			WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 40100)
			SELECT 'msg_' || CAST(100000 + i AS TEXT), 'acct_1', 'chan_1', 'inbound', '1', 'text', CASE WHEN i IN (3, 40, 41, 20100, 20101, 30000) THEN 'A Needle' ELSE 'hay' END,
				'received', 9, 0, 0 FROM n`)
		require.NoError(t, err)
		var found, cursors []string
		page := Page{Limit: 2, Search: "needle"}
		for {
			rows, next, err := s.SearchMessages(t.Context(), "acct_1", MessageFilter{}, page)
			require.NoError(t, err)
			for _, m := range rows {
				found = append(found, m.ID)
			}
			if next == "" {
				break
			}
			cursors = append(cursors, next)
			page.Before = next
		}
		require.Equal(t, []string{"msg_130000", "msg_120101", "msg_120100", "msg_100041", "msg_100040", "msg_100003"}, found)
		require.Equal(t, []string{"msg_120101", "msg_100101", "msg_100040"}, cursors, "where a page was full, or had read enough")
		rows, next, err := s.SearchMessages(t.Context(), "acct_2", MessageFilter{}, Page{Limit: 2, Search: "needle"})
		require.NoError(t, err)
		require.Empty(t, rows)
		require.Empty(t, next)
	})
}

func TestEventsAndDeliveriesAreListedByTheirTime(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		clock := noon.Add(-24 * time.Hour)
		ids := id.NewGenerator(func() time.Time { return clock })
		at := map[string]int{} // id to minutes after noon
		var events []*Event
		var deliveries []*Delivery
		for i := range 30 {
			clock = noon.Add(time.Duration(i) * time.Minute)
			e := eventNamed("acct_1", ids.New("evt"), strconv.Itoa(i))
			if e.CreatedAt = clock; i%3 == 0 {
				e.Type = "message.status"
			}
			d := &Delivery{ID: ids.New("dlv"), AccountID: "acct_1", EventID: e.ID, WebhookID: "wh_1", Status: DeliveryPending, DueAt: clock, CreatedAt: clock, UpdatedAt: clock}
			at[e.ID], at[d.ID] = i, i
			events, deliveries = append(events, e), append(deliveries, d)
		}
		_, err := s.InsertEvents(t.Context(), events)
		require.NoError(t, err)
		require.NoError(t, s.InsertDeliveries(t.Context(), deliveries))
		minutes := func(ids []string) []int {
			list := []int{}
			for _, one := range ids {
				list = append(list, at[one])
			}
			return list
		}
		for name, c := range map[string]struct {
			since, until time.Time
			kind         string
			want         []int
		}{
			"from a time":         {since: noon.Add(27 * time.Minute), want: []int{29, 28, 27}},
			"until a time":        {until: noon.Add(3 * time.Minute), want: []int{2, 1, 0}},
			"between":             {noon.Add(10 * time.Minute), noon.Add(15 * time.Minute), "", []int{14, 13, 12, 11, 10}},
			"of a kind":           {noon.Add(10 * time.Minute), noon.Add(20 * time.Minute), "message.status", []int{18, 15, 12}},
			"nothing":             {noon.Add(10*time.Minute + 1*time.Second), noon.Add(11 * time.Minute), "", []int{}},
			"before there was 1":  {time.Time{}, time.UnixMilli(1), "", []int{}},
			"long after all":      {since: noon.AddDate(9000, 0, 0), want: []int{}},
			"not a kind of these": {kind: "post.failed", want: []int{}},
		} {
			got := allPages(t, "", func(e *Event) string { return e.ID }, func(ctx context.Context, page Page) ([]*Event, error) {
				return s.Events(ctx, "acct_1", EventFilter{Type: c.kind, Since: c.since, Until: c.until}, page)
			})
			require.Equal(t, c.want, minutes(got), name)
			got = allPages(t, "", func(d *Delivery) string { return d.ID }, func(ctx context.Context, page Page) ([]*Delivery, error) {
				return s.Deliveries(ctx, "acct_1", DeliveryFilter{Event: c.kind, Since: c.since, Until: c.until}, page)
			})
			require.Equal(t, c.want, minutes(got), name)
		}
	})
}

func TestPostsAreListedByTheTimeAtWhichTheyAppear(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *Store) {
		addAccounts(t, s, "acct_a")
		hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
		add := func(name string, channelID string, p Post, published ...time.Time) {
			p.ID, p.AccountID, p.Origin, p.CreatedAt, p.UpdatedAt = "post_"+name, "acct_a", "api", noon, noon
			var targets []*Target
			for i, at := range append(published, time.Time{}) {
				targets = append(targets, &Target{
					ID: fmt.Sprint("tgt_", name, i), PostID: p.ID, AccountID: "acct_a", ChannelID: fmt.Sprint(channelID, i), Position: int64(i), Status: p.Status,
					PublishedAt: at, CreatedAt: noon, UpdatedAt: noon,
				})
			}
			require.NoError(t, s.InsertPost(t.Context(), &p, targets))
		}
		add("0_draft", "chan_a", Post{Status: PostDraft})
		add("1_planned_draft", "chan_a", Post{Status: PostDraft, PublishAt: hour(5)})
		add("2_scheduled", "chan_b", Post{Status: PostScheduled, PublishAt: hour(6)})
		add("3_queued", "chan_b", Post{Status: PostQueued, QueueID: "que_1", SlotAt: hour(7)})
		add("4_published_late", "chan_b", Post{Status: PostPublished, PublishAt: hour(5)}, hour(9), hour(8))
		add("5_at_once", "chan_a", Post{Status: PostFailed})
		add("6_past", "chan_a", Post{Status: PostQueued, PublishAt: hour(-30)})
		list := func(filter PostFilter) []string {
			return allPages(t, "", func(p *Post) string { return p.ID[5:] }, func(ctx context.Context, page Page) ([]*Post, error) {
				if page.Before != "" {
					page.Before = "post_" + page.Before
				}
				return s.Posts(ctx, "acct_a", filter, page)
			})
		}
		require.Equal(t, []string{"4_published_late", "3_queued", "2_scheduled", "1_planned_draft"}, list(PostFilter{From: hour(1)}))
		require.Equal(t, []string{"3_queued", "2_scheduled"}, list(PostFilter{From: hour(6), To: hour(8)}))
		require.Equal(t, []string{"4_published_late"}, list(PostFilter{From: hour(8), To: hour(9)}))
		require.Equal(t, []string{"6_past", "5_at_once"}, list(PostFilter{To: hour(1)}))
		require.Equal(t, []string{"5_at_once"}, list(PostFilter{To: hour(1), Status: PostFailed}))
		require.Equal(t, []string{"4_published_late", "3_queued", "2_scheduled"}, list(PostFilter{ChannelID: "chan_b0"}))
		require.Equal(t, []string{"4_published_late"}, list(PostFilter{ChannelID: "chan_b1"}))
		require.Equal(t, []string{"3_queued"}, list(PostFilter{ChannelID: "chan_b0", QueueID: "que_1"}))
		require.Empty(t, list(PostFilter{ChannelID: "chan_x"}))
	})
}
