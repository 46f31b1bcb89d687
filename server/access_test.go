package server

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"github.com/switchhook/switchhook/internal/account"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/limit"
	"github.com/switchhook/switchhook/internal/metrics"
	"github.com/switchhook/switchhook/internal/redisdb"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

// gate is a server with everything that stands before a handler, and with the handlers that a test gives it.
type gate struct {
	*Server
	token     *account.LoginToken
	key       *store.APIKey
	keyText   string
	stopRedis func()
}

func newGate(t *testing.T, change ...func(*Options)) *gate {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := store.Open(t.Context(), store.Options{DataDir: t.TempDir(), Logger: log})
	require.NoError(t, err)
	require.NoError(t, db.Migrate(t.Context()))
	redis, err := redisdb.Open(t.Context(), redisdb.Options{Logger: log})
	require.NoError(t, err)
	limiter, err := limit.New(limit.Options{Client: redis.Client(), Prefix: "limit", Logger: log})
	require.NoError(t, err)
	sealer, err := secret.NewSealer("a key of at least thirty-two bytes")
	require.NoError(t, err)
	accounts, err := account.New(account.Options{
		Store: db, Sealer: sealer, IDs: id.NewGenerator(time.Now), Limiter: limiter, Logger: log, Now: time.Now, Registration: account.RegistrationOpen,
	})
	require.NoError(t, err)
	options := Options{
		Logger: log, Store: db, Accounts: accounts, Limiter: limiter, Metrics: metrics.New(), APIRate: limit.Rate{Limit: 1000, Period: time.Minute},
		WorkerID: "worker_1", Now: time.Now,
	}
	for _, change := range change {
		change(&options)
	}
	g := &gate{Server: &Server{Options: options, app: fiber.New(fiber.Config{Immutable: true})}}
	g.stopRedis = sync.OnceFunc(func() { require.NoError(t, redis.Close()) })
	t.Cleanup(func() {
		accounts.Close()
		g.stopRedis()
		require.NoError(t, db.Close())
	})
	require.NoError(t, db.BeatAny(t.Context(), options.WorkerID, time.Now()))
	g.token, g.key, g.keyText = g.tenant(t, "ann")
	return g
}

// tenant makes an account with a key.
func (g *gate) tenant(t *testing.T, name string) (*account.LoginToken, *store.APIKey, string) {
	t.Helper()
	token, err := g.Accounts.Register(t.Context(), account.Registration{
		Email: name + "@example.com", Password: "correct horse battery", Organization: name, Client: netip.IPv6Loopback(), Local: true,
	})
	require.NoError(t, err)
	key, text, err := g.Accounts.CreateKey(t.Context(), token.Account.ID, g.Accounts.IDs().New("key"), "test")
	require.NoError(t, err)
	return token, key, text.Reveal()
}

// route gives a path a handler.
func (g *gate) route(r route) { g.app.Add(r.method, r.path, g.serve(&r)) }

// whoAmI is a handler that tells whom it was called for.
func whoAmI(r *request) (answer, error) {
	return ok(map[string]string{"account": r.principal.AccountID, "user": r.principal.UserID, "key": r.principal.KeyID})
}

// call sends a request as it would come over the wire. Each header is a line such as "X-Api-Key: abc". A line "From: address" is
// not sent: it says whose connection it is, and without it it is 203.0.113.9's.
func (g *gate) call(t *testing.T, method, path, body string, headers ...string) *fasthttp.Response {
	t.Helper()
	from, host := "203.0.113.9", "hooks.example.com"
	text := ""
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "From":
			from = value
		case "Host":
			host = value
		default:
			text += line + "\r\n"
		}
	}
	text = fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n%s\r\n%s", method, path, host, len(body), text, body)
	var ctx fasthttp.RequestCtx
	var request fasthttp.Request
	require.NoError(t, request.Read(bufio.NewReaderSize(strings.NewReader(text), 16<<10)))
	ctx.Init(&request, &net.TCPAddr{IP: net.ParseIP(from), Port: 4711}, nil)
	g.app.Handler()(&ctx)
	var response fasthttp.Response
	ctx.Response.CopyTo(&response)
	return &response
}

// requireAnswer checks an answer's status, and its code where there is one.
func requireAnswer(t *testing.T, response *fasthttp.Response, status int, code string) {
	t.Helper()
	require.Equal(t, status, response.StatusCode(), "%s", response.Body())
	if code != "" {
		require.Contains(t, string(response.Body()), `"code":"`+code+`"`)
	}
}
