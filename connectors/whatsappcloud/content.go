package whatsappcloud

import (
	"encoding/json"
	"math"

	"github.com/switchhook/switchhook/connectors"
)

// head is what every message has.
type head struct {
	ID     string `json:"id"`
	From   string `json:"from"`
	UserID string `json:"from_user_id"` // a business-scoped id; the only one of people who show no number
	Group  string `json:"group_id"`
	Type   string `json:"type"`
	At     stamp  `json:"timestamp"`
}

// content is a message's content; the part that Type names is set.
type content struct {
	Text        struct{ Body string } `json:"text"`
	Image       *file                 `json:"image"`
	Audio       *file                 `json:"audio"`
	Voice       *file                 `json:"voice"`
	Video       *file                 `json:"video"`
	Document    *file                 `json:"document"`
	Sticker     *file                 `json:"sticker"`
	Location    *place                `json:"location"`
	Contacts    []card                `json:"contacts"`
	Button      *button               `json:"button"`
	Interactive *interactive          `json:"interactive"`
	Reaction    *reaction             `json:"reaction"`
	Order       struct{ Text string } `json:"order"`
	System      struct{ Body string } `json:"system"`
	Referral    *referral             `json:"referral"`
	Context     struct {
		ID         string `json:"id"`
		Forwarded  bool   `json:"forwarded"`
		Frequently bool   `json:"frequently_forwarded"`
	} `json:"context"`
}

type file struct {
	ID      string `json:"id"`
	Type    string `json:"mime_type"`
	Name    string `json:"filename"`
	Caption string `json:"caption"`
}

type place struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Name      string  `json:"name"`
	Address   string  `json:"address"`
}

type card struct {
	Name struct {
		Formatted string `json:"formatted_name"`
	} `json:"name"`
	Phones []struct {
		Phone string `json:"phone"`
	} `json:"phones"`
	Emails []struct {
		Email string `json:"email"`
	} `json:"emails"`
}

type button struct {
	Text    string `json:"text"`
	Payload string `json:"payload"`
}

type interactive struct {
	Button *struct{ ID, Title string }              `json:"button_reply"`
	List   *struct{ ID, Title, Description string } `json:"list_reply"`
	Form   *struct {
		Name     string `json:"name"`
		Body     string `json:"body"`
		Response string `json:"response_json"`
	} `json:"nfm_reply"`
}

type reaction struct {
	MessageID string `json:"message_id"`
	Emoji     string `json:"emoji"` // none: the reaction was taken back
}

type referral struct {
	SourceURL  string `json:"source_url"`
	SourceType string `json:"source_type"`
	SourceID   string `json:"source_id"`
	Headline   string `json:"headline"`
	Body       string `json:"body"`
	MediaType  string `json:"media_type"`
	ImageURL   string `json:"image_url"`
	VideoURL   string `json:"video_url"`
	ClickID    string `json:"ctwa_clid"`
}

// inbound reads a message. One without an id or a sender is none, nor is one of a group. Content that is not understood leaves the type
// "other", so that nothing a person wrote is lost unseen.
func inbound(raw json.RawMessage, contacts []profile, address string) (connectors.InMessage, bool) {
	var h head
	if json.Unmarshal(raw, &h) != nil || h.Group != "" {
		return connectors.InMessage{}, false
	}
	message := connectors.InMessage{ProviderID: h.ID, To: address, Timestamp: h.At.Time, Type: "other"}
	if message.From = connectors.Digits(h.From); message.From == "" {
		message.From = h.From
	}
	if message.From == "" {
		message.From = h.UserID
	}
	facts := map[string]any{}
	if h.UserID != "" {
		facts["externalUserId"] = h.UserID
	}
	sender := senderOf(h, contacts)
	message.FromName = sender.Profile.Name
	if sender.Profile.Username != "" {
		facts["username"] = sender.Profile.Username
	}
	var c content
	if json.Unmarshal(raw, &c) == nil {
		c.describe(h.Type, &message, facts)
		c.circumstances(&message, facts)
	}
	if len(facts) > 0 {
		message.Extra = facts
	}
	return message, message.ProviderID != "" && message.From != ""
}

// senderOf finds a message's sender among the people that the callback names.
func senderOf(h head, contacts []profile) profile {
	for _, p := range contacts {
		if (p.WaID != "" && p.WaID == h.From) || (p.UserID != "" && p.UserID == h.UserID) {
			return p
		}
	}
	return profile{}
}

// describe sets type, text and files.
func (c content) describe(kind string, message *connectors.InMessage, facts map[string]any) {
	switch kind {
	case "text":
		message.Type, message.Text = "text", c.Text.Body
	case "location":
		c.Location.describe(message, facts)
	case "contacts":
		if len(c.Contacts) > 0 {
			message.Type, facts["contacts"] = "contact", cards(c.Contacts)
		}
	case "button":
		c.Button.describe(message, facts)
	case "interactive":
		c.Interactive.describe(message, facts)
	case "reaction":
		if r := c.Reaction; r != nil {
			message.Type, message.Text, message.ReplyTo = "reaction", r.Emoji, r.MessageID
		}
	case "order":
		message.Text = c.Order.Text
	case "system":
		message.Text = c.System.Body
	default:
		c.describeFile(kind, message)
	}
}

// describeFile reads a message that is a file.
func (c content) describeFile(kind string, message *connectors.InMessage) {
	f := map[string]*file{
		"image": c.Image, "audio": c.Audio, "voice": c.Voice, "video": c.Video, "document": c.Document, "sticker": c.Sticker,
	}[kind]
	if f == nil || !isMediaID(f.ID) {
		return
	}
	message.Type, message.Text = kind, f.Caption
	if kind == "voice" {
		message.Type = "audio"
	}
	message.Media = []connectors.MediaRef{{URL: mediaScheme + f.ID, ContentType: f.Type, FileName: f.Name}}
}

// describe reads a touch of a template's button.
func (b *button) describe(message *connectors.InMessage, facts map[string]any) {
	if b == nil {
		return
	}
	message.Type, message.Text = "text", b.Text
	facts["button"] = map[string]any{"text": b.Text, "payload": b.Payload}
}

// describe reads an answer to buttons, a list or a form that a business has sent.
func (i *interactive) describe(message *connectors.InMessage, facts map[string]any) {
	switch {
	case i == nil:
	case i.Button != nil:
		(&button{Text: i.Button.Title, Payload: i.Button.ID}).describe(message, facts)
	case i.List != nil:
		message.Type, message.Text = "text", i.List.Title
		facts["list"] = map[string]any{"id": i.List.ID, "title": i.List.Title, "description": i.List.Description}
	case i.Form != nil:
		message.Type, message.Text = "text", i.Form.Body
		form := map[string]any{"name": i.Form.Name, "response": i.Form.Response}
		var answers map[string]any
		if json.Unmarshal([]byte(i.Form.Response), &answers) == nil && answers != nil {
			form["response"] = answers
		}
		facts["form"] = form
	}
}

// circumstances tells what a message answers and where it comes from.
func (c content) circumstances(message *connectors.InMessage, facts map[string]any) {
	if c.Context.ID != "" && message.ReplyTo == "" {
		message.ReplyTo = c.Context.ID
	}
	if c.Context.Forwarded || c.Context.Frequently {
		facts["forwarded"] = true
	}
	if c.Referral == nil {
		return
	}
	r, advert := c.Referral, map[string]any{}
	media := r.ImageURL
	if media == "" {
		media = r.VideoURL
	}
	for key, value := range map[string]string{
		"body": r.Body, "headline": r.Headline, "sourceId": r.SourceID, "sourceType": r.SourceType, "sourceUrl": r.SourceURL,
		"mediaType": r.MediaType, "mediaUrl": media, "ctwaClid": r.ClickID,
	} {
		if value != "" {
			advert[key] = value
		}
	}
	facts["referral"] = advert
}

// describe reads a place; one off the map is none.
func (p *place) describe(message *connectors.InMessage, facts map[string]any) {
	if p == nil || math.Abs(p.Latitude) > 90 || math.Abs(p.Longitude) > 180 {
		return
	}
	shown := map[string]any{"latitude": p.Latitude, "longitude": p.Longitude}
	if p.Name != "" {
		shown["name"] = p.Name
	}
	if p.Address != "" {
		shown["address"] = p.Address
	}
	message.Type, facts["location"] = "location", shown
}

// cards shows the people of a contact message by name, phone numbers and mail addresses.
func cards(given []card) []any {
	shown := make([]any, 0, len(given))
	for _, c := range given {
		phones, emails := make([]string, 0, len(c.Phones)), make([]string, 0, len(c.Emails))
		for _, p := range c.Phones {
			phones = append(phones, p.Phone)
		}
		for _, e := range c.Emails {
			emails = append(emails, e.Email)
		}
		shown = append(shown, map[string]any{"name": c.Name.Formatted, "phones": phones, "emails": emails})
	}
	return shown
}
