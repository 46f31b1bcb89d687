//go:build linux

package faults

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/twilio/twiliotest"
)

const (
	// settled is how long a message of a killed process may take to become unconfirmed: a minute, in which it could still
	// be under way, and looks that are 10 s apart.
	settled = 90 * time.Second

	inboundSID = "SM00000000000000000000000000000001"
)

// message is what GET /v1/messages says of one.
type message struct {
	ID, Direction, Text, Status, ProviderMessageID string
}

// upWithTwilio makes a node whose Twilio is a stand-in, and a channel there.
func (s *site) upWithTwilio() (n *node, fake *twiliotest.Server, channel string) {
	s.t.Helper()
	fake = twiliotest.New(s.t)
	s.secrets = append(s.secrets, twiliotest.AuthToken)
	n = s.up("TWILIO_BASE_URL=" + fake.URL)
	channel = s.addChannel(n, "twilio_sms", map[string]string{
		"accountSid": twiliotest.AccountSID, "authToken": twiliotest.AuthToken, "phoneNumber": "+16311113333",
	})
	return n, fake, channel
}

// outbound returns the messages that went out, or were to, by their text.
func (s *site) outbound(n *node) map[string]message {
	s.t.Helper()
	found := map[string]message{}
	for _, m := range all[message](s, n, "/v1/messages?direction=outbound&limit=100") {
		require.NotContains(s.t, found, m.Text, "a message is stored twice")
		found[m.Text] = m
	}
	return found
}

// awaitStatus waits until the receiver has been told of a message's status.
func (s *site) awaitStatus(messageID, status string) {
	s.t.Helper()
	await(s.t, soon, "news that "+messageID+" is "+status, func() bool {
		for _, a := range s.receiver.seenOf(messageID) {
			if a.kind == "message.status" && a.status == status {
				return true
			}
		}
		return false
	})
}

// requireSent requires that the network was asked to send these texts, each once.
func requireSent(t *testing.T, fake *twiliotest.Server, texts ...string) {
	t.Helper()
	var sent []string
	for _, m := range fake.Sent() {
		sent = append(sent, m.Body)
	}
	require.ElementsMatch(t, texts, sent)
}

// One message is sent by an API call, and one as the reply of a workflow. Twilio has taken both and not answered when the process dies.
func TestKilledWhileSendingAMessageIsUnconfirmedAndNotSentAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *site) {
		n, fake, channel := s.upWithTwilio()
		s.receiver.answers(func(_ context.Context, a arrival) (int, string) {
			if a.kind == "message.received" {
				return http.StatusOK, `{"replies": ["one", "two"]}`
			}
			return http.StatusOK, "{}"
		})
		fake.TroubleNext(twiliotest.Trouble{Delay: patience})
		fake.TroubleNext(twiliotest.Trouble{Delay: patience})
		go s.try(n, http.MethodPost, "/v1/messages", map[string]string{"channelId": channel, "to": "16311112222", "text": "called"})
		_, err := fake.WaitSent(t.Context(), 1)
		require.NoError(t, err)
		s.comeIn(n, channel)
		sent, err := fake.WaitSent(t.Context(), 2)
		require.NoError(t, err)
		n.kill()
		n.start()
		await(t, settled, "both messages to be unconfirmed, and the second reply to be sent", func() bool {
			now := s.outbound(n)
			return now["called"].Status == "unconfirmed" && now["one"].Status == "unconfirmed" && now["two"].Status == "sent"
		})
		requireSent(t, fake, "called", "one", "two")
		now := s.outbound(n)
		s.awaitStatus(now["called"].ID, "unconfirmed")
		s.awaitStatus(now["one"].ID, "unconfirmed")

		status, err := fake.Report(t.Context(), sent[0], "delivered", 0)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status)
		s.awaitStatus(now["called"].ID, "delivered")
		called := s.outbound(n)["called"]
		require.Equal(t, "delivered", called.Status)
		require.Equal(t, sent[0].SID, called.ProviderMessageID)
		require.Empty(t, s.check(n, []string{inboundSID}, takeover).failures())
		requireSent(t, fake, "called", "one", "two")
	})
}

// comeIn makes an SMS come in on a channel of the stand-in.
func (s *site) comeIn(n *node, channel string) {
	s.t.Helper()
	form := twiliotest.Inbound(inboundSID, "+16311112222", "+16311113333", "Hello")
	request, err := twiliotest.Callback(s.t.Context(), twiliotest.AuthToken, n.url+"/callbacks/twilio_sms/"+channel, form)
	require.NoError(s.t, err)
	response, err := s.client.Do(request)
	require.NoError(s.t, err)
	require.NoError(s.t, response.Body.Close())
	require.Equal(s.t, http.StatusOK, response.StatusCode)
}

// repeat makes a call with an Idempotency-Key until it is not said to be in progress any more.
func (s *site) repeat(n *node, path string, body any, key string) (status int, answer struct{ ID, Code string }) {
	s.t.Helper()
	await(s.t, takeover, "the call to be free", func() bool {
		var raw []byte
		status, raw = s.try(n, http.MethodPost, path, body, "Idempotency-Key", key)
		answer.ID, answer.Code = "", ""
		require.NoError(s.t, json.Unmarshal(raw, &answer), "%d %s", status, raw)
		return answer.Code != "idempotency_in_progress"
	})
	return status, answer
}

func TestARepeatAfterAKillDuringTheCallDoesNotSendAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *site) {
		n, fake, channel := s.upWithTwilio()
		body := map[string]string{"channelId": channel, "to": "16311112222", "text": "once"}
		fake.TroubleNext(twiliotest.Trouble{Delay: patience})
		go s.try(n, http.MethodPost, "/v1/messages", body, "Idempotency-Key", "k")
		_, err := fake.WaitSent(t.Context(), 1)
		require.NoError(t, err)
		n.kill()
		n.start()
		for range 2 {
			status, answer := s.repeat(n, "/v1/messages", body, "k")
			require.Equal(t, http.StatusGatewayTimeout, status)
			require.Equal(t, "unconfirmed", answer.Code)
		}
		require.Len(t, s.outbound(n), 1)
		requireSent(t, fake, "once")
		s.check(n, nil, takeover)
	})
}

// Between what the server did and the client's answer stands the note of the answer, which a lock holds up on PostgreSQL. With
// SQLite the process dies somewhere there.
func TestARepeatAfterAKillBeforeTheAnswerGivesTheSameMessage(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *site) {
		n, fake, channel := s.upWithTwilio()
		body := map[string]string{"channelId": channel, "to": "16311112222", "text": "once"}
		arrived := fake.TroubleNext(twiliotest.Trouble{Delay: 5 * time.Second}) // time to lock what comes after it
		go s.try(n, http.MethodPost, "/v1/messages", body, "Idempotency-Key", "k")
		<-arrived
		s.killBeforeTheAnswer(n, func() { s.awaitStatusOf(n, "once", "sent") })
		n.start()
		for range 2 {
			status, answer := s.repeat(n, "/v1/messages", body, "k")
			require.Equal(t, http.StatusOK, status)
			require.Equal(t, s.outbound(n)["once"].ID, answer.ID)
		}
		requireSent(t, fake, "once")
		s.check(n, nil, takeover)
	})
}

func TestARepeatAfterAKillBeforeTheAnswerMakesOneEvent(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *site) {
		n := s.up()
		path, body := "/v1/channels/"+s.channel+"/simulate", map[string]string{"from": "+16311112222", "text": "once"}
		unlock := func() {}
		if s.database != "" {
			unlock = s.lock("events")
		}
		go s.try(n, http.MethodPost, path, body, "Idempotency-Key", "k")
		if s.database != "" {
			s.awaitBlocked()
		}
		s.killBeforeTheAnswer(n, func() {
			unlock()
			s.receiver.awaitCount(t, 1, patience)
		})
		n.start()
		first := ""
		for range 2 {
			status, answer := s.repeat(n, path, body, "k")
			require.Equal(t, http.StatusCreated, status)
			require.True(t, first == "" || first == answer.ID)
			first = answer.ID
		}
		require.Len(t, all[message](s, n, "/v1/messages?direction=inbound&limit=100"), 1)
		require.Len(t, all[storedEvent](s, n, "/v1/events?event=message.received&limit=100"), 1)
		s.check(n, nil, takeover)
	})
}

// killBeforeTheAnswer kills a node when a call has done its work and has not been answered.
func (s *site) killBeforeTheAnswer(n *node, done func()) {
	s.t.Helper()
	if s.database == "" {
		done()
		n.kill()
		return
	}
	unlock := s.lock("idempotency_keys")
	done()
	s.awaitBlocked()
	n.kill()
	s.cutBlocked() // else the dead process's last statement would still be carried out
	unlock()
}

func (s *site) awaitStatusOf(n *node, text, status string) {
	s.t.Helper()
	await(s.t, patience, text+" to be "+status, func() bool { return strings.EqualFold(s.outbound(n)[text].Status, status) })
}
