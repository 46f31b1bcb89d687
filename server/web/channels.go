package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

func (w *Web) channelRoutes() []Route {
	return slices.Concat([]Route{
		{"GET", "/app/channels", loggedIn, w.channels},
		{"GET", "/app/channels/rows", loggedIn, w.channelRows},
		{"GET", "/app/channels/new", loggedIn, w.channelKinds},
		{"GET", "/app/channels/new/:connector", loggedIn, w.newChannel},
		{"POST", "/app/channels/new/:connector", loggedIn, w.makeChannel},
		{"POST", "/app/channels/connect/:connector", loggedIn, w.connectChannel},
		{"GET", "/app/channels/:id", loggedIn, w.channel},
		{"GET", "/app/channels/:id/state", loggedIn, w.channelState},
		{"POST", "/app/channels/:id/check", loggedIn, w.checkChannel},
		{"POST", "/app/channels/:id/simulate", loggedIn, w.simulate},
		{"GET", "/app/channels/:id/settings", loggedIn, w.channelSettings},
		{"POST", "/app/channels/:id/settings", loggedIn, w.changeChannel},
		{"POST", "/app/channels/:id/switch", loggedIn, w.switchChannel},
		{"POST", "/app/channels/:id/delete", loggedIn, w.deleteChannel},
	}, w.linkRoutes())
}

// channelInfo is a channel of the API.
type channelInfo struct {
	ID            string            `json:"id"`
	Connector     string            `json:"connector"`
	ChannelKey    string            `json:"channelKey"`
	Name          string            `json:"name"`
	Address       string            `json:"address"`
	Platform      string            `json:"platform"`
	Status        string            `json:"status"`
	StatusCode    string            `json:"statusCode"`
	StatusMessage string            `json:"statusMessage"`
	StatusAt      *string           `json:"statusAt"`
	Abilities     []string          `json:"abilities"`
	CallbackURL   string            `json:"callbackUrl"`
	Config        map[string]string `json:"config"`
	CreatedAt     string            `json:"createdAt"`
}

// Can tells whether channels of its kind can do something.
func (c *channelInfo) Can(ability string) bool { return slices.Contains(c.Abilities, ability) }

// Linked tells a linked device, which is a session too.
func (c *channelInfo) Linked() bool { return strings.HasPrefix(c.ID, "sess_") }

// Known is what people call the channel's address, which a device that was never linked has none of.
func (c *channelInfo) Known() string {
	if c.Address == c.ID {
		return ""
	}
	return c.Address
}

// connectorInfo is a kind of channel of the API.
type connectorInfo struct {
	Kind          string        `json:"kind"`
	Name          string        `json:"name"`
	Platform      string        `json:"platform"`
	DocsURL       string        `json:"docsUrl"`
	Abilities     []string      `json:"abilities"`
	Fields        []fieldOption `json:"fields"`
	Connect       bool          `json:"connect"`
	ConnectFields []fieldOption `json:"connectFields"`
}

// Can tells whether channels of this kind can do something.
func (c *connectorInfo) Can(ability string) bool { return slices.Contains(c.Abilities, ability) }

// channelRow is a channel as the list shows it.
type channelRow struct {
	Channel *channelInfo
	Kind    string // its connector's name for people
	State   channelView
}

// channelGroup is the channels of one network.
type channelGroup struct {
	Network string
	Rows    []channelRow
}

// channelsData is what the list shows.
type channelsData struct {
	Groups   []channelGroup
	Count    int
	Filtered bool
	Form     *form
	Kinds    []option
}

// mostPages is how many pages of 100 the list reads: an account has at most 200 channels.
const mostPages = 5

// readAll reads all pages of a list of the API that is never long.
func readAll[T any](p *page, path string, query url.Values) ([]T, error) {
	all := []T{}
	asked := url.Values{"limit": {"100"}}
	for key, values := range query {
		asked[key] = values
	}
	for range mostPages {
		var some list[T]
		if err := p.read(&some, path, asked); err != nil {
			return nil, err
		}
		all = append(all, some.Data...)
		if some.NextCursor == nil {
			break
		}
		asked.Set("cursor", *some.NextCursor)
	}
	return all, nil
}

// connectors are all kinds of channel.
func (p *page) connectors() ([]connectorInfo, error) {
	var kinds list[connectorInfo]
	err := p.read(&kinds, "/v1/connectors", nil)
	return kinds.Data, err
}

// channelFilter is what the list is narrowed by, without what is empty.
func (p *page) channelFilter() url.Values {
	filter := url.Values{}
	for _, name := range []string{"q", "connector"} {
		if value := strings.TrimSpace(p.Query(name)); value != "" {
			filter.Set(name, value)
		}
	}
	return filter
}

// channelsData reads the list with the filter of the page's address.
func (p *page) channelsData() (*channelsData, error) {
	filter := p.channelFilter()
	kinds, err := p.connectors()
	if err != nil {
		return nil, err
	}
	rows, err := readAll[channelInfo](p, "/v1/channels", filter)
	if err != nil {
		return nil, err
	}
	sessions, err := p.sessionsOf(rows)
	if err != nil {
		return nil, err
	}
	data := &channelsData{Count: len(rows), Filtered: len(filter) > 0, Form: &form{Values: filter}}
	data.Kinds = []option{{Label: p.web.text("channels.all")}}
	known := map[string]connectorInfo{}
	for _, kind := range kinds {
		known[kind.Kind] = kind
		data.Kinds = append(data.Kinds, option{Value: kind.Kind, Label: kind.Name})
	}
	groups := map[string]*channelGroup{}
	for i := range rows {
		c := &rows[i]
		kind := known[c.Connector]
		row := channelRow{c, cmp.Or(kind.Name, c.Connector), p.web.viewChannel(c, sessions[c.ID], kind.Connect)}
		network := p.web.network(c.Platform)
		if groups[network] == nil {
			groups[network] = &channelGroup{Network: network}
		}
		groups[network].Rows = append(groups[network].Rows, row)
	}
	for _, group := range groups {
		slices.SortStableFunc(group.Rows, func(a, b channelRow) int {
			return cmp.Compare(strings.ToLower(a.Channel.Name), strings.ToLower(b.Channel.Name))
		})
		data.Groups = append(data.Groups, *group)
	}
	slices.SortFunc(data.Groups, func(a, b channelGroup) int { return cmp.Compare(a.Network, b.Network) })
	return data, nil
}

// sessionsOf reads the sessions, where some of the channels are linked devices.
func (p *page) sessionsOf(rows []channelInfo) (map[string]*sessionInfo, error) {
	found := map[string]*sessionInfo{}
	if !slices.ContainsFunc(rows, func(c channelInfo) bool { return c.Linked() }) {
		return found, nil
	}
	all, err := readAll[sessionInfo](p, "/v1/sessions", nil)
	for i := range all {
		found[all[i].ID] = &all[i]
	}
	return found, err
}

// network is what people call a platform.
func (w *Web) network(platform string) string {
	if name := w.texts["channels.network."+platform]; name != "" {
		return name
	}
	return platform
}

func (w *Web) channels(p *page) error {
	data, err := p.channelsData()
	if err != nil {
		return err
	}
	return p.render(http.StatusOK, "channels/list", w.text("channels.title"), data)
}

// channelRows is the live and filtered part of the list.
func (w *Web) channelRows(p *page) error {
	data, err := p.channelsData()
	if err != nil {
		return err
	}
	address := "/app/channels"
	if filter := p.channelFilter(); len(filter) > 0 {
		address += "?" + filter.Encode()
	}
	p.Set("HX-Replace-Url", address)
	return p.fragment("channels/list", "channel-rows", data)
}
