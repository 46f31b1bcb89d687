package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/authorize"
	"github.com/switchhook/switchhook/internal/channel"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/session"
	"github.com/switchhook/switchhook/internal/store"
)

// channelView is a channel as answers show it. Secrets in Config are masked.
type channelView struct {
	ID            string               `json:"id"`
	Connector     string               `json:"connector"`
	ChannelKey    string               `json:"channelKey"`
	Name          string               `json:"name"`
	Address       string               `json:"address"`
	Platform      string               `json:"platform"`
	Status        store.ChannelStatus  `json:"status"`
	StatusCode    string               `json:"statusCode"`
	StatusMessage string               `json:"statusMessage"`
	StatusAt      timestamp            `json:"statusAt"`
	Abilities     []connectors.Ability `json:"abilities"`
	CallbackURL   string               `json:"callbackUrl"`
	Config        connectors.Config    `json:"config"`
	CreatedAt     timestamp            `json:"createdAt"`
	UpdatedAt     timestamp            `json:"updatedAt"`
}

func (s *Server) showChannel(c *store.Channel) (channelView, error) {
	config, err := s.Channels.MaskedConfig(c)
	if err != nil {
		return channelView{}, err
	}
	info, _ := s.Channels.Info(c.Connector) // without it the channel has no abilities here
	if info.Abilities == nil {
		info.Abilities = []connectors.Ability{}
	}
	return channelView{
		ID: c.ID, Connector: c.Connector, ChannelKey: c.ChannelKey, Name: c.Name, Address: c.Address, Platform: info.Platform,
		Status: c.Status, StatusCode: c.StatusCode, StatusMessage: c.StatusMessage, StatusAt: timestamp(c.StatusAt),
		Abilities: info.Abilities, CallbackURL: s.Channels.CallbackURL(c), Config: config,
		CreatedAt: timestamp(c.CreatedAt), UpdatedAt: timestamp(c.UpdatedAt),
	}, nil
}

// connectorView is a kind of channel as answers show it.
type connectorView struct {
	connectors.Info
	Connect       bool               `json:"connect"`
	ConnectFields []connectors.Field `json:"connectFields,omitempty"`
}

// showConnector shows a kind of channel with lists that are never null.
func showConnector(connector connectors.Connector) connectorView {
	info := connector.Info()
	fields, able := authorize.Fields(connector)
	if info.Abilities == nil {
		info.Abilities = []connectors.Ability{}
	}
	if info.Fields == nil {
		info.Fields = []connectors.Field{}
	}
	return connectorView{info, able, fields}
}

// listConnectors shows every kind of channel, by the order of their names in the API.
func (s *Server) listConnectors(*request) (answer, error) {
	l := list[connectorView]{Data: make([]connectorView, 0, len(s.Connectors))}
	for _, kind := range slices.Sorted(maps.Keys(s.Connectors)) {
		l.Data = append(l.Data, showConnector(s.Connectors[kind]))
	}
	return ok(l)
}

func (s *Server) listChannels(r *request) (answer, error) {
	page, err := r.searchPage("chan", "sess")
	if err != nil {
		return answer{}, err
	}
	filter, err := s.channelFilter(r)
	if err != nil {
		return answer{}, err
	}
	rows, err := s.Channels.List(r.ctx, r.account(), filter, page)
	if err != nil {
		return answer{}, err
	}
	views := make([]channelView, len(rows))
	for i, c := range rows {
		if views[i], err = s.showChannel(c); err != nil {
			return answer{}, err
		}
	}
	return listOf(views, page, func(v channelView) channelView { return v }, func(v channelView) string { return v.ID })
}

// abilities are the words for what channels can do.
func abilities() []string {
	var names []string
	for _, ability := range []connectors.Ability{
		connectors.AbilitySend, connectors.AbilityReceive, connectors.AbilityStatus, connectors.AbilityMedia, connectors.AbilityTemplate, connectors.AbilityCheck,
		connectors.AbilitySimulate, connectors.AbilityRich, connectors.AbilityLink, connectors.AbilityPublish,
	} {
		names = append(names, string(ability))
	}
	return names
}

// channelFilter reads what a list of channels is narrowed by. An ability is that of some kinds.
func (s *Server) channelFilter(r *request) (store.ChannelFilter, error) {
	status, err := r.oneOf("status", string(store.ChannelNew), string(store.ChannelConnected), string(store.ChannelNeedsLink), string(store.ChannelDisabled))
	if err != nil {
		return store.ChannelFilter{}, err
	}
	ability, err := r.oneOf("ability", abilities()...)
	if err != nil {
		return store.ChannelFilter{}, err
	}
	filter, kind := store.ChannelFilter{Status: store.ChannelStatus(status)}, r.Query("connector")
	switch {
	case ability != "":
		filter.Connectors = []string{}
		for name, connector := range s.Connectors {
			if (kind == "" || kind == name) && slices.Contains(connector.Info().Abilities, connectors.Ability(ability)) {
				filter.Connectors = append(filter.Connectors, name)
			}
		}
		slices.Sort(filter.Connectors)
	case kind != "":
		filter.Connectors = []string{kind}
	}
	return filter, nil
}

func (s *Server) createChannel(r *request) (answer, error) {
	var body struct {
		Connector string                     `json:"connector"`
		Name      string                     `json:"name"`
		Config    map[string]json.RawMessage `json:"config"`
	}
	if err := r.decode(&body); err != nil {
		return answer{}, err
	}
	config, err := readConfig(body.Config)
	if err != nil {
		return answer{}, err
	}
	c, err := s.makeChannel(r, body.Connector, body.Name, config)
	if err != nil {
		return answer{}, err
	}
	view, err := s.showChannel(c)
	if err != nil {
		return answer{}, err
	}
	return created(view)
}

// makeChannel makes a channel. Those that are linked devices are sessions.
func (s *Server) makeChannel(r *request, kind, name string, config connectors.Config) (*store.Channel, error) {
	if info, _ := s.Channels.Info(kind); slices.Contains(info.Abilities, connectors.AbilityLink) {
		made, err := s.Sessions.Create(r.ctx, session.Draft{
			ID: r.newID("sess", s.Channels.IDs()), AccountID: r.account(), Connector: kind, Name: name, Config: config,
		})
		if err != nil {
			return nil, err
		}
		return made.Channel, nil
	}
	return s.Channels.Create(r.ctx, channel.Draft{
		ID: r.newID("chan", s.Channels.IDs()), AccountID: r.account(), Connector: kind, Name: name, Config: config,
	})
}

// readConfig takes texts, and null for "none", and names each value that is something else.
func readConfig(given map[string]json.RawMessage) (connectors.Config, error) {
	if given == nil {
		return nil, nil
	}
	config := connectors.Config{}
	var wrong []problem.Field
	for _, key := range slices.Sorted(maps.Keys(given)) {
		var value string
		if err := json.Unmarshal(given[key], &value); err != nil && !bytes.Equal(given[key], []byte("null")) {
			name := "config." + key
			wrong = append(wrong, problem.Field{Field: name, Code: problem.InvalidField, Message: fmt.Sprintf("%s must be a text in quotes.", name)})
			continue
		}
		config[key] = value
	}
	return config, problem.Invalid(wrong...)
}

func (s *Server) getChannel(r *request) (answer, error) {
	c, err := s.Channels.Get(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, err
	}
	return s.answerChannel(c)
}

func (s *Server) answerChannel(c *store.Channel) (answer, error) {
	view, err := s.showChannel(c)
	if err != nil {
		return answer{}, err
	}
	return ok(view)
}

func (s *Server) changeChannel(r *request) (answer, error) {
	change, err := readChange(r)
	if err != nil {
		return answer{}, err
	}
	c, err := s.Channels.Change(r.ctx, r.account(), r.Params("id"), change)
	if err != nil {
		return answer{}, err
	}
	return s.answerChannel(c)
}

// readChange reads what is to be changed of a channel or a session.
func readChange(r *request) (channel.Change, error) {
	var body struct {
		Name   *string                    `json:"name"`
		Status *string                    `json:"status"`
		Config map[string]json.RawMessage `json:"config"`
	}
	if err := r.decode(&body); err != nil {
		return channel.Change{}, err
	}
	config, err := readConfig(body.Config)
	if err != nil {
		return channel.Change{}, err
	}
	change := channel.Change{Name: body.Name, Config: config}
	if body.Status != nil {
		disabled := *body.Status == "disabled"
		if !disabled && *body.Status != "active" {
			return change, problem.InvalidOne("status", `status takes "active" or "disabled". The others are set by what the network answers.`)
		}
		change.Disabled = &disabled
	}
	return change, nil
}

func (s *Server) deleteChannel(r *request) (answer, error) {
	if strings.HasPrefix(r.Params("id"), "sess_") {
		return s.deleteSession(r) // it is unlinked, too
	}
	if err := s.Channels.Delete(r.ctx, r.account(), r.Params("id")); err != nil {
		return answer{}, err
	}
	return noContent()
}

// checkView is what a network said of a channel's credentials.
type checkView struct {
	OK      bool                `json:"ok"`
	Status  store.ChannelStatus `json:"status"`
	Code    string              `json:"code,omitempty"`
	Message string              `json:"message"`
}

func (s *Server) checkChannel(r *request) (answer, error) {
	c, err := s.Channels.Check(r.ctx, r.account(), r.Params("id"))
	if err != nil {
		return answer{}, err
	}
	view := checkView{OK: c.Status == store.ChannelConnected, Status: c.Status, Code: c.StatusCode, Message: c.StatusMessage}
	if view.OK {
		view.Message = "The network accepts the credentials."
	}
	return ok(view)
}
