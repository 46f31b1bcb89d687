package post_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/post"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

func TestAPostIsPublishedOnAllItsChannelsAndToldOnceForEach(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		a, b := f.channel(t, "wall", "a"), f.channel(t, "blind", "b")
		d := f.draft("<p>Hello <b>world</b></p>", a, b)
		p := f.create(t, d)
		require.Equal(t, store.PostQueued, p.Status)
		again := f.create(t, d)
		require.Equal(t, p.ID, again.ID, "a repeated request makes one post")
		f.work(t)
		p = f.get(t, p.ID)
		require.Equal(t, store.PostPublished, p.Status)
		require.Equal(t, []string{"Hello world", "Hello world"}, f.network.public())
		told := f.told(t, event.PostPublished)
		require.Len(t, told, 2)
		require.Equal(t, p.ID, told[0].PostID)
		require.NotEmpty(t, told[0].PlatformPostID)
		require.Contains(t, told[0].PlatformPostURL, "https://network.example/")
		require.Equal(t, "published", told[0].Status)
		require.NoError(t, f.TellDue(t.Context()))
		require.Len(t, f.told(t, event.PostPublished), 2)
	})
}

func TestWhatSurelyFailedIsTriedAgainAndGivenUpInTheEnd(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		for range 7 {
			f.network.moods = append(f.network.moods, mood{early: true, err: errors.New("no connection")})
		}
		p := f.create(t, f.draft("Hello", f.channel(t, "wall", "a")))
		for range 6 {
			f.work(t)
			f.clock.advance(2 * time.Hour)
			require.NoError(t, f.store.BeatAny(t.Context(), worker, f.clock.now()))
		}
		p = f.get(t, p.ID)
		require.Equal(t, store.PostFailed, p.Status)
		require.Equal(t, "provider_unavailable", p.Targets[0].ErrorCode)
		require.Len(t, f.told(t, event.PostFailed), 1)
		require.Empty(t, f.network.public())

		f.network.moods = nil
		p, err := f.Retry(t.Context(), tenant, p.ID, false)
		require.NoError(t, err)
		require.Equal(t, store.PostQueued, p.Status)
		f.work(t)
		require.Equal(t, store.PostPublished, f.get(t, p.ID).Status)
	})
}

func TestARefusedPostFailsAtOnceAndTheOthersGoOut(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		refused := connectors.Rejected(connectors.CodeDuplicatePost, "The same post is there already.", "")
		refused.Provider = &connectors.ProviderError{Code: 187, Message: "Status is a\n duplicate."}
		f.network.moods = []mood{{err: refused}}
		a, b := f.channel(t, "blind", "a"), f.channel(t, "blind", "b")
		p := f.create(t, f.draft("Hello", a, b))
		f.work(t)
		p = f.get(t, p.ID)
		require.Equal(t, store.PostPartial, p.Status)
		failed := f.told(t, event.PostFailed)
		require.Len(t, failed, 1)
		require.Equal(t, connectors.CodeDuplicatePost, failed[0].Error.Reason)
		require.Equal(t, "The same post is there already. The network says: Status is a duplicate.", failed[0].Error.Message)
		require.Equal(t, "failed", failed[0].Status)
	})
}

func TestAnUnknownOutcomeIsLookedUpAndNeverRepeated(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.network.moods = []mood{{took: true, err: connectors.Unconfirmed(errors.New("timeout"))}}
		p := f.create(t, f.draft("Hello", f.channel(t, "wall", "a")))
		f.work(t)
		require.Equal(t, store.PostUnconfirmed, f.get(t, p.ID).Status)
		require.Empty(t, f.told(t, event.PostFailed), "the network is asked first")
		require.NoError(t, f.LookUp(t.Context()))
		require.Zero(t, f.network.looks, "not at once: networks show a new post late")
		f.clock.advance(20 * time.Second)
		require.NoError(t, f.LookUp(t.Context()))
		p = f.get(t, p.ID)
		require.Equal(t, store.PostPublished, p.Status)
		require.Equal(t, "https://network.example/1", p.Targets[0].URL)
		require.Len(t, f.told(t, event.PostPublished), 1)
		require.Len(t, f.network.public(), 1)
	})
}

func TestAPostThatTheNetworkDoesNotHaveFailedAndMayBeRetried(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.network.moods = []mood{{err: connectors.Unconfirmed(errors.New("timeout"))}}
		p := f.create(t, f.draft("Hello", f.channel(t, "wall", "a")))
		f.work(t)
		for range 5 {
			f.clock.advance(15 * time.Minute)
			require.NoError(t, f.LookUp(t.Context()))
			f.work(t)
		}
		p = f.get(t, p.ID)
		require.Equal(t, store.PostFailed, p.Status)
		require.Equal(t, post.CodeNotPublished, p.Targets[0].ErrorCode)
		require.Equal(t, 3, f.network.looks)
		require.Len(t, f.told(t, event.PostFailed), 1)
	})
}

func TestWhatCannotBeLookedUpStaysUnconfirmedUntilAnExplicitWord(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.network.moods = []mood{{took: true, panic: true}}
		p := f.create(t, f.draft("Hello", f.channel(t, "blind", "a")))
		f.work(t)
		for range 5 {
			f.clock.advance(time.Hour)
			require.NoError(t, f.LookUp(t.Context()))
			f.work(t)
		}
		require.Equal(t, store.PostUnconfirmed, f.get(t, p.ID).Status)
		failed := f.told(t, event.PostFailed)
		require.Len(t, failed, 1)
		require.Equal(t, [2]string{"unconfirmed", "unconfirmed"}, [2]string{failed[0].Status, failed[0].Error.Reason})
		_, err := f.Retry(t.Context(), tenant, p.ID, false)
		problemOf(t, err, problem.Conflict)
		require.Len(t, f.network.public(), 1)
		_, err = f.Retry(t.Context(), tenant, p.ID, true)
		require.NoError(t, err)
		f.work(t)
		require.Len(t, f.network.public(), 2, "the user's own word")
	})
}

func TestWhatADeadProcessWasPublishingIsRepeatedOnlyIfItHadNotBegun(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		require.NoError(t, f.store.BeatAny(t.Context(), "wrk_dead", f.clock.now()))
		fresh := f.create(t, f.draft("not begun", f.channel(t, "wall", "a")))
		begun := f.create(t, f.draft("begun", f.channel(t, "wall", "b")))
		claimed, err := f.store.ClaimTargetsAny(t.Context(), "wrk_dead", f.clock.now(), 10)
		require.NoError(t, err)
		require.Len(t, claimed, 2)
		for _, target := range claimed {
			if target.PostID == begun.ID {
				require.NoError(t, f.store.BeginTargetAny(t.Context(), "wrk_dead", target, f.clock.now()))
			}
		}
		require.NoError(t, f.SettleLost(t.Context()))
		require.Equal(t, store.PostPublishing, f.get(t, fresh.ID).Status, "its process may still be at it")
		f.clock.advance(time.Minute)
		require.NoError(t, f.store.BeatAny(t.Context(), worker, f.clock.now()))
		require.NoError(t, f.SettleLost(t.Context()))
		require.Equal(t, store.PostQueued, f.get(t, fresh.ID).Status)
		require.Equal(t, store.PostUnconfirmed, f.get(t, begun.ID).Status)
		f.work(t)
		require.Equal(t, []string{"not begun"}, f.network.public())
		require.ErrorIs(t, f.store.BeginTargetAny(t.Context(), "wrk_dead", claimed[0], f.clock.now()), store.ErrOutdated, "the dead one, if it was only paused, publishes nothing")
	})
}

func TestALongTextGoesOutInPartsAndARetryGoesOnWithTheNext(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.network.moods = []mood{{took: true}, {err: connectors.Rejected(connectors.CodeInvalidContent, "Not this.", "")}}
		d := f.draft(strings.Repeat("Five words in this sentence. ", 8), f.channel(t, "wall", "a"))
		d.Overflow = post.OverflowSplit
		p := f.create(t, d)
		require.Equal(t, "text_split", p.Warnings[0].Code)
		f.work(t)
		p = f.get(t, p.ID)
		require.Equal(t, store.PostFailed, p.Status)
		require.Contains(t, p.Targets[0].ErrorMessage, "1 of 3 parts are out.")
		require.Equal(t, "https://network.example/1", p.Targets[0].URL)
		_, err := f.Retry(t.Context(), tenant, p.ID, false)
		require.NoError(t, err)
		f.work(t)
		require.Equal(t, store.PostPublished, f.get(t, p.ID).Status)
		require.Len(t, f.network.posts, 3)
		require.Equal(t, [3]string{"", "n1", "n2"}, [3]string{f.network.posts[0].ReplyTo, f.network.posts[1].ReplyTo, f.network.posts[2].ReplyTo})
	})
}

func TestAFirstCommentThatFailsIsAWarning(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		a := f.channel(t, "wall", "a")
		d := f.draft("Hello", a)
		d.FirstComment = "First!"
		f.create(t, d)
		f.work(t)
		require.Equal(t, []string{"Hello", "n1 > First!"}, f.network.public())
		d = f.draft("Bye", a)
		d.FirstComment = "refused"
		p := f.create(t, d)
		f.work(t)
		p = f.get(t, p.ID)
		require.Equal(t, store.PostPublished, p.Status)
		require.Contains(t, post.Warnings(p.Targets[0])[0], "Comments are closed.")
	})
}

func TestTwoProcessesPublishEachPostOnceAndAChannelsInTheirOrder(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		require.NoError(t, f.store.BeatAny(t.Context(), "wrk_2", f.clock.now()))
		other := f.process(t, "wrk_2")
		a := f.channel(t, "blind", "a")
		var want []string
		for _, text := range []string{"one", "two", "three", "four", "five", "six"} {
			f.create(t, f.draft(text, a))
			f.clock.advance(time.Millisecond)
			want = append(want, text)
		}
		for range want {
			require.NoError(t, f.PublishDue(t.Context()))
			f.workOf(t, other)
		}
		require.Equal(t, want, f.network.public())
	})
}

func TestStoppingFinishesWhatHasBegunAndGivesTheRestBack(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		begun, leave := make(chan struct{}), make(chan struct{})
		f.network.moods = []mood{{took: true, then: func() { close(begun); <-leave }}}
		p := f.create(t, f.draft("Hello", f.channel(t, "blind", "a")))
		require.NoError(t, f.PublishDue(t.Context()))
		<-begun
		closed := make(chan error, 1)
		go func() { closed <- f.Close(t.Context()) }()
		require.Empty(t, closed)
		close(leave)
		require.NoError(t, <-closed)
		require.Equal(t, store.PostPublished, f.get(t, p.ID).Status)
	})
}
