package live_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/live"
	"github.com/switchhook/switchhook/internal/store"
)

// page is a reader that reconnects with its last cursor, and fetches all events anew where a signal does not name them.
type page struct {
	t         *testing.T
	p         *process
	tab       *tab
	cursor    string
	run       map[string]bool // events named in this run of the stream
	known     map[string]bool // events that the page shows
	refreshes int
}

func (g *page) reconnect() {
	if g.tab != nil {
		g.tab.leave()
		g.tab.awaitEnd() // what was on its way is lost to the page
	}
	g.tab, g.run = g.p.open("acc_1", g.cursor), map[string]bool{}
}

// read waits for one signal.
func (g *page) read() { g.take(g.tab.next()) }

func (g *page) take(s live.Signal) {
	g.cursor = s.Cursor
	switch {
	case s.Topic == live.Event && s.ID != "":
		require.False(g.t, g.run[s.ID], "named twice in one run")
		g.run[s.ID], g.known[s.ID] = true, true
	case s.Topic == live.Event, s.Topic == live.Reload:
		g.refreshes++
		g.fetch()
	}
}

func (g *page) fetch() {
	all, err := g.p.store.Events(context.Background(), "acc_1", store.EventFilter{}, store.Page{Limit: 10_000})
	require.NoError(g.t, err)
	for _, e := range all {
		g.known[e.ID] = true
	}
}

// eachEngine runs a test on both databases, without another process.
func eachEngine(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, newWorld(t, engine, "none"))
		})
	}
}

func TestAResumedStreamNamesEachEventThatWasMissed(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		clock := newClock()
		// Nobody rings and nobody polls: what the page learns, it learns by resuming.
		p := w.process(settings{now: clock.Now, poll: time.Second, silent: true})
		random := rand.New(rand.NewPCG(1, 2))
		g := &page{t: t, p: p, cursor: p.hub.Cursor(t.Context(), "acc_1"), known: map[string]bool{}}
		made := map[string]bool{}
		for len(made) < 1000 {
			for range 1 + random.IntN(12) {
				clock.Advance(time.Duration(random.IntN(3000)) * time.Millisecond)
				made[p.publish("acc_1", "ch_1")] = true
			}
			p.publish("acc_2", "ch_2")
			g.reconnect()
			missing := 0
			for eventID := range made {
				if !g.known[eventID] {
					missing++
				}
			}
			for range random.IntN(missing + 1) { // and is cut off somewhere
				g.read()
			}
		}
		g.reconnect()
		for len(g.known) < len(made) {
			g.read()
		}
		require.Equal(t, made, g.known)
		require.Zero(t, g.refreshes)
	})
}

func TestNoEventIsMissedOverReconnectsWhileEventsGoOn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		writer := w.process(settings{poll: 50 * time.Millisecond})
		readers := []*process{w.process(settings{poll: 50 * time.Millisecond}), writer}
		random := rand.New(rand.NewPCG(3, 4))
		g := &page{t: t, p: readers[0], known: map[string]bool{}}
		g.reconnect()
		made := make(chan []string)
		go func() {
			var all []string
			for range 300 {
				all = append(all, writer.publish("acc_1", "ch_1"))
			}
			made <- all
		}()
		var all []string
		for all == nil {
			select {
			case all = <-made:
			case s := <-g.tab.signals:
				g.take(s)
			}
			if random.IntN(20) == 0 {
				g.p = readers[random.IntN(2)]
				g.reconnect()
			}
		}
		for g.lacks(all) {
			g.read()
		}
	})
}

func (g *page) lacks(all []string) bool {
	for _, eventID := range all {
		if !g.known[eventID] {
			return true
		}
	}
	return false
}

// late stores an event whose id was made before now, and rings for nobody.
func (p *process) late(now time.Time, before time.Duration) string {
	eventID := id.NewGenerator(func() time.Time { return now.Add(-before) }).New("evt")
	p.insert("acc_1", eventID)
	return eventID
}

func TestAnEventThatCommitsLateAndRingsForNobodyIsFoundOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		clock := newClock()
		p := w.process(settings{now: clock.Now, poll: 50 * time.Millisecond})
		tab := p.open("acc_1", "")
		found := p.late(clock.Now(), 20*time.Second)
		tab.until(is(live.Event, found))
		p.hub.Take("acc_1", live.Event, found) // the bell was only late
		p.hub.Take("acc_1", live.Post, "pst_1")
		require.Equal(t, live.Post, tab.until(func(s live.Signal) bool { return s.ID != "" }).Topic)
	})
}

func TestAResumedStreamNamesWhatCommittedLate(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(_ *testing.T, w *world) {
		clock := newClock()
		p := w.process(settings{now: clock.Now, poll: never})
		tab := p.open("acc_1", "")
		p.hub.Take("acc_1", live.Post, "pst_1")
		last := tab.next().Cursor
		tab.leave()
		tab.awaitEnd()
		missed := p.late(clock.Now(), 25*time.Second)
		resumed := p.open("acc_1", last)
		resumed.until(is(live.Event, missed))
	})
}

func TestACursorThatSaysNothingGivesAReload(t *testing.T) {
	t.Parallel()
	clock := newClock()
	p := newWorld(t, "sqlite", "none").process(settings{now: clock.Now, poll: never})
	own := live.Cursor("acc_1", clock.Now())
	for _, last := range []string{
		"x", "-", "evt_01kaj5v0x7fm2zq4w9b3c8d6ea", own + "0", own[:len(own)-1], live.Cursor("acc_2", clock.Now()),
		live.Cursor("acc_1", clock.Now().Add(-25*time.Hour)), live.Cursor("acc_1", clock.Now().Add(time.Hour)), "zzzzzzzzzzzz" + own[8:],
	} {
		tab := p.open("acc_1", last)
		s := tab.next()
		require.Equal(t, live.Reload, s.Topic, last)
		require.Empty(t, s.ID+s.Ref)
		p.open("acc_1", s.Cursor).leave() // and goes on from there
	}
}

func TestAStreamBeginsNow(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, w *world) {
		p := w.process(settings{poll: 20 * time.Millisecond})
		p.insert("acc_1", p.ids.New("evt"))
		tab := p.open("acc_1", "")
		eventID := p.publish("acc_1", "ch_1")
		require.Equal(t, eventID, tab.next().ID)
	})
}

func TestAPageMissesNothingBetweenItsRenderingAndItsStream(t *testing.T) {
	t.Parallel()
	clock := newClock()
	p := newWorld(t, "sqlite", "none").process(settings{now: clock.Now, poll: never})
	cursor := p.hub.Cursor(t.Context(), "acc_1")
	clock.Advance(3 * time.Second)
	rendered := p.hub.Cursor(t.Context(), "acc_1")
	p.hub.Take("acc_1", live.Webhook, "wh_1")
	tab := p.open("acc_1", rendered)
	require.Equal(t, live.Signal{Cursor: rendered, Topic: live.Webhook}, tab.next())
	// Of what has not changed nothing is said, and what has changed since is not forgotten.
	clock.Advance(10 * time.Second)
	p.hub.Take("acc_1", live.Post, "pst_1")
	require.Equal(t, "pst_1", tab.next().ID)
	again := p.open("acc_1", p.hub.Cursor(t.Context(), "acc_1"))
	require.Equal(t, live.Post, again.next().Topic) // of the same millisecond
	require.Empty(t, again.signals)
	// Another process's clock may differ.
	other := p.open("acc_1", live.Cursor("acc_1", clock.Now().Add(time.Second)))
	require.Equal(t, live.Post, other.next().Topic)
	older := p.open("acc_1", cursor)
	require.ElementsMatch(t, []string{live.Webhook, live.Post}, []string{older.next().Topic, older.next().Topic})
	require.Empty(t, older.signals)
	unknown := p.open("acc_1", live.Cursor("acc_1", clock.Now().Add(-time.Minute))) // before anybody followed the account here
	topics := map[string]bool{}
	for range 8 {
		topics[unknown.next().Topic] = true
	}
	require.Len(t, topics, 8)
}

func TestTooManyMissedEventsAreAReload(t *testing.T) {
	t.Parallel()
	clock := newClock()
	p := newWorld(t, "sqlite", "none").process(settings{now: clock.Now, poll: never})
	last := p.hub.Cursor(t.Context(), "acc_1")
	for range live.MaxMissed + 1 {
		p.insert("acc_1", p.ids.New("evt"))
	}
	require.Equal(t, live.Reload, p.open("acc_1", last).next().Topic)
}

func FuzzCursor(f *testing.F) {
	for _, seed := range []string{"", "-", "mi9abc12-0123456789ab", live.Cursor("acc_1", time.UnixMilli(1)), live.Cursor("acc_2", time.Now()), live.Cursor("acc_1", time.UnixMilli(1)) + "-abcdefgh", live.Cursor("acc_1", time.UnixMilli(1)) + "-", "-1-", "+1-" + live.Cursor("acc_1", time.UnixMilli(1))[2:]} {
		f.Add("acc_1", seed)
	}
	f.Fuzz(func(t *testing.T, account, text string) {
		if again, err := live.RewriteCursor(account, text); err == nil {
			require.Equal(t, text, again)
		}
		if at, err := live.ParseCursor(account, live.Cursor(account, time.UnixMilli(1_790_000_000_000))); err != nil || at.UnixMilli() != 1_790_000_000_000 {
			t.Fatal("a cursor cannot be read back")
		}
	})
}

func FuzzRing(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"o":"x","s":1}`, `{"o":"x","s":1,"c":[{"a":"acc_1","t":"post","n":[{"i":"pst_1"}]}]}`, `{"o":"x","s":1,"c":[{"a":"","t":"post"}]}`,
		`{"o":"x","s":1,"c":[{"a":"a","t":"reload"}]}`, `{"o":"x","s":1,"c":[{"a":"a","t":"post","n":[{}]}]}`, `[`, `{"s":-1}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		accounts, ok := live.ParseRing(raw)
		if !ok && accounts != nil {
			t.Fatal("half a ring")
		}
		for _, account := range accounts {
			require.NotEmpty(t, account)
		}
	})
}
