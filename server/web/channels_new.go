package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/switchhook/switchhook/internal/problem"
)

// kindGroup is some kinds of channel below one heading.
type kindGroup struct {
	Name  string // key of the heading
	Kinds []kindCard
}

// kindCard is a kind of channel as one chooses it.
type kindCard struct {
	connectorInfo
	About string // a sentence on what it is for
	How   string // key of how it is connected
}

// channelKinds lets the user choose what to connect.
func (w *Web) channelKinds(p *page) error {
	kinds, err := p.connectors()
	if err != nil {
		return err
	}
	groups := []kindGroup{{Name: "start"}, {Name: "messages"}, {Name: "both"}, {Name: "posts"}}
	for _, kind := range kinds {
		place := 3
		switch {
		case kind.Can("link"), kind.Can("simulate"):
			place = 0
		case kind.Can("send") && kind.Can("publish"):
			place = 2
		case kind.Can("send"):
			place = 1
		}
		groups[place].Kinds = append(groups[place].Kinds, kindCard{kind, w.texts["channels.about."+kind.Kind], howToConnect(&kind)})
	}
	slices.SortStableFunc(groups[0].Kinds, func(a, b kindCard) int { // a number of one's own first
		if a.Can("link") == b.Can("link") {
			return 0
		}
		if a.Can("link") {
			return -1
		}
		return 1
	})
	groups = slices.DeleteFunc(groups, func(g kindGroup) bool { return len(g.Kinds) == 0 })
	return p.render(http.StatusOK, "channels/kinds", w.text("channels.new.title"), groups)
}

func howToConnect(kind *connectorInfo) string {
	switch {
	case kind.Can("link"):
		return "scan"
	case kind.Can("simulate"):
		return "nothing"
	case kind.Connect:
		return "login"
	}
	return "keys"
}

// newChannelData is what the form of a new channel shows.
type newChannelData struct {
	Kind   connectorInfo
	About  string
	Note   string // what to know before, or empty
	Form   *form
	Fields []channelField // that must be given
	More   []channelField // that can be
	Ask    *form          // of connecting on the network's page
	Asked  []channelField
	Open   bool // shows the settings where the kind connects on the network's page
}

// kind finds the kind of channel that the address names.
func (p *page) kind(name string) (*connectorInfo, error) {
	kinds, err := p.connectors()
	if err != nil {
		return nil, err
	}
	for i := range kinds {
		if kinds[i].Kind == name {
			return &kinds[i], nil
		}
	}
	return nil, problem.New(problem.NotFound, p.web.text("channels.new.unknown"))
}

func (w *Web) newChannelData(kind *connectorInfo) *newChannelData {
	data := &newChannelData{Kind: *kind, About: w.texts["channels.about."+kind.Kind], Note: w.texts["channels.note."+kind.Kind]}
	for _, field := range w.drawFields(kind.Fields, "config.", nil) {
		if field.Required {
			data.Fields = append(data.Fields, field)
		} else {
			data.More = append(data.More, field)
		}
	}
	data.Asked = w.drawFields(kind.ConnectFields, "ask.", nil)
	return data
}

func (w *Web) newChannel(p *page) error {
	kind, err := p.kind(p.Params("connector"))
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "channels/new", w.text("channels.new.kind", kind.Name), w.newChannelData(kind))
}

// makeChannel makes a channel and, where its kind can be checked, asks the network at once.
func (w *Web) makeChannel(p *page) error {
	kind, err := p.kind(p.Params("connector"))
	if err != nil {
		return err
	}
	var made channelInfo
	body := map[string]any{"connector": kind.Kind, "name": p.text("name"), "config": p.configOf(kind.Fields, nil)}
	if err := p.send("POST", "/v1/channels", body, &made); err != nil {
		data := w.newChannelData(kind)
		data.Form, data.Open = w.withoutSecrets(p.wrong(err, fieldNames(kind.Fields)...), kind.Fields), true
		return p.refused("channels/new", w.text("channels.new.kind", kind.Name), data)
	}
	to := "/app/channels/" + made.ID
	if made.Linked() {
		return p.redirect(to+"/link", "")
	}
	notice := w.text("channels.new.done")
	var check channelCheck
	if kind.Can("check") && p.send("POST", channelPath(made.ID, "check"), nil, &check) == nil && check.OK {
		notice = w.text("channels.new.works")
	}
	return p.redirect(to, notice)
}

// channelPath is the API's address of a channel, or of something below it.
func channelPath(id string, below ...string) string {
	return strings.Join(append([]string{"/v1/channels", url.PathEscape(id)}, below...), "/")
}

// startedConnection is where a person goes to connect a channel.
type startedConnection struct {
	URL       string `json:"url"`
	ExpiresAt string `json:"expiresAt"`
}

// connectData is what the page shows that leads to the network's.
type connectData struct {
	Kind    *connectorInfo
	Channel string // that is connected again, or empty
	Started startedConnection
}

// connectChannel begins to connect a channel on the network's own page, and says what will happen there.
func (w *Web) connectChannel(p *page) error {
	kind, err := p.kind(p.Params("connector"))
	if err != nil {
		return err
	}
	query, names := url.Values{}, []string{}
	for _, field := range kind.ConnectFields {
		names = append(names, field.Key+"=ask."+field.Key)
		if value := p.text("ask." + field.Key); value != "" {
			query.Set(field.Key, value)
		}
	}
	data := connectData{Kind: kind, Channel: p.text("channelId")}
	if data.Channel != "" {
		query.Set("channelId", data.Channel)
	}
	if err := p.read(&data.Started, "/v1/connect/"+url.PathEscape(kind.Kind), query); err != nil {
		if data.Channel != "" {
			return w.settingsRefused(p, data.Channel, nil, p.wrong(err))
		}
		again := w.newChannelData(kind)
		again.Ask = p.wrong(err, names...)
		again.Open = w.problem(err).Code == problem.Unsupported // what is left is to paste a token
		return p.refused("channels/new", w.text("channels.new.kind", kind.Name), again)
	}
	return p.render(http.StatusOK, "channels/connect", w.text("channels.connect.title", kind.Name), data)
}
