package message_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/sandbox"
	"github.com/switchhook/switchhook/connectors/twilio"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/message"
	"github.com/switchhook/switchhook/internal/store"
)

func hello(providerID string) connectors.InMessage {
	return connectors.InMessage{ProviderID: providerID, From: "16311112222", FromName: "Emily", To: "16311113333", Type: "text", Text: "Hello World!"}
}

func TestAMessageThatComesInIsStoredAndTold(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c := f.channel(t, twilio.KindWhatsApp, nil)
		in := hello("MM1")
		in.Timestamp = time.Date(2026, 6, 29, 11, 59, 58, 7e6, time.UTC)
		in.Extra = map[string]any{"forwarded": true}
		f.inbound(t, c, in)
		told := events[event.MessageData](t, f, event.MessageReceived)
		require.Len(t, told, 1)
		m := f.stored(t, told[0].ID)
		require.Equal(t, store.MessageReceived, m.Status)
		require.Equal(t, "16311112222", m.Peer)
		require.Equal(t, event.MessageData{
			ID: m.ID, ChannelID: c.ID, From: "16311112222", PushName: "Emily", Type: "text", Text: "Hello World!", WaMessageID: "MM1",
			Timestamp: "2026-06-29T11:59:58.007Z", To: "16311113333", Platform: "whatsapp", Connector: twilio.KindWhatsApp, Provider: "twlowa",
			ChannelKey: c.ChannelKey, ProviderMessageID: "MM1", Media: []event.Media{}, Extra: map[string]any{"forwarded": true},
		}, told[0])
	})
}

func TestAMessageThatComesAHundredTimesIsOneMessageAndOneEvent(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c, other := f.channel(t, sandbox.Kind, nil), f.channel(t, sandbox.Kind, connectors.Config{"number": "15550000009"})
		done := make(chan error, 100)
		for range cap(done) {
			go func() {
				done <- f.Receive(t.Context(), c, connectors.CallbackResult{Messages: []connectors.InMessage{hello("one"), hello("one")}})
			}()
		}
		for range cap(done) {
			require.NoError(t, <-done)
		}
		require.Len(t, events[event.MessageData](t, f, event.MessageReceived), 1)
		f.inbound(t, other, hello("one"))
		require.Len(t, events[event.MessageData](t, f, event.MessageReceived), 2, "an id counts on its channel")
		all, err := f.store.Messages(t.Context(), tenant, store.MessageFilter{}, store.Page{Limit: 100})
		require.NoError(t, err)
		require.Len(t, all, 2)
	})
}

func TestFilesOfAMessageGetAnAddressOfTheirOwn(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c := f.channel(t, twilio.KindSMS, nil)
		in := hello("MM1")
		for _, kind := range []string{"image/png", "video/mp4", "audio/ogg", "application/pdf"} {
			in.Media = append(in.Media, connectors.MediaRef{URL: "https://api.twilio.example/secret/" + kind, ContentType: kind})
		}
		f.inbound(t, c, in)
		told := events[event.MessageData](t, f, event.MessageReceived)[0]
		var kinds []string
		for _, file := range told.Media {
			kinds = append(kinds, file.Kind)
			address, err := url.Parse(file.URL)
			require.NoError(t, err)
			require.Equal(t, "hooks.example", address.Host)
			require.Regexp(t, `^/media/[A-Za-z0-9_-]{40,}$`, address.Path)
		}
		require.Equal(t, []string{"image", "video", "audio", "file"}, kinds)
		due, err := f.store.ClaimMediaAny(t.Context(), f.clock.now(), f.clock.now().Add(time.Minute), 10)
		require.NoError(t, err)
		require.Len(t, due, 4, "their rows are stored with the message")
		require.Equal(t, told.Media, message.ReadContent(f.stored(t, told.ID).Content).Media)
	})
}

func TestAKnownContactIsInTheEventAndABlockedOneIsSilent(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c := f.channel(t, sandbox.Kind, nil)
		at := f.clock.now()
		known := &store.Contact{AccountID: tenant, Name: "Emily Johnson", PhoneNumber: "16311112222", ExtraFields: `{"city": "Ahmedabad"}`, CreatedAt: at, UpdatedAt: at}
		blocked := &store.Contact{AccountID: tenant, Name: "Spam", PhoneNumber: "16311119999", IsBlocked: true, CreatedAt: at, UpdatedAt: at}
		foreign := &store.Contact{AccountID: "acct_b", Name: "Not mine", PhoneNumber: "16311115555", CreatedAt: at, UpdatedAt: at}
		for _, contact := range []*store.Contact{known, blocked, foreign} {
			require.NoError(t, f.store.InsertContact(t.Context(), contact))
		}
		f.inbound(t, c, hello("one"))
		for range 2 {
			in := hello("two")
			in.From = "16311119999"
			f.inbound(t, c, in)
		}
		in := hello("three")
		in.From = "16311115555"
		f.inbound(t, c, in)
		told := events[event.MessageData](t, f, event.MessageReceived)
		require.Len(t, told, 2)
		require.JSONEq(t, fmt.Sprintf(`{"id": %d, "name": "Emily Johnson", "phone_number": "16311112222", "phone_number_cc": "",
			"extra_fields": "{\"city\": \"Ahmedabad\"}", "created_at": "2026-06-29T12:00:00.000Z", "updated_at": "2026-06-29T12:00:00.000Z", "is_blocked": 0}`,
			known.ID), string(told[0].Contact))
		require.Empty(t, told[1].Contact)
		m, err := f.store.MessageByProviderID(t.Context(), tenant, c.ID, store.Inbound, "two")
		require.NoError(t, err, "what a blocked person writes is kept")
		require.Equal(t, "16311119999", m.Peer)
	})
}

func TestWhatDatabasesRefuseIsTidiedOrRefused(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c := f.channel(t, sandbox.Kind, nil)
		dirty := hello("o\x00ne")
		dirty.Text, dirty.FromName, dirty.ReplyTo = "a\x00b\xff", "\x00", "x\x00"
		f.inbound(t, c, dirty)
		told := events[event.MessageData](t, f, event.MessageReceived)[0]
		require.Equal(t, "ab\uFFFD", told.Text)
		require.Equal(t, "one", told.ProviderMessageID)

		for _, change := range []func(*connectors.InMessage){
			func(m *connectors.InMessage) { m.ProviderID = "" },
			func(m *connectors.InMessage) { m.ProviderID = strings.Repeat("x", 256) },
			func(m *connectors.InMessage) { m.From = "\x00" },
			func(m *connectors.InMessage) { m.From = strings.Repeat("x", 10_000) },
		} {
			in := hello("two")
			change(&in)
			err := f.Receive(t.Context(), c, connectors.CallbackResult{Messages: []connectors.InMessage{hello("three"), in}})
			var refused *connectors.Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, connectors.KindRejected, refused.Kind)
		}
		err := f.Receive(t.Context(), c, connectors.CallbackResult{Statuses: []connectors.StatusUpdate{{Status: connectors.StatusSent}}})
		require.Error(t, err)
		require.Len(t, events[event.MessageData](t, f, event.MessageReceived), 1, "nothing of a refused callback is stored")
	})
}

func TestAStatusNeverGoesBackAndIsToldOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c := f.channel(t, twilio.KindSMS, nil)
		m, err := f.send(t, c, "15551230000")
		require.NoError(t, err)
		for _, status := range []connectors.Status{
			connectors.StatusRead, connectors.StatusDelivered, connectors.StatusSent, connectors.StatusRead, connectors.StatusFailed,
		} {
			f.status(t, c, connectors.StatusUpdate{ProviderID: m.ProviderID, Status: status})
		}
		require.Equal(t, store.MessageRead, f.stored(t, m.ID).Status)
		require.Equal(t, []string{"sent", "read"}, f.told(t, m.ID))
	})
}

func TestStatusesAtOnceAreEachToldOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c := f.channel(t, twilio.KindSMS, nil)
		m, err := f.send(t, c, "15551230000")
		require.NoError(t, err)
		done := make(chan error, 60)
		for i := range cap(done) {
			status := []connectors.Status{connectors.StatusSent, connectors.StatusDelivered, connectors.StatusRead}[i%3]
			go func() {
				done <- f.Receive(t.Context(), c, connectors.CallbackResult{Statuses: []connectors.StatusUpdate{{MessageID: m.ID, Status: status}}})
			}()
		}
		for range cap(done) {
			require.NoError(t, <-done)
		}
		told := f.told(t, m.ID)
		require.Contains(t, [][]string{{"sent", "delivered", "read"}, {"sent", "read"}}, told)
		require.Equal(t, store.MessageRead, f.stored(t, m.ID).Status)
	})
}

func TestAFailureCarriesTheNetworksWords(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c := f.channel(t, twilio.KindSMS, nil)
		m, err := f.send(t, c, "15551230000")
		require.NoError(t, err)
		f.status(t, c, connectors.StatusUpdate{MessageID: m.ID, Status: connectors.StatusFailed, Error: &connectors.ProviderError{
			Code: 21614, Message: "It is a landline.\x00", Raw: json.RawMessage(`{ "code": 21614.0, "moreInfo": "https:\/\/www.twilio.com\u0026x", "error": true }`),
		}})
		silent, err := f.send(t, c, "15551230000")
		require.NoError(t, err)
		f.status(t, c, connectors.StatusUpdate{MessageID: silent.ID, Status: connectors.StatusFailed})
		rubbish, err := f.send(t, c, "15551230000")
		require.NoError(t, err)
		f.status(t, c, connectors.StatusUpdate{MessageID: rubbish.ID, Status: connectors.StatusFailed, Error: &connectors.ProviderError{Raw: json.RawMessage("<html>")}})

		late, err := f.send(t, c, "15551230000")
		require.NoError(t, err)
		f.status(t, c, connectors.StatusUpdate{
			MessageID: late.ID, Status: connectors.StatusFailed, Code: connectors.CodeWindowExpired, Error: &connectors.ProviderError{Code: 131047, Message: "Too late."},
		})

		for _, data := range events[event.StatusData](t, f, event.MessageStatus) {
			switch {
			case data.Status != "failed":
			case data.ID == late.ID:
				require.Equal(t, &event.Failure{Code: 131047, Message: "Too late.", Reason: connectors.CodeWindowExpired}, data.Error)
			case data.ID == m.ID:
				require.Equal(t, &event.Failure{Code: 21614, Message: "It is a landline.", Reason: "provider_error"}, data.Error)
				require.Len(t, data.ProviderError, len(`{"code":21614,"error":true,"moreInfo":"https://www.twilio.com&x"}`), "as JavaScript writes it")
				require.Contains(t, string(data.ProviderError), `"moreInfo":"https://www.twilio.com&x"`)
			default:
				require.NotEmpty(t, data.Error.Message)
				require.Empty(t, data.ProviderError)
			}
		}
		require.Equal(t, []string{"sent", "failed"}, f.told(t, rubbish.ID))
	})
}

func TestAStatusOfWhatIsNotTheChannelsIsIgnored(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c, other := f.channel(t, twilio.KindSMS, nil), f.channel(t, sandbox.Kind, nil)
		foreign := f.channelOf(t, "acct_b", sandbox.Kind, nil)
		m, err := f.send(t, c, "15551230000")
		require.NoError(t, err)
		f.inbound(t, c, hello("in"))
		inbound, err := f.store.MessageByProviderID(t.Context(), tenant, c.ID, store.Inbound, "in")
		require.NoError(t, err)
		f.status(t, c, connectors.StatusUpdate{ProviderID: "SM_unknown", Status: connectors.StatusRead})
		f.status(t, c, connectors.StatusUpdate{MessageID: "msg_unknown", Status: connectors.StatusRead})
		f.status(t, c, connectors.StatusUpdate{MessageID: inbound.ID, Status: connectors.StatusRead})
		for _, wrong := range []*store.Channel{other, foreign} {
			f.status(t, wrong, connectors.StatusUpdate{MessageID: m.ID, Status: connectors.StatusRead})
			f.status(t, wrong, connectors.StatusUpdate{ProviderID: m.ProviderID, Status: connectors.StatusRead})
		}
		require.Equal(t, store.MessageSent, f.stored(t, m.ID).Status)
		require.Equal(t, store.MessageReceived, f.stored(t, inbound.ID).Status)
		require.Equal(t, []string{"sent"}, f.told(t, m.ID))
	})
}

func TestANetworksIDThatAnotherMessageHasIsNotTaken(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, f *fixture) {
		c := f.channel(t, sandbox.Kind, nil)
		first, err := f.send(t, c, "15551230000")
		require.NoError(t, err)
		second, err := f.send(t, c, "15551230003")
		require.Error(t, err)
		f.status(t, c, connectors.StatusUpdate{MessageID: second.ID, ProviderID: first.ProviderID, Status: connectors.StatusDelivered})
		second = f.stored(t, second.ID)
		require.Equal(t, store.MessageDelivered, second.Status)
		require.Empty(t, second.ProviderID)
	})
}
