package whatsappcloud

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/switchhook/switchhook/connectors"
)

// request is the body of a message. Exactly one of the contents is set, the one that Type names.
type request struct {
	Product       string       `json:"messaging_product"`
	RecipientType string       `json:"recipient_type"`
	To            string       `json:"to,omitempty"`        // digits
	Recipient     string       `json:"recipient,omitempty"` // a business-scoped user id, in place of To
	Type          string       `json:"type"`
	Context       *quoted      `json:"context,omitempty"`
	Ours          string       `json:"biz_opaque_callback_data,omitempty"` // our id; it comes back with each status
	Text          *outText     `json:"text,omitempty"`
	Image         *outFile     `json:"image,omitempty"`
	Audio         *outFile     `json:"audio,omitempty"`
	Video         *outFile     `json:"video,omitempty"`
	Sticker       *outFile     `json:"sticker,omitempty"`
	Document      *outFile     `json:"document,omitempty"`
	Template      *outTemplate `json:"template,omitempty"`
}

type quoted struct {
	MessageID string `json:"message_id"`
}

type outText struct {
	Body    string `json:"body"`
	Preview bool   `json:"preview_url"`
}

// Send makes one POST to the number's messages; a file that is not sent by its link is uploaded before. A template takes the place of text and files. Success means that Meta has accepted the
// message: that it cannot be delivered is told by a status later.
func (c *conn) Send(ctx context.Context, message connectors.OutMessage) (connectors.Receipt, error) {
	if err := connectors.CheckLimits(c.info, message); err != nil {
		return connectors.Receipt{}, err
	}
	body, err := c.prepare(ctx, message)
	if err != nil {
		return connectors.Receipt{}, err
	}
	var answer struct {
		Messages []struct {
			ID string `json:"id"`
		} `json:"messages"`
	}
	if err := c.graph.Post(ctx, "/"+url.PathEscape(c.numberID)+"/messages", body, &answer); err != nil {
		return connectors.Receipt{}, err
	}
	if len(answer.Messages) == 0 || answer.Messages[0].ID == "" {
		return connectors.Receipt{}, connectors.Unconfirmed(errors.New("the answer of Meta names no message"))
	}
	return connectors.Receipt{ProviderID: answer.Messages[0].ID, Status: connectors.StatusSent}, nil
}

// newRequest builds the body. Its errors are Rejected.
func newRequest(message connectors.OutMessage) (request, error) {
	body := request{Product: "whatsapp", RecipientType: "individual", Ours: message.ID}
	to := strings.TrimSpace(message.To)
	switch digits := connectors.Digits(to); {
	case digits != "":
		body.To = digits
	case isUserID(to):
		body.Recipient = to
	default:
		return request{}, connectors.Rejected(connectors.CodeInvalidRecipient, "The recipient must be a phone number with its country code, such as +16311112222, or the user id that came with a message.", "to")
	}
	if message.ReplyTo != "" {
		body.Context = &quoted{message.ReplyTo}
	}
	switch {
	case message.Template != nil:
		template, err := templateOf(message.Template)
		if err != nil {
			return request{}, err
		}
		body.Type, body.Template = "template", &template
	case len(message.Media) > 0:
		kind, file, err := fileOf(message.Media[0], message.Text)
		if err != nil {
			return request{}, err
		}
		body.setFile(kind, &file)
	default:
		linked := strings.Contains(message.Text, "https://") || strings.Contains(message.Text, "http://")
		body.Type, body.Text = "text", &outText{Body: message.Text, Preview: linked}
	}
	return body, nil
}

// file returns the file that the message or its template's header has, and what kind it is; nil where there is none.
func (r *request) file() (kind string, file *outFile) {
	files := map[string]*outFile{kindImage: r.Image, kindAudio: r.Audio, kindVideo: r.Video, kindSticker: r.Sticker, kindDocument: r.Document}
	kind = r.Type
	if r.Template != nil && len(r.Template.Components) > 0 {
		first := r.Template.Components[0].Parameters[0]
		kind, files = first.Type, map[string]*outFile{kindImage: first.Image, kindVideo: first.Video, kindDocument: first.Document}
	}
	return kind, files[kind]
}

func (r *request) setFile(kind string, file *outFile) {
	r.Type = kind
	switch kind {
	case kindImage:
		r.Image = file
	case kindAudio:
		r.Audio = file
	case kindVideo:
		r.Video = file
	case kindSticker:
		r.Sticker = file
	default:
		r.Document = file
	}
}

// isUserID tells whether a text has the form of a business-scoped user id: a country's two letters, a dot, letters and digits. People
// who show a user name in place of their number have only that.
func isUserID(text string) bool {
	country, id, found := strings.Cut(text, ".")
	if !found || len(country) != 2 || strings.ToUpper(country) != country || id == "" || len(id) > 128 {
		return false
	}
	return !strings.ContainsFunc(country+id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '.'
	})
}
