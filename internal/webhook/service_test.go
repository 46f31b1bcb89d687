package webhook_test

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/safehttp"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/testenv"
	"github.com/switchhook/switchhook/internal/webhook"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

const tenant = "acct_a"

type fixture struct {
	*webhook.Service
	store  *store.Store
	sealer *secret.Sealer
	now    time.Time
}

func eachEngine(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, newFixture(t, engine))
		})
	}
}

func newFixture(t *testing.T, engine string, allow ...netip.Prefix) *fixture {
	t.Helper()
	f := &fixture{now: noon()}
	options := store.Options{DataDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}
	if engine == "postgres" {
		options.URL = testenv.Postgres(t)
	}
	var err error
	f.store, err = store.Open(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.store.Close()) })
	require.NoError(t, f.store.Migrate(t.Context()))
	for _, account := range []string{tenant, "acct_b"} {
		_, err = f.store.CreateAccount(t.Context(), &store.Account{ID: account, Name: "Test", CreatedAt: f.now},
			&store.User{ID: "usr_" + account, AccountID: account, Email: account + "@example.com", CreatedAt: f.now})
		require.NoError(t, err)
		require.NoError(t, f.store.InsertChannel(t.Context(), &store.Channel{
			ID: "chan_" + account, AccountID: account, Connector: "sandbox", Name: "Test", Address: "1", ChannelKey: "sandbox_1",
			Status: store.ChannelNew, StatusAt: f.now, CreatedAt: f.now, UpdatedAt: f.now,
		}, 10))
	}
	f.sealer, err = secret.NewSealer("a sealing key of at least 32 characters")
	require.NoError(t, err)
	client, err := safehttp.New(safehttp.Options{Timeout: time.Second, UserAgent: "test", Allow: allow})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	f.Service, err = webhook.New(webhook.Options{
		Store: f.store, Sealer: f.sealer, IDs: id.NewGenerator(time.Now), HTTP: client, Now: func() time.Time { return f.now },
	})
	require.NoError(t, err)
	return f
}

func text(s string) *string { return &s }

// good are settings that are taken.
func good() webhook.Settings {
	return webhook.Settings{URL: text("https://receiver.example/hook"), Events: []string{event.MessageReceived}}
}

func (f *fixture) create(t *testing.T, settings webhook.Settings) (*store.Webhook, string) {
	t.Helper()
	w, shown, err := f.Create(t.Context(), tenant, f.IDs.New("wh"), settings)
	require.NoError(t, err)
	return w, shown
}

func (f *fixture) stored(t *testing.T, webhookID string) *store.Webhook {
	t.Helper()
	w, err := f.store.Webhook(t.Context(), tenant, webhookID)
	require.NoError(t, err)
	return w
}

func problemOf(t *testing.T, err error) *problem.Error {
	t.Helper()
	var p *problem.Error
	require.ErrorAs(t, err, &p)
	return p
}

func TestEverythingThatIsWrongIsReportedAtOnceAndNothingIsStored(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		past := f.now
		_, _, err := f.Create(t.Context(), tenant, f.IDs.New("wh"), webhook.Settings{
			URL: text("http://receiver.example/"), Events: []string{"message.recieved"}, ChannelIDs: &[]string{"chan_acct_b", "chan_acct_a"},
			Format: text("xml"), Description: text(strings.Repeat("ä", 501)), Headers: &map[string]string{"Host": "x", "X-Fine": "y"},
			RateLimit: &webhook.RateLimit{Limit: -1, Period: "soon"}, ExpiresAt: &past, Status: text("disabled"),
		})
		p := problemOf(t, err)
		require.Equal(t, problem.InvalidField, p.Code)
		var fields []string
		for _, wrong := range p.Fields {
			fields = append(fields, wrong.Field)
			require.NotEmpty(t, wrong.Message)
		}
		require.Equal(t, []string{"url", "format", "events", "channelIds", "headers", "rateLimit.period", "rateLimit.limit", "expiresAt", "status", "description"}, fields)
		_, _, err = f.Create(t.Context(), tenant, f.IDs.New("wh"), webhook.Settings{})
		require.Len(t, problemOf(t, err).Fields, 2, "url and events are required")
		n, err := f.store.CountWebhooks(t.Context(), tenant)
		require.NoError(t, err)
		require.Zero(t, n)

		w, _ := f.create(t, good())
		_, err = f.Change(t.Context(), tenant, w.ID, webhook.Settings{URL: text("https://other.example/"), Events: []string{}})
		require.Equal(t, problem.RequiredField, problemOf(t, err).Code)
		require.Equal(t, w.URL, f.stored(t, w.ID).URL, "a change is made as a whole or not at all")
	})
}

func TestAddressesThatMustNotBeCalledAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "sqlite")
	for _, address := range []string{
		"", "receiver.example", "ftp://receiver.example/", "http://receiver.example/", "https://user:pw@receiver.example/", "https:///hook",
		"https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://10.0.0.1/", "https://169.254.169.254/latest",
		"https://192.168.1.1/", "https://0x7f.1/", "https://2130706433/", "https://receiver.example/\r\nX: y", "https://receiver.example/\x00",
		"https://receiver.example:99999/", "https://receiver.example/#part", "https://" + strings.Repeat("a", 3000), "javascript:alert(1)",
	} {
		settings := good()
		settings.URL = &address
		_, _, err := f.Create(t.Context(), tenant, f.IDs.New("wh"), settings)
		p := problemOf(t, err)
		require.Equal(t, problem.InvalidURL, p.Code, address)
		require.Equal(t, "url", p.Field)
	}
	open := newFixture(t, "sqlite", netip.MustParsePrefix("127.0.0.0/8"))
	settings := good()
	settings.URL = text(" http://127.0.0.1:8080/hook ")
	w, _ := open.create(t, settings)
	require.Equal(t, "http://127.0.0.1:8080/hook", w.URL)
}

func TestHeadersThatWouldBreakOrForgeADeliveryAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "sqlite")
	for _, name := range []string{
		"Host", "content-length", "Content-Type", "Transfer-Encoding", "webhook-id", "Webhook-Signature", "X-Switchhook-Event", "X-Whathooks-Signature",
		"X-SocialSyncerAPI-Signature", "X-SocialAPI-Signature", "X-Hub-Signature", "a b", "a:b", "a\r\nb", "ä", "",
	} {
		settings := good()
		settings.Headers = &map[string]string{name: "value"}
		_, _, err := f.Create(t.Context(), tenant, f.IDs.New("wh"), settings)
		require.Equal(t, "headers", problemOf(t, err).Field, name)
	}
	for _, value := range []string{"a\r\nX-Evil: b", "a\x00", "ä", strings.Repeat("x", 5000)} {
		settings := good()
		settings.Headers = &map[string]string{"X-Fine": value}
		_, _, err := f.Create(t.Context(), tenant, f.IDs.New("wh"), settings)
		require.Equal(t, "headers", problemOf(t, err).Field, value)
	}
	settings := good()
	settings.Headers = &map[string]string{"X-B": "2", "Authorization": "Bearer s3cr3t"}
	w, _ := f.create(t, settings)
	require.Equal(t, []string{"Authorization", "X-B"}, f.HeaderNames(w))
	require.NotContains(t, f.stored(t, w.ID).Headers, "s3cr3t", "they are sealed")
	headers, err := webhook.CustomHeaders(f.sealer, f.stored(t, w.ID))
	require.NoError(t, err)
	require.Equal(t, []webhook.Header{{Name: "Authorization", Value: "Bearer s3cr3t"}, {Name: "X-B", Value: "2"}}, headers)
	w, err = f.Change(t.Context(), tenant, w.ID, webhook.Settings{Headers: &map[string]string{}})
	require.NoError(t, err)
	require.Empty(t, f.HeaderNames(w))
}

func TestSubscriptionsWithTheSameAddressAndEventStandSideBySide(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		first, firstSecret := f.create(t, good())
		second, secondSecret := f.create(t, good())
		require.NotEqual(t, first.ID, second.ID)
		require.NotEqual(t, firstSecret, secondSecret)
		taken, err := f.store.EventFactsAny(t.Context(), store.EventWants{Accounts: []string{tenant}}, f.now)
		require.NoError(t, err)
		require.Len(t, taken.Subscribers, 2)
		require.True(t, strings.HasPrefix(firstSecret, "whsec_"))
		require.NotContains(t, f.stored(t, first.ID).Secret, firstSecret[6:])

		again, shown, err := f.Create(t.Context(), tenant, first.ID, good())
		require.NoError(t, err)
		require.Equal(t, first.ID, again.ID)
		require.Equal(t, firstSecret, shown, "the same request again makes nothing new")
		_, err = f.Change(t.Context(), "acct_b", first.ID, webhook.Settings{Status: text("paused")})
		require.ErrorIs(t, err, store.ErrNotFound)
		_, _, err = f.Rotate(t.Context(), "acct_b", first.ID)
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestAFormatTakesOnlyTheEventsThatItHasBodiesFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "sqlite")
	settings := good()
	settings.Format, settings.Events = text(webhook.FormatSociocs), []string{event.MessageStatus, event.MessageReceived, event.MessageStatus}
	w, _ := f.create(t, settings)
	require.Equal(t, []string{event.MessageReceived, event.MessageStatus}, w.Events)
	_, err := f.Change(t.Context(), tenant, w.ID, webhook.Settings{Events: []string{event.AccountLinked}})
	require.Equal(t, "events", problemOf(t, err).Field)
	other, _ := f.create(t, webhook.Settings{URL: text("https://receiver.example/"), Events: []string{event.AccountLinked}})
	_, err = f.Change(t.Context(), tenant, other.ID, webhook.Settings{Format: text(webhook.FormatSociocs)})
	require.Equal(t, "events", problemOf(t, err).Field)
}

func TestARotatedSecretSignsBesideTheOldOneForADay(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		w, old := f.create(t, good())
		w, fresh, err := f.Rotate(t.Context(), tenant, w.ID)
		require.NoError(t, err)
		require.NotEqual(t, old, fresh)
		for _, c := range []struct {
			after time.Duration
			want  []string
		}{{0, []string{fresh, old}}, {24*time.Hour - time.Millisecond, []string{fresh, old}}, {24 * time.Hour, []string{fresh}}} {
			secrets, err := webhook.Secrets(f.sealer, f.stored(t, w.ID), f.now.Add(c.after))
			require.NoError(t, err)
			require.Equal(t, c.want, secrets)
		}
		shown, err := f.Reveal(f.stored(t, w.ID))
		require.NoError(t, err)
		require.Equal(t, fresh, shown)
	})
}

func TestTheSettingsWebhookIsReplacedWithItsIDAndSecret(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		set := func(address string, events ...string) (*store.Webhook, string, bool, error) {
			return f.SetSettings(t.Context(), tenant, f.IDs.New("wh"), webhook.Settings{URL: &address, Events: events})
		}
		first, shown, isNew, err := set("https://one.example/", event.AccountLinked)
		require.NoError(t, err)
		require.True(t, isNew)
		require.Equal(t, webhook.FormatSocialSyncer, first.Format)
		require.Equal(t, store.KindSettings, first.Kind)

		f.now = f.now.Add(time.Hour)
		soon := f.now.Add(time.Minute)
		_, err = f.Change(t.Context(), tenant, first.ID, webhook.Settings{ExpiresAt: &soon})
		require.NoError(t, err)
		f.now = f.now.Add(time.Hour)
		require.NoError(t, f.store.ExpireWebhooksAny(t.Context(), f.now))
		second, again, isNew, err := set("https://two.example/", event.AccountUnlinked)
		require.NoError(t, err)
		require.False(t, isNew)
		require.Equal(t, first.ID, second.ID)
		require.Equal(t, shown, again)
		require.Equal(t, "https://two.example/", f.stored(t, first.ID).URL)
		require.Equal(t, []string{event.AccountUnlinked}, f.stored(t, first.ID).Events)
		require.Equal(t, store.WebhookActive, f.stored(t, first.ID).Status, "an expired one is as new again")

		_, _, _, err = f.SetSettings(t.Context(), tenant, f.IDs.New("wh"), webhook.Settings{})
		require.Len(t, problemOf(t, err).Fields, 2, "a replacement must be whole")
		foreign, other, isNew, err := f.SetSettings(t.Context(), "acct_b", f.IDs.New("wh"), good())
		require.NoError(t, err)
		require.True(t, isNew)
		require.NotEqual(t, first.ID, foreign.ID)
		require.NotEqual(t, shown, other)
	})
}

func TestSettingsMadeAtOnceAreOneWebhook(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		type outcome struct {
			id  string
			err error
		}
		done := make(chan outcome, 10)
		for range cap(done) {
			go func() {
				w, _, _, err := f.SetSettings(t.Context(), tenant, f.IDs.New("wh"), good())
				if err != nil {
					w = &store.Webhook{}
				}
				done <- outcome{w.ID, err}
			}()
		}
		made := map[string]bool{}
		for range cap(done) {
			o := <-done
			require.NoError(t, o.err)
			made[o.id] = true
		}
		require.Len(t, made, 1)
	})
}

// A change reads the whole row and writes it back: what others change meanwhile must survive it.
func TestChangesAtOnceUndoNothing(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		w, _ := f.create(t, good())
		done := make(chan error, 40)
		for i := range cap(done) {
			go func() {
				switch i % 2 {
				case 0:
					_, err := f.Change(t.Context(), tenant, w.ID, webhook.Settings{Description: text(strconv.Itoa(i))})
					done <- err
				default:
					_, shown, err := f.Rotate(t.Context(), tenant, w.ID)
					if err == nil && shown == "" {
						err = fmt.Errorf("rotated to nothing")
					}
					done <- err
				}
			}()
		}
		_, err := f.store.EndWebhookAny(t.Context(), w.ID, store.WebhookUnsubscribed, "The receiver answered 410.", f.now)
		require.NoError(t, err)
		for range cap(done) {
			require.NoError(t, <-done)
		}
		require.Equal(t, store.WebhookUnsubscribed, f.stored(t, w.ID).Status, "no change has brought it back")
		_, fresh, err := f.Rotate(t.Context(), tenant, w.ID)
		require.NoError(t, err)
		_, err = f.Change(t.Context(), tenant, w.ID, webhook.Settings{Description: text("x")})
		require.NoError(t, err)
		shown, err := f.Reveal(f.stored(t, w.ID))
		require.NoError(t, err)
		require.Equal(t, fresh, shown)
	})
}

func TestAPausedWebhookKeepsItsEventsUntilItIsActive(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		w, _ := f.create(t, good())
		d := &store.Delivery{ID: "dlv_1", AccountID: tenant, EventID: "evt_1", WebhookID: w.ID, Status: store.DeliveryPending, DueAt: f.now, CreatedAt: f.now, UpdatedAt: f.now}
		require.NoError(t, f.store.InsertEventGroupAny(t.Context(), store.EventGroup{Deliveries: []*store.Delivery{d}}, f.now))
		for _, step := range []struct {
			status string
			want   store.DeliveryStatus
		}{{"paused", store.DeliveryHeld}, {"paused", store.DeliveryHeld}, {"active", store.DeliveryPending}} {
			_, err := f.Change(t.Context(), tenant, w.ID, webhook.Settings{Status: &step.status})
			require.NoError(t, err)
			d, err := f.store.Delivery(t.Context(), tenant, "dlv_1")
			require.NoError(t, err)
			require.Equal(t, step.want, d.Status)
		}
	})
}
