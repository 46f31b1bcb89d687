package connectors

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Sender is a Conn that sends messages.
type Sender interface {
	// Send sends one message and returns when the network has accepted it. It makes the sending request at most once:
	// repeating is the caller's decision, taken from the error's kind. When the outcome is not known (the request may
	// have reached the network), the error is Unconfirmed. It must return soon after ctx ends.
	Send(ctx context.Context, message OutMessage) (Receipt, error)
}

// Receiver is a Conn whose provider calls us back.
type Receiver interface {
	// Receive verifies the signature of one callback and turns it into items. It does no network calls and keeps
	// nothing. A signature that is missing or wrong is ErrSignature; a signed body that cannot be read is Rejected.
	// What it does not know (a new event type) is no item and no error.
	Receive(request CallbackRequest) (CallbackResult, error)
}

// Checker is a Conn that can ask the network whether its credentials work.
type Checker interface {
	// Check makes one harmless authenticated call. nil means that the credentials work; Unlinked that they do not.
	Check(ctx context.Context) error
}

// MediaFetcher is a Conn whose inbound media must be fetched with its credentials.
type MediaFetcher interface {
	// FetchMedia opens the media that MediaRef.URL names. The caller reads at most its own limit and closes it.
	FetchMedia(ctx context.Context, ref MediaRef) (body io.ReadCloser, contentType string, err error)
}

// Simulator is a Conn that makes inbound messages by itself, so that everything can be tried without a provider.
type Simulator interface {
	// Simulate returns the message that would have come in. It does no input or output.
	Simulate(message SimulatedMessage) (InMessage, error)
}

// OutMessage is a message to send.
type OutMessage struct {
	ID       string // ours, "msg_…"; a connector may hand it to the network as a reference
	To       string // the recipient's address as the user gave it, trimmed
	Text     string
	Media    []OutMedia
	ReplyTo  string    // the provider's id of the message that this one answers, or empty
	Template *Template // instead of text, where the kind has AbilityTemplate

	ProviderID string    // the id under which to send, from Linker.NewMessageID; empty for kinds whose network chooses
	Quoted     *Quoted   // more of the message that ReplyTo or Reaction names, where we have it
	Location   *Location // instead of text, where the kind has AbilityRich
	Contact    *Card     // instead of text, where the kind has AbilityRich
	Reaction   *Reaction // instead of text, where the kind has AbilityRich
}

// Quoted is an earlier message to which another one refers.
type Quoted struct {
	ProviderID string
	Chat       string // where it stands: the other side's address, or the group's
	Sender     string // who wrote it: the address as InMessage.From had it; empty with FromMe
	FromMe     bool
	Text       string // its beginning, to be shown beside the answer; may be empty
}

// Location is a place on the map.
type Location struct {
	Latitude  float64 `json:"latitude"`  // degrees, -90 to 90
	Longitude float64 `json:"longitude"` // degrees, -180 to 180
	Name      string  `json:"name,omitempty"`
	Address   string  `json:"address,omitempty"`
}

// Card is a contact to pass on.
type Card struct {
	Name  string `json:"name"`
	Phone string `json:"phone"` // digits with the country code
}

// Reaction is an emoji on an earlier message.
type Reaction struct {
	MessageID string `json:"messageId"` // the network's id of the earlier message
	Emoji     string `json:"emoji"`     // empty takes the reaction back
}

// OutMedia is one file to send. URL is public.
type OutMedia struct {
	URL         string
	ContentType string // may be empty where unknown
	FileName    string // may be empty
	Size        int64  // bytes; 0 where unknown

	// Open opens the bytes of a file that lies on this server, from their beginning, for kinds that hand files to their network. It may be called
	// again; the caller closes what it returns. nil: the file is to be had by its URL only.
	Open func() (io.ReadSeekCloser, error)
}

// Template is a message that the network has approved beforehand.
type Template struct {
	Name      string            `json:"name"`
	Language  string            `json:"language,omitempty"`
	Variables map[string]string `json:"variables,omitempty"`
}

// Receipt says that the network has accepted a message.
type Receipt struct {
	ProviderID string // the network's id of the message
	Status     Status // StatusSent, or later where the network already knows more
}

// Status is how far an outbound message has come.
type Status string

// The statuses in their order; failed ends a message that was not delivered.
const (
	StatusSent      Status = "sent"
	StatusDelivered Status = "delivered"
	StatusRead      Status = "read"
	StatusFailed    Status = "failed"
)

// CallbackRequest is what a provider sent, as plain values. Body is raw: signatures cover its bytes.
type CallbackRequest struct {
	Method     string
	URL        string // as the provider called it: BASE_URL, path and raw query
	Query      url.Values
	Header     http.Header
	Body       []byte
	ReceivedAt time.Time
}

// CallbackResult is what a callback carried, and what its sender wants to hear.
type CallbackResult struct {
	Messages []InMessage
	Statuses []StatusUpdate
	Response CallbackResponse
}

// CallbackResponse is the immediate answer to a provider. The zero value is an empty 200.
type CallbackResponse struct {
	ContentType string
	Body        string
}

// InMessage is one inbound message in the terms of every network.
type InMessage struct {
	ProviderID string // the network's id; the same message always has the same, so that a repeat is recognised
	From       string // phone numbers in digits without "+", else the network's own id of the person
	FromName   string // the name as the network tells it
	To         string // the channel's address
	Type       string // "text", "image", "video", "audio", "document", "sticker", "location", "contact", "reaction", "other"
	Text       string
	Media      []MediaRef
	Chat       string         `json:",omitempty"` // where an answer goes, where that is not From: a group's address
	FromMe     bool           `json:",omitempty"` // the owner wrote it, on another device of the account
	ReplyTo    string         // the provider's id of the message that this one answers
	Extra      map[string]any // further facts under names of ours, such as "location"; merged into the event's data
	Timestamp  time.Time      // when it was sent, by the network's clock; zero where not told
}

// MediaRef is a file that came with an inbound message and still lies with the provider.
type MediaRef struct {
	URL         string
	ContentType string
	FileName    string
}

// StatusUpdate is news of an outbound message, or with To and Until in place of an id, of all that went to a person until then.
type StatusUpdate struct {
	MessageID  string    // ours, where the callback carries it
	ProviderID string    // the network's
	To         string    `json:",omitempty"` // the person's address
	Until      time.Time `json:",omitzero"`  // by the network's clock
	Status     Status
	Error      *ProviderError // with StatusFailed, where told
	Code       string         `json:",omitempty"` // with StatusFailed: the code that a refusal at once would have had, such as CodeWindowExpired; or empty
	At         time.Time      // by the network's clock; zero where not told
}

// ProviderError is a refusal in the network's own words.
type ProviderError struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Raw     json.RawMessage `json:"-"` // the network's error object as it came, or nil
}

// SimulatedMessage is what POST /v1/channels/:id/simulate takes.
type SimulatedMessage struct {
	ID    string // a unique id for the message's ProviderID
	From  string
	Name  string
	Text  string
	Media []MediaRef
	At    time.Time
}

// AppReceiver takes the callbacks of a provider that calls one address for all channels of an app, as Meta does: one per app, at
// /callbacks/<name>. Channels of such a provider may also have an address of their own, by Receiver.
type AppReceiver interface {
	// ReceiveApp verifies one callback with the app's secret and sorts what it carries by the channel that it concerns. The rules are
	// those of Receiver.Receive. An app without a secret refuses everything with ErrSignature.
	ReceiveApp(request CallbackRequest) (AppResult, error)
}

// AppResult is what an app's callback carried.
type AppResult struct {
	Items    []AppItem
	Response CallbackResponse
}

// AppItem is what concerns one channel. The core gives it to every channel of that kind and address, whosever it is.
type AppItem struct {
	Kind     string // "facebook"
	Address  string // as Connector.Address returned it
	Messages []InMessage
	Statuses []StatusUpdate
}
