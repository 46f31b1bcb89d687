package server_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/contact"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/incoming"
	"github.com/switchhook/switchhook/internal/post"
	"github.com/switchhook/switchhook/internal/queue"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

func (w *world) wirePosting(t *testing.T, sealer *secret.Sealer, ids *id.Generator) {
	t.Helper()
	o := &w.parts
	var err error
	o.Queues, err = queue.New(queue.Options{Store: w.store, Kinds: o.Channels, Logger: o.Logger, Now: time.Now})
	require.NoError(t, err)
	o.Posts, err = post.New(post.Options{
		Bell:  w.bell,
		Store: w.store, IDs: ids, Channels: o.Channels, Media: o.Media, Slots: o.Queues, Publisher: o.Events, Logger: o.Logger, Now: time.Now,
		WorkerID: o.WorkerID,
	})
	require.NoError(t, err)
	o.Incoming, err = incoming.New(incoming.Options{Store: w.store, Sealer: sealer, Channels: o.Channels, Logger: o.Logger, Now: time.Now, BaseURL: w.url})
	require.NoError(t, err)
}

// work does the periodic work of a process, often.
func (w *world) work(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	importer, err := contact.NewImporter(contact.ImporterOptions{Store: w.store, Now: time.Now})
	require.NoError(t, err)
	var jobs sync.WaitGroup
	jobs.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-w.parts.Deliveries.More():
			case <-w.parts.Messages.Kicked():
			case <-w.parts.Posts.Kicked():
			case <-tick.C:
			}
			_ = w.parts.Posts.PublishDue(ctx)
			_ = w.parts.Posts.SettleLost(ctx)
			_ = w.parts.Posts.LookUp(ctx)
			_ = w.parts.Deliveries.Sweep(ctx) // an error shows in what a scenario waits for
			_ = w.parts.Messages.SendQueued(ctx)
			_ = importer.Work(ctx)
		}
	})
	jobs.Go(func() { w.parts.Sessions.Run(ctx) })
	jobs.Go(func() {
		beat := time.NewTicker(store.BeatInterval)
		defer beat.Stop()
		for ctx.Err() == nil {
			started := time.Now()
			if w.store.BeatAny(ctx, w.parts.WorkerID, started) == nil {
				w.parts.Sessions.Beat(started)
			}
			select {
			case <-ctx.Done():
			case <-beat.C:
			}
		}
	})
	t.Cleanup(func() {
		stop()
		jobs.Wait()
		within, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, w.parts.Sessions.Close(within))
		require.NoError(t, w.parts.Posts.Close(within))
		require.NoError(t, w.parts.Deliveries.Stop(within))
		w.parts.Events.Close()
		require.NoError(t, w.parts.Channels.Close())
	})
}
