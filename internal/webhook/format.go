package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/switchhook/switchhook/internal/event"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

// The names of the formats.
const (
	FormatSwitchhook   = "switchhook"
	FormatWhathooks    = "whathooks"
	FormatSocialSyncer = "socialsyncer"
	FormatSociocs      = "sociocs"
)

// Header is one header of a delivery.
type Header struct{ Name, Value string }

// Signing is what a format may use to make its headers.
type Signing struct {
	Event      *store.Event
	DeliveryID string
	Attempt    int64
	At         time.Time
	Body       []byte
	Secrets    []string // as shown (whsec_…); the present one first, and during a rotation the one before
}

// Format decides the headers and the body of a webhook's deliveries, and nothing else.
type Format struct {
	Name    string
	Events  []string // the event types that it has a body for; nil: all
	body    func(*store.Event) ([]byte, error)
	headers func(Signing) []Header
}

// Formats is the table of formats. A new one is one entry here.
func Formats() map[string]Format {
	return map[string]Format{
		FormatSwitchhook:   {Name: FormatSwitchhook, body: switchhookBody, headers: switchhookHeaders},
		FormatWhathooks:    {Name: FormatWhathooks, body: whathooksBody, headers: whathooksHeaders},
		FormatSocialSyncer: {Name: FormatSocialSyncer, body: socialSyncerBody, headers: socialSyncerHeaders},
		FormatSociocs: {
			Name: FormatSociocs, Events: []string{event.MessageReceived, event.MessageStatus},
			body: sociocsBody, headers: func(Signing) []Header { return nil },
		},
	}
}

// Body returns the body of an event. The same event always gives the same bytes.
func (f Format) Body(e *store.Event) ([]byte, error) {
	body, err := f.body(e)
	if err != nil {
		return nil, fmt.Errorf("write %s body of event %s: %w", f.Name, e.ID, err)
	}
	return body, nil
}

// Headers returns the headers of one attempt, signed at its time. Content-Type is not among them: it is JSON always.
func (f Format) Headers(s Signing) []Header { return f.headers(s) }

// Millis is the layout of times in bodies: RFC 3339 in UTC with milliseconds.
const Millis = "2006-01-02T15:04:05.000Z"

type switchhookEnvelope struct {
	ID        string          `json:"id"`
	Event     string          `json:"event"`
	ChannelID *string         `json:"channelId"`
	SessionID string          `json:"sessionId,omitempty"`
	Data      json.RawMessage `json:"data"`
	Timestamp string          `json:"timestamp"`
}

func switchhookBody(e *store.Event) ([]byte, error) {
	envelope := switchhookEnvelope{
		ID: e.ID, Event: e.Type, SessionID: sessionID(e), Data: e.Data, Timestamp: e.CreatedAt.UTC().Format(Millis),
	}
	if e.ChannelID != "" {
		envelope.ChannelID = &e.ChannelID
	}
	return event.Marshal(envelope)
}

// sessionID is the channel's id where the channel is a linked WhatsApp device.
func sessionID(e *store.Event) string {
	if strings.HasPrefix(e.ChannelID, "sess_") {
		return e.ChannelID
	}
	return ""
}

func switchhookHeaders(s Signing) []Header {
	at := strconv.FormatInt(s.At.Unix(), 10)
	signed := append([]byte(s.Event.ID+"."+at+"."), s.Body...)
	signatures := make([]string, 0, len(s.Secrets))
	for _, one := range s.Secrets {
		key, err := secret.WebhookKeyBytes(secret.String(one))
		if err != nil {
			continue // the secret was checked when it was stored; one that is broken signs nothing
		}
		mac := hmac.New(sha256.New, key)
		mac.Write(signed)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return []Header{
		{"webhook-id", s.Event.ID},
		{"webhook-timestamp", at},
		{"webhook-signature", strings.Join(signatures, " ")},
		{"X-Switchhook-Event", s.Event.Type},
		{"X-Switchhook-Signature", "sha256=" + hexOfBody(s)},
		{"X-Switchhook-Delivery", s.DeliveryID},
	}
}

// hexOfBody signs the raw body with the secret as it is shown, prefix included, as the contracts' verifiers do.
func hexOfBody(s Signing) string {
	if len(s.Secrets) == 0 {
		return ""
	}
	return HexOf(s.Body, s.Secrets[0])
}

// HexOf returns the hex HMAC-SHA256 of a body with a secret as it is shown.
func HexOf(body []byte, shown string) string {
	mac := hmac.New(sha256.New, []byte(shown))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

type whathooksEnvelope struct {
	Event     string          `json:"event"`
	SessionID string          `json:"sessionId"`
	Data      json.RawMessage `json:"data"`
	Timestamp string          `json:"timestamp"`
}

// whathooksBody fills sessionId with the channel's id also where it is no linked device: a client of that contract
// sends its answers to what it finds there, and sessionId takes any channel's id.
func whathooksBody(e *store.Event) ([]byte, error) {
	return event.Marshal(whathooksEnvelope{
		Event: e.Type, SessionID: e.ChannelID, Data: e.Data, Timestamp: e.CreatedAt.UTC().Format(Millis),
	})
}

func whathooksHeaders(s Signing) []Header {
	return []Header{
		{"X-Whathooks-Event", s.Event.Type},
		{"X-Whathooks-Signature", "sha256=" + hexOfBody(s)},
		{"X-Whathooks-Delivery", s.DeliveryID + "_" + strconv.FormatInt(s.Attempt, 10)}, // "a unique ID for this delivery attempt"
	}
}

type socialSyncerEnvelope struct {
	Event     string          `json:"event"`
	Timestamp string          `json:"timestamp"`
	Data      json.RawMessage `json:"data"`
}

func socialSyncerBody(e *store.Event) ([]byte, error) {
	return event.Marshal(socialSyncerEnvelope{Event: e.Type, Timestamp: e.CreatedAt.UTC().Format(time.RFC3339), Data: e.Data})
}

// socialSyncerHeaders carries the signature under the name of the contract's text and under the one that its Node example
// reads; the contract has both.
func socialSyncerHeaders(s Signing) []Header {
	signature := hexOfBody(s)
	return []Header{{"X-SocialSyncerAPI-Signature", signature}, {"X-SocialAPI-Signature", signature}}
}
