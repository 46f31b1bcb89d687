//go:build linux

package faults

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/mastodon/mastodontest"
)

func TestTwoProcessesPublishEachPostOnceAndEachChannelInItsOrder(t *testing.T) {
	t.Parallel()
	s := newSiteOnEngines(t)
	nodes := []*node{s.up(), s.up()}
	s.tellPosts(nodes[0])
	fakes := []*mastodontest.Server{fediverse(t), fediverse(t), fediverse(t)}
	want, ids := make([][]string, len(fakes)), make([][]string, len(fakes))
	var senders sync.WaitGroup
	for i, fake := range fakes {
		channel := s.mastodon(nodes[0], fake)
		senders.Go(func() {
			for number := range 20 {
				text := fmt.Sprintf("%d of channel %d", number, i)
				want[i] = append(want[i], text)
				ids[i] = append(ids[i], s.publish(nodes[(i+number)%2], text, channel))
			}
		})
	}
	senders.Wait()
	for i, fake := range fakes {
		for _, id := range ids[i] {
			s.awaitPost(nodes[0], id, "published")
			s.requireTold(id, "post.published", "published")
		}
		require.Equal(t, want[i], texts(fake))
		require.Equal(t, 20, asked(fake, "POST "+statusesPath))
	}
	require.Empty(t, s.check(nodes[0], nil, takeover).failures())
	nodes[0].stop(patience)
	nodes[1].stop(patience)
}

// A process is frozen while a file goes up for one post, and while the network has another in hand. The other process takes both over.
func TestAFrozenProcessPublishesNothingThatAnotherHasTakenOver(t *testing.T) {
	t.Parallel()
	s := newSiteOnEngines(t)
	frozen := s.up()
	s.tellPosts(frozen)
	before, after := fediverse(t), fediverse(t)
	uploading, goOn := hold(t, before, filesPath, `{"id":"500","url":"https://files.example/500"}`, nothing)
	sending, answer := hold(t, after, statusesPath, `{"id":"100","url":"https://social.example/@alice/100"}`, func() {
		after.Add(mastodontest.Status{Text: "after", CreatedAt: time.Now().Add(time.Hour)})
	})
	first := s.publishPicture(frozen, s.incoming(frozen, map[string]any{"channelIds": []string{s.mastodon(frozen, before)}}), "before")
	second := s.publish(frozen, "after", s.mastodon(frozen, after))
	arrive(t, "the file", uploading)
	arrive(t, "the request", sending)
	frozen.signal(syscall.SIGSTOP)
	// The files of posts are on this machine's disk, which both processes have.
	other := s.up()
	s.awaitPost(other, first, "published")
	await(t, patience, "the second to be taken over", func() bool { return s.postOf(other, second).Status != "publishing" })
	goOn()
	answer()
	frozen.signal(syscall.SIGCONT)
	s.awaitPost(other, second, "published")
	await(t, patience, "the frozen one to notice", func() bool { return strings.Contains(s.log.String(), `"msg":"post.outdated"`) })
	s.requireTold(first, "post.published", "published")
	s.requireTold(second, "post.published", "published")
	require.Equal(t, []string{"before"}, texts(before))
	require.Equal(t, []string{"after"}, texts(after))
	for _, fake := range []*mastodontest.Server{before, after} {
		require.Equal(t, 1, asked(fake, "POST "+statusesPath))
	}
	frozen.awaitAnswer("/readyz", http.StatusOK, patience)
	require.Empty(t, s.check(other, nil, takeover).failures())
	frozen.stop(patience)
	other.stop(patience)
}

func TestAPostThatIsCancelledWhileItsPublishingBeginsIsOutOrCancelledAndNeverBoth(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *site) {
		fake := fediverse(t)
		n := s.up()
		channel := s.mastodon(n, fake)
		want, ids := map[string]bool{}, map[string]string{}
		for i := range 40 {
			text := fmt.Sprintf("post %d", i)
			id := s.publish(n, text, channel)
			ids[text] = id
			switch status := s.call(n, http.MethodDelete, "/v1/posts/"+id, nil, nil); status {
			case http.StatusOK:
				require.Equal(t, "cancelled", s.postOf(n, id).Status)
			case http.StatusConflict:
				want[text] = true
			default:
				require.Fail(t, "neither cancelled nor too late", "%d", status)
			}
		}
		last := s.publish(n, "the last", channel)
		want["the last"] = true
		s.awaitPost(n, last, "published")
		for text, id := range ids {
			if want[text] {
				s.awaitPost(n, id, "published")
			} else {
				require.Equal(t, "cancelled", s.postOf(n, id).Status)
			}
		}
		shown := map[string]bool{}
		for _, text := range texts(fake) {
			require.False(t, shown[text], "%s is out twice", text)
			shown[text] = true
		}
		require.Equal(t, want, shown)
		t.Logf("%d of 41 were out before they could be cancelled", len(want)-1)
		s.check(n, nil, takeover)
	})
}
