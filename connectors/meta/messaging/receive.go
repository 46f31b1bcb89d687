package messaging

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/switchhook/switchhook/connectors"
)

// entry is what concerns one Page or Instagram account.
type entry struct {
	ID        string            `json:"id"`
	Messaging []json.RawMessage `json:"messaging"`
}

// event is one of an entry's events; one of its parts is set.
type event struct {
	Sender    person    `json:"sender"`
	Timestamp stamp     `json:"timestamp"`
	Message   *message  `json:"message"`
	Delivery  *delivery `json:"delivery"`
	Read      *read     `json:"read"`
	Postback  *postback `json:"postback"`
	Reaction  *reaction `json:"reaction"`
}

type person struct {
	ID string `json:"id"`
}

type message struct {
	MID         string `json:"mid"`
	Text        string `json:"text"`
	Echo        bool   `json:"is_echo"`
	Deleted     bool   `json:"is_deleted"`
	Metadata    string `json:"metadata"`
	Attachments []part `json:"attachments"`
	QuickReply  *struct {
		Payload string `json:"payload"`
	} `json:"quick_reply"`
	ReplyTo *struct {
		MID   string `json:"mid"`
		Story struct {
			ID  string `json:"id"`
			URL string `json:"url"`
		} `json:"story"`
	} `json:"reply_to"`
}

// part is an attachment.
type part struct {
	Type    string `json:"type"`
	Payload struct {
		URL         string      `json:"url"`
		Title       string      `json:"title"`
		StickerID   json.Number `json:"sticker_id"`
		Coordinates *struct {
			Latitude  float64 `json:"lat"`
			Longitude float64 `json:"long"`
		} `json:"coordinates"`
	} `json:"payload"`
}

type delivery struct {
	MIDs      []string `json:"mids"`
	Watermark stamp    `json:"watermark"`
}

type read struct {
	MID       string `json:"mid"`
	Watermark stamp  `json:"watermark"`
}

type postback struct {
	MID     string `json:"mid"`
	Title   string `json:"title"`
	Payload string `json:"payload"`
}

type reaction struct {
	MID    string `json:"mid"`
	Action string `json:"action"`
	Emoji  string `json:"emoji"`
	Name   string `json:"reaction"`
}

// stamp is a time in milliseconds since 1970; some events have seconds, or a text.
type stamp string

// UnmarshalJSON takes a number or a text.
func (s *stamp) UnmarshalJSON(raw []byte) error {
	*s = stamp(strings.Trim(string(raw), `"`))
	return nil
}

// secondsEnd is a count that is one of seconds below, and one of milliseconds from there on.
const secondsEnd = 1_000_000_000_000

func (s stamp) time() time.Time {
	n, err := strconv.ParseInt(string(s), 10, 64)
	switch {
	case err != nil || n <= 0 || n >= 10*secondsEnd:
		return time.Time{}
	case n < secondsEnd:
		return time.Unix(n, 0).UTC()
	}
	return time.UnixMilli(n).UTC()
}

// ParseEntry turns one entry of a callback into the items of the channel of that kind that it concerns. An event of a form that is not known
// here is no item: to refuse it would have Meta repeat it for days, together with all others that came with it. An entry that is no
// object is Rejected.
func ParseEntry(kind string, raw json.RawMessage) ([]connectors.AppItem, error) {
	var e entry
	if err := json.Unmarshal(raw, &e); err != nil {
		rejected := connectors.Rejected("invalid_callback", "An entry of the callback is not in the form of Meta's Webhooks.", "")
		rejected.Err = err
		return nil, rejected
	}
	item := connectors.AppItem{Kind: kind, Address: e.ID}
	for _, rawEvent := range e.Messaging {
		var one event
		if json.Unmarshal(rawEvent, &one) == nil && one.Sender.ID != "" {
			one.add(&item)
		}
	}
	if e.ID == "" || len(item.Messages)+len(item.Statuses) == 0 {
		return nil, nil
	}
	return []connectors.AppItem{item}, nil
}

func (e event) add(item *connectors.AppItem) {
	at := e.Timestamp.time()
	switch {
	case e.Message != nil && e.Message.Echo:
		if e.Message.MID != "" && e.Message.Metadata != "" {
			item.Statuses = append(item.Statuses, connectors.StatusUpdate{
				MessageID: e.Message.Metadata, ProviderID: e.Message.MID, Status: connectors.StatusSent, At: at,
			})
		}
	case e.Delivery != nil:
		item.Statuses = append(item.Statuses, e.progress(connectors.StatusDelivered, e.Delivery.MIDs, e.Delivery.Watermark)...)
	case e.Read != nil:
		var mids []string
		if e.Read.MID != "" {
			mids = []string{e.Read.MID}
		}
		item.Statuses = append(item.Statuses, e.progress(connectors.StatusRead, mids, e.Read.Watermark)...)
	case e.Sender.ID == item.Address: // the account's own doings that are not marked as echoes
	default:
		if in, ok := e.inbound(); ok {
			in.From, in.To, in.Timestamp = e.Sender.ID, item.Address, at
			item.Messages = append(item.Messages, in)
		}
	}
}

// progress tells of the messages that Meta names, and of all up to the watermark: news of one may have come while its sending was not
// yet noted here.
func (e event) progress(status connectors.Status, mids []string, watermark stamp) []connectors.StatusUpdate {
	var updates []connectors.StatusUpdate
	for _, mid := range mids {
		if mid != "" {
			updates = append(updates, connectors.StatusUpdate{ProviderID: mid, Status: status, At: e.Timestamp.time()})
		}
	}
	if until := watermark.time(); !until.IsZero() {
		updates = append(updates, connectors.StatusUpdate{To: e.Sender.ID, Until: until, Status: status, At: e.Timestamp.time()})
	}
	return updates
}

// inbound reads what a person sent; ok is false for what is nothing of the kind.
func (e event) inbound() (in connectors.InMessage, ok bool) {
	switch {
	case e.Message != nil && !e.Message.Deleted:
		return e.Message.inbound()
	case e.Postback != nil:
		in = connectors.InMessage{
			ProviderID: e.Postback.MID, Type: "text", Text: e.Postback.Title,
			Extra: map[string]any{"postback": map[string]any{"title": e.Postback.Title, "payload": e.Postback.Payload}},
		}
		if in.ProviderID == "" {
			in.ProviderID = fmt.Sprintf("postback:%s:%s", e.Sender.ID, e.Timestamp)
		}
		return in, true
	case e.Reaction != nil && e.Reaction.Action == "react" && e.Reaction.MID != "":
		in = connectors.InMessage{
			ProviderID: fmt.Sprintf("reaction:%s:%s", e.Reaction.MID, e.Timestamp), Type: "reaction", Text: e.Reaction.Emoji, ReplyTo: e.Reaction.MID,
		}
		if in.Text == "" {
			in.Text = e.Reaction.Name
		}
		return in, true
	}
	return in, false
}

func (m *message) inbound() (in connectors.InMessage, ok bool) {
	in = connectors.InMessage{ProviderID: m.MID, Type: "text", Text: m.Text, Extra: map[string]any{}}
	if m.QuickReply != nil {
		in.Extra["quickReply"] = m.QuickReply.Payload
	}
	if m.ReplyTo != nil {
		in.ReplyTo = m.ReplyTo.MID
		if story := m.ReplyTo.Story; story.ID+story.URL != "" {
			in.Extra["story"] = map[string]any{"id": story.ID, "url": story.URL}
		}
	}
	for i, p := range m.Attachments {
		kind := p.add(&in)
		if i == 0 {
			in.Type = kind
		}
	}
	if in.Text == "" && len(m.Attachments) == 0 {
		in.Type = "other" // of a kind that Meta does not pass on
	}
	if len(in.Extra) == 0 {
		in.Extra = nil
	}
	return in, m.MID != ""
}

// add puts an attachment into a message and returns the type that it gives it.
func (p part) add(in *connectors.InMessage) string {
	kind := map[string]string{
		"image": "image", "video": "video", "audio": "audio", "file": "document", "sticker": "sticker", "ig_reel": "video", "reel": "video",
		"location": "location", "like_heart": "sticker",
	}[p.Type]
	switch {
	case kind == "":
		kind = "other"
	case p.Payload.StickerID != "":
		kind = "sticker"
	}
	switch at := p.Payload.Coordinates; {
	case kind == "location" && at != nil:
		in.Extra["location"] = map[string]any{"latitude": at.Latitude, "longitude": at.Longitude, "name": p.Payload.Title}
	case p.Type == "fallback" || p.Type == "share" || p.Type == "template":
		if p.Payload.URL != "" {
			in.Extra["link"] = map[string]any{"url": p.Payload.URL, "title": p.Payload.Title}
		}
		if in.Text != "" {
			kind = "text" // the preview of an address in it
		}
	case p.Type == "like_heart":
		in.Text = "❤️"
	case p.Payload.URL != "" && kind != "location":
		in.Media = append(in.Media, connectors.MediaRef{URL: p.Payload.URL, ContentType: contentType(kind, p.Payload.URL)})
	}
	if p.Type == "story_mention" {
		in.Extra["storyMention"] = true
	}
	return kind
}

// contentType guesses a file's type, which Meta does not tell, by how its address ends and else by what most such files are.
func contentType(kind, address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return ""
	}
	byEnd := map[string]string{
		".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp",
		".mp4": "video/mp4", ".mov": "video/quicktime", ".webm": "video/webm", ".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".aac": "audio/aac",
		".wav": "audio/wav", ".ogg": "audio/ogg", ".pdf": "application/pdf",
	}[strings.ToLower(path.Ext(parsed.Path))]
	switch {
	case kind == "audio" && byEnd == "video/mp4":
		return "audio/mp4" // voice messages come as MP4 without pictures
	case byEnd != "":
		return byEnd
	}
	return map[string]string{"image": "image/jpeg", "sticker": "image/png", "video": "video/mp4", "audio": "audio/mp4"}[kind]
}
