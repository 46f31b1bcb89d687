//go:build linux

package faults

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/discord/discordtest"
	"github.com/switchhook/switchhook/connectors/mastodon/mastodontest"
)

// Four posts are on their way when the process dies: one whose file is still going up, one that the network has taken, one that it has not, and one on a
// network that cannot be asked.
func TestKilledWhilePublishingNoPostIsOutTwiceAndEachHasAnEnd(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *site) {
		discord := discordtest.New(t, time.Now())
		before, taken, refused := fediverse(t), fediverse(t), fediverse(t)
		n := s.up("DISCORD_BASE_URL=" + discord.URL)
		s.tellPosts(n)
		s.secrets = append(s.secrets, discordtest.WebhookToken)

		uploading, _ := hold(t, before, filesPath, "", nothing)
		had, _ := hold(t, taken, statusesPath, "", func() { taken.Add(mastodontest.Status{Text: "taken", CreatedAt: time.Now().Add(time.Hour)}) })
		hadNot, _ := hold(t, refused, statusesPath, "", nothing)
		blind, out := make(chan struct{}), "POST /api/v10/webhooks/"+discordtest.WebhookID+"/"+discordtest.WebhookToken
		discord.Once(out, func(_ http.ResponseWriter, r *http.Request) {
			discord.Add(discordtest.Message{Content: "blind"})
			close(blind)
			<-r.Context().Done()
		})

		first := s.publishPicture(n, s.incoming(n, map[string]any{"channelIds": []string{s.mastodon(n, before)}}), "before")
		second := s.publish(n, "taken", s.mastodon(n, taken))
		third := s.publish(n, "refused", s.mastodon(n, refused))
		fourth := s.publish(n, "blind", s.addChannel(n, "discord", map[string]string{"webhookUrl": discordtest.WebhookURL}))
		for what, arrived := range map[string]<-chan struct{}{"the file": uploading, "the second": had, "the third": hadNot, "the fourth": blind} {
			arrive(t, what, arrived)
		}
		n.kill()
		n.start()

		require.NotEmpty(t, s.awaitPost(n, first, "published").Targets[0].URL)
		s.awaitPost(n, fourth, "unconfirmed")
		s.awaitPost(n, third, "unconfirmed") // until the last look at the network, 10 minutes later
		found := s.awaitPost(n, second, "published")
		require.Equal(t, taken.Statuses()[0].ID, found.Targets[0].PlatformPostID, "it was found there")

		s.requireTold(first, "post.published", "published")
		s.requireTold(second, "post.published", "published")
		s.requireTold(fourth, "post.failed", "unconfirmed")
		require.Equal(t, []string{"before"}, texts(before))
		require.Equal(t, []string{"taken"}, texts(taken))
		require.Empty(t, texts(refused))
		require.Len(t, discord.Messages(), 1)
		for _, fake := range []*mastodontest.Server{before, taken, refused} {
			require.Equal(t, 1, asked(fake, "POST "+statusesPath), "the request that makes a post public is made once")
		}
		require.Empty(t, s.check(n, nil, takeover).failures())
	})
}

// The channel's first post is held up, so that all others wait when the process dies, right after the last of them was taken. A file is still coming in.
func TestKilledRightAfterItsAnswersEveryPostIsPublished(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *site) {
		fake := fediverse(t)
		n := s.up()
		s.tellPosts(n)
		channel := s.mastodon(n, fake)
		hook := s.incoming(n, map[string]any{"channelIds": []string{channel}})
		held, _ := hold(t, fake, statusesPath, "", nothing)
		s.publish(n, "held", channel)
		arrive(t, "the first post", held)
		s.stallUpload(n, hook)
		var want, ids []string
		for i := range 5 {
			for kind, publish := range []func(text string) string{
				func(text string) string { return s.publish(n, text, channel) },
				func(text string) string {
					var made post
					require.Equal(t, http.StatusAccepted, s.call(n, http.MethodPost, hook, map[string]string{"title": "x", "body": text}, &made, "Authorization", ""))
					return made.ID
				},
				func(text string) string { return s.publishPicture(n, hook, text) },
			} {
				want = append(want, fmt.Sprintf("%d by %d", i, kind))
				ids = append(ids, publish(want[len(want)-1]))
			}
		}
		n.kill()
		for _, path := range s.unfinished() { // as if it had stood still for long
			require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(-2*time.Hour)))
		}
		n.start()
		for _, id := range ids {
			s.awaitPost(n, id, "published")
			s.requireTold(id, "post.published", "published")
		}
		require.Equal(t, want, texts(fake), "each once, in the order in which they came")
		require.Len(t, fake.Uploads(), 5)
		await(t, patience, "what was half stored to be gone", func() bool { return len(s.unfinished()) == 0 })
		require.Len(t, s.files(), 5)
		require.Empty(t, s.check(n, nil, takeover).failures())
	})
}

func TestPlacesInAQueueOutliveAKill(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *site) {
		fake := fediverse(t)
		n := s.up()
		var slots []map[string]string
		for _, day := range []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} {
			slots = append(slots, map[string]string{"weekday": day, "time": time.Now().Add(12 * time.Hour).UTC().Format("15:04")})
		}
		var queue struct{ ID string }
		body := map[string]any{"name": "Daily", "timeZone": "UTC", "slots": slots, "channelIds": []string{s.mastodon(n, fake)}}
		require.Equal(t, http.StatusCreated, s.call(n, http.MethodPost, "/v1/queues", body, &queue))
		hook := s.incoming(n, map[string]any{"queueId": queue.ID})
		add := func() (made post) {
			require.Equal(t, http.StatusAccepted, s.call(n, http.MethodPost, hook, map[string]string{"body": "later"}, &made, "Authorization", ""))
			return made
		}
		var waiting []post
		for range 3 {
			waiting = append(waiting, add())
		}
		n.kill()
		n.start()
		for range 3 {
			waiting = append(waiting, add())
		}
		places := map[string]bool{}
		for _, p := range waiting {
			require.Equal(t, p.SlotAt, s.postOf(n, p.ID).SlotAt)
			places[p.SlotAt] = true
		}
		require.Len(t, places, len(waiting), "no two posts share a slot")
		require.True(t, slices.IsSortedFunc(waiting, func(a, b post) int { return timeOf(t, a.SlotAt).Compare(timeOf(t, b.SlotAt)) }))
		require.Empty(t, texts(fake))
		s.check(n, nil, takeover)
	})
}

func timeOf(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return at
}
