//go:build linux

package faults

import (
	"net/http"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
)

// pair is two processes on one database and one Redis, and a session that the first of them holds.
type pair struct {
	*site
	network       *network
	owner, other  *node
	user, friend  *watest.User
	id            string
	received, out []string // ids of what came in, texts of what went out
}

func newPair(t *testing.T) *pair {
	t.Helper()
	s := newSiteOnEngines(t)
	p := &pair{site: s, network: s.whatsapp()}
	p.user, p.friend = p.network.server.AddUser("16310000001"), p.network.server.AddUser("16310000002")
	p.owner = s.up()
	p.id = s.link(p.owner, p.user, nil)
	p.other = s.up()
	p.works(p.owner, "with the owner")
	p.works(p.other, "with the other process")
	require.Len(t, p.network.server.Connections(), 1)
	return p
}

// works requires that a message can be sent by a call to a process, and that one comes in.
func (p *pair) works(n *node, text string) {
	p.t.Helper()
	p.requireSend(n, p.id, p.friend, text)
	p.out = append(p.out, text)
	in := "in " + strconv.Itoa(len(p.received))
	require.NoError(p.t, p.friend.SendText(p.t.Context(), p.user, in, text))
	p.received = append(p.received, in)
	p.receiver.awaitAll(p.t, p.received, patience)
}

// finish requires that nothing is lost and nothing doubled.
func (p *pair) finish(n *node) {
	p.t.Helper()
	p.network.awaitForgotten(p.user)
	require.Empty(p.t, p.check(n, p.received, takeover).failures())
	requireGot(p.t, p.friend, p.out...)
	require.Len(p.t, p.network.server.Connections(), 1)
	require.NotContains(p.t, p.statuses(n, p.id), "DISCONNECTED replaced")
}

func TestASessionWhoseOwnerIsKilledIsAnothersSoon(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	before, since := p.network.logins(), time.Now()
	p.owner.kill()
	require.NoError(t, p.friend.SendText(t.Context(), p.user, "meanwhile", "while nobody is there"))
	p.received = append(p.received, "meanwhile")
	p.network.awaitLogin(before, replaced)
	t.Logf("taken over after %s", time.Since(since).Round(100*time.Millisecond))
	p.awaitSession(p.other, p.id, "CONNECTED", replaced)
	p.works(p.other, "after the takeover")
	p.finish(p.other)
}

// A process that is frozen for longer than its lease loses its session. When it goes on, it has connections, messages in hand and calls to answer,
// and may use none of them.
func TestAFrozenOwnerOfASessionCannotSendWhenItGoesOn(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.network.server.Switch(func(s *watest.Switches) { s.AckDelay = int(patience.Milliseconds()) })
	first := make(chan int, 1)
	go func() {
		status, _ := p.send(p.owner, p.id, p.friend, "under way")
		first <- status
	}()
	p.network.awaitText(p.friend, "under way")
	p.out = append(p.out, "under way")
	waiting := []string{"waits 0", "waits 1", "waits 2"} // behind the one that is not answered
	for _, text := range waiting {
		go p.send(p.owner, p.id, p.friend, text)
	}
	await(t, patience, "the messages to be queued", func() bool { return len(p.outbound(p.other)) == len(p.out)+len(waiting) })

	before, since := p.network.logins(), time.Now()
	p.owner.signal(syscall.SIGSTOP)
	p.network.server.Switch(func(s *watest.Switches) { s.AckDelay = 0 })
	p.network.awaitLogin(before, replaced)
	t.Logf("taken over after %s", time.Since(since).Round(100*time.Millisecond))
	p.awaitSession(p.other, p.id, "CONNECTED", replaced)
	for _, text := range waiting {
		p.network.awaitText(p.friend, text)
	}
	p.out = append(p.out, waiting...)
	p.works(p.other, "while it is frozen")
	logins := p.network.logins()

	p.owner.signal(syscall.SIGCONT)
	p.owner.awaitAnswer("/readyz", http.StatusOK, soon)
	for i := range 5 {
		p.works(p.owner, "by a call to the former owner "+strconv.Itoa(i))
	}
	require.Equal(t, http.StatusGatewayTimeout, <-first, "whether WhatsApp took it was not known")
	require.Equal(t, logins, p.network.logins(), "the former owner must not connect")
	require.Equal(t, "unconfirmed", p.outbound(p.other)["under way"].Status)
	p.finish(p.other)
	p.owner.stop(patience)
	require.Equal(t, logins, p.network.logins())
}

// Messages go in and out all the time while each of two processes is stopped in order and started again.
func TestSIGTERMHandsAWhatsAppSessionOver(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	in := p.network.chatter(p.friend, p.user, 20*time.Millisecond)
	out := p.errand(p.id, p.friend, 20*time.Millisecond, p.owner, p.other)
	for _, n := range []*node{p.owner, p.other} {
		arrived := len(p.receiver.seen())
		p.receiver.awaitCount(t, arrived+20, patience)
		before, since := p.network.logins(), time.Now()
		n.signal(syscall.SIGTERM)
		p.network.awaitLogin(before, soon)
		t.Logf("handed over after %s", time.Since(since).Round(10*time.Millisecond))
		n.awaitExit(patience)
		n.start()
	}
	p.out = append(p.out, out.stop()...)
	p.received = append(p.received, in.stop()...)
	p.receiver.awaitAll(t, p.received, patience)
	p.awaitGone(p.other, len(p.out))
	p.finish(p.other)
	for status := range out.answers {
		require.Contains(t, []int{0, http.StatusOK, http.StatusBadRequest, http.StatusServiceUnavailable}, status, "answers by status: %v", out.answers)
	}
	t.Logf("%d messages in, %d out; answers by status: %v", len(p.received), len(p.out), out.answers)
}

func TestSIGTERMOfTheOnlyProcessCostsNoWhatsAppMessage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.whatsapp()
	n := s.up()
	owner, friend := w.server.AddUser("16310000001"), w.server.AddUser("16310000002")
	id := s.link(n, owner, nil)
	in, out := w.chatter(friend, owner, 10*time.Millisecond), s.errand(id, friend, 20*time.Millisecond, n)
	for range 2 {
		arrived := len(s.receiver.seen())
		s.receiver.awaitCount(t, arrived+50, patience)
		n.stop(20 * time.Second)
		n.start()
	}
	texts, ids := out.stop(), in.stop()
	s.receiver.awaitAll(t, ids, patience)
	w.awaitForgotten(owner)
	s.awaitGone(n, len(texts))
	require.Empty(t, s.check(n, ids, soon).failures())
	requireGot(t, friend, texts...)
	t.Logf("%d messages in, %d out; answers by status: %v", len(ids), len(texts), out.answers)
}

// A stop does not wait until the pauses between messages are over: whoever waits for such a message is told that it is queued.
func TestSIGTERMDoesNotWaitForMessagesThatWaitTheirTurn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.whatsapp()
	n := s.up()
	owner, friend := w.server.AddUser("16310000001"), w.server.AddUser("16310000002")
	id := s.link(n, owner, map[string]string{"sendGap": "3", "typing": "false"})
	s.requireSend(n, id, friend, "sent")
	texts := []string{"waits 0", "waits 1", "waits 2"}
	answers := make(chan sent, len(texts))
	for _, text := range texts {
		go func() {
			_, answer := s.send(n, id, friend, text)
			answers <- answer
		}()
	}
	await(t, patience, "all messages to be queued", func() bool { return len(s.outbound(n)) == 1+len(texts) })
	since := time.Now()
	n.stop(patience)
	t.Logf("stopped after %s", time.Since(since).Round(10*time.Millisecond))
	queued := 0
	for range texts {
		if answer := <-answers; answer.Status == "queued" {
			queued++
		}
	}
	require.NotZero(t, queued, "some have waited when the stop came")
	n.start()
	s.awaitGone(n, 1+len(texts))
	requireGot(t, friend, append(texts, "sent")...)
	require.Empty(t, s.check(n, nil, soon).failures())
}
