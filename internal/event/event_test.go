package event

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/group"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

// hands is a Dispatcher that keeps what it gets, and an Alarm that keeps what it is rung for.
type hands struct {
	mu       sync.Mutex
	room     int // for so many deliveries
	reserved int
	got      []*store.Delivery
	woken    []string
}

func (h *hands) Reserve(string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.reserved >= h.room {
		return false
	}
	h.reserved++
	return true
}

func (h *hands) Unreserve(string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reserved--
}

func (h *hands) Dispatch(d *store.Delivery, _ *store.Webhook, _ *store.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reserved--
	h.got = append(h.got, d)
}

func (h *hands) Now(_ context.Context, _ string, ids []string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.woken = append(h.woken, ids...)
	return errors.New("redis is away") // which must not matter
}

type fixture struct {
	*Publisher
	store *store.Store
	hands *hands
	now   time.Time
}

func eachEngine(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			options := store.Options{DataDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}
			if engine == "postgres" {
				options.URL = testenv.Postgres(t)
			}
			s, err := store.Open(t.Context(), options)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			require.NoError(t, s.Migrate(t.Context()))
			f := &fixture{store: s, hands: &hands{room: 1000}, now: time.Date(2026, 6, 29, 12, 0, 0, 0, time.UTC)}
			f.Publisher = f.publisher(t, f.hands, 2)
			for _, name := range []string{"a", "b"} {
				_, err := s.CreateAccount(t.Context(), &store.Account{ID: "acct_" + name, Name: name, CreatedAt: f.now}, &store.User{
					ID: "usr_" + name, AccountID: "acct_" + name, Email: name + "@example.com", Role: "owner", CreatedAt: f.now,
				})
				require.NoError(t, err)
			}
			test(t, f)
			f.hands.mu.Lock()
			defer f.hands.mu.Unlock()
			require.Zero(t, f.hands.reserved, "all room is used or given back")
		})
	}
}

func (f *fixture) publisher(t *testing.T, dispatcher Dispatcher, parallel int) *Publisher {
	t.Helper()
	p, err := New(Options{
		Store: f.store, IDs: id.NewGenerator(time.Now), Dispatcher: dispatcher, Alarm: f.hands, WorkerID: "wrk_1",
		Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return f.now }, Parallel: parallel,
	})
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

func (f *fixture) webhook(t *testing.T, accountID, webhookID string, change func(*store.Webhook)) {
	t.Helper()
	w := &store.Webhook{
		ID: webhookID, AccountID: accountID, URL: "https://example.com", Events: []string{MessageReceived}, Format: "switchhook",
		Status: store.WebhookActive, CreatedAt: f.now, UpdatedAt: f.now,
	}
	if change != nil {
		change(w)
	}
	require.NoError(t, f.store.InsertWebhook(t.Context(), w))
}

func (f *fixture) deliveries(t *testing.T, filter store.DeliveryFilter) []*store.Delivery {
	t.Helper()
	all, err := f.store.Deliveries(t.Context(), "acct_a", filter, store.Page{Limit: 1000})
	require.NoError(t, err)
	return all
}

func (f *fixture) events(t *testing.T) []*store.Event {
	t.Helper()
	all, err := f.store.Events(t.Context(), "acct_a", store.EventFilter{}, store.Page{Limit: 1000})
	require.NoError(t, err)
	return all
}

// inbound is the draft of a message that arrives in acct_a.
func (f *fixture) inbound(name string) *Draft {
	return &Draft{
		AccountID: "acct_a", Type: MessageReceived, ChannelID: "chan_1", Dedupe: "in:" + name, Data: map[string]any{"id": "msg_" + name},
		Message: &store.Message{
			ID: "msg_" + name, AccountID: "acct_a", ChannelID: "chan_1", Direction: store.Inbound, Peer: "15550001", Type: "text",
			ProviderID: name, Status: store.MessageReceived, CreatedAt: f.now, UpdatedAt: f.now,
		},
	}
}

func TestAnEventIsStoredWithItsMessageItsFilesAndItsDeliveries(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.webhook(t, "acct_a", "wh_1", nil)
		d := f.inbound("1")
		d.Media = []*store.Media{{ID: "med_1", AccountID: "acct_a", ChannelID: "chan_1", TokenHash: "h", Status: "remote", DueAt: f.now, CreatedAt: f.now}}
		require.NoError(t, f.Publish(t.Context(), d))
		require.True(t, d.Fresh())
		stored, err := f.store.Event(t.Context(), "acct_a", d.Event().ID)
		require.NoError(t, err)
		require.Equal(t, d.Event(), stored)
		_, err = f.store.Message(t.Context(), "acct_a", "msg_1")
		require.NoError(t, err)
		all := f.deliveries(t, store.DeliveryFilter{EventID: stored.ID})
		require.Len(t, all, 1)
		require.Equal(t, "wrk_1", all[0].Owner, "this process has it from the start")
		require.Equal(t, all, f.hands.got)
		require.Empty(t, f.hands.woken)
	})
}

func TestARepeatIsOneEventAlsoAmongMany(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.webhook(t, "acct_a", "wh_1", nil)
		second := f.publisher(t, f.hands, 2) // as of another process
		var all sync.WaitGroup
		var mu sync.Mutex
		fresh := map[string]int{}
		for i := range 100 {
			all.Go(func() {
				d := f.inbound(strconv.Itoa(i % 2))
				p := f.Publisher
				if i%4 > 1 {
					p = second
				}
				err := p.Publish(t.Context(), d)
				mu.Lock()
				defer mu.Unlock()
				require.NoError(t, err)
				if d.Fresh() {
					fresh[d.Dedupe]++
				} else {
					require.Nil(t, d.Event())
				}
			})
		}
		all.Wait()
		require.Equal(t, map[string]int{"in:0": 1, "in:1": 1}, fresh)
		require.Len(t, f.events(t), 2)
		require.Len(t, f.deliveries(t, store.DeliveryFilter{}), 2)
		require.Len(t, f.hands.got, 2)
	})
}

func TestEventsWithoutADedupeNameAreNeverRepeats(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		drafts := []*Draft{{AccountID: "acct_a", Type: WebhookDisabled, Data: 1}, {AccountID: "acct_a", Type: WebhookDisabled, Data: 2}}
		require.NoError(t, f.PublishAll(t.Context(), drafts))
		require.Len(t, f.events(t), 2)
		require.NoError(t, f.Publish(t.Context(), drafts[0]))
		require.False(t, drafts[0].Fresh(), "a draft is one event however often it is tried")
		require.Len(t, f.events(t), 2)
	})
}

func TestAnEventGoesToTheWebhooksThatTakeIt(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.webhook(t, "acct_a", "wh_all", nil)
		f.webhook(t, "acct_a", "wh_same", nil) // the same URL and event stand side by side
		f.webhook(t, "acct_a", "wh_channel", func(w *store.Webhook) { w.ChannelIDs = []string{"chan_0", "chan_1"} })
		f.webhook(t, "acct_a", "wh_other_channel", func(w *store.Webhook) { w.ChannelIDs = []string{"chan_2"} })
		f.webhook(t, "acct_a", "wh_other_event", func(w *store.Webhook) { w.Events = []string{MessageStatus} })
		f.webhook(t, "acct_a", "wh_expired", func(w *store.Webhook) { w.ExpiresAt = f.now })
		f.webhook(t, "acct_a", "wh_gone", func(w *store.Webhook) { w.Status = store.WebhookUnsubscribed })
		f.webhook(t, "acct_a", "wh_paused", func(w *store.Webhook) { w.Status = store.WebhookPaused })
		f.webhook(t, "acct_a", "wh_disabled", func(w *store.Webhook) { w.Status = store.WebhookDisabled })
		f.webhook(t, "acct_b", "wh_foreign", nil)
		require.NoError(t, f.Publish(t.Context(), f.inbound("1")))
		held := map[string]string{}
		for _, d := range f.deliveries(t, store.DeliveryFilter{}) {
			held[d.WebhookID] = string(d.Status) + " " + d.Reason
		}
		require.Equal(t, map[string]string{
			"wh_all": "pending ", "wh_same": "pending ", "wh_channel": "pending ",
			"wh_paused": "held " + store.HeldByPause, "wh_disabled": "held " + store.HeldByDisable,
		}, held)
		require.Len(t, f.hands.got, 3)
	})
}

func TestWithoutRoomADeliveryIsNobodysAndWithoutADispatcherOthersAreWoken(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.webhook(t, "acct_a", "wh_1", nil)
		f.hands.room = 0
		require.NoError(t, f.Publish(t.Context(), f.inbound("1")))
		require.Empty(t, f.deliveries(t, store.DeliveryFilter{})[0].Owner)
		require.Empty(t, f.hands.woken, "its own sweep comes as soon as there is room")
		require.NoError(t, f.publisher(t, nil, 1).Publish(t.Context(), f.inbound("2")))
		all := f.deliveries(t, store.DeliveryFilter{})
		require.Len(t, all, 2)
		require.Equal(t, []string{all[0].ID}, f.hands.woken)
		require.Empty(t, f.hands.got)
	})
}

func TestAMessageOfABlockedContactIsStoredAndToldToNobody(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.webhook(t, "acct_a", "wh_1", nil)
		contact := &store.Contact{AccountID: "acct_a", Name: "Ann", PhoneNumber: "15550001", ExtraFields: "{}", IsBlocked: true, CreatedAt: f.now, UpdatedAt: f.now}
		require.NoError(t, f.store.InsertContact(t.Context(), contact))
		drafts := []*Draft{f.inbound("1"), f.inbound("2")}
		drafts[1].Message.Peer = "15550002"
		for _, d := range drafts {
			d.DataFor = func(c *store.Contact) any { return map[string]bool{"known": c != nil} }
		}
		require.NoError(t, f.PublishAll(t.Context(), drafts))
		require.False(t, drafts[0].Fresh())
		require.True(t, drafts[1].Fresh())
		require.JSONEq(t, `{"known":false}`, string(drafts[1].Event().Data))
		for _, name := range []string{"msg_1", "msg_2"} {
			_, err := f.store.Message(t.Context(), "acct_a", name)
			require.NoError(t, err)
		}
		require.Len(t, f.hands.got, 1)

		contact.IsBlocked = false
		require.NoError(t, f.store.UpdateContact(t.Context(), contact))
		third := f.inbound("3")
		third.DataFor = drafts[0].DataFor
		require.NoError(t, f.Publish(t.Context(), third))
		require.JSONEq(t, `{"known":true}`, string(third.Event().Data))
	})
}

func TestNewsOfAMessageIsToldOnceAndNeverBackwards(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		out := f.inbound("out")
		out.Message.Direction, out.Message.Status, out.Message.ProviderID = store.Outbound, store.MessageSending, ""
		require.NoError(t, f.Publish(t.Context(), out))
		news := func(accountID string, status store.MessageStatus) *Draft {
			return &Draft{
				AccountID: accountID, Type: MessageStatus, Dedupe: "status:msg_out:" + string(status),
				Change: &store.StatusChange{AccountID: accountID, MessageID: "msg_out", Status: status, ProviderID: "p1"},
				DataOf: func(m *store.Message) any {
					return map[string]string{"status": string(m.Status), "provider": m.ProviderID}
				},
			}
		}
		drafts := []*Draft{
			news("acct_a", store.MessageSent), news("acct_a", store.MessageRead), news("acct_a", store.MessageDelivered), news("acct_a", store.MessageRead),
			news("acct_b", store.MessageRead),
		}
		require.NoError(t, f.publisher(t, f.hands, 1).PublishAll(t.Context(), drafts))
		var fresh []bool
		for _, d := range drafts {
			fresh = append(fresh, d.Fresh())
		}
		require.Equal(t, []bool{true, true, false, false, false}, fresh)
		require.JSONEq(t, `{"status":"read","provider":"p1"}`, string(drafts[1].Event().Data))
		require.Equal(t, "chan_1", drafts[1].Event().ChannelID)
		m, err := f.store.Message(t.Context(), "acct_a", "msg_out")
		require.NoError(t, err)
		require.Equal(t, store.MessageRead, m.Status)
		unknown := news("acct_a", store.MessageRead)
		unknown.Change.MessageID, unknown.Dedupe = "msg_none", "x"
		require.NoError(t, f.Publish(t.Context(), unknown))
		require.False(t, unknown.Fresh())
	})
}

func TestADraftThatCannotBeStoredFailsAloneAndGivesItsRoomBack(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.webhook(t, "acct_a", "wh_1", nil)
		var drafts []*Draft
		for i := range 12 {
			d := f.inbound(strconv.Itoa(i))
			switch i {
			case 3:
				d.Data = make(chan int) // no JSON
			case 4:
				d.DataFor = func(*store.Contact) any { panic("no data") }
			case 5: // its file is there already
				d.Media = []*store.Media{{ID: "med_1", AccountID: "acct_a", TokenHash: "h1"}, {ID: "med_1", AccountID: "acct_a", TokenHash: "h2"}}
			}
			drafts = append(drafts, d)
		}
		require.Error(t, f.PublishAll(t.Context(), drafts))
		for i, d := range drafts {
			bad := i >= 3 && i <= 5
			require.Equal(t, !bad, d.Fresh(), i)
			_, err := f.store.Message(t.Context(), "acct_a", d.Message.ID)
			require.Equal(t, bad, errors.Is(err, store.ErrNotFound), "a message is stored with its event or not at all: %d", i)
		}
		require.Len(t, f.deliveries(t, store.DeliveryFilter{}), 9)
		require.Len(t, f.hands.got, 9)
	})
}

func TestPublishingEndsWithClose(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		p := f.publisher(t, f.hands, 1)
		p.Close()
		require.ErrorIs(t, p.Publish(t.Context(), f.inbound("1")), group.ErrClosed)
		require.Empty(t, f.events(t))
	})
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Store", "IDs", "Alarm", "Logger"} {
		o := Options{Store: &store.Store{}, IDs: id.NewGenerator(time.Now), Alarm: &hands{}, Logger: slog.New(slog.DiscardHandler), Now: time.Now, WorkerID: "w"}
		switch name {
		case "Store":
			o.Store = nil
		case "IDs":
			o.IDs = nil
		case "Alarm":
			o.Alarm = nil
		case "Logger":
			o.Logger = nil
		}
		_, err := New(o)
		require.ErrorContains(t, err, "Options."+name)
	}
}

func TestEveryTypeIsKnownAndDescribed(t *testing.T) {
	t.Parallel()
	for _, eventType := range Types() {
		require.True(t, Known(eventType.Event))
		require.NotEmpty(t, eventType.Title)
		require.NotEmpty(t, eventType.Description)
	}
	require.False(t, Known("message.eaten"))
}

func TestTimesAreUTCWithMilliseconds(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 6, 29, 14, 0, 0, 120_900_000, time.FixedZone("", 2*60*60))
	require.Equal(t, "2026-06-29T12:00:00.120Z", Time(at))
}
