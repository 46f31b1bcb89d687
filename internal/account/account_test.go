package account

import (
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/limit"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/redisdb"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

const goodPassword = "correct horse battery"

// world is a service on a real database and limiter, with a clock of its own.
type world struct {
	*Service
	options   Options
	stopRedis func() // more than once does no harm

	mu  sync.Mutex
	now time.Time
}

func newWorld(t *testing.T, change ...func(*Options)) *world {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	w := &world{now: time.Date(2026, 6, 29, 14, 0, 0, 0, time.UTC)}
	s, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir(), Logger: log})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	redis, err := redisdb.Open(t.Context(), redisdb.Options{Logger: log})
	require.NoError(t, err)
	w.stopRedis = sync.OnceFunc(func() { require.NoError(t, redis.Close()) })
	limiter, err := limit.New(limit.Options{Client: redis.Client(), Prefix: "limit", Logger: log})
	require.NoError(t, err)
	sealer, err := secret.NewSealer("a key of at least thirty-two bytes")
	require.NoError(t, err)
	w.options = Options{
		Store: s, Sealer: sealer, IDs: id.NewGenerator(w.clock), Limiter: limiter, Logger: log, Now: w.clock,
		Registration: RegistrationOpen, SetupCode: "the setup code",
	}
	for _, change := range change {
		change(&w.options)
	}
	w.Service = w.another(t)
	t.Cleanup(func() {
		w.Close()
		require.NoError(t, w.options.Store.Close())
		w.stopRedis()
	})
	return w
}

// another is the service of another process on the same database.
func (w *world) another(t *testing.T) *Service {
	t.Helper()
	s, err := New(w.options)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// register makes an account whose user is <name>@example.com.
func (w *world) register(t *testing.T, name string) *LoginToken {
	t.Helper()
	token, err := w.Register(t.Context(), wish(name))
	require.NoError(t, err)
	return token
}

func wish(name string) Registration {
	return Registration{
		Email: name + "@example.com", Password: goodPassword, Organization: name, Client: netip.MustParseAddr("127.0.0.1"), Local: true,
	}
}

func (w *world) key(t *testing.T, accountID string) (*store.APIKey, secret.String) {
	t.Helper()
	k, text, err := w.CreateKey(t.Context(), accountID, w.IDs().New("key"), "test")
	require.NoError(t, err)
	return k, text
}

// requireCode checks which error a user would see.
func requireCode(t *testing.T, code string, err error) *problem.Error {
	t.Helper()
	var p *problem.Error
	require.ErrorAs(t, err, &p)
	require.Equal(t, code, p.Code, "%v", err)
	return p
}

func TestAMissingOptionIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, change := range map[string]func(*Options){
		"Store":        func(o *Options) { o.Store = nil },
		"Sealer":       func(o *Options) { o.Sealer = nil },
		"IDs":          func(o *Options) { o.IDs = nil },
		"Limiter":      func(o *Options) { o.Limiter = nil },
		"Logger":       func(o *Options) { o.Logger = nil },
		"Now":          func(o *Options) { o.Now = nil },
		"Registration": func(o *Options) { o.Registration = "everybody" },
	} {
		o := w.options
		change(&o)
		_, err := New(o)
		require.ErrorContains(t, err, "Options."+name)
	}
}

func TestASavedAnswerIsSealedForItsCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sealed, err := w.SealAnswer("acct_ann", "k1", []byte(`{"key":"sk_live_1"}`))
	require.NoError(t, err)
	require.NotContains(t, sealed, "sk_live_")
	body, err := w.OpenAnswer("acct_ann", "k1", sealed)
	require.NoError(t, err)
	require.JSONEq(t, `{"key":"sk_live_1"}`, string(body))
	for account, key := range map[string]string{"acct_bob": "k1", "acct_ann": "k2"} {
		_, err = w.OpenAnswer(account, key, sealed)
		require.ErrorIs(t, err, secret.ErrUnsealable)
	}
}
