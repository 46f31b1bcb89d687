package post_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/post"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

func png(size int64, alt string) post.File {
	return post.File{ID: "med_1", URL: "https://hooks.example/media/x", Kind: "image", ContentType: "image/png", FileName: "a.png", Size: size, Alt: alt}
}

func TestAllProblemsOfAllTargetsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		a, mute := f.channel(t, "wall", "a"), f.channel(t, "mute", "m")
		off := f.channel(t, "wall", "off")
		disabled := true
		_, err := f.channels.Change(t.Context(), tenant, off, channel.Change{Disabled: &disabled})
		require.NoError(t, err)
		d := f.draft(strings.Repeat("x", 200), a, mute, off, "chan_foreign")
		d.Overflow = "shrink"
		d.Media = []post.File{png(2000, strings.Repeat("a", 21)), png(1, ""), png(1, "")}
		d.Overrides = map[string]post.Override{a: {Options: map[string]string{"visibility": "secret"}}, "chan_other": {}}
		_, err = f.Create(t.Context(), d)
		p := problemOf(t, err, problem.InvalidField)
		var fields []string
		for _, wrong := range p.Fields {
			fields = append(fields, wrong.Field)
			require.NotEmpty(t, wrong.Message)
		}
		for _, field := range []string{
			"overflow", "overrides.chan_other", "targets." + mute, "targets." + off, "targets.chan_foreign", "targets." + a + ".media",
			"targets." + a + ".media[0]", "targets." + a + ".media[0].alt", "targets." + a + ".options.visibility",
		} {
			require.Contains(t, fields, field)
		}
		posts, err := f.List(t.Context(), tenant, store.PostFilter{}, store.Page{Limit: 10})
		require.NoError(t, err)
		require.Empty(t, posts)
	})
}

func TestATextThatIsTooLongIsRefusedCutOrSplitAsTheUserSays(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "sqlite")
	a := f.channel(t, "wall", "a")
	long := strings.Repeat("word ", 40)
	_, err := f.Create(t.Context(), f.draft(long, a))
	p := problemOf(t, err, problem.InvalidField)
	require.Equal(t, "targets."+a+".body", p.Field)
	require.Contains(t, p.Message, "100")
	cut := post.OverflowTruncate
	d := f.draft(long, a)
	d.Overrides = map[string]post.Override{a: {Overflow: &cut}}
	made := f.create(t, d)
	require.Equal(t, post.Warning{ChannelID: a, Code: "text_truncate", Message: made.Warnings[0].Message}, made.Warnings[0])
	f.work(t)
	require.LessOrEqual(t, len([]rune(f.network.public()[0])), 100)
}

func TestWhatIsOnlyMarkupIsEmpty(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "sqlite")
	a := f.channel(t, "wall", "a")
	for _, text := range []string{"", "  \n", "<p> </p><script>x</script>", "<!-- nothing -->"} {
		_, err := f.Create(t.Context(), f.draft(text, a))
		require.Error(t, err, text)
	}
	d := f.draft("", a)
	d.Media = []post.File{png(10, "A picture")}
	f.create(t, d)
	f.work(t)
	require.Equal(t, "A picture", f.network.posts[0].Media[0].Alt)
	body, err := f.network.posts[0].Media[0].Open()
	require.NoError(t, err)
	require.NoError(t, body.Close())
}

func TestAScheduledPostIsToldAndWaitsForItsTime(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		d := f.draft("Later", f.channel(t, "wall", "a"))
		d.PublishAt = f.clock.now().Add(time.Hour)
		p := f.create(t, d)
		require.Equal(t, store.PostScheduled, p.Status)
		told := f.told(t, event.PostScheduled)
		require.Len(t, told, 1)
		require.Equal(t, [2]string{"scheduled", "2026-06-29T13:00:00.000Z"}, [2]string{told[0].Status, told[0].ScheduledAt})
		f.work(t)
		require.Empty(t, f.network.public())
		f.clock.advance(time.Hour)
		f.work(t)
		require.Equal(t, []string{"Later"}, f.network.public())
	})
}

func TestAPostIsChangedAndCancelledUntilItsPublishingBegins(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		a, b := f.channel(t, "wall", "a"), f.channel(t, "wall", "b")
		d := f.draft("First", a)
		d.Hold = true
		p := f.create(t, d)
		require.Equal(t, store.PostDraft, p.Status)
		f.work(t)
		require.Empty(t, f.network.public(), "a draft is not published")

		d.Hold, d.Body, d.ChannelIDs = false, "Second", []string{a, b}
		p, err := f.Update(t.Context(), d)
		require.NoError(t, err)
		require.Equal(t, store.PostQueued, p.Status)
		f.work(t)
		require.Equal(t, []string{"Second", "Second"}, f.network.public())
		_, err = f.Update(t.Context(), d)
		problemOf(t, err, problem.Conflict)
		_, err = f.Cancel(t.Context(), tenant, p.ID)
		problemOf(t, err, problem.Conflict)

		d = f.draft("Never", a)
		d.PublishAt = f.clock.now().Add(time.Hour)
		p = f.create(t, d)
		p, err = f.Cancel(t.Context(), tenant, p.ID)
		require.NoError(t, err)
		require.Equal(t, store.PostCancelled, p.Status)
		f.clock.advance(2 * time.Hour)
		f.work(t)
		require.Len(t, f.network.public(), 2)
		_, err = f.Get(t.Context(), "acct_b", p.ID)
		problemOf(t, err, problem.NotFound)
	})
}

func TestACancelAndAPublishingAtOnceHaveOneWinner(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		a := f.channel(t, "blind", "a")
		for range 10 {
			p := f.create(t, f.draft("Hello", a))
			before := len(f.network.public())
			var all sync.WaitGroup
			var cancelled error
			all.Go(func() { _, cancelled = f.Cancel(t.Context(), tenant, p.ID) })
			all.Go(func() { f.work(t) })
			all.Wait()
			f.work(t)
			status := f.get(t, p.ID).Status
			if cancelled == nil {
				require.Equal(t, store.PostCancelled, status)
				require.Len(t, f.network.public(), before)
			} else {
				require.Equal(t, store.PostPublished, status)
				require.Len(t, f.network.public(), before+1)
			}
			f.clock.advance(time.Second)
		}
	})
}

func TestRefusedCredentialsDisconnectTheChannelOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		refused := mood{early: true, err: connectors.Unlinked(connectors.CodeAuthFailed, "Connect the channel again.")}
		f.network.moods = []mood{refused, refused}
		a := f.channel(t, "wall", "a")
		f.create(t, f.draft("one", a))
		f.work(t)
		f.create(t, f.draft("two", a))
		f.work(t)
		rows, err := f.store.Events(t.Context(), tenant, store.EventFilter{Type: event.AccountUnlinked}, store.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, rows, 1)
		p := f.create(t, f.draft("three", a))
		require.Equal(t, problem.ChannelUnlinked, p.Warnings[0].Code)
		f.work(t)
		require.Equal(t, store.PostPublished, f.get(t, p.ID).Status)
		rows, err = f.store.Events(t.Context(), tenant, store.EventFilter{Type: event.AccountLinked}, store.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, rows, 1)
	})
}
