package live_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/live"
)

// states are what a bell can be rung in: without one, while no page is open anywhere, and while pages are open in this process or in another.
func states(b *testing.B, run func(b *testing.B, p *process, bell *live.Bell)) {
	b.Helper()
	for _, state := range []string{"no bell", "no page", "page here", "page elsewhere"} {
		b.Run(state, func(b *testing.B) {
			w := newWorld(b, "sqlite", "real")
			p := w.process(settings{silent: state == "no bell"})
			bell := p.bell
			switch state {
			case "no bell":
				bell = nil
			case "page here":
				read(p.open("acc_1", ""))
			case "page elsewhere":
				other := w.process(settings{})
				read(other.open("acc_1", ""))
				hears(b, p, other)
			}
			run(b, p, bell)
		})
	}
}

func read(tab *tab) {
	go func() {
		for range tab.signals {
			continue
		}
	}()
}

// BenchmarkRing is what one changed row costs who changed it.
func BenchmarkRing(b *testing.B) {
	states(b, func(b *testing.B, _ *process, bell *live.Bell) {
		ids := make([]string, 1024)
		for i := range ids {
			ids[i] = fmt.Sprintf("dlv_%026d", i)
		}
		b.ReportAllocs()
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				bell.Ring("acc_1", live.Delivery, ids[i%len(ids)], "wh_1")
			}
		})
	})
}

// BenchmarkPublish is what a stored event costs, in groups of 256.
func BenchmarkPublish(b *testing.B) {
	states(b, func(b *testing.B, p *process, _ *live.Bell) {
		for b.Loop() {
			drafts := make([]*event.Draft, 256)
			for i := range drafts {
				drafts[i] = &event.Draft{AccountID: "acc_1", Type: event.AccountLinked, ChannelID: "ch_1", Data: map[string]string{"channelId": "ch_1"}}
			}
			if err := p.publisher.PublishAll(context.Background(), drafts); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)*256/b.Elapsed().Seconds(), "events/s")
	})
}

// BenchmarkTake is what a ring costs a process with a hundred open pages of the account.
func BenchmarkTake(b *testing.B) {
	w := newWorld(b, "sqlite", "none")
	p := w.process(settings{poll: time.Hour})
	for range live.MaxStreams {
		read(p.open("acc_1", ""))
	}
	b.ReportAllocs()
	for b.Loop() {
		p.hub.Take("acc_1", live.Delivery, "dlv_1")
	}
}
