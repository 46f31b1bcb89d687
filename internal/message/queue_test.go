package message_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/sandbox"
	"github.com/switchhook/switchhook/connectors/twilio"
	"github.com/switchhook/switchhook/connectors/twilio/twiliotest"
	"github.com/switchhook/switchhook/internal/store"
)

// queue stores a reply as a delivery does, and returns its id.
func (f *fixture) queue(t *testing.T, c *store.Channel, origin string, number int64, to string) string {
	t.Helper()
	m := &store.Message{
		ID: f.ids.New("msg"), AccountID: c.AccountID, ChannelID: c.ID, Direction: store.Outbound, Peer: to, Type: "text",
		Text: origin + " " + string(rune('a'+number)), Status: store.MessageQueued, Origin: origin, OriginSeq: number,
		DueAt: f.clock.now(), CreatedAt: f.clock.now(), UpdatedAt: f.clock.now(),
	}
	require.NoError(t, f.store.InsertMessage(t.Context(), m))
	return m.ID
}

func (f *fixture) bodies() []string {
	var bodies []string
	for _, sent := range f.twilio.Sent() {
		bodies = append(bodies, sent.Body)
	}
	return bodies
}

func TestRepliesGoOutInOrderAndWaitForTheOneBefore(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c := f.channel(t, twilio.KindSMS, nil)
		f.twilio.FailNext(429, 20429)
		first := f.queue(t, c, "dlv_1", 0, "15551230000")
		f.queue(t, c, "dlv_1", 1, "15551230000")
		f.queue(t, c, "dlv_1", 2, "15551230000")
		require.NoError(t, f.SendQueued(t.Context()))
		require.Empty(t, f.twilio.Sent(), "the second waits for the first's next try")
		waiting := f.stored(t, first)
		require.Equal(t, store.MessageQueued, waiting.Status)
		require.EqualValues(t, 1, waiting.Tries)
		require.Equal(t, f.clock.now().Add(5*time.Second), waiting.DueAt)
		require.Empty(t, f.told(t, first), "a try that will be made again is no news")

		other := f.queue(t, c, "dlv_2", 0, "15551230001")
		require.NoError(t, f.SendQueued(t.Context()))
		require.Equal(t, []string{"dlv_2 a"}, f.bodies(), "another answer's reply does not wait")
		require.Equal(t, store.MessageSent, f.stored(t, other).Status)

		f.clock.advance(5 * time.Second)
		require.NoError(t, f.SendQueued(t.Context()))
		require.Equal(t, []string{"dlv_2 a", "dlv_1 a", "dlv_1 b", "dlv_1 c"}, f.bodies())
		require.Equal(t, []string{"sent"}, f.told(t, first))
	})
}

func TestAFailedReplyDoesNotStopTheNext(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c := f.channel(t, twilio.KindSMS, nil)
		f.twilio.FailNext(400, 21614)
		f.twilio.TroubleNext(twiliotest.Trouble{Cut: true})
		rejected, unknown, last := f.queue(t, c, "dlv_1", 0, "15551230000"), f.queue(t, c, "dlv_1", 1, "15551230000"), f.queue(t, c, "dlv_1", 2, "15551230000")
		require.NoError(t, f.SendQueued(t.Context()))
		require.Equal(t, store.MessageFailed, f.stored(t, rejected).Status)
		require.Equal(t, store.MessageUnconfirmed, f.stored(t, unknown).Status)
		require.Equal(t, store.MessageSent, f.stored(t, last).Status)
		require.Equal(t, []string{"failed"}, f.told(t, rejected))
		require.Equal(t, []string{"unconfirmed"}, f.told(t, unknown))
		require.Equal(t, []string{"dlv_1 b", "dlv_1 c"}, f.bodies())
	})
}

func TestAReplyIsGivenUpAfterItsLastTry(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "sqlite")
	c := f.channel(t, sandbox.Kind, nil)
	reply := f.queue(t, c, "dlv_1", 0, "15551230006")
	for tries := int64(1); tries <= 5; tries++ {
		require.NoError(t, f.SendQueued(t.Context()))
		m := f.stored(t, reply)
		require.Equal(t, store.MessageQueued, m.Status)
		require.Equal(t, tries, m.Tries)
		f.clock.advance(m.DueAt.Sub(f.clock.now()))
	}
	require.NoError(t, f.SendQueued(t.Context()))
	require.Equal(t, store.MessageFailed, f.stored(t, reply).Status)
	require.Equal(t, []string{"failed"}, f.told(t, reply))
}

func TestAReplyOnADeletedChannelFails(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "sqlite")
	c := f.channel(t, sandbox.Kind, nil)
	reply := f.queue(t, c, "dlv_1", 0, "15551230000")
	require.NoError(t, f.channels.Delete(t.Context(), tenant, c.ID))
	require.NoError(t, f.SendQueued(t.Context()))
	m := f.stored(t, reply)
	require.Equal(t, store.MessageFailed, m.Status)
	require.Equal(t, "channel_deleted", m.ErrorCode)
}

func TestTwoSendersNeverSendTheSameReply(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c := f.channel(t, twilio.KindSMS, nil)
		const replies = 20
		for i := range replies {
			f.queue(t, c, "dlv_"+string(rune('a'+i)), 0, "15551230000")
		}
		done := make(chan error, 4)
		for range cap(done) {
			go func() { done <- f.SendQueued(t.Context()) }()
		}
		for range cap(done) {
			require.NoError(t, <-done)
		}
		require.Equal(t, replies, f.twilio.Requests())
	})
}

func TestWhatADeadProcessWasSendingIsUnconfirmedAndToldOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c := f.channel(t, twilio.KindSMS, nil)
		lost := f.queue(t, c, "dlv_1", 0, "15551230000")
		next := f.queue(t, c, "dlv_1", 1, "15551230000")
		require.NoError(t, f.store.BeatAny(t.Context(), "wrk_dead", f.clock.now()))
		claimed, err := f.store.ClaimMessagesAny(t.Context(), "wrk_dead", f.clock.now(), time.Time{}, 10)
		require.NoError(t, err)
		require.Len(t, claimed, 1)
		require.NoError(t, f.SettleLost(t.Context()))
		require.Equal(t, store.MessageSending, f.stored(t, lost).Status, "its process may still be at it")

		f.clock.advance(61 * time.Second)
		done := make(chan error, 3)
		for range cap(done) {
			go func() { done <- f.SettleLost(t.Context()) }()
		}
		for range cap(done) {
			require.NoError(t, <-done)
		}
		require.Equal(t, store.MessageUnconfirmed, f.stored(t, lost).Status)
		require.Equal(t, []string{"unconfirmed"}, f.told(t, lost))
		require.NoError(t, f.SendQueued(t.Context()))
		require.Equal(t, []string{"dlv_1 b"}, f.bodies(), "it is not sent again, and the next one is not held up")
		require.Equal(t, store.MessageSent, f.stored(t, next).Status)
	})
}

func TestWhatALivingProcessCouldNotRecordIsUnconfirmedInTheEnd(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "sqlite")
	c := f.channel(t, twilio.KindSMS, nil)
	stuck := f.queue(t, c, "dlv_1", 0, "15551230000")
	_, err := f.store.ClaimMessagesAny(t.Context(), worker, f.clock.now(), time.Time{}, 10)
	require.NoError(t, err)
	for _, step := range []struct {
		wait time.Duration
		want store.MessageStatus
	}{{4 * time.Minute, store.MessageSending}, {2 * time.Minute, store.MessageUnconfirmed}} {
		f.clock.advance(step.wait)
		require.NoError(t, f.store.BeatAny(t.Context(), worker, f.clock.now()))
		require.NoError(t, f.SettleLost(t.Context()))
		require.Equal(t, step.want, f.stored(t, stuck).Status)
	}
}
