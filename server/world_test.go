package server_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/all"
	"github.com/switchhook/switchhook/connectors/discord/discordtest"
	"github.com/switchhook/switchhook/connectors/gupshup/gupshuptest"
	"github.com/switchhook/switchhook/connectors/meta/metatest"
	"github.com/switchhook/switchhook/connectors/telnyx/telnyxtest"
	"github.com/switchhook/switchhook/connectors/twilio/twiliotest"
	"github.com/switchhook/switchhook/connectors/whatsapp"
	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
	"github.com/switchhook/switchhook/internal/account"
	"github.com/switchhook/switchhook/internal/authorize"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/delivery"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/limit"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/media"
	"github.com/switchhook/switchhook/internal/message"
	"github.com/switchhook/switchhook/internal/metrics"
	"github.com/switchhook/switchhook/internal/openapi/openapitest"
	"github.com/switchhook/switchhook/internal/redisdb"
	"github.com/switchhook/switchhook/internal/safehttp"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/session"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/testenv"
	"github.com/switchhook/switchhook/internal/webhook"
	"github.com/switchhook/switchhook/server"
)

func TestMain(m *testing.M) {
	// The library of linked devices keeps this for the whole process. What the worlds set later is the same.
	root := watest.SharedRoot().PublicKey()
	if _, err := whatsapp.New(whatsapp.Options{TestServer: "127.0.0.1:1", TestRootKey: hex.EncodeToString(root[:])}); err != nil {
		panic(err)
	}
	os.Exit(testenv.Main(m))
}

// patience bounds every wait of a scenario; it is far more than any needs.
const patience = 20 * time.Second

// world is the whole product behind a real listener, with a stand-in for Twilio. Only the alarm clock is left out: what it would
// wake is found by sweeps.
type world struct {
	bell    *live.Bell
	url     string
	server  *server.Server
	store   *store.Store
	twilio  *twiliotest.Server
	meta    *metatest.Server
	telnyx  *telnyxtest.Server
	gupshup *gupshuptest.Server
	discord *discordtest.Server
	phones  *watest.Server // WhatsApp, as linked devices know it
	redis   *redisdb.DB
	checker *openapitest.Checker
	client  *http.Client
	parts   server.Options

	mediaDir string
}

// eachEngine runs a scenario in a world on each database.
func eachEngine(t *testing.T, scenario func(t *testing.T, w *world)) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			scenario(t, newWorld(t, engine))
		})
	}
}

// noAlarm wakes nobody.
type noAlarm struct{}

func (noAlarm) Now(context.Context, string, []string) error              { return nil }
func (noAlarm) At(context.Context, string, string, int, time.Time) error { return nil }

func newWorld(t *testing.T, engine string) *world {
	t.Helper()
	document, err := os.ReadFile("../openapi.yaml")
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &world{
		url: "http://" + listener.Addr().String(), twilio: twiliotest.New(t), meta: metatest.New(t), checker: openapitest.New(t, document),
		telnyx: telnyxtest.New(t), gupshup: gupshuptest.New(t), discord: discordtest.New(t, time.Now()),
		client: &http.Client{Timeout: patience, Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	w.phones, err = watest.New(watest.Options{})
	require.NoError(t, err)
	t.Cleanup(w.phones.Close)
	w.parts = server.Options{
		Logger: slog.New(slog.DiscardHandler), BaseURL: w.url, OpenAPI: document, APIRate: limit.Rate{Limit: 100_000, Period: time.Minute},
		MaxUpload: 4 << 20, Version: "test", WorkerID: "wrk_test", Now: time.Now, Metrics: metrics.New(),
	}
	w.openEngines(t, engine)
	w.wire(t)
	w.server, err = server.New(w.parts)
	require.NoError(t, err)
	w.server.App().Server().ReadTimeout = time.Second // what a test can wait for
	served := make(chan error, 1)
	go func() { served <- w.server.Serve(listener) }()
	t.Cleanup(func() {
		w.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		w.parts.Live.Close() // an open stream would keep the server
		require.NoError(t, w.server.Shutdown(ctx))
		require.NoError(t, <-served)
	})
	return w
}

// setting is what an operator has set.
func (w *world) setting(name string) string {
	root := w.phones.RootKey()
	return map[string]string{
		"WHATSAPP_TEST_SERVER": w.phones.Address(), "WHATSAPP_TEST_ROOT_KEY": hex.EncodeToString(root[:]),
		"TWILIO_BASE_URL": w.twilio.URL, "TELNYX_BASE_URL": w.telnyx.URL, "GUPSHUP_BASE_URL": w.gupshup.URL, "DISCORD_BASE_URL": w.discord.URL,
		"META_BASE_URL": w.meta.URL, "META_APP_SECRET": metatest.AppSecret, "META_VERIFY_TOKEN": metatest.VerifyToken,
	}[name]
}

func (w *world) openEngines(t *testing.T, engine string) {
	t.Helper()
	options := store.Options{DataDir: t.TempDir(), Logger: w.parts.Logger}
	if engine == "postgres" {
		options.URL = testenv.Postgres(t)
	}
	var err error
	w.store, err = store.Open(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.store.Close()) })
	require.NoError(t, w.store.Migrate(t.Context()))
	require.NoError(t, w.store.BeatAny(t.Context(), w.parts.WorkerID, time.Now()))
	w.redis, err = redisdb.Open(t.Context(), redisdb.Options{Logger: w.parts.Logger})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.redis.Close()) })
	w.parts.Limiter, err = limit.New(limit.Options{Client: w.redis.Client(), Prefix: "limit", Logger: w.parts.Logger})
	require.NoError(t, err)
	w.parts.Store, w.parts.Ready = w.store, w.store.Ping
	w.bell, err = live.NewBell(live.BellOptions{Redis: w.redis.Client(), Logger: w.parts.Logger})
	require.NoError(t, err)
	t.Cleanup(w.bell.Close)
	w.parts.Bell = w.bell
	w.parts.Live, err = live.New(live.Options{Store: w.store, Bell: w.bell, Logger: w.parts.Logger, Now: time.Now})
	require.NoError(t, err)
	t.Cleanup(w.parts.Live.Close)
}

func (w *world) wire(t *testing.T) {
	t.Helper()
	o, ids := &w.parts, id.NewGenerator(time.Now)
	sealer, err := secret.NewSealer("a sealing key of at least 32 characters")
	require.NoError(t, err)
	o.HTTP, err = safehttp.New(safehttp.Options{
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Trusted: []string{w.twilio.URL, w.meta.URL, w.discord.URL}, Timeout: 2 * time.Second, UserAgent: "test",
	})
	require.NoError(t, err)
	t.Cleanup(o.HTTP.Close)
	o.Connectors, o.Apps = all.New(w.setting), all.Apps(w.setting)
	require.NoError(t, all.AddLinked(o.Connectors, w.setting))
	parallel := 2
	if w.store.Engine() == "sqlite" {
		parallel = 1
	}
	o.Deliveries, err = delivery.New(delivery.Options{
		Bell:  w.bell,
		Store: w.store, IDs: ids, HTTP: o.HTTP, Sealer: sealer, Alarm: noAlarm{}, Limiter: o.Limiter, Observer: o.Metrics, Logger: o.Logger,
		Now: time.Now, WorkerID: o.WorkerID, Schedule: []time.Duration{30 * time.Millisecond, 60 * time.Millisecond}, Parallel: parallel,
	})
	require.NoError(t, err)
	o.Events, err = event.New(event.Options{
		Bell:  w.bell,
		Store: w.store, IDs: ids, Alarm: noAlarm{}, Dispatcher: o.Deliveries, WorkerID: o.WorkerID, Logger: o.Logger, Now: time.Now, Parallel: parallel,
	})
	require.NoError(t, err)
	w.wireServices(t, sealer, ids)
	o.Deliveries.Connect(o.Events, o.Messages)
	w.work(t)
}

func (w *world) wireServices(t *testing.T, sealer *secret.Sealer, ids *id.Generator) {
	t.Helper()
	o := &w.parts
	var err error
	o.Channels, err = channel.New(channel.Options{
		Bell:  w.bell,
		Store: w.store, Sealer: sealer, Connectors: o.Connectors, HTTP: o.HTTP.HTTP(), PublicHTTP: o.HTTP.PublicHTTP(), Dial: o.HTTP.Dial, IDs: ids, Logger: o.Logger,
		Now: time.Now, BaseURL: w.url, Listener: message.ChannelNews{Publisher: o.Events, Connectors: o.Connectors},
	})
	require.NoError(t, err)
	o.Authorize, err = authorize.New(authorize.Options{
		Store: w.store, Sealer: sealer, Channels: o.Channels, Connectors: o.Connectors, IDs: ids, Logger: o.Logger, Now: time.Now, BaseURL: w.url,
	})
	require.NoError(t, err)
	o.Webhooks, err = webhook.New(webhook.Options{
		Bell: w.bell, Store: w.store, Sealer: sealer, IDs: ids, HTTP: o.HTTP, Now: time.Now,
	})
	require.NoError(t, err)
	w.mediaDir = t.TempDir()
	o.Media, err = media.New(media.Options{
		Store: w.store, Sealer: sealer, Dir: w.mediaDir, HTTP: o.HTTP.PublicHTTP(), Channels: o.Channels, IDs: ids, Logger: o.Logger,
		Now: time.Now, BaseURL: w.url,
	})
	require.NoError(t, err)
	t.Cleanup(o.Media.Close)
	o.Messages, err = message.New(message.Options{
		Bell:  w.bell,
		Store: w.store, IDs: ids, Channels: o.Channels, Media: o.Media, Publisher: o.Events, Observer: o.Metrics, Logger: o.Logger,
		Now: time.Now, WorkerID: o.WorkerID,
	})
	require.NoError(t, err)
	o.Sessions, err = session.New(session.Options{
		Bell:  w.bell,
		Store: w.store, Channels: o.Channels, Connectors: o.Connectors, Outbox: o.Messages, Publisher: o.Events, IDs: ids, Redis: w.redis.Client(),
		HTTP: o.HTTP.HTTP(), PublicHTTP: o.HTTP.PublicHTTP(), Dial: o.HTTP.Dial, Logger: o.Logger, Now: time.Now, WorkerID: o.WorkerID,
	})
	require.NoError(t, err)
	o.Messages.ConnectSessions(o.Sessions)
	w.wirePosting(t, sealer, ids)
	o.Accounts, err = account.New(account.Options{
		Store: w.store, Sealer: sealer, IDs: ids, Limiter: o.Limiter, Logger: o.Logger, Now: time.Now, Registration: account.RegistrationOpen,
	})
	require.NoError(t, err)
	t.Cleanup(o.Accounts.Close)
}

// reply is an answer of the product.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// field returns a member of a JSON answer, found by names.
func (r reply) field(t *testing.T, names ...string) any {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal(r.body, &value), "%s", r.body)
	for _, name := range names {
		object, ok := value.(map[string]any)
		require.True(t, ok, "%s", r.body)
		value = object[name]
	}
	return value
}

func (r reply) text(t *testing.T, names ...string) string {
	t.Helper()
	text, ok := r.field(t, names...).(string)
	require.True(t, ok, "%v of %s", names, r.body)
	return text
}

// call makes a request and holds its answer against openapi.yaml. Each header is a line. A body that has no Content-Type of its own
// is JSON.
func (w *world) call(t *testing.T, method, path, body string, headers ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, line := range headers {
		if name, value, given := strings.Cut(line, ": "); given {
			request.Header.Set(name, value)
		}
	}
	return w.do(t, request)
}

func (w *world) do(t *testing.T, request *http.Request) reply {
	t.Helper()
	response, err := w.client.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	w.checker.Check(t, request.Method, request.URL.String(), response.StatusCode, response.Header, body)
	return reply{response.StatusCode, response.Header, body}
}

// tenant is an account with both of its credentials.
type tenant struct {
	*world
	id, token, key string
}

func (w *world) tenant(t *testing.T, name string) *tenant {
	t.Helper()
	made := w.call(t, "POST", "/v1/auth/register", `{"email":"`+name+`@example.com","password":"correct horse battery","organization":"`+name+`"}`)
	require.Equal(t, 201, made.status, "%s", made.body)
	a := &tenant{world: w, id: made.text(t, "account", "id"), token: "Authorization: Bearer " + made.text(t, "token")}
	key := w.call(t, "POST", "/v1/keys", `{"name":"test"}`, a.token)
	require.Equal(t, 201, key.status, "%s", key.body)
	a.key = key.text(t, "key")
	return a
}

// send calls with the API key and requires a status.
func (a *tenant) send(t *testing.T, status int, method, path, body string, headers ...string) reply {
	t.Helper()
	r := a.call(t, method, path, body, append([]string{"X-Api-Key: " + a.key}, headers...)...)
	require.Equal(t, status, r.status, "%s %s %s: %s", method, path, body, r.body)
	return r
}

// refused calls with the API key and requires a 4xx with a code and a sentence.
func (a *tenant) refused(t *testing.T, status int, code, method, path, body string, headers ...string) reply {
	t.Helper()
	r := a.send(t, status, method, path, body, headers...)
	require.Equal(t, code, r.text(t, "code"), "%s", r.body)
	require.NotEmpty(t, r.text(t, "message"))
	return r
}

func (a *tenant) channel(t *testing.T, kind, config string) string {
	t.Helper()
	return a.send(t, 201, "POST", "/v1/channels", `{"connector":"`+kind+`","config":`+config+`}`).text(t, "id")
}

func (a *tenant) twilioChannel(t *testing.T, kind string) string {
	t.Helper()
	return a.channel(t, kind, `{"accountSid":"`+twiliotest.AccountSID+`","authToken":"`+twiliotest.AuthToken+`","phoneNumber":"+16311113333"}`)
}

// webhook subscribes and returns the id and the secret.
func (a *tenant) webhook(t *testing.T, url, more string) (webhookID, shown string) {
	t.Helper()
	made := a.send(t, 201, "POST", "/v1/webhooks", `{"url":"`+url+`","events":["message.received","message.status"]`+more+`}`)
	return made.text(t, "id"), made.text(t, "secret")
}

// eventually waits for something that happens by and by.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	require.Eventually(t, happened, patience, 10*time.Millisecond, what)
}

// nothingHappened requires that an account has neither messages nor events, and that nothing went out.
func (a *tenant) nothingHappened(t *testing.T) {
	t.Helper()
	for _, list := range []string{"messages", "events", "deliveries"} {
		require.Empty(t, a.send(t, 200, "GET", "/v1/"+list, "").field(t, "data"), list)
	}
	require.Empty(t, a.twilio.Sent())
}
