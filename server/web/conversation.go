package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/switchhook/switchhook/internal/problem"
)

// chatData is a conversation as its page shows it.
type chatData struct {
	Channel   *channelInfo
	Kind      string // of the channel, for people
	Gone      bool   // the channel was deleted; its messages are still there
	Contact   string
	Name      string // what the other side is called
	Known     *contactInfo
	Number    bool // the other side is a phone number, which can be a contact
	Lines     []line
	Path      string
	Listen    string // what the lines are told of
	Older     string // address of the page with older messages
	OlderPart string // the same as a part, for the script
	Before    string // the cursor of the page, where it does not show the newest
	Window    *windowState
	Form      *form
	Code      string // of a refusal
	MayReply  bool
	MaySend   string // why not
	Files     bool   // the channel sends files
	Quotes    bool   // an answer can name the message that it answers
}

// windowState tells whether a text may be sent on a network that takes those only for a while after the other side has written.
type windowState struct {
	Open  bool
	Until time.Time // while it is open
}

// messageWindow is that while, on all networks that have one: the rules of WhatsApp, Messenger and Instagram say 24 hours.
const messageWindow = 24 * time.Hour

// linesOnPage is how many messages a page of a conversation has.
const linesOnPage = "50"

// named are the parts of a conversation's address, which are escaped there.
func (p *page) named() (channelID, contact string, err error) {
	if channelID, err = url.PathUnescape(p.Params("channel")); err == nil {
		contact, err = url.PathUnescape(p.Params("contact"))
	}
	if err != nil || !storable(url.Values{channelID: {contact}}) {
		return "", "", problem.New(problem.NotFound, p.web.text("error.missing"))
	}
	return channelID, contact, nil
}

// chat reads a conversation. One without messages is there where its channel is: somebody may write the first.
func (p *page) chat() (*chatData, error) {
	channelID, contact, err := p.named()
	if err != nil {
		return nil, err
	}
	data := &chatData{Channel: &channelInfo{ID: channelID}, Contact: contact, Path: conversationPath(channelID, contact), Before: p.Query("before")}
	rows, err := p.chatLines(data)
	if err != nil {
		return nil, err
	}
	if err := p.read(data.Channel, "/v1/channels/"+segment(channelID), nil); err != nil {
		if p.web.problem(err).Status != http.StatusNotFound || len(rows) == 0 {
			return nil, err
		}
		data.Gone = true
	}
	if err := p.nameChannel(data); err != nil {
		return nil, err
	}
	if err := p.nameContact(data, rows); err != nil {
		return nil, err
	}
	data.MayReply, data.MaySend = p.mayReply(data)
	if data.MayReply && p.web.texts["messages.window."+data.Channel.Connector] != "" {
		data.Window, err = p.window(data)
	}
	return data, err
}

// chatLines reads the messages of the page, oldest first.
func (p *page) chatLines(data *chatData) ([]messageInfo, error) {
	query := url.Values{"channelId": {data.Channel.ID}, "contact": {data.Contact}, "limit": {linesOnPage}}
	if data.Before != "" {
		query.Set("cursor", data.Before)
	}
	var rows list[messageInfo]
	if err := p.read(&rows, "/v1/messages", query); err != nil {
		return nil, err
	}
	slices.Reverse(rows.Data)
	data.Lines = p.web.lines(rows.Data)
	data.Listen = "message:" + data.Contact
	if data.Contact == "" || strings.ContainsAny(data.Contact, ": \t\r\n\f") { // a signal cannot be told by it
		data.Listen = "message:" + data.Channel.ID
	}
	if rows.NextCursor != nil {
		older := url.Values{"before": {*rows.NextCursor}}
		data.Older, data.OlderPart = withQuery(data.Path, older), withQuery(data.Path+"/lines", older)
	}
	return rows.Data, nil
}

func (p *page) nameChannel(data *chatData) error {
	if data.Gone {
		return nil
	}
	kinds, err := p.connectors()
	if err != nil {
		return err
	}
	data.Kind = data.Channel.Connector
	for _, kind := range kinds {
		if kind.Kind == data.Channel.Connector {
			data.Kind = kind.Name
		}
	}
	data.Files = data.Channel.Can("media")
	data.Quotes = data.Channel.Platform == "whatsapp" && data.Channel.Connector != "twilio_whatsapp" || data.Channel.Connector == "sandbox"
	return nil
}

// nameContact finds out what the other side is called: in the contacts, else in what the network told with a message.
func (p *page) nameContact(data *chatData, rows []messageInfo) error {
	data.Name = data.Contact
	if slices.ContainsFunc(rows, func(m messageInfo) bool { return m.inGroup() }) {
		data.Name = p.web.text("messages.group", data.Contact)
		return nil
	}
	for _, m := range slices.Backward(rows) {
		if m.PushName != "" && m.Direction == inbound && !m.FromMe {
			data.Name = m.PushName
			break
		}
	}
	data.Number = data.Contact != "" && strings.Trim(data.Contact, "0123456789") == ""
	if !data.Number {
		return nil
	}
	var found list[contactInfo]
	if err := p.read(&found, "/v1/contacts", url.Values{"phone_number": {data.Contact}}); err != nil {
		return err
	}
	if len(found.Data) > 0 {
		data.Known = &found.Data[0]
		data.Name = cmp.Or(strings.TrimSpace(data.Known.Name), data.Name)
	}
	return nil
}

// mayReply tells whether the page has a box for an answer, and why not.
func (p *page) mayReply(data *chatData) (bool, string) {
	switch {
	case data.Gone:
		return false, p.web.text("messages.gone")
	case !data.Channel.Can("send"):
		return false, p.web.text("messages.receivesOnly")
	case data.Before != "":
		return false, ""
	}
	return true, ""
}

// window looks for the newest message of the other side.
func (p *page) window(data *chatData) (*windowState, error) {
	var last list[messageInfo]
	query := url.Values{"channelId": {data.Channel.ID}, "contact": {data.Contact}, "direction": {inbound}, "limit": {"1"}}
	if err := p.read(&last, "/v1/messages", query); err != nil || len(last.Data) == 0 {
		return &windowState{}, err
	}
	at, err := parseTime(last.Data[0].CreatedAt)
	if err != nil {
		return nil, err
	}
	until := at.Add(messageWindow)
	return &windowState{Open: p.web.o.Now().Before(until), Until: until}, nil
}

func (w *Web) conversation(p *page) error { return w.showConversation(p, http.StatusOK, nil, "") }

// showConversation draws the page; f and code are an answer that was refused.
func (w *Web) showConversation(p *page, status int, f *form, code string) error {
	chat, err := p.chat()
	if err != nil {
		return err
	}
	chat.Form, chat.Code = f, code
	data, err := p.talk(chat.Path, chat.Path)
	if err != nil {
		return err
	}
	data.Chat = chat
	return p.render(status, "messages/talk", w.text("messages.with", visible(chat.Name)), data)
}

// conversationLines is the messages alone, for the script: the newest, or those before a cursor.
func (w *Web) conversationLines(p *page) error {
	channelID, contact, err := p.named()
	if err != nil {
		return err
	}
	chat := &chatData{Channel: &channelInfo{ID: channelID}, Contact: contact, Path: conversationPath(channelID, contact), Before: p.Query("before")}
	if _, err := p.chatLines(chat); err != nil {
		return err
	}
	return p.fragment("messages/talk", "lines", &talkData{Chat: chat})
}

// message is a text of a form as it is sent: browsers end lines with two characters, and one of spaces alone is empty.
func (p *page) message(name string) string {
	if p.text(name) == "" {
		return ""
	}
	return strings.ReplaceAll(p.form.Get(name), "\r\n", "\n")
}

// reply sends a text that was typed without scripts.
func (w *Web) reply(p *page) error {
	channelID, contact, err := p.named()
	if err != nil {
		return err
	}
	err = p.send("POST", "/v1/messages", map[string]string{"channelId": channelID, "to": contact, "text": p.message("text")}, nil)
	if err == nil {
		return p.redirect(conversationPath(channelID, contact)+"#reply", "")
	}
	code := w.problem(err).Code
	f := p.wrong(err, "text")
	if code == "unconfirmed" { // it stands among the messages and may have gone out
		f.Values.Del("text")
	}
	return w.showConversation(p, http.StatusUnprocessableEntity, f, code)
}
