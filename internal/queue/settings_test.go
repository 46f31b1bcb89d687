package queue_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/queue"
	"github.com/switchhook/switchhook/internal/store"
)

func fields(p *problem.Error) []string {
	var list []string
	for _, field := range p.Fields {
		list = append(list, field.Field)
	}
	return list
}

func TestAQueueIsStoredInItsNormalForm(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		settings := queue.Settings{
			Name: ptr(" Mornings "), TimeZone: ptr("Europe/Berlin"), ChannelIDs: &[]string{"chan_2", "chan_1"},
			Slots: &[]queue.Slot{{"0", "09:00"}, {"Friday", "18:30"}, {"FRI", "08:00"}, {"mon", "10:00"}},
		}
		q, err := f.Create(t.Context(), "acct_a", "que_1", settings)
		require.NoError(t, err)
		require.Equal(t, []queue.Slot{{"mon", "10:00"}, {"fri", "08:00"}, {"fri", "18:30"}, {"sun", "09:00"}}, queue.Slots(q))
		require.Equal(t, "Mornings", q.Name)
		require.EqualValues(t, 1, q.PostsPerSlot)
		require.Equal(t, store.QueueActive, q.Status)
		stored, err := f.Get(t.Context(), "acct_a", "que_1")
		require.NoError(t, err)
		require.Equal(t, q, stored)
		settings.Name = ptr("Other")
		again, err := f.Create(t.Context(), "acct_a", "que_1", settings)
		require.NoError(t, err)
		require.Equal(t, q, again, "the same request, after its answer was lost")
		list, err := f.List(t.Context(), "acct_a", store.Page{Limit: 10})
		require.NoError(t, err)
		require.Equal(t, []*store.Queue{q}, list)
		_, err = f.Get(t.Context(), "acct_b", "que_1")
		problemOf(t, err, problem.NotFound)
		_, err = f.Change(t.Context(), "acct_b", "que_1", settings)
		problemOf(t, err, problem.NotFound)
		for i := range 99 {
			_, err = f.Create(t.Context(), "acct_a", fmt.Sprintf("que_more%d", i), settings)
			require.NoError(t, err)
		}
		_, err = f.Create(t.Context(), "acct_a", "que_101", settings)
		problemOf(t, err, problem.TooMany)
	})
}

func TestAllThatIsWrongWithAQueueIsToldAtOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		_, err := f.Create(t.Context(), "acct_a", "que_1", queue.Settings{})
		require.Equal(t, []string{"name", "timeZone", "slots", "channelIds"}, fields(problemOf(t, err, problem.InvalidField)))

		f.make(t, 1, "09:00")
		_, err = f.Change(t.Context(), "acct_a", "que_1", queue.Settings{
			Name: ptr(" \n "), TimeZone: ptr("Mars/Olympus"), PostsPerSlot: ptr(51), Status: ptr("asleep"),
			Slots:      &[]queue.Slot{{"mon", "09:00"}, {"someday", "25:00"}, {"monday", "09:00"}},
			ChannelIDs: &[]string{"chan_1", "chan_b", "chan_phone", "chan_gone", "chan_1", "chan_0"},
		})
		require.Equal(t, []string{
			"name", "timeZone", "postsPerSlot", "status", "slots.1.weekday", "slots.1.time", "slots.2.time", "channelIds.1", "channelIds.2", "channelIds.3", "channelIds.4", "channelIds.5",
		}, fields(problemOf(t, err, problem.InvalidField)))
		for _, settings := range []queue.Settings{
			{Slots: &[]queue.Slot{}},
			{Slots: ptr(make([]queue.Slot, 201))},
			{ChannelIDs: &[]string{}},
			{ChannelIDs: ptr(make([]string, 51))},
			{Name: ptr(strings.Repeat("ä", 101))},
			{Name: ptr("a\xffb")},
			{PostsPerSlot: ptr(0)},
		} {
			_, err = f.Change(t.Context(), "acct_a", "que_1", settings)
			require.Len(t, problemOf(t, err, problem.InvalidField).Fields, 1)
		}
		q, err := f.Get(t.Context(), "acct_a", "que_1")
		require.NoError(t, err)
		require.EqualValues(t, 1, q.Version, "nothing was changed")
	})
}

func TestAQueueGoesOnWithTheChannelsThatAreLeft(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.make(t, 1, "09:00")
		ids, err := f.Channels(t.Context(), "acct_a", "que_1")
		require.NoError(t, err)
		require.Equal(t, []string{"chan_1", "chan_2"}, ids)
		require.NoError(t, f.store.DeleteChannel(t.Context(), "acct_a", "chan_1"))
		ids, err = f.Channels(t.Context(), "acct_a", "que_1")
		require.NoError(t, err)
		require.Equal(t, []string{"chan_2"}, ids)
		require.NoError(t, f.store.DeleteChannel(t.Context(), "acct_a", "chan_2"))
		_, err = f.Channels(t.Context(), "acct_a", "que_1")
		problemOf(t, err, problem.Conflict)
		_, err = f.Channels(t.Context(), "acct_b", "que_1")
		problemOf(t, err, problem.NotFound)
	})
}

func TestAQueueInWhichPostsWaitIsDeletedOnAnExplicitWord(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.make(t, 1, "09:00")
		f.addAll(t, "a", "b")
		f.at(30, "09:00")
		begun, err := f.store.ClaimTargetsAny(t.Context(), "wrk_1", f.now, 1)
		require.NoError(t, err)
		require.Equal(t, "a", begun[0].PostID)
		problemOf(t, f.Delete(t.Context(), "acct_b", "que_1", true), problem.NotFound)
		p := problemOf(t, f.Delete(t.Context(), "acct_a", "que_1", false), problem.Conflict)
		require.Contains(t, p.Message, "wait in the queue: 1.")
		require.NoError(t, f.Delete(t.Context(), "acct_a", "que_1", true))
		for postID, want := range map[string]store.PostStatus{"a": store.PostPublishing, "b": store.PostCancelled} {
			got, err := f.store.Post(t.Context(), "acct_a", postID)
			require.NoError(t, err)
			require.Equal(t, want, got.Status, postID)
		}
		problemOf(t, f.Delete(t.Context(), "acct_a", "que_1", true), problem.NotFound)
		_, err = f.Claim(t.Context(), "acct_a", "que_1", "b", f.now)
		problemOf(t, err, problem.NotFound)
	})
}

func TestAnEmptyQueueIsDeletedAtOnceUnlessAWebhookFillsIt(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		f.make(t, 1, "09:00")
		_, err := f.store.Database().Exec(t.Context(), `INSERT INTO incoming_webhooks (id, account_id, name, token_hash, token, channel_ids, queue_id, rate_limit, rate_period, created_at, updated_at)
			VALUES ('iwh_1', 'acct_a', 'Blog', 'h', 't', '', 'que_1', 60, 1, 0, 0)`)
		require.NoError(t, err)
		problemOf(t, f.Delete(t.Context(), "acct_a", "que_1", false), problem.Conflict)
		_, err = f.store.Database().Exec(t.Context(), `DELETE FROM incoming_webhooks`)
		require.NoError(t, err)
		require.NoError(t, f.Delete(t.Context(), "acct_a", "que_1", false))
	})
}

func TestAServiceNeedsItsParts(t *testing.T) {
	t.Parallel()
	_, err := queue.New(queue.Options{})
	require.ErrorContains(t, err, "Options.")
}
