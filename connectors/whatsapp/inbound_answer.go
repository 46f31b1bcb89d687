package whatsapp

import (
	"encoding/json"
	"strings"

	"go.mau.fi/whatsmeow/proto/waE2E"
)

// mostForm is how much of a filled-in form is handed on, in bytes.
const mostForm = 64 << 10

// answer reads the touch of a button, the choice from a list, or a filled-in form, under the names that whatsappcloud gives them.
func (d *draft) answer(name string, m *waE2E.Message) bool {
	switch name {
	case "buttonsResponseMessage":
		b := m.GetButtonsResponseMessage()
		d.touch(b.GetSelectedDisplayText(), b.GetSelectedButtonID())
	case "templateButtonReplyMessage":
		b := m.GetTemplateButtonReplyMessage()
		d.touch(b.GetSelectedDisplayText(), b.GetSelectedID())
	case "listResponseMessage":
		l := m.GetListResponseMessage()
		title := clean(l.GetTitle(), mostText)
		d.message.Type, d.message.Text = "text", title
		d.facts["list"] = map[string]any{
			"id": clean(l.GetSingleSelectReply().GetSelectedRowID(), mostQuote), "title": clean(title, mostQuote), "description": clean(l.GetDescription(), mostQuote),
		}
	case "interactiveResponseMessage":
		d.form(m.GetInteractiveResponseMessage())
	default:
		return false
	}
	return true
}

func (d *draft) touch(title, id string) {
	d.message.Type, d.message.Text = "text", clean(title, mostText)
	d.facts["button"] = map[string]any{"text": clean(title, mostQuote), "payload": clean(id, mostQuote)}
}

func (d *draft) form(given *waE2E.InteractiveResponseMessage) {
	d.message.Type, d.message.Text = "text", clean(given.GetBody().GetText(), mostText)
	flow := given.GetNativeFlowResponseMessage()
	response := clean(flow.GetParamsJSON(), mostForm)
	form := map[string]any{"name": clean(flow.GetName(), mostName), "response": response}
	var answers map[string]any
	if len(response) < mostForm && json.Unmarshal([]byte(response), &answers) == nil && answers != nil {
		form["response"] = answers
	}
	d.facts["form"] = form
}

// business reads what only businesses send: words with buttons, lists or a file above them. It is shown as the words or the file.
func (d *draft) business(name string, m *waE2E.Message) bool {
	switch name {
	case "templateMessage", "highlyStructuredMessage", "interactiveMessage", "buttonsMessage", "listMessage":
	default:
		return false
	}
	words := clean(businessText(m), mostText)
	above, head := header(m)
	if above == "" && words == "" {
		return false
	}
	d.message.Type = "text"
	if above != "" {
		d.file(above, head)
	}
	d.message.Text, d.facts["kind"] = words, contentKind(name)
	return true
}

// businessText returns the words that a business' message shows.
func businessText(m *waE2E.Message) string {
	template := templateOf(m)
	for _, words := range []string{
		hydratedText(template.GetHydratedTemplate()), hydratedText(template.GetHydratedFourRowTemplate()),
		interactiveText(template.GetInteractiveMessageTemplate()), interactiveText(m.GetInteractiveMessage()),
		lines(m.GetButtonsMessage().GetText(), m.GetButtonsMessage().GetContentText(), m.GetButtonsMessage().GetFooterText()),
		lines(m.GetListMessage().GetTitle(), m.GetListMessage().GetDescription(), m.GetListMessage().GetFooterText()),
	} {
		if words != "" {
			return words
		}
	}
	return ""
}

func templateOf(m *waE2E.Message) *waE2E.TemplateMessage {
	if t := m.GetTemplateMessage(); t != nil {
		return t
	}
	return m.GetHighlyStructuredMessage().GetHydratedHsm()
}

func hydratedText(t *waE2E.TemplateMessage_HydratedFourRowTemplate) string {
	return lines(t.GetHydratedTitleText(), t.GetHydratedContentText(), t.GetHydratedFooterText())
}

func interactiveText(i *waE2E.InteractiveMessage) string {
	return lines(i.GetHeader().GetTitle(), i.GetBody().GetText(), i.GetFooter().GetText())
}

func lines(parts ...string) string {
	var filled []string
	for _, part := range parts {
		if part != "" {
			filled = append(filled, part)
		}
	}
	return strings.Join(filled, "\n")
}

// headed is what may stand above the words of a business' message.
type headed interface {
	GetImageMessage() *waE2E.ImageMessage
	GetVideoMessage() *waE2E.VideoMessage
	GetDocumentMessage() *waE2E.DocumentMessage
}

// header finds the file above a business' message.
func header(m *waE2E.Message) (name string, head *waE2E.Message) {
	template := templateOf(m)
	for _, h := range []headed{
		template.GetHydratedTemplate(), template.GetHydratedFourRowTemplate(), template.GetInteractiveMessageTemplate().GetHeader(),
		m.GetInteractiveMessage().GetHeader(), m.GetButtonsMessage(),
	} {
		switch {
		case h.GetImageMessage() != nil:
			return "imageMessage", &waE2E.Message{ImageMessage: h.GetImageMessage()}
		case h.GetVideoMessage() != nil:
			return "videoMessage", &waE2E.Message{VideoMessage: h.GetVideoMessage()}
		case h.GetDocumentMessage() != nil:
			return "documentMessage", &waE2E.Message{DocumentMessage: h.GetDocumentMessage()}
		}
	}
	return "", nil
}
