package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/all"
	"github.com/switchhook/switchhook/internal/account"
	"github.com/switchhook/switchhook/internal/authorize"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/config"
	"github.com/switchhook/switchhook/internal/contact"
	"github.com/switchhook/switchhook/internal/delivery"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/incoming"
	"github.com/switchhook/switchhook/internal/limit"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/media"
	"github.com/switchhook/switchhook/internal/message"
	"github.com/switchhook/switchhook/internal/metrics"
	"github.com/switchhook/switchhook/internal/post"
	"github.com/switchhook/switchhook/internal/queue"
	"github.com/switchhook/switchhook/internal/redisdb"
	"github.com/switchhook/switchhook/internal/safehttp"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/session"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/wake"
	"github.com/switchhook/switchhook/internal/webhook"
	"github.com/switchhook/switchhook/server"
	"github.com/switchhook/switchhook/tasks"
)

// networkAnswer is how long a network may think about a request that is out. Some work on a film before they answer; the callers' contexts
// are shorter where that is right.
const networkAnswer = time.Minute

// product is the wired whole.
type product struct {
	config   *config.Config
	logger   *slog.Logger
	workerID string

	store      *store.Store
	redis      *redisdb.DB
	sealer     *secret.Sealer
	ids        *id.Generator
	http       *safehttp.Client
	limiter    *limit.Limiter
	waker      *wake.Waker
	bell       *live.Bell
	live       *live.Hub
	metrics    *metrics.Metrics
	connectors map[string]connectors.Connector
	deliveries *delivery.Service
	publisher  *event.Publisher
	accounts   *account.Service
	channels   *channel.Service
	authorize  *authorize.Service
	webhooks   *webhook.Service
	media      *media.Service
	messages   *message.Service
	sessions   *session.Service
	posts      *post.Service
	queues     *queue.Service
	incoming   *incoming.Service
	importer   *contact.Importer
	worker     *tasks.Worker
	server     *server.Server
	setupCode  string

	stopJobs context.CancelFunc
	jobs     sync.WaitGroup
}

// openStore opens the database, brings its schema up to date, and checks that the key that seals its secrets is the right one.
func openStore(ctx context.Context, c *config.Config, logger *slog.Logger) (*store.Store, *secret.Sealer, error) {
	s, err := store.Open(ctx, store.Options{URL: c.DatabaseURL.Reveal(), DataDir: c.DataDir, Logger: logger})
	if err != nil {
		return nil, nil, err
	}
	sealer, err := openSealer(ctx, c, s)
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return s, sealer, nil
}

func openSealer(ctx context.Context, c *config.Config, s *store.Store) (*secret.Sealer, error) {
	if err := s.Migrate(ctx); err != nil {
		return nil, err
	}
	keys, err := c.SealingKeys()
	if err != nil {
		return nil, err
	}
	sealer, err := secret.NewSealer(keys...)
	if err != nil {
		return nil, err
	}
	record, err := sealer.Check()
	if err != nil {
		return nil, err
	}
	if _, err := s.PutSettingOnce(ctx, "sealer_check", record); err != nil {
		return nil, err
	}
	stored, err := s.Setting(ctx, "sealer_check")
	if err != nil {
		return nil, err
	}
	if err := sealer.CheckKey(stored); err != nil {
		return nil, fmt.Errorf("SECRET_KEY is not the key that sealed this database's credentials (%w). Give the right one, or both while rotating", err)
	}
	return sealer, nil
}

// build wires everything and starts nothing that works on data yet.
func build(ctx context.Context, c *config.Config, logger *slog.Logger) (*product, error) {
	p := &product{config: c, logger: logger}
	var err error
	if p.store, p.sealer, err = openStore(ctx, c, logger); err != nil {
		return nil, err
	}
	if p.redis, err = redisdb.Open(ctx, redisdb.Options{URL: c.RedisURL.Reveal(), Logger: logger}); err != nil {
		return nil, errors.Join(err, p.store.Close())
	}
	for _, step := range []func() error{p.buildTools, p.buildDelivery, p.buildServices, p.buildPosting, p.buildServer} {
		if err := step(); err != nil {
			return nil, errors.Join(err, p.redis.Close(), p.store.Close())
		}
	}
	return p, p.begin(ctx)
}

func (p *product) buildTools() (err error) {
	p.ids = id.NewGenerator(time.Now)
	p.workerID = p.ids.New("wrk")
	p.connectors = all.New(p.config.Setting)
	if err := all.AddLinked(p.connectors, p.config.Setting); err != nil {
		return err
	}
	p.http, err = safehttp.New(safehttp.Options{
		Allow: p.config.AllowPrivateNetworks, Trusted: all.BaseURLs(p.config.Setting), Timeout: p.config.WebhookTimeout, Answer: networkAnswer,
		UserAgent: "Switchhook/" + version,
	})
	if err != nil {
		return err
	}
	if p.limiter, err = limit.New(limit.Options{Client: p.redis.Client(), Prefix: "switchhook:limit", Logger: p.logger}); err != nil {
		return err
	}
	if p.waker, err = wake.New(wake.Options{Client: p.redis.Client(), Logger: p.logger}); err != nil {
		return err
	}
	bell := live.BellOptions{Logger: p.logger}
	if !p.redis.Embedded() { // else there is no other process
		bell.Redis = p.redis.Client()
	}
	if p.bell, err = live.NewBell(bell); err != nil {
		return err
	}
	if p.live, err = live.New(live.Options{Store: p.store, Bell: p.bell, Logger: p.logger, Now: time.Now}); err != nil {
		return err
	}
	p.metrics = metrics.New(tasks.NewQueueMetrics(p.redis.Client()), metrics.NewState(p.store, p.logger, time.Now), metrics.NewStreams(p.live.Count))
	return nil
}

// parallelCommits is how many transactions of a kind run at a time: SQLite has one writer.
func (p *product) parallelCommits() int {
	if p.store.Engine() == "sqlite" {
		return 2
	}
	return 2
}

func (p *product) buildDelivery() (err error) {
	p.deliveries, err = delivery.New(delivery.Options{
		Store: p.store, IDs: p.ids, HTTP: p.http, Sealer: p.sealer, Alarm: p.waker, Limiter: p.limiter, Observer: p.metrics,
		Logger: p.logger, Now: time.Now, WorkerID: p.workerID, Schedule: p.config.WebhookSchedule, Parallel: p.parallelCommits(), Bell: p.bell,
	})
	if err != nil {
		return err
	}
	options := event.Options{
		Store: p.store, IDs: p.ids, Alarm: p.waker, Bell: p.bell, WorkerID: p.workerID, Logger: p.logger, Now: time.Now, Parallel: p.parallelCommits(),
	}
	if p.config.Role.Works() {
		options.Dispatcher = p.deliveries
	}
	p.publisher, err = event.New(options)
	return err
}

func (p *product) buildServices() (err error) {
	p.channels, err = channel.New(channel.Options{
		Store: p.store, Sealer: p.sealer, Connectors: p.connectors, HTTP: p.http.HTTP(), PublicHTTP: p.http.PublicHTTP(), Dial: p.http.Dial, IDs: p.ids, Logger: p.logger,
		Now: time.Now, BaseURL: p.config.BaseURL, Listener: message.ChannelNews{Publisher: p.publisher, Connectors: p.connectors}, Bell: p.bell,
	})
	if err != nil {
		return err
	}
	p.authorize, err = authorize.New(authorize.Options{
		Store: p.store, Sealer: p.sealer, Channels: p.channels, Connectors: p.connectors, IDs: p.ids, Logger: p.logger, Now: time.Now, BaseURL: p.config.BaseURL,
	})
	if err != nil {
		return err
	}
	p.webhooks, err = webhook.New(webhook.Options{Store: p.store, Sealer: p.sealer, IDs: p.ids, HTTP: p.http, Now: time.Now, Bell: p.bell})
	if err != nil {
		return err
	}
	storage, err := openStorage(context.Background(), p.config)
	if err != nil {
		return err
	}
	p.media, err = media.New(media.Options{
		Store: p.store, Sealer: p.sealer, Dir: filepath.Join(p.config.DataDir, "media"), Storage: storage, HTTP: p.http.PublicHTTP(), Channels: p.channels,
		IDs: p.ids, Logger: p.logger, Now: time.Now, BaseURL: p.config.BaseURL,
	})
	if err != nil {
		return err
	}
	p.messages, err = message.New(message.Options{
		Store: p.store, IDs: p.ids, Channels: p.channels, Media: p.media, Publisher: p.publisher, Observer: p.metrics, Logger: p.logger,
		Now: time.Now, WorkerID: p.workerID, Bell: p.bell, AutoContacts: p.config.AutoContacts,
	})
	if err != nil {
		return err
	}
	p.sessions, err = session.New(session.Options{
		Store: p.store, Channels: p.channels, Connectors: p.connectors, Outbox: p.messages, Publisher: p.publisher, IDs: p.ids, Redis: p.redis.Client(),
		HTTP: p.http.HTTP(), PublicHTTP: p.http.PublicHTTP(), Dial: p.http.Dial, Logger: p.logger, Now: time.Now, WorkerID: p.workerID, Bell: p.bell,
	})
	if err != nil {
		return err
	}
	p.messages.ConnectSessions(p.sessions)
	p.deliveries.Connect(p.publisher, p.messages)
	p.importer, err = contact.NewImporter(contact.ImporterOptions{Store: p.store, Now: time.Now, Bell: p.bell})
	return err
}

func (p *product) buildPosting() (err error) {
	if p.queues, err = queue.New(queue.Options{Store: p.store, Kinds: p.channels, Logger: p.logger, Now: time.Now, Bell: p.bell}); err != nil {
		return err
	}
	p.posts, err = post.New(post.Options{
		Store: p.store, IDs: p.ids, Channels: p.channels, Media: p.media, Slots: p.queues, Publisher: p.publisher, Logger: p.logger, Now: time.Now,
		WorkerID: p.workerID, Bell: p.bell,
	})
	if err != nil {
		return err
	}
	p.incoming, err = incoming.New(incoming.Options{
		Store: p.store, Sealer: p.sealer, Channels: p.channels, Logger: p.logger, Now: time.Now, BaseURL: p.config.BaseURL,
	})
	return err
}

func (p *product) buildServer() (err error) {
	n, err := p.store.CountAccountsAny(context.Background())
	if err != nil {
		return err
	}
	if n == 0 {
		p.setupCode = secret.NewToken(16).Reveal()
	}
	p.accounts, err = account.New(account.Options{
		Store: p.store, Sealer: p.sealer, IDs: p.ids, Limiter: p.limiter, Logger: p.logger, Now: time.Now,
		Registration: string(p.config.Registration), SetupCode: secret.String(p.setupCode),
	})
	if err != nil {
		return err
	}
	p.server, err = server.New(server.Options{
		Logger: p.logger, Store: p.store, Accounts: p.accounts, Channels: p.channels, Authorize: p.authorize, Sessions: p.sessions, Webhooks: p.webhooks,
		Messages: p.messages, Posts: p.posts, Queues: p.queues, Incoming: p.incoming, Deliveries: p.deliveries, Events: p.publisher, Media: p.media, Limiter: p.limiter, Live: p.live, Bell: p.bell, HTTP: p.http, Metrics: p.metrics,
		Connectors: p.connectors, Apps: all.Apps(p.config.Setting), BaseURL: p.config.BaseURL, OpenAPI: openAPI, TrustedProxies: []netip.Prefix(p.config.TrustedProxies),
		MetricsToken: p.config.MetricsToken.Reveal(), APIRate: limit.Rate{Limit: int64(p.config.APIRateLimit), Period: time.Minute}, MaxUpload: int64(p.config.MaxUpload),
		Operation: server.Operation{
			Retention: p.config.Retention, WebhookTimeout: p.config.WebhookTimeout, WebhookSchedule: p.config.WebhookSchedule,
			PrivateNetworks: len(p.config.AllowPrivateNetworks) > 0, EmbeddedRedis: p.redis.Embedded(), CheckRedis: p.redis.Check,
		},
		Version: version, WorkerID: p.workerID, ProbesOnly: !p.config.Role.Serves(), Ready: p.store.Ping, Now: time.Now,
	})
	if err != nil {
		return err
	}
	p.worker, err = tasks.New(tasks.Options{
		Redis: p.redis.Client(), Logger: p.logger, Concurrency: p.config.WorkerConcurrency, StopWithin: p.config.ShutdownTimeout,
		Handlers: map[string]tasks.Handler{
			wake.Deliver: p.deliveries.Deliver,
			wake.Send:    func(ctx context.Context, _ []string) error { return p.messages.SendQueued(ctx) },
		},
	})
	return err
}
