package main

import (
	"context"
	"errors"
	"time"

	"github.com/switchhook/switchhook/internal/authorize"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/tasks"
)

const (
	sweepEvery   = time.Second // how long a delivery that no alarm rang for waits at most
	reclaimEvery = 3 * time.Second
	lostEvery    = 10 * time.Second
	fetchEvery   = 2 * time.Second
	importEvery  = time.Second
	publishEvery = time.Second
	postEvery    = 5 * time.Second
	realignEvery = 30 * time.Second
	expireEvery  = time.Minute
	purgeEvery   = 10 * time.Minute
	purgeSize    = 500 // rows in one batch
)

// begin makes this process known as an owner of work. With SQLite it is the only one, so that whatever earlier ones
// owned is free at once.
func (p *product) begin(ctx context.Context) error {
	if p.store.Engine() == "sqlite" {
		if err := p.store.RemoveWorkersAny(ctx); err != nil {
			return err
		}
	}
	return p.beat(ctx)
}

// beat says that this process lives, and with that keeps the sessions that it holds.
func (p *product) beat(ctx context.Context) error {
	started := time.Now()
	if err := p.store.BeatAny(ctx, p.workerID, started); err != nil {
		return err
	}
	p.sessions.Beat(started)
	return nil
}

// start begins the periodic work. Every process beats, since all of them can own messages; the rest is the workers'.
func (p *product) start(ctx context.Context) {
	jobs, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p.stopJobs = cancel
	every := func(interval time.Duration, name string, run func(context.Context) error) {
		p.jobs.Go(func() { tasks.Every(jobs, interval, name, p.logger, run) })
	}
	every(store.BeatInterval, "beat", p.beat)
	if !p.config.Role.Works() {
		return
	}
	every(sweepEvery, "sweep_deliveries", p.deliveries.Sweep)
	every(reclaimEvery, "reclaim_deliveries", p.deliveries.Reclaim)
	every(sweepEvery, "send_messages", p.messages.SendQueued)
	every(lostEvery, "settle_lost_messages", p.messages.SettleLost)
	every(fetchEvery, "fetch_media", func(ctx context.Context) error {
		_, err := p.media.FetchDueAny(ctx)
		return err
	})
	every(lostEvery, "release_missed_deliveries", func(ctx context.Context) error { return p.store.ReleaseMissedAny(ctx, time.Now()) })
	every(publishEvery, "publish_posts", p.posts.PublishDue)
	every(postEvery, "settle_lost_posts", p.posts.SettleLost)
	every(postEvery, "look_up_posts", p.posts.LookUp)
	every(postEvery, "tell_posts", p.posts.TellDue)
	every(realignEvery, "realign_queues", p.queues.Realign)
	every(importEvery, "import_contacts", p.importer.Work)
	every(expireEvery, "expire_webhooks", func(ctx context.Context) error { return p.store.ExpireWebhooksAny(ctx, time.Now()) })
	every(purgeEvery, "purge", p.purge)
	p.jobs.Go(func() { p.sessions.Run(jobs) })
	p.jobs.Go(func() { p.whenKicked(jobs) })
	if err := p.worker.Start(jobs); err != nil {
		p.logger.Error("tasks.start_failed", "error", err) // the sweeps do without
	}
}

// whenKicked sweeps, sends and publishes at once when there is a reason, instead of at the next regular time.
func (p *product) whenKicked(ctx context.Context) {
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-p.deliveries.More():
			err = p.deliveries.Sweep(ctx)
		case <-p.posts.Kicked():
			if err := p.posts.PublishDue(ctx); err != nil {
				p.logger.Error("job.failed", "job", "publish_posts", "error", err)
			}
		case <-p.messages.Kicked():
			p.jobs.Go(func() {
				if err := p.messages.SendQueued(ctx); err != nil {
					p.logger.Error("job.failed", "job", "send_messages", "error", err)
				}
			})
		}
		if err != nil {
			p.logger.Error("job.failed", "job", "sweep_deliveries", "error", err)
		}
	}
}

// purge deletes what is older than the retention, in small batches, so that it never holds the database for long.
func (p *product) purge(ctx context.Context) error {
	before := time.Now().Add(-p.config.Retention)
	err := p.store.PurgeAny(ctx, before)
	err = errors.Join(err, untilFewer(func() (int64, error) { return p.store.PurgeIdempotencyAny(ctx, time.Now(), purgeSize) }))
	err = errors.Join(err, untilFewer(func() (int64, error) { return p.store.PurgeContactImportsAny(ctx, before, purgeSize) }))
	err = errors.Join(err, untilFewer(func() (int64, error) { return p.store.PurgePostsAny(ctx, before, purgeSize) }))
	err = errors.Join(err, untilFewer(func() (int64, error) { return p.store.PurgeClaimsAny(ctx, before, purgeSize) }))
	err = errors.Join(err, untilFewer(func() (int64, error) {
		return p.store.PurgeAuthorizationsAny(ctx, time.Now().Add(-authorize.KeptFor), purgeSize)
	}))
	err = errors.Join(err, untilFewer(func() (int64, error) { return p.store.PurgeLoginsAny(ctx, time.Now(), purgeSize) }))
	err = errors.Join(err, untilFewer(func() (int64, error) { return p.store.PurgeInvitesAny(ctx, time.Now(), purgeSize) }))
	return errors.Join(err, untilFewer(func() (int64, error) {
		n, err := p.media.PurgeAny(ctx, before, purgeSize)
		return int64(n), err
	}))
}

// untilFewer repeats a purge until it finds less than a whole batch.
func untilFewer(purge func() (int64, error)) error {
	for {
		if n, err := purge(); err != nil || n < purgeSize {
			return err
		}
	}
}

// stop ends everything in the order in which the parts need each other. What is in flight is finished or given back.
func (p *product) stop(ctx context.Context) error {
	p.server.Drain()
	p.messages.Drain()
	p.live.Close() // an open stream would keep the server from shutting down
	err := p.server.Shutdown(ctx)
	p.stopJobs()
	if p.config.Role.Works() {
		p.worker.Stop()
	}
	err = errors.Join(err, p.sessions.Close(ctx)) // soon after the last beat, while their leases hold
	err = errors.Join(err, p.posts.Close(ctx))    // before deliveries, since what ends raises events
	err = errors.Join(err, p.deliveries.Stop(ctx))
	p.jobs.Wait()
	p.publisher.Close()
	p.waker.Close()
	p.bell.Close()
	p.bell.Close()
	p.accounts.Close()
	p.media.Close()
	err = errors.Join(err, p.store.RemoveWorkerAny(ctx, p.workerID), p.channels.Close())
	p.http.Close()
	return errors.Join(err, p.redis.Close(), p.store.Close())
}
