package samples_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/integrations/samples"
	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/store"
	"github.com/switchhook/switchhook/internal/webhook"
)

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the samples anew")
	flag.Parse()
	os.Exit(m.Run())
}

const (
	sessionID   = "sess_01kaj5v0x7h3k5n7q9s1v3w5y7"
	channelID   = "chan_01kaj5v0x7e8g2j4m6p8r0t2v4"
	twilioError = `{"status":400,"code":21614,"moreInfo":"https://www.twilio.com/docs/errors/21614","error":true}`
)

func contact() json.RawMessage {
	return json.RawMessage(`{"id":123,"name":"Emily Johnson","phone_number":"16311112222","phone_number_cc":"",` +
		`"extra_fields":"{\"city\": \"Ahmedabad\", \"country\": \"India\"}","created_at":"2025-07-11T11:29:46.000Z",` +
		`"updated_at":"2025-08-04T12:29:21.000Z","is_blocked":0}`)
}

// shown is when what the samples tell of happened, and made when it was stored; a post's is the SocialSyncer contract's own time.
const (
	shown     = "2026-06-29T14:21:07.000Z"
	shownPost = "2026-01-15T10:00:00.000Z"
)

func made(t *testing.T, eventType, on string, data any) *store.Event {
	t.Helper()
	at := time.Date(2026, 6, 29, 14, 21, 7, 412e6, time.UTC)
	if strings.HasPrefix(eventType, "post.") {
		at = time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC)
	}
	raw, err := event.Marshal(data)
	require.NoError(t, err)
	id := fmt.Sprintf("evt_01kaj5v0x7fm2zq4w9b3c8d%03x", crc32.ChecksumIEEE([]byte(eventType))&0xfff) // another one for each
	return &store.Event{ID: id, Type: eventType, ChannelID: on, Data: raw, CreatedAt: at}
}

// golden returns the events of the samples: each type's own, with the values of the contract that describes it.
func golden(t *testing.T) map[string]*store.Event {
	t.Helper()
	events := map[string]*store.Event{}
	for _, of := range []map[string]*store.Event{messages(t), sessions(t), posts(t), accounts(t)} {
		maps.Copy(events, of)
	}
	return events
}

func messages(t *testing.T) map[string]*store.Event {
	t.Helper()
	return map[string]*store.Event{
		event.MessageReceived: made(t, event.MessageReceived, sessionID, event.MessageData{
			ID: "msg_01kaj5v0x7r5t3v1x9z7b5d3f1", SessionID: sessionID, ChannelID: sessionID, From: "15551234567", PushName: "Jane Doe",
			Type: "text", Text: "Hi there!", WaMessageID: "3EB0A1B2C3D4E5F6", Timestamp: shown, To: "15559876543", Platform: "whatsapp",
			Connector: "whatsapp", Provider: "wa", ChannelKey: "wa_15559876543", ProviderMessageID: "3EB0A1B2C3D4E5F6", Media: []event.Media{},
		}),
		event.MessageStatus: made(t, event.MessageStatus, sessionID, event.StatusData{
			ID: "msg_01kaj5v0x7w9x7z5b3d1f9h7k5", SessionID: sessionID, ChannelID: sessionID, To: "15551234567", Status: "delivered",
			WaMessageID: "3EB0F1E2D3C4B5A6", ProviderMessageID: "3EB0F1E2D3C4B5A6", Platform: "whatsapp", Timestamp: shown,
		}),
		// The Sociocs contract's own examples are an SMS that came in and one that failed.
		event.MessageReceived + "." + webhook.FormatSociocs: made(t, event.MessageReceived, channelID, event.MessageData{
			ID: "msg_01kaj5v0x7r5t3v1x9z7b5d3f2", ChannelID: channelID, From: "16311112222", Type: "text", Text: "Hello World!",
			Timestamp: "2025-08-06T04:51:45.897Z", To: "16311113333", Platform: "sms", Connector: "twilio_sms", Provider: "twlo",
			ChannelKey: "twlo_16311113333", ProviderMessageID: "MM2aa0db1b276eaeaa5d730d5aa34167f2", Media: []event.Media{}, Contact: contact(),
		}),
		event.MessageStatus + "." + webhook.FormatSociocs: made(t, event.MessageStatus, channelID, event.StatusData{
			ID: "msg_01kaj5v0x7w9x7z5b3d1f9h7k6", ChannelID: channelID, To: "16311112222", Status: "failed",
			ProviderMessageID: "MM2aa0db1b276eaeaa5d730d5aa34167f2", Platform: "sms",
			Error: &event.Failure{
				Code: 21614, Reason: "invalid_recipient",
				Message: "You have attempted to send a message to a number that is either a landline number or is an invalid number. (code: 21614)",
			},
			ProviderError: json.RawMessage(twilioError), Timestamp: shown,
		}),
	}
}

func sessions(t *testing.T) map[string]*store.Event {
	t.Helper()
	return map[string]*store.Event{
		event.SessionStatus: made(t, event.SessionStatus, sessionID, event.SessionStatusData{
			SessionID: sessionID, ChannelID: sessionID, Status: "LOGGED_OUT", PreviousStatus: "CONNECTED", Reason: "logged_out",
			Message: "The device was unlinked on the phone. Link it again with a new QR code.", Phone: "15559876543", PushName: "Support", Timestamp: shown,
		}),
		event.SessionQR: made(t, event.SessionQR, sessionID, event.SessionQRData{
			SessionID: sessionID, ChannelID: sessionID, QR: "2@a-sample-code-that-links-nothing", ExpiresAt: "2026-06-29T14:21:27.000Z", Timestamp: shown,
		}),
	}
}

// posts are the SocialSyncer contract's own example, and the same post before it and failed.
func posts(t *testing.T) map[string]*store.Event {
	t.Helper()
	post := event.PostData{PostID: "post_abc123", Platform: "instagram", ChannelID: channelID, Timestamp: shownPost}
	published, failed, scheduled := post, post, post
	published.Status, published.PlatformPostID, published.PlatformPostURL = "published", "17841400123456789", "https://instagram.com/p/ABC123"
	failed.Status = "failed"
	failed.Error = &event.Failure{Code: 36003, Reason: "media_rejected", Message: "Instagram takes pictures from 4:5 to 1.91:1. Crop the picture and post again."}
	scheduled.Status, scheduled.ScheduledAt = "scheduled", "2026-01-16T09:00:00.000Z"
	return map[string]*store.Event{
		event.PostPublished: made(t, event.PostPublished, channelID, published),
		event.PostFailed:    made(t, event.PostFailed, channelID, failed),
		event.PostScheduled: made(t, event.PostScheduled, channelID, scheduled),
	}
}

func accounts(t *testing.T) map[string]*store.Event {
	t.Helper()
	return map[string]*store.Event{
		event.AccountLinked: made(t, event.AccountLinked, channelID, event.ChannelData{
			ChannelID: channelID, AccountID: channelID, Connector: "twilio_sms", Platform: "sms", Name: "Support line",
			Address: "16311113333", Timestamp: shown,
		}),
		event.AccountUnlinked: made(t, event.AccountUnlinked, channelID, event.ChannelData{
			ChannelID: channelID, AccountID: channelID, Connector: "twilio_sms", Platform: "sms", Name: "Support line", Address: "16311113333",
			Code: "auth_failed", Message: "Twilio refuses the auth token. Enter the present one.", Timestamp: shown,
		}),
		event.WebhookDisabled: made(t, event.WebhookDisabled, "", event.WebhookData{
			WebhookID: "wh_01kaj5v0x7j9d7f5h3k1m9p7r5", URL: "https://receiver.example.com/hook", Status: "disabled", Timestamp: shown,
			Reason: "Its receiver has only failed for 5 days. The last failure: the receiver answered 500. Mend it, set the webhook's status to active, and replay.",
		}),
	}
}

// others are the formats, besides switchhook, in which an event type has a sample: those of the contracts that have it.
func others(eventType string) []string {
	switch of, _, _ := strings.Cut(eventType, "."); {
	case eventType == event.MessageReceived || eventType == event.MessageStatus:
		return []string{webhook.FormatWhathooks, webhook.FormatSocialSyncer, webhook.FormatSociocs}
	case of == "session":
		return []string{webhook.FormatWhathooks}
	case of == "post" || of == "account":
		return []string{webhook.FormatSocialSyncer}
	}
	return nil
}

// bodies writes every sample by its file name.
func bodies(t *testing.T) map[string][]byte {
	t.Helper()
	events := golden(t)
	written := map[string][]byte{}
	write := func(name string, e *store.Event, format string) {
		body, err := webhook.Formats()[format].Body(e)
		require.NoError(t, err)
		written[name+".json"] = body
	}
	for _, known := range event.Types() {
		require.Contains(t, events, known.Event, "each event type has a sample")
		write(known.Event, events[known.Event], webhook.FormatSwitchhook)
	}
	for eventType := range events {
		for _, format := range others(eventType) {
			name := eventType + "." + format
			e := events[eventType]
			if own := events[name]; own != nil {
				e = own
			}
			write(name, e, format)
		}
	}
	return written
}

func TestTheSamplesAreWhatTheFormatsWrite(t *testing.T) {
	t.Parallel()
	written := bodies(t)
	if flag.Lookup("update").Value.String() == "true" {
		for name, body := range written {
			require.NoError(t, os.WriteFile(name, body, 0o644))
		}
	}
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, entry := range entries {
		if name := entry.Name(); len(name) > 5 && name[len(name)-5:] == ".json" {
			require.NotNil(t, written[name], "%s is a sample that nothing writes any more", name)
		}
	}
	for name, body := range written {
		stored, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, string(body), string(stored), "%s has drifted: go test ./integrations/samples -update", name)
	}
}

func TestASampleIsFoundByItsEventType(t *testing.T) {
	t.Parallel()
	for _, known := range event.Types() {
		sample, ok := samples.Sample(known.Event)
		require.True(t, ok, known.Event)
		var envelope struct {
			Event     string          `json:"event"`
			ChannelID string          `json:"channelId"`
			Data      json.RawMessage `json:"data"`
		}
		require.NoError(t, json.Unmarshal(sample, &envelope))
		require.Equal(t, known.Event, envelope.Event)
		data, channelID, ok := samples.Data(known.Event)
		require.True(t, ok)
		require.JSONEq(t, string(envelope.Data), string(data))
		require.Equal(t, envelope.ChannelID, channelID)
	}
	for _, unknown := range []string{"", "message.sent", "message.received.sociocs.json", "../samples", "*"} {
		_, _, ok := samples.Data(unknown)
		require.False(t, ok, unknown)
	}
	other, ok := samples.SampleOf(event.MessageReceived, webhook.FormatSociocs)
	require.True(t, ok)
	require.Contains(t, string(other), `"event":"message"`)
}

func TestTheWhathooksSampleHasTheFieldsOfItsContractAndOurs(t *testing.T) {
	t.Parallel()
	body, ok := samples.SampleOf(event.MessageReceived, webhook.FormatWhathooks)
	require.True(t, ok)
	var sample map[string]any
	require.NoError(t, json.Unmarshal(body, &sample))
	require.Len(t, sample, 4)
	require.Equal(t, "message.received", sample["event"])
	require.Equal(t, "2026-06-29T14:21:07.412Z", sample["timestamp"])
	data, ok := sample["data"].(map[string]any)
	require.True(t, ok)
	require.Equal(t, sample["sessionId"], data["sessionId"])
	for field, value := range map[string]string{
		"from": "15551234567", "pushName": "Jane Doe", "type": "text", "text": "Hi there!",
		"waMessageId": "3EB0A1B2C3D4E5F6", "timestamp": "2026-06-29T14:21:07.000Z",
	} {
		require.Equal(t, value, data[field])
	}
	require.Contains(t, data["id"], "msg_")
}

func TestASessionInTheWhathooksFormatHasItsEnvelope(t *testing.T) {
	t.Parallel()
	for eventType, fields := range map[string][]string{event.SessionStatus: {"status", "reason"}, event.SessionQR: {"qr", "expiresAt"}} {
		body, ok := samples.SampleOf(eventType, webhook.FormatWhathooks)
		require.True(t, ok)
		var sample map[string]any
		require.NoError(t, json.Unmarshal(body, &sample))
		require.Len(t, sample, 4)
		require.Equal(t, eventType, sample["event"])
		require.Equal(t, sessionID, sample["sessionId"])
		data, ok := sample["data"].(map[string]any)
		require.True(t, ok)
		require.Equal(t, sessionID, data["sessionId"])
		for _, field := range fields {
			require.NotEmpty(t, data[field], field)
		}
	}
}

func TestAPublishedPostBeginsAsTheSocialSyncerContractShowsIt(t *testing.T) {
	t.Parallel()
	body, ok := samples.SampleOf(event.PostPublished, webhook.FormatSocialSyncer)
	require.True(t, ok)
	const contract = `{"event":"post.published","timestamp":"2026-01-15T10:00:00Z","data":{"postId":"post_abc123","platform":"instagram",` +
		`"platformPostId":"17841400123456789","platformPostUrl":"https://instagram.com/p/ABC123","status":"published"`
	require.True(t, strings.HasPrefix(string(body), contract+`,"channelId":`), "only our own fields stand behind the contract's")
}

func TestEachSampleIsAnotherEvent(t *testing.T) {
	t.Parallel()
	ids := map[string]string{}
	for _, known := range event.Types() {
		body, _ := samples.Sample(known.Event)
		var envelope struct{ ID string }
		require.NoError(t, json.Unmarshal(body, &envelope))
		require.Empty(t, ids[envelope.ID], known.Event)
		ids[envelope.ID] = known.Event
	}
}
