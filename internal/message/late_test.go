package message_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/twilio"
	"github.com/switchhook/switchhook/connectors/twilio/twiliotest"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/store"
)

// lateFailure is the report that a message failed, with the code that a refusal at once would have had.
func lateFailure(m *store.Message, code string) connectors.StatusUpdate {
	return connectors.StatusUpdate{ProviderID: m.ProviderID, Status: connectors.StatusFailed, Code: code, Error: &connectors.ProviderError{Code: 131031, Message: "Locked."}}
}

func TestCredentialsThatAreRefusedAfterwardsDisconnectTheChannelOnceUntilAMessageArrives(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		for code, words := range map[string]string{connectors.CodeAuthFailed: "credentials do not work", connectors.CodeAccountSuspended: "suspended"} {
			c := f.channel(t, twilio.KindSMS, nil)
			gone := func() (told []event.ChannelData) {
				for _, data := range events[event.ChannelData](t, f, event.AccountUnlinked) {
					if data.ChannelID == c.ID {
						told = append(told, data)
					}
				}
				return told
			}
			first, err := f.send(t, c, "15551230000")
			require.NoError(t, err)
			second, err := f.send(t, c, "15551230000")
			require.NoError(t, err)
			linked := len(events[event.ChannelData](t, f, event.AccountLinked))
			for range 2 {
				f.clock.advance(time.Second)
				f.status(t, f.reread(t, c), lateFailure(first, code))
			}
			require.NoError(t, f.Receive(t.Context(), f.reread(t, c), connectors.CallbackResult{
				Messages: []connectors.InMessage{hello("in-" + code)}, Statuses: []connectors.StatusUpdate{lateFailure(second, code)},
			}))
			require.Len(t, gone(), 1)
			require.Equal(t, code, gone()[0].Code)
			require.Contains(t, gone()[0].Message, words)
			require.Equal(t, store.ChannelNeedsLink, f.reread(t, c).Status)
			_, err = f.store.MessageByProviderID(t.Context(), tenant, c.ID, store.Inbound, "in-"+code)
			require.NoError(t, err, "what comes in is taken all the same")

			f.clock.advance(time.Second)
			third, err := f.send(t, c, "15551230000")
			require.NoError(t, err)
			require.Equal(t, store.ChannelNeedsLink, f.reread(t, c).Status, "that the network takes a message proves nothing")
			f.status(t, f.reread(t, c), lateFailure(third, code))
			require.Len(t, gone(), 1)
			require.Len(t, events[event.ChannelData](t, f, event.AccountLinked), linked)

			fourth, err := f.send(t, c, "15551230000")
			require.NoError(t, err)
			for _, status := range []connectors.Status{connectors.StatusDelivered, connectors.StatusRead} {
				f.status(t, f.reread(t, c), connectors.StatusUpdate{ProviderID: fourth.ProviderID, Status: status})
			}
			require.Equal(t, store.ChannelConnected, f.reread(t, c).Status)
			require.Len(t, events[event.ChannelData](t, f, event.AccountLinked), linked+1)
			require.NoError(t, f.channels.Delete(t.Context(), tenant, c.ID))
		}
	})
}

func TestALateFailureThatSaysNothingOfTheCredentialsLeavesTheChannelAsItIs(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c := f.channel(t, twilio.KindSMS, nil)
		before, err := f.send(t, c, "15551230000")
		require.NoError(t, err)
		f.clock.advance(time.Second)
		_, err = f.channels.Change(t.Context(), tenant, c.ID, channel.Change{Config: connectors.Config{"authToken": "another" + twiliotest.AuthToken}})
		require.NoError(t, err)
		f.status(t, f.reread(t, c), lateFailure(before, connectors.CodeAuthFailed))
		require.Equal(t, []string{"sent", "failed"}, f.told(t, before.ID))
		require.Equal(t, store.ChannelNew, f.reread(t, c).Status, "the message went out with other credentials")

		_, err = f.channels.Change(t.Context(), tenant, c.ID, channel.Change{Config: connectors.Config{"authToken": twiliotest.AuthToken}})
		require.NoError(t, err)
		arrived, err := f.send(t, c, "15551230000")
		require.NoError(t, err)
		f.status(t, f.reread(t, c), connectors.StatusUpdate{ProviderID: arrived.ProviderID, Status: connectors.StatusDelivered})
		f.status(t, f.reread(t, c), lateFailure(arrived, connectors.CodeAuthFailed))
		for _, code := range []string{"", connectors.CodeWindowExpired, connectors.CodeInvalidRecipient, "payment_required"} {
			m, err := f.send(t, c, "15551230000")
			require.NoError(t, err)
			f.status(t, f.reread(t, c), lateFailure(m, code))
		}
		f.status(t, f.reread(t, c), lateFailure(&store.Message{ProviderID: "SM_unknown"}, connectors.CodeAuthFailed))
		require.Equal(t, store.ChannelConnected, f.reread(t, c).Status)

		off, err := f.send(t, c, "15551230000")
		require.NoError(t, err)
		disabled := true
		_, err = f.channels.Change(t.Context(), tenant, c.ID, channel.Change{Disabled: &disabled})
		require.NoError(t, err)
		f.status(t, f.reread(t, c), lateFailure(off, connectors.CodeAuthFailed))
		require.Equal(t, store.ChannelDisabled, f.reread(t, c).Status)
		require.Empty(t, events[event.ChannelData](t, f, event.AccountUnlinked))
	})
}
