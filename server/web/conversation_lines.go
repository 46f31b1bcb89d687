package web

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// The direction of a message that came in.
const inbound = "inbound"

// messageInfo is a message of the API.
type messageInfo struct {
	ID         string      `json:"id"`
	ChannelID  string      `json:"channelId"`
	Direction  string      `json:"direction"`
	From       string      `json:"from"`
	To         string      `json:"to"`
	PushName   string      `json:"pushName"`
	Type       string      `json:"type"`
	Text       string      `json:"text"`
	Media      []mediaInfo `json:"media"`
	ReplyTo    string      `json:"replyTo"`
	Chat       string      `json:"chat"`
	FromMe     bool        `json:"fromMe"`
	ProviderID string      `json:"providerMessageId"`
	Status     string      `json:"status"`
	CreatedAt  string      `json:"createdAt"`
	UpdatedAt  string      `json:"updatedAt"`
	Template   *struct {
		Name     string `json:"name"`
		Language string `json:"language"`
	} `json:"template"`
	Location *struct {
		Latitude  float64 `json:"latitude"`
		Longitude float64 `json:"longitude"`
		Name      string  `json:"name"`
		Address   string  `json:"address"`
	} `json:"location"`
	Contact *struct {
		Name  string `json:"name"`
		Phone string `json:"phone"`
	} `json:"contact"`
	Reaction *struct {
		MessageID string `json:"messageId"`
		Emoji     string `json:"emoji"`
	} `json:"reaction"`
	Error *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// Mine tells a message of this side, also one that was written on another device.
func (m *messageInfo) Mine() bool { return m.Direction != inbound || m.FromMe }

// groupSuffix ends the address of a group of WhatsApp.
const groupSuffix = "@g.us"

// inGroup tells a message of a group, whose writers' names are not the group's.
func (m *messageInfo) inGroup() bool {
	return m.Chat != "" || strings.HasSuffix(m.To, groupSuffix)
}

type mediaInfo struct {
	URL         string `json:"url"`
	Kind        string `json:"kind"`
	ContentType string `json:"contentType"`
	FileName    string `json:"fileName"`
}

// line is a message as its conversation shows it.
type line struct {
	messageInfo
	Mine      bool
	Who       string // in a group: who wrote it
	Long      bool   // the text is longer than what is shown
	author    string
	Day       string // the day that begins with it, in UTC; the script goes by the reader's days
	At        time.Time
	Quote     *quote
	Reactions []reaction
	Files     []file
	Map       string // address of a map, for a place
	Word      string // what it is, where nothing of it can be shown
	Tick      *tick  // nil for what came in
	Said      string // for the line that is read out when it arrives
	Version   string // another one where the line is to be drawn anew
}

// quote is the message that another one answers.
type quote struct {
	ID   string // of its line; empty where it is not on the page
	Who  string
	Text string
}

type reaction struct{ Emoji, Who string }

// file is a file of a message. Only those that lie here are shown on the page: another address could tell who looks at it.
type file struct {
	URL, Kind, Name string
	Local           bool
}

// tick is how far a message of this side has come.
type tick struct{ Icon, Word, State, Reason, Code string }

// tick draws a message's status.
func (w *Web) tick(m *messageInfo) *tick {
	icons := map[string]string{
		"queued": "clock", "sending": "loader", "sent": "check", "delivered": "check-check", "read": "check-check", "failed": "circle-x", "unconfirmed": "circle-help",
	}
	if icons[m.Status] == "" { // written on another device
		return nil
	}
	t := &tick{Icon: icons[m.Status], Word: w.text("status." + m.Status), State: m.Status}
	switch {
	case m.Status == "unconfirmed":
		t.Reason = w.text("messages.unconfirmed")
	case m.Status == "failed" && m.Error != nil:
		t.Reason, t.Code = cmp.Or(m.Error.Message, w.text("messages.failed")), m.Error.Code
	case m.Status == "failed":
		t.Reason = w.text("messages.failed")
	}
	return t
}

// lines draws messages, oldest first. A reaction stands on the message that it is for, where that is among them.
func (w *Web) lines(rows []messageInfo) []line {
	all := make([]line, 0, len(rows))
	byProvider := map[string]int{}
	day := ""
	for i := range rows {
		m := &rows[i]
		if m.Reaction != nil {
			if at, found := byProvider[m.Reaction.MessageID]; found && m.Status != "failed" {
				all[at].react(reaction{m.Reaction.Emoji, w.writer(m)})
				continue
			}
		}
		l := w.line(m)
		if at, found := byProvider[m.ReplyTo]; found && m.ReplyTo != "" {
			l.Quote = &quote{ID: all[at].ID, Who: all[at].author, Text: all[at].Said}
		} else if m.ReplyTo != "" {
			l.Quote = &quote{Text: w.text("messages.quoteElsewhere")}
		}
		if begins := l.At.UTC().Format(time.DateOnly); begins != day {
			day, l.Day = begins, begins
		}
		if m.ProviderID != "" {
			byProvider[m.ProviderID] = len(all)
		}
		all = append(all, l)
	}
	for i := range all {
		all[i].Version = shortID("v", all[i].UpdatedAt, all[i].Status, fmt.Sprint(all[i].Reactions))
	}
	return all
}

// react puts a reaction in the place of the earlier one of the same person. An empty one takes it away.
func (l *line) react(r reaction) {
	kept := []reaction{}
	for _, earlier := range l.Reactions {
		if earlier.Who != r.Who {
			kept = append(kept, earlier)
		}
	}
	if r.Emoji != "" {
		kept = append(kept, r)
	}
	l.Reactions = kept
}

// writer is who wrote a message.
func (w *Web) writer(m *messageInfo) string {
	if m.Mine() {
		return w.text("messages.you")
	}
	return cmp.Or(strings.TrimSpace(m.PushName), m.From)
}

// line draws one message.
func (w *Web) line(m *messageInfo) line {
	l := line{messageInfo: *m, Mine: m.Mine(), Said: w.preview(m), author: w.writer(m)}
	l.Text = cut(m.Text, textLength)
	l.Long = l.Text != m.Text
	l.At, _ = parseTime(m.CreatedAt) // the API writes no other
	if l.Mine {
		l.Tick = w.tick(m)
	} else if m.Chat != "" {
		l.Who = w.writer(m)
	}
	for _, f := range m.Media {
		l.Files = append(l.Files, w.file(f))
	}
	if place := m.Location; place != nil {
		l.Map = fmt.Sprintf("https://www.openstreetmap.org/?mlat=%.6f&mlon=%.6f#map=16/%.6f/%.6f", place.Latitude, place.Longitude, place.Latitude, place.Longitude)
	}
	if m.Reaction != nil {
		l.Word = l.Said
	} else if m.Text == "" && len(l.Files) == 0 && m.Location == nil && m.Contact == nil && m.Template == nil {
		l.Word = w.kindOf(m)
	}
	return l
}

func (w *Web) file(f mediaInfo) file {
	shown := file{URL: f.URL, Kind: f.Kind, Name: visible(f.FileName)}
	if path := w.path(f.URL); strings.HasPrefix(path, "/media/") {
		shown.URL, shown.Local = path, true
	}
	kind, _, _ := strings.Cut(f.ContentType, "/")
	switch {
	case !shown.Local:
		shown.Kind = "file"
	case kind == "image" || kind == "video" || kind == "audio":
		shown.Kind = kind
	case shown.Kind == "sticker":
		shown.Kind = "image"
	}
	if shown.Name == "" {
		shown.Name = w.text("messages.kind.file")
		if word := w.texts["messages.kind."+shown.Kind]; word != "" {
			shown.Name = word
		}
	}
	return shown
}

// kindOf says what a message is.
func (w *Web) kindOf(m *messageInfo) string {
	if word := w.texts["messages.kind."+m.Type]; word != "" {
		return word
	}
	return w.text("messages.kind.other")
}

// previewLength is how much of a text a list shows, in characters.
const previewLength = 140

// textLength is how much of a text a conversation shows, in characters; more than any network takes.
const textLength = 20_000

// preview is a message in a few words.
func (w *Web) preview(m *messageInfo) string {
	if m.Reaction != nil {
		if m.Reaction.Emoji == "" {
			return w.text("messages.reactionBack")
		}
		return w.text("messages.reacted", visible(m.Reaction.Emoji))
	}
	text := strings.Join(strings.Fields(cut(m.Text, 4*previewLength)), " ")
	switch {
	case text != "":
	case m.Template != nil:
		text = w.text("messages.templateNamed", m.Template.Name)
	default:
		text = w.kindOf(m)
	}
	return visible(cut(text, previewLength))
}

// cut shortens a text to a number of characters.
func cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}
