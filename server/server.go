// Package server is the HTTP interface: it parses, authorises, calls and answers, and does nothing else.
// routes.go holds the route table.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"reflect"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/account"
	"github.com/switchhook/switchhook/internal/authorize"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/delivery"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/incoming"
	"github.com/switchhook/switchhook/internal/limit"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/media"
	"github.com/switchhook/switchhook/internal/message"
	"github.com/switchhook/switchhook/internal/metrics"
	"github.com/switchhook/switchhook/internal/post"
	"github.com/switchhook/switchhook/internal/queue"
	"github.com/switchhook/switchhook/internal/safehttp"
	"github.com/switchhook/switchhook/internal/session"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/webhook"
	"github.com/switchhook/switchhook/server/web"
)

// maxBody is how large a JSON body may be (api.md: 1 MiB).
const maxBody = 1 << 20

// handlerTimeout bounds one request's work; sending waits for the network at most as long.
const handlerTimeout = 30 * time.Second

// Options is what the server is wired from. Every field but those said to be optional is required.
type Options struct {
	Logger     *slog.Logger
	Store      *store.Store
	Accounts   *account.Service
	Channels   *channel.Service
	Authorize  *authorize.Service
	Sessions   *session.Service
	Webhooks   *webhook.Service
	Messages   *message.Service
	Deliveries *delivery.Service
	Posts      *post.Service
	Queues     *queue.Service
	Incoming   *incoming.Service
	Events     *event.Publisher
	Media      *media.Service
	Limiter    *limit.Limiter
	Live       *live.Hub
	Bell       *live.Bell // optional: tells open pages
	HTTP       *safehttp.Client
	Metrics    *metrics.Metrics
	Connectors map[string]connectors.Connector
	Apps       map[string]connectors.AppReceiver // optional: by the last part of their addresses, such as "meta"

	BaseURL        string         // what we are reached at, without a slash at its end
	OpenAPI        []byte         // openapi.yaml
	TrustedProxies []netip.Prefix // optional: whose X-Forwarded-For is believed
	MetricsToken   string         // optional: bearer token of /metrics; without it only loopback and private addresses get it
	APIRate        limit.Rate     // per API key
	MaxUpload      int64          // bytes of a request with files
	Version        string
	WorkerID       string
	ProbesOnly     bool                        // optional: answer health, readiness and metrics only, in a process that only works
	Ready          func(context.Context) error // what /readyz asks besides the drain state
	Operation      Operation                   // optional
	Now            func() time.Time
}

// Server answers HTTP. Make it with New, start it with Serve, stop it with Shutdown.
type Server struct {
	Options
	app       *fiber.App
	handler   fasthttp.RequestHandler // of calls within the process
	pages     *web.Web
	draining  chan struct{}
	seen      *callbackLog
	documents documents
}

// New wires the server. A required option that is missing is an error that names it.
func New(options Options) (*Server, error) {
	if err := requireAll(options, "Apps", "TrustedProxies", "MetricsToken", "ProbesOnly", "Operation", "Bell"); err != nil {
		return nil, err
	}
	options.OpenAPI = describe(options.OpenAPI, options.BaseURL)
	s := &Server{Options: options, draining: make(chan struct{}), seen: newCallbackLog(options)}
	s.app = fiber.New(fiber.Config{
		AppName:               "Switchhook",
		DisableStartupMessage: true,
		Immutable:             true, // values are kept after a handler returns
		StrictRouting:         false,
		CaseSensitive:         true,
		StreamRequestBody:     true, // files are not kept in memory; intake.go has the bounds
		BodyLimit:             1,    // with streaming, how much is read before the handler is asked
		ReadTimeout:           15 * time.Second,
		WriteTimeout:          5 * time.Minute, // a large file over a slow line
		IdleTimeout:           75 * time.Second,
		ReadBufferSize:        16 << 10, // request line and headers
		// Forms with files are taken apart by whoever wants one: not before it is known who sends it, and its raw bytes may be signed.
		DisablePreParseMultipartForm: true,

		ErrorHandler: s.fiberError,
		ServerHeader: "",
	})
	s.app.Server().Handler = s.drained(s.app.Server().Handler)
	var err error
	if s.pages, err = s.newDashboard(); err != nil {
		return nil, err
	}
	s.install()
	s.handler = s.app.Handler()
	return s, nil
}

// requireAll reports the first field of options that is zero and not listed as optional.
func requireAll(options Options, optional ...string) error {
	value := reflect.ValueOf(options)
next:
	for i := range value.NumField() {
		name := value.Type().Field(i).Name
		for _, o := range optional {
			if o == name {
				continue next
			}
		}
		if value.Field(i).IsZero() {
			return fmt.Errorf("make server: Options.%s is missing", name)
		}
	}
	return nil
}

// Serve answers on the listener until Shutdown. It blocks.
func (s *Server) Serve(listener net.Listener) error {
	if err := s.app.Listener(listener); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// Drain makes /readyz say no, so that no new requests are sent here. It may be called once, before Shutdown.
// The live streams of pages end: an open stream would keep Shutdown waiting for all of its time.
func (s *Server) Drain() {
	close(s.draining)
	s.Live.Close()
}

// Shutdown lets requests under way end and then stops. It returns when they have, or with an error when ctx ends first.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.app.ShutdownWithContext(ctx)
	s.seen.close(ctx)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("stop server: %w", err)
	}
	return nil
}

// App gives tests the Fiber application, for requests without a socket.
func (s *Server) App() *fiber.App { return s.app }
