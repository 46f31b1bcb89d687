package message_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/sandbox"
	"github.com/switchhook/switchhook/connectors/twilio"
	"github.com/switchhook/switchhook/connectors/twilio/twiliotest"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/message"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/store"
)

func TestEachOutcomeOfASendIsAnsweredStoredAndTold(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c := f.channel(t, sandbox.Kind, nil)
		for to, want := range map[string]struct {
			code   string
			http   int
			stored store.MessageStatus
			told   []string
		}{
			"15551230000": {stored: store.MessageSent, told: []string{"sent"}},
			"15551230007": {stored: store.MessageDelivered, told: []string{"sent", "delivered"}},
			"15551230008": {stored: store.MessageRead, told: []string{"sent", "delivered", "read"}},
			"15551230001": {problem.InvalidField, 400, store.MessageFailed, []string{"failed"}},
			"15551230002": {problem.ProviderRateLimited, 429, store.MessageFailed, []string{"failed"}},
			"15551230003": {problem.Unconfirmed, 504, store.MessageUnconfirmed, []string{"unconfirmed"}},
			"15551230004": {problem.ChannelUnlinked, 400, store.MessageFailed, []string{"failed"}},
			"15551230005": {problem.WindowExpired, 403, store.MessageFailed, []string{"failed"}},
			"15551230006": {problem.ProviderUnavailable, 503, store.MessageFailed, []string{"failed"}},
		} {
			m, err := f.send(t, c, to)
			if want.code == "" {
				require.NoError(t, err)
				require.Equal(t, "sbx_"+m.ID, m.ProviderID)
				require.Empty(t, m.ErrorCode)
			} else {
				p := requireProblem(t, err, want.code, want.http)
				require.Equal(t, want.http == 429 || want.http == 503, p.RetryAfter > 0, "Retry-After with %d", want.http)
				require.NotEmpty(t, m.ErrorCode)
				require.NotEmpty(t, m.ErrorMessage)
			}
			require.Equal(t, want.stored, m.Status, to)
			require.Equal(t, want.told, f.told(t, m.ID), to)
		}
	})
}

func TestAMessageThatIsRefusedBeforeAnyCallIsNotStored(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "sqlite")
	c := f.channel(t, sandbox.Kind, nil)
	for _, out := range []message.Out{
		{To: "", Text: "x"},
		{To: "15551230000", Text: ""},
		{To: "15551230000", Text: strings.Repeat("x", 4097)},
		{To: strings.Repeat("1", 256), Text: "x"},
		{To: "15551230000", Template: &connectors.Template{Name: "x"}},
	} {
		out.ID, out.Channel = f.ids.New("msg"), c
		_, err := f.Send(t.Context(), out)
		var p *problem.Error
		require.ErrorAs(t, err, &p)
		require.Equal(t, 400, p.Status())
		_, err = f.store.Message(t.Context(), tenant, out.ID)
		require.ErrorIs(t, err, store.ErrNotFound)
	}
	require.Empty(t, events[event.StatusData](t, f, event.MessageStatus))
}

func TestADisabledChannelSendsNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "sqlite")
	c := f.channel(t, twilio.KindSMS, nil)
	off := true
	_, err := f.channels.Change(t.Context(), tenant, c.ID, channel.Change{Disabled: &off})
	require.NoError(t, err)
	m, err := f.send(t, c, "15551230000")
	requireProblem(t, err, problem.ChannelNotConnected, 400)
	require.Nil(t, m)
	reply := f.queue(t, c, "dlv_1", 0, "15551230000")
	require.NoError(t, f.SendQueued(t.Context()))
	require.Equal(t, store.MessageFailed, f.stored(t, reply).Status)
	require.Zero(t, f.twilio.Requests())
}

func TestARepeatIsAnsweredFromTheRowAndSendsNothing(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c := f.channel(t, twilio.KindSMS, nil)
		for _, trouble := range []struct {
			plan twiliotest.Trouble
			code string
			http int
		}{
			{twiliotest.Trouble{}, "", 200},
			{twiliotest.Trouble{Cut: true}, problem.Unconfirmed, 504},
			{twiliotest.Trouble{Status: 400, Code: 21408}, problem.MessageRejected, 400},
			{twiliotest.Trouble{Status: 400, Code: 63016}, problem.WindowExpired, 403},
			{twiliotest.Trouble{Status: 401, Code: 20003}, problem.ChannelUnlinked, 400},
			{twiliotest.Trouble{Status: 429, Code: 20429, RetryAfter: "7"}, problem.ProviderRateLimited, 429},
		} {
			f.twilio.TroubleNext(trouble.plan)
			out := message.Out{ID: f.ids.New("msg"), Channel: f.reread(t, c), To: "15551230000", Text: "Hello"}
			before := f.twilio.Requests()
			for range 2 {
				m, err := f.Send(t.Context(), out)
				require.Equal(t, out.ID, m.ID)
				if trouble.code == "" {
					require.NoError(t, err)
					require.Equal(t, store.MessageSent, m.Status)
					continue
				}
				requireProblem(t, err, trouble.code, trouble.http)
			}
			require.Equal(t, before+1, f.twilio.Requests(), trouble.code)
		}
	})
}

func TestTheSameMessageSentAtOnceGoesOutOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c := f.channel(t, twilio.KindSMS, nil)
		out := message.Out{ID: f.ids.New("msg"), To: "15551230000", Text: "Hello"}
		done := make(chan error, 10)
		for range cap(done) {
			mine := out
			mine.Channel = f.reread(t, c)
			go func() {
				_, err := f.Send(t.Context(), mine)
				done <- err
			}()
		}
		for range cap(done) {
			if err := <-done; err != nil {
				requireProblem(t, err, problem.Unconfirmed, 504)
			}
		}
		require.Equal(t, 1, f.twilio.Requests())
		require.Equal(t, []string{"sent"}, f.told(t, out.ID))
	})
}

func TestAnUnknownOutcomeIsUnconfirmedUntilTheNetworkTells(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c := f.channel(t, twilio.KindSMS, nil)
		f.twilio.TroubleNext(twiliotest.Trouble{Cut: true})
		m, err := f.send(t, c, "15551230000")
		requireProblem(t, err, problem.Unconfirmed, 504)
		require.Equal(t, store.MessageUnconfirmed, m.Status)
		f.clock.advance(time.Hour)
		require.NoError(t, f.SendQueued(t.Context()))
		require.NoError(t, f.SettleLost(t.Context()))
		require.Len(t, f.twilio.Sent(), 1, "nothing is sent a second time")

		f.status(t, c, connectors.StatusUpdate{MessageID: m.ID, ProviderID: "SM1", Status: connectors.StatusDelivered})
		m = f.stored(t, m.ID)
		require.Equal(t, store.MessageDelivered, m.Status)
		require.Equal(t, "SM1", m.ProviderID)
		require.Empty(t, m.ErrorCode)
		require.Equal(t, []string{"unconfirmed", "delivered"}, f.told(t, m.ID))
	})
}

func TestAnInboundMessageOpensTheWindowForADay(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c := f.channel(t, twilio.KindWhatsApp, nil)
		m, err := f.send(t, c, "+1 (555) 123-0000")
		requireProblem(t, err, problem.WindowExpired, 403)
		require.Nil(t, m, "nothing is stored and nothing is sent")
		require.Zero(t, f.twilio.Requests())

		f.inbound(t, c, connectors.InMessage{ProviderID: "MM1", From: "15551230000", To: c.Address, Type: "text", Text: "Hi"})
		f.clock.advance(24*time.Hour - time.Second)
		_, err = f.send(t, c, "+1 (555) 123-0000")
		require.NoError(t, err)
		_, err = f.send(t, c, "15551239999")
		requireProblem(t, err, problem.WindowExpired, 403)
		f.clock.advance(time.Second)
		_, err = f.send(t, c, "15551230000")
		requireProblem(t, err, problem.WindowExpired, 403)

		_, err = f.Send(t.Context(), message.Out{
			ID: f.ids.New("msg"), Channel: f.reread(t, c), To: "15551230000", Template: &connectors.Template{Name: "HX" + strings.Repeat("0", 32)},
		})
		require.NoError(t, err, "a template needs no window")
	})
}

func TestAConnectorThatPanicsIsAnOutcome(t *testing.T) {
	t.Parallel()
	f := newFixture(t, "sqlite")
	sending := f.channel(t, "moody", connectors.Config{"mood": "send"})
	m, err := f.send(t, sending, "15551230000")
	requireProblem(t, err, problem.Unconfirmed, 504)
	require.Equal(t, store.MessageUnconfirmed, m.Status)
	reply := f.queue(t, sending, "dlv_1", 0, "15551230000")

	opening := f.channel(t, "moody", connectors.Config{"mood": "open"})
	m, err = f.send(t, opening, "15551230000")
	requireProblem(t, err, problem.InternalError, 500)
	require.Nil(t, m)
	other := f.queue(t, opening, "dlv_2", 0, "15551230000")
	require.NoError(t, f.SendQueued(t.Context()))
	require.Equal(t, store.MessageUnconfirmed, f.stored(t, reply).Status)
	require.Equal(t, store.MessageQueued, f.stored(t, other).Status, "nothing was sent, so it is tried again")
}

func TestAChannelsTroubleIsToldOnceAndItsRecoveryToo(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c := f.channel(t, sandbox.Kind, nil)
		_, err := f.send(t, c, "15551230000")
		require.NoError(t, err)
		for range 3 {
			f.clock.advance(time.Second)
			_, err = f.send(t, c, "15551230004")
			requireProblem(t, err, problem.ChannelUnlinked, 400)
		}
		gone := events[event.ChannelData](t, f, event.AccountUnlinked)
		require.Len(t, gone, 1)
		require.Equal(t, c.ID, gone[0].ChannelID)
		require.Equal(t, connectors.CodeAuthFailed, gone[0].Code)
		require.Equal(t, "sandbox", gone[0].Platform)
		require.Equal(t, store.ChannelNeedsLink, f.reread(t, c).Status)
		for range 2 {
			f.clock.advance(time.Second)
			_, err = f.send(t, c, "15551230000")
			require.NoError(t, err)
		}
		require.Len(t, events[event.ChannelData](t, f, event.AccountLinked), 2, "when it first worked, and when it worked again")
		require.Equal(t, store.ChannelConnected, f.reread(t, c).Status)
	})
}
