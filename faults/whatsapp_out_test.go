//go:build linux

package faults

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
)

// WhatsApp has taken two messages and not said so when the process dies. The phone confirms one while no process is there, and the other when it
// counts as unconfirmed.
func TestKilledWhileSendingAWhatsAppMessageGoesOutOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *site) {
		w := s.whatsapp()
		n := s.up()
		ann, bob, friend := w.server.AddUser("16310000001"), w.server.AddUser("16310000002"), w.server.AddUser("16310000003")
		first, second := s.link(n, ann, nil), s.link(n, bob, nil)
		w.server.Switch(func(switches *watest.Switches) { switches.AckDelay = int(patience.Milliseconds()) })
		go s.try(n, http.MethodPost, "/v1/messages", map[string]string{"channelId": first, "to": friend.Number(), "text": "one"})
		go s.try(n, http.MethodPost, "/v1/messages", map[string]string{"channelId": second, "to": friend.Number(), "text": "two"})
		one, two := w.awaitText(friend, "one"), w.awaitText(friend, "two")
		n.kill()
		w.server.Switch(func(switches *watest.Switches) { switches.AckDelay = 0 })
		require.NoError(t, friend.Receipt(ann, watest.Delivered, one.ID))
		n.start()

		s.awaitStatusOf(n, "one", "delivered")
		require.Equal(t, one.ID, s.outbound(n)["one"].ProviderMessageID)
		s.awaitSession(n, first, "CONNECTED", replaced)
		s.requireSend(n, first, friend, "three")
		await(t, settled, "the other message to be unconfirmed", func() bool { return s.outbound(n)["two"].Status == "unconfirmed" })
		s.awaitStatus(s.outbound(n)["two"].ID, "unconfirmed")
		s.awaitSession(n, second, "CONNECTED", replaced)
		require.NoError(t, friend.Receipt(bob, watest.Delivered, two.ID))
		s.awaitStatusOf(n, "two", "delivered")
		s.awaitStatus(s.outbound(n)["two"].ID, "delivered")
		requireGot(t, friend, "one", "two", "three")
		require.EqualValues(t, 3, w.server.Counters().Messages)
		require.Empty(t, s.check(n, nil, takeover).failures())
	})
}

// Messages go both ways between two people, so that each turns the other's keys, when the process dies. Whatever was said to be sent has arrived once,
// and nothing more than once.
func TestKilledInAWhatsAppConversationNothingGoesOutTwice(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *site) {
		w := s.whatsapp()
		n := s.up()
		owner, friend := w.server.AddUser("16310000001"), w.server.AddUser("16310000002")
		id := s.link(n, owner, nil)
		in, out := w.chatter(friend, owner, 10*time.Millisecond), s.errand(id, friend, 10*time.Millisecond, n)
		for range 2 {
			got, arrived := len(friend.Received()), len(s.receiver.seen())
			s.receiver.awaitCount(t, arrived+10, patience)
			await(t, patience, "messages to go out", func() bool { return len(friend.Received()) >= got+10 })
			before := w.logins()
			n.kill()
			n.start()
			w.awaitLogin(before, replaced)
		}
		s.awaitSession(n, id, "CONNECTED", replaced)
		texts, ids := out.stop(), in.stop()
		s.requireSend(n, id, friend, "the last")
		got := map[string]int{"the last": -1}
		for _, m := range friend.Received() {
			got[m.Text()]++
		}
		for _, text := range texts {
			require.LessOrEqual(t, got[text], 1, "%s has gone out twice", text)
			if !slices.Contains(out.unsure, text) {
				require.Equal(t, 1, got[text], "%s was said to be sent", text)
			}
		}
		require.Zero(t, got["the last"])
		require.LessOrEqual(t, len(out.unsure), 2, "one for each kill: %v", out.unsure)
		s.receiver.awaitAll(t, ids, patience)
		w.awaitForgotten(owner)
		require.Empty(t, s.check(n, ids, takeover).failures())
		t.Logf("%d messages in, %d out, %d unsure", len(ids), len(texts), len(out.unsure))
	})
}

// The device is unlinked on the phone while messages wait for their turn.
func TestUnlinkedOnThePhoneWhatWaitsFails(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	w := s.whatsapp()
	n := s.up()
	owner, friend := w.server.AddUser("16310000001"), w.server.AddUser("16310000002")
	id := s.link(n, owner, map[string]string{"sendGap": "60", "typing": "false"})
	s.requireSend(n, id, friend, "sent")
	waiting := []string{"waits", "waits too", "waits longer"}
	var calls sync.WaitGroup
	for _, text := range waiting {
		calls.Go(func() {
			status, answer := s.send(n, id, friend, text)
			if status == http.StatusOK { // the queue was answered first, on a slow machine
				require.Equal(t, "queued", answer.Status)
				return
			}
			require.Equal(t, http.StatusBadRequest, status)
			require.Equal(t, "session_not_connected", answer.Code)
		})
	}
	await(t, patience, "all messages to be queued", func() bool { return len(s.outbound(n)) == 1+len(waiting) })
	require.True(t, owner.Unlink(owner.Devices()[0]))
	s.awaitSession(n, id, "LOGGED_OUT", patience)
	calls.Wait()
	for _, text := range waiting {
		s.awaitStatusOf(n, text, "failed")
		s.awaitStatus(s.outbound(n)[text].ID, "failed")
	}
	var failed struct{ Error struct{ Code string } }
	require.Equal(t, http.StatusOK, s.call(n, http.MethodGet, "/v1/messages/"+s.outbound(n)["waits"].ID, nil, &failed))
	require.Equal(t, "session_not_connected", failed.Error.Code)
	require.Empty(t, s.check(n, nil, soon).failures())
	requireGot(t, friend, "sent")
}

// One process has the API, the other the devices. Redis, over which they talk, is emptied, dies and comes back.
func TestRedisThatFailsCostsNoWhatsAppMessageAndNoLink(t *testing.T) {
	t.Parallel()
	s := newSiteOnEngines(t)
	w := s.whatsapp()
	api, worker := s.up("ROLE=api"), s.up("ROLE=worker")
	ann, bob, friend := w.server.AddUser("16310000001"), w.server.AddUser("16310000002"), w.server.AddUser("16310000003")
	id := s.link(api, ann, nil)
	var texts []string
	send := func(text string) {
		s.requireSend(api, id, friend, text)
		texts = append(texts, text)
	}
	for i := range 4 {
		send("flushed " + strconv.Itoa(i))
		s.redis.FlushAll()
	}

	s.redis.Kill()
	send("without Redis")
	made := s.makeSession(api, nil)
	pair := map[string]string{"phoneNumber": bob.Number()}
	var refused struct{ Code string }
	status, raw := s.try(api, http.MethodPost, "/v1/sessions/"+made.ID+"/pair", pair)
	require.Equal(t, http.StatusServiceUnavailable, status, "%s", raw)
	require.NoError(t, json.Unmarshal(raw, &refused))
	require.Equal(t, "service_unavailable", refused.Code)

	s.redis.Start()
	var step struct{ Code string }
	await(t, patience, "the processes to reach each other again", func() bool {
		status, raw = s.try(api, http.MethodPost, "/v1/sessions/"+made.ID+"/pair", pair)
		return status == http.StatusOK
	})
	require.NoError(t, json.Unmarshal(raw, &step))
	s.redis.FlushAll() // it holds nothing that the link needs
	_, err := bob.EnterCode(t.Context(), step.Code)
	require.NoError(t, err)
	s.awaitSession(api, made.ID, "CONNECTED", patience)
	send("with Redis")
	require.NoError(t, friend.SendText(t.Context(), bob, "in", "for the new device"))
	s.receiver.awaitAll(t, []string{"in"}, patience)
	require.Empty(t, s.check(api, []string{"in"}, takeover).failures())
	requireGot(t, friend, texts...)
	worker.stop(patience)
}

// awaitGone waits until all that a session was given to send has gone out.
func (s *site) awaitGone(n *node, count int) {
	s.t.Helper()
	await(s.t, patience, strconv.Itoa(count)+" messages to be sent", func() bool {
		gone := 0
		for _, m := range s.outbound(n) {
			if m.Status == "sent" {
				gone++
			}
		}
		return gone == count
	})
}

// errand is API calls that send one text after the other, each repeated with its Idempotency-Key, at the next node, until it is answered with 2xx, or
// with 504: then nobody knows whether it went out.
type errand struct {
	quit, over chan struct{}
	texts      []string
	unsure     []string    // those of texts that were answered with 504
	answers    map[int]int // by status; 0: none
}

func (s *site) errand(sessionID string, to *watest.User, every time.Duration, nodes ...*node) *errand {
	e := &errand{quit: make(chan struct{}), over: make(chan struct{}), answers: map[int]int{}}
	go func() {
		defer close(e.over)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for number := 0; ; number++ {
			text := "out " + strconv.Itoa(number)
			e.texts = append(e.texts, text)
			for try := number; ; try++ {
				status, _ := s.send(nodes[try%len(nodes)], sessionID, to, text)
				e.answers[status]++
				if status/100 == 2 {
					break
				}
				if status == http.StatusGatewayTimeout {
					e.unsure = append(e.unsure, text)
					break
				}
				<-tick.C
			}
			select {
			case <-e.quit:
				return
			case <-tick.C:
			}
		}
	}()
	return e
}

// stop ends it and returns the texts.
func (e *errand) stop() []string {
	close(e.quit)
	<-e.over
	return e.texts
}
