package messaging

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/meta"
)

// request is the body of the Send API.
type request struct {
	Recipient recipient `json:"recipient"`
	Type      string    `json:"messaging_type"` // RESPONSE within the window, MESSAGE_TAG after it
	Tag       string    `json:"tag,omitempty"`
	ReplyTo   *replyTo  `json:"reply_to,omitempty"`
	Message   content   `json:"message"`
}

type recipient struct {
	ID string `json:"id"`
}

type replyTo struct {
	MID string `json:"mid"`
}

type content struct {
	Text       string      `json:"text,omitempty"`
	Attachment *attachment `json:"attachment,omitempty"`
	Metadata   string      `json:"metadata,omitempty"`
}

type attachment struct {
	Type    string  `json:"type"` // image, audio, video or file
	Payload payload `json:"payload"`
}

type payload struct {
	URL string `json:"url"`
}

// Send makes one POST to the Page's messages. A template is a message tag by its name: the message is its text or file, and may go out
// after the window has closed.
func (c *Conn) Send(ctx context.Context, message connectors.OutMessage) (connectors.Receipt, error) {
	if err := connectors.CheckLimits(c.network.Info, message); err != nil {
		return connectors.Receipt{}, err
	}
	body, err := c.request(message)
	if err != nil {
		return connectors.Receipt{}, err
	}
	var answer struct {
		MessageID string `json:"message_id"`
	}
	if err := c.graph.Post(ctx, "/"+url.PathEscape(c.account.PageID)+"/messages", body, &answer); err != nil {
		return connectors.Receipt{}, err
	}
	if answer.MessageID == "" {
		return connectors.Receipt{}, connectors.Unconfirmed(errors.New("the answer of Meta names no message"))
	}
	return connectors.Receipt{ProviderID: answer.MessageID, Status: connectors.StatusSent}, nil
}

// request builds the body. Its errors are Rejected.
func (c *Conn) request(message connectors.OutMessage) (request, error) {
	to := strings.TrimSpace(message.To)
	if !isID(to) {
		return request{}, connectors.Rejected(connectors.CodeInvalidRecipient, "The recipient must be the id that came with a message of this person: digits only. It differs for each Page and account.", "to")
	}
	body := request{Recipient: recipient{to}, Type: "RESPONSE", Message: content{Text: message.Text}}
	if c.network.Metadata {
		body.Message.Metadata = message.ID
	}
	if message.ReplyTo != "" {
		body.ReplyTo = &replyTo{message.ReplyTo}
	}
	if message.Template != nil {
		if err := c.checkTag(message); err != nil {
			return request{}, err
		}
		body.Type, body.Tag = "MESSAGE_TAG", message.Template.Name
	}
	if len(message.Media) == 0 {
		return body, nil
	}
	file := message.Media[0]
	kind := attachmentType(file)
	switch most := c.network.ImageBytes; {
	case message.Text != "":
		return request{}, connectors.Rejected(connectors.CodeInvalidContent, c.network.Info.Name+" takes a text or a file in a message, not both. Send them as two messages.", "text")
	case kind == "image" && most > 0 && file.Size > most:
		return request{}, connectors.Rejected(connectors.CodeInvalidContent, fmt.Sprintf("The picture has %d bytes; %s takes at most %d. Send a smaller one.", file.Size, c.network.Info.Name, most), "media")
	}
	body.Message.Attachment = &attachment{Type: kind, Payload: payload{URL: file.URL}}
	return body, nil
}

func (c *Conn) checkTag(message connectors.OutMessage) error {
	switch {
	case !c.network.Tag(message.Template.Name):
		return connectors.Rejected(connectors.CodeInvalidContent, c.network.Info.Name+" has message tags in place of templates. Name one that Meta has approved your app for, such as HUMAN_AGENT.", "template.name")
	case len(message.Template.Variables) > 0:
		return connectors.Rejected(connectors.CodeInvalidContent, "A message tag has no variables. Leave them out.", "template.variables")
	case message.Text == "" && len(message.Media) == 0:
		return connectors.Rejected(connectors.CodeInvalidContent, "A message tag only labels a message. Give it a text or a file.", "text")
	}
	return nil
}

func isID(text string) bool {
	return text != "" && len(text) <= 32 && strings.Trim(text, "0123456789") == ""
}

// attachmentType sorts a file as the Send API wants it, by its type or else by how its address ends.
func attachmentType(file connectors.OutMedia) string {
	family, _, _ := strings.Cut(file.ContentType, "/")
	switch family {
	case "image", "audio", "video":
		return family
	case "":
		return byExtension(file.URL)
	}
	return "file"
}

func byExtension(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return "file"
	}
	switch strings.ToLower(path.Ext(parsed.Path)) {
	case ".jpg", ".jpeg", ".png", ".gif", ".webp":
		return "image"
	case ".mp3", ".m4a", ".aac", ".wav", ".amr":
		return "audio"
	case ".mp4", ".mov", ".webm", ".avi", ".ogv":
		return "video"
	}
	return "file"
}

// refusalOf gives the codes that Messenger and Instagram use in their own way their meaning, or nil. The codes are from Meta's list of
// Send API errors.
func refusalOf(code, subcode int) *connectors.Error {
	for _, class := range [...]func(code, subcode int) *connectors.Error{windowRefusal, personRefusal, accountRefusal} {
		if refusal := class(code, subcode); refusal != nil {
			return refusal
		}
	}
	return nil
}

func windowRefusal(code, subcode int) *connectors.Error {
	if code == 10 && (subcode == 2018278 || subcode == 2534022) {
		return connectors.Rejected(connectors.CodeWindowExpired, "The 24-hour window of this person is closed. Wait for a message from them.", "to")
	}
	return nil
}

func personRefusal(code, subcode int) *connectors.Error {
	rejected := func(message string) *connectors.Error {
		return connectors.Rejected(connectors.CodeInvalidRecipient, message, "to")
	}
	switch {
	case code == 10 && (subcode == 2018065 || subcode == 2018108):
		return rejected("This person cannot be written to now. Wait for a message from them.")
	case code == 100 && subcode == 2018001:
		return rejected("Meta knows no such person on this account. The id must come from a message to this very Page or account.")
	case code == 200 && subcode == 1545041, code == 551:
		return rejected("This person receives no messages from this account at present.")
	case code == 100 && subcode == 2018109:
		return connectors.Rejected(connectors.CodeInvalidContent, "The file is too large. Send a smaller one.", "media")
	case code == 10303:
		return connectors.Rejected("account_linking", "Meta refuses to link this person's account. Let them log in again.", "")
	}
	return nil
}

func accountRefusal(code, subcode int) *connectors.Error {
	switch {
	case code == 10 && subcode == 1893063:
		return meta.Paused()
	case code == 2 && subcode == 2018344:
		return connectors.Rejected(meta.CodePermissionMissing, "An administrator of the Page must accept Meta's terms of privacy first. Open the Page's inbox and follow the notice.", "")
	case code == 230, code == 200 && (subcode == 2018021 || subcode == 2018027 || subcode == 2018028):
		return connectors.Unlinked(connectors.CodeAuthFailed, "The app or the token may not send messages for this account. Grant pages_messaging (and instagram_manage_messages for Instagram), and make a new token.")
	case code == 1200:
		return connectors.Retryable(nil)
	}
	return nil
}
