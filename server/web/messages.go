package web

import (
	"cmp"
	"hash/fnv"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

func (w *Web) messageRoutes() []Route {
	return []Route{
		{"GET", "/app/messages", loggedIn, w.conversations},
		{"GET", "/app/messages/list", loggedIn, w.conversationRows},
		{"GET", "/app/messages/new", loggedIn, w.newConversation},
		{"POST", "/app/messages/new", loggedIn, w.startConversation},
		{"GET", "/app/messages/:channel/:contact", loggedIn, w.conversation},
		{"POST", "/app/messages/:channel/:contact", loggedIn, w.reply},
		{"GET", "/app/messages/:channel/:contact/lines", loggedIn, w.conversationLines},
	}
}

// conversationInfo is a conversation of the API.
type conversationInfo struct {
	ChannelID   string      `json:"channelId"`
	Contact     string      `json:"contact"`
	ContactName string      `json:"contactName"`
	LastMessage messageInfo `json:"lastMessage"`
	Unanswered  bool        `json:"unanswered"`
}

// conversationRow is a conversation as the list shows it.
type conversationRow struct {
	conversationInfo
	Name    string // what the other side is called
	Channel string // the channel's name; empty where it is gone
	Preview string // of the newest message
	Address string // of its page, with the list's filter
	ID      string // of its link: htmx puts the focus back on it
	Current bool
	Tick    *tick // nil where the newest message came in
}

// talkData is what the pages of conversations show: the list at the left, and at the right one of them, a new one or nothing.
type talkData struct {
	Rows     []conversationRow
	Filtered bool
	Failed   string // why there is no list
	Form     *form  // of the filter
	Kinds    []option
	Open     string // the conversation that is shown, as the list's links name it
	Newest   string // address of the list's first page; empty on it
	Older    string // address of the list's next page
	Chat     *chatData
	Start    *startData
}

// Side tells whether something is shown beside the list; on a phone it is all that is shown.
func (d *talkData) Side() bool { return d.Chat != nil || d.Start != nil }

// conversationPath is the address of a conversation's page. Who writes chooses the contact's text, so every character of it is escaped.
func conversationPath(channelID, contact string) string {
	return "/app/messages/" + url.PathEscape(channelID) + "/" + url.PathEscape(contact)
}

// shortID makes an id of HTML from any texts.
func shortID(prefix string, texts ...string) string {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(strings.Join(texts, "\x00"))) // it never fails
	return prefix + strconv.FormatUint(sum.Sum64(), 36)
}

// listFilter is what the list is narrowed by, without what is empty.
func (p *page) listFilter() url.Values {
	filter := url.Values{}
	for _, name := range []string{"q", "channelId", "cursor"} {
		if value := strings.TrimSpace(p.Query(name)); value != "" {
			filter.Set(name, value)
		}
	}
	return filter
}

// talk reads the list. base is the path of the page that it stands on, open the path of the conversation that is shown. A list that cannot be read
// does not keep the conversation from being shown.
func (p *page) talk(base, open string) (*talkData, error) {
	filter := p.listFilter()
	data := &talkData{Form: &form{Values: filter}, Open: open}
	channels, err := readAll[channelInfo](p, "/v1/channels", nil)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	data.Kinds = []option{{Label: p.web.text("messages.allChannels")}}
	for _, c := range channels {
		names[c.ID] = c.Name
		if c.Can("send") || c.Can("receive") || c.ID == filter.Get("channelId") {
			data.Kinds = append(data.Kinds, option{Value: c.ID, Label: visible(c.Name)})
		}
	}
	var rows list[conversationInfo]
	if err := p.read(&rows, "/v1/conversations", filter); err != nil {
		data.Failed = p.web.problem(err).Message
		return data, nil
	}
	narrowed := url.Values{}
	for _, name := range []string{"q", "channelId"} {
		if filter.Has(name) {
			data.Filtered = true
			narrowed.Set(name, filter.Get(name))
		}
	}
	for i := range rows.Data {
		data.Rows = append(data.Rows, p.web.conversationRow(&rows.Data[i], names, narrowed, open))
	}
	if filter.Has("cursor") {
		data.Newest = withQuery(base, narrowed)
	}
	if rows.NextCursor != nil {
		narrowed.Set("cursor", *rows.NextCursor)
		data.Older = withQuery(base, narrowed)
	}
	return data, nil
}

func (w *Web) conversationRow(c *conversationInfo, names map[string]string, filter url.Values, open string) conversationRow {
	path := conversationPath(c.ChannelID, c.Contact)
	row := conversationRow{
		conversationInfo: *c, Name: cmp.Or(strings.TrimSpace(c.ContactName), c.Contact), Channel: names[c.ChannelID], Preview: w.preview(&c.LastMessage),
		Address: withQuery(path, filter), ID: shortID("conversation-", c.ChannelID, c.Contact), Current: path == open,
	}
	if c.LastMessage.inGroup() {
		row.Name = w.text("messages.group", c.Contact)
	}
	if c.LastMessage.inGroup() && !c.LastMessage.Mine() {
		row.Preview = visible(w.writer(&c.LastMessage)) + ": " + row.Preview
	}
	if c.LastMessage.Mine() {
		row.Tick = w.tick(&c.LastMessage)
	}
	return row
}

func (w *Web) conversations(p *page) error {
	data, err := p.talk("/app/messages", "")
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "messages/talk", w.text("messages.title"), data)
}

// conversationRows is the live and filtered part of the list. The page that it stands on tells which conversation it shows.
func (w *Web) conversationRows(p *page) error {
	open := p.Query("open")
	base := "/app/messages"
	if strings.HasPrefix(open, base+"/") && local(open) {
		base = open
	}
	data, err := p.talk(base, open)
	if err != nil {
		return err
	}
	if p.Get("HX-Trigger") != "conversations" { // a filter, and no signal
		p.Set("HX-Replace-Url", withQuery(base, p.listFilter()))
	}
	return p.fragment("messages/talk", "conversation-rows", data)
}

// startData is the form of a message to somebody new.
type startData struct {
	Form     *form
	Channels []option // that can send
	Code     string   // of the refusal
}

func (w *Web) newConversation(p *page) error {
	known := filled(map[string]string{"channelId": p.Query("channelId"), "to": p.Query("to")})
	return w.showStart(p, http.StatusOK, &startData{Form: known})
}

func (w *Web) showStart(p *page, status int, start *startData) error {
	data, err := p.talk("/app/messages", "")
	if err != nil {
		return err
	}
	channels, err := readAll[channelInfo](p, "/v1/channels", nil)
	if err != nil {
		return err
	}
	for _, c := range channels {
		if c.Can("send") {
			start.Channels = append(start.Channels, option{Value: c.ID, Label: visible(c.Name) + " · " + w.network(c.Platform)})
		}
	}
	data.Start = start
	return p.render(status, "messages/talk", w.text("messages.new.title"), data)
}

// startConversation sends the first message and goes to the conversation that it begins.
func (w *Web) startConversation(p *page) error {
	var sent messageInfo
	body := map[string]string{"channelId": p.text("channelId"), "to": p.text("to"), "text": p.message("text")}
	if err := p.send("POST", "/v1/messages", body, &sent); err != nil {
		return w.showStart(p, http.StatusUnprocessableEntity, &startData{Form: p.wrong(err, "channelId", "to", "text"), Code: p.web.problem(err).Code})
	}
	return p.redirect(conversationPath(body["channelId"], cmp.Or(sent.To, body["to"])), "")
}
