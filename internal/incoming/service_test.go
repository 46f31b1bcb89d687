package incoming_test

import (
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/incoming"
	"github.com/switchhook/switchhook/internal/limit"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

// kinds are those of channels: "blog" publishes posts and "phone" does not.
type kinds struct{}

func (kinds) Info(kind string) (connectors.Info, bool) {
	info := connectors.Info{Kind: kind}
	if kind == "blog" {
		info.Post = &connectors.PostInfo{}
	}
	return info, kind == "blog" || kind == "phone"
}

// fixture is a service on a database of its own, whose clock a test sets.
type fixture struct {
	*incoming.Service
	store *store.Store
	now   time.Time
}

// eachEngine runs a test on an empty database of each engine, with the channels chan_1, chan_2 (blogs) and chan_phone, and the queue que_1, all of acct_a.
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
			f := &fixture{store: s, now: time.Date(2026, 6, 29, 12, 0, 0, 0, time.UTC)}
			for _, accountID := range []string{"acct_a", "acct_b"} {
				_, err := s.CreateAccount(t.Context(), &store.Account{ID: accountID, Name: "Test", CreatedAt: f.now},
					&store.User{ID: "usr_" + accountID, AccountID: accountID, Email: accountID + "@example.com", CreatedAt: f.now})
				require.NoError(t, err)
			}
			for id, kind := range map[string]string{"chan_1": "blog", "chan_2": "blog", "chan_phone": "phone"} {
				require.NoError(t, s.InsertChannel(t.Context(), &store.Channel{
					ID: id, AccountID: "acct_a", Connector: kind, Name: id, ChannelKey: id, Status: store.ChannelConnected, StatusAt: f.now, CreatedAt: f.now, UpdatedAt: f.now,
				}, 100))
			}
			require.NoError(t, s.InsertQueue(t.Context(), &store.Queue{ID: "que_1", AccountID: "acct_a", Name: "Q", TimeZone: "UTC", Slots: "[]", ChannelIDs: []string{"chan_1"}, Status: store.QueueActive}, 10))
			sealer, err := secret.NewSealer("a sealing key of at least 32 characters")
			require.NoError(t, err)
			f.Service, err = incoming.New(incoming.Options{
				Store: s, Sealer: sealer, Channels: kinds{}, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return f.now }, BaseURL: "https://hooks.example.com",
			})
			require.NoError(t, err)
			test(t, f)
		})
	}
}

func ptr[T any](value T) *T { return &value }

// make makes an incoming webhook of chan_1 and returns it with its token.
func (f *fixture) make(t *testing.T, id string) (*store.IncomingWebhook, string) {
	t.Helper()
	w, err := f.Create(t.Context(), "acct_a", id, incoming.Settings{Name: ptr(" A tool "), ChannelIDs: &[]string{"chan_1"}})
	require.NoError(t, err)
	return w, f.token(t, w)
}

func (f *fixture) token(t *testing.T, w *store.IncomingWebhook) string {
	t.Helper()
	url, err := f.URL(w)
	require.NoError(t, err)
	token, found := strings.CutPrefix(url, "https://hooks.example.com/hooks/")
	require.True(t, found)
	return token
}

// refused requires a problem and returns the fields that it names.
func refused(t *testing.T, err error, code string) []string {
	t.Helper()
	var p *problem.Error
	require.ErrorAs(t, err, &p)
	require.Equal(t, code, p.Code)
	var fields []string
	for _, field := range p.Fields {
		fields = append(fields, field.Field)
	}
	return fields
}

func TestAnAddressIsFoundByItsTokenUntilItIsRotatedOrDeleted(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		made, token := f.make(t, "iwh_1")
		require.Equal(t, limit.Rate{Limit: 60, Period: time.Hour}, incoming.Rate(made))
		require.Equal(t, "A tool", made.Name)
		found, err := f.ByToken(ctx, token)
		require.NoError(t, err)
		require.Equal(t, "iwh_1", found.ID)
		require.NotContains(t, found.Token+found.TokenHash, token, "the token itself is not in the database")
		again, err := f.Create(ctx, "acct_a", "iwh_1", incoming.Settings{})
		require.NoError(t, err)
		require.Equal(t, token, f.token(t, again), "the same request again makes the same")

		rotated, err := f.Rotate(ctx, "acct_a", "iwh_1")
		require.NoError(t, err)
		_, err = f.ByToken(ctx, token)
		refused(t, err, problem.NotFound)
		found, err = f.ByToken(ctx, f.token(t, rotated))
		require.NoError(t, err)
		require.Equal(t, "iwh_1", found.ID)
		require.NoError(t, f.Delete(ctx, "acct_a", "iwh_1"))
		for _, token := range []string{f.token(t, rotated), "", "\x00", strings.Repeat("a", 10_000)} {
			_, err = f.ByToken(ctx, token)
			refused(t, err, problem.NotFound)
		}
		refused(t, f.Delete(ctx, "acct_a", "iwh_1"), problem.NotFound)
		_, err = f.Rotate(ctx, "acct_a", "iwh_1")
		refused(t, err, problem.NotFound)
	})
}

func TestChannelsTakeThePlaceOfAQueueAndTheReverse(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.make(t, "iwh_1")
		w, err := f.Change(t.Context(), "acct_a", "iwh_1", incoming.Settings{QueueID: ptr("que_1")})
		require.NoError(t, err)
		require.Empty(t, w.ChannelIDs)
		w, err = f.Change(t.Context(), "acct_a", "iwh_1", incoming.Settings{ChannelIDs: &[]string{"chan_2", "chan_1"}, QueueID: ptr("")})
		require.NoError(t, err)
		require.Empty(t, w.QueueID)
		w, err = f.Change(t.Context(), "acct_a", "iwh_1", incoming.Settings{RateLimit: &incoming.RateLimit{Limit: 5, Period: "90s"}})
		require.NoError(t, err)
		stored, err := f.Get(t.Context(), "acct_a", "iwh_1")
		require.NoError(t, err)
		require.Equal(t, w, stored)
		require.Equal(t, []string{"chan_2", "chan_1"}, stored.ChannelIDs)
		require.Equal(t, limit.Rate{Limit: 5, Period: 90 * time.Second}, incoming.Rate(stored))
	})
}

func TestAllThatIsWrongWithSettingsIsToldAtOnceAndChangesNothing(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		before, _ := f.make(t, "iwh_1")
		_, err := f.Create(t.Context(), "acct_a", "iwh_2", incoming.Settings{RateLimit: &incoming.RateLimit{Limit: -1, Period: "x"}})
		require.Equal(t, []string{"name", "channelIds", "rateLimit.period", "rateLimit.limit"}, refused(t, err, problem.InvalidField))
		for name, settings := range map[string]incoming.Settings{
			"an empty name": {Name: ptr(" ")}, "a long name": {Name: ptr(strings.Repeat("x", 101))}, "a name of two lines": {Name: ptr("a\nb")}, "a broken name": {Name: ptr("\xff")},
			"no place": {ChannelIDs: &[]string{}}, "both": {ChannelIDs: &[]string{"chan_1"}, QueueID: ptr("que_1")}, "twice": {ChannelIDs: &[]string{"chan_1", "chan_1"}},
			"a channel that posts nothing": {ChannelIDs: &[]string{"chan_phone"}}, "no channel": {ChannelIDs: &[]string{"chan_x"}}, "no queue": {QueueID: ptr("que_x")},
			"too many": {ChannelIDs: ptr(strings.Split(strings.Repeat("x,", 50)+"x", ","))}, "no limit": {RateLimit: &incoming.RateLimit{Period: "1h"}},
			"too often": {RateLimit: &incoming.RateLimit{Limit: 100_001, Period: "1h"}}, "too long": {RateLimit: &incoming.RateLimit{Limit: 1, Period: "25h"}},
		} {
			_, err := f.Change(t.Context(), "acct_a", "iwh_1", settings)
			var p *problem.Error
			require.True(t, errors.As(err, &p) && p.Status() == 400, "%s: %v", name, err)
		}
		_, err = f.Change(t.Context(), "acct_b", "iwh_1", incoming.Settings{Name: ptr("theirs")})
		refused(t, err, problem.NotFound)
		after, err := f.Get(t.Context(), "acct_a", "iwh_1")
		require.NoError(t, err)
		require.Equal(t, before, after)
		theirs, err := f.List(t.Context(), "acct_b", store.Page{Limit: 10})
		require.NoError(t, err)
		require.Empty(t, theirs)
	})
}

func TestItsLastUseIsKeptToTheMinute(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.make(t, "iwh_1")
		first := f.now
		for _, seconds := range []int{0, 30, 59} {
			f.now = first.Add(time.Duration(seconds) * time.Second)
			w, err := f.Get(t.Context(), "acct_a", "iwh_1")
			require.NoError(t, err)
			f.Used(t.Context(), w)
		}
		w, err := f.Get(t.Context(), "acct_a", "iwh_1")
		require.NoError(t, err)
		require.Equal(t, first, w.LastUsedAt)
		f.now = first.Add(time.Minute)
		f.Used(t.Context(), w)
		w, err = f.Get(t.Context(), "acct_a", "iwh_1")
		require.NoError(t, err)
		require.Equal(t, f.now, w.LastUsedAt)
	})
}

func TestAnAccountHasAtMostSoManyWhoeverMakesThemAtOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		w := &store.IncomingWebhook{AccountID: "acct_a", Name: "x", ChannelIDs: []string{"chan_1"}, RateLimit: 1, RatePeriod: time.Hour, CreatedAt: f.now, UpdatedAt: f.now}
		var wait sync.WaitGroup
		results := make(chan error, 10)
		for i := range 10 {
			wait.Go(func() {
				one := *w
				one.ID, one.TokenHash = "iwh_"+string(rune('a'+i)), string(rune('a'+i))
				results <- f.store.InsertIncomingWebhook(t.Context(), &one, 3)
			})
		}
		wait.Wait()
		close(results)
		made := 0
		for err := range results {
			if err == nil {
				made++
				continue
			}
			require.ErrorIs(t, err, store.ErrTooMany)
		}
		require.Equal(t, 3, made)
	})
}

func TestAServiceNamesThePartThatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := incoming.New(incoming.Options{})
	require.ErrorContains(t, err, "is missing")
}
