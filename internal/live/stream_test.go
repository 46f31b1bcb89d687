package live_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

func TestWhatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	logger := slog.New(slog.DiscardHandler)
	_, err := live.NewBell(live.BellOptions{})
	require.ErrorContains(t, err, "BellOptions.Logger")
	bell, err := live.NewBell(live.BellOptions{Logger: logger})
	require.NoError(t, err)
	t.Cleanup(bell.Close)
	full := live.Options{Store: &store.Store{}, Bell: bell, Logger: logger, Now: time.Now}
	for name, without := range map[string]func(*live.Options){
		"Store": func(o *live.Options) { o.Store = nil }, "Bell": func(o *live.Options) { o.Bell = nil },
		"Logger": func(o *live.Options) { o.Logger = nil }, "Now": func(o *live.Options) { o.Now = nil },
	} {
		o := full
		without(&o)
		_, err := live.New(o)
		require.ErrorContains(t, err, "Options."+name+" is missing")
	}
	hub, err := live.New(full)
	require.NoError(t, err)
	t.Cleanup(hub.Close)
	_, err = live.New(full)
	require.ErrorContains(t, err, "has a hub already")
}

// inBubble runs a test in which time passes only when all wait. It fails where a goroutine is left at the end.
func inBubble(t *testing.T, test func(t *testing.T, hub *live.Hub, bell *live.Bell, s *store.Store)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		logger := slog.New(slog.DiscardHandler)
		s, err := store.Open(t.Context(), store.Options{DataDir: dir, Logger: logger})
		require.NoError(t, err)
		require.NoError(t, s.Migrate(t.Context()))
		bell, err := live.NewBell(live.BellOptions{Logger: logger})
		require.NoError(t, err)
		hub, err := live.New(live.Options{Store: s, Bell: bell, Logger: logger, Now: time.Now})
		require.NoError(t, err)
		test(t, hub, bell, s)
		hub.Close()
		bell.Close()
		require.NoError(t, s.Close())
	})
}

// pass lets time pass in a bubble, and all that is to happen in it.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func drain(signals <-chan live.Signal) []live.Signal {
	var all []live.Signal
	for {
		select {
		case s, ok := <-signals:
			if !ok {
				return all
			}
			all = append(all, s)
		default:
			return all
		}
	}
}

func TestAStormIsOneSignalPerWindow(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, hub *live.Hub, bell *live.Bell, _ *store.Store) {
		signals, err := hub.Subscribe(t.Context(), "acc_1", "")
		require.NoError(t, err)
		for i := range 5000 {
			bell.Ring("acc_1", live.Delivery, fmt.Sprintf("dlv_%d", i), "wh_1")
		}
		bell.Ring("acc_1", live.Message, "msg_1", "ch_1 49")
		bell.Ring("acc_1", live.Message, "msg_1", "ch_1 49")
		bell.Ring("acc_1", live.Post, "pst_1", "")
		bell.Ring("acc_1", live.Post, "", "")
		bell.Ring("acc_2", live.Post, "pst_2", "")
		bell.Ring("", live.Post, "pst_3", "")
		bell.Ring("acc_1", "weather", "rain", "")
		pass(live.Window)
		byTopic := map[string][]string{}
		for _, s := range drain(signals) {
			byTopic[s.Topic] = append(byTopic[s.Topic], s.ID)
		}
		require.Equal(t, map[string][]string{live.Delivery: {""}, live.Message: {"msg_1"}, live.Post: {""}}, byTopic)
		require.Zero(t, bell.Pending())
	})
}

func TestASlowReaderGetsAReloadAndGoesOn(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, hub *live.Hub, _ *live.Bell, _ *store.Store) {
		slow, err := hub.Subscribe(t.Context(), "acc_1", "")
		require.NoError(t, err)
		quick, err := hub.Subscribe(t.Context(), "acc_1", "")
		require.NoError(t, err)
		for i := range live.Buffer {
			hub.Take("acc_1", live.Post, fmt.Sprintf("pst_%d", i))
		}
		require.Len(t, drain(quick), live.Buffer)
		hub.Take("acc_1", live.Post, "pst_more")
		hub.Take("acc_1", live.Post, "pst_last")
		require.Equal(t, "pst_more", (<-quick).ID)
		s := <-slow
		require.Equal(t, live.Reload, s.Topic)
		require.Empty(t, s.ID+s.Ref)
		require.Equal(t, "pst_last", (<-slow).ID)
		require.Empty(t, slow)
	})
}

func TestCloseEndsStreamsThatWaitAndThoseThatAreFull(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, hub *live.Hub, bell *live.Bell, _ *store.Store) {
		var readers sync.WaitGroup
		for range 3 {
			signals, err := hub.Subscribe(t.Context(), "acc_1", "")
			require.NoError(t, err)
			readers.Go(func() {
				for range signals { // waits until the stream ends
				}
			})
		}
		full, err := hub.Subscribe(t.Context(), "acc_2", "")
		require.NoError(t, err)
		for range live.Buffer {
			hub.Take("acc_2", live.Post, "pst_1")
		}
		synctest.Wait()
		require.Equal(t, 4, hub.Count())
		begin := time.Now()
		hub.Close()
		readers.Wait()
		require.Equal(t, begin, time.Now(), "nothing was waited for")
		require.Len(t, drain(full), live.Buffer)
		require.Zero(t, hub.Count())
		_, err = hub.Subscribe(t.Context(), "acc_1", "")
		requireProblem(t, err, problem.ServiceUnavailable)
		require.NotEmpty(t, hub.Cursor(t.Context(), "acc_1"))
		bell.Ring("acc_1", live.Post, "pst_1", "")
		hub.Close()
	})
}

func requireProblem(t *testing.T, err error, code string) {
	t.Helper()
	var p *problem.Error
	require.ErrorAs(t, err, &p)
	require.Equal(t, code, p.Code)
}

func TestAnAccountHasSoManyStreamsAndNotMore(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, hub *live.Hub, _ *live.Bell, _ *store.Store) {
		ctx, leave := context.WithCancel(t.Context())
		var one <-chan live.Signal
		for range live.MaxStreams {
			signals, err := hub.Subscribe(ctx, "acc_1", "")
			require.NoError(t, err)
			one = signals
		}
		_, err := hub.Subscribe(t.Context(), "acc_1", "")
		requireProblem(t, err, problem.TooMany)
		_, err = hub.Subscribe(t.Context(), "acc_2", "")
		require.NoError(t, err)
		_, err = hub.Subscribe(t.Context(), "", "")
		require.ErrorContains(t, err, "account is missing")
		leave()
		_, open := <-one
		require.False(t, open)
		synctest.Wait()
		require.Equal(t, 1, hub.Count())
		_, err = hub.Subscribe(t.Context(), "acc_1", "")
		require.NoError(t, err)
	})
}

func TestAnAccountWithoutPagesIsFollowedForAWhileOnly(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, hub *live.Hub, bell *live.Bell, _ *store.Store) {
		ctx, leave := context.WithCancel(t.Context())
		signals, err := hub.Subscribe(ctx, "acc_1", "")
		require.NoError(t, err)
		hub.Take("acc_1", live.Post, "pst_1")
		last := (<-signals).Cursor
		leave()
		synctest.Wait()
		pass(live.KeptFor / 2)
		bell.Ring("acc_1", live.Webhook, "wh_1", "")
		require.Equal(t, 1, bell.Pending())
		pass(live.PollEvery)
		resumed, err := hub.Subscribe(t.Context(), "acc_1", last)
		require.NoError(t, err)
		topics := map[string]bool{}
		for _, s := range drain(resumed) {
			topics[s.Topic] = true
		}
		require.Contains(t, topics, live.Webhook)
		require.NotContains(t, topics, live.Delivery)

		_, err = hub.Subscribe(ctx, "acc_2", "") // of a client that has gone
		require.Error(t, err)
		require.Equal(t, 1, hub.Count())
		hub.Cursor(t.Context(), "acc_3")
		pass(live.KeptFor + 2*live.PollEvery)
		bell.Ring("acc_1", live.Webhook, "wh_2", "")
		pass(live.Window)
		require.Equal(t, "wh_2", drain(resumed)[0].ID)
	})
}

func TestABellWithoutPagesDoesNothing(t *testing.T) {
	t.Parallel()
	var none *live.Bell
	none.Ring("acc_1", live.Post, "pst_1", "")
	inBubble(t, func(t *testing.T, hub *live.Hub, bell *live.Bell, _ *store.Store) {
		bell.Ring("acc_1", live.Post, "pst_1", "")
		require.Zero(t, bell.Pending())
		hub.Cursor(t.Context(), "acc_1") // a page is about to open
		bell.Ring("acc_1", live.Post, "pst_1", "")
		require.Equal(t, 1, bell.Pending())
		pass(live.KeptFor + 2*live.PollEvery)
		bell.Ring("acc_1", live.Post, "pst_1", "")
		require.Zero(t, bell.Pending())
	})
}
